# SPDX-License-Identifier: Apache-2.0
"""Other people on the same server: who holds its locks, who stops, starts and re-points its applier while a backup is at work."""
import contextlib
import socket
import struct
import threading

import pymysql
from pymysql.constants.COMMAND import COM_QUERY

from . import gaps, logs, proc
from .server import MariaDB, MySQL97


class Holding:
    """A session that has run statements and stays open until release(); what they hold is held as long."""

    def __init__(self, server, *statements, undo=None):
        self.server, self.statements, self.undo = server, statements, undo
        self.connection = None

    def __enter__(self):
        self.connection = self.server.connect()
        with self.connection.cursor() as cursor:
            for statement in self.statements:
                cursor.execute(statement)
        return self

    def release(self):
        if self.connection:
            with contextlib.suppress(pymysql.err.Error):
                if self.undo:
                    with self.connection.cursor() as cursor:
                        cursor.execute(self.undo)
                self.connection.close()
            self.connection = None

    def __exit__(self, *_exception):
        self.release()


def global_read_lock(server):
    return Holding(server, "FLUSH LOCAL TABLES WITH READ LOCK", undo="UNLOCK TABLES")


def backup_lock(server):
    """What another backup tool holds: DDL is kept off, and on MySQL no applier can be stopped."""
    if isinstance(server, MariaDB):
        return Holding(server, "BACKUP STAGE START", "BACKUP STAGE BLOCK_DDL", undo="BACKUP STAGE END")
    assert isinstance(server, MySQL97), "5.6 has no such lock"
    return Holding(server, "LOCK INSTANCE FOR BACKUP", undo="UNLOCK INSTANCE")


@contextlib.contextmanager
def statement_of_bytes(server):
    """A session whose statement is under way and no text: it has bytes that are no UTF-8, as those who write to binary columns send them."""
    lock = "SELECT GET_LOCK('bytes', 600), "
    with Holding(server, lock + "1", undo="DO RELEASE_LOCK('bytes')"), Holding(server, "SET NAMES binary", "START TRANSACTION WITH CONSISTENT SNAPSHOT") as session:
        session.connection._execute_command(COM_QUERY, lock.encode() + b"'\x91\xd8\xff'")     # pylint: disable=protected-access
        proc.wait_until(lambda: server.value("SELECT COUNT(*) FROM performance_schema.threads WHERE PROCESSLIST_STATE='User lock'"), 10, "it to wait")
        yield


def prepared(server, change):
    """A local transaction in the state PREPARED, which a logical backup waits for; it is rolled back in the end."""
    return Holding(server, "SET SESSION sql_log_bin=0", "XA START 'odd'", change, "XA END 'odd'", "XA PREPARE 'odd'",
                   undo="XA ROLLBACK 'odd'")


@contextlib.contextmanager
def held_up(lab):
    """A worker that waits for a row for as long as this lasts, and others that do not; yields what holds the row."""
    with gaps.RowHeld(lab.replica) as held:
        lab.source.sql("UPDATE app1.hot SET n=n+1 WHERE id=1",
                       *(f"UPDATE {schema}.stock SET n=n+1 WHERE id={i}" for i in range(1, 5) for schema in lab.schemas()))
        held.wait_blocked()
        yield held


class Doing(threading.Thread):
    """A person's statements (texts, or functions that give one), one after the other on a session of their own, beside the test.

    `said` is what the server objected to.
    """

    def __init__(self, server, *statements):
        super().__init__(daemon=True)
        self.server, self.statements, self.said = server, statements, []

    def run(self):
        with contextlib.closing(self.server.connect()) as connection, connection.cursor() as cursor:
            for statement in self.statements:
                try:
                    cursor.execute(statement() if callable(statement) else statement)
                except pymysql.err.Error as error:
                    self.said.append((statement, error.args))

    def __enter__(self):
        self.start()
        return self

    def wait(self, seconds=60):
        proc.wait_until(lambda: not self.is_alive(), seconds, f"{self.statements} to be done")
        return self

    def __exit__(self, *_exception):
        self.join(60)


def applier(server, verb, channel=""):
    """START or STOP of the applier alone, as text."""
    return server.words[verb].format(what="SQL_THREAD", name=f"'{channel}'" if channel else "",
                                     channel=f"FOR CHANNEL '{channel}'" if channel else "").strip()


def failover(replica, source, gtid, host="127.0.0.1"):
    """What a failover tool sends to a replica: stop, another source, start. By position it goes on where the stop has left it."""
    def change():
        row = replica.status()
        at = None if gtid else (row["Relay_Master_Log_File"], row["Exec_Master_Log_Pos"])
        return replica.change_source(source, gtid=gtid, at=at).replace("'127.0.0.1'", f"'{host}'")
    words = {verb: replica.words[verb].format(what="", name="", channel="").strip() for verb in ("stop", "start")}
    return words["stop"], change, words["start"]


def wait_stopping(statements, running, seconds=60):
    """Until the backup that runs has sent its STOP."""
    def sent():
        assert running.alive(), running.finish(1, expect=None)
        return logs.stops(statements.so_far())
    proc.wait_until(sent, seconds, "the STOP", every=0.02)


class RefusingProxy(threading.Thread):
    """Before one server, as some proxies are: a statement in which one of these words stands never gets there. As a context; `refused` counts them."""

    def __init__(self, server, *words):
        super().__init__(daemon=True)
        self.server, self.words, self.refused = server, [word.encode() for word in words], 0
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        self.join(10)

    def run(self):
        with contextlib.suppress(OSError):      # the door is closed
            while True:
                client, _address = self.door.accept()
                server = socket.create_connection(("127.0.0.1", self.server.port))
                threading.Thread(target=self._forward, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, False), daemon=True).start()

    def _forward(self, one, other, asking):
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                # a statement of ours is one packet, and one read: its length, the number 0, COM_QUERY
                if asking and data[3:5] == b"\0\3" and any(word in data for word in self.words):
                    self.refused += 1
                    says = b"\xff" + struct.pack("<H", 1064) + b"#42000the proxy does not like this"
                    one.sendall(struct.pack("<I", len(says))[:3] + b"\1" + says)
                else:
                    other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
