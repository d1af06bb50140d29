# SPDX-License-Identifier: Apache-2.0
"""What most integration tests do: take a snapshot while watched, seed from it, hold the seed against its source."""
import threading

from lab import accounts, compare, gaps, logs, proc, tool
from lab.topology import configure, errant, fate, moved
from lab.server import REPLICATION

PAUSE_BUDGET_MS = 500       # the default of --pause-budget
SLACK_MS = 200              # what a pause may take above it


def backup_watched(lab, repository, *options, expect=tool.OK, seconds=120, **how):
    """Take a snapshot; every statement it sent is held against the allow-list, and every channel must run afterwards."""
    with logs.Statements(lab.replica) as said:
        result = tool.backup(lab.replica, repository, *options, expect=expect, seconds=seconds, **how)
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert_running(lab)
    return result


def hold_against_rules(statements):
    assert statements, "the general log shows nothing of the backup"
    assert logs.offences(statements) == []


def assert_running(lab):
    for channel in lab.sources:
        assert lab.replica.running(channel), f"channel '{channel}': {lab.replica.status(channel)}"


def assert_same(lab, other, wait=True):
    """All that the sources hold now is on `other`, and nothing else; then the same again after the load has gone on."""
    if wait:
        lab.wait_caught_up(other)
        lab.wait_caught_up()
    for channel, source in lab.sources.items():
        assert compare.differences(source, other, lab.schemas(channel)) == []
    assert compare.differences(lab.replica, other) == []


def assert_quiet_logs(lab, *others, since=0):
    for server in (lab.replica, *others):
        assert logs.trouble(server, since if server is lab.replica else 0) == [], server.name


def assert_no_errant(lab, *others):
    for server in (lab.replica, *others):
        assert errant(server, lab.sources.values()) == "", server.name


def seed_proven(lab, repository, loads, *options, target=None, **how):
    """Seed a new server under load, let the load go on and end, and hold the result against the sources; returns (result, target)."""
    target = target or lab.target()
    result = tool.seed(repository, target, lab.sources, *options, **how)
    for channel in lab.sources:
        assert target.running(channel), target.status(channel)
    loads.wait_written(100)
    loads.stop()
    assert_same(lab, target)
    return result, target


def seed_moved(lab, repository, loads, by, target):
    """Load a snapshot, configure replication with a checkpoint moved by `by` transactions, and return what goes wrong, or ''."""
    printed = tool.seed(repository, target, lab.sources, "--no-start", "--json",
                        *(["--replace"] if target.status(lab.channel) else [])).json
    loads.wait_written(50)
    domain = lab.domains[0] if lab.domains else 0
    configure(target, moved(printed["statements"], lab.source, by, domain), REPLICATION)
    loads.wait_written(200)
    loads.stop()
    problem = fate(target, lab)
    if problem:
        return problem
    return "; ".join(line for channel, source in lab.sources.items()
                     for line in compare.differences(source, target, lab.schemas(channel)))


def watched_gaps(lab):
    """Provoker and observer where this replica can have gaps, else nothing; to be used with contextlib.ExitStack."""
    if not gaps.possible(lab.replica):
        return None, []
    schemas = tuple(s for channel in lab.sources for s in lab.schemas(channel))
    observer = gaps.Observer(lab.replica)
    return observer, [observer, gaps.Provoker(lab.replica, schemas)]


def wait_for_gap(observer):
    if observer:
        proc.wait_until(lambda: observer.seen, 60, "a gap to be seen on the replica")


def missing(lab):
    """Transactions that are missing on the replica at this moment below one that is there."""
    with lab.replica.connect().cursor() as cursor:
        return gaps.holes_now(cursor, lab.flavour)


def let_pass(seconds):
    """Time that is part of what a test does to the server, not a wait for something to have happened."""
    threading.Event().wait(seconds)


def wait_waiting(running, what="waiting:"):
    """Until a backup has said what it waits for, which it does every two seconds."""
    proc.wait_until(lambda: what in running.log() or not running.alive(), 30, "the backup to say what it waits for")
    assert running.alive(), running.finish(1, expect=None)


def flip(path, where):
    """Alter a bit, at that part of the file's length."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 0x10
    path.write_bytes(data)
