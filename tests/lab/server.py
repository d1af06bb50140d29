# SPDX-License-Identifier: Apache-2.0
"""One database server: how each flavour is started, asked, made a replica, and ended.

Server holds what all flavours share; MariaDB, MySQL97 and MySQL56 hold their words. A server is started from a copy of
a template data directory, initialised once per flavour and version and kept in the cache.
"""
import itertools
import os
import re
import shutil
import subprocess

import pymysql
import pymysql.cursors

from . import place, proc

_ids = itertools.count(100)

# Nothing here is about durability except where a test says so: the machines are small.
_QUICK = {
    "innodb_buffer_pool_size": "64M",
    "innodb_flush_log_at_trx_commit": 0,
    "innodb_doublewrite": 0,
    "sync_binlog": 0,
    "max_connections": 120,
    "skip_name_resolve": 1,
    "bind_address": "127.0.0.1",
    "binlog_format": "ROW",
    "max_allowed_packet": "64M",
}


class Server:
    flavour = None              # the name shown in test ids
    options = {}                # of every server of this flavour, under those given to start()
    words = {}                  # the version's own spelling, see below
    why_missing = None          # a reason when the flavour cannot be had here

    def __init__(self, name, **options):
        self.name = f"{self.flavour}-{name}"
        self.server_id = next(_ids)
        self.port = place.free_port()
        self.dir = self.home() / self.name
        self.options = {**_QUICK, **type(self).options, **options}
        self.child = None
        self.socket = self.dir / "s"
        self.error_log = self.dir / "error.log"
        self.general_log = self.dir / "general.log"

    # ---- life ----------------------------------------------------------------------------------------------------
    @classmethod
    def home(cls):
        return place.run_dir()

    @classmethod
    def version(cls):
        raise NotImplementedError

    @classmethod
    def argv(cls):
        """The command that runs this flavour's server, without options of ours, and the environment it needs."""
        raise NotImplementedError

    @classmethod
    def root(cls):
        return None

    @classmethod
    def inside(cls, path):
        """`path` as the server sees it."""
        return path

    @classmethod
    def initialise(cls, datadir):
        raise NotImplementedError

    @classmethod
    def template(cls):
        path = cls.home().parent / f"template-{cls.flavour}-{cls.version()}"
        with place.locked(path.with_suffix(".lock")):
            if not path.exists():
                fresh = path.with_suffix(".new")
                shutil.rmtree(fresh, ignore_errors=True)
                cls.initialise(fresh)
                (fresh / "auto.cnf").unlink(missing_ok=True)
                fresh.rename(path)
        return path

    def start(self, **options):
        """Start it, on a fresh data directory the first time; options given here stay for later starts."""
        self.options.update(options)
        if not self.dir.exists():
            self.dir.mkdir()
            subprocess.run(["cp", "-a", "--reflink=auto", self.template(), self.dir / "data"], check=True)
        command, environment = self.argv()
        own = {
            "datadir": self.inside(self.dir / "data"), "socket": self.inside(self.socket),
            "pid_file": self.inside(self.dir / "pid"), "log_error": self.inside(self.error_log),
            "general_log_file": self.inside(self.general_log), "tmpdir": self.inside(self.dir),
            "port": self.port, "server_id": self.server_id, "log_bin": "binlog", "relay_log": "relay",
        }
        given = {k: v for k, v in {**own, **self.options}.items() if v is not None}
        with open(self.dir / "output", "ab") as output:
            self.child = proc.spawn(command + [f"--{k}={v}" for k, v in given.items()], root=self.root(),
                                    env={**os.environ, **environment}, stdout=output, stderr=output)
        proc.wait_until(self._answers, 90, lambda: f"{self.name} to start:\n{self.tail()}")
        return self

    def _answers(self):
        if self.child.poll() is not None:
            raise AssertionError(f"{self.name} ended while starting:\n{self.tail()}")
        try:
            self.connect().close()
            return True
        except pymysql.err.OperationalError:
            return False

    def stop(self):
        """A clean shutdown."""
        if self.child:
            rc = proc.end(self.child, grace=120)
            self.child = None
            assert rc == 0, f"{self.name} did not shut down cleanly ({rc}):\n{self.tail()}"

    def crash(self):
        if self.child:
            proc.end(self.child)
            self.child = None

    def discard(self):
        """End it at once and remove its files: nobody will look at them again."""
        self.crash()
        if not os.environ.get("SLACKWATER_LAB_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    def restart(self, **options):
        self.stop()
        return self.start(**options)

    def tail(self, lines=25):
        text = self.error_log.read_text(errors="replace") if self.error_log.exists() else ""
        output = self.dir / "output"
        text = text or (output.read_text(errors="replace") if output.exists() else "")
        return "\n".join(text.splitlines()[-lines:])

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.discard()

    # ---- asking --------------------------------------------------------------------------------------------------
    def connect(self, user="root", password="", **more):
        """root comes through the socket and has no password; anybody else comes by TCP."""
        way = {"unix_socket": str(self.socket)} if user == "root" else {"host": "127.0.0.1", "port": self.port}
        more.setdefault("autocommit", True)
        return pymysql.connect(user=user, password=password, charset="utf8mb4", connect_timeout=10,
                               cursorclass=pymysql.cursors.DictCursor, **way, **more)

    def sql(self, *statements):
        """Run statements as root on a connection of their own; the rows of the last one, as dictionaries."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def value(self, query):
        rows = self.sql(query)
        return next(iter(rows[0].values())) if rows else None

    def variable(self, name):
        return self.value(f"SELECT @@global.{name}")

    def local(self, *statements):
        """Run statements that must not enter the binary log."""
        return self.sql("SET SESSION sql_log_bin=0", *statements)

    # ---- replication ---------------------------------------------------------------------------------------------
    def status(self, channel=""):
        """The status of one channel, under the names of MySQL 5.6 and MariaDB whatever the version; {} if none."""
        for row in self.sql(self.words["status"]):
            row = {self._old_name(k): v for k, v in row.items()}
            if row.get("Connection_name", row.get("Channel_Name", "")) == channel:
                return row
        return {}

    @staticmethod
    def _old_name(column):
        return column.replace("Source", "Master").replace("Replica_", "Slave_").replace("Get_master", "Get_Master")

    def replication(self, verb, channel="", what=""):
        """START, STOP or RESET of a channel in this version's words."""
        self.sql(self.words[verb].format(what=what, name=quoted(channel),
                                         channel=f"FOR CHANNEL {quoted(channel)}" if channel else "").strip())

    def follow(self, source, channel="", **how):
        """Become a replica of `source` from the very beginning of its binary log, and start."""
        self.sql(self.change_source(source, channel, **how))
        self.replication("start", channel)
        proc.wait_until(lambda: self.running(channel), 30, lambda: f"{self.name} to replicate: {self.trouble(channel)}")

    def running(self, channel=""):
        row = self.status(channel)
        return row.get("Slave_IO_Running") == "Yes" and row.get("Slave_SQL_Running") == "Yes"

    def applier_running(self, channel=""):
        return self.status(channel).get("Slave_SQL_Running") == "Yes"

    def trouble(self, channel=""):
        """What replication complains of, or ''."""
        row = self.status(channel)
        found = [f"{row[k + '_Errno']}: {row[k + '_Error']}" for k in ("Last_SQL", "Last_IO") if row.get(k + "_Errno")]
        return "; ".join(found)

    def wait_caught_up(self, source, seconds=60, channel="", goal=None):
        """Wait until all that `source` has committed by now (or `goal`) is applied here; an error ends the wait."""
        goal = goal or source.committed()
        def done():
            if self.applied(goal, channel):
                return True
            row = self.status(channel)
            assert not row.get("Last_SQL_Errno"), f"{self.name}: {self.trouble(channel)}"
            assert row.get("Last_IO_Errno") in (0, None) or row.get("Slave_IO_Running") != "No", \
                f"{self.name}: {self.trouble(channel)}"
            return False
        proc.wait_until(done, seconds, lambda: f"{self.name} to apply {goal}: {self.status(channel)}")

    def committed(self):
        """What this server has in its binary log now: something applied() understands."""
        raise NotImplementedError

    def applied(self, goal, channel=""):
        raise NotImplementedError

    def change_source(self, source, channel="", **how):
        raise NotImplementedError

    def binlog_position(self):
        row = self.sql(self.words["own binlog"])[0]
        return row["File"], int(row["Position"])

    def uuid(self):
        return self.variable("server_uuid")


def _position(file, pos):
    """Comparable; binary log names are compared by their number, which may outgrow its six digits."""
    return (int(re.search(r"\.(\d+)$", file).group(1)) if file else 0, int(pos or 0))


class _ByPosition:
    """Catching up by file and position: a low-water mark on every server, so reaching it means everything is applied."""

    def committed(self):
        return self.binlog_position()

    def applied(self, goal, channel=""):
        row = self.status(channel)
        return _position(row.get("Relay_Master_Log_File"), row.get("Exec_Master_Log_Pos")) >= _position(*goal)


class MariaDB(_ByPosition, Server):
    flavour = "mariadb"
    where = place.MARIADB_ROOT      # a root with another series than this machine's
    options = {"slave_parallel_threads": 4, "slave_parallel_mode": "optimistic", "log_slave_updates": "ON",
               "innodb_log_file_size": "32M", "skip_slave_start": 1, "loose_innodb_fast_shutdown": 1}
    words = {
        "status": "SHOW ALL SLAVES STATUS", "start": "START SLAVE {name} {what}", "stop": "STOP SLAVE {name} {what}",
        "reset": "RESET SLAVE {name} ALL", "own binlog": "SHOW MASTER STATUS", "reset binlog": "RESET MASTER",
        "until": "START SLAVE {name} SQL_THREAD UNTIL {what}",
    }

    @classmethod
    def home(cls):
        return place.run_dir(cls.where / "lab") if cls.where else super().home()

    @classmethod
    def root(cls):
        return str(cls.where) if cls.where else None

    @classmethod
    def inside(cls, path):
        return "/" + str(path.relative_to(cls.where)) if cls.where else path

    @classmethod
    def _run(cls, *argv):
        where = ["chroot", cls.where] if cls.where else []
        return subprocess.run([*where, *argv], capture_output=True, text=True, check=True).stdout

    @classmethod
    def version(cls):
        return re.search(r"Ver ([\d.]+)", cls._run("mariadbd", "--no-defaults", "--version")).group(1)

    @classmethod
    def argv(cls):
        return ["/usr/sbin/mariadbd" if cls.where else "mariadbd", "--no-defaults", "--user=root"], {}

    @classmethod
    def initialise(cls, datadir):
        # --force: a root of its own may know no name of this host, which matters to nobody here
        cls._run("mariadb-install-db", "--no-defaults", f"--datadir={cls.inside(datadir)}", "--user=root", "--skip-test-db", "--force",
                 "--auth-root-authentication-method=normal", "--innodb-log-file-size=32M")

    def change_source(self, source, channel="", gtid=True, at=None, account=None):
        user, password = account or REPLICATION
        file, pos = at or (source.sql("SHOW BINARY LOGS")[0]["Log_name"], 4)
        where = "MASTER_USE_GTID=slave_pos" if gtid else \
            f"MASTER_USE_GTID=no, MASTER_LOG_FILE='{file}', MASTER_LOG_POS={pos}"
        return (f"CHANGE MASTER {quoted(channel)} TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, "
                f"MASTER_USER='{user}', MASTER_PASSWORD='{password}', MASTER_CONNECT_RETRY=1, {where}")

    def committed(self):
        return self.variable("gtid_binlog_pos"), self.binlog_position()

    def applied(self, goal, channel=""):
        gtids, position = goal
        if self.status(channel).get("Using_Gtid") == "No":
            return super().applied(position, channel)
        here = gtid_positions(self.variable("gtid_slave_pos"))
        return all(here.get(domain, 0) >= number for domain, number in gtid_positions(gtids).items())

    def uuid(self):
        return None     # MariaDB has none


class MySQL97(_ByPosition, Server):
    flavour = "mysql97"
    options = {"mysqlx": "OFF", "gtid_mode": "ON", "enforce_gtid_consistency": "ON", "secure_file_priv": "",
               "replica_parallel_workers": 4, "replica_preserve_commit_order": "ON", "skip_replica_start": "ON",
               "innodb_redo_log_capacity": "32M", "binlog_format": None,
               # what nobody here asks for would be half of its memory, and half of the time it takes to start
               "innodb_log_buffer_size": "4M", "performance_schema_digests_size": 200,
               "performance_schema_events_statements_history_long_size": 100, "performance_schema_events_transactions_history_long_size": 100,
               "performance_schema_accounts_size": 20, "performance_schema_users_size": 20, "performance_schema_hosts_size": 20}
    words = {
        "status": "SHOW REPLICA STATUS", "start": "START REPLICA {what} {channel}",
        "stop": "STOP REPLICA {what} {channel}", "reset": "RESET REPLICA ALL {channel}",
        "own binlog": "SHOW BINARY LOG STATUS", "reset binlog": "RESET BINARY LOGS AND GTIDS",
        "until": "START REPLICA SQL_THREAD UNTIL {what} {channel}",
    }

    @classmethod
    def home(cls):
        return place.run_dir(place.SID / "lab")

    @classmethod
    def root(cls):
        return str(place.SID)

    @classmethod
    def inside(cls, path):
        return "/" + str(path.relative_to(place.SID))

    @classmethod
    def version(cls):
        out = subprocess.run(["chroot", place.SID, "mysqld", "--no-defaults", "--version"], capture_output=True,
                             text=True, check=True)
        return re.search(r"Ver ([\d.]+)", out.stdout).group(1)

    @classmethod
    def argv(cls):
        return ["/usr/sbin/mysqld", "--no-defaults", "--user=root"], {}

    @classmethod
    def initialise(cls, datadir):
        subprocess.run(["chroot", place.SID, "mysqld", "--no-defaults", "--user=root", "--initialize-insecure",
                        "--secure-file-priv=", "--innodb-redo-log-capacity=32M", f"--datadir={cls.inside(datadir)}"],
                       check=True, capture_output=True)

    def change_source(self, source, channel="", gtid=True, at=None, account=None):
        user, password = account or REPLICATION
        file, pos = at or (source.sql("SHOW BINARY LOGS")[0]["Log_name"], 4)
        where = "SOURCE_AUTO_POSITION=1" if gtid else \
            f"SOURCE_AUTO_POSITION=0, SOURCE_LOG_FILE='{file}', SOURCE_LOG_POS={pos}"
        suffix = f" FOR CHANNEL {quoted(channel)}" if channel else ""
        return (f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={source.port}, "
                f"SOURCE_USER='{user}', SOURCE_PASSWORD='{password}', SOURCE_CONNECT_RETRY=1, "
                f"GET_SOURCE_PUBLIC_KEY=1, {where}{suffix}")

    def committed(self):
        return self.variable("gtid_executed").replace("\n", ""), self.binlog_position()

    def applied(self, goal, channel=""):
        gtids, position = goal
        if self.variable("gtid_mode") == "OFF":
            return super().applied(position, channel)
        return bool(self.value(f"SELECT GTID_SUBSET('{gtids}', @@global.gtid_executed)"))


class MySQL56(_ByPosition, Server):
    flavour = "mysql56"
    options = {"innodb_flush_log_at_trx_commit": 2,
               "slave_parallel_workers": 4, "log_slave_updates": 1, "master_info_repository": "TABLE",
               "relay_log_info_repository": "TABLE", "skip_slave_start": 1, "performance_schema": "OFF",
               "explicit_defaults_for_timestamp": 1, "innodb_log_file_size": "48M",
               "sql_mode": "NO_ENGINE_SUBSTITUTION,STRICT_TRANS_TABLES"}
    words = {
        "status": "SHOW SLAVE STATUS", "start": "START SLAVE {what}", "stop": "STOP SLAVE {what}",
        "reset": "RESET SLAVE ALL", "own binlog": "SHOW MASTER STATUS", "reset binlog": "RESET MASTER",
        "until": "START SLAVE SQL_THREAD UNTIL {what}",
    }

    @classmethod
    def version(cls):
        command, environment = cls.argv()
        out = subprocess.run([command[0], "--no-defaults", "--version"], capture_output=True, text=True, check=True,
                             env={**os.environ, **environment})
        return re.search(r"Ver ([\d.]+)", out.stdout).group(1)

    @classmethod
    def argv(cls):
        home = place.MYSQL56
        return [str(home / "mysqld"), "--no-defaults", "--user=root", f"--basedir={home}",
                f"--lc-messages-dir={home}/share", f"--character-sets-dir={home}/share/charsets"], \
            {"LD_LIBRARY_PATH": str(home)}

    @classmethod
    def initialise(cls, datadir):
        subprocess.run(["cp", "-a", place.MYSQL56 / "data" / "mysql", datadir], check=True)
        server = cls("template")
        server.dir.mkdir()
        (datadir / "auto.cnf").unlink(missing_ok=True)
        datadir.rename(server.dir / "data")
        with server.start(log_bin=None):
            # the package's directory comes with anonymous accounts and a test schema
            server.sql("DELETE FROM mysql.user WHERE User='' OR Host NOT IN ('localhost')", "DELETE FROM mysql.db",
                       "DROP DATABASE IF EXISTS test", "FLUSH PRIVILEGES")
            server.stop()
            (server.dir / "data").rename(datadir)
        (datadir / "auto.cnf").unlink(missing_ok=True)

    def change_source(self, source, channel="", gtid=False, at=None, account=None):
        user, password = account or REPLICATION
        file, pos = at or (source.sql("SHOW BINARY LOGS")[0]["Log_name"], 4)
        assert not channel, "5.6 has one channel"
        where = "MASTER_AUTO_POSITION=1" if gtid else f"MASTER_LOG_FILE='{file}', MASTER_LOG_POS={pos}"
        return (f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='{user}', "
                f"MASTER_PASSWORD='{password}', MASTER_CONNECT_RETRY=1, {where}")


def quoted(name):
    """A channel's name, whatever it holds, or nothing at all for the default one."""
    return "'" + name.replace("\\", "\\\\").replace("'", "''") + "'" if name else ""


def gtid_positions(text):
    """MariaDB's '0-1-7,1-1-3' as {0: 7, 1: 3}."""
    parts = (p.split("-") for p in text.replace("\n", "").split(",") if p)
    return {int(domain): int(number) for domain, _server, number in parts}


# The accounts of every lab. Their passwords protect servers on loopback that live for a minute.
REPLICATION = ("repl", "repl-pw-1")
FLAVOURS = (MariaDB, MySQL97, MySQL56)

if not (place.SID / "usr/sbin/mysqld").exists():
    MySQL97.why_missing = "MySQL 9.7 (Debian sid root) is not here"
if not (place.MYSQL56 / "mysqld").exists():
    MySQL56.why_missing = "MySQL 5.6 is not here"
