# SPDX-License-Identifier: Apache-2.0
"""Making one worker fall behind the others, and seeing that it has: the gaps a checkpoint must not fall into."""
import contextlib
import random
import re
import threading
import time

import pymysql

from . import proc
from .load import SCHEMAS
from .server import MariaDB, MySQL97


class RowHeld:
    """A local session on the replica that holds a row which the load updates all the time: whoever applies that, waits."""

    def __init__(self, replica, schema=SCHEMAS[0], row=1):
        self.replica, self.schema, self.row = replica, schema, row
        self.connection = None

    def __enter__(self):
        self.connection = self.replica.connect(autocommit=False)
        with self.connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout=20")
            cursor.execute(f"SELECT n FROM {self.schema}.hot WHERE id={self.row} FOR UPDATE")
        return self

    def release(self):
        if self.connection:
            with contextlib.suppress(pymysql.err.Error):
                self.connection.rollback()
                self.connection.close()
            self.connection = None

    def __exit__(self, *_exception):
        self.release()

    def waiters(self):
        """Transactions of the applier that wait for a row now, as (processlist id, statement or None)."""
        return self.replica.sql(
            "SELECT t.trx_mysql_thread_id AS id, p.info FROM information_schema.innodb_trx t "
            "JOIN information_schema.processlist p ON p.id=t.trx_mysql_thread_id "
            "WHERE t.trx_state='LOCK WAIT' AND p.user='system user'")

    def wait_blocked(self, seconds=30):
        """Wait until a worker waits; returns its processlist id."""
        # InnoDB renews its view of transactions only when nobody has read it for 100 ms: asking more often shows the past
        return int(proc.wait_until(self.waiters, seconds, "a worker to wait for the row", every=0.25)[0]["id"])


class _Background(threading.Thread):
    """A thread with a connection of its own to the replica, working until stopped; its error is the test's error."""

    def __init__(self, replica):
        super().__init__(daemon=True)
        self.replica = replica
        self.finish = threading.Event()
        self.error = None

    def work(self, cursor):
        raise NotImplementedError

    def run(self):
        try:
            connection = self.replica.connect()
            with contextlib.closing(connection), connection.cursor() as cursor:
                while not self.finish.is_set():
                    self.work(cursor)
        except Exception as error:      # pylint: disable=broad-except; raised again in the test's thread
            self.error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_exception):
        self.finish.set()
        self.join(30)
        if self.error and kind is None:
            raise self.error


class Provoker(_Background):
    """Holds a hot row of one schema after another for a moment, so that workers get ahead of each other again and again."""

    def __init__(self, replica, schemas=SCHEMAS, hold=(0.03, 0.12), rest=(0.1, 0.3), seed=1):
        super().__init__(replica)
        self.schemas, self.hold, self.rest = schemas, hold, rest
        self.random = random.Random(seed)

    def work(self, cursor):
        cursor.execute("SET SESSION innodb_lock_wait_timeout=2")
        with contextlib.suppress(pymysql.err.OperationalError):     # the worker may hold the row for long: try another
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT n FROM {self.random.choice(self.schemas)}.hot WHERE id={self.random.randrange(1, 5)} FOR UPDATE")
            self.finish.wait(self.random.uniform(*self.hold))
        cursor.execute("ROLLBACK")
        self.finish.wait(self.random.uniform(*self.rest))


def gtid_holes(executed):
    """How many transactions a MySQL GTID set lacks below the highest of each UUID."""
    holes = 0
    for part in executed.replace("\n", "").split(","):
        numbers = re.findall(r":(\d+)(?:-(\d+))?", part)
        ends = [(int(low), int(high or low)) for low, high in numbers]
        holes += sum(after[0] - before[1] - 1 for before, after in zip(ends, ends[1:]))
    return holes


def _set_bits(bitmap):
    return sum(byte << 8 * i for i, byte in enumerate(bitmap))


def bitmap_holes(lwm, workers):
    """Transactions missing below the highest executed one, from the rows of slave_relay_log_info and slave_worker_info.

    Only counted where the bitmaps of all workers beyond the low-water mark start there; 0 = none, or not to be said so.
    """
    beyond = [w for w in workers if (w["Master_log_name"], w["Master_log_pos"]) > lwm]
    if not beyond or any((w["Checkpoint_master_log_name"], w["Checkpoint_master_log_pos"]) != lwm for w in beyond):
        return 0
    done = 0
    for worker in beyond:
        done |= _set_bits(worker["Checkpoint_group_bitmap"])
    return done.bit_length() - bin(done).count("1")


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def holes_now(cursor, flavour):
    """Transactions that are missing on this replica at this moment below one that is there."""
    assert flavour is not MariaDB, "inside a domain MariaDB commits in order"
    cursor.execute("SELECT @@global.gtid_executed AS executed, @@global.gtid_mode AS mode")
    row = cursor.fetchone()
    if row["mode"] != "OFF":
        return gtid_holes(row["executed"])
    cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    cursor.execute("SELECT Master_log_name, Master_log_pos FROM mysql.slave_relay_log_info")
    row = cursor.fetchone()
    cursor.execute("SELECT Master_log_name, Master_log_pos, Checkpoint_master_log_name, Checkpoint_master_log_pos, "
                   "Checkpoint_group_bitmap FROM mysql.slave_worker_info")
    workers = [{k: _text(v) if k.endswith("name") else v for k, v in w.items()} for w in cursor.fetchall()]
    cursor.execute("COMMIT")
    return bitmap_holes((_text(row["Master_log_name"]), row["Master_log_pos"]), workers)


class Observer(_Background):
    """Records how often a gap was seen on the replica while it watched."""

    def __init__(self, replica):
        super().__init__(replica)
        self.flavour = type(replica)
        self.looked = self.seen = self.widest = 0

    def work(self, cursor):
        missing = holes_now(cursor, self.flavour)
        self.looked += 1
        if missing:
            self.seen += 1
            self.widest = max(self.widest, missing)
        self.finish.wait(0.02)


def possible(replica):
    """Can this replica have gaps at all?"""
    if isinstance(replica, MariaDB):
        return False
    if isinstance(replica, MySQL97):
        return not int(replica.variable("replica_preserve_commit_order"))
    return True


def break_worker(replica, held, seconds=30):
    """Interrupt the statement of the worker that `held` blocks, as other people's kill-long-queries do; returns when the applier is down."""
    victim = held.wait_blocked(seconds)
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(pymysql.err.Error):
            replica.sql(f"KILL QUERY {victim}")
        with contextlib.suppress(proc.Timeout):
            proc.wait_until(lambda: not replica.applier_running(), 5, "the applier to stop after 1317")
            return victim
        assert time.monotonic() < end, f"the applier does not stop: {replica.status()}"
        victim = held.wait_blocked(seconds)
