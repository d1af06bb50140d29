# SPDX-License-Identifier: Apache-2.0
"""slackwater status: what it shows of an applier is what the test has made of it; it changes nothing and waits for nobody."""
import fcntl
import json
import os
import pty
import re
import signal
import sys
import termios
import threading

import pytest

from conftest import topology
from lab import accounts, gaps, logs, proc, tool
from lab.server import MariaDB, MySQL56, MySQL97
from lab.topology import Loads

COMPONENT = "'file://component_replication_applier_metrics'"
# A line as 5.6.24 writes it, two minutes apart; the figures of waiting are ours.
LINE_56 = ("2026-11-26 19:{minute}:55 17119 [Note] Multi-threaded slave statistics: seconds elapsed = 121; events assigned = {events}; "
           "worker queues filled over overrun level = 0; waited due a Worker queue full = 0; waited due the total size = {size}; "
           "slept when Workers occupied = 0\n")


@pytest.fixture(scope="module", params=[MySQL97, MySQL56, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    how = {MySQL97: {"replica": {"replica_preserve_commit_order": "OFF"}}, MariaDB: {"domains": (0, 1)}}
    with topology(request.param, **how.get(request.param, {})) as made:
        yield made


@pytest.fixture(autouse=True)
def _sound_afterwards(request):
    yield
    if "lab" in request.fixturenames:
        made = request.getfixturevalue("lab")
        if not made.replica.running():
            made.replica.replication("start")
        proc.wait_until(made.replica.running, 30, "the applier to run again")


def only(*flavours):
    return pytest.mark.parametrize("lab", flavours, ids=[f.flavour for f in flavours], indirect=True)


def _status(server, *options, account=accounts.BACKUP, **how):
    return tool.run("status", *tool.connection(server, account), *options, **how)


def _seen(server, *options, **how):
    return _status(server, "--json", *options, **how).json


def _channel(server, *options, **how):
    found = _seen(server, *options, **how)["channels"]
    assert len(found) == 1, found
    return found[0]


def _held_worker(lab, thread, older_ms, *options):
    """The channel, and in it the worker of one thread, once it has been in its transaction for so long."""
    def look():
        channel = _channel(lab.replica, *options)
        worker = [w for w in channel["workers"] if w["thread"] == thread]
        return (channel, worker[0]) if worker and worker[0]["waits_for_row"] and (worker[0]["age_ms"] or 0) >= older_ms else None
    return proc.wait_until(look, 30, f"thread {thread} to be shown as held for {older_ms} ms", every=0.3)


def test_a_held_worker_is_shown_with_its_age(lab):
    with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held, logs.Statements(lab.replica) as said:
        thread = held.wait_blocked()
        channel, worker = _held_worker(lab, thread, 1500)
        text = _status(lab.replica).out
    assert worker["busy"] and worker["running"]
    assert channel["workers_configured"] == len(channel["workers"]) == 4
    assert channel["applier"]["running"] and channel["receiver"]["running"]
    assert channel["behind_bytes"] > 0 and channel["lag_s"] >= 1
    assert any(re.search(rf"worker .*({thread}|{worker['id']}) waits for a row", r) for r in channel["reasons"]), channel["reasons"]
    if lab.flavour is MySQL97:
        assert re.search(r":\d+$", worker["applying"]) and worker["lag_ms"] >= worker["age_ms"] == worker["age_max_ms"]
    assert "waits for a row lock" in text and re.search(rf"^ +\S+ +{thread} +(>= )?\d+\.\d s", text, re.M), text
    _only_reads(said)


def _only_reads(said):
    mine = [text for _n, command, text in said.of(accounts.BACKUP[0]) if command == "Query"]
    assert mine
    strangers = [t for t in mine if not re.match(r"(SELECT|SHOW|SET (SESSION|NAMES))\b", t, re.I)]
    assert not strangers and not any(re.search(r"\bFOR UPDATE\b|\bGLOBAL\s+\w+\s*=", t) for t in mine), strangers


@only(MySQL97)
def test_gap_by_gtid(lab):
    lab.wait_caught_up()
    assert _channel(lab.replica)["gap_transactions"] == 0
    with Loads(lab, ddl_every=0):
        for _ in range(10):     # what comes next may happen to depend on the one that is held
            with gaps.RowHeld(lab.replica) as held:
                thread = held.wait_blocked()
                channel, worker = _held_worker(lab, thread, 1000)
            if channel["gap_transactions"]:
                break
    assert channel["gap_transactions"] >= 1, "nothing ran ahead in ten attempts"
    assert worker["applying"].split(":")[-1] in channel["gap"], (worker, channel["gap"])
    assert channel["behind_transactions"] >= channel["gap_transactions"]


@only(MySQL56)
def test_gap_by_bitmaps_of_a_running_applier(lab):
    lab.wait_caught_up()
    assert _channel(lab.replica)["gap_transactions"] == 0
    with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        # once the mark has come up to it, the held one is the first behind it
        channel = proc.wait_until(lambda: (c := _channel(lab.replica)) and re.match(r"group 1\b", c["gap"] or "") and c, 30,
                                  "the gap to be shown", every=0.3)
    assert channel["gap_transactions"] >= 1
    assert channel["behind_transactions"] is None


@only(MySQL97)
def test_waits_from_the_component(lab):
    bare = _seen(lab.replica)
    assert bare["channels"][0]["waits"] is None and any("INSTALL COMPONENT" in note for note in bare["notes"])
    lab.replica.local(f"INSTALL COMPONENT {COMPONENT}")
    try:
        lab.replica.replication("stop", what="SQL_THREAD")
        lab.replica.replication("start", what="SQL_THREAD")
        with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held:
            channel, worker = _held_worker(lab, held.wait_blocked(), 1000)
            again = _channel(lab.replica)
            text = _status(lab.replica).out
        waits = channel["waits"]
        assert waits["from"] == "component" and waits["span_ms"] > 0
        assert waits["queue_memory"]["count"] == 0 and waits["no_work"]["count"] >= 1
        assert again["waits"]["span_ms"] > waits["span_ms"]
        # 531 bytes or so, of which the events before the row have been applied
        assert 0 < worker["done_bytes"] < worker["size_bytes"]
        assert "counted by the metrics component" in text
    finally:
        lab.replica.local(f"UNINSTALL COMPONENT {COMPONENT}")


@only(MySQL97)
def test_queues_that_may_hold_too_little(lab):
    """Made so small that the coordinator has to wait: the variable is named."""
    was = lab.replica.variable("replica_pending_jobs_size_max")
    lab.replica.local(f"INSTALL COMPONENT {COMPONENT}")
    try:
        _restart_applier(lab, "SET GLOBAL replica_pending_jobs_size_max=1024")
        with Loads(lab, ddl_every=0) as loads:
            with gaps.RowHeld(lab.replica) as held:
                held.wait_blocked()
                loads.wait_written(60)
            channel = proc.wait_until(lambda: (c := _channel(lab.replica)) and c["waits"]["queue_memory"]["count"] > 0 and c, 30,
                                      "the coordinator to wait for memory", every=0.3)
        assert any("raise replica_pending_jobs_size_max (1.0 KiB)" in r for r in channel["reasons"]), channel["reasons"]
    finally:
        _restart_applier(lab, f"SET GLOBAL replica_pending_jobs_size_max={was}")
        lab.replica.local(f"UNINSTALL COMPONENT {COMPONENT}")


@only(MySQL97)
def test_commit_order_is_named(lab):
    _restart_applier(lab, "SET GLOBAL replica_preserve_commit_order=ON")
    try:
        with Loads(lab, ddl_every=0):
            for _ in range(10):     # what comes next may happen to depend on the one that is held
                with gaps.RowHeld(lab.replica) as held:
                    channel, worker = _held_worker(lab, held.wait_blocked(), 1000)
                if any("preceding transaction to commit" in (w["state"] or "") for w in channel["workers"]):
                    break
        assert channel["commit_order"] and channel["gap_transactions"] == 0
        assert any(f"behind worker {worker['id']}" in r and "replica_preserve_commit_order" in r for r in channel["reasons"]), channel
    finally:
        _restart_applier(lab, "SET GLOBAL replica_preserve_commit_order=OFF")


def _restart_applier(lab, statement):
    lab.replica.replication("stop", what="SQL_THREAD")
    lab.replica.local(statement)
    lab.replica.replication("start", what="SQL_THREAD")


@only(MySQL56)
def test_waits_from_an_error_log_file(lab, tmp_path):
    log = tmp_path / "error.log"
    log.write_text("noise\n" + LINE_56.format(minute=15, events=1000, size=1) + "2026-11-26 19:16:00 17119 [Note] noise\n" +
                   LINE_56.format(minute=17, events=5000, size=8))
    channel = _channel(lab.replica, "--error-log", log)
    waits = channel["waits"]
    assert (waits["events"], waits["queue_memory"]["count"], waits["span_ms"]) == (4000, 7, 121000)
    assert any("slave_pending_jobs_size_max (16.0 MiB)" in r and "7 times" in r for r in channel["reasons"]), channel["reasons"]
    assert "logged 2026-11-26 19:17:55, counted over 2 min 01 s" in _status(lab.replica, "--error-log", log).out
    missing = _status(lab.replica, "--error-log", tmp_path / "none", expect=tool.USAGE)
    assert "none" in missing.err


@only(MySQL56)
@pytest.mark.soak
def test_waits_from_the_line_that_the_server_writes(lab):
    """The real one takes two minutes of load to come."""
    lab.replica.local("SET GLOBAL log_warnings=2")
    with Loads(lab, ddl_every=0):
        waits = proc.wait_until(lambda: _channel(lab.replica, "--error-log", lab.replica.error_log)["waits"], 150, "the line", every=2)
    assert waits["events"] > 0 and waits["from"] == "error log file" and waits["queue_full"]["count"] == 0


@only(MySQL56)
def test_never_waits_behind_a_stop(lab):
    """5.6 answers no SHOW SLAVE STATUS while a STOP is in progress."""
    with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        thread = held.wait_blocked()
        stopping = threading.Thread(target=lambda: lab.replica.replication("stop", what="SQL_THREAD"))
        stopping.start()
        try:
            proc.wait_until(lambda: any("STOP SLAVE" in (p["INFO"] or "") for p in lab.replica.sql(
                "SELECT INFO FROM information_schema.processlist WHERE ID<>CONNECTION_ID()")), 10,
                            lambda: f"the STOP to wait: {stopping.is_alive()=}, {lab.replica.sql('SHOW PROCESSLIST')}")
            result = _status(lab.replica, "--json")
        finally:
            held.release()
            stopping.join()
    assert 4 < result.seconds < 9
    seen = result.json
    assert seen["behind_stop"] and seen["stop_s"] >= 4 and seen["channels"] == []
    assert [w for w in seen["pool"] if w["thread"] == thread and w["waits_for_row"]]
    assert not _channel(lab.replica)["applier"]["running"]


@only(MySQL97)
def test_a_stop_in_progress_is_seen(lab):
    """9.7 answers, and calls every worker off; the one that the STOP waits for is shown at work all the same."""
    lab.wait_caught_up()
    with gaps.RowHeld(lab.replica) as held:
        lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1")      # and nothing behind it, that the coordinator would rather wait for
        held.wait_blocked()
        stopping = threading.Thread(target=lambda: lab.replica.replication("stop", what="SQL_THREAD"))
        stopping.start()
        try:
            channel = proc.wait_until(lambda: (c := _channel(lab.replica)) and "to exit" in (c["coordinator"] or "") and c, 15,
                                      "the STOP to wait for a worker", every=0.3)
        finally:
            held.release()
            stopping.join()
    busy = [w for w in channel["workers"] if w["busy"]]
    assert busy and busy[0]["age_ms"] > 0 and re.search(r":\d+$", busy[0]["applying"])
    assert any("a STOP is in progress" in r for r in channel["reasons"]), channel["reasons"]


@only(MariaDB)
def test_domains_of_mariadb(lab):
    lab.wait_caught_up()
    channel = _channel(lab.replica)
    assert channel["behind_transactions"] == 0 and channel["mode"] == "mariadb-gtid" and channel["gap_transactions"] == 0
    with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        held.wait_blocked()
        proc.wait_until(lambda: _channel(lab.replica)["behind_transactions"] > 20, 30, "a distance", every=0.3)
        # whose thread it is changes while the optimistic ones go back behind one another
        proc.wait_until(lambda: any(f"behind the worker of thread {held.wait_blocked()}:" in r for r in _channel(lab.replica)["reasons"]), 15,
                        lambda: f"a reason: {_channel(lab.replica)['reasons']}, blocked: {held.waiters()}", every=0.3)
        seen = _seen(lab.replica)
    assert set(re.findall(r"(\d+)-\d+-\d+", seen["executed_set"])) == {"0", "1"}


def test_a_stopped_applier(lab):
    lab.replica.replication("stop", what="SQL_THREAD")
    channel = _channel(lab.replica)
    assert not channel["applier"]["running"] and channel["receiver"]["running"]
    assert channel["reasons"][0].startswith("the applier is stopped, without an error")
    assert not any(w["busy"] for w in channel["workers"])
    assert "stopped" in _status(lab.replica).out
    assert not lab.replica.applier_running()


@only(MySQL97, MySQL56)
def test_an_applier_that_was_interrupted(lab):
    with Loads(lab, ddl_every=0), gaps.RowHeld(lab.replica) as held:
        gaps.break_worker(lab.replica, held)
        channel = _channel(lab.replica)
    assert channel["applier"]["errno"] in (1317, 1756) and "error" in channel["reasons"][0]
    if lab.flavour is MySQL97:
        assert any(w["errno"] == 1317 for w in channel["workers"])


@only(MariaDB)
def test_an_open_journal_is_told_of_and_left(lab, tmp_path):
    journal = tmp_path / "somebody.journal"
    journal.write_text("{}")
    with logs.Statements(lab.replica) as said:
        result = _status(lab.replica, "--state-dir", tmp_path)
    assert "somebody.journal" in result.err and journal.read_text() == "{}"
    _only_reads(said)


def test_a_server_that_is_no_replica(lab):
    assert _seen(lab.source)["channels"] == []
    assert "no replica" in _status(lab.source).out


NOBODY = ("nobody", "nobody-pw-5")


def test_rights(lab):
    """Without the right to the status it is named; with nothing but that, what is left out is named."""
    admin = "SLAVE MONITOR" if lab.flavour is MariaDB else "REPLICATION CLIENT"
    created = "GRANT USAGE ON *.* TO 'nobody'@'%' IDENTIFIED BY 'nobody-pw-5'" if lab.flavour is MySQL56 else \
        "CREATE USER 'nobody'@'%' IDENTIFIED BY 'nobody-pw-5'"
    lab.replica.local(created)
    try:
        result = _status(lab.replica, account=NOBODY, expect=tool.PREFLIGHT)
        assert admin in result.err and NOBODY[1] not in result.err + result.out
        lab.replica.local(f"GRANT {admin} ON *.* TO 'nobody'@'%'")
        seen = _seen(lab.replica, account=NOBODY)
        assert seen["channels"][0]["applier"]["running"]
        notes = "; ".join(seen["notes"])
        if lab.flavour is MySQL56:
            assert seen["channels"][0]["gap_transactions"] is None, "an unreadable table was taken for no gap"
        assert "PROCESS" in notes and (lab.flavour is MariaDB or "SELECT on" in notes), notes
    finally:
        lab.replica.local("DROP USER 'nobody'@'%'")


@only(MySQL56)
def test_a_server_that_no_longer_answers(lab):
    """Frozen in the middle of a watch: left after its patience, and nothing hangs."""
    running = tool.Running("status", *tool.connection(lab.replica), "--watch", "200ms", "--json", "--connect-timeout", "1s")
    proc.wait_until(lambda: _output(running).count("\n") >= 2, 20, "two lines")
    os.kill(lab.replica.child.pid, signal.SIGSTOP)
    try:
        result = running.finish(15, expect=(tool.SERVER, tool.PREFLIGHT))
    finally:
        os.kill(lab.replica.child.pid, signal.SIGCONT)
    assert json.loads(result.out.splitlines()[-1])["error"]["code"] == result.code


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def two(request):
    with topology(request.param, channels=("east", "west")) as made:
        yield made


def test_two_channels(two):
    two.replica.replication("stop", "west", "SQL_THREAD")
    with Loads(two, rate=100, ddl_every=0) as loads:
        loads.wait_written(50)
        seen = _seen(two.replica)
    channels = {c["name"]: c for c in seen["channels"]}
    assert sorted(channels) == ["east", "west"]
    assert channels["east"]["applier"]["running"] and not channels["west"]["applier"]["running"]
    assert channels["west"]["behind_transactions"] > 0 and channels["west"]["reasons"]
    if two.flavour is MariaDB:
        assert len(seen["pool"]) == 4 and not channels["east"]["workers"]
    else:
        assert len(channels["east"]["workers"]) == 4 and seen["pool"] == []
    assert "channel         'west'" in _status(two.replica).out
    two.replica.replication("start", "west", "SQL_THREAD")


def test_watch_on_a_pipe(lab):
    """One compact document a line; Ctrl-C ends it at once."""
    running = tool.Running("status", *tool.connection(lab.replica), "--watch", "200ms", "--json")
    proc.wait_until(lambda: _output(running).count("\n") >= 3, 20, "three lines")
    running.signal(signal.SIGINT)
    result = running.finish(2, expect=130)
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert all(line["channels"][0]["applier"]["running"] for line in lines[:-1])
    assert lines[-1]["error"]["code"] == 130
    stamps = [line["taken"] for line in lines[:-1]]
    assert stamps == sorted(set(stamps))


def test_watch_of_people(lab):
    running = tool.Running("status", *tool.connection(lab.replica), "--watch", "200ms")
    proc.wait_until(lambda: _output(running).count("server  ") >= 3, 20, "three blocks")
    running.signal(signal.SIGINT)
    result = running.finish(2, expect=130)
    assert "\033" not in result.out and "\n\nserver  " in result.out


@only(MariaDB)
def test_watch_whose_reader_has_stopped_reading(lab):
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    running = tool.Running("status", *tool.connection(lab.replica), "--watch", "100ms", stdout=write)
    os.close(write)

    def waiting():      # a part of the first block, which is longer: the rest has no room
        return int.from_bytes(fcntl.ioctl(read, termios.FIONREAD, b"\0" * 4), sys.byteorder)
    try:
        proc.wait_until(waiting, 20, "the pipe to be full")
        running.signal(signal.SIGINT)
        running.finish(3, expect=130)
    finally:
        os.close(read)


@only(MariaDB)
def test_watch_on_a_terminal(lab):
    master, slave = pty.openpty()
    child = proc.spawn([tool.BINARY, "status", *tool.connection(lab.replica), "--watch", "200ms"], stdin=slave, stdout=slave, stderr=slave,
                       env={**os.environ, "TERM": "xterm"})
    os.close(slave)
    seen = b""
    while seen.count(b"\033[H") < 3:
        seen += os.read(master, 4000)
    child.send_signal(signal.SIGINT)
    try:
        while block := os.read(master, 4000):
            seen += block
    except OSError:
        pass        # the terminal's other end was closed
    assert child.wait(5) == 130
    assert seen.count(b"\033[2J") == 1 and b"\033[K" in seen and b"applier" in seen


def _output(running):
    with open(f"/proc/self/fd/{running._out.fileno()}", encoding="utf-8") as out:      # pylint: disable=protected-access
        return out.read()
