# SPDX-License-Identifier: Apache-2.0
"""Other ways to seed: below the snapshotted replica, compared by checksums, from a server that is no replica, accounts."""
import contextlib
import re
import threading

import pymysql
import pytest

from conftest import topology
from lab import accounts, compare, logs, proc, tool
from lab.server import FLAVOURS, MySQL56
from lab.topology import Loads
from steps import assert_running, assert_same, backup_watched, hold_against_rules, seed_proven


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


def test_a_replica_of_the_replica(lab, repository):
    with Loads(lab, rate=100) as loads:
        backup_watched(lab, repository)
        target = lab.target()
        tool.seed(repository, target, lab.replica, "--from-replica")
        loads.wait_written(50)
        loads.stop()
        lab.wait_caught_up()
        target.wait_caught_up(lab.replica)
    assert int(target.status()["Master_Port"]) == lab.replica.port
    assert compare.differences(lab.replica, target) == []
    lab.drop(target)


def test_checksums_of_seed_and_replica(lab, repository):
    """A second window on the snapshotted replica fixes a set, the seed runs up to it, and every table is compared."""
    with Loads(lab, rate=100) as loads:
        backup_watched(lab, repository)
        target = lab.target()
        with logs.Statements(lab.replica) as said:
            result = tool.seed(repository, target, lab.sources, "--json", "--checksum", f"127.0.0.1:{lab.replica.port}",
                               **_checksum_account())
        hold_against_rules(said.of(accounts.BACKUP[0]))
        assert_running(lab)
        tables = target.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_type='BASE TABLE' AND table_schema LIKE 'app%'")
        assert result.json["checksum_tables"] >= tables - 8     # which come and go
        assert target.running()
        loads.stop()
    assert_same(lab, target)
    lab.drop(target)


@contextlib.contextmanager
def _truncating(lab):
    """Two tables, one of them truncated and filled again without end while the other grows."""
    schema = lab.schemas("")[0]
    lab.source.sql(f"CREATE TABLE {schema}.emptied (id BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB")
    ending, rounds = threading.Event(), []

    def run():
        with contextlib.closing(lab.source.connect()) as session, session.cursor() as cursor:
            while not ending.wait(0.05):
                cursor.execute(f"TRUNCATE TABLE {schema}.emptied")
                cursor.execute(f"INSERT INTO {schema}.emptied VALUES (1),(2),(3),(4),(5)")
                session.commit()
                rounds.append(1)

    writer = threading.Thread(target=run)
    writer.start()
    try:
        yield rounds
    finally:
        ending.set()
        writer.join()


def test_a_table_truncated_again_and_again_is_no_difference(lab, repository):
    """MySQL 5.6 truncates in place, and an open snapshot then sees an empty table: that is held at the next agreement, and read as it was."""
    tool.backup(lab.replica, repository)
    target = lab.target()
    with _truncating(lab) as rounds:
        tool.seed(repository, target, lab.sources, "--checksum", f"127.0.0.1:{lab.replica.port}", **_checksum_account())
        assert len(rounds) > 10
        assert_running(lab)
    lab.wait_caught_up()
    lab.source.sql(f"DROP TABLE {lab.schemas('')[0]}.emptied")
    lab.drop(target)


def _checksum_account():
    return {"groups": {"slackwater-checksum": accounts.BACKUP}}


def test_checksums_that_differ_are_told(lab, repository):
    with Loads(lab, rate=100):
        backup_watched(lab, repository)
        # in a table whose rows the load never touches again
        row = lab.replica.value("SELECT c FROM app1.pair LIMIT 1")
        lab.replica.local(f"UPDATE app1.pair SET c='only here' WHERE c='{row}'")
        target = lab.target()
        result = tool.seed(repository, target, lab.sources, "--checksum", f"127.0.0.1:{lab.replica.port}",
                           expect=tool.NOT_PROVEN, **_checksum_account())
        assert "pair" in result.err
        assert_running(lab)
    lab.wait_caught_up()
    lab.replica.local(f"UPDATE app1.pair SET c='{row}' WHERE c='only here'")
    lab.drop(target)


