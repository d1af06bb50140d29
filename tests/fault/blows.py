# SPDX-License-Identifier: Apache-2.0
"""The blows, one function each: strike, wait until the channels run again, and hold what is left against the rules.

Each takes the stage, a random generator, and the state of the window in which it strikes."""
import contextlib
import signal
import subprocess
import threading
import time
import uuid

import pymysql

from lab import gaps, proc, tool
from lab.accounts import BACKUP
from lab.server import MariaDB, MySQL56, MySQL97

from .stage import END_S, MAX_PAUSE_S, RESUME_S, Defect

CLOSING = "CLOSING"     # entered only over a gap, which has to be made: see closing()
ALL = ("PREFLIGHT", "ARMED", "WATCHING", "STOPPING", "STILL", "CAPTURED", "RESUMING", "RUNNING")
GUARDED = ("WATCHING", "STOPPING", "STILL", "CAPTURED", "RESUMING")     # the switch is set on entry
STOPPED = ("STOPPING", "STILL", "CAPTURED", "RESUMING")                 # a START is owed, or soon
CLOSING_TRIES = 4
HOLD_US = 250_000       # how long the agent is held in a state for a blow from outside


def _pass(seconds):
    """Time that is part of the blow, not a wait for something to have happened."""
    time.sleep(seconds)


class NotReached(AssertionError):
    """The agent has ended without coming to the state in which it was to be struck."""


def kill(stage, random, state):
    """SIGKILL, exactly at a state's beginning or somewhat later."""
    later = random.choice((0, random.randrange(3000), random.randrange(20000)))
    result = stage.agent(fault=f"state:{state}+{later}:kill").finish(90, expect=None)
    if result.code != -signal.SIGKILL and f"state={state} " not in stage.told():
        raise NotReached(f"{result}")
    assert result.code == -signal.SIGKILL, f"the agent was not killed in {state}: exit {result.code}"
    stage.resumed("kill", RESUME_S, since=stage.entered(state) + later / 1e6)
    stage.judge()
    if random.random() < 0.3:
        stage.person_stops()


def control(stage, _random, state):
    """Without the switch the applier does stay stopped, and that is seen here; then the journal is for the next run of any verb to finish."""
    result = stage.agent("--no-guard", fault=f"state:{state}:kill").finish(90, expect=None)
    assert result.code == -signal.SIGKILL, f"the agent was not killed in {state}: exit {result.code}"
    _pass(0.5)
    assert stage.witness.now() == 0, "an applier that nobody starts was seen running: what is seen here is worth nothing"
    at = time.monotonic()
    tool.run("check", *tool.connection(stage.replica, BACKUP, host=stage.net.host), "--json", expect=None)
    stage.resumed("next run", END_S, since=at)
    stage.judge()


def kill_any_time(stage, random, _state):
    """SIGKILL at a random moment of a whole backup, or of its window."""
    while True:
        later, at = random.randrange(60000), None
        if random.random() < 0.5:
            agent = stage.agent(fault=f"state:ARMED+{later}:kill")
        else:
            agent = stage.agent()
            with contextlib.suppress(subprocess.TimeoutExpired):
                agent.child.wait(random.uniform(0, stage.usual_s))
            at = time.monotonic()
            if agent.alive():
                agent.signal(signal.SIGKILL)
        result = agent.finish(90, expect=None)
        if result.code == -signal.SIGKILL:
            break
        stage.judge(result)     # it was done before the blow fell: once more
        stage.log.unlink(missing_ok=True)
    stage.resumed("kill", RESUME_S, since=at or stage.entered("ARMED") + later / 1e6)
    stage.judge()


def freeze(stage, random, state):
    """SIGSTOP, for longer than --max-pause or not; then SIGCONT: it must notice."""
    agent = stage.agent(fault=f"state:{state}+{random.choice((0, random.randrange(2000)))}:stop")
    if not stage.stopped_itself(agent):
        raise NotReached(f"{stage.end(agent)}")
    frozen = time.monotonic()
    long = random.random() < 0.8
    _pass(MAX_PAUSE_S + random.uniform(0.1, 0.6) if long else random.uniform(0, MAX_PAUSE_S))
    if long:
        stage.resumed("freeze", MAX_PAUSE_S + RESUME_S, since=frozen)
    at = time.monotonic()
    agent.signal(signal.SIGCONT)
    result = stage.end(agent)
    stage.resumed("after SIGCONT", RESUME_S, since=at)
    stage.judge(result)


