# SPDX-License-Identifier: Apache-2.0
"""Several channels: what was stopped on purpose stays stopped, what ran runs again, each by itself."""
import signal

import pytest

from conftest import topology
from lab import accounts, gaps, logs, proc, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, hold_against_rules, seed_proven


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, channels=("east", "west"), domains=()) as made:
        yield made


ODD = "it's \\ \"o`dd\" ø"


@pytest.mark.parametrize("flavour", [MySQL97, MariaDB], ids=lambda f: f.flavour)
def test_odd_names(flavour, repository):
    """Quoted in STOP and START, and once more inside the dead-man's switch, which starts it after the agent was killed."""
    with topology(flavour, channels=("plain", ODD)) as odd:
        with Loads(odd, rate=100) as loads:
            assert {c["name"] for c in tool.backup(odd.replica, repository).json["checkpoint"]["channels"]} == {"plain", ODD}
            assert_running(odd)
            _result, target = seed_proven(odd, repository, loads)
            odd.drop(target)
        with Loads(odd, rate=100, ddl_every=0), gaps.RowHeld(odd.replica) as held, logs.Statements(odd.replica) as said:
            held.wait_blocked()
            running = tool.start_backup(odd.replica, repository, "--deadline", "1s", "--on-deadline", "stop")
            proc.wait_until(lambda: len(logs.stops(said.so_far())) == 2, 30, "the two STOPs")
            running.signal(signal.SIGKILL)
            running.finish(20, expect=-signal.SIGKILL)
            held.release()      # a START waits for the STOP of any other channel [run 9.7.4]
            proc.wait_until(lambda: all(odd.replica.running(c) for c in odd.sources), 30, "both to run")


@pytest.fixture(autouse=True)
def _all_running_afterwards(request):
    yield
    if "lab" not in request.fixturenames:
        return
    lab = request.getfixturevalue("lab")
    for channel in lab.sources:
        if not lab.replica.running(channel):
            lab.replica.replication("start", channel)
    lab.wait_caught_up()


def _channel(text):
    return "west" if "west" in text else "east" if "east" in text else ""


def test_a_channel_stopped_on_purpose_stays_stopped(lab, repository):
    with Loads(lab, rate=100):
        lab.replica.replication("stop", "west", "SQL_THREAD")
        with logs.Statements(lab.replica) as said:
            taken = tool.backup(lab.replica, repository).json
        assert lab.replica.running("east")
        status = lab.replica.status("west")
        assert status["Slave_SQL_Running"] == "No" and status["Slave_IO_Running"] == "Yes"
    mine = said.of(accounts.BACKUP[0])
    hold_against_rules(mine)
    moved = [text for _n, command, text in mine if command == "Query" and text.upper().startswith(("START SLAVE", "START REPLICA", "STOP "))]
    assert moved and all(_channel(text) == "east" for text in moved), moved
    channels = {c["name"]: c["was_running"] for c in taken["checkpoint"]["channels"]}
    assert channels == {"east": True, "west": False}


def test_all_channels_stopped_on_purpose(lab, repository):
    """Nothing to stop and nothing to start: the snapshot is taken all the same."""
    with Loads(lab, rate=100):
        for channel in lab.sources:
            lab.replica.replication("stop", channel, "SQL_THREAD")
        with logs.Statements(lab.replica) as said:
            tool.backup(lab.replica, repository)
        assert not any(lab.replica.applier_running(channel) for channel in lab.sources)
    assert not logs.stops(said.of(accounts.BACKUP[0]))


def test_a_stopped_receiver_stays_stopped(lab, repository):
    with Loads(lab, rate=100):
        lab.replica.replication("stop", "east", "IO_THREAD")
        with logs.Statements(lab.replica) as said:
            tool.backup(lab.replica, repository)
        status = lab.replica.status("east")
        assert status["Slave_IO_Running"] == "No" and status["Slave_SQL_Running"] == "Yes"
    hold_against_rules(said.of(accounts.BACKUP[0]))


def test_both_channels_are_seeded(lab, repository):
    with Loads(lab, rate=100) as loads:
        backup_watched(lab, repository)
        _result, target = seed_proven(lab, repository, loads)
    assert_running(lab)
    lab.drop(target)


def test_a_source_for_each_channel_is_wanted(lab, repository):
    with Loads(lab, rate=100):
        tool.backup(lab.replica, repository)
    target = lab.target()
    refused = tool.seed(repository, target, {"east": lab.sources["east"]}, expect=tool.REFUSED)
    assert "no --source for" in refused.err and "west" in refused.err
    assert not target.status("east")
    lab.drop(target)
