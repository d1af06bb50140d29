# SPDX-License-Identifier: Apache-2.0
"""Gaps that others have left: seen, named, closed by the server's own means, never dumped over."""
import re

import pytest

from conftest import topology
from lab import accounts, gaps, logs, proc, tool
from lab.server import MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, assert_same, hold_against_rules, let_pass, missing, seed_proven, wait_waiting

ORDER_OFF = {"replica_preserve_commit_order": "OFF"}


@pytest.fixture(scope="module", params=[MySQL97, MySQL56], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, replica=ORDER_OFF if request.param is MySQL97 else {}) as made:
        yield made


mysql97 = pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
mysql56 = pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)


@pytest.fixture(autouse=True)
def _sound_afterwards(lab):
    """Whatever a test did to the applier, the next one finds it running."""
    yield
    if not lab.replica.running():
        lab.replica.replication("start", what="SQL_THREAD")
    proc.wait_until(lab.replica.running, 30, "the applier to run again")
    lab.wait_caught_up()


def _with_gap(lab, loads):
    """A worker killed while others had run ahead: the applier is down with 1317, and a transaction is missing."""
    for _ in range(10):
        with gaps.RowHeld(lab.replica) as held:
            held.wait_blocked()
            loads.wait_written(60)
            gaps.break_worker(lab.replica, held)
        if missing(lab):
            return
        lab.replica.replication("start", what="SQL_THREAD")
        lab.wait_caught_up()
    raise AssertionError("no gap in ten attempts")


def _with_gap_and_nothing_else(lab):
    """The same with a source that is quiet: all that was received is applied but for one transaction."""
    for _ in range(5):
        lab.wait_caught_up()
        with gaps.RowHeld(lab.replica) as held:
            lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1")
            held.wait_blocked()
            if not _others_run_ahead(lab):
                continue        # what came next happened to depend on it
            gaps.break_worker(lab.replica, held)
        assert lab.flavour is not MySQL97 or missing(lab) == 1
        return
    raise AssertionError("nothing ran ahead in five attempts")


def _others_run_ahead(lab, number=20):
    count = "SELECT COUNT(*) FROM app2.shape"
    before = lab.replica.value(count)
    first = lab.source.value("SELECT COALESCE(MAX(id),0) FROM app2.shape") + 1
    for row in range(first, first + number):
        lab.source.sql(f"INSERT INTO app2.shape (id, v) VALUES ({row}, 0)")
    try:
        return proc.wait_until(lambda: lab.replica.value(count) == before + number, 8, "the others to run ahead")
    except proc.Timeout:
        return False


def test_check_reports_a_gap_and_touches_nothing(lab):
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
    with logs.Statements(lab.replica) as said:
        found = tool.check(lab.replica, expect=tool.APPLIER).json
    assert found["gap_transactions"] >= 1 or found["gap_unknown"]
    assert found["gaps"] and not found["ready"]
    assert not [t for _n, _c, t in said.of(accounts.BACKUP[0]) if re.match(r"(START|STOP) (SLAVE|REPLICA)", t, re.I)]
    assert not lab.replica.applier_running()


def test_backup_over_a_stopped_gap_is_an_error_that_names_it(lab, repository):
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
    result = tool.backup(lab.replica, repository, expect=tool.APPLIER)
    assert re.search(r"the applier has stopped with error (1317|1756)\b.*closes the gap .*slackwater recover", result.err), result
    assert tool.manifests(repository) == []
    assert not lab.replica.applier_running(), "started an applier that was stopped before it came"


def test_backup_closes_a_gap_that_is_still_open(lab, repository):
    """After somebody's START the missing transaction is being applied again, and held up again, when the backup comes."""
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
        with gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
            lab.replica.replication("start", what="SQL_THREAD")
            held.wait_blocked()
            running = tool.start_backup(lab.replica, repository, "--deadline", "30s")
            wait_waiting(running)
            assert missing(lab), "the gap was to be open while the backup waits"
            held.release()
            running.finish(60)
        hold_against_rules(said.of(accounts.BACKUP[0]))
        _result, target = seed_proven(lab, repository, loads)
    assert_running(lab)
    lab.drop(target)


@mysql56
def test_no_stop_while_the_server_fills_a_gap(lab, repository):
    """5.6 fills a gap one transaction after the other, and a STOP in the middle of that made it apply one twice: not even a deadline may stop it."""
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
        with gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
            lab.replica.replication("start", what="SQL_THREAD")
            held.wait_blocked()
            result = tool.backup(lab.replica, repository, "--deadline", "2s", "--on-deadline", "stop", expect=tool.NO_QUIET)
        assert "filling a gap" in result.err
        assert not logs.stops(said.of(accounts.BACKUP[0]))
    assert lab.replica.applier_running()
    assert tool.manifests(repository) == []


