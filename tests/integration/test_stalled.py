# SPDX-License-Identifier: Apache-2.0
"""A reader of the dump that stalls for 150 seconds: the sessions on the server outlive it, whatever the server's own limits are.

The stalls begin with the first test that is not quick and are looked at last, so that nobody waits for them.
"""
import pytest

from conftest import STALL_S
from lab import proc, tool
from lab.server import MariaDB, MySQL97
from steps import assert_running, assert_same


@pytest.mark.stalled
@pytest.mark.parametrize("flavour", [MySQL97, MariaDB], ids=lambda f: f.flavour)
def test_a_reader_that_stalled_150_seconds_has_everything(flavour, stalls):
    if flavour.why_missing:
        pytest.skip(flavour.why_missing)
    stall = stalls[flavour]
    lab = stall.lab
    stall.running.finish(STALL_S + 120)
    proc.wait_until(lambda: not stall.is_alive(), 30, "the reader to end")
    assert stall.lasted >= STALL_S - 1
    assert_running(lab)
    with open(stall.path, "rb") as dump:
        tool.run("verify", "--from", "-", stdin=dump)
    target = lab.target()
    with open(stall.path, "rb") as dump:
        tool.seed("-", target, lab.sources, stdin=dump)
    assert_same(lab, target)