def test_checksums_say_what_they_did_not_compare(lab, repository):
    """A row whose text is longer than max_allowed_packet has no checksum; it used to count as equal."""
    lab.source.sql("CREATE TABLE app1.huge (id INT PRIMARY KEY, a LONGBLOB, b LONGBLOB) ENGINE=InnoDB", "INSERT INTO app1.huge VALUES (1,REPEAT('a',700000),REPEAT('b',700000)),(2,'a','b')")
    lab.wait_caught_up()
    tool.backup(lab.replica, repository)
    lab.replica.local("UPDATE app1.huge SET b=REPEAT('c',700000) WHERE id=1", "SET GLOBAL max_allowed_packet=1048576")
    target = lab.target()
    try:
        result = tool.seed(repository, target, lab.sources, "--json", "--checksum", f"127.0.0.1:{lab.replica.port}", **_checksum_account())
    finally:
        lab.replica.local("SET GLOBAL max_allowed_packet=67108864")
    assert "1 tables were not compared" in result.err and "app1.huge (1 rows)" in result.err
    lab.drop(target)
    lab.source.sql("DROP TABLE app1.huge")
    lab.wait_caught_up()


def test_a_server_that_is_no_replica(lab, repository):
    """The source itself: nothing to stop, and a load that writes there is a local writer; quiet, it is a snapshot like any other."""
    with logs.Statements(lab.source) as said:
        taken = tool.backup(lab.source, repository).json
    assert taken["checkpoint"]["channels"] == [] and not logs.stops(said.of(accounts.BACKUP[0]))
    with Loads(lab, rate=100) as loads:
        loads.wait_written(50)
        target = lab.target()
        tool.seed(repository, target, lab.source, "--from-replica")
        loads.stop()
        lab.wait_caught_up(target)
    assert_same(lab, target)
    lab.drop(target)


def test_every_server_is_lost(lab, repository):
    """Loaded without a source it holds what the replica held, replicates from nothing, and is the source of the next one.

    A MERGE table's rows are those of another, and are not counted twice."""
    schema = lab.schemas("")[0]
    lab.source.sql(f"CREATE TABLE {schema}.part (id INT PRIMARY KEY) ENGINE=MyISAM", f"INSERT INTO {schema}.part VALUES (1), (2)",
                   f"CREATE TABLE {schema}.merged (id INT PRIMARY KEY) ENGINE=MERGE UNION=({schema}.part)")
    lab.wait_caught_up()
    taken = tool.backup(lab.replica, repository).json["checkpoint"]
    target = lab.target()
    where = ["seed", *tool.connection(target, tool.SEEDER), "--from", tool.url(repository), "--standalone"]
    for more in (["--source", f"127.0.0.1:{lab.source.port}"], ["--from-replica"], ["--no-start"], ["--checksum", "127.0.0.1"]):
        assert more[0] in tool.run(*where, *more, expect=tool.USAGE).err
    planned = tool.run(*where, "--dry-run", "--json").json
    assert not [s for s in planned["statements"] if "CHANGE" in s or "START" in s] and planned["held"] == []
    assert compare.rows(target) == {}
    result = tool.run(*where)
    assert "replicates from nothing" in result.out and "every row is there" in result.out
    assert compare.differences(lab.replica, target) == []
    assert target.status() == {} and target.sql("SHOW DATABASES LIKE 'slackwater%'") == []
    _held(lab, target, taken, result.out)

    # written to, and the source of another that is seeded from the same snapshot
    target.sql(f"CREATE TABLE {schema}.afterwards (id INT PRIMARY KEY)", f"INSERT INTO {schema}.afterwards VALUES (1)")
    if lab.flavour is not MySQL56:          # by position the snapshot stands in the binary log of a server that is gone
        other = lab.target()
        tool.seed(repository, other, target)
        assert compare.differences(target, other) == []
        lab.drop(other)
    lab.drop(target)
    lab.source.sql(f"DROP TABLE {schema}.merged, {schema}.part")


def _held(lab, target, taken, said):
    if lab.flavour.flavour == "mariadb":
        assert target.variable("gtid_binlog_pos") == taken["gtid_slave_pos"]
        assert target.variable("gtid_slave_pos") == taken["gtid_slave_pos"] and taken["gtid_slave_pos"] in said
    elif target.variable("gtid_mode") == "ON":
        assert target.variable("gtid_purged").replace("\n", "") == taken["gtid_executed"].replace("\n", "")
    for channel in taken["channels"]:
        assert f"{channel['exec_file']}:{channel['exec_pos']} of the source 127.0.0.1:{lab.source.port}" in said


