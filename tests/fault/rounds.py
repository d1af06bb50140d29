# SPDX-License-Identifier: Apache-2.0
"""Blows at the agent, its network, its switch and its server, on every server at once, and what they did to the applier.

`python3 -m fault.rounds --rounds N`: N times SIGKILL, and of every other blow about a quarter of that, divided among the servers. Each server
has a process of its own. Prints what was found and, last, `counts PASSED FAILED SKIPPED`."""
import argparse
import dataclasses
import itertools
import json
import math
import random
import statistics
import sys
import time
import traceback

import pymysql

from lab import place, proc
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97

from . import blows
from .stage import Stage, Tally

# A gap that is no error can be made where there are GTIDs and commits out of order. Without GTIDs a STOP that succeeds leaves one only with the
# error of a worker, and MariaDB commits in order: neither ever comes to CLOSING.
CLOSERS = (MySQL97, MySQL56)
CLOSING_KILLS = 16
# blow, states it is struck in, how many per 200 kills
PLAN = (
    ("kill", blows.kill, blows.ALL, 130),
    ("kill any time", blows.kill_any_time, ("any",), 70),
    ("no switch", blows.control, blows.STOPPED[1:], 12),
    ("freeze", blows.freeze, blows.ALL, 50),
    ("cut", blows.cut, blows.ALL, 40),
    ("switch", blows.lose_switch, blows.GUARDED, 50),
    ("blocked", blows.blocked, ("STOPPING",), 24),
    ("restart", blows.restart, blows.STOPPED, 24),
    ("kill closing", blows.closing(blows.kill), (blows.CLOSING,), CLOSING_KILLS),
    ("freeze closing", blows.closing(blows.freeze), (blows.CLOSING,), 8),
    ("cut closing", blows.closing(blows.cut), (blows.CLOSING,), 8),
    ("switch closing", blows.closing(blows.lose_switch), (blows.CLOSING,), 8),
)
_STATES = ("before", "PREFLIGHT", "ARMED", "WATCHING", "STOPPING", "CLOSING", "STILL", "CAPTURED", "RESUMING", "RUNNING")
SEED_EVERY = 60     # rounds on one server


def share(number, among, index):
    """The part of `number` that falls to one of several."""
    return number // among + (index < number % among)


def closing_kills(rounds, flavours):
    """They are among the kills."""
    able = sum(flavour in CLOSERS for flavour in flavours)
    return max(able, math.ceil(rounds * CLOSING_KILLS / 200)) if able else 0


