# SPDX-License-Identifier: Apache-2.0
"""Somebody writes on the replica itself, behind replication's back: seen, or the snapshot would be a lie."""
import contextlib
import threading

import pytest

from conftest import topology
from lab import proc, tool
from lab.server import FLAVOURS
from lab.topology import Loads
from steps import assert_running, backup_watched


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        made.replica.local("CREATE DATABASE scratch", "CREATE TABLE scratch.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT) ENGINE=InnoDB")
        yield made


class Writer(threading.Thread):
    """Small transactions on the replica, one after the other."""

    def __init__(self, replica, logged):
        super().__init__(daemon=True)
        self.replica, self.logged, self.finish, self.written = replica, logged, threading.Event(), 0

    def run(self):
        with contextlib.closing(self.replica.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET SESSION sql_log_bin={int(self.logged)}")
            while not self.finish.is_set():
                cursor.execute("INSERT INTO scratch.t (n) VALUES (1)")
                self.written += 1

    def __enter__(self):
        self.start()
        proc.wait_until(lambda: self.written > 20, 20, "the local writer to write")
        return self

    def __exit__(self, *_exception):
        self.finish.set()
        self.join(30)


@pytest.mark.parametrize("logged", [False, True], ids=["sql_log_bin=0", "sql_log_bin=1"])
def test_local_writer_is_detected(lab, repository, logged):
    with Loads(lab, rate=60), Writer(lab.replica, logged) as writer:
        before = writer.written
        result = tool.backup(lab.replica, repository, "--deadline", "15s", expect=tool.INCONSISTENT)
        assert writer.written > before
    assert_running(lab)
    assert tool.manifests(repository) == []
    assert "writ" in result.err, "no word of what may be writing"


def test_without_the_writer_it_works(lab, repository):
    with Loads(lab, rate=60):
        backup_watched(lab, repository)
    assert len(tool.manifests(repository)) == 1
