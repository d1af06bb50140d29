# SPDX-License-Identifier: Apache-2.0
"""Several channels: what was stopped on purpose stays stopped, what ran runs again, each by itself."""
import pytest

from conftest import topology
from lab import accounts, logs, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, hold_against_rules, seed_proven


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, channels=("east", "west"), domains=()) as made:
        yield made


@pytest.fixture(autouse=True)
def _all_running_afterwards(lab):
    yield
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
    tool.seed(repository, target, {"east": lab.sources["east"]}, expect=(tool.REFUSED, tool.USAGE))
    assert not target.status("east")
    lab.drop(target)
