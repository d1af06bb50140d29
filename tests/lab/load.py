# SPDX-License-Identifier: Apache-2.0
"""A write load under which a replica that was told a wrong position fails instead of replaying in silence.

One thread per schema, each transaction in one round trip. Nothing is idempotent: plain INSERTs with unique keys, plain
DELETEs of rows that must be there, a table without any key, and DDL whose repetition or omission is an error. The one
exceptions are TRUNCATE, which may be repeated unnoticed directly after itself, and on MariaDB DROP TABLE, which may be missed
(slave_ddl_exec_mode=IDEMPOTENT replaces the table at the next CREATE): leave both out (truncate=False) where a checkpoint is going to be
moved by one transaction.

As a program it is the load's own process: `python3 -m lab.load '{"socket": ..., ...}'`, ended by SIGTERM, which
finishes the transactions that are open and prints the number committed.
"""
import dataclasses
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pymysql
from pymysql.constants import CLIENT

from . import proc

SCHEMAS = ("app1", "app2", "app3", "app4")
KEYLESS_ROWS = 60       # a row of a keyless table is found by reading them all, on the replica: keep it short
QUEUE_ROWS = 400
STOCK_ROWS = 100

_TABLES = """
CREATE TABLE ledger (id BIGINT NOT NULL PRIMARY KEY, code VARCHAR(24) NOT NULL, made DATETIME(6) NOT NULL,
                     body VARCHAR(200), UNIQUE KEY (code), KEY (made)) ENGINE=InnoDB;
CREATE TABLE queue (id BIGINT NOT NULL PRIMARY KEY, payload VARCHAR(100) NOT NULL) ENGINE=InnoDB;
CREATE TABLE stock (id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL, note VARCHAR(60), KEY (n)) ENGINE=InnoDB;
CREATE TABLE keyless (v BIGINT NOT NULL, pad VARCHAR(40) NOT NULL) ENGINE=InnoDB;
CREATE TABLE hot (id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE bulk (batch BIGINT NOT NULL, item INT NOT NULL, pad VARCHAR(60) NOT NULL, PRIMARY KEY (batch, item)) ENGINE=InnoDB;
CREATE TABLE shape (id BIGINT NOT NULL PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE wiped (id BIGINT NOT NULL PRIMARY KEY, v BIGINT NOT NULL) ENGINE=InnoDB;
CREATE TABLE pair (a INT NOT NULL, b VARBINARY(12) NOT NULL, c VARCHAR(20) NOT NULL, PRIMARY KEY (b, a), UNIQUE KEY (c)) ENGINE=InnoDB
"""


@dataclasses.dataclass
class Settings:
    socket: str
    schemas: tuple = SCHEMAS
    rate: float = 200.0                 # transactions a second, over all schemas
    ddl_every: float = 1.5              # seconds between two DDL statements of one schema; 0 for none
    truncate: bool = True
    bulk_every: int = 120               # one transaction in so many is a long one
    domains: tuple = ()                 # MariaDB: the gtid_domain_id of the schemas, in turn
    seed: int = 1


