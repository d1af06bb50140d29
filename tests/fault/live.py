# SPDX-License-Identifier: Apache-2.0
"""Faults on real servers: one in a backup under load, one in a seed; afterwards the servers are looked at, not the program's word."""
import contextlib
import itertools
import shutil
import time

from lab import accounts, compare, place, proc, tool
from lab.topology import Loads
from replay import Fault, Outcome, Trace, found_by_sanitizer, sanitized, sanitizer_options

RUNS_AGAIN_S = 10
KINDS = {"conn": ("reset", "error", "timeout", "retry", "down"), "store": ("enospc", "late", "eio"), "alloc": ("null",),
         "sys": ("enospc", "eio", "emfile"), "clock": ("+3600000000:wall", "+3600000000:mono", "+500000:stall", "+5000000:mono")}
BACKUP_CODES = {0, 3, 4, 5, 6, 7, 12}
SEED_CODES = {0, 3, 7, 8, 9, 10, 12}
# What this host refuses the program, memory and descriptors, has no code of its own; an option file that cannot be read is a usage error.
OF_THE_HOST = {"alloc": {1}, "sys": {1, 2}}


def _typed(codes, fault):
    return codes | OF_THE_HOST.get(fault.area, set())


def _states(trace):
    """Those in which calls were made, as places for the clock's faults."""
    states = dict.fromkeys(where.split("/")[0] for _n, where, _about in trace.calls["conn"])
    return [(0, f"{state}/any", "") for state in states]