def test_single_threaded_applier(lab, repository):
    name = {"mariadb": "slave_parallel_threads", "mysql56": "slave_parallel_workers"}.get(lab.flavour.flavour)
    if name is None:
        name, single = "replica_parallel_workers", 1        # 9.7 has no 0
    else:
        single = 0
    before = lab.replica.variable(name)
    lab.replica.replication("stop")
    lab.replica.sql(f"SET GLOBAL {name}={single}")
    lab.replica.replication("start")
    proc.wait_until(lab.replica.running, 30, "the applier to run")
    with Loads(lab, rate=100) as loads:
        backup_watched(lab, repository)
        _result, target = seed_proven(lab, repository, loads)
    lab.drop(target)
    lab.replica.replication("stop")
    lab.replica.sql(f"SET GLOBAL {name}={before}")
    lab.replica.replication("start")
    lab.wait_caught_up()


def test_accounts_travel(lab, repository):
    """A seed without the accounts would stop at the first replicated ALTER USER."""
    create = "GRANT SELECT ON app1.* TO 'visitor'@'127.0.0.1' IDENTIFIED BY 'v-pw-1'" if lab.flavour is MySQL56 else None
    lab.source.sql(*([create] if create else ["CREATE USER 'visitor'@'127.0.0.1' IDENTIFIED BY 'v-pw-1'",
                                              "GRANT SELECT ON app1.* TO 'visitor'@'127.0.0.1'"]))
    lab.wait_caught_up()
    with Loads(lab, rate=100) as loads:
        backup_watched(lab, repository)
        lab.source.sql("SET PASSWORD FOR 'visitor'@'127.0.0.1' = PASSWORD('v-pw-2')" if lab.flavour is MySQL56 else
                       "ALTER USER 'visitor'@'127.0.0.1' IDENTIFIED BY 'v-pw-2'")
        _result, target = seed_proven(lab, repository, loads)
    with contextlib.closing(target.connect("visitor", "v-pw-2")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM app1.hot")
        with pytest.raises(pymysql.err.Error):
            cursor.execute("SELECT COUNT(*) FROM app2.hot")
    lab.source.sql("DROP USER 'visitor'@'127.0.0.1'")
    lab.wait_caught_up(target)
    lab.drop(target)


def test_without_accounts_it_says_so(lab, repository):
    tool.backup(lab.replica, repository, "--no-users")
    target = lab.target()
    result = tool.seed(repository, target, lab.sources, expect=tool.REFUSED)
    assert re.search("account|user", result.err)
    lab.drop(target)


def test_nontransactional_tables(lab, repository):
    lab.source.sql("CREATE TABLE app1.plain (id INT PRIMARY KEY, v INT) ENGINE=MyISAM", "INSERT INTO app1.plain VALUES (1,1),(2,2)")
    lab.wait_caught_up()
    tool.backup(lab.replica, repository, "--nontransactional", "refuse", expect=tool.PREFLIGHT)
    with Loads(lab, rate=100) as loads:
        taken = backup_watched(lab, repository).json
        assert taken["nontransactional_tables"] >= 1
        _result, target = seed_proven(lab, repository, loads)
    assert target.value("SELECT COUNT(*) FROM app1.plain") == 2
    lab.drop(target)
    tool.backup(lab.replica, repository, "--nontransactional", "skip", instance="skipped")
    target = lab.target()
    tool.seed(repository, target, lab.sources, instance="skipped", expect=tool.REFUSED)
    lab.drop(target)
    lab.source.sql("DROP TABLE app1.plain")
    lab.wait_caught_up()


def test_catch_up_that_is_not_reached_in_time(lab, repository):
    """A seed that cannot keep up is not proven: exit 10. Before that it says how far it has to go."""
    tool.backup(lab.replica, repository)
    target = lab.target()
    with Loads(lab, rate=100) as loads:
        loads.wait_written(200)
        held = target.connect(autocommit=False)
        running = tool.Running(*tool.seed_arguments(repository, target, lab.sources, "--catch-up-timeout", "4s"))
        proc.wait_until(lambda: not running.alive() or _hold(held), 60, "the rows to be there")
        result = running.finish(60, expect=tool.NOT_PROVEN)
        held.close()
    assert re.search(r"1 of 1 channels not there yet" + (r", \d+ transactions to go" if lab.gtid else '"'), result.err), result
    lab.drop(target)


def _hold(connection):
    """Keep a row of the target from its applier, as soon as it is loaded."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM app1.hot WHERE id=1 FOR UPDATE")     # one row: the applier's deadlocks are not won by who wants many
            if cursor.fetchone():
                return True
    except pymysql.err.Error:
        pass
    connection.rollback()
    return False