def cut(stage, random, state):
    """The network goes, and comes back later; or the agent's host goes with it."""
    agent = stage.agent(fault=f"state:{state}+{HOLD_US}:pause", inside=True)
    if not stage.reached(agent, state):
        raise NotReached(f"{stage.end(agent)}")
    stage.net.cut()
    gone = time.monotonic()
    _pass(random.choice((random.uniform(0.5, MAX_PAUSE_S), MAX_PAUSE_S + 0.3)))
    stage.resumed("cut", MAX_PAUSE_S + RESUME_S, since=gone)
    if random.random() < 0.5:
        agent.signal(signal.SIGKILL)
        agent.finish(expect=None)
        at = time.monotonic()
        stage.net.heal()
        stage.gone()            # a STOP may have been on its way
        result = None
    else:
        at = time.monotonic()
        stage.net.heal()
        result = stage.end(agent)
    stage.resumed("after the cut", RESUME_S, since=at)
    stage.judge(result)


def _waiters(stage):
    return [row["id"] for row in stage.replica.sql("SELECT ID AS id FROM information_schema.PROCESSLIST WHERE STATE='User lock' "
                                                   f"AND USER='{BACKUP[0]}'")]


def _holder(stage):
    """The session that holds the lock for which the switch waits."""
    name = stage.replica.value("SELECT SUBSTRING_INDEX(SUBSTRING_INDEX(INFO, '''', 2), '''', -1) FROM information_schema.PROCESSLIST "
                               f"WHERE STATE='User lock' AND USER='{BACKUP[0]}' LIMIT 1")
    return stage.replica.value(f"SELECT IS_USED_LOCK('{name}')") if name else None


def lose_switch(stage, random, state):
    """Another tool ends a session of the dead-man's switch; the agent has to notice, and the applier is not left stopped."""
    agent = stage.agent(fault=f"state:{state}+{HOLD_US}:pause")
    if not stage.reached(agent, state):
        raise NotReached(f"{stage.end(agent)}")
    holder = random.random() < 0.5
    victim = _holder(stage) if holder else random.choice(_waiters(stage) or [None])
    stage.note += f"{'holder' if holder else 'waiter'}; "
    assert victim, f"no switch was seen in {state}"
    with contextlib.suppress(pymysql.err.Error):
        stage.replica.sql(f"KILL {victim}")
    result = stage.end(agent)
    stage.resumed("switch lost", MAX_PAUSE_S + RESUME_S)
    stage.judge(result)


def _stop_pending(stage):
    return any("STOP" in (row["info"] or "") for row in stage.sessions())


def blocked(stage, random, _state):
    """A worker is held up by a row lock and rpl_stop_replica_timeout is 2 s: the STOP gives up (1875) and is in effect all the same."""
    name = "rpl_stop_slave_timeout" if stage.flavour is MySQL56 else "rpl_stop_replica_timeout"
    limited = stage.flavour is not MariaDB      # whose STOP waits for as long as it takes
    if limited:
        stage.replica.local(f"SET GLOBAL {name}=2")
    how = random.choice(("kill before 1875", "kill after 1875", "freeze", "wait"))
    stage.note += how + "; "
    try:
        with gaps.RowHeld(stage.replica, stage.lab.schemas(stage.running[0])[0]) as held:
            held.wait_blocked()
            agent = stage.agent("--deadline", "1s", "--on-deadline", "stop")
            proc.wait_until(lambda: _stop_pending(stage), 30, "the STOP", every=0.02)
            if how != "kill before 1875":
                _pass(random.uniform(2.2, 2.8))     # until after the server has given up waiting
            struck = time.monotonic()
            if how.startswith("kill"):
                agent.signal(signal.SIGKILL)
                agent.finish(expect=None)
            elif how == "freeze":
                agent.signal(signal.SIGSTOP)
            _pass(random.uniform(0.2, 2.5))
        # an agent that lives waits for all channels: another one stands still for as long as this one is blocked
        since = time.monotonic() if how == "wait" else struck
        stage.has_stood_still()
        stage.resumed("blocked", RESUME_S if how != "freeze" else MAX_PAUSE_S + RESUME_S, since=since)
        result = None
        if not how.startswith("kill"):
            at = time.monotonic()
            agent.signal(signal.SIGCONT)
            result = stage.end(agent)
            stage.resumed("after blocked", RESUME_S, since=at)
        stage.judge(result)
    finally:
        if limited:
            stage.replica.local(f"SET GLOBAL {name}=DEFAULT" if stage.flavour is MySQL97 else f"SET GLOBAL {name}=31536000")


