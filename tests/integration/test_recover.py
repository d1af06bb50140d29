# SPDX-License-Identifier: Apache-2.0
"""Appliers that others broke: every one is explained, those that are safe to repair are repaired, the rest is not touched."""
import contextlib
import fcntl
import os
import pty
import re
import signal
import subprocess

import pytest

from conftest import topology
from lab import accounts, gaps, logs, place, proc, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_same, let_pass, missing

ORDER_OFF = {"replica_preserve_commit_order": "OFF"}


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, replica=ORDER_OFF if request.param is MySQL97 else {}) as made:
        for server in (made.replica, made.source):
            accounts.create_on_target(server)
        yield made


def only(*flavours):
    return pytest.mark.parametrize("lab", flavours, ids=lambda f: f.flavour, indirect=True)


@pytest.fixture(autouse=True)
def _sound_afterwards(request):
    """Whatever a test did to the applier, the next one finds it running; but for the tests that say they are the last."""
    yield
    if request.node.get_closest_marker("ruins") or "lab" not in request.fixturenames:
        return
    lab = request.getfixturevalue("lab")
    if not lab.replica.running():
        lab.replica.replication("start")
    proc.wait_until(lab.replica.running, 30, lambda: f"the applier to run again: {lab.replica.status()}")
    lab.wait_caught_up()


@contextlib.contextmanager
def _watched(lab):
    """What recover sends is held against what it may: nothing but looking, unless the test allows more in `allowed`."""
    class Seen:
        allowed = ()
        sent = []
    seen = Seen()
    with logs.Statements(lab.replica) as said:
        yield seen
    for user in (accounts.BACKUP[0], accounts.SEEDER[0]):
        seen.sent = seen.sent + [text.split("\n")[0].rstrip("; ") for _n, command, text in said.of(user) if command == "Query"]
    assert seen.sent, "the general log shows nothing of it"
    looking = re.compile(r"(SELECT|SHOW|SET(?! GLOBAL| PERSIST| @@GLOBAL)|DO|XA RECOVER|COMMIT|ROLLBACK)\b", re.I)
    for text in seen.sent:
        assert not re.search(r"\bKILL\b", text, re.I), text
        assert looking.match(text) or any(re.match(pattern, text, re.I) for pattern in seen.allowed), text
    for pattern in seen.allowed:
        assert any(re.match(pattern, text, re.I) for text in seen.sent), f"nothing like {pattern}: {seen.sent}"


START = r"START (SLAVE|REPLICA) ?('[^']*')? SQL_THREAD"


def _missing_gtids(lab):
    """The GTIDs of gtid_executed's holes, as text."""
    executed = lab.replica.variable("gtid_executed").replace("\n", "")
    uuid, ends = executed.split(":", 1)
    last = re.findall(r"(\d+)", ends)[-1]
    return lab.replica.value(f"SELECT GTID_SUBTRACT('{uuid}:1-{last}', '{executed}')").replace("\n", "")


def _with_gap(lab, loads):
    for _ in range(10):
        with gaps.RowHeld(lab.replica) as held:
            held.wait_blocked()
            loads.wait_written(60)
            gaps.break_worker(lab.replica, held)
        if lab.flavour is MariaDB or missing(lab):
            return
        lab.replica.replication("start", what="SQL_THREAD")
        lab.wait_caught_up()
    raise AssertionError("no gap in ten attempts")


def _finding(result, *classes):
    """The one finding of a run, which has to be of one of these classes."""
    found = result.json["findings"]
    match = [f for f in found if f["class"] in classes]
    assert match, f"none of {classes}: {result}"
    return match[0]


def _untouched(lab, *classes, options=()):
    """Explained with and without --apply, exit 5, and nothing sent but questions; returns the finding."""
    for more in ((), ("--apply",)):
        with _watched(lab):
            result = tool.recover(lab.replica, *more, *options, expect=tool.APPLIER)
        found = _finding(result, *classes)
        assert found["outcome"] == "open" and found["next"] and not found["repairable"], result
        assert not result.json["healthy"]
    return found


# ---- nothing is wrong ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [[], ["--apply"]], ids=["look", "apply"])
def test_healthy_is_left_alone(lab, options):
    with Loads(lab, ddl_every=0), _watched(lab):
        found = tool.recover(lab.replica, *options).json
    assert found["healthy"] and found["findings"] == [] and len(found["healthy_channels"]) == 1
    assert lab.replica.running()


