# SPDX-License-Identifier: Apache-2.0
"""A backup against a recording, with one fault in it: run many of them, and say what is wrong with any."""
import collections
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from lab import place, proc, tool

SANITIZER = 90      # the exit code of a sanitizer that has found something
RUN_SECONDS = 90
TYPED = {"conn": {0, 3, 4, 5, 6, 7, 12}, "store": {0, 7}, "clock": {0, 4, 6}, "alloc": {0, 1, 3, 4, 5, 6, 7, 12},
         "sys": {0, 1, 3, 4, 5, 6, 7, 12}}
KINDS = {"conn": ("error", "reset", "timeout", "retry", "down"), "store": ("enospc", "eio", "late"), "sys": ("enospc", "emfile", "eio")}


def sanitizer_options():
    return {"ASAN_OPTIONS": f"exitcode={SANITIZER}:detect_leaks=1:abort_on_error=0", "LSAN_OPTIONS": f"exitcode={SANITIZER}",
            "UBSAN_OPTIONS": f"exitcode={SANITIZER}:print_stacktrace=1"}


def found_by_sanitizer(code, log):
    return code == SANITIZER or re.search(r"runtime error:|AddressSanitizer|LeakSanitizer", log) is not None


@dataclasses.dataclass(frozen=True)
class Fault:
    area: str
    where: str          # what stands between the colons
    how: str
    about: str = ""     # the call, for people

    def __str__(self):
        return f"{self.area}:{self.where}:{self.how}"


@dataclasses.dataclass
class Outcome:
    fault: Fault
    code: int
    problems: list
    log: str
    unknown: int = 0
    seconds: float = 0.0

    def struck(self):
        """Was there such a call at all in this run? Threads do not always take the same turns."""
        return "slackwater-fault: struck" in self.log


class Trace:
    """What SLACKWATER_FAULT_TRACE wrote."""

    def __init__(self, text):
        self.calls, self.totals = collections.defaultdict(list), {}
        for line in text.splitlines():
            area, n, *rest = line.split(" ", 3)
            if area == "total":
                self.totals[n] = int(rest[0])
            else:
                self.calls[area].append((int(n), rest[0], rest[1] if len(rest) > 1 else ""))

    def distinct(self, area):
        """The first call of every state and site."""
        seen = {}
        for n, place_, about in self.calls[area]:
            seen.setdefault(place_, (n, place_, about))
        return sorted(seen.values())


class Replay:
    """Backups played from one recording, with the sanitizers' build."""

    def __init__(self, name, recording, binary, directory):
        self.name, self.recording, self.binary = name, recording, binary
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def _start(self, fault, trace=None, **more):
        where = pathlib.Path(tempfile.mkdtemp(dir=self.directory))
        (where / "repository").mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SLACKWATER_") and k != "MYSQL_PWD"}
        environment |= {"SLACKWATER_FAULT_REPLAY": str(self.recording), "SLACKWATER_FAULT_REPORT": str(where / "report"),
                        "HOME": str(where), **sanitizer_options(), **more}
        if fault:
            environment["SLACKWATER_FAULT"] = str(fault)
        if trace:
            environment["SLACKWATER_FAULT_TRACE"] = str(trace)
        argv = [self.binary, "backup", "--no-defaults", "--host", "127.0.0.1", "--user", "nobody", "--to", self._to(where),
                "--instance", "lab", "--threads", "2", "--deadline", "20s", "--state-dir", where / "state"]
        with open(where / "log", "w", encoding="utf-8") as log, open(where / "output", "wb") as output:
            child = proc.spawn(argv, stdout=output, stderr=log, env=environment)
        return where, child, time.monotonic()

    def trace(self):
        file = self.directory / "trace"
        where, child, _begun = self._start(None, file)
        code = child.wait(RUN_SECONDS)
        proc.end(child)
        log = (where / "log").read_text(errors="replace")
        assert code == 0, f"{self.name}: a backup without a fault, from the recording, ends with {code}:\n{log[-3000:]}"
        assert self._report(where)[0] == "running" and not self._stored(None, where, code), log
        return Trace(file.read_text())

    def control(self):
        """Where a START has no effect, that has to be found: what is wrong with this very run, by the same judgement."""
        where, child, begun = self._start(None, SLACKWATER_FAULT_DEAF="1")
        code = child.wait(RUN_SECONDS)
        proc.end(child)
        outcome = self._judge(Fault("conn", "none", "error"), where, code, begun)
        assert code == 5 and "the applier is left stopped" in outcome.problems, f"{self.name}: the judgement is blind: {outcome}"

    @staticmethod
    def _report(where):
        report = where / "report"
        match = re.search(r"applier (\w+), stops (\d+), starts (\d+), unknown (\d+)", report.read_text() if report.exists() else "")
        return (match.group(1), *map(int, match.groups()[1:])) if match else ("not reported", 0, 0, 0)

    def _judge(self, fault, where, code, begun):
        log = (where / "log").read_text(errors="replace")
        applier, _stops, _starts, unknown = self._report(where)
        problems = []
        if code is None:
            problems.append(f"did not end within {RUN_SECONDS} s")
        elif found_by_sanitizer(code, log):
            problems.append("a sanitizer has found something")
        elif code not in TYPED[fault.area]:
            problems.append(f"exit {code}")
        if applier != "running":
            problems.append(f"the applier is left {applier}")
        if list((where / "state").glob("*.journal")):
            problems.append("the journal was left open")
        problems += self._stored(fault, where, code)
        if code and "level=error" not in log:
            problems.append("no error was reported")
        return Outcome(fault, code, problems, log, unknown, time.monotonic() - begun)

    @staticmethod
    def _to(where):
        return where / "repository"

    def _stored(self, fault, where, code):
        """What is wrong with what is in the store now."""
        problems, found = [], tool.manifests(where / "repository")
        if code == 0 and len(found) != 1:
            problems.append("exit 0 without a manifest")
        left = [p for p in (where / "repository").rglob("*") if p.is_file()]
        if found:
            checked = subprocess.run([tool.BINARY, "verify", "--from", where / "repository", "--instance", "lab"],
                                     capture_output=True, text=True, check=False)
            if checked.returncode:
                problems.append(f"the snapshot does not verify: {checked.stderr[-400:]}")
        elif left and fault.area not in ("store", "sys"):
            problems.append(f"no manifest, but {len(left)} files are left: {left[0].name}")
        return problems

    def run(self, faults, parallel=4, until=None):
        """Yield the outcome of each; those that were not begun before `until` (monotonic) are left out."""
        waiting, running = list(reversed(faults)), {}
        while waiting or running:
            while waiting and len(running) < parallel:
                if until and time.monotonic() > until:
                    waiting.clear()
                    break
                fault = waiting.pop()
                running[fault] = self._start(fault)
            for fault, (where, child, begun) in list(running.items()):
                code = child.poll()
                if code is None and time.monotonic() - begun < RUN_SECONDS:
                    continue
                del running[fault]
                proc.end(child)
                yield self._judge(fault, where, code, begun)
                shutil.rmtree(where, ignore_errors=True)
            time.sleep(0.01)


