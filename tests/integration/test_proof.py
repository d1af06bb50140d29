# SPDX-License-Identifier: Apache-2.0
"""verify --restore: a scratch server is seeded from the snapshot, replicates, is compared, and leaves nothing behind."""
import contextlib
import json
import os
import pathlib
import signal
import stat
import subprocess

import pytest

from conftest import topology
from lab import accounts, place, proc, tool
from lab.agent import Agent
from lab.server import REPLICATION, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched

FLAVOURS = (MariaDB, MySQL97)


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def mariadb():
    with topology(MariaDB) as made:
        yield made


@pytest.fixture
def scratch(lab_or_mariadb):
    """An empty directory to make scratch directories in, which must be empty again when the test ends."""
    path = place_for(lab_or_mariadb)
    yield path
    assert left_in(path) == []
    assert servers_below(path) == []


@pytest.fixture
def lab_or_mariadb(request):
    return request.getfixturevalue("lab" if "lab" in request.fixturenames else "mariadb")


def place_for(lab):
    """Short, for a socket's name has to fit in, and to be entered by the user mysql."""
    path = lab.flavour.home() / "scratch"
    path.mkdir(exist_ok=True)
    for part in (path, *path.parents):
        if part.stat().st_uid == os.getuid() and not part.stat().st_mode & stat.S_IXOTH:
            part.chmod(part.stat().st_mode | stat.S_IXOTH)
    return path


def left_in(path):
    return sorted(p.name for p in path.iterdir())