class _GapMaker(threading.Thread):
    """A gap that a STOP leaves without an error. A worker is held up until the STOP waits for it; two empty transactions arrive meanwhile, and a
    person applies the second by hand, as one skips a transaction: what stands still then lacks the first. A START applies it."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.blocked, self.over = stage, threading.Event(), threading.Event()
        self.error = None

    @staticmethod
    def _empty(server, *gtids):
        server.sql(*(statement for gtid in gtids for statement in (f"SET SESSION gtid_next='{gtid}'", "BEGIN", "COMMIT")))

    def _received(self, channel, name):
        """Are two transactions of that name here? The status of 5.6 waits for a STOP that is in progress; its relay log does not."""
        replica = self.stage.replica
        if self.stage.flavour is MySQL56:
            event = uuid.UUID(name).bytes + (2).to_bytes(8, "little")
            return any(event in log.read_bytes() for log in sorted((replica.dir / "data").glob("relay.0*"))[-2:])
        return f"{name}:1-2" in replica.value("SELECT RECEIVED_TRANSACTION_SET FROM performance_schema.replication_connection_status "
                                              f"WHERE CHANNEL_NAME='{channel}'")

    def _make(self, channel):
        name = str(uuid.uuid4())
        self._empty(self.stage.lab.sources[channel], f"{name}:1", f"{name}:2")
        proc.wait_until(lambda: self._received(channel, name), 20, "two transactions to be received")
        self._empty(self.stage.replica, f"{name}:2")

    def run(self):
        stage = self.stage
        channel = stage.running[0]
        try:
            with gaps.RowHeld(stage.replica, stage.lab.schemas(channel)[0]) as held:
                held.wait_blocked()
                self.blocked.set()
                proc.wait_until(lambda: _stop_pending(stage) or self.over.is_set(), 60, "the STOP", every=0.02)
                if not self.over.is_set():
                    self._make(channel)
        except (AssertionError, pymysql.err.Error) as error:
            self.error = error
        self.blocked.set()

    def __enter__(self):
        self.start()
        self.blocked.wait(60)
        return self

    def __exit__(self, *_exception):
        self.over.set()
        self.join(60)


def closing(blow):
    """The same blow at CLOSING, over a gap that is made while the agent stops the applier."""
    def strike(stage, random, state):
        for attempt in range(1, CLOSING_TRIES + 1):
            stage.options = ("--deadline", "1s", "--on-deadline", "stop")
            try:
                with _GapMaker(stage) as maker:
                    assert not maker.error, maker.error
                    blow(stage, random, state)
                stage.note += f"attempt {attempt}; "
                return
            except NotReached as why:
                stage.note += f"no gap ({why.args[0].split(chr(10))[1][:40]}); "
            finally:
                stage.options = ()
            stage.again()
        raise AssertionError(f"CLOSING was not reached in {CLOSING_TRIES} attempts")
    return strike


def _between_ddl(stage):
    """Before MySQL 8.0 a DDL and the position behind it are two commits: a crash between them has it applied again (1051), and nobody can help that."""
    if stage.flavour is not MySQL97:
        proc.wait_until(lambda: not stage.replica.sql(
            "SELECT 1 FROM information_schema.processlist WHERE user='system user' AND info REGEXP '^ *(CREATE|ALTER|DROP|TRUNCATE|RENAME)'"),
            10, "a replicated DDL to be over", every=0.001)


def restart(stage, random, state):
    """The server goes down in the window, by itself or in order, and comes back; the agent lives."""
    skip = random.random() < 0.7
    crash = random.random() < 0.5
    option = {MySQL97: "skip_replica_start"}.get(stage.flavour, "skip_slave_start")
    if not skip:
        stage.on_purpose = ()       # the server starts what it has
    if crash and stage.flavour is MySQL56:      # what the receiver has must be known when it comes back
        stage.replica.local("SET GLOBAL sync_master_info=1")
    agent = stage.agent(fault=f"state:{state}+{HOLD_US}:pause")
    if not stage.reached(agent, state):
        raise NotReached(f"{stage.end(agent)}")
    at = time.monotonic()
    if crash:
        _between_ddl(stage)
        stage.replica.crash()
    else:
        stage.replica.stop()
    stage.replica.start(**{option: 1 if skip else 0})
    stage.note += f"{'crash' if crash else 'shutdown'}, {'' if skip else 'not '}skipping the start, away for {time.monotonic() - at:.1f} s; "
    result = stage.end(agent)
    stage.resumed("restart", 10)
    for channel in stage.lab.sources:
        with contextlib.suppress(pymysql.err.Error):
            stage.replica.replication("start", channel, "IO_THREAD")
    proc.wait_until(lambda: all(stage.replica.running(c) for c in stage.running), 30,
                    lambda: f"replication to go on: {[stage.replica.trouble(c) for c in stage.running]}")
    if result.code == 0:
        raise Defect("manifest", "a snapshot across a restart of the server")
    stage.judge(result)
