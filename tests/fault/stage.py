# SPDX-License-Identifier: Apache-2.0
"""The servers that rounds are played on, an agent to strike at, and what must hold after every round whatever was struck."""
import contextlib
import dataclasses
import datetime
import itertools
import os
import re
import shutil
import time

import pymysql

from lab import compare, place, proc, tool
from lab.accounts import BACKUP
from lab.server import MariaDB, MySQL56, MySQL97
from lab.topology import Loads, Topology

from .network import network
from .witness import Witness

RESUME_S = 2.0          # from the STOP's completion until the channel runs again, when nobody is left to start it but the server
MAX_PAUSE_S = 3         # --max-pause of every agent here
END_S = 90              # an agent that was not killed has to end by itself
LOAD = {"rate": 50, "ddl_every": 8}       # enough that something is always in flight; rounds are about other things than DDL
# An exit that says what happened: never 1, and never one that belongs to another verb.
TYPED = (tool.OK, tool.PREFLIGHT, tool.NO_QUIET, tool.APPLIER, tool.INCONSISTENT, tool.STORE, tool.SERVER)

# A crash of the server must not cost the replica its own consistency: that is not what is looked at here.
_CRASH_SAFE = {
    MySQL97: {"innodb_flush_log_at_trx_commit": 2, "relay_log_recovery": "ON"},
    MariaDB: {"innodb_flush_log_at_trx_commit": 2, "relay_log_recovery": "ON"},
    MySQL56: {"innodb_flush_log_at_trx_commit": 2},
}
_repositories = itertools.count(1)
GTIDS = {"gtid_mode": "ON", "enforce_gtid_consistency": 1}     # of a 5.6 that has them