def servers_below(path, word=""):
    """Processes whose command line names the directory, and the word (slackwater's own apart)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
                words = line.split("\0")
                if word in line and "verify" not in words and any(w.startswith(f"--defaults-file={path}/") for w in words):
                    found.append(int(entry.name))
    return found


def program(flavour):
    """--server-binary: what is found by itself, or a wrapper that runs the program inside its own root."""
    if flavour is not MySQL97:
        return []
    # paths are the same inside and outside
    inside = place.SID / str(place.SID).lstrip("/")
    if not inside.is_symlink():
        inside.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            inside.symlink_to("/")
    wrapper = flavour.home() / "mysqld-inside"
    wrapper.write_text(f'#!/bin/sh\nexec chroot {place.SID} /usr/sbin/mysqld "$@"\n')
    wrapper.chmod(0o755)
    return ["--server-binary", wrapper, "--scratch-user", "root"]


def arguments(lab, repository, scratch, *options, source=True, snapshot="latest", instance="lab"):
    file = accounts.option_file(place.run_dir() / f"proof-{lab.flavour.flavour}.cnf", lab.replica, accounts.BACKUP,
                                source_account=REPLICATION)
    given = ["--restore", f"--defaults-file={file}", f"--state-dir={place.run_dir() / 'state'}", "--from", tool.url(repository),
             "--instance", instance, "--scratch-dir", scratch, "--catch-up-timeout", "400s", "--json"]
    if source:
        for channel, server in lab.sources.items():
            given += ["--source", f"{channel + '=' if channel else ''}127.0.0.1:{server.port}"]
        given += ["--source-user", REPLICATION[0]]
        given += ["--source-public-key", "get"] if lab.flavour is MySQL97 else []
    binary = [] if "--server-binary" in options else program(lab.flavour)
    return ["verify", *given, *binary, *options, snapshot]


def prove(lab, repository, scratch, *options, expect=tool.OK, seconds=900, **how):
    return tool.run(*arguments(lab, repository, scratch, *options, **how), expect=expect, seconds=seconds)


def beside(repository, tail, instance="lab"):
    return sorted(pathlib.Path(repository, instance, "manifests").glob(f"*.{tail}.json"))


def listed(repository):
    return tool.run("list", "--from", tool.url(repository), "--json").json["snapshots"]


def test_proven(lab, repository, scratch):
    """Under load: restored, replicated, compared, recorded, and shown."""
    with Loads(lab, rate=15, ddl_every=10) as loads:
        taken = backup_watched(lab, repository).json
        loads.wait_written(200)
        running = start(lab, repository, scratch, "--checksum", f"127.0.0.1:{lab.replica.port}", "--scratch-nice", "0")
        proc.wait_until(lambda: "prove msg=" in running.log() or "state=STILL" in running.log() or not running.alive(), 600,
                        lambda: f"the scratch server to replicate: {running.log()}")
        if running.alive():
            loads.wait_written(50)
    result = running.finish(900).json
    assert_running(lab)
    proof = result["proof"]
    assert proof["result"] == "proven" and proof["tables"] == taken["tables"] and proof["rows"] == taken["rows"]
    assert proof["transactions"] >= 200 and proof["compared_tables"] > 0 and proof["reason"] is None
    assert lab.flavour.version() in proof["server_version"] and proof["source"] == f"127.0.0.1:{lab.source.port}"
    assert result["verified"] and result["scratch"] is None
    [record] = beside(repository, "proof")
    assert json.loads(record.read_text()) == proof
    assert beside(repository, "trial") == []
    [shown] = listed(repository)
    assert shown["proven"] and shown["proof"] == proof and shown["trial"] is None
    text = tool.run("list", "--from", tool.url(repository)).out
    assert f"proven {proof['at'][:10]}" in text
    info = tool.run("info", "--from", tool.url(repository)).out
    assert "proven" in info and "caught up" in info and "equal" in info
    for password in (REPLICATION[1], accounts.BACKUP[1]):
        assert password not in text + info + record.read_text()


def test_a_time_zone_that_the_scratch_server_does_not_know(mariadb, repository, scratch):
    """A fresh server has no time zones: an event's is no reason not to restore the rest."""
    lab = mariadb
    for server in (lab.source, lab.replica):
        server.local("INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (4711,'N')", "INSERT INTO mysql.time_zone_name VALUES ('Lab/Zone',4711)",
                     "INSERT INTO mysql.time_zone_transition_type VALUES (4711,0,7200,0,'LAB')")
    lab.source.sql("CREATE DATABASE zoned", "SET time_zone='Lab/Zone'", "CREATE EVENT zoned.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SELECT 1")
    lab.wait_caught_up()
    tool.backup(lab.replica, repository)
    result = prove(lab, repository, scratch, source=False)
    lab.source.sql("DROP DATABASE zoned")
    lab.wait_caught_up()
    assert result.json["proof"]["result"] == "restored"
    assert "does not know the time zone 'Lab/Zone': its events are created in UTC there" in result.err


def test_restored_without_a_source(mariadb, repository, scratch):
    """Loaded and counted: recorded, and not called proven."""
    lab = mariadb
    lab.source.sql("CREATE DATABASE odd", "CREATE SEQUENCE odd.counting", "CREATE TABLE odd.plain (id INT PRIMARY KEY) ENGINE=MyISAM",
                   "CREATE TABLE odd.told (id INT PRIMARY KEY, v INT) ENGINE=InnoDB WITH SYSTEM VERSIONING",
                   "INSERT INTO odd.plain VALUES (1),(2)", "INSERT INTO odd.told VALUES (1,1),(2,2)", "UPDATE odd.told SET v=3",
                   "DELETE FROM odd.told WHERE id=1")
    lab.wait_caught_up()
    taken = tool.backup(lab.replica, repository).json
    result = prove(lab, repository, scratch, source=False)
    lab.source.sql("DROP DATABASE odd")
    lab.wait_caught_up()
    assert "no --source" in result.err
    proof = result.json["proof"]
    assert proof["result"] == "restored" and proof["rows"] == taken["rows"] and proof["source"] is None and not proof["catch_up_ms"]
    [record] = beside(repository, "trial")
    assert json.loads(record.read_text()) == proof and beside(repository, "proof") == []
    [shown] = listed(repository)
    assert not shown["proven"] and shown["proof"] is None and shown["trial"] == proof
    assert "restored 20" in tool.run("list", "--from", tool.url(repository)).out
    # a proof takes its place
    assert prove(lab, repository, scratch).json["proof"]["result"] == "proven"
    assert beside(repository, "trial") == [] and len(beside(repository, "proof")) == 1


