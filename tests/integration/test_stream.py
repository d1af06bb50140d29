# SPDX-License-Identifier: Apache-2.0
"""A snapshot through a pipe."""
import os
import subprocess
import tarfile

import pytest

from conftest import topology
from lab import bulk, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, assert_same


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        bulk.fill(made.source, "depot", "goods", 20)
        made.wait_caught_up()
        yield made


def _pipe(lab, path):
    with open(path, "wb") as out:
        return tool.start_backup(lab.replica, "-", stdout=out).finish()


def test_a_pipe_holds_everything(lab, tmp_path):
    with Loads(lab, rate=60, ddl_every=0):
        result = _pipe(lab, tmp_path / "dump.tar")
    assert result.json_of_a_pipe["pause_ms"] < 1000, "the JSON document goes to stderr when the data go to stdout"
    with tarfile.open(tmp_path / "dump.tar") as tar:
        names = tar.getnames()
    assert "manifest" in names[-1]
    for verb in (["verify"], ["restore", "--to-dir", tmp_path / "out"]):
        with open(tmp_path / "dump.tar", "rb") as dump:
            tool.run(verb[0], "--from", "-", *verb[1:], stdin=dump)
    assert (tmp_path / "out" / "metadata").exists()


def test_a_pipe_that_ends_early_is_no_snapshot(lab, tmp_path):
    _pipe(lab, tmp_path / "dump.tar")
    whole = (tmp_path / "dump.tar").stat().st_size
    target = lab.target()
    for keep in (0, whole // 2, whole - 20000):
        subprocess.run(["truncate", "-s", str(keep), tmp_path / "dump.tar"], check=True)
        for verb in (["verify"], ["restore", "--to-dir", tmp_path / "out"]):
            with open(tmp_path / "dump.tar", "rb") as dump:
                tool.run(verb[0], "--from", "-", *verb[1:], stdin=dump, expect=tool.SNAPSHOT)
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
        with open(tmp_path / "dump.tar", "rb") as dump:
            tool.seed("-", target, lab.sources, stdin=dump, expect=tool.SNAPSHOT)
        assert not target.status()
    lab.drop(target)


def test_seed_from_a_pipe_that_is_being_written(lab):
    """backup --to - | seed --from -"""
    target = lab.target()
    with Loads(lab, rate=60, ddl_every=0) as loads:
        read_end, write_end = os.pipe()
        writing = tool.start_backup(lab.replica, "-", stdout=write_end)
        os.close(write_end)
        with open(read_end, "rb") as reading:
            tool.seed("-", target, lab.sources, stdin=reading)
        writing.finish()
        loads.wait_written(50)
    assert_same(lab, target)
    lab.drop(target)


def test_a_reader_that_goes_away_is_an_error(lab):
    read_end, write_end = os.pipe()
    running = tool.start_backup(lab.replica, "-", stdout=write_end)
    os.close(write_end)
    with open(read_end, "rb", buffering=0) as reading:
        reading.read(65536)
    running.finish(60, expect=tool.STORE)
    assert_running(lab)