class Writer(threading.Thread):
    """All writes of one schema, in order."""

    def __init__(self, settings, index, stop):
        super().__init__(daemon=True)
        self.settings, self.index, self.stop = settings, index, stop
        self.schema = settings.schemas[index]
        self.random = random.Random(settings.seed * 1000 + index)
        self.ready = threading.Event()
        self.committed = 0
        self.error = None

    # ---- statements ----------------------------------------------------------------------------------------------
    def execute(self, sql):
        """Run one packet of statements and see the result of each."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass

    def value(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]

    def open(self):
        self.connection = pymysql.connect(unix_socket=self.settings.socket, user="root", charset="utf8mb4",
                                          autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)
        if self.settings.domains:
            self.execute(f"SET SESSION gtid_domain_id={self.settings.domains[self.index % len(self.settings.domains)]}")
        if not self.value(f"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name='{self.schema}'"):
            self.create()
        self.execute(f"USE {self.schema}")
        self.resume()

    def create(self):
        self.execute(f"CREATE DATABASE {self.schema} DEFAULT CHARACTER SET utf8mb4; USE {self.schema}; {_TABLES}")
        rows = ",".join(f"({i},0,'')" for i in range(1, STOCK_ROWS + 1))
        self.execute(f"INSERT INTO stock VALUES {rows}; INSERT INTO hot VALUES (1,0),(2,0),(3,0),(4,0)")

    def resume(self):
        """Go on where an earlier load of these schemas ended."""
        self.ledger = self.value("SELECT COALESCE(MAX(id),0) FROM ledger")
        self.queue_low = self.value("SELECT COALESCE(MIN(id),1) FROM queue")
        self.queue_high = self.value("SELECT COALESCE(MAX(id),0) FROM queue")
        if self.queue_high == 0:
            self.queue_high = self.queue_low = self.ledger + 1
            self.execute(f"INSERT INTO queue VALUES ({self.queue_high},'first')")
        self.keyless_low = self.value("SELECT COALESCE(MIN(v),1) FROM keyless")
        self.keyless_high = self.value("SELECT COALESCE(MAX(v),0) FROM keyless")
        self.batch_low = self.value("SELECT COALESCE(MIN(batch),1) FROM bulk")
        self.batch_high = self.value("SELECT COALESCE(MAX(batch),0) FROM bulk")
        self.wiped = self.value("SELECT COALESCE(MAX(id),0) FROM wiped")
        self.shape = self.value("SELECT COALESCE(MAX(id),0) FROM shape")
        self.wide = self.has("columns", "table_name='shape' AND column_name='extra'")
        self.passing = self.has("tables", "table_name='passing'")
        self.turn = 0

    def has(self, what, which):
        return self.value(f"SELECT COUNT(*) FROM information_schema.{what} WHERE table_schema='{self.schema}' AND {which}") > 0

    def entry(self):
        """The row every transaction of ours leaves, under a number that is never used again."""
        self.ledger += 1
        return (f"INSERT INTO ledger VALUES ({self.ledger},'{self.schema}-{self.ledger}',UTC_TIMESTAMP(6),"
                f"REPEAT('{chr(97 + self.ledger % 26)}',{self.random.randrange(10, 180)}))")

    # ---- transactions --------------------------------------------------------------------------------------------
    def order(self):
        self.queue_high += 1
        item = self.random.randrange(1, STOCK_ROWS + 1)
        return [self.entry(), f"INSERT INTO queue VALUES ({self.queue_high},'o{self.queue_high}')",
                f"UPDATE stock SET n=n+1, note='{self.ledger}' WHERE id={item}"]

    def ship(self):
        if self.queue_high - self.queue_low < 5:
            return self.order()
        number, self.queue_low = self.queue_low, self.queue_low + 1
        return [f"DELETE FROM queue WHERE id={number}", self.entry()]

    def drain(self):
        """Nothing but a DELETE."""
        if self.queue_high - self.queue_low < QUEUE_ROWS:
            return self.order()
        low, self.queue_low = self.queue_low, self.queue_low + 20
        return [f"DELETE FROM queue WHERE id>={low} AND id<{low + 20}"]

    def anonymous(self):
        self.keyless_high += 1
        statements = [f"INSERT INTO keyless VALUES ({self.keyless_high},'k{self.keyless_high}')"]
        if self.keyless_high - self.keyless_low >= KEYLESS_ROWS:
            statements.append(f"DELETE FROM keyless WHERE v={self.keyless_low}")
            self.keyless_low += 1
        return statements + ([self.entry()] if self.keyless_high % 2 else [])

    def heat(self):
        return [f"UPDATE hot SET n=n+1 WHERE id={self.random.randrange(1, 5)}", self.entry()]

    def couple(self):
        n = self.ledger + 1
        return [self.entry(), f"INSERT INTO pair VALUES ({n % 7},UNHEX(LPAD(HEX({n}),{8 + n % 3 * 2},'0')),'p{n}')"]

    def long(self):
        self.batch_high += 1
        rows = ",".join(f"({self.batch_high},{i},REPEAT('x',50))" for i in range(300))
        statements = [f"INSERT INTO bulk VALUES {rows}", "UPDATE bulk SET pad=CONCAT(pad,'y') "
                      f"WHERE batch={self.batch_high}", self.entry()]
        if self.batch_high - self.batch_low > 4:
            statements.append(f"DELETE FROM bulk WHERE batch={self.batch_low}")
            self.batch_low += 1
        return statements

    def dml(self):
        if self.random.randrange(self.settings.bulk_every) == 0:
            return self.long()
        return self.random.choices((self.order, self.ship, self.drain, self.anonymous, self.heat, self.couple),
                                   (35, 25, 5, 10, 20, 5))[0]()

    def transact(self):
        statements = self.dml()
        if len(statements) == 1:
            self.execute(statements[0])
        else:
            self.execute("BEGIN; " + "; ".join(statements) + "; COMMIT")
        self.committed += 1

    def ddl(self):
        """One DDL statement, and rows that could not be there without it."""
        self.turn += 1
        kind = self.turn % 3
        if kind == 0 or not self.settings.truncate:
            self.alter()
        elif kind == 1:
            self.come_and_go()
        else:
            self.wipe()

    def alter(self):
        # a column that is dropped in an instant stays in the row's format, and after some hundred the rows are too long: copy
        self.execute("ALTER TABLE shape DROP COLUMN extra, ALGORITHM=COPY" if self.wide else
                     "ALTER TABLE shape ADD COLUMN extra VARCHAR(30) DEFAULT 'e'")
        self.wide = not self.wide
        self.shape += 1
        values = f"{self.shape},{self.shape},'x{self.shape}'" if self.wide else f"{self.shape},{self.shape}"
        self.execute(f"BEGIN; INSERT INTO shape VALUES ({values}); {self.entry()}; COMMIT")
        self.committed += 2

    def come_and_go(self):
        if self.passing:
            self.execute("DROP TABLE passing")
        else:
            self.execute("CREATE TABLE passing (id BIGINT NOT NULL PRIMARY KEY, v VARCHAR(30)) ENGINE=InnoDB")
            self.execute(f"BEGIN; INSERT INTO passing VALUES (1,'a'),(2,'b'); {self.entry()}; COMMIT")
            self.committed += 1
        self.passing = not self.passing
        self.committed += 1

    def wipe(self):
        if self.wiped and self.settings.truncate:
            self.execute("TRUNCATE TABLE wiped")
            self.committed += 1
            self.wiped = 0
        rows = ",".join(f"({self.wiped + i},{self.turn})" for i in range(1, 6))
        self.wiped += 5
        self.execute(f"BEGIN; INSERT INTO wiped VALUES {rows}; {self.entry()}; COMMIT")
        self.committed += 1

    # ---- pace ----------------------------------------------------------------------------------------------------
    def run(self):
        try:
            self.open()
            self.ready.set()
            self.pace()
            self.connection.close()
        except Exception as error:      # pylint: disable=broad-except; reported by main(), the load is then worthless
            self.error = f"{self.schema}: {error!r}"
            self.ready.set()
            self.stop.set()

    def pace(self):
        interval = len(self.settings.schemas) / self.settings.rate
        due = time.monotonic() + interval * self.random.random()
        next_ddl = time.monotonic() + self.settings.ddl_every * self.random.random()
        while not self.stop.is_set():
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
                continue
            due = max(due + interval, now - 20 * interval)      # catch up a little, not a whole stall
            if self.settings.ddl_every and now >= next_ddl:
                next_ddl = now + self.settings.ddl_every * self.random.uniform(0.5, 1.5)
                self.ddl()
            else:
                self.transact()


class Load:
    """The load's process as a test sees it: `with Load(source, rate=150): ...`"""

    def __init__(self, server, **settings):
        self.server = server
        self.settings = Settings(socket=str(server.socket), **settings)
        self.child = None
        self.committed = 0

    def start(self):
        tests = pathlib.Path(__file__).resolve().parents[1]
        self.child = proc.spawn([sys.executable, "-m", "lab.load", json.dumps(dataclasses.asdict(self.settings))],
                                stdout=subprocess.PIPE, cwd=tests, text=True)
        assert self.child.stdout.readline() == "ready\n", "the load did not start"
        return self

    def stop(self):
        """End it after its open transactions; a load that met an error is a failed test."""
        if self.child:
            child, self.child = self.child, None
            child.terminate()
            output, _ = child.communicate(timeout=60)
            proc.end(child)
            assert child.returncode == 0, f"the load met an error: {output}"
            self.committed += json.loads(output)["committed"]
        return self.committed

    def written(self):
        """How many transactions of the load's schemas have left their row so far."""
        total = " + ".join(f"(SELECT COALESCE(MAX(id),0) FROM {s}.ledger)" for s in self.settings.schemas)
        return int(self.server.value(f"SELECT {total}"))

    def wait_written(self, more, seconds=60):
        """Let `more` transactions happen."""
        goal = self.written() + more
        proc.wait_until(lambda: self.written() >= goal, seconds, f"{more} more transactions")

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_exception):
        if kind is None:
            self.stop()
        elif self.child:
            proc.end(self.child)


def main():
    settings = Settings(**json.loads(sys.argv[1]))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    writers = [Writer(settings, index, stop) for index in range(len(settings.schemas))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.ready.wait()
    if not stop.is_set():
        print("ready", flush=True)
    stop.wait()
    for writer in writers:
        writer.join(30)
    errors = [w.error for w in writers if w.error]
    if errors:
        print("; ".join(errors), flush=True)
        os._exit(1)
    print(json.dumps({"committed": sum(w.committed for w in writers)}), flush=True)


if __name__ == "__main__":
    main()