def test_no_replica_is_nothing_to_recover(lab):
    found = tool.recover(lab.source, "--apply").json
    assert found["healthy"] and found["channels"] == 0
    assert "no replica" in tool.run("recover", *tool.connection(lab.source)).out


# ---- interrupted workers -------------------------------------------------------------------------------------------------------

def test_interrupted_worker(lab):
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
    with _watched(lab):
        look = tool.recover(lab.replica, expect=tool.APPLIER)
    found = _finding(look, "interrupted")
    assert found["repairable"] and found["outcome"] == "open" and found["mysql_errno"] in (1317, 1756, 1927, 1964)
    assert not lab.replica.applier_running()
    if lab.flavour is not MariaDB:
        assert found["gap_transactions"] == missing(lab) or found["gap_transactions"] >= 1 and lab.flavour is MySQL56
    if lab.flavour is MySQL97:
        gtids = _missing_gtids(lab)
        assert any(gtids in line for line in found["details"] if line.startswith("gap:")), (gtids, found)
        assert any(re.search(r"hit: worker \d+ .*transaction \S+:\d+: error 1317", line) for line in found["details"])
    with _watched(lab) as seen:
        seen.allowed = (START,)
        done = tool.recover(lab.replica, "--apply")
    found = _finding(done, "interrupted")
    assert found["outcome"] == "repaired" and re.search(r"^START (SLAVE|REPLICA).*seen running", found["result"])
    assert lab.replica.running()
    if lab.flavour is not MariaDB:
        assert "gap closed" in found["result"]
        lab.wait_caught_up()
        assert not missing(lab)
    assert_same(lab, lab.replica)


@only(MySQL97, MySQL56)
def test_gap_that_does_not_close_in_time(lab):
    """The missing transaction is held up again: the applier runs, the gap stays, and that is what is said."""
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
        with gaps.RowHeld(lab.replica):
            result = tool.recover(lab.replica, "--apply", "--deadline", "3s", expect=tool.APPLIER)
            found = _finding(result, "interrupted")
            assert found["outcome"] == "failed" and "not closed before the deadline" in found["result"]
            assert lab.replica.applier_running()
    lab.wait_caught_up()
    assert not missing(lab)
    assert tool.recover(lab.replica).json["healthy"]


@only(MySQL97)
@pytest.mark.parametrize("alone", [False, True], ids=["both-stopped", "applier-started-alone"])
def test_hole_that_was_never_received(lab, alone):
    """relay_log_recovery has thrown the relay logs away: only the receiver can bring back what is missing."""
    with Loads(lab, ddl_every=0) as loads:
        _with_gap(lab, loads)
    lab.replica.restart(relay_log_recovery="ON")
    if alone:
        lab.replica.replication("start", what="SQL_THREAD")
        let_pass(1)
    assert missing(lab), "the hole was not reproduced"
    look = tool.recover(lab.replica, expect=tool.APPLIER)
    found = _finding(look, "hole" if alone else "stopped")
    assert found["step"] == "fetch" and found["gap_unknown"] and len(look.json["findings"]) == 1
    with _watched(lab) as seen:
        seen.allowed = (r"START REPLICA FOR CHANNEL ''$",)
        done = tool.recover(lab.replica, "--apply")
    assert _finding(done, "hole" if alone else "stopped")["outcome"] == "repaired", done
    assert lab.replica.running()
    lab.wait_caught_up()
    assert not missing(lab)


@only(MySQL97)
def test_hole_that_no_source_has(lab):
    """A transaction that was never written: the receiver is asked to fetch it, and then a person is."""
    uuid = "aaaaaaaa-1111-2222-3333-444444444444"
    for number in (1, 3):
        lab.replica.sql(f"SET gtid_next='{uuid}:{number}'", "BEGIN", "COMMIT", "SET gtid_next='AUTOMATIC'")
    lab.replica.replication("stop")
    try:
        result = tool.recover(lab.replica, "--apply", "--deadline", "60s", expect=tool.APPLIER)
        found = result.json["findings"][0]
        assert found["outcome"] == "failed" and f"{uuid}:2" in found["result"] and "empty" in found["result"], result
        assert lab.replica.running() and result.seconds < 50
    finally:
        lab.replica.sql(f"SET gtid_next='{uuid}:2'", "BEGIN", "COMMIT", "SET gtid_next='AUTOMATIC'")
    assert tool.recover(lab.replica).json["healthy"]


# ---- stopped -------------------------------------------------------------------------------------------------------------------