class PipeReplay(Replay):
    """The same through a pipe: what has come out is a snapshot when the backup says so; else it is one, or is refused as damaged."""

    @staticmethod
    def _to(where):
        return "-"

    def _stored(self, fault, where, code):
        with open(where / "output", "rb") as stream:
            verified = subprocess.run([tool.BINARY, "verify", "--from", "-"], stdin=stream, capture_output=True, check=False).returncode
        if code == 0 and verified:
            return [f"exit 0, and the stream does not verify ({verified})"]
        return [] if verified in (tool.OK, tool.SNAPSHOT) else [f"verifying the stream ends with {verified}"]


def pipe_faults(trace, every_kind):
    return list(_kinds("store", trace.calls["store"] if every_kind else trace.distinct("store"), every_kind, 0))


def _kinds(area, calls, every_kind, timeout_us):
    for i, (n, _place, about) in enumerate(calls):
        kinds = KINDS[area] if every_kind else [KINDS[area][i % len(KINDS[area])]]
        for how in kinds:
            late = {"timeout": f"+{timeout_us}", "down": "+300000"}.get(how, "")
            yield Fault(area, f"{n}{late}", how, about)


def all_faults(trace, every):
    """Every call, every kind; every `every`-th allocation."""
    faults = [f for area in KINDS for f in _kinds(area, trace.calls[area], True, 20000)]
    faults += [Fault("alloc", str(n), "null") for n in range(1, trace.totals["alloc"] + 1, every)]
    return faults + clock_faults(range(1, trace.totals["clock"] + 1))


def some_faults(trace, turn, stride):
    """Every distinct call with one kind, of allocations each stride-th site; turn moves the choice."""
    faults = []
    for area in KINDS:
        calls = trace.distinct(area)
        faults += list(_kinds(area, calls[turn:] + calls[:turn], False, 20000))
    sites = trace.distinct("alloc")[turn % stride::stride]
    faults += [Fault("alloc", str(n), "null") for n, _place, _about in sites]
    return faults + clock_faults(range(1 + turn, trace.totals["clock"] + 1, 4))


def clock_faults(readings):
    hour, second = 3600 * 10**6, 10**6
    kinds = ((hour, "wall"), (hour, "mono"), (second // 2, "stall"), (5 * second, "mono"))
    return [Fault("clock", f"{n}+{kinds[n % 4][0]}", kinds[n % 4][1]) for n in readings]


def sanitized():
    """The program to be used: that of the sanitizers' build where there is one."""
    dev = place.TOP / "build-dev" / "slackwater-fault"
    return dev if dev.exists() else tool.FAULTY
