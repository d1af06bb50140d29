# SPDX-License-Identifier: Apache-2.0
"""ALTER, DROP, TRUNCATE arriving by replication in the middle of a dump neither break nor corrupt it, and the applier goes on."""
import contextlib
import os
import re
import threading

import pytest

from conftest import topology
from lab import bulk, compare, proc, tool
from lab.server import FLAVOURS, MySQL56
from lab.topology import Loads
from steps import assert_running, assert_same

SLOW = ("--zstd-level", "10", "--threads", "1")
MEGABYTES = 110     # more than what may be queued between the dump and its reader


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        bulk.fill(made.source, "depot", "goods", MEGABYTES)
        made.source.sql("CREATE TABLE depot.side (id INT PRIMARY KEY, v INT) ENGINE=InnoDB", "INSERT INTO depot.side VALUES (1,1),(2,2)")
        made.wait_caught_up()
        yield made


class SlowReader(threading.Thread):
    """Reads a dump from a pipe into a file, stopping after `pause_after` bytes until told to go on."""

    def __init__(self, path, pause_after):
        super().__init__(daemon=True)
        self.path, self.pause_after = path, pause_after
        self.read_end, self.write_end = os.pipe()
        self.paused, self.go_on = threading.Event(), threading.Event()

    def run(self):
        copied = 0
        with open(self.read_end, "rb", buffering=0) as source, open(self.path, "wb") as copy:
            while block := source.read(65536):
                copy.write(block)
                copied += len(block)
                if copied >= self.pause_after and not self.paused.is_set():
                    self.paused.set()
                    self.go_on.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.go_on.set()
        self.join(60)


@contextlib.contextmanager
def dump_held_in_the_middle(lab, path, *options):
    """A backup into a pipe whose reader has stopped after 3 MB; yields (the running backup, its reader)."""
    with SlowReader(path, 3 << 20) as reader:
        running = tool.start_backup(lab.replica, "-", "--chunk-size", "1M", "--threads", "2", *options, stdout=reader.write_end)
        os.close(reader.write_end)
        reader.start()
        try:
            proc.wait_until(lambda: reader.paused.is_set() or not running.alive(), 60, lambda: f"the dump to begin: {running.log()}")
            yield running, reader
        finally:
            reader.go_on.set()


def _applier_waits_for_us(lab):
    """A replicated DDL stands in front of a lock of ours."""
    return [r for r in lab.replica.sql("SELECT state FROM information_schema.processlist WHERE user='system user'")
            if any(word in (r.get("state") or r.get("STATE") or "") for word in ("metadata lock", "backup lock"))]


STATEMENTS = {
    "alter": "ALTER TABLE depot.goods ADD COLUMN extra INT DEFAULT 5",
    "truncate": "TRUNCATE TABLE depot.side",
    "drop": "DROP TABLE depot.side",
    "create": "CREATE TABLE depot.late (id INT PRIMARY KEY) ENGINE=InnoDB",
    "procedure": "CREATE PROCEDURE depot.p() SELECT 1",
}
DONE = {
    "truncate": lambda server: not server.value("SELECT COUNT(*) FROM depot.side"),
    "drop": lambda server: not _exists(server, "tables", "table_name='side'"),
    "create": lambda server: _exists(server, "tables", "table_name='late'"),
    "procedure": lambda server: server.value("SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema='depot'"),
}
UNDO = {
    "alter": ["ALTER TABLE depot.goods DROP COLUMN extra"],
    "truncate": ["INSERT INTO depot.side VALUES (1,1),(2,2)"],
    "drop": ["CREATE TABLE depot.side (id INT PRIMARY KEY, v INT) ENGINE=InnoDB", "INSERT INTO depot.side VALUES (1,1),(2,2)"],
    "create": ["DROP TABLE depot.late"],
    "procedure": ["DROP PROCEDURE depot.p"],
}