def program(index, flavours, rounds, generator):
    """The rounds of one server in a random order, every state in turn: [(kind, function, state)]."""
    planned = []
    for kind, function, states, per_200 in PLAN:
        able = [f for f in flavours if states != (blows.CLOSING,) or f in CLOSERS]
        if flavours[index] not in able:
            continue
        among, at = len(able), able.index(flavours[index])
        total = max(among, math.ceil(rounds * per_200 / 200))
        if kind == "kill":
            total = max(0, rounds * per_200 // 200 - closing_kills(rounds, flavours))
        elif kind == "kill any time":
            total = rounds - rounds * 130 // 200
        number = share(total, among, at)
        order = generator.sample(states, len(states))
        planned += [(kind, function, state) for state in itertools.islice(itertools.cycle(order), number)]
    generator.shuffle(planned)
    return planned


def play(stage, number, kind, function, state, generator, say):
    """One round; a defect is counted, told, and put right."""
    tally = stage.tally
    tally.rounds[kind] = tally.rounds.get(kind, 0) + 1
    begun, what = time.monotonic(), f"{stage.flavour.flavour} round {number}: {kind} at {state}"
    try:
        stage.prepare(number)
        function(stage, generator, state)
        struck = stage.state() if state == "any" else state
        tally.struck[struck] = tally.struck.get(struck, 0) + 1
        say(f"{what}: {time.monotonic() - begun:.1f} s; {stage.note}")
    except (AssertionError, pymysql.err.Error, OSError) as error:
        tally.defects[getattr(error, "kind", "other")] += 1
        where = traceback.extract_tb(error.__traceback__)[1]
        tally.failures.append(f"{what} ({where.name}): {type(error).__name__}: {error}")
        print(f"FAILED {tally.failures[-1]}\n{stage.note}\n{stage.told()}", flush=True)
        stage.repair()
    stage.tidy()


def seed(stage):
    try:
        stage.seed()
    except (AssertionError, pymysql.err.Error) as error:
        stage.tally.defects["manifest"] += 1
        stage.tally.seeded += 1
        stage.tally.failures.append(f"{stage.flavour.flavour}: a seed from a snapshot that survived a blow: {error}")
        print(f"FAILED {stage.tally.failures[-1]}", flush=True)


def stages(flavour, planned):
    """5.6 stands for positions, and comes to CLOSING on servers with GTIDs."""
    apart = [row for row in planned if flavour is MySQL56 and row[2] == blows.CLOSING]
    for gtid, rows in ((None, [row for row in planned if row not in apart]), (True, apart)):
        if rows:
            yield gtid, rows


def one_server(flavour, planned, generator, say, results):
    begun, tally = time.monotonic(), Tally(flavour.flavour)
    for gtid, rows in stages(flavour, planned):
        with Stage(flavour, tally, gtid) as stage:
            for number, (kind, function, state) in enumerate(rows, 1):
                play(stage, number, kind, function, state, generator, say)
                if number % SEED_EVERY == 0:
                    seed(stage)
            if len(rows) % SEED_EVERY:
                seed(stage)
    tally.seconds = time.monotonic() - begun
    results.write_text(json.dumps(dataclasses.asdict(tally)))


# ---- what was found --------------------------------------------------------------------------------------------------

def percentile(values, part):
    return sorted(values)[min(len(values) - 1, math.ceil(part * len(values)) - 1)]


def tell(tally):
    print(f"\n{tally.server}: {sum(tally.rounds.values())} rounds in {tally.seconds:.0f} s: "
          + ", ".join(f"{number} {kind}" for kind, number in sorted(tally.rounds.items()))
          + f"; cut by a {tally.network}")
    print("  struck in: " + ", ".join(f"{state} {number}" for state, number in sorted(tally.struck.items(), key=lambda s: _STATES.index(s[0]))))
    print(f"  {'time to resume [s]':24}{'stood still':>12}{'p50':>8}{'p99':>8}{'max':>8}")
    for kind, values in sorted(tally.resumed.items()):
        print(f"  {kind:24}{len(values):12}{statistics.median(values):8.3f}{percentile(values, 0.99):8.3f}{max(values):8.3f}")
    print("  agents that lived ended with: " + (", ".join(f"{code} ({n} times)" for code, n in sorted(tally.codes.items())) or "-")
          + f"; {tally.verified} manifests verified, {tally.seeded} seeds held against their sources")


def summary(tallies, missing):
    for tally in tallies:
        tell(tally)
    def total(name):
        return sum(t.defects[name] for t in tallies)
    kills = sum(number for t in tallies for kind, number in t.rounds.items() if kind.startswith("kill"))
    print(f"\n{kills} kills and {sum(sum(t.rounds.values()) for t in tallies) - kills} other blows: {total('left stopped')} appliers left stopped, "
          f"{total('started')} started that should not be, {total('manifest')} manifests that do not verify, {total('other')} other failures")
    for failure in (f for t in tallies for f in t.failures):
        print(f"failed: {failure.splitlines()[0]}")
    for flavour in missing:
        print(f"skipped: {flavour.flavour}: {flavour.why_missing}")
    failed = sum(len(t.failures) for t in tallies)
    print(f"counts {sum(t.passed() for t in tallies)} {failed} {len(missing)}")
    return failed


def parse():
    parser = argparse.ArgumentParser(prog="tests/fault/run.sh", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="how many times SIGKILL, over all servers (20); the other blows follow")
    parser.add_argument("--seed", type=int, default=None, metavar="N", help="repeat the random choices of an earlier run")
    parser.add_argument("--server", choices=[f.flavour for f in FLAVOURS], help="this one alone")
    parser.add_argument("--only", metavar="KIND", help="this blow alone: " + ", ".join(row[0] for row in PLAN))
    parser.add_argument("--verbose", action="store_true", help="a line for each round")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def worker(options, flavours):
    """The process of one server; its result goes to the file named by --worker."""
    index = next(i for i, f in enumerate(flavours) if f.flavour == options.server)
    generator = random.Random(f"{options.seed} {options.server}")
    planned = [row for row in program(index, flavours, options.rounds, generator)
               if options.only in (None, row[0])]
    def say(text):
        if options.verbose:
            print(text, flush=True)
    one_server(flavours[index], planned, generator, say, place.pathlib.Path(options.worker))


def main():
    proc.end_on_signals()
    options = parse()
    present = [f for f in (MySQL97, MySQL56, MariaDB) if not f.why_missing]
    missing = [f for f in FLAVOURS if f.why_missing]
    if options.worker:
        worker(options, present)
        return 0
    options.seed = random.randrange(1 << 30) if options.seed is None else options.seed
    print(f"random choices: --seed {options.seed}", flush=True)
    children = {}
    for flavour in present:
        if options.server in (None, flavour.flavour):
            file = place.run_dir() / f"{flavour.flavour}.json"
            command = [sys.executable, "-m", "fault.rounds", "--worker", file, "--server", flavour.flavour, "--rounds", options.rounds,
                       "--seed", options.seed, *(["--only", options.only] if options.only else []),
                       *(["--verbose"] if options.verbose else [])]
            children[flavour] = (file, proc.spawn(command))
    tallies = []
    for flavour, (file, child) in children.items():
        code = child.wait()
        proc.end(child)
        tally = Tally(**json.loads(file.read_text())) if file.exists() else Tally(flavour.flavour)
        if code:
            tally.failures.append(f"{flavour.flavour}: its process ended with {code}")
            tally.ended_badly = 1
        tallies.append(tally)
    return 1 if summary(tallies, missing if options.server is None else []) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
