# SPDX-License-Identifier: Apache-2.0
"""A prepared XA transaction cannot be in a logical snapshot, nor a temporary table of a replicated session: a moment without is waited for, within
the deadline."""
import contextlib

import pytest

from conftest import topology
from lab import proc, tool
from lab.server import FLAVOURS, MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, seed_proven, wait_waiting


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        made.source.sql("CREATE DATABASE xa", "CREATE TABLE xa.t (id INT PRIMARY KEY) ENGINE=InnoDB")
        yield made


def _prepare(lab, xid, row):
    lab.source.sql(f"XA START '{xid}'", f"INSERT INTO xa.t VALUES ({row})", f"XA END '{xid}'", f"XA PREPARE '{xid}'")
    proc.wait_until(lambda: lab.replica.sql("XA RECOVER"), 30, "the prepared transaction to be replicated")


def test_gives_up_and_names_what_is_prepared(lab, repository):
    with Loads(lab):
        _prepare(lab, "order-77", 1)
        try:
            result = tool.backup(lab.replica, repository, "--deadline", "4s", expect=tool.NO_QUIET)
            assert_running(lab)
        finally:
            lab.source.sql("XA COMMIT 'order-77'")
    assert "order-77" in result.err or b"order-77".hex() in result.err.lower()
    assert tool.manifests(repository) == []


def test_waits_for_the_commit_and_loses_nothing(lab, repository):
    with Loads(lab) as loads:
        _prepare(lab, "order-78", 2)
        running = tool.start_backup(lab.replica, repository, "--deadline", "30s")
        wait_waiting(running, "waiting for a moment without")
        lab.source.sql("XA COMMIT 'order-78'")
        running.finish(60)
        _result, target = seed_proven(lab, repository, loads)
    assert target.value("SELECT COUNT(*) FROM xa.t WHERE id=2") == 1
    lab.drop(target)


def test_prepare_backup_seed_commit(lab, repository):
    """Prepared after the snapshot, committed after seeding: the seed has the transaction from its source."""
    with Loads(lab) as loads:
        backup_watched(lab, repository)
        _prepare(lab, "order-79", 3)
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        lab.source.sql("XA COMMIT 'order-79'")
        loads.wait_written(50)
        loads.stop()
        lab.wait_caught_up(target)
    assert target.value("SELECT COUNT(*) FROM xa.t WHERE id=3") == 1
    lab.drop(target)


@pytest.mark.parametrize("lab", FLAVOURS, ids=lambda f: f.flavour, indirect=True)
def test_a_temporary_table_of_a_replicated_session(lab, repository):
    """Written by statement it lives on the replica as long as its session does, and no snapshot holds it: what reads it would fail on a seed."""
    with contextlib.closing(lab.source.connect()) as session, session.cursor() as cursor:
        for statement in ("SET SESSION binlog_format='STATEMENT'", "CREATE TEMPORARY TABLE xa.passing (id INT) ENGINE=InnoDB",
                          "INSERT INTO xa.passing VALUES (77)"):
            cursor.execute(statement)
        proc.wait_until(lambda: int(lab.replica.sql("SHOW GLOBAL STATUS LIKE '%slave_open_temp_tables'")[0]["Value"]) == 1, 30,
                        "the temporary table to be on the replica")
        result = tool.backup(lab.replica, repository, "--deadline", "3s", expect=tool.NO_QUIET)
        assert "1 temporary table of replicated sessions" in result.err, result
        assert_running(lab)
        assert tool.manifests(repository) == []
        running = tool.start_backup(lab.replica, repository, "--deadline", "60s")
        wait_waiting(running, "waiting for a moment without")
        cursor.execute("INSERT INTO xa.t SELECT id FROM xa.passing")
        cursor.execute("DROP TEMPORARY TABLE xa.passing")
        running.finish(60)
    target = lab.target()
    tool.seed(repository, target, lab.sources)
    assert target.value("SELECT COUNT(*) FROM xa.t WHERE id=77") == 1
    lab.drop(target)