@pytest.mark.parametrize("quiet", [False, True], ids=["busy-source", "quiet-source"])
def test_a_worker_killed_while_the_stop_waits(lab, repository, quiet):
    """STOP returns success over the gap that the kill left: the backup must see it, close it or say so, and resume."""
    with Loads(lab, ddl_every=0) as loads:
        with gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
            held.wait_blocked()
            loads.wait_written(60)
            if quiet:
                loads.stop()
            running = tool.start_backup(lab.replica, repository, "--deadline", "1s", "--on-deadline", "stop")
            proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
            victim = held.wait_blocked()
            lab.replica.sql(f"KILL QUERY {victim}")
            held.release()
            result = running.finish(90, expect=(tool.OK, tool.APPLIER))
        proc.wait_until(lab.replica.applier_running, 15, "the applier, which was running, to run again")
        hold_against_rules(said.of(accounts.BACKUP[0]))
        assert bool(tool.manifests(repository)) == (result.code == tool.OK)
        if result.code == tool.OK:
            loads = Loads(lab, ddl_every=0) if quiet else loads
            if quiet:
                loads.__enter__()
            _result, target = seed_proven(lab, repository, loads)
            lab.drop(target)


@mysql97
def test_until_after_mts_gaps_lies_with_auto_position(lab, repository):
    _with_gap_and_nothing_else(lab)
    lab.replica.sql("START REPLICA SQL_THREAD UNTIL SQL_AFTER_MTS_GAPS")
    proc.wait_until(lambda: not lab.replica.applier_running(), 20, "the UNTIL to end")
    status = lab.replica.status()
    assert status["Until_Condition"] in ("DONE", "SQL_AFTER_MTS_GAPS") and not status["Last_SQL_Errno"]
    assert missing(lab), "the lie was not told: the gap is closed"
    result = tool.backup(lab.replica, repository, expect=tool.APPLIER)
    assert re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-\S+:\d+", result.err), "the missing transactions are not named"
    assert tool.check(lab.replica, expect=tool.APPLIER).json["gap_transactions"] >= 1
    lab.replica.replication("start", what="SQL_THREAD")
    lab.wait_caught_up()
    assert not missing(lab)
    tool.backup(lab.replica, repository)


def _true_position(source, gtid_executed):
    """Where, in the source's binary log, the last transaction of a gapless set ends."""
    uuid, last = re.match(r"([0-9a-f-]+):1-(\d+)$", gtid_executed.replace("\n", "")).groups()
    file = source.binlog_position()[0]
    events = source.sql(f"SHOW BINLOG EVENTS IN '{file}'")
    after = [e["Pos"] for e in events if e["Event_type"] == "Gtid" and f"{uuid}:{int(last) + 1}'" in e["Info"]]
    return after[0] if after else events[-1]["End_log_pos"]


@mysql97
def test_stale_coordinates_after_sql_after_gtids(lab, repository):
    _with_gap_and_nothing_else(lab)
    lab.replica.sql(f"START REPLICA SQL_THREAD UNTIL SQL_AFTER_GTIDS='{lab.source.committed()[0]}'")
    proc.wait_until(lambda: not lab.replica.applier_running(), 30, "the UNTIL to end")
    assert not missing(lab)
    executed = lab.replica.variable("gtid_executed")
    true, shown = _true_position(lab.source, executed), lab.replica.status()["Exec_Master_Log_Pos"]
    assert shown != true, "the coordinates are not stale: the case was not reproduced"
    channel = tool.backup(lab.replica, repository).json["checkpoint"]["channels"][0]
    assert channel["coordinates"] in ("stale", "unavailable"), channel
    assert not lab.replica.applier_running(), "started an applier that was stopped before it came"
    with Loads(lab, ddl_every=0) as loads:      # the GTID set counts: a seed from it is sound
        _result, target = seed_proven_while_stopped(lab, repository, loads)
        lab.drop(target)
    lab.replica.replication("start", what="SQL_THREAD")
    lab.wait_caught_up()
    channel = tool.backup(lab.replica, repository).json["checkpoint"]["channels"][0]
    assert channel["coordinates"] == "proven", channel


def seed_proven_while_stopped(lab, repository, loads):
    target = lab.target()
    result = tool.seed(repository, target, lab.sources)
    loads.wait_written(50)
    loads.stop()
    lab.replica.replication("start", what="SQL_THREAD")
    assert_same(lab, target)
    return result, target


@mysql56
def test_until_after_mts_gaps_stays_with_a_drained_relay_log(lab, repository):
    """5.6 goes on showing a running applier under UNTIL as long as the source is quiet: no reason to wait for ever."""
    _with_gap_and_nothing_else(lab)
    lab.replica.sql("START SLAVE SQL_THREAD UNTIL SQL_AFTER_MTS_GAPS")
    lab.wait_caught_up()
    let_pass(2)
    status = lab.replica.status()
    assert status["Slave_SQL_Running"] == "Yes" and status["Until_Condition"] == "SQL_AFTER_MTS_GAPS", "the case was not reproduced"
    result = tool.backup(lab.replica, repository, "--deadline", "30s")
    assert result.seconds < 30
    assert lab.replica.applier_running()
    with Loads(lab) as loads:
        _result, target = seed_proven(lab, repository, loads)
        lab.drop(target)
