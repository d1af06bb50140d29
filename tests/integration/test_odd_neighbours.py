# SPDX-License-Identifier: Apache-2.0
"""Other people's locks, stops, starts and failovers in the middle of a backup: a typed end before the deadline, and what succeeds seeds.

A row that a local session holds makes the window as long as a test wants it.
"""
import contextlib
import re
import signal
import time

import pymysql
import pytest

from conftest import topology
from lab import accounts, logs, neighbours, place, proc, tool
from lab.server import FLAVOURS, MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, assert_same, hold_against_rules, let_pass

YOUNG = ("--pause-budget", "8s")        # what is held up for less counts as young: the STOP is sent at once and then waits
PATIENCE = 60           # seconds within which what has a deadline of a few has ended on the busiest of machines
ENDS = (tool.OK, tool.NO_QUIET, tool.APPLIER, tool.INCONSISTENT)


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        made.source.sql("CREATE DATABASE aside", "CREATE TABLE aside.t (n INT NOT NULL) ENGINE=InnoDB", "INSERT INTO aside.t VALUES (1)")
        made.wait_caught_up()
        yield made


@pytest.fixture(autouse=True)
def _running_before_and_after(lab):
    yield
    if not lab.replica.running():
        lab.replica.replication("start")
    lab.wait_caught_up()


_LOOK = re.compile(r"SHOW (?:ALL SLAVES|SLAVE|REPLICA) STATUS")


def _looked(running, times=2):
    """Has it looked at the applier so often, and decided to wait?"""
    assert running.alive(), running.finish(1, expect=None)
    return len(_LOOK.findall(running.log().partition("state=WATCHING")[2])) >= times


@contextlib.contextmanager
def _stopping(lab, repository, *options, ours=True):
    """A backup whose STOP has been sent and waits for a worker: (the backup, the held row). ours=False: the START may be left to somebody else.

    Something prepared keeps it waiting until it has seen the applier idle; only then is a worker held up, so that this one is young.
    """
    with neighbours.prepared(lab.replica, "UPDATE aside.t SET n=n+1") as prepared, logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, *YOUNG, "--deadline", "40s", "--log-level", "debug", *options)
        proc.wait_until(lambda: _looked(running), 30, "the backup to look twice")
        with neighbours.held_up(lab) as held:
            prepared.release()
            neighbours.wait_stopping(said, running)
            running.since = time.monotonic()
            yield running, held
    statements = said.of(accounts.BACKUP[0])
    hold_against_rules(statements if ours else [each for each in statements if not logs.stops([each])])


@pytest.fixture(scope="module")
def seed(lab):
    """A server that is seeded again and again."""
    target = lab.target()
    yield target
    lab.drop(target)


def _seeds(lab, seed, repository, sources=None):
    """What succeeded is held against the source: a replica made of it must catch up and be the same."""
    tool.seed(repository, seed, sources or lab.sources, *(["--replace"] if seed.status() else []))
    lab.wait_caught_up(seed)
    assert_same(lab, seed)


def _ended(lab, seed, repository, result, sources=None):
    """A typed end; what claims success is proven."""
    assert (result.code == tool.OK) == bool(tool.manifests(repository)), result
    if result.code == tool.OK:
        _seeds(lab, seed, repository, sources)


# ---- a transaction that turns out long ---------------------------------------------------------------------------------

def test_a_transaction_that_becomes_long_after_the_look(lab, repository, seed):
    """Young at the look, long after the STOP: the pause is what it was, and nobody is killed."""
    with _stopping(lab, repository) as (running, held):
        let_pass(2)
        assert running.alive(), running.finish(1, expect=None)
        waiting = [row["info"] or "" for row in lab.replica.sql("SELECT info AS info FROM information_schema.processlist")]
        assert any(re.search(r"GET_LOCK\('slackwater\.run\.[^']*', 60\)", text) for text in waiting), "--max-pause is 60 s by default"
        held.release()
        stood = time.monotonic() - running.since
        taken = running.finish(60).json
    assert stood * 1000 - 50 <= taken["pause_ms"] <= stood * 1000 + 3000
    assert_running(lab)
    _seeds(lab, seed, repository)


def test_max_pause_cannot_take_a_stop_back(lab, repository):
    """The switch goes off while the STOP still waits: the applier runs the moment it has stopped, and another window is found. It is said so."""
    with _stopping(lab, repository, "--max-pause", "2s") as (running, held):
        let_pass(3)
        assert running.alive(), running.finish(1, expect=None)
        proc.wait_until(lambda: "--max-pause cannot take a STOP back" in running.log(), 10, "the log to say so")
        held.release()
        stood = time.monotonic() - running.since
        proc.wait_until(lab.replica.running, 10, "the applier to run", every=0.02)
        result = running.finish(60)
    assert re.search(r"another window is needed: .*--max-pause", result.err), result
    taken = result.json
    assert taken["pause_ms"] >= stood * 1000 - 50
    assert_running(lab)


# ---- locks -------------------------------------------------------------------------------------------------------------

