# SPDX-License-Identifier: Apache-2.0
"""Channels that differ: delayed, filtered, in error, stopped; all on one replica, each left as it was found."""
import pytest

from conftest import topology
from lab import accounts, logs, proc, tool
from lab.server import MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, hold_against_rules, seed_proven

DELAY_S = 3600


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, channels=("east", "west", "north")) as made:
        yield made


def _change(lab, channel, what):
    replica = lab.replica
    replica.replication("stop", channel)
    replica.sql(f"CHANGE MASTER '{channel}' TO {what}" if lab.flavour is MariaDB else
                f"CHANGE REPLICATION SOURCE TO {what} FOR CHANNEL '{channel}'")
    replica.replication("start", channel)
    proc.wait_until(lambda: replica.running(channel), 30, "the channel to run")


def _delay(lab, channel, seconds):
    _change(lab, channel, f"{'MASTER' if lab.flavour is MariaDB else 'SOURCE'}_DELAY={seconds}")


def test_a_delayed_channel(lab, repository):
    """What waits for its time is not in flight: it is neither waited for nor applied, and the delay goes on."""
    lab.wait_caught_up()
    _delay(lab, "west", DELAY_S)
    try:
        with Loads(lab, rate=60, ddl_every=0) as loads:
            loads.wait_written(50)
            taken = backup_watched(lab, repository).json
            loads.wait_written(50)
            backup_watched(lab, repository)
        channels = {c["name"]: c for c in taken["checkpoint"]["channels"]}
        assert channels["west"]["delay_s"] == DELAY_S and channels["east"]["delay_s"] == 0
        assert taken["wait_ms"] < 5000
        assert int(lab.replica.status("west")["SQL_Delay"]) == DELAY_S
        written = lab.sources["west"].value(f"SELECT MAX(id) FROM {lab.schemas('west')[0]}.ledger")
        assert lab.replica.value(f"SELECT MAX(id) FROM {lab.schemas('west')[0]}.ledger") < written, "the delay was skipped"
    finally:
        _delay(lab, "west", 0)
    lab.wait_caught_up()
    assert_running(lab)


def test_a_delayed_checkpoint_is_seeded(lab, repository):
    """The seed resumes where the delayed channel stood, and is delayed itself in the end."""
    lab.wait_caught_up()
    _delay(lab, "west", DELAY_S)
    try:
        with Loads(lab, rate=60, ddl_every=0) as loads:
            loads.wait_written(50)
            backup_watched(lab, repository)
            target = lab.target()
            tool.seed(repository, target, lab.sources)
            loads.stop()
        assert int(target.status("west")["SQL_Delay"]) == DELAY_S
        lab.drop(target)
    finally:
        _delay(lab, "west", 0)
    lab.wait_caught_up()


def test_one_in_error_and_one_stopped(lab, repository):
    """An applier in error makes a backup fail with 5, before anything is stopped; nobody is started."""
    lab.replica.replication("stop", "north", "SQL_THREAD")
    schema, source = lab.schemas("west")[0], lab.sources["west"]
    source.sql(f"CREATE TABLE {schema}.clash (id INT PRIMARY KEY)")
    for channel in ("east", "west"):
        lab.replica.wait_caught_up(lab.sources[channel], channel=channel)
    lab.replica.local(f"INSERT INTO {schema}.clash VALUES (1)")
    source.sql(f"INSERT INTO {schema}.clash VALUES (1)")
    proc.wait_until(lambda: lab.replica.status("west")["Last_SQL_Errno"], 30, "the applier to fail")
    try:
        with logs.Statements(lab.replica) as said:
            result = tool.backup(lab.replica, repository, expect=tool.APPLIER)
        assert "west" in result.err and "1062" in result.err
        mine = said.of(accounts.BACKUP[0])
        hold_against_rules(mine)
        assert logs.stops(mine) == []
        assert lab.replica.running("east") and not lab.replica.applier_running("north")
    finally:
        lab.replica.local(f"DELETE FROM {schema}.clash")
        for channel in ("west", "north"):
            lab.replica.replication("start", channel, "SQL_THREAD")
    lab.wait_caught_up()
    assert_running(lab)


def _filter(lab, pattern):
    lab.replica.replication("stop", "west", "SQL_THREAD")
    lab.replica.sql(f"SET GLOBAL west.replicate_wild_ignore_table='{pattern}'" if lab.flavour is MariaDB else
                    "CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE=({}) FOR CHANNEL 'west'".format(f"'{pattern}'" if pattern else ""))
    lab.replica.replication("start", "west", "SQL_THREAD")


def test_filters_of_a_channel(lab, repository):
    """Recorded in the checkpoint, and given to that channel of the seed; the others have none."""
    _filter(lab, "app1.ignored%")
    try:
        with Loads(lab, rate=60, ddl_every=0):
            taken = backup_watched(lab, repository).json
            filters = {c["name"]: str(c["filters"]) for c in taken["checkpoint"]["channels"]}
            assert "app1.ignored%" in filters["west"] and "ignored" not in filters["east"], filters
            assert_running(lab)
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        assert {c: target.status(c)["Replicate_Wild_Ignore_Table"] for c in lab.sources} == {"east": "", "west": "app1.ignored%", "north": ""}
        lab.drop(target)
    finally:
        _filter(lab, "")
    lab.wait_caught_up()


def test_filters_that_no_statement_can_set(repository):
    """5.6 reads them from its option file: recorded, and a target that was not started with them is not started as a replica."""
    with topology(MySQL56, replica={"replicate_wild_ignore_table": "app1.ignored%"}) as lab, Loads(lab, rate=60, ddl_every=0) as loads:
        taken = backup_watched(lab, repository).json
        assert "app1.ignored%" in str(taken["checkpoint"]["channels"][0]["filters"]), taken["checkpoint"]
        without = lab.target(replicate_wild_ignore_table=None)
        refused = tool.seed(repository, without, lab.sources, expect=tool.NOT_PROVEN)
        assert "Replicate_Wild_Ignore_Table = ''" in refused.err and "app1.ignored%" in refused.err, refused
        assert not without.applier_running()
        seed_proven(lab, repository, loads)
