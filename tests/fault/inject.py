# SPDX-License-Identifier: Apache-2.0
"""tests/fault/inject.sh: what happens when the n-th call fails. Prints a table, what failed, and "counts P F S"."""
import argparse
import collections
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import place, proc, tool                       # noqa: E402  pylint: disable=wrong-import-position
from lab.server import MariaDB, MySQL56, MySQL97        # noqa: E402  pylint: disable=wrong-import-position
from lab.topology import Loads, Topology                # noqa: E402  pylint: disable=wrong-import-position
import live                                             # noqa: E402  pylint: disable=wrong-import-position
import replay                                           # noqa: E402  pylint: disable=wrong-import-position

THIN_SECONDS, THIN_STRIDE = 15, 8       # of replayed faults, for each server
THIN_BACKUPS, THIN_SEEDS = 10, 4        # of faults on real servers
THIN_LIVE_SECONDS = 25                  # bound of either
SOAK_OTHERS = 40                        # with --soak, of refused memory and of the operating system's: each is replayed as well


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.table = collections.defaultdict(collections.Counter)
        self.shown = 0

    def add(self, suite, outcome, verbose):
        if (self.passed + self.failed) % 500 == 499:
            print(f"... {self.passed + self.failed} faults, now {suite} {outcome.fault}", flush=True)
        row = self.table[suite, outcome.fault.area, outcome.fault.how]
        row["n"] += 1
        if not outcome.problems and not outcome.struck():
            row["not reached"] += 1
            return
        row[f"exit {outcome.code}"] += 1
        row["failed"] += bool(outcome.problems)
        row["unknown"] += bool(outcome.unknown)
        self.failed += bool(outcome.problems)
        self.passed += not outcome.problems
        if outcome.problems:
            print(f"FAILED {suite} {outcome.fault} [{outcome.fault.about}]: {'; '.join(outcome.problems)}", flush=True)
            if verbose or self.shown < 10:
                print("    " + "\n    ".join(outcome.log.strip().splitlines()[-12:]), flush=True)
            self.shown += 1

    def blind(self):
        """Suites whose faults were all told of and none met: nothing was tried, whatever their exit codes."""
        met = collections.Counter()
        for (suite, _area, _how), row in self.table.items():
            met[suite] += row["n"] - row["not reached"]
        return [suite for suite, n in met.items() if not n]

    def show(self):
        for (suite, area, how), row in sorted(self.table.items()):
            codes = " ".join(f"{k[5:]}:{v}" for k, v in sorted(row.items()) if k.startswith("exit"))
            print(f"{suite:24} {area:6} {how:8} {row['n']:6} faults {row['failed']:4} failed, exit codes {codes}"
                  + (f", {row['not reached']} not reached" if row["not reached"] else "")
                  + (f", {row['unknown']} with statements that the recording does not know" if row["unknown"] else ""))


def replayed(lab, tally, arguments, directory):
    name = lab.flavour.flavour
    recording = directory / f"{name}.recording"
    repository = directory / f"{name}.first"
    repository.mkdir()
    tool.backup(lab.replica, repository, "--threads", "2", binary=tool.FAULTY,
                environment={"SLACKWATER_FAULT_RECORD": str(recording)})
    player = replay.Replay(name, recording, replay.sanitized(), directory / name)
    trace = player.trace()
    player.control()
    tally.passed += 2       # the backup without a fault, and the control
    faults = replay.all_faults(trace, arguments.every) if arguments.soak else replay.some_faults(trace, arguments.turn, THIN_STRIDE)
    faults = _wanted(faults, arguments)
    if not arguments.soak:      # their time may end before they do: a bit of everything first
        random.Random(arguments.turn).shuffle(faults)
    pipe = replay.PipeReplay(name, recording, replay.sanitized(), directory / f"{name}.pipe")
    for outcome in pipe.run(_wanted(replay.pipe_faults(pipe.trace(), arguments.soak), arguments), arguments.parallel):
        tally.add(f"{name} replayed, pipe", outcome, arguments.verbose)
    until = None if arguments.soak else time.monotonic() + arguments.seconds
    done = 0
    for outcome in player.run(faults, arguments.parallel, until):
        tally.add(f"{name} replayed", outcome, arguments.verbose)
        done += 1
    assert done or not faults, "no time was left for any fault"
    if done < len(faults):
        print(f"{name}: {len(faults) - done} of {len(faults)} faults were left out for want of time")


