# SPDX-License-Identifier: Apache-2.0
"""What a server itself shows of its appliers, looked at every few milliseconds on a connection of the test's own."""
import contextlib
import threading
import time

import pymysql

from lab.server import MariaDB, MySQL56, MySQL97

EVERY_S = 0.003

# Threads of replication. None of these waits for a STOP that is in progress, as the status statement does on 5.6.
_THREADS = {
    MySQL97: "SELECT THREAD_ID AS id, '' AS state FROM performance_schema.threads WHERE NAME='thread/sql/replica_sql'",
    MariaDB: "SELECT ID AS id, '' AS state FROM information_schema.PROCESSLIST WHERE COMMAND='Slave_SQL'",
    MySQL56: "SELECT ID AS id, COALESCE(STATE, '') AS state FROM information_schema.PROCESSLIST WHERE USER='system user'",
}


class Witness(threading.Thread):
    """changes: [(when, how many appliers ran)], a new entry for each change; None while the server does not answer."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.query = _THREADS[type(server)]
        self.changes = [(time.monotonic(), None)]
        self.known, self.looked = frozenset(), time.monotonic()
        self.receivers = set()
        self.finish = threading.Event()

    def run(self):
        while not self.finish.is_set():
            with contextlib.suppress(pymysql.err.Error, OSError):
                connection = self.server.connect()
                with contextlib.closing(connection), connection.cursor() as cursor:
                    while not self.finish.is_set():
                        cursor.execute(self.query)
                        self._saw(self._coordinators(cursor.fetchall()))
                        self.finish.wait(EVERY_S)
            self._changed(None)
            self.known = frozenset()
            self.finish.wait(0.02)

    def _coordinators(self, rows):
        """5.6 does not say which thread is what, but a receiver speaks of its master, and a coordinator is older than its workers."""
        ids = {row["id"] for row in rows}
        if not isinstance(self.server, MySQL56):
            return frozenset(ids)
        self.receivers.update(row["id"] for row in rows if "master" in row["state"])
        return frozenset(sorted(ids - self.receivers)[:1])

    def _changed(self, number, when=None):
        if number != self.changes[-1][1]:
            self.changes.append((when or time.monotonic(), number))

    def _saw(self, ids):
        """Another thread than at the last look: there was a moment without one, however short."""
        if len(ids & self.known) < min(len(ids), len(self.known)):
            self._changed(len(ids & self.known), self.looked)
        self._changed(len(ids))
        self.known, self.looked = ids, time.monotonic()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.finish.set()
        self.join(30)

    def now(self):
        return self.changes[-1][1]

    def stable_for(self):
        return time.monotonic() - self.changes[-1][0]

    def most(self, since):
        """The largest number seen since then."""
        changes = list(self.changes)
        before = [number for when, number in changes if when <= since][-1:]
        return max((n for n in before + [number for when, number in changes if when > since] if n is not None), default=0)

    def stillnesses(self, since, expected):
        """[(from, until or None)]: when fewer than `expected` appliers ran on a server that answered, up to now."""
        found, begun = [], None
        for when, number in list(self.changes):
            if number is not None and number < expected:
                begun = when if begun is None else begun
            elif begun is not None:
                found.append((begun, when))
                begun = None
        if begun is not None:
            found.append((begun, None))
        return [(start, end) for start, end in found if end is None or end > since]

    def forget(self):
        """What is past is of no interest any more."""
        self.changes = self.changes[-1:]