class Watched:
    """A server program that writes down how it was called."""

    def __init__(self, path, flavour):
        self.calls = path / "calls"
        self.program = path / "watched"
        command, _environment = flavour.argv()
        self.program.write_text(f'#!/bin/sh\necho "$@" >> {self.calls}\nexec {command[0]} "$@"\n')
        self.program.chmod(0o755)
        self.calls.touch(mode=0o666)
        self.calls.chmod(0o666)

    def started(self):
        return [line for line in self.calls.read_text().splitlines() if "--defaults-file" in line]


@pytest.fixture
def watched():
    path = place_for_type(MariaDB) / ".." / "watched"
    path.mkdir(exist_ok=True)
    made = Watched(path.resolve(), MariaDB)
    yield made
    made.calls.unlink()


def place_for_type(flavour):
    path = flavour.home() / "scratch"
    path.mkdir(exist_ok=True)
    return path


def flip(path, at=-200):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


def test_damaged(mariadb, repository, scratch, watched):
    """One byte altered: exit 8, no server is started, and a proof of before does not hold any more."""
    lab = mariadb
    taken = tool.backup(lab.replica, repository).json
    proven = repository / "lab" / "manifests" / f"{taken['id']}.proof.json"
    proven.write_text("{}")
    assert listed(repository)[0]["proof"]["result"] == "proven"
    flip(next((repository / "lab" / taken["id"]).glob("shard-*")))
    result = prove(lab, repository, scratch, "--server-binary", watched.program, expect=tool.SNAPSHOT)
    assert watched.started() == [] and "--version" in watched.calls.read_text()
    assert result.json["proof"]["result"] == "failed" and not proven.exists()
    [shown] = listed(repository)
    assert not shown["proven"] and "shard" in shown["trial"]["reason"]
    assert "failed" in tool.run("list", "--from", tool.url(repository)).out
    assert shown["trial"]["reason"] in tool.run("info", "--from", tool.url(repository)).out


def test_a_source_that_has_purged(mariadb, repository, scratch):
    lab = mariadb
    tool.backup(lab.replica, repository)
    for _ in range(2):
        lab.source.sql("INSERT INTO app1.wiped SELECT COALESCE(MAX(id), 0) + 1, 7 FROM app1.wiped", "FLUSH BINARY LOGS")
    lab.wait_caught_up()
    last = lab.source.sql("SHOW BINARY LOGS")[-1]["Log_name"]
    proc.wait_until(lambda: purged_to(lab.source, last), 60, "the binary logs to be purged")
    result = prove(lab, repository, scratch, expect=tool.NOT_PROVEN).json
    assert result["proof"]["result"] == "failed" and "purged" in result["proof"]["reason"]
    assert len(beside(repository, "trial")) == 1 and beside(repository, "proof") == []


def purged_to(server, log):
    server.sql(f"PURGE BINARY LOGS TO '{log}'")
    return server.sql("SHOW BINARY LOGS")[0]["Log_name"] == log


def test_a_source_that_is_not_there(mariadb, repository, scratch, watched):
    tool.backup(mariadb.replica, repository)
    port = place.free_port()
    result = prove(mariadb, repository, scratch, "--source", f"127.0.0.1:{port}", "--source-user", "repl", "--server-binary", watched.program,
                   source=False, expect=tool.NOT_PROVEN).json
    assert str(port) in result["proof"]["reason"] and watched.started() == []


