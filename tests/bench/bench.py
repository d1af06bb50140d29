# SPDX-License-Identifier: Apache-2.0
"""The benchmark: one source and one replica per flavour, sysbench tables, a steady write load, slackwater and its peers in turn."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

from lab import accounts, place, proc
from lab.server import REPLICATION, MariaDB, MySQL97

SMALL = "bench_small"
ROWS_PER_TABLE = 1_000_000      # about 240 MB on disk


class Child:
    """What a finished process cost: wall seconds and peak resident memory."""

    def __init__(self, argv, shell=False, env=None):
        start = time.monotonic()
        self.process = subprocess.Popen(argv, shell=shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                                        executable="/bin/bash" if shell else None)
        errors = []
        reader = threading.Thread(target=lambda: errors.append(self.process.stderr.read()))
        reader.start()
        self.stdout = self.process.stdout.read().decode()
        reader.join()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.seconds = time.monotonic() - start
        self.returncode = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.peak_mib = usage.ru_maxrss / 1024
        self.stderr = errors[0].decode(errors="replace")
        if self.returncode:
            sys.exit(f"{argv} ended with {self.returncode}:\n{self.stderr[-3000:]}\n{self.stdout[-2000:]}")


class Bench:
    def __init__(self, flavour, options):
        self.flavour, self.o = flavour, options
        self.work = place.run_dir() / f"bench-{flavour.flavour}"
        self.work.mkdir(parents=True)
        big = {"innodb_buffer_pool_size": "1500M"}
        big |= {"innodb_log_file_size": "256M"} if flavour is MariaDB else {"innodb_redo_log_capacity": "512M"}
        self.source = flavour("source", **big).start()
        self.replica = flavour("replica", **big)
        self.big = big
        self.load = None
        self.result = {"server": flavour.version()}

    # ---- servers and load ----------------------------------------------------------------------------------------
    def sysbench(self, *words):
        return ["sysbench", "oltp_write_only", "--db-driver=mysql", f"--mysql-socket={self.source.socket}", "--mysql-user=root",
                "--mysql-db=sbtest", f"--table-size={ROWS_PER_TABLE}", *words]

    def prepare(self):
        accounts.create_on_source(self.source)
        self.source.sql("CREATE DATABASE sbtest", f"CREATE DATABASE {SMALL}",
                        f"CREATE TABLE {SMALL}.t (id INT PRIMARY KEY, v VARCHAR(20))",
                        f"INSERT INTO {SMALL}.t VALUES (1,'one'),(2,'two')")
        Child(self.sysbench("--tables=1", "prepare"))
        # The replica begins as a copy of the source's files: replicating the preparation would only take longer.
        self.source.stop()
        self.replica.dir.mkdir()
        shutil.copytree(self.source.dir / "data", self.replica.dir / "data", symlinks=True)
        (self.replica.dir / "data" / "auto.cnf").unlink(missing_ok=True)
        self.source.start()
        self.replica.start()
        if self.flavour is MariaDB:
            self.replica.sql(f"SET GLOBAL gtid_slave_pos='{self.source.variable('gtid_binlog_pos')}'")
        self.replica.sql(self.replica.change_source(self.source))
        self.replica.replication("start")
        self.option_file = accounts.option_file(self.work / "replica.cnf", self.replica, accounts.BACKUP)
        self.state = self.work / "state"
        self.start_load(1)

    def start_load(self, tables):
        self.load = proc.spawn(self.sysbench(f"--tables={tables}", "--threads=4", f"--rate={self.o.rate}", "--time=7200",
                                             "--mysql-ignore-errors=all", "run"),
                               stdout=subprocess.DEVNULL, stderr=open(self.work / "sysbench.err", "wb"))

    def stop_load(self):
        proc.end(self.load)
        self.replica.wait_caught_up(self.source, 300)

    def grow(self):
        """Four times the data, by replication."""
        self.stop_load()
        sysbench = self.sysbench("--tables=4", "--threads=2", "prepare")
        self.source.sql("DROP TABLE sbtest.sbtest1")
        Child(sysbench)
        self.replica.wait_caught_up(self.source, 900)
        self.start_load(4)

    # ---- measurements --------------------------------------------------------------------------------------------
    def backup(self, to, *words):
        # through the socket, as the peer: by TCP one of the two would pay for TLS
        child = Child([self.o.slackwater, "backup", f"--defaults-file={self.option_file}", f"--socket={self.replica.socket}",
                       f"--to=file://{to}", "--instance=bench", f"--state-dir={self.state}", "--json", "--log-level=warning", *words])
        return child, json.loads(child.stdout)

    def drop(self, repository):
        """With the memory of it: a repository that is gone is otherwise taken for a file system that is not mounted."""
        shutil.rmtree(repository)
        shutil.rmtree(self.state)

    def windows(self):
        """Many windows at the price of one small table each; all the data is there and being written."""
        to = self.work / "windows"
        pauses = [self.backup(to, f"--include={SMALL}.*")[1]["pause_ms"] for _ in range(self.o.windows)]
        self.drop(to)
        return {"windows": len(pauses), "pause_p50_ms": statistics.median(pauses), "pause_max_ms": max(pauses)}

    def peer_dump(self, out):
        words = f"--socket={self.replica.socket} -uroot --single-transaction --databases sbtest"
        if self.flavour is MariaDB:
            command = f"mariadb-dump {words}"
        else:
            words = words.replace(str(self.replica.socket), self.replica.inside(self.replica.socket))
            command = f"chroot {place.SID} mysqldump --set-gtid-purged=OFF {words}"
        return Child(f"set -o pipefail; {command} | zstd -q -1 -T2 > {out}", shell=True)

    def dumps(self):
        ours, theirs, peak, history, pause = [], [], 0, 0, []
        for i in range(self.o.rounds + 1):      # the first warms the caches and is not counted
            to = self.work / "dump"
            child, report = self.backup(to, f"--threads={self.o.threads}")
            peer = self.peer_dump(self.work / "peer.sql.zst")
            if i:
                ours.append(child.seconds)
                theirs.append(peer.seconds)
                pause.append(report["pause_ms"])
                peak = max(peak, child.peak_mib)
                history = max(history, report.get("history_max", 0))
            if i < self.o.rounds:
                self.drop(to)
        self.result["stored_mib"] = report["bytes_stored"] >> 20
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        return {"dump_s": statistics.median(ours), "peer_dump_s": statistics.median(theirs), "dump_ratio": ratio, "peak_mib": peak,
                "history_max": history, "dump_pause_ms": pause}

    def target(self, name):
        target = self.flavour(name, **self.big).start(gtid_mode="ON") if self.flavour is MySQL97 else \
            self.flavour(name, **self.big).start()
        accounts.create_on_target(target)
        return target

    def loads(self):
        """Into an empty server each time, slackwater and myloader in turn, from the same snapshot and with as many threads."""
        self.stop_load()
        plain = self.work / "plain"
        Child([self.o.slackwater, "restore", f"--from=file://{self.work / 'dump'}", "--instance=bench", f"--to-dir={plain}"])
        Child(f"zstd -q -d --rm {plain}/*.zst", shell=True)
        ours, theirs = [], []
        for i in range(self.o.rounds):
            with self.target(f"ours{i}") as target:
                file = accounts.option_file(self.work / "target.cnf", target, accounts.SEEDER, REPLICATION)
                child = Child([self.o.slackwater, "seed", f"--defaults-file={file}", f"--from=file://{self.work / 'dump'}",
                               "--instance=bench", f"--source=127.0.0.1:{self.source.port}", "--source-public-key=get",
                               f"--threads={self.o.threads}", f"--state-dir={self.state}", "--no-start", "--json",
                               "--log-level=warning"])
                ours.append(child.seconds)
            with self.target(f"theirs{i}") as target:
                user, password = accounts.SEEDER
                target.local("SELECT 1")
                child = Child(["myloader", "-h", "127.0.0.1", "-P", str(target.port), "-u", user, "-p", password, "-d", str(plain),
                               "-t", str(self.o.threads)])
                found = target.value("SELECT COUNT(*) FROM sbtest.sbtest1")
                assert found == self.source.value("SELECT COUNT(*) FROM sbtest.sbtest1"), "myloader lost rows"
                theirs.append(child.seconds)
        return {"load_s": statistics.median(ours), "peer_load_s": statistics.median(theirs),
                "load_ratio": statistics.median(a / b for a, b in zip(ours, theirs))}

    def run(self):
        self.prepare()
        small = self.windows()
        self.grow()
        self.result |= self.windows()
        self.result["pause_growth_ms"] = self.result["pause_p50_ms"] - small["pause_p50_ms"]
        self.result |= self.dumps()
        self.result |= self.loads()
        self.replica.discard()
        self.source.discard()
        return self.result


LIMITS = (("pause_p50_ms", 30), ("pause_max_ms", 200), ("pause_growth_ms", 10), ("dump_ratio", 0.6), ("load_ratio", 1.1),
          ("peak_mib", 200))


def table(results):
    width = 16
    print(f"{'figure':<20}{'limit':>8}" + "".join(f"{name:>{width}}" for name in results))
    limits = dict(LIMITS)
    for key in next(iter(results.values())):
        cells = "".join(f"{r[key] if not isinstance(r[key], float) else round(r[key], 2)!s:>{width}}" for r in results.values())
        print(f"{key:<20}{limits.get(key, ''):>8}{cells}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slackwater", required=True, type=pathlib.Path)
    parser.add_argument("--windows", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds of dump and load")
    parser.add_argument("--rate", type=int, default=200, help="transactions per second on the source")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--server", action="append", choices=["mariadb", "mysql97"])
    parser.add_argument("--json", default="bench.json", help="where the figures go as JSON")
    o = parser.parse_args()
    proc.end_on_signals()
    flavours = {"mariadb": MariaDB, "mysql97": MySQL97}
    results = {}
    for name in o.server or flavours:
        print(f"measuring {name} ...", flush=True)
        results[name] = Bench(flavours[name], o).run()
    table(results)
    pathlib.Path(o.json).write_text(json.dumps(results, indent=2) + "\n")
    missed = [f"{name}: {key} = {round(r[key], 2)} (at most {limit})" for name, r in results.items() for key, limit in LIMITS
              if r[key] > limit]
    for line in missed:
        print("MISSED", line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