@pytest.mark.parametrize("what", STATEMENTS)
def test_ddl_in_the_middle_of_a_held_dump(lab, tmp_path, what):
    """The dump is stopped half-way, the DDL arrives, the dump goes on; the seed has the state before it, then the DDL."""
    with Loads(lab, rate=60, ddl_every=0):
        with dump_held_in_the_middle(lab, tmp_path / "dump.tar") as (running, reader):
            lab.source.sql(STATEMENTS[what])
            if what == "alter":     # of the table that is being read; the others may have been read already, or not be in it
                proc.wait_until(lambda: _applier_waits_for_us(lab), 20, "the DDL to wait for the dump")
            else:
                proc.wait_until(lambda: _applier_waits_for_us(lab) or DONE[what](lab.replica), 20, "the DDL to arrive")
            reader.go_on.set()
            result = running.finish(90)
    assert_running(lab)
    lab.wait_caught_up()
    assert (tmp_path / "dump.tar").stat().st_size > MEGABYTES * 900_000, result
    target = lab.target()
    with open(tmp_path / "dump.tar", "rb") as dump:
        tool.seed("-", target, lab.sources, stdin=dump)
    assert_same(lab, target)
    lab.drop(target)
    lab.source.sql(*UNDO[what])
    lab.wait_caught_up()


def test_ddl_wait_is_bounded_and_the_backup_starts_over(lab, repository):
    """Past --ddl-max-wait the lock is given up: the DDL goes through while the dump runs, which starts over and is right."""
    with Loads(lab, rate=60, ddl_every=0):
        running = tool.start_backup(lab.replica, repository, *SLOW, "--ddl-max-wait", "1s")
        _wait_reading(lab, running)
        lab.source.sql("ALTER TABLE depot.goods ADD COLUMN bounded INT DEFAULT 6")
        proc.wait_until(lambda: _has_column(lab.replica, "bounded"), 25, "the replicated DDL to get through")
        running.finish(180)
    assert_running(lab)
    assert len(tool.manifests(repository)) == 1
    _seed_and_compare(lab, repository)
    lab.source.sql("ALTER TABLE depot.goods DROP COLUMN bounded")
    lab.wait_caught_up()


def test_locks_are_given_up_also_while_the_store_does_not_move(lab, tmp_path):
    """A reader that takes nothing must not cost more than --ddl-max-wait: the DDL goes through, and the backup ends, for a pipe has no second beginning."""
    with Loads(lab, rate=60, ddl_every=0), dump_held_in_the_middle(lab, tmp_path / "dump.tar", "--ddl-max-wait", "1s") as (running, _reader):
        lab.source.sql("ALTER TABLE depot.goods ADD COLUMN stalled INT DEFAULT 6")
        proc.wait_until(lambda: _has_column(lab.replica, "stalled"), 25, "the replicated DDL to get through")
        ended = running.finish(10, expect=tool.INCONSISTENT)
    assert "the applier waited longer than 1000 ms" in ended.err and "a pipe cannot be started over" in ended.err, ended
    assert_running(lab)
    lab.source.sql("ALTER TABLE depot.goods DROP COLUMN stalled")
    lab.wait_caught_up()


def test_a_history_that_grows_too_long_ends_the_dump(lab, tmp_path):
    """--max-history: what the read view of a dump keeps alive. It ends also while its reader takes nothing, and not before that many."""
    def history():
        return int(lab.replica.value("SELECT `COUNT` FROM information_schema.INNODB_METRICS WHERE NAME='trx_rseg_history_len'"))
    limit = history() + 400
    with Loads(lab, rate=240, ddl_every=0), dump_held_in_the_middle(lab, tmp_path / "dump.tar", "--max-history", str(limit)) as (running, _reader):
        proc.wait_until(lambda: not running.alive(), 30, lambda: f"the dump to end: {history()=} {limit=}")
        ended = running.finish(5, expect=tool.SERVER)
    said = re.search(r"history list is (\d+) long, more than --max-history (\d+)", ended.err)
    assert said and int(said.group(1)) > limit == int(said.group(2)), ended
    assert_running(lab)


def test_retry_takes_no_lock(lab, repository):
    """--ddl retry: a DDL on a table that is not read yet goes through at once, and the backup starts over."""
    with Loads(lab, rate=60, ddl_every=0):
        running = tool.start_backup(lab.replica, repository, *SLOW, "--ddl", "retry")
        _wait_reading(lab, running)
        lab.source.sql("ALTER TABLE depot.side ADD COLUMN again INT DEFAULT 6")
        proc.wait_until(lambda: _has_column(lab.replica, "again"), 10, "the replicated DDL to get through")
        assert running.alive(), "the case was not reproduced: the dump was over before the DDL"
        running.finish(180)
    assert_running(lab)
    _seed_and_compare(lab, repository)
    lab.source.sql("ALTER TABLE depot.side DROP COLUMN again")
    lab.wait_caught_up()