class Defect(AssertionError):
    """Something that must never be; `kind` is what it is counted as."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


@dataclasses.dataclass
class Tally:
    """What the rounds on one server amount to; plain data, so that it can be handed over as JSON."""
    server: str
    rounds: dict = dataclasses.field(default_factory=dict)      # by kind
    resumed: dict = dataclasses.field(default_factory=dict)     # by kind, seconds from the STOP's completion to running
    struck: dict = dataclasses.field(default_factory=dict)      # by state
    codes: dict = dataclasses.field(default_factory=dict)       # exit codes of agents that ended by themselves
    defects: dict = dataclasses.field(default_factory=lambda: {"left stopped": 0, "started": 0, "manifest": 0, "other": 0})
    failures: list = dataclasses.field(default_factory=list)
    verified: int = 0
    seeded: int = 0
    network: str = ""
    seconds: float = 0
    ended_badly: int = 0    # its process did not come to the end of its rounds

    def passed(self):
        return sum(self.rounds.values()) + self.seeded + self.ended_badly - len(self.failures)


class Stage:
    def __init__(self, flavour, tally=None, gtid=None):
        """gtid: of 5.6, which otherwise stands for positions."""
        self.flavour = flavour
        self.net = network()
        channels = ("east", "west") if flavour is MySQL97 else ("",)
        options = {"bind_address": self.net.host, **_CRASH_SAFE[flavour]}
        if flavour is MySQL97:
            options["replica_preserve_commit_order"] = "OFF"
        gtids = GTIDS if flavour is MySQL56 and gtid else {}
        self.lab = Topology(flavour, channels=channels, gtid=gtid, replica={**options, **gtids}, source=gtids)
        self.replica = self.lab.replica
        self.tally = tally or Tally(flavour.flavour)
        self.tally.network = self.net.kind
        self.kept = None            # the repository of a snapshot that was completed in spite of a blow
        self.on_purpose = ()        # channels that are stopped and stay so
        self.options = ()           # of every agent of a round
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.stack.callback(self.net.close)
        self.stack.enter_context(self.lab)
        self.loads = self.stack.enter_context(Loads(self.lab, **LOAD))
        self.witness = self.stack.enter_context(Witness(self.replica))
        self._once_in_peace()
        return self

    def _once_in_peace(self):
        """A backup that nobody strikes at: what it takes is the span of the random moments."""
        self.prepare(0)
        result = self.agent().finish(END_S, expect=TYPED)
        self.usual_s = result.seconds
        self.judge(result)

    def __exit__(self, *exception):
        self.stack.__exit__(*exception)

    # ---- before a round ------------------------------------------------------------------------------------------
    @property
    def running(self):
        """The channels that have to run when a round is over."""
        return tuple(c for c in self.lab.sources if c not in self.on_purpose)

    def _applier(self, verb, channel):
        self.replica.replication(verb, channel, "SQL_THREAD")

    def again(self):
        """A round from its beginning: an agent that was to be struck has ended by itself, with the applier as it was, or in an error of its own."""
        tool.end_all()
        self.net.heal()
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.repository, ignore_errors=True)
        note = self.note
        self.prepare(self.number)
        self.note = note

    def prepare(self, number):
        self.number = number
        self.note = ""      # what is worth saying of this round
        # never one of before: a place that had snapshots and is empty is refused
        self.repository = place.run_dir() / f"repository-{next(_repositories)}"
        self.log = self.repository.with_suffix(".log")
        self.repository.mkdir()
        self.on_purpose = ("west",) if "west" in self.lab.sources and number % 2 else ()
        self.clear_sessions()
        for channel in self.lab.sources:
            wanted = channel not in self.on_purpose
            if self.replica.applier_running(channel) != wanted:
                self._applier("start" if wanted else "stop", channel)
        proc.wait_until(lambda: self.witness.now() == len(self.running), 20, "the channels to be as the round wants them")
        self.witness.forget()
        self.begun = time.monotonic()

    def sessions(self):
        """The agent's sessions inside the server, without those of its switch."""
        rows = self.replica.sql("SELECT ID AS id, COMMAND AS command, STATE AS state, INFO AS info FROM information_schema.PROCESSLIST "
                                f"WHERE USER='{BACKUP[0]}'")
        return [row for row in rows if not self._of_the_switch(row)]

    def _switch(self):
        """Sessions of the switch that are still there: as long as they are, somebody's STOP looks like ours."""
        return self.replica.sql(f"SELECT ID AS id, INFO AS info FROM information_schema.PROCESSLIST WHERE USER='{BACKUP[0]}' "
                                "AND (INFO LIKE '%SLEEP(%' OR INFO LIKE '%@s%')")

    @staticmethod
    def _of_the_switch(row):
        text = f"{row['state']} {row['info']}"
        return any(word in text for word in ("User lock", "User sleep", "SLEEP(", "@s = IF(", "slackwater"))

    def clear_sessions(self):
        """What a dead agent has left in the server ends here, so that rounds have nothing to do with each other."""
        for row in self.replica.sql(f"SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER='{BACKUP[0]}'"):
            with contextlib.suppress(pymysql.err.Error):
                self.replica.sql(f"KILL {row['id']}")

    # ---- the agent -----------------------------------------------------------------------------------------------
    def agent(self, *options, fault=None, inside=False):
        """Start a backup; fault: what the agent does to itself, see fault.h; inside: behind the network that can be cut."""
        where = {"host": self.net.host, "port": self.net.port(self.replica)} if inside else {"host": self.replica.options["bind_address"]}
        return tool.Running("backup", *tool.connection(self.replica, BACKUP, **where), "--to", f"file://{self.repository}", "--instance", "lab",
                            "--json", "--log-file", self.log, "--deadline", "40s", "--max-pause", f"{MAX_PAUSE_S}s", *self.options, *options,
                            environment={"SLACKWATER_FAULT": fault} if fault else None, binary=tool.FAULTY,
                            prefix=self.net.prefix if inside else ())

    def state(self):
        """The state that the agent of this round has announced last."""
        return (re.findall(r"state=(\w+) ", self.told()) or ["before"])[-1]

    def told(self):
        """What the agents of this round have logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def entered(self, state):
        """When the agent first said that it is in a state, on the clock of the witness; it says so to the millisecond."""
        said = re.search(rf"^time=(\S+)Z .*state={state} ", self.told(), re.M).group(1)
        wall = datetime.datetime.fromisoformat(said).replace(tzinfo=datetime.timezone.utc).timestamp()
        return wall - time.time() + time.monotonic()

    def reached(self, agent, state, seconds=60):
        """Wait until the agent has said that it is in a state; False: it has ended before."""
        def look():
            if f"state={state} " in self.told():
                return "reached"
            return None if agent.alive() else "ended"
        return proc.wait_until(look, seconds, state, every=0.002) == "reached"

    @staticmethod
    def stopped_itself(agent, seconds=60):
        """Wait until the agent is frozen, or has ended; is it frozen?"""
        def look():
            found = os.waitid(os.P_PID, agent.child.pid, os.WSTOPPED | os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return found and ("frozen" if found.si_code == os.CLD_STOPPED else "ended")
        return proc.wait_until(look, seconds, "the agent to freeze", every=0.001) == "frozen"

    def end(self, agent, seconds=END_S, expect=TYPED):
        result = agent.finish(seconds, expect=expect)
        key = str(result.code)
        self.tally.codes[key] = self.tally.codes.get(key, 0) + 1
        return result

    # ---- after the blow ------------------------------------------------------------------------------------------
    def has_stood_still(self, seconds=20):
        """Wait until a STOP that nobody can take back has had its effect."""
        proc.wait_until(lambda: self.witness.stillnesses(self.begun, len(self.running)), seconds, "the STOP, which is in effect, to come about",
                        every=0.005)

    def resumed(self, kind, limit, since=None, patience=30):
        """Wait until everything that ran runs again and nothing is left to stop it. How long it stood still, from the STOP's completion or from
        `since`, what is later, is recorded and held to the limit."""
        wanted = len(self.running)
        def settled():
            return self.witness.now() == wanted and self.witness.stable_for() > 0.12 and not any(
                "STOP" in (row["info"] or "") for row in self.sessions())
        try:
            proc.wait_until(settled, limit + patience, "", every=0.02)
        except proc.Timeout:
            self._compare_channels()        # says which one, and which way
            raise
        since = since or self.begun
        slowest = max((until - max(start, since) for start, until in self.witness.stillnesses(since, wanted) if until), default=None)
        if slowest is not None:
            self.note += f"{kind}: ran again after {slowest:.3f} s; "
            self.tally.resumed.setdefault(kind, []).append(slowest)
            if slowest > limit:
                raise Defect("left stopped", f"ran again only after {slowest:.2f} s, where {limit} s are allowed")
        return slowest

    def _compare_channels(self):
        for channel in self.lab.sources:
            row = self.replica.status(channel)
            runs = row["Slave_SQL_Running"] == "Yes"
            if channel in self.on_purpose and runs:
                raise Defect("started", f"channel '{channel}' was stopped on purpose and runs")
            if channel not in self.on_purpose and not runs and not self._runs_soon(channel):
                raise Defect("left stopped", f"channel '{channel}' stands still: {self.replica.trouble(channel) or 'no error'}")

    def _runs_soon(self, channel):
        """A STOP that a busy server reads late, or that is in effect (1875) while the channel drains its queue, comes about only now: from then on
        the limit holds as well."""
        try:
            return proc.wait_until(lambda: self.replica.applier_running(channel), RESUME_S, "", every=0.02)
        except proc.Timeout:
            return False

    def gone(self):
        """Wait until no session of the agent is left but those of its switch: what it had sent, or its kernel sends for it, has arrived."""
        proc.wait_until(lambda: not self.sessions(), 60, lambda: f"the sessions of a dead agent to end: {self.sessions()}")

    def person_stops(self):
        """Somebody stops a channel after the agent has died: it stays stopped, whatever is left of the agent in the server."""
        channel = self.running[-1]
        proc.wait_until(lambda: not self._switch(), 5, lambda: f"the switch to have done its work: {self._switch()}")
        self._applier("stop", channel)
        time.sleep(1.4)
        if self.replica.applier_running(channel):
            raise Defect("started", f"channel '{channel}' was stopped by a person after the agent had died, and runs")
        self._applier("start", channel)

    def judge(self, result=None, receiver=True):
        """Every channel as it was found, no more appliers than there were at any time, and a manifest only of a snapshot that is whole."""
        if self.witness.most(self.begun) > len(self.running):
            raise Defect("started", "more appliers ran than before the round")
        self._compare_channels()
        for channel in self.lab.sources if receiver else ():
            assert self.replica.status(channel)["Slave_IO_Running"] in ("Yes", "Connecting"), f"the receiver of '{channel}' was touched"
        found = tool.manifests(self.repository)
        if result is not None and bool(found) != (result.code == tool.OK):
            raise Defect("manifest", f"{len(found)} manifests although: {result}")
        for manifest in found:
            checked = tool.run("verify", "--from", f"file://{self.repository}", "--instance", "lab", manifest.stem, expect=None)
            if checked.code != tool.OK:
                raise Defect("manifest", f"{manifest.name} does not verify: {checked}")
            self.tally.verified += 1
        if found and self.kept != self.repository:
            self._keep()

    def _keep(self):
        if self.kept:
            shutil.rmtree(self.kept, ignore_errors=True)
        self.kept = self.repository

    def tidy(self):
        tool.end_all()
        self.net.heal()
        self.log.unlink(missing_ok=True)
        if self.kept != self.repository:
            shutil.rmtree(self.repository, ignore_errors=True)

    def repair(self):
        """After a defect: the next round starts from servers that work."""
        self.tidy()
        if self.replica.child is None or self.replica.child.poll() is not None:
            self.replica.crash()
            self.replica.start()
        self.clear_sessions()
        for channel in self.lab.sources:
            self.replica.replication("start", channel)

    # ---- no wrong checkpoint -------------------------------------------------------------------------------------
    def seed(self):
        """A new server from the last snapshot that survived a blow: it proves itself, and holds what its sources hold."""
        if not self.kept:
            return
        for channel in self.lab.sources:        # one that was stopped on purpose has all to catch up with
            if not self.replica.applier_running(channel):
                self._applier("start", channel)
        target = self.lab.target(bind_address="127.0.0.1")
        tool.seed(self.kept, target, self.lab.sources)
        self.loads.wait_written(50)
        self.loads.stop()
        for channel in self.lab.sources:
            if not target.applier_running(channel):     # as it was in the snapshot
                target.replication("start", channel)
        self.lab.wait_caught_up(target)
        self.lab.wait_caught_up()
        for other in (self.replica, target):
            for channel, source in self.lab.sources.items():
                found = compare.differences(source, other, self.lab.schemas(channel))
                assert not found, f"{other.name} is not what its source is: {found}"
        self.tally.seeded += 1
        self.lab.drop(target)
        self.loads.__exit__(None)
        for load in self.loads.loads:
            load.start()
