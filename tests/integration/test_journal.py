# SPDX-License-Identifier: Apache-2.0
"""What a run that died owes is done by the next one; and one run per server at a time."""
import contextlib
import signal
import tempfile

import pytest

from conftest import topology
from lab import accounts, bulk, gaps, logs, neighbours, place, proc, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running

SLOW = ("--zstd-level", "17", "--threads", "2", "--chunk-size", "1M")


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    options = {"replica_preserve_commit_order": "OFF"} if request.param is MySQL97 else {}
    if request.param is MySQL56:    # else a receiver fetches again, after a crash, what the relay logs hold, and it is applied twice
        options["sync_master_info"] = 1
    with topology(request.param, replica=options) as made:
        bulk.fill(made.source, "depot", "goods", 30)
        made.wait_caught_up()
        yield made


@pytest.fixture(autouse=True)
def _sound_afterwards(lab):
    yield
    if not lab.replica.running():
        lab.replica.replication("start")
    lab.wait_caught_up()


def _journals(lab):
    """The journals about this replica; MariaDB's identity holds the port."""
    identity = lab.replica.uuid() or f":{lab.replica.port}:"
    return [p for p in (place.run_dir() / "state").glob("*.journal") if identity in p.read_text()]


def _stopping(lab, repository, *options):
    """A backup whose STOP waits for a worker that is held up; to be used inside gaps.RowHeld."""
    with logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, "--deadline", "1s", "--on-deadline", "stop", *options)
        proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
    return running