def chosen(trace, turn, count, area="conn", kinds=1):
    """Faults for every distinct call of a trace, `kinds` of them for each, which rotate: every call has had one before the first has a second.
    count: of so many calls, spread over all (0: every one). Of the clock: of every state."""
    calls = trace.distinct(area) if area != "clock" else _states(trace)
    step = max(1, len(calls) // count) if count else 1
    hows = KINDS[area]
    for moved in range(turn, turn + min(kinds, len(hows))):
        for i, (_n, where, about) in enumerate(calls[turn % step::step]):
            late, _colon, how = hows[(i + moved) % len(hows)].rpartition(":")
            yield Fault(area, where + late, how, about)


class Live:
    def __init__(self, lab, directory):
        self.lab, self.directory = lab, directory
        directory.mkdir(parents=True, exist_ok=True)
        self._numbers = itertools.count()
        self.target = None

    def _fresh(self):
        path = self.directory / f"r{next(self._numbers)}"
        path.mkdir()
        return path

    def _outcome(self, fault, run, codes, judge):
        begun, problems, result = time.monotonic(), [], None
        try:
            result = run()
            if result.code not in _typed(codes, fault):
                problems.append(f"exit {result.code}")
        except proc.Timeout as hang:
            problems.append(f"did not end: {str(hang)[:300]}")
        if result and found_by_sanitizer(result.code, result.err):
            problems.append("a sanitizer has found something")
        problems += judge(result)
        return Outcome(fault, result.code if result else None, problems, result.err if result else "", 0, time.monotonic() - begun)

    # ---- backup ----

    def trace_backup(self):
        file, repository = self.directory / "backup.trace", self._fresh()
        tool.backup(self.lab.replica, repository, "--threads", "2", **self._how(trace=file))
        shutil.rmtree(repository)
        return Trace(file.read_text())

    @staticmethod
    def _how(fault=None, trace=None):
        asked = {"SLACKWATER_FAULT": str(fault)} if fault else {"SLACKWATER_FAULT_TRACE": str(trace)}
        return {"binary": sanitized(), "environment": {**asked, **sanitizer_options()}}

    def backup(self, fault):
        repository = self._fresh()

        def judge(result):
            problems = self._applier()
            if list((place.run_dir() / "state").glob("*.journal")):
                problems.append("the journal was left open")
            found = tool.manifests(repository)
            if result and result.code == 0 and len(found) != 1:
                problems.append("exit 0 without a manifest")
            if found and tool.run("verify", "--from", repository, "--instance", "lab", expect=None).code:
                problems.append("the snapshot does not verify")
            problems += self._sessions_left()
            shutil.rmtree(repository, ignore_errors=True)
            return problems
        return self._outcome(fault, lambda: tool.backup(
            self.lab.replica, repository, "--threads", "2", "--max-pause", "5s", "--deadline", "30s", expect=None, seconds=300,
            **self._how(fault)), BACKUP_CODES, judge)

    def _applier(self):
        try:
            for channel in self.lab.sources:
                proc.wait_until(lambda channel=channel: self.lab.replica.running(channel), RUNS_AGAIN_S, "the applier to run")
            return []
        except proc.Timeout:
            problems = [f"the applier does not run: {self.lab.replica.status()}"]
            for channel in self.lab.sources:
                self.lab.replica.replication("start", channel)
            return problems

    def _sessions_left(self):
        """Sessions of the program that outlive it hold locks: they have to go by themselves."""
        def gone():
            return not self.lab.replica.sql(f"SELECT * FROM information_schema.processlist WHERE user='{accounts.BACKUP[0]}'")
        try:
            proc.wait_until(gone, RUNS_AGAIN_S, "its sessions to end")
            return []
        except proc.Timeout:
            return [f"sessions are left: {self.lab.replica.sql('SHOW PROCESSLIST')}"]

    # ---- seed ----

    def prepare_seed(self):
        """A snapshot, more transactions after it, and a target; nothing moves from here on."""
        self.snapshot = self._fresh()
        with Loads(self.lab, rate=60) as loads:
            tool.backup(self.lab.replica, self.snapshot, "--threads", "2")
            loads.wait_written(60)
            loads.stop()
        self.lab.wait_caught_up()
        self.target = self.lab.target()

    def _schemas(self):
        """Of the target, whose applier may be making and dropping tables of them at the moment."""
        return {name for row in self.target.sql("SHOW DATABASES") for name in row.values()} - set(compare.SYSTEM)

    def _empty(self):
        """The target as it was when it was new, but for its accounts."""
        with contextlib.suppress(Exception):
            self.target.replication("stop", self.lab.channel)
            self.target.replication("reset", self.lab.channel)
        schemas = self._schemas()
        self.target.local("SET SESSION foreign_key_checks=0", *(f"DROP DATABASE IF EXISTS `{s}`" for s in schemas))
        return self

    def _seed(self, fault=None, trace=None):
        return tool.run(*tool.seed_arguments(self.snapshot, self.target, self.lab.sources, "--catch-up-timeout", "30s", "--threads", "2"),
                        expect=None, seconds=120, **self._how(fault, trace))

    def trace_seed(self):
        file = self.directory / "seed.trace"
        result = self._empty()._seed(trace=file)
        assert result.code == 0 and self._judge_seed(result) == [], result
        return Trace(file.read_text())

    def _judge_seed(self, result):
        schemas = self._schemas()
        configured = bool(self.target.status(self.lab.channel))
        if "slackwater_incomplete" in schemas:
            return ["exit 0 and a mark"] if result and result.code == 0 else []
        if not schemas and not configured:
            return ["exit 0 and nothing there"] if result and result.code == 0 else []
        # no mark: then it has to be the whole thing
        problems = []
        try:
            proc.wait_until(lambda: self.target.running(self.lab.channel), RUNS_AGAIN_S, "the seed to replicate")
            self.lab.wait_caught_up(self.target)
            problems += compare.differences(self.lab.source, self.target, self.lab.schemas())
        except AssertionError as wrong:
            problems.append(str(wrong)[:500])
        return [f"a silent half: {p}" for p in problems]

    def seed(self, fault):
        self._empty()
        return self._outcome(fault, lambda: self._seed(fault), SEED_CODES, self._judge_seed)
