# SPDX-License-Identifier: Apache-2.0
"""What the servers wrote down: errors of replication, and every statement that our account sent."""
import contextlib
import re

from . import proc

_TROUBLE = re.compile(r"(?:Error_code: (?:MY-00)?|fatal error |Errno: ?|errno[ =])(1032|1062|1236|1317|1756)\b")
_LINE = re.compile(r"^(?:(?:\d{6}\s+[\d:]+|\d{4}-\d\d-\d\dT[\d:.]+\S*)?\s+)(\d+) (Connect|Query|Quit|Prepare|Execute|Init DB|"
                   r"Field List|Close stmt|Reset stmt|Statistics|Ping|Change user|Long Data|Fetch|Kill|Reset Connection)"
                   r"(?:\t(.*))?$", re.S)


def trouble(server, since=0):
    """The lines of the error log, from byte `since`, that tell of 1032, 1062, 1236, 1317 or 1756."""
    with open(server.error_log, "rb") as log:
        log.seek(since)
        lines = log.read().decode(errors="replace").splitlines()
    return [line for line in lines if _TROUBLE.search(line)]


def size(server):
    """Where the error log ends now, for trouble(since=)."""
    return server.error_log.stat().st_size if server.error_log.exists() else 0


class Statements:
    """The general log between start() and stop(), as (connection, command, text); written by the server itself."""

    def __init__(self, server):
        self.server = server
        self.entries = []

    def __enter__(self):
        self.server.local("SET GLOBAL general_log=0")
        self.start = self.server.general_log.stat().st_size if self.server.general_log.exists() else 0
        self.server.local("SET GLOBAL general_log=1")
        return self

    def __exit__(self, *_exception):
        with contextlib.suppress(Exception):        # a server that is gone has written what it could
            self.server.local("SET GLOBAL general_log=0")
        self.entries = self._read()

    def _read(self):
        with open(self.server.general_log, "rb") as log:
            log.seek(self.start)
            text = log.read().decode(errors="replace")
        entries = []
        for line in text.split("\n"):
            match = _LINE.match(line)
            if match:
                entries.append([int(match.group(1)), match.group(2), match.group(3) or ""])
            elif entries:
                entries[-1][2] += "\n" + line
        return [tuple(e) for e in entries]

    def so_far(self):
        return self._read()

    def of(self, user):
        """What the sessions of one account sent, in order."""
        mine = {number for number, command, text in self.entries
                if command in ("Connect", "Change user") and re.match(rf"{re.escape(user)}@", text)}
        return [(number, command, text.strip()) for number, command, text in self.entries if number in mine]


# Every statement a backup may send; anything else is a finding. KILL is not among them in any form.
_ALLOWED = [re.compile(p, re.I | re.S) for p in (
    r"SELECT\b", r"SHOW\b", r"USE\b", r"DO\b", r"XA RECOVER\b", r"COMMIT$", r"ROLLBACK$", r"BEGIN$",
    r"(PREPARE|EXECUTE|DEALLOCATE PREPARE)\b",
    r"SET\s+(?!GLOBAL\b|PERSIST|@@global|@@persist|PASSWORD|DEFAULT ROLE)",
    r"START TRANSACTION\b(?!.*READ WRITE)", r"SAVEPOINT\b", r"RELEASE SAVEPOINT\b", r"ROLLBACK TO\b",
    r"(START|STOP) (SLAVE|REPLICA)\b", r"(LOCK|UNLOCK) INSTANCE\b", r"BACKUP (STAGE|LOCK|UNLOCK)\b",
    r"CHECKSUM TABLES?\b", r"LOCK TABLES?\b(?!.*\bWRITE\b)", r"UNLOCK TABLES$", r"FLUSH LOCAL\b", r"FLUSH NO_WRITE_TO_BINLOG\b",
    r"FLUSH (LOCAL )?TABLES WITH READ LOCK$", r"HANDLER\b", r"EXPLAIN\b", r"DESCRIBE\b")]
_APPLIER = re.compile(r"(START|STOP) (?:SLAVE|REPLICA)\b(.*)$", re.I | re.S)


def _channel(text):
    named = re.search(r"FOR CHANNEL\s+'([^']*)'|^\s*'([^']*)'", text, re.I)
    return (named.group(1) or named.group(2) or "") if named else ""


def offences(statements):
    """What a backup's statements break of the rules: the allow-list, no KILL, each STOP followed by its START, the IO thread."""
    found, stopped = [], set()
    for _number, command, text in statements:
        if command == "Kill" or re.search(r"\bKILL\b", text, re.I):
            found.append(f"a KILL: {text}")
        if command != "Query":
            continue
        if not any(pattern.match(text) for pattern in _ALLOWED):
            found.append(f"not on the list of what a backup may send: {text}")
        match = _APPLIER.match(text)
        if not match:
            continue
        verb, rest = match.group(1).upper(), match.group(2)
        if not re.search(r"\bSQL_THREAD\b", rest, re.I) or re.search(r"\bIO_THREAD\b", rest, re.I):
            found.append(f"touches the IO thread: {text}")
        (stopped.add if verb == "STOP" else stopped.discard)(_channel(rest))
    found += [f"channel '{channel}' was stopped and not started" for channel in sorted(stopped)]
    return found


def stops(statements):
    return [text for _number, command, text in statements
            if command == "Query" and re.match(r"STOP (SLAVE|REPLICA)\b", text, re.I)]


def wait_logged(statements, pattern, seconds=30):
    """Wait until a statement that matches has been logged (the log is read as it grows)."""
    expression = re.compile(pattern, re.I | re.S)
    proc.wait_until(lambda: any(expression.search(text) for _n, _c, text in statements.so_far()), seconds,
                    f"a statement like {pattern}")