def test_no_room(mariadb, repository, watched, tmp_path):
    """Refused before anything is made."""
    tool.backup(mariadb.replica, repository)
    small = place.run_dir() / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", small], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        result = prove(mariadb, repository, small, "--server-binary", watched.program, expect=tool.STORE)
        assert "MiB free" in result.err and left_in(small) == [] and watched.started() == []
    finally:
        subprocess.run(["umount", small], check=True)
    assert beside(repository, "trial") == [], "that says nothing about the snapshot"


def start(lab, repository, scratch, *options):
    return tool.Running(*arguments(lab, repository, scratch, *options))


def wait_for_server(running, scratch, word):
    """The scratch server's process, with this on its command line."""
    def found():
        assert running.alive(), running.log()
        return servers_below(scratch, word)
    return proc.wait_until(found, 120, lambda: f"a scratch server to be there: {running.log()}")[0]


@pytest.mark.parametrize("stage, number", (("bootstrap", signal.SIGINT), ("my.cnf", signal.SIGTERM)), ids=("initialising", "running"))
def test_interrupted(mariadb, repository, scratch, stage, number):
    """Neither process nor directory, and nothing is said about the snapshot."""
    tool.backup(mariadb.replica, repository)
    running = start(mariadb, repository, scratch)
    wait_for_server(running, scratch, stage)
    running.signal(number)
    running.finish(90, expect=128 + number)
    assert left_in(scratch) == [] and servers_below(scratch) == []
    assert beside(repository, "trial") == [] and beside(repository, "proof") == []


def test_killed(mariadb, repository, scratch):
    """The server dies with us; what we left, the next run removes, though not what somebody wanted to keep."""
    tool.backup(mariadb.replica, repository)
    kept = scratch / "slackwater-proof-kept"
    kept.mkdir()
    try:
        running = start(mariadb, repository, scratch)
        wait_for_server(running, scratch, "my.cnf")
        running.signal(signal.SIGKILL)
        running.finish(30, expect=-signal.SIGKILL)
        proc.wait_until(lambda: not servers_below(scratch), 30, "the scratch server to die with its parent")
        [left] = [name for name in left_in(scratch) if name != kept.name]
        result = prove(mariadb, repository, scratch)
        assert f"{left} removed" in result.err
        assert left_in(scratch) == [kept.name]
    finally:
        kept.rmdir()


