# SPDX-License-Identifier: Apache-2.0
"""Running slackwater as a DBA would: one command, an exit code, a JSON document."""
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from . import place, proc
from .accounts import BACKUP, SEEDER, option_file
from .server import REPLICATION

BINARY = pathlib.Path(os.environ.get("SLACKWATER_BIN", place.TOP / "build" / "slackwater"))
FAULTY = BINARY.with_name("slackwater-fault")       # the same with the faults that SLACKWATER_FAULT asks for: tests/fault/fault.h

OK, UNEXPECTED, USAGE, PREFLIGHT, NO_QUIET, APPLIER, INCONSISTENT, STORE, SNAPSHOT, REFUSED, NOT_PROVEN, BUSY, SERVER = range(13)

_numbers = itertools.count(1)
_running = set()


@dataclasses.dataclass
class Result:
    argv: list
    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def json_of_a_pipe(self):
        """Where the data go to the standard output, the document follows the log."""
        return json.loads(self.err[("\n" + self.err).index("\n{"):])

    def __str__(self):
        return (f"slackwater {' '.join(self.argv)}\nexit {self.code} after {self.seconds:.1f} s\n"
                f"--- stdout\n{self.out[-4000:]}\n--- stderr\n{self.err[-6000:]}")


class Running:
    """A command that has been started; output goes to files, so that it never waits for us."""

    def __init__(self, *arguments, stdin=subprocess.DEVNULL, stdout=None, environment=None, outlives_test=False, binary=None,
                 prefix=()):
        self.argv = [str(a) for a in arguments]
        self.begun = time.monotonic()
        self._out = tempfile.TemporaryFile("w+", dir=place.run_dir())
        self._err = tempfile.TemporaryFile("w+", dir=place.run_dir())
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SLACKWATER_") and k != "MYSQL_PWD"}
        self.child = proc.spawn([*prefix, binary or BINARY, *self.argv], stdin=stdin, stdout=stdout or self._out, stderr=self._err,
                                env={**clean, **(environment or {})})
        if not outlives_test:
            _running.add(self)

    def signal(self, number):
        os.kill(self.child.pid, number)

    def alive(self):
        return self.child.poll() is None

    def log(self):
        with open(f"/proc/self/fd/{self._err.fileno()}", encoding="utf-8", errors="replace") as log:
            return log.read()

    def finish(self, seconds=120, expect=OK):
        """Wait for its end; an exit code other than the expected one is a failure that shows all there is to see."""
        _running.discard(self)
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGABRT)     # leaves a core or a sanitizer's report where these are on
            proc.end(self.child, grace=5)
            raise proc.Timeout(f"slackwater {' '.join(self.argv)} did not end within {seconds} s:\n{self.log()[-6000:]}") from None
        seconds = time.monotonic() - self.begun
        proc.end(self.child)
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read())
            file.close()
        result = Result(self.argv, code, *texts, seconds)
        if expect is not None:
            wanted = expect if isinstance(expect, (tuple, list, set)) else (expect,)
            assert code in wanted, f"exit {code}, wanted {expect}: {result}"
        return result


def end_all():
    """End what a test that failed has left running; such a command holds locks."""
    for running in list(_running):
        proc.end(running.child, grace=10)
        _running.discard(running)


def run(*arguments, expect=OK, seconds=120, **how):
    return Running(*arguments, **how).finish(seconds, expect)


def _file(server, account, **more):
    return option_file(place.run_dir() / f"my-{next(_numbers)}.cnf", server, account, **more)


def connection(server, account=BACKUP, **more):
    """CONNECTION of a command, in an option file: passwords never stand on a command line."""
    return [f"--defaults-file={_file(server, account, **more)}", f"--state-dir={place.run_dir() / 'state'}"]


def url(repository):
    """A directory's, unless it is one already (or a pipe)."""
    return str(repository) if str(repository) == "-" or "://" in str(repository) else f"file://{repository}"


def backup_arguments(replica, to, *options, account=BACKUP, instance="lab"):
    where = ["--to", url(to)]
    return ["backup", *connection(replica, account), *where, "--instance", instance, "--json", *options]


def start_backup(replica, to, *options, account=BACKUP, instance="lab", **how):
    return Running(*backup_arguments(replica, to, *options, account=account, instance=instance), **how)


def backup(replica, to, *options, expect=OK, seconds=120, **how):
    return start_backup(replica, to, *options, **how).finish(seconds, expect)


def check(replica, *options, expect=OK, account=BACKUP):
    return run("check", *connection(replica, account), "--json", *options, expect=expect)


def recover(replica, *options, expect=OK, account=BACKUP, seconds=120):
    return run("recover", *connection(replica, account), "--json", *options, expect=expect, seconds=seconds)


def seed_arguments(repository, target, sources, *options, snapshot="latest", instance="lab", account=SEEDER, groups=None):
    """sources: a server, or {channel: server}."""
    if not isinstance(sources, dict):
        sources = {"": sources}
    given = connection(target, account, source_account=REPLICATION, groups=groups)
    for channel, source in sources.items():
        given += ["--source", f"{channel + '=' if channel else ''}127.0.0.1:{source.port}"]
    source_user = ["--source-user", REPLICATION[0]]
    keys = ["--source-public-key", "get"] if type(target).flavour == "mysql97" else []
    where = ["--from", url(repository), "--instance", instance]
    return ["seed", *given, *where, *source_user, *keys, "--catch-up-timeout", "90s", *options,
            *([snapshot] if repository != "-" else [])]


def seed(repository, target, sources, *options, expect=OK, seconds=180, stdin=subprocess.DEVNULL, environment=None, **how):
    return run(*seed_arguments(repository, target, sources, *options, **how), expect=expect, seconds=seconds, stdin=stdin,
               environment=environment)


def manifests(repository, instance="lab"):
    """The manifests in a repository, which are its snapshots."""
    found = pathlib.Path(repository, instance, "manifests").glob("*.json")
    return sorted(p for p in found if not p.name.endswith((".proof.json", ".trial.json")))