def _waits_for_others(result):
    """On MariaDB an applier that is started under somebody's backup lock waits for that; it must be said."""
    return "backup lock of another session" in result.err


def test_a_global_read_lock_is_waited_for_up_to_the_deadline(lab, repository):
    """Under somebody's FTWRL the workers wait to commit, and a STOP would wait for them: none is sent."""
    with Loads(lab, rate=60), neighbours.global_read_lock(lab.replica), logs.Statements(lab.replica) as said:
        proc.wait_until(lambda: _held_up(lab), 30, "a worker to wait for the lock")
        result = tool.backup(lab.replica, repository, "--deadline", "3s", expect=tool.NO_QUIET)
        assert result.seconds < PATIENCE
        assert lab.replica.applier_running()
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    assert tool.manifests(repository) == []
    assert_running(lab)


def _held_up(lab):
    return lab.replica.sql("SELECT id FROM information_schema.processlist WHERE user='system user' AND "
                           "(state LIKE '%global read lock%' OR state LIKE '%commit lock%' OR state LIKE '%backup lock%')")


def test_a_global_read_lock_while_nothing_is_applied(lab, repository):
    """Nothing is in flight: the window opens and closes under it."""
    with neighbours.global_read_lock(lab.replica):
        result = tool.backup(lab.replica, repository, "--deadline", "60s")
    assert _waits_for_others(result) == (lab.flavour is MariaDB), result
    assert_running(lab)


def test_a_global_read_lock_that_goes(lab, repository):
    with Loads(lab, rate=60):
        with neighbours.global_read_lock(lab.replica) as lock:
            proc.wait_until(lambda: _held_up(lab), 30, "a worker to wait for the lock")
            running = tool.start_backup(lab.replica, repository, "--deadline", "60s")
            proc.wait_until(lambda: "WATCHING" in running.log(), 30, "the backup to watch")
            lock.release()
            running.finish(60)
    assert_running(lab)


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_a_backup_lock_of_another_tool(lab, repository):
    """3857: tried again until the deadline, the applier running."""
    with Loads(lab, rate=60, ddl_every=0):
        with neighbours.backup_lock(lab.replica), logs.Statements(lab.replica) as said:
            result = tool.backup(lab.replica, repository, "--deadline", "3s", expect=tool.NO_QUIET)
            assert result.seconds < PATIENCE
            assert lab.replica.applier_running()
        # a machine that is too busy comes to its deadline before it has tried at all
        assert ("LOCK INSTANCE FOR BACKUP" in result.err) == bool(logs.stops(said.of(accounts.BACKUP[0]))), result
        assert tool.manifests(repository) == []
        with neighbours.backup_lock(lab.replica) as lock, logs.Statements(lab.replica) as said:
            running = tool.start_backup(lab.replica, repository, "--deadline", "60s")
            neighbours.wait_stopping(said, running)
            lock.release()
            running.finish(60)
    assert_running(lab)


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_a_backup_stage_of_another_tool(lab, repository, seed):
    """MariaDB says nothing beforehand: whoever is started under it waits. The snapshot is one, and it is said what the applier waits for."""
    with Loads(lab, rate=60, ddl_every=0):
        with neighbours.backup_lock(lab.replica):
            result = tool.backup(lab.replica, repository, "--ddl-max-wait", "1s", "--deadline", "60s")
        assert _waits_for_others(result), result
        assert "replicated DDL" not in result.err
    assert_running(lab)
    lab.wait_caught_up()
    _seeds(lab, seed, repository)


# ---- a DBA at the applier ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("verb", ["start", "stop"])
def test_a_dba_at_the_applier_while_it_is_stopping(lab, repository, seed, verb):
    with _stopping(lab, repository) as (running, held):
        with neighbours.Doing(lab.replica, neighbours.applier(lab.replica, verb)) as dba:
            let_pass(0.5)
            held.release()
            result = running.finish(60, expect=ENDS)
            dba.wait()
    if verb == "start":
        assert_running(lab)
    else:
        # what came between our STOP and our START cannot be told from ours; what came after it stays
        assert lab.replica.status().get("Slave_IO_Running") == "Yes"
    lab.replica.replication("start", what="SQL_THREAD")
    _ended(lab, seed, repository, result)


