# SPDX-License-Identifier: Apache-2.0
"""Servers that are set up oddly, hold oddly named things, very many or very large ones, or grant too little."""
import concurrent.futures
import contextlib
import json
import pathlib
import threading

import pytest

from conftest import topology
from lab import accounts, compare, logs, tool
from lab.accounts import BACKUP_RIGHTS
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, assert_same, backup_watched

SCHEMAS = 1000
MANY_TABLES = 20000
MEGABYTE = 1 << 20
ROW_MB = 60


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


# ---- rights ------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def _without(lab, right):
    lab.replica.local(f"REVOKE {right} ON *.* FROM '{accounts.BACKUP[0]}'@'%'")
    try:
        yield
    finally:
        lab.replica.local(f"GRANT {right} ON *.* TO '{accounts.BACKUP[0]}'@'%'")


def _complaints(lab, right, repository):
    """What is wrong with how the lack of one right is told. XA_RECOVER_ADMIN is the one that can be done without, which is said."""
    optional = right == "XA_RECOVER_ADMIN"
    wanted = tool.OK if optional else tool.PREFLIGHT
    with _without(lab, right), logs.Statements(lab.replica) as said:
        checked = tool.check(lab.replica, expect=None)
        result = tool.backup(lab.replica, repository, expect=None)
    for each in (checked, result):
        text = each.out + each.err
        if each.code != wanted or right not in text or not (optional or "GRANT" in text):
            yield f"{right}: {each}"
    if not optional and (logs.stops(said.of(accounts.BACKUP[0])) or list(repository.iterdir())):
        yield f"{right}: something was touched"


def test_each_right_that_is_missing_is_named(lab, repository):
    """Each right of the README in turn, by check and by backup."""
    complaints = []
    for right in sorted(BACKUP_RIGHTS[lab.flavour].split(", "), key=lambda right: right == "XA_RECOVER_ADMIN"):
        complaints += _complaints(lab, right, repository)
    assert complaints == [], "\n".join(complaints)
    assert_running(lab)


def test_without_any_right(lab, repository):
    """Whoever grants what is asked for, again and again, gets there, and is not asked for what the README does not name."""
    rights = BACKUP_RIGHTS[lab.flavour].split(", ")
    with contextlib.ExitStack() as stack:
        for right in rights:
            stack.enter_context(_without(lab, right))
        for asked in range(1, 6):
            result = tool.check(lab.replica, expect=(tool.OK, tool.PREFLIGHT))
            if result.code == tool.OK:
                break
            for grant in json.loads(result.out)["error"]["hint"].split("; "):
                lab.replica.local(grant)
        assert result.code == tool.OK, result
        assert 1 < asked < 5
    assert list(repository.iterdir()) == []
    assert_running(lab)


# ---- settings ----------------------------------------------------------------------------------------------------------

ODD_MODE = "ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION"
ODD_SETTINGS = {
    "lock_wait_timeout": 1, "innodb_lock_wait_timeout": 1, "sql_mode": f"'{ODD_MODE}'", "wait_timeout": 3, "interactive_timeout": 3,
    "net_write_timeout": 3, "net_read_timeout": 3, "sql_select_limit": 1, "sql_safe_updates": 1, "autocommit": 0, "completion_type": 2,
    "group_concat_max_len": 4, "time_zone": "'+13:00'", "div_precision_increment": 0, "sql_quote_show_create": 0, "max_sort_length": 8,
    "default_week_format": 3, "lc_time_names": "'de_DE'", "sql_auto_is_null": 1, "big_tables": 1, "unique_checks": 0,
    "character_set_server": "'latin1'", "sql_notes": 0,
}
ISOLATION = {MySQL97: "transaction_isolation", MySQL56: "tx_isolation", MariaDB: "tx_isolation"}
ODD_DATA = [
    "SET sql_mode=''", "CREATE DATABASE moody DEFAULT CHARACTER SET utf8mb4", "USE moody",
    "CREATE TABLE padded (id INT PRIMARY KEY, c CHAR(20), b BINARY(6), v VARCHAR(30), KEY (c)) ENGINE=InnoDB",
    r"""INSERT INTO padded VALUES (1,'ab','ab','ab  '), (2,'back\\slash','\\\\','\\'), (3,'quo''te"s','"',"''"), (4,'nul\0in','\0\0','\n\r\Z\t'),
        (5,'',NULL,''), (6,NULL,'','`')""",
    "CREATE TABLE keyed (k CHAR(12) NOT NULL, n BIGINT UNSIGNED NOT NULL, t TIMESTAMP NULL, d DATETIME, PRIMARY KEY (k, n)) ENGINE=InnoDB",
    "INSERT INTO keyed VALUES ('a\\\\', 0, '2020-06-01 00:00:00', '2020-06-01 00:00:00'), ('b', 18446744073709551615, '2037-12-31 23:00:00', NULL)",
    "CREATE VIEW seen AS SELECT k, n FROM keyed WHERE k <> 'x\\\\y\"'",
    "CREATE FUNCTION slashes() RETURNS VARCHAR(10) CHARSET utf8 DETERMINISTIC RETURN 'a\\\\b''c\"'",
    "CREATE TRIGGER trig BEFORE UPDATE ON padded FOR EACH ROW SET NEW.v = IFNULL(NEW.v, 'a\\\\b\"')",
    "CREATE EVENT later ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DISABLE DO UPDATE padded SET v='\\\\\"'",
]
ODD_NAMES = ["a-b", "sel ect", "ünïçødé", "per%cent_", "d.ot", "qu'ote\"s", "tick`ed", "back\\slash", "UPPER", "upper", "semi;colon--", "schema#1",
             "metadata", "..", "sla/sh", "col:on", "star*?", "$dollar@at", "n" * 64, "ü" * 60, "new\nline", "tab\tbed", "1234", "1e5", "-- x", "日本"]


