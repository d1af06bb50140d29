# SPDX-License-Identifier: Apache-2.0
"""A host that does not cooperate: signals at every stage, readers that go away, disks without room, names without an address, clocks that are wrong.

Each ends with the exit code that says so, with nothing that could be taken for a snapshot, and with an applier that runs.
"""
import contextlib
import datetime
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from conftest import topology
from lab import accounts, logs, neighbours, place, proc, tool
from lab.server import FLAVOURS, REPLICATION, MariaDB, MySQL97
from steps import assert_running, hold_against_rules

FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
one_server = pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(autouse=True)
def _applier_runs_afterwards(lab):
    yield
    proc.wait_until(lab.replica.running, 5, "the applier to run")
    lab.wait_caught_up()


@contextlib.contextmanager
def mounted(path, *options):
    """A file system of its own at `path`; a skip that says so where this machine lets nobody mount."""
    path.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", path], check=False, capture_output=True).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def _leftovers(repository):
    return [p for p in repository.rglob("*") if p.is_file()]


# ---- signals -----------------------------------------------------------------------------------------------------------

def test_signals_while_it_waits(lab, repository):
    with neighbours.held_up(lab), logs.Statements(lab.replica) as said:
        for number in SIGNALS:
            running = tool.start_backup(lab.replica, repository)
            proc.wait_until(lambda: "state=WATCHING" in running.log(), 30, "the backup to watch")
            running.signal(number)
            result = running.finish(30, expect=128 + number)
            assert "interrupted" in result.err
        assert lab.replica.applier_running()
        assert logs.stops(said.so_far()) == []
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert _leftovers(repository) == []


def test_signals_while_a_stop_is_pending(lab, repository):
    """A STOP cannot be taken back: it is waited for, the applier is started, and then the program ends as the first signal wanted."""
    with neighbours.held_up(lab) as held, logs.Statements(lab.replica) as said:
        running = tool.start_backup(lab.replica, repository, "--deadline", "1s", "--on-deadline", "stop")
        neighbours.wait_stopping(said, running)
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            running.signal(number)
        proc.wait_until(lambda: "under way" in running.log(), 10, "the second signal to be noted")
        assert running.alive()
        held.release()
        running.finish(60, expect=128 + signal.SIGHUP)
        proc.wait_until(lab.replica.running, 5, "the applier to run", every=0.02)
    hold_against_rules(said.of(accounts.BACKUP[0]))
    assert _leftovers(repository) == []


@one_server
def test_sighup_that_is_ignored_stays_ignored(lab, repository):
    """Under nohup the end of the terminal is none of ours."""
    with neighbours.held_up(lab) as held:
        log = place.run_dir() / "nohup.log"
        with open(log, "wb") as err:
            child = proc.spawn(["nohup", tool.BINARY, *tool.backup_arguments(lab.replica, repository)], stdout=err, stderr=err)
        proc.wait_until(lambda: b"state=WATCHING" in log.read_bytes(), 30, "the backup to watch")
        child.send_signal(signal.SIGHUP)
        held.release()
        assert child.wait(60) == tool.OK, log.read_text()
        proc.end(child)
    assert len(tool.manifests(repository)) == 1


# ---- readers that go away ----------------------------------------------------------------------------------------------

@one_server
def test_a_reader_that_goes_away_before_the_window(lab):
    with neighbours.held_up(lab) as held:
        read_end, write_end = os.pipe()
        running = tool.start_backup(lab.replica, "-", stdout=write_end)
        os.close(write_end)
        proc.wait_until(lambda: "state=WATCHING" in running.log(), 30, "the backup to watch")
        os.close(read_end)
        held.release()
        running.finish(60, expect=tool.STORE)


def test_a_reader_that_goes_away_while_a_stop_is_pending(lab):
    with neighbours.held_up(lab) as held, logs.Statements(lab.replica) as said:
        read_end, write_end = os.pipe()
        running = tool.start_backup(lab.replica, "-", "--deadline", "1s", "--on-deadline", "stop", stdout=write_end)
        os.close(write_end)
        neighbours.wait_stopping(said, running)
        os.close(read_end)
        held.release()
        running.finish(60, expect=tool.STORE)
    hold_against_rules(said.of(accounts.BACKUP[0]))


