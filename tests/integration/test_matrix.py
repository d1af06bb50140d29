# SPDX-License-Identifier: Apache-2.0
"""The matrix: every mode of the applier, backup and seed under load, and the proof that a wrong checkpoint would be noticed.

A round counts only if gaps were seen on the replica while it ran, where that replica can have gaps. The negative control
takes a snapshot like the others, moves its checkpoint by one transaction either way, and demands a failure.
"""
import contextlib
import dataclasses

import pytest

from conftest import topology
from lab import gaps, logs, place, tool
from lab.server import MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import (assert_no_errant, assert_quiet_logs, assert_running, backup_watched, seed_moved, seed_proven, wait_for_gap,
                   watched_gaps)


@dataclasses.dataclass(eq=False)
class Row:
    name: str
    flavour: type
    how: dict
    gaps: bool = False      # this row's rounds have to show gaps
    rate: int = 160


ORDER_OFF = {"replica_preserve_commit_order": "OFF"}
GTIDS = {"gtid_mode": "ON", "enforce_gtid_consistency": 1}
ROWS = [
    Row("mysql97-order-on", MySQL97, {}),
    Row("mysql97-order-off", MySQL97, {"replica": ORDER_OFF}, gaps=True),
    Row("mysql97-two-channels", MySQL97, {"replica": ORDER_OFF, "channels": ("east", "west")}, gaps=True),
    Row("mysql56-position", MySQL56, {}, gaps=True),
    Row("mysql56-gtid", MySQL56, {"gtid": True, "replica": GTIDS, "source": GTIDS}, gaps=True),
    Row("mariadb-gtid", MariaDB, {}),
    Row("mariadb-gtid-two-domains", MariaDB, {"domains": (0, 1)}),
    Row("mariadb-position", MariaDB, {"gtid": False}),
    Row("mariadb-position-two-domains", MariaDB, {"gtid": False, "domains": (0, 1)}),
    Row("mysql97-gtid-by-position", MySQL97, {"gtid": False, "replica": ORDER_OFF}, gaps=True),
    Row("mysql97-anonymous", MySQL97, {"gtid": False, "replica": {**ORDER_OFF, "gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"},
                                       "source": {"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"}}, gaps=True),
]


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: row.name)
def row(request):
    with topology(request.param.flavour, **request.param.how) as lab:
        lab.row = request.param
        assert gaps.possible(lab.replica) == request.param.gaps
        yield lab


def _busy(lab, stack, **load):
    """Load, provoker and observer, until the stack ends; with a gap seen already where there can be one."""
    loads = stack.enter_context(Loads(lab, rate=lab.row.rate, **load))
    observer, threads = watched_gaps(lab)
    for thread in threads:
        stack.enter_context(thread)
    loads.wait_written(60)
    wait_for_gap(observer)
    return loads, observer


def test_round(row, round_number, repository, record_property):
    lab, since = row, logs.size(row.replica)
    with contextlib.ExitStack() as stack:
        loads, observer = _busy(lab, stack, seed=round_number)
        taken = backup_watched(lab, repository).json
        record_property("pause_ms", taken["pause_ms"])
        _result, target = seed_proven(lab, repository, loads)
    if row.row.gaps:
        record_property("gaps_seen", observer.seen)
        assert observer.seen > 0
    assert_running(lab)
    assert_quiet_logs(lab, target, since=since)
    assert_no_errant(lab, target)
    lab.drop(target)


@pytest.fixture(scope="module")
def control(row):
    """The snapshot of the negative control. No TRUNCATE in its load: that alone may be repeated unnoticed."""
    repository = place.run_dir() / f"control-{row.row.name}"
    with contextlib.ExitStack() as stack:
        loads, _observer = _busy(row, stack, truncate=False, seed=1000)
        tool.backup(row.replica, repository)
        loads.wait_written(30)
    target = row.target()
    yield repository, target
    row.drop(target)


@pytest.mark.parametrize("by", [-1, +1], ids=["too-old", "too-new"])
def test_moved_checkpoint_fails(row, control, by, record_property):
    repository, target = control
    with Loads(row, rate=row.row.rate, truncate=False, seed=2000 + by) as loads:
        problem = seed_moved(row, repository, loads, by, target)
    record_property("problem", problem[:300])
    assert problem, "a checkpoint that is wrong by one transaction went unnoticed"


def test_unmoved_checkpoint_does_not_fail(row, control):
    """The control of the control: the same statements, as they were printed, give a sound replica."""
    repository, target = control
    with Loads(row, rate=row.row.rate, truncate=False, seed=3000) as loads:
        problem = seed_moved(row, repository, loads, 0, target)
    assert problem == ""