@contextlib.contextmanager
def _oddly_set(server):
    """Global settings that no session of ours may inherit; put back in the end."""
    names = {**ODD_SETTINGS, ISOLATION[type(server)]: "'READ-COMMITTED'"}
    known = {r["Variable_name"] for r in server.sql("SHOW GLOBAL VARIABLES")}
    was = {name: server.variable(name) for name in names if name in known}
    connection = server.connect()
    try:
        with connection.cursor() as cursor:
            for name in was:
                cursor.execute(f"SET GLOBAL {name}={names[name]}")
        yield
    finally:
        with connection.cursor() as cursor:
            for name, value in was.items():
                cursor.execute(f"SET GLOBAL {name}=%s", [int(value) if str(value).isdigit() else value])
        connection.close()


def test_settings_and_names_that_nobody_expects(lab, repository):
    """Backup and seed under hostile global settings, of hostile names and values: the data are the same, byte for byte."""
    lab.source.sql(*ODD_DATA)
    odd = []
    for number, name in enumerate(ODD_NAMES):
        table = f"{compare.quote(name)}.{compare.quote(ODD_NAMES[-1 - number])}"
        odd += [f"CREATE DATABASE {compare.quote(name)} DEFAULT CHARACTER SET utf8mb4", f"CREATE TABLE {table} ({compare.quote(name)} INT PRIMARY KEY, v CHAR(9))",
                f"INSERT INTO {table} VALUES ({number},'\\\\{number}''')",
                f"CREATE VIEW {compare.quote(name)}.{compare.quote('v' + name[:40])} AS SELECT * FROM {table}"]
    lab.source.sql("SET sql_mode=''", *odd)
    lab.wait_caught_up()
    target = lab.target()
    try:
        with _oddly_set(lab.replica), _oddly_set(target):
            with Loads(lab, rate=60):
                tool.check(lab.replica)
                tool.backup(lab.replica, repository)
            assert_running(lab)
            tool.run("verify", "--from", f"file://{repository}")
            tool.seed(repository, target, lab.sources)
        assert_same(lab, target)
        assert set(compare.picture(lab.source)) == set(compare.picture(target))
    finally:
        lab.drop(target)
        lab.source.sql("DROP DATABASE moody", *(f"DROP DATABASE {compare.quote(name)}" for name in ODD_NAMES))
        lab.wait_caught_up()


# ---- very large -------------------------------------------------------------------------------------------------------

class _Memory(threading.Thread):
    """The highest resident size a command has had, in MiB, as the kernel keeps it."""

    def __init__(self, running):
        super().__init__(daemon=True)
        self.running, self.highest, self.over = running, 0, threading.Event()

    def _look(self):
        with contextlib.suppress(OSError, StopIteration):
            lines = pathlib.Path("/proc", str(self.running.child.pid), "status").read_text(encoding="ascii").splitlines()
            self.highest = max(self.highest, int(next(l for l in lines if l.startswith("VmHWM:")).split()[1]) / 1024)

    def run(self):
        while not self.over.wait(0.02):
            self._look()

    def finish(self, **how):
        self.start()
        try:
            return self.running.finish(**how)
        finally:
            self.over.set()
            self.join(10)


