# SPDX-License-Identifier: Apache-2.0
"""Sessions, servers and the agent itself that are lost in the middle: a typed exit, no manifest, an applier that runs."""
import os
import signal
import subprocess

import pytest

from conftest import topology
from lab import accounts, bulk, logs, proc, tool
from lab.server import FLAVOURS, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched, hold_against_rules

SLOW = ("--zstd-level", "17", "--threads", "2", "--chunk-size", "1M")       # seconds for what else takes none


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    options = {"sync_master_info": 1} if request.param is MySQL56 else {}       # as in test_journal
    with topology(request.param, replica=options) as made:
        bulk.fill(made.source, "depot", "goods", 60)
        made.wait_caught_up()
        yield made


def _reading(lab, running):
    """The processlist id of a session that reads the big table, once there is one."""
    def find():
        assert running.alive(), running.finish(1, expect=None)
        return lab.replica.sql("SELECT id FROM information_schema.processlist WHERE user='backup' AND info LIKE 'SELECT%FROM `depot`.`goods`%' "
                               "AND info NOT LIKE '%LIMIT 0'")     # with which every session opens every table
    return int(next(iter(proc.wait_until(find, 60, "a session to read the big table", every=0.002)[0].values())))


def test_a_dump_session_that_is_killed(lab, repository):
    with Loads(lab, rate=60):
        running = tool.start_backup(lab.replica, repository, *SLOW)
        lab.replica.sql(f"KILL {_reading(lab, running)}")
        result = running.finish(60, expect=tool.SERVER)
        assert_running(lab)
    assert tool.manifests(repository) == []
    assert result.err.strip()


def test_nothing_unfinished_stays_in_the_repository(lab, repository):
    """What is left of a backup that failed goes at once or with the next one."""
    with Loads(lab, rate=60):
        running = tool.start_backup(lab.replica, repository, *SLOW)
        lab.replica.sql(f"KILL {_reading(lab, running)}")
        running.finish(60, expect=tool.SERVER)
        backup_watched(lab, repository)
    shards = {p.parent.name for p in repository.rglob("shard-*")}
    assert shards == {m.stem for m in tool.manifests(repository)}


def test_the_session_at_the_source_is_lost_while_rows_are_loaded(lab, repository):
    """It is idle all the while; what ends idle sessions does no harm."""
    tool.backup(lab.replica, repository)
    target = lab.target()
    running = tool.Running(*tool.seed_arguments(repository, target, lab.sources))
    proc.wait_until(lambda: target.sql("SHOW DATABASES LIKE 'slackwater%'") or not running.alive(), 60, "the load to begin", every=0.01)
    running.signal(signal.SIGSTOP)
    try:
        assert target.status() == {}, "it is being proven already"
        idle = lab.source.sql("SELECT id AS id FROM information_schema.processlist WHERE user='repl' AND command='Sleep'")
        assert idle
        for session in idle:
            lab.source.sql(f"KILL {session['id']}")
    finally:
        running.signal(signal.SIGCONT)
    running.finish(120)
    assert target.running(lab.channel)
    lab.drop(target)


def test_the_session_at_the_target_is_lost_while_rows_are_loaded(lab, repository):
    """The one that marked the target waits for the load to end, for hours perhaps, and has everything else to do."""
    tool.backup(lab.replica, repository)
    target = lab.target()
    sessions = f"SELECT id AS id, command AS command FROM information_schema.processlist WHERE user='{tool.SEEDER[0]}' ORDER BY id"
    running = tool.Running(*tool.seed_arguments(repository, target, lab.sources))
    proc.wait_until(lambda: target.sql("SHOW DATABASES LIKE 'slackwater%'") or not running.alive(), 60, "the load to begin", every=0.01)
    running.signal(signal.SIGSTOP)
    try:
        assert target.status() == {}, "it is being proven already"
        first = proc.wait_until(lambda: [s for s in target.sql(sessions)[:1] if s["command"] == "Sleep"], 10, "it to be idle")[0]
        target.sql(f"KILL {first['id']}")
    finally:
        running.signal(signal.SIGCONT)
    running.finish(120)
    assert target.running(lab.channel)
    assert not target.sql("SHOW DATABASES LIKE 'slackwater%'")
    lab.drop(target)