def alive(lab, tally, arguments, directory):
    """Faults in backups of a server under load, then in seeds from it."""
    name = lab.flavour.flavour
    work = live.Live(lab, directory / f"{name}.live")
    areas = ("conn", "store", "clock", "alloc", "sys") if arguments.soak else ("conn",)
    with Loads(lab, rate=60) as loads:
        loads.wait_written(20)
        trace = work.trace_backup()
        for area in areas:
            for fault in _timely(_chosen(trace, area, arguments, THIN_BACKUPS), arguments):
                tally.add(f"{name} backup", work.backup(fault), arguments.verbose)
    work.prepare_seed()
    trace = work.trace_seed()
    for area in areas:
        for fault in _timely(_chosen(trace, area, arguments, THIN_SEEDS), arguments):
            tally.add(f"{name} seed", work.seed(fault), arguments.verbose)


def _chosen(trace, area, arguments, thin):
    if not arguments.soak:
        return list(live.chosen(trace, arguments.turn, thin, area))
    return list(live.chosen(trace, arguments.turn, SOAK_OTHERS if area in ("alloc", "sys") else 0, area, arguments.kinds))


def _timely(faults, arguments):
    """One after the other; the thinned choice ends where its time does."""
    until = time.monotonic() + THIN_LIVE_SECONDS
    wanted = _wanted(faults, arguments)
    if arguments.soak and wanted:
        print(f"... {time.strftime('%T')} {len(wanted)} faults of {wanted[0].area}", flush=True)
    for fault in wanted:
        if not arguments.soak and time.monotonic() > until:
            print(f"left out for want of time: {fault} and what follows")
            return
        yield fault


def _wanted(faults, arguments):
    return [f for f in faults if not arguments.only or arguments.only in str(f)]


def main():
    parser = argparse.ArgumentParser(prog="tests/fault/inject.sh", description=__doc__)
    parser.add_argument("--soak", action="store_true", help="every call, every kind, every allocation")
    parser.add_argument("--every", type=int, default=1, help="with --soak: of allocations only every N-th")
    parser.add_argument("--kinds", type=int, default=5, help="with --soak: how many kinds of fault at each call to a real server")
    parser.add_argument("--only", help="only faults whose text contains this")
    parser.add_argument("--servers", default="mariadb,mysql56,mysql97")
    parser.add_argument("--part", choices=("replay", "live"), help="only the replayed faults, or only those on real servers")
    parser.add_argument("--parallel", type=int, default=3)
    parser.add_argument("--turn", type=int, default=int(time.time()) // 60 % 97, help="moves the thinned choice; its value is printed")
    parser.add_argument("--seconds", type=int, default=THIN_SECONDS, help="bound of the replayed faults, for each server")
    parser.add_argument("--verbose", action="store_true", help="the log of everything that fails")
    arguments = parser.parse_args()
    proc.end_on_signals()
    tally = Tally()
    directory = place.run_dir() / "inject"
    directory.mkdir()
    print(f"faults: turn {arguments.turn}, {replay.sanitized()}")
    for flavour in (MariaDB, MySQL56, MySQL97):
        if flavour.flavour not in arguments.servers.split(","):
            continue
        if flavour.why_missing:
            print(f"skipped: {flavour.why_missing}")
            tally.skipped += 1
            continue
        with Topology(flavour) as lab:
            for part, work in (("replay", replayed), ("live", alive)):
                if arguments.part not in (None, part):
                    continue
                try:
                    work(lab, tally, arguments, directory)
                except AssertionError as wrong:         # without a fault it has to work
                    tally.failed += 1
                    print(f"FAILED {flavour.flavour} {part}: {wrong}", flush=True)
    for suite in tally.blind():
        tally.failed += 1
        print(f"FAILED {suite}: no fault was met", flush=True)
    tally.show()
    print(f"counts {tally.passed} {tally.failed} {tally.skipped}")
    return tally.failed > 0 or not tally.passed


if __name__ == "__main__":
    sys.exit(main())