def test_ddl_wait_is_reported(lab, tmp_path):
    with Loads(lab, rate=60, ddl_every=0):
        with dump_held_in_the_middle(lab, tmp_path / "dump.tar") as (running, reader):
            lab.source.sql("ALTER TABLE depot.goods ADD COLUMN seen INT DEFAULT 6")
            proc.wait_until(lambda: _applier_waits_for_us(lab), 20, "the DDL to wait for the dump")
            reader.go_on.set()
            taken = running.finish(180)
    assert taken.json_of_a_pipe["ddl_wait_ms"] > 0
    lab.source.sql("ALTER TABLE depot.goods DROP COLUMN seen")
    lab.wait_caught_up()


@pytest.fixture
def bulky(lab):
    """A table without a key, which is read by one statement."""
    lab.source.sql("CREATE TABLE depot.bulky (v VARBINARY(1000) NOT NULL) ENGINE=InnoDB",
                   *(f"INSERT INTO depot.bulky SELECT v FROM depot.goods WHERE id > {low} AND id <= {low + 20000}" for low in range(0, 2 * MEGABYTES * 1000, 20000)))
    lab.wait_caught_up()
    yield lab.source.value("SELECT COUNT(*) FROM depot.bulky")
    lab.source.sql("DROP TABLE depot.bulky")
    lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_a_flush_under_a_reader_does_not_stop_the_applier_for_long(lab, bulky, repository):
    """5.6: after an ANALYZE TABLE whoever opens the table waits until all who read it are done."""
    assert bulky

    def flushing():
        return lab.replica.value("SELECT COUNT(*) FROM information_schema.processlist WHERE user='system user' AND state='Waiting for table flush'")
    running = tool.start_backup(lab.replica, repository, *SLOW, "--ddl-max-wait", "1s", "--include", "depot.bulky")
    _wait_reading(lab, running, "NO_CACHE%bulky")
    lab.replica.local("ANALYZE NO_WRITE_TO_BINLOG TABLE depot.bulky")
    lab.source.sql("INSERT INTO depot.bulky VALUES ('late')")
    proc.wait_until(flushing, 20, "the applier to wait")
    proc.wait_until(lambda: not flushing(), 8, "the applier to go on")
    assert running.alive(), "the dump was over: nothing was given up"
    result = running.finish(180)
    assert "the applier waited longer than" in result.err
    assert_running(lab)


def test_a_failed_copy_does_not_read_on(lab, bulky, repository):
    """There is no room for what is copied in the window: the rest of a big answer is not read to its end while the applier is still."""
    def read():
        return int(lab.replica.sql("SHOW GLOBAL STATUS LIKE 'Handler_read_rnd_next'")[0]["Value"])
    lab.source.sql("ALTER TABLE depot.bulky ENGINE=MyISAM")
    lab.wait_caught_up()
    before = read()
    failed = tool.backup(lab.replica, repository, "--chunk-size", "1M", "--include", "depot.bulky", environment={"TMPDIR": "/nonexistent"}, expect=tool.STORE)
    assert "cannot create a temporary file" in failed.err
    proc.wait_until(lambda: not lab.replica.sql("SELECT 1 FROM information_schema.processlist WHERE user='backup'"), 30, "its sessions to end")
    assert bulky * 0.1 < read() - before < bulky * 0.8, failed
    assert_running(lab)


def _wait_reading(lab, running, table="goods"):
    """Until the big table is being read, after the window."""
    proc.wait_until(lambda: not running.alive() or lab.replica.sql(
        f"SELECT 1 FROM information_schema.processlist WHERE user='backup' AND info LIKE 'SELECT%{table}%' AND info NOT LIKE '%processlist%'"),
        60, "the dump to read the big table", every=0.002)
    assert running.alive(), running.finish(1, expect=None)


def _exists(server, what, which):
    return server.value(f"SELECT COUNT(*) FROM information_schema.{what} WHERE table_schema='depot' AND {which}")


def _has_column(server, name):
    return _exists(server, "columns", f"column_name='{name}'")


def _seed_and_compare(lab, repository):
    target = lab.target()
    tool.seed(repository, target, lab.sources)
    assert_same(lab, target)
    assert compare.rows(target)["depot.goods"] == MEGABYTES * 1000
    lab.drop(target)