def test_a_dba_stops_the_whole_replica_while_it_is_stopping(lab, repository, seed):
    """The receiver as well: that can be seen, and it is left to him, whether our START comes before his STOP or after it."""
    def journals():
        return set((place.run_dir() / "state").glob("*.journal"))
    before = journals()     # of servers that other tests have ruined
    with _stopping(lab, repository, ours=False) as (running, held):
        with neighbours.Doing(lab.replica, lab.replica.words["stop"].format(what="", name="", channel="").strip()) as dba:
            let_pass(0.5)
            held.release()
            dba.wait()
        result = running.finish(60, expect=ENDS)
    status = lab.replica.status()
    assert (status["Slave_IO_Running"], status["Slave_SQL_Running"]) == ("No", "No"), f"{result}\n{status}"
    assert journals() <= before, "the next run would start it"
    lab.replica.replication("start")
    _ended(lab, seed, repository, result)


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_a_statement_that_is_no_text(lab, repository, seed):
    """While one runs whose bytes are no UTF-8, information_schema.PROCESSLIST is an error for everybody: nothing of ours looks there."""
    with neighbours.statement_of_bytes(lab.replica):
        with pytest.raises(pymysql.err.OperationalError, match="3854"):
            lab.replica.sql("SELECT MAX(ID) FROM information_schema.PROCESSLIST")
        assert "waits for row locks: not shown while some session runs a statement" in tool.run("status", *tool.connection(lab.replica)).out
        for options in (), ("--ddl", "retry"):
            lab.source.sql("UPDATE aside.t SET n=n+1")
            tool.backup(lab.replica, repository, *options)
        running = tool.start_backup(lab.replica, repository, binary=tool.FAULTY, environment={"SLACKWATER_FAULT": "state:CAPTURED+3000000:pause"})
        proc.wait_until(lambda: not lab.replica.applier_running(), 30, "the stillness", every=0.02)
        running.signal(signal.SIGKILL)
        proc.wait_until(lab.replica.applier_running, 5, "the switch to start the applier", every=0.02)
    _seeds(lab, seed, repository)


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_a_dba_removes_the_channel_while_it_stands_still(lab, repository):
    """What stood still is what was proven; nobody looks for a channel that is gone, and there is nothing to start."""
    running = tool.start_backup(lab.replica, repository, binary=tool.FAULTY, environment={"SLACKWATER_FAULT": "state:CAPTURED+3000000:pause"})
    proc.wait_until(lambda: not lab.replica.applier_running(), 30, "the stillness", every=0.02)
    lab.replica.replication("stop")
    lab.replica.replication("reset")
    result = running.finish(60)
    assert "was removed by somebody else while it stood still" in result.err, result
    assert not lab.replica.status()
    lab.replica.follow(lab.source, gtid=True)


def test_a_dba_stops_the_applier_while_it_is_watched(lab, repository, seed):
    """Then it is left stopped."""
    with neighbours.held_up(lab) as held, logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, "--deadline", "40s")
        proc.wait_until(lambda: "WATCHING" in running.log(), 30, "the backup to watch")
        with neighbours.Doing(lab.replica, neighbours.applier(lab.replica, "stop")) as dba:
            let_pass(0.5)
            held.release()
            dba.wait()
            result = running.finish(60, expect=ENDS)
        assert not lab.replica.applier_running(), "started what somebody had stopped"
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    lab.replica.replication("start", what="SQL_THREAD")
    _ended(lab, seed, repository, result)


# ---- failover ----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def other(lab):
    """Another source with the same transactions: a second replica where GTIDs allow it, the same server by another name where not."""
    if not lab.gtid:
        yield lab.source
        return
    standby = lab.flavour("standby", log_slave_updates="ON") if lab.flavour is MariaDB else lab.flavour("standby")
    standby.start()
    try:
        standby.follow(lab.source, gtid=True)
        lab.wait_caught_up(standby, 300)
        yield standby
    finally:
        standby.discard()


def _failover(lab, other):
    return neighbours.failover(lab.replica, other, lab.gtid, "127.0.0.1" if lab.gtid else "localhost")


@pytest.fixture
def _back(lab):
    """Afterwards the replica follows its first source again."""
    yield
    if not lab.replica.running():
        lab.replica.replication("start")
    lab.wait_caught_up()
    with neighbours.Doing(lab.replica, *neighbours.failover(lab.replica, lab.source, lab.gtid)) as back:
        back.wait()
    assert not back.said, back.said


def _again(lab, other, first):
    """Refused because the backup had started the applier before: a failover tool tries again."""
    said, tries = first.said, 0
    while said and tries < 5:
        with neighbours.Doing(lab.replica, *_failover(lab, other)) as dba:
            said, tries = dba.wait().said, tries + 1
    assert not said, said


def test_a_failover_while_it_is_watched(lab, repository, seed, other, _back):
    with neighbours.held_up(lab) as held:
        running = tool.start_backup(lab.replica, repository, "--deadline", "40s")
        proc.wait_until(lambda: "WATCHING" in running.log(), 30, "the backup to watch")
        with neighbours.Doing(lab.replica, *_failover(lab, other)) as dba:
            let_pass(0.3)
            held.release()
            dba.wait()
        _again(lab, other, dba)
        result = running.finish(60, expect=ENDS)
    _ended(lab, seed, repository, result, {"": other})


def test_a_failover_while_it_is_stopping(lab, repository, seed, other, _back):
    with _stopping(lab, repository, ours=False) as (running, held):
        with neighbours.Doing(lab.replica, *_failover(lab, other)) as dba:
            let_pass(0.5)
            held.release()
            dba.wait()
        result = running.finish(90, expect=ENDS)
    _again(lab, other, dba)
    _ended(lab, seed, repository, result, {"": other})