@contextlib.contextmanager
def _killed_in_its_stop(lab, repository, *options):
    """Under load, a backup was killed while its STOP waited for a worker; the worker goes on."""
    with Loads(lab, rate=60, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        running = _stopping(lab, repository, *options)
        running.signal(signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        held.release()
        yield


def test_the_server_restarted_and_nobody_was_there(lab, repository):
    """The agent dies in the window, the server with it, and comes back with skip_replica_start: the next verb starts the applier."""
    with Loads(lab, rate=60, ddl_every=0) as loads, gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        running = _stopping(lab, repository)
        assert _journals(lab), "nothing was written down before the STOP"
        lab.replica.crash()
        running.signal(signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        loads.stop()
    lab.replica.start()
    assert not lab.replica.applier_running()
    found = tool.check(lab.replica, expect=(tool.OK, tool.APPLIER))
    assert "has been started again" in found.err, found
    proc.wait_until(lab.replica.applier_running, 5, "the applier to run")
    assert _journals(lab) == []
    assert tool.manifests(repository) == []


def test_a_killed_run_leaves_a_journal_that_the_next_one_closes(lab, repository):
    with _killed_in_its_stop(lab, repository):
        proc.wait_until(lab.replica.applier_running, 15, "the switch to start the applier")
        assert len(_journals(lab)) == 1
        tool.backup(lab.replica, repository)
        assert_running(lab)
    assert _journals(lab) == []


def test_stopped_on_purpose_since_then(lab, repository):
    """The switch has started the applier; a person who stops it afterwards is not overruled by a journal."""
    with _killed_in_its_stop(lab, repository, "--max-pause", "2s"):
        proc.wait_until(lab.replica.applier_running, 15, "the switch to start the applier")
        proc.wait_until(lambda: not _switch_waits(lab), 90, "the switch to have done with it")
        lab.replica.replication("stop", what="SQL_THREAD")
        found = tool.check(lab.replica)
        assert "somebody has stopped it since" in found.err, found
        assert not lab.replica.applier_running()
    assert _journals(lab) == []


def _switch_waits(lab):
    return lab.replica.sql("SELECT id FROM information_schema.processlist WHERE user='backup'")


def test_no_place_for_the_journal(lab, repository):
    with tempfile.NamedTemporaryFile() as file, logs.Statements(lab.replica) as said:
        result = tool.backup(lab.replica, repository, "--state-dir", f"{file.name}/state", expect=tool.STORE)
    assert "--state-dir" in result.err
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    assert_running(lab)


def test_two_runs_at_once(lab, repository, tmp_path):
    """The second one ends at once, whether it knows of the first by the file or by the server; or it waits."""
    with Loads(lab, rate=60):
        first = tool.start_backup(lab.replica, repository, *SLOW)
        proc.wait_until(lambda: "CAPTURED" in first.log(), 30, "the first one to be in the middle")
        here = tool.backup(lab.replica, repository, expect=tool.BUSY)
        assert here.seconds < 5 and str(first.child.pid) in here.err
        there = tool.backup(lab.replica, repository, "--state-dir", tmp_path / "state", expect=tool.BUSY)
        assert there.seconds < 5 and "127.0.0.1" in there.err
        waiting = tool.start_backup(lab.replica, repository, "--wait-lock", "90s")
        first.finish(90)
        waiting.finish(60)
    assert len(tool.manifests(repository)) == 2
    assert_running(lab)


def test_the_lock_dies_with_its_holder(lab, repository, tmp_path):
    with Loads(lab, rate=60):
        first = tool.start_backup(lab.replica, repository, *SLOW)
        proc.wait_until(lambda: "CAPTURED" in first.log(), 30, "the first one to be in the middle")
        first.signal(signal.SIGKILL)
        first.finish(20, expect=-signal.SIGKILL)
        tool.backup(lab.replica, repository, "--state-dir", tmp_path / "state", "--wait-lock", "20s")


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_without_a_switch(lab, repository):
    """--no-guard: no session waits in the server; the journal alone knows, and the next verb acts on it."""
    with _killed_in_its_stop(lab, repository, "--no-guard"):
        proc.wait_until(lambda: not lab.replica.applier_running(), 15, "the applier to have stopped")
        assert "has been started again" in tool.check(lab.replica).err
        proc.wait_until(lab.replica.applier_running, 5, "the applier to run")


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
@pytest.mark.parametrize("words", [["; "], ["GET_LOCK("]], ids=["several-statements", "named-locks"])
def test_a_proxy_that_refuses_the_switch(lab, repository, words):
    """Said before anything is stopped, with the way out; and that is one."""
    with neighbours.RefusingProxy(lab.replica, *words) as proxy:
        where = tool.connection(lab.replica, accounts.BACKUP, host="127.0.0.1", port=proxy.port)
        to = ["--to", f"file://{repository}", "--instance", "lab"]
        with logs.Statements(lab.replica) as said:
            for verb, more in (("check", []), ("backup", to)):
                refused = tool.run(verb, *where, *more, expect=tool.PREFLIGHT)
                assert "dead-man's switch" in refused.err and "proxy" in refused.err and "--no-guard" in refused.err, refused
        assert proxy.refused >= 2 and not logs.stops(said.of(accounts.BACKUP[0]))
        assert tool.manifests(repository) == []
        tool.run("backup", *where, *to, "--no-guard")
    assert len(tool.manifests(repository)) == 1
    assert_running(lab)


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_recover_through_a_proxy_that_refuses_named_locks(lab):
    """Looking needs none; repairing says so beforehand, with the way out; and that is one."""
    lab.replica.replication("stop", what="SQL_THREAD")
    with neighbours.RefusingProxy(lab.replica, "GET_LOCK(") as proxy:
        where = tool.connection(lab.replica, accounts.BACKUP, host="127.0.0.1", port=proxy.port)
        tool.run("recover", *where, expect=tool.APPLIER)
        assert not proxy.refused
        refused = tool.run("recover", *where, "--apply", expect=tool.PREFLIGHT)
        assert "GET_LOCK" in refused.err and "proxy" in refused.err and "--no-guard" in refused.err, refused
        assert not lab.replica.applier_running()
        done = tool.run("recover", *where, "--apply", "--no-guard")
        assert "other hosts are not kept off" in done.err, done
    assert_running(lab)


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_another_server_under_the_same_address(lab, repository):
    """Its journal is told of and kept, and nothing is started by it."""
    with _killed_in_its_stop(lab, repository, "--no-guard"):
        proc.wait_until(lambda: not lab.replica.applier_running(), 15, "the applier to have stopped")
    identity = lab.replica.dir / "data" / "auto.cnf"
    was, journals = identity.read_text(), _journals(lab)
    lab.replica.stop()
    identity.write_text("[auto]\nserver-uuid=aaaaaaaa-1111-2222-3333-444444444444\n")
    lab.replica.start()
    try:
        told = tool.check(lab.replica, expect=(tool.OK, tool.APPLIER))
        assert "about the server that was here before" in told.err and lab.replica.uuid() in told.err, told
        assert not lab.replica.applier_running(), "started what another server's journal names"
        assert len(journals) == 1 and journals[0].exists()
    finally:
        lab.replica.stop()
        identity.write_text(was)
        lab.replica.start()
    assert "has been started again" in tool.check(lab.replica).err and not journals[0].exists()


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_what_the_unit_does_after_the_agent(lab, repository, tmp_path):
    """recover --config: every instance of the agent's configuration, one that does not answer among them."""
    file = tmp_path / "slackwater.conf"
    gone = accounts.option_file(tmp_path / "gone.cnf", lab.replica, accounts.BACKUP)
    gone.write_text(gone.read_text().replace(f"port={lab.replica.port}", f"port={place.free_port()}"))
    there = accounts.option_file(tmp_path / "there.cnf", lab.replica, accounts.BACKUP)
    instances = {"gone": gone, "there": there}

    def configure():
        text = f"[agent]\nstate-dir = {place.run_dir() / 'state'}\n[store main]\nurl = {repository}\n"
        for name, options in instances.items():
            text += f"[instance {name}]\ndefaults-file = {options}\n[snapshot of-{name}]\ninstance = {name}\n"
        file.write_text(text)
        file.chmod(0o600)

    configure()
    for journal in (place.run_dir() / "state").glob("*.journal"):     # about servers that other tests have ruined
        journal.unlink()
    with _killed_in_its_stop(lab, repository, "--no-guard"):
        proc.wait_until(lambda: not lab.replica.applier_running(), 15, "the applier to have stopped")
        told = tool.run("recover", "--config", file, "--json", expect=tool.PREFLIGHT)
        assert "instance gone" in told.json["error"]["message"] and "has been started again" in told.err, told
        assert (told.json["journals"], told.json["left"]) == (1, 0), told
        proc.wait_until(lab.replica.applier_running, 5, "the applier to run")
    assert _journals(lab) == []
    # nothing is open: nobody is asked, not even the one that does not answer
    assert tool.run("recover", "--config", file, "--json").json["journals"] == 0


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_a_run_that_outlives_the_agent_is_waited_for(lab, repository, tmp_path):
    """What comes after recover ends it by force: it is given the time to start its applier."""
    file = tmp_path / "slackwater.conf"
    options = accounts.option_file(tmp_path / "my.cnf", lab.replica, accounts.BACKUP)
    file.write_text(f"[agent]\nstate-dir = {place.run_dir() / 'state'}\n[store main]\nurl = {repository}\n"
                    f"[instance db]\ndefaults-file = {options}\n[snapshot one]\n")
    file.chmod(0o600)
    for journal in (place.run_dir() / "state").glob("*.journal"):     # about servers that other tests have ruined
        journal.unlink()
    with Loads(lab, rate=60, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        running = _stopping(lab, repository)
        told = tool.run("recover", "--config", file, "--json")
        assert (told.json["journals"], told.json["left"]) == (1, 1) and "left to it" in told.err, told
        waiting = tool.Running("recover", "--wait-lock", "60s", "--config", file, "--json")
        running.signal(signal.SIGTERM)
        assert waiting.alive()
        held.release()
        told = waiting.finish(70)
        assert (told.json["journals"], told.json["left"]) == (1, 0), told
        running.finish(30, expect=None)
        proc.wait_until(lab.replica.applier_running, 5, "the applier to run")
    assert _journals(lab) == []