def test_the_redo_log_is_on_again_when_every_session_is_lost(lab, repository):
    """What was switched off for the load is put back by a new session."""
    if lab.flavour is not MySQL97:
        pytest.skip("only MySQL 8 and later load without a redo log")
    tool.backup(lab.replica, repository)
    target = lab.target()
    on = "SELECT variable_value FROM performance_schema.global_status WHERE variable_name='Innodb_redo_log_enabled'"
    running = tool.Running(*tool.seed_arguments(repository, target, lab.sources))
    inserted = "SHOW GLOBAL STATUS LIKE 'Com_insert'"
    proc.wait_until(lambda: target.value(on) == "OFF" and int(target.sql(inserted)[0]["Value"]) > 20 or not running.alive(), 60, "rows to be loaded without a redo log", every=0.01)
    running.signal(signal.SIGSTOP)
    try:
        ours = target.sql(f"SELECT processlist_id AS id FROM performance_schema.threads WHERE processlist_user='{tool.SEEDER[0]}'")     # that of information_schema chokes on their bytes (3854)
        assert len(ours) > 1 and target.value(on) == "OFF"
        for session in ours:
            target.sql(f"KILL {session['id']}")
    finally:
        running.signal(signal.SIGCONT)
    running.finish(120, expect=tool.SERVER)
    assert target.value(on) == "ON"
    lab.drop(target)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_reading(lab, repository, number):
    with Loads(lab, rate=60):
        running = tool.start_backup(lab.replica, repository, *SLOW)
        _reading(lab, running)
        running.signal(number)
        running.finish(20, expect=128 + number)
        assert_running(lab)
    assert tool.manifests(repository) == []
    assert not list(repository.rglob("shard-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_inside_the_window(lab, repository, number):
    """Sent as soon as the STOP has been logged; it may come too late on a fast machine, but never leave the applier stopped."""
    with Loads(lab, rate=60), logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, *SLOW)
        proc.wait_until(lambda: logs.stops(said.so_far()) or not running.alive(), 30, "the STOP", every=0.001)
        running.signal(number)
        running.finish(20, expect=128 + number)
        proc.wait_until(lab.replica.running, 5, "the applier to run")
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert tool.manifests(repository) == []


def test_an_agent_killed_inside_the_window(lab, repository):
    """SIGKILL: the dead-man's switch inside the server starts the applier."""
    with Loads(lab, rate=60), logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, *SLOW)
        proc.wait_until(lambda: logs.stops(said.so_far()) or not running.alive(), 30, "the STOP", every=0.001)
        running.signal(signal.SIGSTOP)      # so that it does not get any further while we look
        stood = not lab.replica.applier_running() if lab.flavour.flavour != "mysql56" else None
        os.kill(running.child.pid, signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        proc.wait_until(lab.replica.running, 10, f"the applier (which stood: {stood}) to run")
    assert tool.manifests(repository) == []


def test_a_reading_agent_killed_leaves_no_snapshot(lab, repository):
    with Loads(lab, rate=60):
        running = tool.start_backup(lab.replica, repository, *SLOW)
        _reading(lab, running)
        running.signal(signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        assert_running(lab)
        assert tool.manifests(repository) == []
        backup_watched(lab, repository)
    assert len(tool.manifests(repository)) == 1


def test_a_full_disk(lab, tmp_path):
    """A repository without room: exit 7, nothing that looks like a snapshot, the applier runs."""
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        tool.backup(lab.replica, small, expect=tool.STORE)
        assert tool.manifests(small) == []
    finally:
        subprocess.run(["umount", small], check=True)
    assert_running(lab)


def test_a_repository_that_cannot_be_written(lab, tmp_path):
    (tmp_path / "file").write_text("not a directory")
    with logs.Statements(lab.replica) as said:
        tool.backup(lab.replica, tmp_path / "file" / "repository", expect=tool.STORE)
    assert logs.stops(said.of(accounts.BACKUP[0])) == [], "stopped the applier for a repository that is not there"
    assert_running(lab)


def test_the_server_dies_while_it_is_read(lab, repository):
    """Last of this module: the replica comes back and goes on."""
    running = tool.start_backup(lab.replica, repository, *SLOW)
    _reading(lab, running)
    lab.replica.crash()
    running.finish(60, expect=tool.SERVER)
    assert tool.manifests(repository) == []
    lab.replica.start()
    lab.replica.replication("start")
    lab.wait_caught_up()
    proc.wait_until(lab.replica.running, 30, "the receiver to be connected")
    assert_running(lab)