def test_stopped_without_an_error(lab):
    lab.replica.replication("stop", what="SQL_THREAD")
    with _watched(lab):
        look = tool.recover(lab.replica, expect=tool.APPLIER)
    found = _finding(look, "stopped")
    assert found["repairable"] and "--apply" in look.json["error"]["hint"]
    assert not lab.replica.applier_running(), "nobody said that it may be started"
    with _watched(lab) as seen:
        seen.allowed = (START,)
        done = tool.recover(lab.replica, "--apply")
    assert _finding(done, "stopped")["outcome"] == "repaired"
    assert lab.replica.running()


def test_both_threads_stopped(lab):
    """The receiver is not recover's to start where nothing is missing."""
    lab.replica.replication("stop")
    with _watched(lab) as seen:
        seen.allowed = (START,)
        result = tool.recover(lab.replica, "--apply", expect=tool.APPLIER)
    assert _finding(result, "stopped")["outcome"] == "repaired"
    assert _finding(result, "receiver-stopped")["outcome"] == "open"
    assert "IO_THREAD" in result.json["error"]["hint"]
    assert lab.replica.applier_running() and lab.replica.status()["Slave_IO_Running"] == "No"


def _on_a_terminal(lab, answer):
    """recover with a person in front of it; returns (exit code, what the terminal showed)."""
    controller, terminal = pty.openpty()
    name = os.ttyname(terminal)
    command = ["setsid", "--ctty", tool.BINARY, "recover", *tool.connection(lab.replica)]
    with open(name, "r+b", buffering=0) as tty:
        child = subprocess.Popen([str(c) for c in command], stdin=tty, stdout=tty, stderr=tty)
    os.close(terminal)
    shown, asked = b"", False
    with contextlib.suppress(OSError):      # the terminal goes with its last process
        while chunk := os.read(controller, 4096):
            shown += chunk
            if b"[y/N]" in shown and not asked:
                asked = True
                os.write(controller, answer + b"\n")
    os.close(controller)
    assert asked, shown
    return child.wait(60), shown.decode()


@pytest.mark.parametrize("answer", [b"n", b"", b"y"], ids=["no", "return", "yes"])
def test_a_person_is_asked(lab, answer):
    lab.replica.replication("stop", what="SQL_THREAD")
    code, shown = _on_a_terminal(lab, answer)
    assert "the applier is stopped, without an error" in shown
    assert code == (tool.OK if answer == b"y" else tool.APPLIER), shown
    assert lab.replica.applier_running() == (answer == b"y")


def _until(lab):
    file, pos = lab.source.binlog_position()
    if lab.flavour is MySQL97:
        return f"SOURCE_LOG_FILE='{file}', SOURCE_LOG_POS={pos}"
    return f"MASTER_LOG_FILE='{file}', MASTER_LOG_POS={pos}"


def test_stopped_by_until(lab):
    """Somebody chose the place, before a DROP perhaps: nobody goes past it on his own."""
    lab.replica.replication("stop", what="SQL_THREAD")
    lab.replica.sql(lab.replica.words["until"].format(name="", channel="", what=_until(lab)).strip())
    lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1", "UPDATE app1.hot SET n=n+1 WHERE id=1")
    proc.wait_until(lambda: not lab.replica.applier_running(), 20, "the UNTIL to be reached")
    _untouched(lab, "until")
    assert not lab.replica.applier_running()


