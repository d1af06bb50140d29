# SPDX-License-Identifier: Apache-2.0
"""Servers whose applier is not theirs alone, members of a group and Galera nodes; and channels that keep no coordinates."""
import pytest

from conftest import topology
from lab import accounts, place, proc, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, seed_proven

GROUP = "5d8a7e0c-9a4e-4a57-9d3a-0b3f6e1c2d11"


@pytest.fixture(scope="module")
def member():
    """A replica that is at the same time the only member of a group."""
    options = {"plugin_load_add": "group_replication.so", "group_replication_group_name": GROUP,
               "group_replication_start_on_boot": "OFF", "group_replication_local_address": f"127.0.0.1:{place.free_port()}",
               "group_replication_bootstrap_group": "ON"}
    with topology(MySQL97, replica=options) as made:
        made.replica.sql("START GROUP_REPLICATION")
        proc.wait_until(lambda: made.replica.value("SELECT MEMBER_STATE FROM performance_schema.replication_group_members") == "ONLINE",
                        60, lambda: f"the member to be online:\n{made.replica.tail()}")
        yield made


def test_a_member_is_refused(member, repository):
    for verb in (tool.check, lambda *a, **k: tool.backup(a[0], repository, **k)):
        result = verb(member.replica, expect=tool.PREFLIGHT)
        assert "member of a replication group" in result.err and "--group-member" in result.err
    assert_running(member)


def test_a_member_is_accepted_when_told_so(member, repository):
    """Only its other channel is stopped; the group's own are never touched. No load: a group takes no table without a key."""
    member.source.sql("CREATE TABLE app1.grouped (id INT PRIMARY KEY)", "INSERT INTO app1.grouped VALUES (1)")
    taken = backup_watched(member, repository, "--group-member").json
    member.source.sql("INSERT INTO app1.grouped VALUES (2)")
    member.wait_caught_up()
    assert [c["name"] for c in taken["checkpoint"]["channels"]] == [""]
    assert member.replica.value("SELECT MEMBER_STATE FROM performance_schema.replication_group_members") == "ONLINE"


def test_a_galera_node_is_refused(repository):
    provider = "/usr/lib/galera/libgalera_smm.so"
    node = MariaDB("node", wsrep_on="ON", wsrep_provider=provider, wsrep_cluster_address="gcomm://", wsrep_new_cluster=1,
                   wsrep_provider_options=f"gmcast.listen_addr=tcp://127.0.0.1:{place.free_port()}", wsrep_node_address="127.0.0.1",
                   innodb_autoinc_lock_mode=2)
    with node.start():
        accounts.create_on_source(node)
        assert node.value("SHOW STATUS LIKE 'wsrep_cluster_status'") is not None
        for verb in (tool.check, lambda *a, **k: tool.backup(a[0], repository, **k)):
            assert "Galera" in verb(node, expect=tool.PREFLIGHT).err


def test_a_channel_that_keeps_no_coordinates(repository):
    """GTID_ONLY: after a restart its coordinates say INVALID; the GTID set counts, and the setting is carried over. So is the account whose rights
    the applier has, with the account."""
    with topology(MySQL97) as lab:
        lab.source.sql("CREATE USER 'it''s applier'@'%' ACCOUNT LOCK", "GRANT ALL ON *.* TO 'it''s applier'@'%'",
                       "GRANT REPLICATION_APPLIER, SYSTEM_VARIABLES_ADMIN ON *.* TO 'it''s applier'@'%'")
        lab.wait_caught_up()
        with Loads(lab, rate=60, ddl_every=0):
            lab.replica.replication("stop")
            lab.replica.sql("CHANGE REPLICATION SOURCE TO REQUIRE_ROW_FORMAT=1, GTID_ONLY=1, PRIVILEGE_CHECKS_USER='it''s applier'@'%'")
            lab.replica.replication("start")
            backup_watched(lab, repository)
        lab.replica.restart()
        lab.replica.replication("start")
        with Loads(lab, rate=60, ddl_every=0) as loads:
            channel = backup_watched(lab, repository).json["checkpoint"]["channels"][0]
            assert channel["gtid_only"] and channel["coordinates"] == "unavailable", channel
            assert channel["privilege_checks_user"] == r"'it\'s applier'@'%'", channel
            _result, target = seed_proven(lab, repository, loads)
        assert int(target.value("SELECT Gtid_only FROM mysql.slave_master_info"))
        applier = "SELECT Privilege_checks_username, Privilege_checks_hostname, Require_row_format FROM mysql.slave_relay_log_info"
        assert target.sql(applier) == lab.replica.sql(applier) and target.value(applier) == "it's applier"
        lab.drop(target)
