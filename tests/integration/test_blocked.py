# SPDX-License-Identifier: Apache-2.0
"""A worker that is held up for 8 seconds while others run ahead: waited for, never killed, and the pause stays short."""
import contextlib
import signal
import threading
import time

import pytest

from conftest import topology
from lab import accounts, gaps, logs, proc, tool
from lab.server import MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import PAUSE_BUDGET_MS, SLACK_MS, assert_quiet_logs, assert_running, hold_against_rules, let_pass, seed_proven

HELD_S = 8


@pytest.fixture(scope="module", params=[MySQL97, MySQL56, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    options = {"replica_preserve_commit_order": "OFF"} if request.param is MySQL97 else {}
    with topology(request.param, replica=options) as made:
        yield made


def test_waits_and_keeps_the_pause_short(lab, repository):
    since = logs.size(lab.replica)
    with Loads(lab) as loads:
        with gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
            held.wait_blocked()
            running = tool.start_backup(lab.replica, repository, "--deadline", "30s")
            let_pass(HELD_S)
            assert running.alive() and logs.stops(said.so_far()) == [], "stopped the applier although a worker was held up"
            held.release()
            taken = running.finish(60).json
        _result, target = seed_proven(lab, repository, loads)
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert taken["wait_ms"] >= HELD_S * 1000 / 2       # it was not watching yet when the eight seconds began
    assert taken["pause_ms"] <= PAUSE_BUDGET_MS + SLACK_MS
    assert_running(lab)
    assert_quiet_logs(lab, target, since=since)
    lab.drop(target)


def test_gives_up_at_the_deadline_and_never_stopped_the_applier(lab, repository):
    since = logs.size(lab.replica)
    with Loads(lab), gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
        held.wait_blocked()
        result = tool.backup(lab.replica, repository, "--deadline", "3s", expect=tool.NO_QUIET)
        assert_running(lab)
        held.release()
    assert 2.5 <= result.seconds < 10
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert tool.manifests(repository) == []
    lab.wait_caught_up()
    assert_quiet_logs(lab, since=since)


def test_stops_at_the_deadline_when_told_to_and_tells_the_truth(lab, repository):
    """--on-deadline stop: the stop waits for the worker, the pause is as long as it was, nothing is killed."""
    with Loads(lab), gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
        held.wait_blocked()
        running = tool.start_backup(lab.replica, repository, "--deadline", "2s", "--on-deadline", "stop")
        proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
        let_pass(2)
        held.release()
        taken = running.finish(60).json
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert taken["pause_ms"] >= 1500, "the applier stood still for two seconds, whatever was reported"
    assert_running(lab)
    lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_a_persons_stop_in_progress_is_his(lab, repository):
    """Ours waits behind it and succeeds; a note tells that nothing was left to stop. (MySQL shows less meanwhile, so that ours is rarely sent.)"""
    with Loads(lab), gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
        held.wait_blocked()
        running = tool.start_backup(lab.replica, repository, "--deadline", "3s", "--on-deadline", "stop")
        let_pass(1)
        person = threading.Thread(target=lab.replica.replication, args=("stop",), kwargs={"what": " SQL_THREAD"}, daemon=True)
        person.start()
        proc.wait_until(lambda: len(logs.stops(said.so_far())) == 2, 30, "our STOP behind the person's")
        held.release()
        person.join(30)
        result = running.finish(60, expect=(tool.OK, tool.NO_QUIET))
    assert "was stopped by somebody else in the same moment: it is left stopped" in result.err, result
    assert not lab.replica.applier_running(), "a person's STOP was undone"
    lab.replica.replication("start", what=" SQL_THREAD")
    lab.wait_caught_up()


class _Starter(threading.Thread):
    """A person, or a monitor, who starts the applier again and again, as fast as the server answers."""

    def __init__(self, replica):
        super().__init__(daemon=True)
        self.replica, self.over, self.sent = replica, threading.Event(), 0

    def run(self):
        connection = self.replica.connect()
        with contextlib.closing(connection), connection.cursor() as cursor:
            while not self.over.is_set():
                cursor.execute(self.replica.words["start"].format(what=" SQL_THREAD", name="''", channel="").strip())
                self.sent += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.over.set()
        self.join(30)


@contextlib.contextmanager
def _impatient_stop(replica):
    timeout = "rpl_stop_slave_timeout" if isinstance(replica, MySQL56) else "rpl_stop_replica_timeout"
    was = replica.variable(timeout)
    replica.local(f"SET GLOBAL {timeout}=2")
    yield
    replica.local(f"SET GLOBAL {timeout}={was}")


@pytest.mark.parametrize("lab", [MySQL97, MySQL56], ids=["mysql97", "mysql56"], indirect=True)
def test_a_person_starts_it_in_the_instant_in_which_it_stops(lab, repository):
    """A STOP that gave up (1875) is in effect; who waits for it may never see the channel stand. Without a switch, which would tell."""
    with _impatient_stop(lab.replica), Loads(lab), gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
        held.wait_blocked()
        running = tool.start_backup(lab.replica, repository, "--no-guard", "--deadline", "2s", "--on-deadline", "stop")
        proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
        let_pass(2.5)      # the server has given up by then
        with _Starter(lab.replica) as starter:
            held.release()
            let_pass(0.5)
        running.finish(30, expect=(tool.OK, tool.NO_QUIET))
    assert starter.sent > 10
    assert_running(lab)
    lab.wait_caught_up()


def _sessions(replica):
    return [row["info"] or "" for row in replica.sql(f"SELECT info AS info FROM information_schema.processlist WHERE user='{accounts.BACKUP[0]}'")]


@pytest.mark.soak
@pytest.mark.parametrize("flavour", [MySQL97, MySQL56], ids=lambda f: f.flavour)
def test_the_switch_outwaits_a_stop_that_gave_up(flavour, repository):
    """The agent is killed after its STOP gave up (1875), and the transaction that holds it up takes longer than the minute in which the switch
    starts it come what may: it is started when it has stopped, and whoever stops it after that is obeyed."""
    options = {"innodb_lock_wait_timeout": 300, **({"replica_preserve_commit_order": "OFF"} if flavour is MySQL97 else {})}
    with topology(flavour, replica=options) as lab, _impatient_stop(lab.replica), Loads(lab):
        with gaps.RowHeld(lab.replica) as held:
            held.wait_blocked()
            running = tool.start_backup(lab.replica, repository, "--deadline", "1s", "--on-deadline", "stop")
            proc.wait_until(lambda: any("STOP" in text[:8] for text in _sessions(lab.replica)), 30, "the STOP", every=0.02)
            proc.wait_until(lambda: not any("STOP" in text[:8] for text in _sessions(lab.replica)), 30, "the server to give up", every=0.02)
            running.signal(signal.SIGKILL)
            running.finish(expect=None)
            proc.wait_until(lambda: any("SLEEP(1.5)" in text for text in _sessions(lab.replica)), 100, "the minute to be over")
            let_pass(5)
            assert lab.replica.applier_running(), "nothing can have stopped it"
            held.release()
        released = time.monotonic()
        since = {row["id"] for row in _appliers(lab.replica)}
        proc.wait_until(lambda: not since & {row["id"] for row in _appliers(lab.replica)}, 10, "the STOP to be over", every=0.02)
        proc.wait_until(lab.replica.applier_running, 4, "the applier to run", every=0.02)
        assert time.monotonic() - released < 6
        proc.wait_until(lambda: not _sessions(lab.replica), 4, "the switch to be over")
        lab.replica.replication("stop", what=" SQL_THREAD")
        let_pass(3)
        assert not lab.replica.applier_running(), "a person's STOP was undone"
        lab.replica.replication("start", what=" SQL_THREAD")
        lab.wait_caught_up()


def _appliers(replica):
    return replica.sql("SELECT id AS id FROM information_schema.processlist WHERE user='system user' AND state NOT LIKE '%master%' AND "
                       "state NOT LIKE '%source to send%'")