def listening(pid):
    """TCP ports that a process listens on."""
    inodes = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(link)
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    return [line.split()[1] for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{name}").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and line.split()[9] in inodes]


def test_what_the_server_may(mariadb, repository, scratch):
    """Unprivileged, modest, deaf, and seen by nobody else."""
    tool.backup(mariadb.replica, repository)
    running = start(mariadb, repository, scratch, "--scratch-memory", "900M", "--scratch-nice", "3")
    pid = wait_for_server(running, scratch, "my.cnf")
    def socket():
        return next(scratch.glob("slackwater-proof-*/files/s"), None)
    proc.wait_until(socket, 120, "the scratch server's socket")
    me = pathlib.Path(f"/proc/{pid}")
    assert me.stat().st_uid == int(subprocess.run(["id", "-u", "mysql"], capture_output=True, check=True).stdout)
    assert str(900 << 20) in next(line for line in (me / "limits").read_text().splitlines() if line.startswith("Max data size"))
    assert int((me / "stat").read_text().rpartition(")")[2].split()[16]) == min(19, os.nice(0) + 3)
    assert listening(pid) == []
    top = socket().parent.parent
    assert stat.S_IMODE(top.stat().st_mode) == 0o710 and stat.S_IMODE((top / "files").stat().st_mode) == 0o700
    assert stat.S_IMODE((top / "my.cnf").stat().st_mode) == 0o640
    environment = (me / "environ").read_text()
    assert "SLACKWATER" not in environment and "AWS_" not in environment
    running.finish(300)


def test_kept_for_looking(mariadb, repository, scratch):
    """--keep-scratch: the server has ended, its directory stays, and the next run leaves it alone."""
    tool.backup(mariadb.replica, repository)
    result = prove(mariadb, repository, scratch, "--keep-scratch", "--scratch-option", "max_connections=77").json
    [kept] = [scratch / name for name in left_in(scratch)]
    try:
        assert result["scratch"] == str(kept) and servers_below(scratch) == []
        assert (kept / "files" / "data" / "app1").is_dir() and "max_connections=77" in (kept / "my.cnf").read_text()
        prove(mariadb, repository, scratch, source=False)
        assert left_in(scratch) == [kept.name]
    finally:
        subprocess.run(["rm", "-rf", kept], check=True)


def test_programs_that_cannot(mariadb, repository, scratch):
    tool.backup(mariadb.replica, repository)
    for binary, why in (("/nonexistent/mariadbd", "No such file"), ("/bin/true", "no server program"), ("/bin/false", "exit code 1")):
        result = prove(mariadb, repository, scratch, "--server-binary", binary, expect=tool.PREFLIGHT)
        assert why in result.err and result.json["proof"] is None
    result = prove(mariadb, repository, scratch, "--scratch-option", "no_such_setting=1", expect=tool.PREFLIGHT)
    assert "no_such_setting" in result.err
    assert "datadir" in prove(mariadb, repository, scratch, "--scratch-option", "datadir=/tmp", expect=tool.USAGE).err
    assert "--source" in tool.run("verify", "--from", tool.url(repository), "--source", "h", expect=tool.USAGE).err
    assert beside(repository, "trial") == []


@pytest.mark.parametrize("flavour", (MySQL97, MySQL56), ids=lambda f: f.flavour)
def test_programs_of_another_kind(flavour, mariadb, repository, scratch):
    """A MariaDB cannot hold a MySQL's snapshot, and MySQL 5.6 cannot be a scratch server."""
    if flavour.why_missing:
        pytest.skip(flavour.why_missing)
    with flavour("single") as server:
        server.start()
        server.sql("CREATE DATABASE one", "CREATE TABLE one.t (id INT PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO one.t VALUES (1),(2)")
        server.sql(*accounts.statements_for_source(flavour))
        tool.backup(server, repository)
        result = prove(mariadb, repository, scratch, "--server-binary", MariaDB.argv()[0][0] if "/" in MariaDB.argv()[0][0] else
                       "/usr/sbin/mariadbd", source=False, expect=tool.PREFLIGHT)
        assert "MySQL" in result.err and "--server-binary" in result.err
        if flavour is MySQL56:
            wrapper = place.run_dir() / "mysqld56"
            command, environment = flavour.argv()
            wrapper.write_text("#!/bin/sh\n" + "".join(f"export {k}={v}\n" for k, v in environment.items()) + f'exec {command[0]} "$@"\n')
            wrapper.chmod(0o755)
            result = prove(mariadb, repository, scratch, "--server-binary", wrapper, source=False, expect=tool.PREFLIGHT)
            assert "not supported" in result.err and "5.6" in result.err


def test_expire_keeps_the_proven_one(mariadb, repository, scratch):
    """Three snapshots, the oldest proven, the next restored only: one rule keeps the newest, and the proven stays as well."""
    ids = [tool.backup(mariadb.replica, repository).json["id"] for _ in range(3)]
    assert prove(mariadb, repository, scratch, snapshot=ids[0]).json["proof"]["result"] == "proven"
    assert prove(mariadb, repository, scratch, source=False, snapshot=ids[1]).json["proof"]["result"] == "restored"
    tool.run("expire", "--from", tool.url(repository), "--keep-last", "1", "--json")
    assert [p.stem for p in tool.manifests(repository)] == [ids[0], ids[2]]
    assert [p.name for p in beside(repository, "proof")] == [f"{ids[0]}.proof.json"] and beside(repository, "trial") == []


def test_encrypted(mariadb, repository, scratch, tmp_path):
    """With a key it is proven like any other; without, refused; and a failure's text, which may name tables, is not told in clear."""
    key = tmp_path / "key"
    public = [line for line in tool.run("keygen", "--out", key).err.split() + key.read_text().split() if line.startswith("age1")][0]
    taken = tool.backup(mariadb.replica, repository, "--recipient", public).json
    prove(mariadb, repository, scratch, expect=tool.USAGE)
    assert prove(mariadb, repository, scratch, "--identity", key).json["proof"]["result"] == "proven"
    flip(next((repository / "lab" / taken["id"]).glob("shard-*")))
    result = prove(mariadb, repository, scratch, "--identity", key, expect=tool.SNAPSHOT).json
    assert "encrypted" in result["proof"]["reason"] and "shard" not in result["proof"]["reason"] and "shard" in result["error"]["message"]


def test_a_difference_is_told(mariadb, repository, scratch):
    """A row that is another on the snapshotted replica than on the source: not proven, and said where."""
    lab = mariadb
    row = lab.replica.value("SELECT c FROM app1.pair LIMIT 1")
    lab.replica.local(f"UPDATE app1.pair SET c='only here' WHERE c='{row}'")
    try:
        tool.backup(lab.replica, repository)
        lab.replica.local(f"UPDATE app1.pair SET c='{row}' WHERE c='only here'")
        result = prove(lab, repository, scratch, "--checksum", f"127.0.0.1:{lab.replica.port}", expect=tool.NOT_PROVEN).json
        assert "app1.pair" in result["proof"]["reason"] and result["proof"]["compared_tables"] > 0
    finally:
        lab.replica.local(f"UPDATE app1.pair SET c='{row}' WHERE c='only here'")
    assert_running(lab)


def test_a_server_that_dies(mariadb, repository, scratch):
    """Its end is what is told, not a lost connection."""
    tool.backup(mariadb.replica, repository)
    running = start(mariadb, repository, scratch)
    pid = wait_for_server(running, scratch, "my.cnf")
    proc.wait_until(lambda: "catching up" in running.log() or list(scratch.glob("slackwater-proof-*/files/data/app1/*.ibd")) or
                    not running.alive(), 120, "the load to have begun", every=0.02)
    os.kill(pid, signal.SIGKILL)
    result = running.finish(120, expect=tool.NOT_PROVEN).json
    assert "signal 9" in result["proof"]["reason"]


def test_by_the_agent(mariadb, scratch):
    """On its own schedule, while the replica goes on: recorded, in the list, in the view and in the figures."""
    options = accounts.option_file(place.run_dir() / "proof-agent.cnf", mariadb.replica, accounts.BACKUP, source_account=REPLICATION)
    keys = {"schedule": "@every 30s", "proof-schedule": "@every 10s", "proof-source": f"127.0.0.1:{mariadb.source.port}",
            "proof-source-user": REPLICATION[0], "proof-defaults-file": options, "proof-scratch-dir": scratch, "proof-scratch-nice": 0,
            "proof-checksum": f"127.0.0.1:{mariadb.replica.port}"}
    with Loads(mariadb, rate=50), Agent({"one": mariadb.replica}, {"often": keys}) as agent:
        view = agent.wait_view(lambda v: v["snapshots"][0]["newest_proven"], 300, "a snapshot to be proven")
        run = next(r for r in view["runs"] if r["kind"] == "proof" and r["state"] == "succeeded")
        assert run["trigger"] in ("schedule", "catch-up") and run["snapshot"] == "often"
        assert [s["id"] for s in view["repositories"][0]["snapshots"] if s["proven"]]
        assert "slackwater_snapshot_newest_proven_timestamp_seconds" in agent.get("/metrics")[1]
        agent.finish(120)
    assert beside(agent.repository, "proof", "one")
    assert_running(mariadb)
