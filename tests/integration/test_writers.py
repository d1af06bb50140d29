# SPDX-License-Identifier: Apache-2.0
"""Somebody writes on the replica itself, behind replication's back: seen, or the snapshot would be a lie."""
import contextlib
import threading

import pytest

from conftest import topology
from lab import proc, tool
from lab.server import FLAVOURS, MySQL56
from lab.topology import Loads
from steps import assert_running, backup_watched


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        made.replica.local("CREATE DATABASE scratch", "CREATE TABLE scratch.t (id INT PRIMARY KEY AUTO_INCREMENT, n INT) ENGINE=InnoDB",
                           "CREATE TABLE scratch.flag (go INT) ENGINE=InnoDB", "INSERT INTO scratch.flag VALUES (0)",
                           "CREATE PROCEDURE scratch.write_on() WHILE (SELECT go FROM scratch.flag) DO "
                           "INSERT INTO scratch.t (n) VALUES (1); DO SLEEP(0.0003); END WHILE")
        yield made


class Writers(contextlib.ExitStack):
    """Sessions of the replica's own that write all the time: inside the server, so that no moment is free of them."""

    def __init__(self, replica, logged, sessions=4):
        super().__init__()
        self.replica, self.logged, self.sessions = replica, logged, sessions

    def _write(self):
        with contextlib.closing(self.replica.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(f"SET SESSION sql_log_bin={int(self.logged)}")
            cursor.execute("CALL scratch.write_on()")

    def written(self):
        return self.replica.value("SELECT COUNT(*) FROM scratch.t")

    def __enter__(self):
        self.replica.local("UPDATE scratch.flag SET go=1", "TRUNCATE TABLE scratch.t")
        self.callback(self.replica.local, "UPDATE scratch.flag SET go=0")
        for _ in range(self.sessions):
            threading.Thread(target=self._write, daemon=True).start()
        proc.wait_until(lambda: self.written() > 20, 20, "the local writers to write")
        return self


def assert_detected(lab, repository, writers):
    """Many sessions make the capture long enough for a writer to come in between. On a busy machine no writer may get a processor in
    those milliseconds: such a snapshot is sound, and says nothing about detection."""
    for attempt in range(3):
        before = writers.written()
        result = tool.backup(lab.replica, repository / f"writers-{attempt}", "--deadline", "15s", "--threads", "32",
                             expect=(tool.OK, tool.INCONSISTENT))
        assert writers.written() > before
        if result.code == tool.INCONSISTENT:
            break
    assert result.code == tool.INCONSISTENT
    assert_running(lab)
    assert tool.manifests(repository / f"writers-{attempt}") == []
    assert "writ" in result.err, "no word of what may be writing"


@pytest.mark.parametrize("logged", [False, True], ids=["sql_log_bin=0", "sql_log_bin=1"])
def test_local_writer_is_detected(lab, repository, logged):
    with Loads(lab, rate=60), Writers(lab.replica, logged) as writers:
        assert_detected(lab, repository, writers)


def test_without_the_writer_it_works(lab, repository):
    with Loads(lab, rate=60):
        backup_watched(lab, repository)
    assert len(tool.manifests(repository)) == 1


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_a_receiver_that_writes_its_place_at_every_event(lab, repository):
    """It changes rows all the time, and is no other writer; one that is, is seen all the same."""
    lab.replica.local("SET GLOBAL sync_master_info=1")
    try:
        with Loads(lab, rate=150, ddl_every=0):
            for _ in range(3):
                backup_watched(lab, repository)
        with Loads(lab, rate=60, ddl_every=0), Writers(lab.replica, False) as writers:
            assert_detected(lab, repository, writers)
    finally:
        lab.replica.local("SET GLOBAL sync_master_info=10000")