def test_another_run_holds_the_instance(lab):
    """What stands still may be another run's window: nothing is started as long as that run lives."""
    lab.replica.replication("stop", what="SQL_THREAD")
    tool.recover(lab.replica, "--apply")        # the lock's file is there from now on
    lab.replica.replication("stop", what="SQL_THREAD")
    with contextlib.ExitStack() as held:
        for path in (place.run_dir() / "state").glob("*.lock"):
            fcntl.flock(held.enter_context(open(path, "r+b")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        with _watched(lab):
            result = tool.recover(lab.replica, "--apply", expect=tool.BUSY)
        assert _finding(result, "stopped")["outcome"] == "open"
        assert not lab.replica.applier_running()
    assert _finding(tool.recover(lab.replica, "--apply"), "stopped")["outcome"] == "repaired"


# ---- explained, not touched ----------------------------------------------------------------------------------------------------

@pytest.fixture
def clash(lab):
    lab.source.sql("CREATE TABLE IF NOT EXISTS app1.clash (id INT PRIMARY KEY, v INT) ENGINE=InnoDB", "DELETE FROM app1.clash")
    lab.wait_caught_up()


@pytest.mark.usefixtures("clash")
def test_duplicate_key(lab):
    lab.replica.local("INSERT INTO app1.clash VALUES (1, 0)")
    lab.source.sql("INSERT INTO app1.clash VALUES (1, 1)")
    proc.wait_until(lambda: not lab.replica.applier_running(), 30, "the applier to stop with 1062")
    found = _untouched(lab, "conflict")
    assert found["mysql_errno"] == 1062 and "compare" in found["next"]
    lab.replica.local("DELETE FROM app1.clash")


@pytest.mark.usefixtures("clash")
def test_missing_row(lab):
    lab.source.sql("INSERT INTO app1.clash VALUES (2, 1)")
    lab.wait_caught_up()
    lab.replica.local("DELETE FROM app1.clash")
    lab.source.sql("DELETE FROM app1.clash WHERE id=2")
    proc.wait_until(lambda: not lab.replica.applier_running(), 30, "the applier to stop with 1032")
    assert _untouched(lab, "conflict")["mysql_errno"] == 1032
    lab.replica.local("INSERT INTO app1.clash VALUES (2, 1)")


@pytest.mark.usefixtures("clash")
def test_started_and_stopped_again_is_not_repaired(lab):
    """A START's OK is no proof: what the applier meets then is what counts."""
    lab.replica.replication("stop", what="SQL_THREAD")
    lab.replica.local("INSERT INTO app1.clash VALUES (3, 0)")
    lab.source.sql("INSERT INTO app1.clash VALUES (3, 1)")
    position = lab.source.binlog_position()
    proc.wait_until(lambda: int(lab.replica.status()["Read_Master_Log_Pos"]) >= position[1], 20, "it to be received")
    result = tool.recover(lab.replica, "--apply", expect=tool.APPLIER)
    assert _finding(result, "stopped")["outcome"] in ("failed", "gone") and "1062" in _finding(result, "stopped")["result"]
    assert _finding(result, "conflict")["outcome"] == "open"
    assert result.json["error"]["mysql_errno"] == 1062
    lab.replica.local("DELETE FROM app1.clash")


def test_same_server(lab):
    """A data directory that was copied whole; on MariaDB, which has no UUID, an option file that was."""
    own = lab.replica.dir / "data" / "auto.cnf"
    if lab.flavour is MariaDB:
        lab.replica.replication("stop", what="IO_THREAD")
        lab.replica.sql(f"SET GLOBAL server_id={lab.source.server_id}")
        lab.replica.replication("start", what="IO_THREAD")
    else:
        was = own.read_text()
        lab.replica.stop()
        own.write_text(f"[auto]\nserver-uuid={lab.source.uuid()}\n")
        lab.replica.start()
        lab.replica.replication("start")
    proc.wait_until(lambda: lab.replica.status().get("Last_IO_Errno") in (1593, 13117), 30, lambda: f"the error: {lab.replica.status()}")
    found = _untouched(lab, "same-server")
    if lab.flavour is MariaDB:
        assert "server_id" in found["next"]
        lab.replica.sql(f"SET GLOBAL server_id={lab.replica.server_id}")
        return
    assert "auto.cnf" in found["next"]
    lab.replica.stop()
    own.write_text(was)
    lab.replica.start()


def test_source_that_refuses_the_account(lab):
    user, password = "repl", lab.replica.value("SELECT 1") and "repl-pw-1"
    change = f"ALTER USER '{user}'@'%' IDENTIFIED BY '{{}}'" if lab.flavour is not MySQL56 else \
        f"SET PASSWORD FOR '{user}'@'%' = PASSWORD('{{}}')"
    lab.replica.replication("stop", what="IO_THREAD")
    lab.source.local(change.format("another"))
    try:
        lab.replica.replication("start", what="IO_THREAD")
        proc.wait_until(lambda: lab.replica.status().get("Last_IO_Errno"), 30, "the refusal")
        found = _untouched(lab, "receiver")
        assert found["mysql_errno"] == 1045 or "denied" in found["error"], found
        assert "another" not in str(found)
    finally:
        lab.source.local(change.format(password))
        lab.replica.replication("stop", what="IO_THREAD")


# ---- relay logs ----------------------------------------------------------------------------------------------------------------

def _lose_relay_logs(lab):
    for _ in range(3):      # the names must not begin anew with the one that is remembered
        lab.replica.replication("stop", what="IO_THREAD")
        lab.replica.replication("start", what="IO_THREAD")
    proc.wait_until(lab.replica.running, 20, "the receiver to be back")
    lab.wait_caught_up()
    _delete_relay_logs(lab)


def _delete_relay_logs(lab):
    lab.replica.stop()
    for file in (lab.replica.dir / "data").glob("relay.*"):
        file.unlink()
    lab.replica.start(relay_log_recovery="OFF")


@only(MySQL97)
def test_lost_relay_logs_with_auto_position(lab):
    _lose_relay_logs(lab)
    lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1")
    with _watched(lab) as seen:       # without RELOAD a START is all there is, and that tells of the metadata
        seen.allowed = (START, r"STOP REPLICA FOR CHANNEL ''", r"RESET REPLICA FOR CHANNEL ''")
        result = tool.recover(lab.replica, "--apply", expect=tool.APPLIER)
    found = _finding(result, "metadata")
    assert found["outcome"] == "failed" and "RELOAD" in found["result"], result
    with _watched(lab) as seen:
        seen.allowed = (r"STOP REPLICA FOR CHANNEL ''", r"RESET REPLICA FOR CHANNEL ''$", r"START REPLICA FOR CHANNEL ''$")
        done = tool.recover(lab.replica, "--apply", account=accounts.SEEDER)
    assert _finding(done, "metadata")["outcome"] == "repaired", done
    assert lab.replica.running()
    lab.wait_caught_up()
    assert_same(lab, lab.replica)


@only(MySQL97)
def test_lost_relay_logs_and_a_source_that_does_not_answer(lab):
    """That the source has everything cannot be seen: RESET is not sent."""
    _lose_relay_logs(lab)
    lab.source.local("REVOKE SELECT ON *.* FROM 'seeder'@'%'", "ALTER USER 'seeder'@'%' ACCOUNT LOCK")
    try:
        with _watched(lab) as seen:
            seen.allowed = (START,)
            result = tool.recover(lab.replica, "--apply", account=accounts.SEEDER, expect=tool.APPLIER)
        found = _finding(result, "metadata")
        assert found["outcome"] == "failed" and "nothing was touched" in found["result"], result
    finally:
        lab.source.local("ALTER USER 'seeder'@'%' ACCOUNT UNLOCK", "GRANT SELECT ON *.* TO 'seeder'@'%'")
    lab.replica.sql("RESET REPLICA")


@only(MySQL56, MariaDB)
def test_lost_relay_logs_explained(lab):
    """Explained only; and what a person is advised to do is right, word for word."""
    _lose_relay_logs(lab)
    tool.recover(lab.replica, "--apply", expect=tool.APPLIER)       # the START that brings it to light
    with _watched(lab) as seen:
        seen.allowed = (START,) if lab.flavour is MariaDB else ()     # where the status does not show it afterwards
        result = tool.recover(lab.replica, "--apply", expect=tool.APPLIER)
    found = _finding(result, "metadata")
    assert found["outcome"] == "open" and not found["repairable"]
    lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1")
    lab.replica.sql(*found["next"].split("; then ")[1].split("; "))
    proc.wait_until(lab.replica.running, 20, "it to run again")
    assert_same(lab, lab.replica)


# ---- several channels, several domains, and runs of ours that died -------------------------------------------------------------

@pytest.mark.parametrize("flavour", [MySQL97, MariaDB], ids=lambda f: f.flavour)
def test_each_channel_by_itself(flavour):
    """One is in conflict, one stopped, one sound: the stopped one alone is started."""
    names = ("east", "it's west", "north")
    with topology(flavour, channels=names) as three:
        east, west, north = names
        three.sources[east].sql("CREATE TABLE app1.clash (id INT PRIMARY KEY) ENGINE=InnoDB")
        three.wait_caught_up()
        three.replica.local("INSERT INTO app1.clash VALUES (1)")
        three.sources[east].sql("INSERT INTO app1.clash VALUES (1)")
        proc.wait_until(lambda: not three.replica.applier_running(east), 30, "the applier to stop with 1062")
        three.replica.replication("stop", west, "SQL_THREAD")
        with _watched(three) as seen:
            seen.allowed = (r"START .*west.*",)
            result = tool.recover(three.replica, "--apply", expect=tool.APPLIER)
        assert not [text for text in seen.sent if text.startswith("START ") and "west" not in text]
        found = {f["channel"]: (f["class"], f["outcome"]) for f in result.json["findings"]}
        assert found == {east: ("conflict", "open"), west: ("stopped", "repaired")}
        assert result.json["healthy_channels"] == [f"channel '{west}'", f"channel '{north}'"]
        assert "east" in result.json["error"]["message"] and result.json["error"]["mysql_errno"] == 1062
        assert three.replica.running(west) and not three.replica.applier_running(east)


def test_two_domains_of_mariadb():
    """File and position are those of the domain that is ahead: a person is told not to use them."""
    with topology(MariaDB, domains=(0, 7)) as two:
        with Loads(two) as loads:
            loads.wait_written(100)
        two.wait_caught_up()
        two.replica.replication("stop", what="SQL_THREAD")
        found = _finding(tool.recover(two.replica, expect=tool.APPLIER), "stopped")
        assert any("most advanced of 2 GTID domains" in line for line in found["details"]), found
        assert _finding(tool.recover(two.replica, "--apply"), "stopped")["outcome"] == "repaired"
        assert_same(two, two.replica)


def test_a_version_that_loses_what_another_domain_wrote():
    """MDEV-6589. No server so old is to be had: this one only says that it is one, by which alone it is told. The receiver is stopped before the
    applier is started, both are seen running, and it is said why."""
    with topology(MariaDB, domains=(0, 7), replica={"version": "10.0.17-MariaDB-log"}) as two:
        with Loads(two, ddl_every=0) as loads, gaps.RowHeld(two.replica) as held:
            held.wait_blocked()
            loads.wait_written(60)
            gaps.break_worker(two.replica, held)
        assert two.replica.status()["Slave_IO_Running"] == "Yes"
        with _watched(two):
            look = _finding(tool.recover(two.replica, expect=tool.APPLIER), "interrupted")
        assert look["step"] == "fetch" and any("MDEV-6589" in line for line in look["details"]), look
        assert re.search(r"STOP SLAVE .*IO_THREAD; START SLAVE ", look["next"]), look
        with _watched(two) as seen:
            seen.allowed = (r"STOP SLAVE '' IO_THREAD; START SLAVE ''$",)
            done = _finding(tool.recover(two.replica, "--apply"), "interrupted")
        assert done["outcome"] == "repaired" and two.replica.running(), done
        assert_same(two, two.replica)


@only(MySQL97, MariaDB)
def test_open_journal_is_finished_first(lab, repository):
    """The agent and the server died in the window: what was ours to start is started, --apply or not."""
    with Loads(lab, rate=60, ddl_every=0) as loads, gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        with logs.Statements(lab.replica) as said:
            running = tool.start_backup(lab.replica, repository, "--deadline", "1s", "--on-deadline", "stop")
            proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
        lab.replica.crash()
        running.signal(signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        loads.stop()
    lab.replica.start()
    assert not lab.replica.applier_running()
    found = tool.recover(lab.replica, expect=(tool.OK, tool.APPLIER)).json
    assert len(found["journal"]) == 1 and "started" in found["journal"][0], found
    assert lab.replica.applier_running()
    assert not [f for f in found["findings"] if f["class"] == "stopped"]


# ---- last: the source throws away what the replica needs -----------------------------------------------------------------------

@pytest.mark.ruins
def test_purged_source(lab):
    for _ in range(3):
        lab.replica.replication("stop", what="IO_THREAD")
        lab.replica.replication("start", what="IO_THREAD")
    lab.replica.replication("stop", what="IO_THREAD")
    with Loads(lab, ddl_every=0) as loads:
        loads.wait_written(50)
    lab.source.sql("FLUSH BINARY LOGS")
    newest = lab.source.binlog_position()[0]

    def purged():
        lab.source.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return lab.source.sql("SHOW BINARY LOGS")[0]["Log_name"] == newest
    proc.wait_until(purged, 30, "the old binary logs to go", every=0.3)
    lab.replica.replication("start", what="IO_THREAD")
    proc.wait_until(lambda: lab.replica.status().get("Last_IO_Errno") in (1236, 13114), 30, lambda: f"1236: {lab.replica.status()}")
    found = _untouched(lab, "purged")
    assert "seed" in found["next"] and lab.replica.applier_running()
    if lab.flavour is not MySQL97:
        return
    _delete_relay_logs(lab)     # what is left of them may be all there is: RESET is not sent
    with _watched(lab) as seen:
        seen.allowed = (START,)
        result = tool.recover(lab.replica, "--apply", account=accounts.SEEDER, expect=tool.APPLIER)
    found = _finding(result, "metadata")
    assert found["outcome"] == "failed" and "it has purged" in found["result"], result