@one_server
def test_nobody_reads_the_log(lab, repository):
    """2>&1 | head: what is said is lost, what is done is not."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open(place.run_dir() / "report.json", "wb") as out:
        child = proc.spawn([tool.BINARY, *tool.backup_arguments(lab.replica, repository)], stdout=out, stderr=write_end)
    os.close(write_end)
    assert child.wait(60) == tool.OK
    proc.end(child)
    assert len(tool.manifests(repository)) == 1


@one_server
@pytest.mark.parametrize("verb", ["list", "info"])
def test_a_result_that_cannot_be_printed_is_no_success(lab, repository, verb):
    tool.backup(lab.replica, repository)
    with open("/dev/full", "wb") as full:
        tool.run(verb, "--from", f"file://{repository}", "--json", stdout=full, expect=tool.STORE)


# ---- disks -------------------------------------------------------------------------------------------------------------

@one_server
def test_a_disk_that_is_full_and_then_is_not(lab, tmp_path):
    """Whatever did not fit, nothing is left that looks like a snapshot; with room the next one is whole."""
    with mounted(tmp_path / "small", "size=4k") as small, logs.Statements(lab.replica) as said:
        for size in ("4k", "32k", "96k"):
            subprocess.run(["mount", "-o", f"remount,size={size}", small], check=True)
            result = tool.backup(lab.replica, small, expect=tool.STORE)
            assert "No space left" in result.err
            assert tool.manifests(small) == [] and not list(small.rglob("shard-*")), size
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        tool.backup(lab.replica, small)
        tool.run("verify", "--from", f"file://{small}")
    hold_against_rules(said.of(accounts.BACKUP[0]))


@one_server
def test_a_pipe_into_a_full_disk(lab):
    with open("/dev/full", "wb") as full:
        tool.start_backup(lab.replica, "-", stdout=full).finish(60, expect=tool.STORE)


@one_server
def test_a_disk_too_small_to_restore_to(lab, repository, tmp_path):
    tool.backup(lab.replica, repository)
    with mounted(tmp_path / "small", "size=32k") as small:
        tool.run("restore", "--from", f"file://{repository}", "--to-dir", small / "out", expect=tool.STORE)


@one_server
def test_a_repository_that_is_read_only(lab, tmp_path):
    """Said before the applier is touched."""
    with mounted(tmp_path / "fixed", "ro") as fixed, logs.Statements(lab.replica) as said:
        result = tool.backup(lab.replica, fixed, expect=tool.STORE)
        assert "Read-only file system" in result.err and "hint=" in result.err
    assert logs.stops(said.of(accounts.BACKUP[0])) == [], "stopped the applier for a repository that cannot be written"


@one_server
def test_what_else_is_read_only(lab, repository, tmp_path):
    """A place to restore to, the log, the journal's directory."""
    tool.backup(lab.replica, repository)
    with mounted(tmp_path / "fixed", "ro") as fixed, logs.Statements(lab.replica) as said:
        tool.run("verify", "--from", f"file://{repository}")
        tool.run("restore", "--from", f"file://{repository}", "--to-dir", fixed / "out", expect=tool.STORE)
        tool.backup(lab.replica, repository, "--log-file", fixed / "log", expect=(tool.USAGE, tool.STORE))
        result = tool.backup(lab.replica, repository, "--state-dir", fixed / "state", expect=tool.STORE)
        assert "--state-dir" in result.err
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    assert len(tool.manifests(repository)) == 1


@one_server
def test_a_state_directory_without_room(lab, repository, tmp_path):
    """Without the journal nothing is stopped."""
    with mounted(tmp_path / "state", "size=4k") as full, logs.Statements(lab.replica) as said:
        with contextlib.suppress(OSError):
            (full / "filler").write_bytes(b"x" * 8192)
        result = tool.backup(lab.replica, repository, "--state-dir", full, expect=tool.STORE)
        assert "No space left" in result.err
    assert logs.stops(said.of(accounts.BACKUP[0])) == []
    assert _leftovers(repository) == []


# ---- names and addresses -----------------------------------------------------------------------------------------------

def _refused_quickly(*arguments, seconds=30, **how):
    begun = time.monotonic()
    result = tool.run(*arguments, expect=tool.PREFLIGHT, **how)
    assert time.monotonic() - begun < seconds
    assert "hint=" in result.err and "exit=3" in result.err, result
    return result


@one_server
@pytest.mark.parametrize("verb", ["check", "backup"])
def test_a_name_without_an_address(lab, repository, verb):
    to = ["--to", f"file://{repository}"] if verb == "backup" else []
    result = _refused_quickly(verb, "--no-defaults", "-h", "no-such-host.invalid", "-u", "x", *to, environment={"SLACKWATER_PASSWORD": "x"})
    assert "no-such-host.invalid" in result.err and "--host" in result.err
    assert _leftovers(repository) == []