def _check_giant_rows(lab, repository):
    """Memory stays below 200 MiB and four times the row, while it is dumped and while it is loaded."""
    limit = 200 + 4 * ROW_MB
    lab.source.sql("CREATE DATABASE giant", "CREATE TABLE giant.t (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB",
                   *(f"INSERT INTO giant.t VALUES ({i}, REPEAT(X'27005C22FF0A', {ROW_MB * MEGABYTE // 6}))" for i in (1, 2)))
    target = lab.target()
    try:
        lab.wait_caught_up()
        memory = _Memory(tool.start_backup(lab.replica, repository))
        memory.finish(seconds=120)
        assert 50 < memory.highest < limit, f"{memory.highest:.0f} MiB for rows of {ROW_MB} MB"
        dumped = memory.highest
        memory = _Memory(tool.Running(*tool.seed_arguments(repository, target, lab.sources)))
        memory.finish(seconds=120)
        assert 50 < memory.highest < limit, f"{memory.highest:.0f} MiB for rows of {ROW_MB} MB"
        print(f"rows of {ROW_MB} MB on {lab.flavour.flavour}: {dumped:.0f} MiB to dump, {memory.highest:.0f} MiB to load; allowed {limit}")
        same = "SELECT id, LENGTH(v) AS bytes, SHA2(v, 256) AS sum FROM giant.t ORDER BY id"
        assert target.sql(same) == lab.source.sql(same)
    finally:
        lab.drop(target)
        lab.source.sql("DROP DATABASE giant")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [pytest.param(MariaDB, id="mariadb"), pytest.param(MySQL97, id="mysql97", marks=pytest.mark.soak)], indirect=True)
def test_a_row_of_sixty_megabytes(lab, repository):
    if lab.flavour is MySQL97:
        for server in (lab.source, lab.replica):
            server.sql("SET GLOBAL innodb_redo_log_capacity=1073741824")
    _check_giant_rows(lab, repository)


@pytest.mark.soak
def test_a_row_of_sixty_megabytes_on_mysql56(repository):
    """Which takes no row larger than a tenth of its redo log (1118), whose size is fixed when it starts, and whose workers get no event that is
    larger than what may wait for them (1864)."""
    room = {"innodb_log_file_size": "400M", "slave_pending_jobs_size_max": "128M"}
    with topology(MySQL56, source=room, replica=room) as lab:
        _check_giant_rows(lab, repository)


# ---- very many --------------------------------------------------------------------------------------------------------
# Last in this module: what they make goes with the servers.

def _create(server, prefix, schemas, tables):
    """Many small tables, by one session."""
    connection = server.connect()
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_log_bin=0")
        for s in range(schemas):
            cursor.execute(f"CREATE DATABASE {prefix}{s:05}")
            for t in range(tables):
                cursor.execute(f"CREATE TABLE {prefix}{s:05}.t{t:05} (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB")
            cursor.execute(f"INSERT INTO {prefix}{s:05}.t00000 VALUES (1,'x'),(2,'y')")


def _create_on_both(lab, prefix, schemas, tables):
    """On source and replica at once, without a trace in the binary log: replication would do it twice as slowly."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(_create, server, prefix, schemas, tables) for server in (lab.source, lab.replica)]:
            done.result()


def _many(lab, repository, prefix, schemas, tables, seconds):
    for server in (lab.source, lab.replica):
        server.sql("SET GLOBAL innodb_file_per_table=OFF")      # a file less for each, which is what takes the time
    _create_on_both(lab, prefix, schemas, tables)
    with Loads(lab, rate=60, ddl_every=0):
        taken = backup_watched(lab, repository, seconds=seconds).json
    print(f"{schemas} schemas, {schemas * tables} tables on {lab.flavour.flavour}: {taken['elapsed_ms']} ms, paused {taken['pause_ms']} ms")
    return taken


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_a_thousand_schemas(lab, repository):
    """And 2,000 tables: dumped, the pause as short as ever, and seeded."""
    taken = _many(lab, repository, "many", SCHEMAS, 2, 120)
    assert taken["pause_ms"] < 2000
    target = lab.target()
    target.sql("SET GLOBAL innodb_file_per_table=OFF")
    lab.wait_caught_up(seconds=120)
    tool.seed(repository, target, lab.sources, "--no-start")
    assert int(target.value("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'many%'")) == SCHEMAS
    assert int(target.value("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema LIKE 'many%'")) == 2 * SCHEMAS
    lab.drop(target)


@pytest.mark.soak
@pytest.mark.parametrize("lab", [MariaDB, MySQL97], ids=["mariadb", "mysql97"], indirect=True)
def test_twenty_thousand_tables(lab, repository):
    taken = _many(lab, repository, "wide", 20, MANY_TABLES // 20, 1200)
    assert taken["pause_ms"] < 5000
    lab.wait_caught_up(seconds=1200)
