# SPDX-License-Identifier: Apache-2.0
"""A snapshot through a pipe, and readers that stall: a session on the server must outlive them."""
import json
import os
import subprocess
import tarfile
import threading
import time

import pytest

from conftest import topology
from lab import bulk, place, proc, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, assert_same

STALL_S = 150
MEGABYTES = 110


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        # a server whose own limits are as tight as anybody's; a backup's sessions set theirs themselves
        made.replica.local("SET GLOBAL net_write_timeout=3", "SET GLOBAL net_read_timeout=3", "SET GLOBAL wait_timeout=5",
                           "SET GLOBAL interactive_timeout=5",
                           *(["SET GLOBAL idle_transaction_timeout=4", "SET GLOBAL idle_readonly_transaction_timeout=4",
                              "SET GLOBAL max_statement_time=5"] if request.param is MariaDB else ["SET GLOBAL max_execution_time=4000"]))
        bulk.fill(made.source, "depot", "goods", MEGABYTES)
        made.wait_caught_up()
        yield made


@pytest.fixture(scope="module")
def stalled(lab):
    """Begun first: a reader that takes 2 MB and then nothing for 150 seconds. Other tests run meanwhile."""
    path = place.run_dir() / f"stalled-{lab.flavour.flavour}.tar"
    read_end, write_end = os.pipe()
    running = tool.start_backup(lab.replica, "-", "--chunk-size", "1M", stdout=write_end)
    os.close(write_end)
    stalled_for = []

    def read():
        with open(read_end, "rb", buffering=0) as source, open(path, "wb") as copy:
            begun, total = None, 0
            while block := source.read(65536):
                copy.write(block)
                total += len(block)
                if total >= 2 << 20 and begun is None:
                    begun = time.monotonic()
                    threading.Event().wait(STALL_S)
                    stalled_for.append(time.monotonic() - begun)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return path, running, reader, stalled_for


def _pipe(lab, path):
    with open(path, "wb") as out:
        return tool.start_backup(lab.replica, "-", stdout=out).finish()


def test_a_pipe_holds_everything(lab, stalled, tmp_path):
    with Loads(lab, rate=60):
        result = _pipe(lab, tmp_path / "dump.tar")
    report = json.loads(result.err[result.err.index("\n{") if "\n{" in result.err else result.err.index("{"):])
    assert report["pause_ms"] < 1000, "the JSON document goes to stderr when the data go to stdout"
    with tarfile.open(tmp_path / "dump.tar") as tar:
        names = tar.getnames()
    assert "manifest" in names[-1]
    for verb in (["verify"], ["restore", "--to-dir", tmp_path / "out"]):
        with open(tmp_path / "dump.tar", "rb") as dump:
            tool.run(verb[0], "--from", "-", *verb[1:], stdin=dump)
    assert (tmp_path / "out" / "metadata").exists()


def test_a_pipe_that_ends_early_is_no_snapshot(lab, stalled, tmp_path):
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


def test_seed_from_a_pipe_that_is_being_written(lab, stalled):
    """backup --to - | seed --from -"""
    target = lab.target()
    with Loads(lab, rate=60) as loads:
        read_end, write_end = os.pipe()
        writing = tool.start_backup(lab.replica, "-", stdout=write_end)
        os.close(write_end)
        with open(read_end, "rb") as reading:
            tool.seed("-", target, lab.sources, stdin=reading)
        writing.finish()
        loads.wait_written(50)
    assert_same(lab, target)
    lab.drop(target)


def test_a_reader_that_goes_away_is_an_error(lab, stalled):
    read_end, write_end = os.pipe()
    running = tool.start_backup(lab.replica, "-", stdout=write_end)
    os.close(write_end)
    with open(read_end, "rb", buffering=0) as reading:
        reading.read(65536)
    running.finish(60, expect=tool.STORE)
    assert_running(lab)


def test_a_reader_that_stalled_150_seconds_has_everything(lab, stalled):
    path, running, reader, stalled_for = stalled
    running.finish(STALL_S + 120)
    proc.wait_until(lambda: not reader.is_alive(), 30, "the reader to end")
    assert stalled_for and stalled_for[0] >= STALL_S - 1
    assert_running(lab)
    with open(path, "rb") as dump:
        tool.run("verify", "--from", "-", stdin=dump)
    target = lab.target()
    with open(path, "rb") as dump:
        tool.seed("-", target, lab.sources, stdin=dump)
    assert_same(lab, target)
    lab.drop(target)