@one_server
def test_a_source_without_an_address(lab, repository):
    """Before a byte is loaded."""
    tool.backup(lab.replica, repository)
    target = lab.target()
    arguments = [str(a).replace(f"127.0.0.1:{lab.source.port}", f"no-such-host.invalid:{lab.source.port}")
                 for a in tool.seed_arguments(repository, target, lab.sources)]
    begun = time.monotonic()
    result = tool.run(*arguments, expect=(tool.PREFLIGHT, tool.REFUSED))
    assert time.monotonic() - begun < 30 and "no-such-host.invalid" in result.err
    assert not target.status() and "app1" not in {r["Database"] for r in target.sql("SHOW DATABASES")}
    lab.drop(target)


@one_server
def test_a_port_that_nobody_answers(lab):
    """Neither refused nor greeted: the login is given up after --connect-timeout."""
    with contextlib.closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        _refused_quickly("check", "--no-defaults", "-h", "127.0.0.1", "-P", silent.getsockname()[1], "-u", "x",
                         "--connect-timeout", "1s", environment={"SLACKWATER_PASSWORD": "x"})


@one_server
def test_a_server_that_is_frozen(lab):
    """SIGSTOP of a server: it takes connections and says nothing."""
    with lab.flavour("frozen") as server:
        server.start()
        server.child.send_signal(signal.SIGSTOP)
        try:
            result = _refused_quickly("check", *tool.connection(server), "--connect-timeout", "1s")
        finally:
            server.child.send_signal(signal.SIGCONT)
    assert "frozen" in result.err


# ---- clocks ------------------------------------------------------------------------------------------------------------

@one_server
@pytest.mark.parametrize("shift", ["-3d", "+400d", "@1970-01-01 00:00:10"], ids=["behind", "ahead", "unset"])
def test_a_clock_that_is_wrong(lab, repository, shift):
    """Ids and times are this host's, and that they are far from the server's is said."""
    if not FAKETIME:
        pytest.skip("libfaketime is not here")
    wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
    result = tool.backup(lab.replica, repository, environment=wrong)
    taken = result.json
    assert "clock" in result.err, "not a word about the clock"
    shown = datetime.datetime.strptime(taken["id"][:15], "%Y%m%dT%H%M%S")
    days = (shown - datetime.datetime.utcnow()).total_seconds() / 86400
    assert days == pytest.approx({"-3d": -3, "+400d": 400}.get(shift, days), abs=0.1)
    assert 0 <= taken["pause_ms"] <= taken["elapsed_ms"] < 60000
    right = tool.backup(lab.replica, repository)
    assert "clock" not in right.err
    ids = [each["id"] for each in tool.run("list", "--from", f"file://{repository}", "--json").json["snapshots"]]
    assert set(ids) == {taken["id"], right.json["id"]}
    tool.run("verify", "--from", f"file://{repository}", taken["id"])


# ---- accounts ----------------------------------------------------------------------------------------------------------

def test_a_password_that_has_expired(lab, repository):
    lab.replica.local(f"ALTER USER '{accounts.BACKUP[0]}'@'%' PASSWORD EXPIRE")
    try:
        result = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
        assert "mysql_errno=1862" in result.err or "mysql_errno=1820" in result.err, result
        assert "set a new password" in result.err
    finally:
        if lab.flavour in (MariaDB, MySQL97):
            lab.replica.local(f"ALTER USER '{accounts.BACKUP[0]}'@'%' IDENTIFIED BY '{accounts.BACKUP[1]}'")
        else:
            lab.replica.local(f"SET PASSWORD FOR '{accounts.BACKUP[0]}'@'%' = PASSWORD('{accounts.BACKUP[1]}')")
    assert _leftovers(repository) == []


@contextlib.contextmanager
def _room_for(server, spare, limit=40):
    """All connections but `spare` are taken."""
    server.sql(f"SET GLOBAL max_connections={limit}")
    held = []
    try:
        used = int(server.sql("SHOW GLOBAL STATUS LIKE 'Threads_connected'")[0]["Value"]) - 1     # without the one that asked
        for _ in range(limit - used - spare):
            held.append(server.connect(*REPLICATION))
        yield
    finally:
        for connection in held:
            connection.close()
        server.sql("SET GLOBAL max_connections=120")


def test_a_server_without_a_connection_to_spare(lab, repository):
    """From none to almost enough: a typed end each time, and the applier runs."""
    codes = []
    for spare in (0, 2, 5, 20):
        with _room_for(lab.replica, spare):
            result = tool.backup(lab.replica, repository, "--threads", "4", expect=(tool.OK, tool.PREFLIGHT, tool.SERVER))
        codes.append(result.code)
        assert len(tool.manifests(repository)) == codes.count(tool.OK)
        if result.code:
            assert "1040" in result.err and "hint=" in result.err, result
        assert_running(lab)
    assert codes[0] == tool.PREFLIGHT and codes[-1] == tool.OK, codes
