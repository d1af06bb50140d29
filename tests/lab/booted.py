# SPDX-License-Identifier: Apache-2.0
"""The package where systemd is the first process, with the units as shipped: what packaging/test-systemd.sh runs, in a mount namespace of its own."""
import argparse
import json
import re
import sys
import time

from . import accounts, place, proc
from .load import Load
from .machine import CannotBoot, Machine, Service
from .package import CONFIG, HOME, Story, higher
from .server import REPLICATION, MariaDB

AGENT, SECOND = "slackwater.service", "slackwater@second.service"
TOKEN = "a-token-that-nobody-else-has-0123456789abcdef"
SECRETS = (accounts.BACKUP[1], REPLICATION[1], TOKEN)

SERVERS = """
[mariadbd]
server_id = 2
log_bin = mariadb-bin
log_slave_updates = 1
slave_parallel_threads = 4
slave_parallel_mode = optimistic
innodb_buffer_pool_size = 64M
bind_address = 127.0.0.1
skip_name_resolve = 1

[mariadbd.source]
server_id = 1
port = 3307
socket = /run/mysqld/source.sock
pid_file = /run/mysqld/source.pid
datadir = /var/lib/mysql-source
"""

SECTIONS = """
[instance db2]
defaults-file = /etc/slackwater/replica.cnf

[store main]
url = file:///srv/backup

[snapshot often]
instance = db2
store = main
keep-last = 3
exclude = shelf.plain

[snapshot slow]
instance = db2
store = main
include = shelf.*
zstd-level = 19
threads = 1
retries = 0
"""
# What a team would have at once: a schedule, and proofs.
BUSY = """schedule = @every 15s
proof-schedule = @every 20s
proof-source = 127.0.0.1:3307
proof-source-user = repl
proof-defaults-file = /etc/slackwater/replica.cnf
"""

# The lines that OPERATING names: a repository in a directory, and a group that may give orders.
DROP_IN = """[Service]
ReadWritePaths=/srv/backup
SupplementaryGroups=operators
"""


class Booted:
    def __init__(self, deb, machine):
        self.deb, self.machine = deb, machine
        self.source = Service(machine, "source", 3307, "/run/mysqld/source.sock")
        self.replica = Service(machine, "replica", 3306, "/run/mysqld/mysqld.sock")
        self.load = self.shipped = None
        self.config = ""

    # ---- helpers -------------------------------------------------------------------------------------------------
    def write_on(self):
        """The load, from where it was; its path to the source is that of this boot."""
        self.load = Load(self.source, rate=20, ddl_every=0)
        self.load.start()

    def write(self, busy="", more=""):
        self.config = self.shipped + SECTIONS.replace("keep-last = 3\n", f"keep-last = 3\n{busy}", 1) + more
        self.machine.path(CONFIG).write_text(self.config)

    def view(self, *which):
        return json.loads(self.machine.run("slackwater", "status", *(which or ("--config", CONFIG)), "--json", "--log-level", "error"))

    def runs(self, kind="backup"):
        """Newest first."""
        return [r for r in self.view()["runs"] if r["kind"] == kind]

    def wait_run(self, state, seconds, kind="backup"):
        """The newest run that is in this state."""
        def look():
            return next((r for r in self.runs(kind) if r["state"] == state), None)
        return proc.wait_until(look, seconds, lambda: f"a {kind} that is {state}: {self.runs(kind)}\n{self.log()}", every=0.3)

    def log(self, unit=AGENT, lines=25):
        return self.machine.journal("--unit", unit, "--lines", str(lines))

    def since(self):
        """A place in the journal, for log_since."""
        return self.machine.run("journalctl", "--show-cursor", "--lines=0").split("cursor: ")[1].strip()

    def log_since(self, cursor, unit=AGENT):
        return self.machine.journal("--unit", unit, "--after-cursor", cursor)

    def drop_in(self, unit, text, name="local"):
        """As `systemctl edit` would write it; without a text it is taken away."""
        path = self.machine.path(f"/etc/systemd/system/{unit}.d/{name}.conf")
        path.parent.mkdir(exist_ok=True)
        if text:
            path.write_text(text)
        else:
            path.unlink()
        self.machine.systemctl("daemon-reload")

    def main_pid(self, unit=AGENT):
        return int(self.machine.shown(unit, "MainPID"))

    def signal(self, name, unit=AGENT):
        self.machine.systemctl("kill", "--kill-whom=main", f"--signal={name}", unit)

    def wait_running(self, unit=AGENT, other_than=0, seconds=60):
        """Its process number, once it is one that is not `other_than` and has said that it is ready."""
        def look():
            state, pid = self.machine.shown(unit, "SubState", "MainPID")
            return int(pid) if state == "running" and int(pid) not in (0, other_than) else None
        return proc.wait_until(look, seconds, lambda: f"{unit} to run: {self.log(unit)}", every=0.2)

    def applier(self):
        return self.replica.status().get("Slave_SQL_Running")

    def in_pause(self):
        """A backup of the agent's begins, and has its applier stopped: a table without read views is copied meanwhile, and that takes long."""
        assert self.applier() == "Yes"
        self.machine.run("slackwater", "run", "slow", user="operator")
        proc.wait_until(lambda: self.applier() == "No", 60, lambda: f"the applier to be stopped: {self.runs()[:1]}\n{self.log()}", every=0.05)

    def wait_applier(self, seconds):
        """How long it took until the applier ran again; the server's own switch would start it after a minute."""
        begun = time.monotonic()
        proc.wait_until(lambda: self.applier() == "Yes", seconds, lambda: f"the applier to be started:\n{self.log()}", every=0.05)
        return time.monotonic() - begun

    # ---- the steps -----------------------------------------------------------------------------------------------
    def install(self):
        m = self.machine
        m.apt("install", m.put(self.deb))
        assert m.shown(AGENT, "LoadState", "ActiveState", "UnitFileState") == ["loaded", "inactive", "disabled"]
        assert m.look(HOME) == "0700 slackwater slackwater" and m.look("/run/slackwater") == "0755 slackwater slackwater"
        self.shipped = m.path(CONFIG).read_text()

    def unconfigured(self):
        """A configuration with nothing in it: said once, and not tried again."""
        m = self.machine
        m.systemctl("start", AGENT, expect=1)
        assert m.shown(AGENT, "ActiveState", "Result", "NRestarts", "ExecMainStatus") == ["failed", "exit-code", "0", "2"], self.log()
        log = self.log()
        assert CONFIG in log and "instance" in log, log
        return re.search(r'level=error.*?msg="(.*)"$', log, re.M)[1]

    def servers(self):
        m = self.machine
        m.path("/etc/mysql/mariadb.conf.d/90-lab.cnf").write_text(SERVERS)
        m.run("install", "-d", "-o", "mysql", "-g", "mysql", "-m", "0700", "/var/lib/mysql-source")
        m.systemctl("restart", "mariadb.service")
        m.systemctl("enable", "--now", "mariadb@source.service")
        self.source.sql(*accounts.statements_for_source(MariaDB))
        self.replica.follow(self.source)
        noise = ", ".join(f"SHA2({number} * seq, 512)" for number in range(1, 9))      # a kilobyte that is hard to compress
        self.source.sql("CREATE DATABASE shelf", "USE shelf", "CREATE TABLE shelf.plain (id INT PRIMARY KEY, body TEXT) ENGINE=MyISAM",
                        f"INSERT INTO shelf.plain SELECT seq, CONCAT({noise}) FROM seq_1_to_30000",
                        "CREATE TABLE shelf.checked (word VARCHAR(20) PRIMARY KEY CHECK (word REGEXP '^[a-z]+(-[a-z]+)*$'))",
                        "INSERT INTO shelf.checked VALUES ('slack'),('slack-water')")
        self.write_on()
        self.load.wait_written(40)
        self.replica.wait_caught_up(self.source)
        return self.replica.value("SELECT VERSION()")

    def configure(self):
        m = self.machine
        for name, text in ("replica.cnf", None), ("token", TOKEN + "\n"):
            path = m.path(f"/etc/slackwater/{name}")
            if text:
                path.write_text(text)
            else:
                accounts.option_file(path, self.replica, accounts.BACKUP, source_account=REPLICATION)
            m.run("chown", "slackwater:slackwater", f"/etc/slackwater/{name}")
            m.run("chmod", "0600", f"/etc/slackwater/{name}")
        m.run("groupadd", "--system", "operators")
        m.run("useradd", "--system", "--gid", "operators", "--no-create-home", "operator")
        for directory in "/srv/backup", "/srv/second":
            m.run("install", "-d", "-o", "slackwater", "-g", "slackwater", "-m", "0700", directory)
        for was, now in (("#control-group = slackwater", "control-group = operators"), ("#listen = 127.0.0.1:9877", "listen = 127.0.0.1:9877"),
                         ("#token-file = ", "token-file = "), ("#poll-interval = 10s", "poll-interval = 1s"), ("#stop-timeout = 60s", "stop-timeout = 5s")):
            assert was in self.shipped, was
            self.shipped = self.shipped.replace(was, now, 1)
        self.write()
        m.run("slackwater", "check", "--config", CONFIG, user="slackwater", HOME=HOME)

    def sealed(self):
        """Without a line for it in a drop-in, a repository in a directory cannot be written to: the run says so, and how to mend it."""
        m = self.machine
        self.drop_in(AGENT, DROP_IN.replace("ReadWritePaths", "#ReadWritePaths"))
        m.systemctl("start", AGENT)
        m.run("slackwater", "run", "often", user="operator")
        failed = self.wait_run("failed", 40)
        m.systemctl("stop", AGENT)
        assert "ReadWritePaths" in json.dumps(failed), failed
        return failed["error"]["message"]

    def start(self):
        """`systemctl start` comes back when the agent is ready."""
        m = self.machine
        self.write(busy=BUSY)
        self.drop_in(AGENT, DROP_IN)
        m.systemctl("start", AGENT)
        assert m.shown(AGENT, "Type", "ActiveState", "SubState") == ["notify", "active", "running"]
        assert m.run("slackwater", "status", "--control-socket", "/run/slackwater/control.sock", user="operator")
        assert m.look("/run/slackwater/control.sock") == "0660 slackwater operators"
        said = m.systemctl("status", AGENT)
        assert re.search(r"Active: active \(running\)", said) and re.search(r'Status: "(next is often at|running )', said), said
        return m.shown(AGENT, "StatusText")

    def scheduled(self):
        taken = self.wait_run("succeeded", 60)
        assert taken["trigger"] == "schedule" and self.applier() == "Yes"
        return f"pause {taken['result']['pause_ms']} ms"

    def proven(self):
        """The scratch server runs in the same seal: its regular expressions, its files, its niceness."""
        proof = self.wait_run("succeeded", 120, "proof")
        return f"{proof['result']['proof']['tables']} tables, {proof['result']['proof']['transactions']} transactions caught up with"

    def reload(self):
        m = self.machine
        self.write(more="\n[snapshot aside]\ninstance = db2\nstore = main\nexclude = shelf.plain\n")
        pid = self.main_pid()
        m.systemctl("reload", AGENT)
        proc.wait_until(lambda: {s["name"] for s in self.view()["snapshots"]} == {"often", "slow", "aside"}, 20, lambda: f"the new section:\n{self.log()}")
        assert self.main_pid() == pid and m.shown(AGENT, "SubState") == "running"

    def reload_refused(self):
        """systemctl itself says that it was refused, the journal why, and what was in force stays so."""
        m = self.machine
        pid, good, place_before = self.main_pid(), self.config, self.since()
        m.path(CONFIG).write_text(good + "shcedule = @daily\n")
        said = m.systemctl("reload", AGENT, expect=1)
        assert m.shown(AGENT, "ActiveState", "SubState") == ["active", "running"] and self.main_pid() == pid, said
        log = self.log_since(place_before)
        line = good.count("\n") + 1
        assert f"{CONFIG}:{line}: " in log and "did you mean" in log, log
        assert {s["name"] for s in self.view("--control-socket", "/run/slackwater/control.sock")["snapshots"]} == {"often", "slow", "aside"}
        # whoever sends the signal himself is told by the status
        self.signal("HUP")
        proc.wait_until(lambda: "configuration" in m.shown(AGENT, "StatusText"), 20, lambda: m.systemctl("status", AGENT))
        told = m.shown(AGENT, "StatusText")
        m.path(CONFIG).write_text(good)
        m.systemctl("reload", AGENT)
        proc.wait_until(lambda: "configuration" not in m.shown(AGENT, "StatusText"), 20, lambda: m.systemctl("status", AGENT))
        return told

    def killed(self):
        """With signal 9: what the unit runs afterwards starts the applier, before there is a new agent."""
        m = self.machine
        pid, restarts, place_before = self.main_pid(), int(m.shown(AGENT, "NRestarts")), self.since()
        self.in_pause()
        self.signal("KILL")
        took = self.wait_applier(40)
        self.wait_running(other_than=pid)
        log = self.log_since(place_before)
        assert re.search(r"journals +1 found, 0 left", log), log
        assert log.index("1 found, 0 left") < log.rindex('msg="agent '), log
        assert int(m.shown(AGENT, "NRestarts")) == restarts + 1 and self.runs()[0]["state"] == "failed", self.runs()[0]
        self.replica.wait_caught_up(self.source)
        return f"after {took:.1f} s"

    def frozen(self):
        """WatchdogSec= as it is shipped is a minute; here a few seconds, so that nobody waits for it."""
        m = self.machine
        assert m.shown(AGENT, "WatchdogUSec") == "1min"
        self.drop_in(AGENT, "[Service]\nWatchdogSec=6\n", "quick")
        m.systemctl("restart", AGENT)
        pid, place_before = self.wait_running(), self.since()
        self.in_pause()
        self.signal("STOP")
        took = self.wait_applier(40)
        self.wait_running(other_than=pid)
        log = self.log_since(place_before)
        assert "atchdog timeout" in m.journal("--after-cursor", place_before) and re.search(r"journals +1 found, 0 left", log), log
        self.drop_in(AGENT, None, "quick")
        m.systemctl("restart", AGENT)
        return f"after {took:.1f} s"

    def stopped(self):
        """The run is told to end, starts its applier, and the agent waits for that: nothing is left for what comes after it."""
        m = self.machine
        place_before = self.since()
        self.in_pause()
        begun = time.monotonic()
        m.systemctl("stop", AGENT)
        took = time.monotonic() - begun
        assert self.applier() == "Yes", self.log()
        assert m.shown(AGENT, "ActiveState", "Result", "ExecMainStatus") == ["inactive", "success", "0"], self.log()
        log = self.log_since(place_before)
        assert "is told to end, because the agent does" in log and re.search(r"journals +0 found, 0 left", log), log
        return f"{took:.1f} s, of which the run was given 5"

    def bare(self):
        """Somebody has removed its directories: the unit makes them again, as they were."""
        m = self.machine
        m.systemctl("stop", AGENT)
        m.run("rm", "-r", HOME, "/var/log/slackwater", "/run/slackwater")
        m.systemctl("start", AGENT)
        wanted = {HOME: "0700 slackwater slackwater", "/var/log/slackwater": "0750 slackwater slackwater", "/run/slackwater": "0755 slackwater slackwater"}
        assert {path: m.look(path) for path in wanted} == wanted
        m.run("slackwater", "run", "aside", "--wait", user="operator")
        assert [r["state"] for r in self.runs()] == ["succeeded"]

    def second(self):
        """An instance of the template, with state and socket of its own, beside the first."""
        m = self.machine
        text = self.config.replace("listen = 127.0.0.1:9877", "listen = 127.0.0.1:9878", 1).replace("/srv/backup", "/srv/second")
        text = text.replace(f"state-dir = {HOME}\n", f"state-dir = {HOME}/second\n", 1)
        text = text.replace("/run/slackwater/control.sock", "/run/slackwater/second.sock", 1)
        m.path("/etc/slackwater/second.conf").write_text(text)
        self.drop_in(SECOND, DROP_IN.replace("/srv/backup", "/srv/second"))
        m.systemctl("start", SECOND)
        m.run("slackwater", "run", "often", "--wait", "--control-socket", "/run/slackwater/second.sock", user="operator")
        assert m.path(f"{HOME}/second/agent.json").exists() and list(m.path("/srv/second").rglob("manifests/*.json"))
        # the end of one leaves the other its sockets
        m.systemctl("restart", SECOND)
        assert self.view()["snapshots"] and m.path("/run/slackwater/second.sock").exists()
        m.systemctl("start", "slackwater@third.service")
        assert m.shown("slackwater@third.service", "ActiveState", "ConditionResult") == ["inactive", "no"]

    def upgraded(self):
        """Under two running agents, one of them in a pause."""
        m = self.machine
        before = {unit: self.main_pid(unit) for unit in (AGENT, SECOND)}
        version = m.run("dpkg-query", "-W", "-f", "${Version}", "slackwater") + "+higher1"
        self.in_pause()
        m.apt("install", m.put(higher(self.deb, version, place.run_dir())))
        assert self.applier() == "Yes", self.log()
        for unit, pid in before.items():
            self.wait_running(unit, other_than=pid)
            assert m.shown(unit, "UnitFileState") == "disabled" and m.shown(unit, "NeedDaemonReload") == "no"
        assert m.path(CONFIG).read_text() == self.config
        assert self.runs()[0]["state"] in ("cancelled", "failed"), self.runs()[0]

    def rebooted(self):
        """Enabled, and the power switched off in a pause: the agent ends before its server does, and is back after it."""
        m = self.machine
        m.systemctl("enable", AGENT, SECOND)
        self.load.stop()
        place_before = self.since()
        self.in_pause()
        m.power_off()
        m.boot()
        for unit in AGENT, SECOND:
            self.wait_running(unit)
        ended = m.journal("--after-cursor", place_before)
        assert re.search(r"the agent has ended.*Stopped mariadb\.service", ended, re.S), ended
        assert re.search(r"Started mariadb\.service.*Starting slackwater\.service", ended, re.S), ended
        assert "left open" not in ended and re.search(r"journals +0 found, 0 left", ended), ended
        proc.wait_until(lambda: self.applier() == "Yes", 30, "the applier to run")
        m.run("slackwater", "run", "often", "--wait", user="operator")
        self.write_on()
        assert m.run("systemctl", "is-system-running", expect=None).strip() == "running", m.systemctl("--failed")

    def secret(self):
        """Nowhere where somebody who is not root, or in adm, can read: journal, units, arguments, environments."""
        m = self.machine
        told = m.journal("--boot=all")
        shown = m.systemctl("show", AGENT, SECOND) + m.systemctl("status", AGENT, SECOND)
        processes = m.run("sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'", expect=None)
        for secret in SECRETS:
            for text in told, shown, processes:
                assert secret not in text, re.search(rf".*{re.escape(secret)}.*", text)[0].replace(secret, "(a secret)")
        assert len(re.findall("slackwater", told)) > 100
        return f"{told.count(chr(10))} lines"

    def removed(self):
        m = self.machine
        self.in_pause()
        m.apt("remove", "slackwater")
        assert self.applier() == "Yes", self.log()
        for unit in AGENT, SECOND:
            assert m.shown(unit, "ActiveState") == "inactive", self.log(unit)
        assert m.shown(AGENT, "LoadState") in ("not-found", "masked")
        assert not m.run("pgrep", "-u", "slackwater", expect=None).strip()
        assert m.path(f"{HOME}/agent.json").exists() and m.path(CONFIG).exists()

    def purged(self):
        m = self.machine
        m.apt("purge", "slackwater")
        m.systemctl("daemon-reload")
        assert m.shown(AGENT, "LoadState") == "not-found"
        left = [p for p in m.path("/etc/systemd/system").rglob("slackwater*") if not p.name.endswith(".d")]
        assert not left, left
        for gone in CONFIG, HOME, "/var/log/slackwater", "/run/slackwater":
            assert not m.path(gone).exists(), gone
        assert list(m.path("/srv/backup").rglob("manifests/*.json"))
        assert self.replica.running() and not self.replica.trouble()


STORY = (
    ("installed, nothing is started, nothing enabled", Booted.install, True),
    ("without a configuration it says so once, and is not tried again", Booted.unconfigured, False),
    ("a replica and its source run as services", Booted.servers, True),
    ("it is configured as the guide says", Booted.configure, True),
    ("a repository that the unit does not name is refused, with what to do", Booted.sealed, False),
    ("systemctl start returns when it is ready; status and socket are as they should be", Booted.start, True),
    ("the unit's seal lets a scheduled snapshot be taken", Booted.scheduled, True),
    ("the unit's seal lets it be proven in a scratch server", Booted.proven, False),
    ("systemctl reload takes over a changed configuration", Booted.reload, True),
    ("systemctl reload refuses a wrong one", Booted.reload_refused, False),
    ("killed in a pause: the applier is started, then the agent", Booted.killed, False),
    ("frozen in a pause: the watchdog ends it, and the applier is started", Booted.frozen, False),
    ("systemctl stop in a pause: the run starts its applier first", Booted.stopped, False),
    ("its directories are made again when they are missing", Booted.bare, False),
    ("slackwater@NAME runs beside it", Booted.second, True),
    ("an upgrade in a pause restarts both agents, and leaves the applier running", Booted.upgraded, False),
    ("the power is switched off in a pause, and on again", Booted.rebooted, False),
    ("journal, units and processes show no secret", Booted.secret, False),
    ("removed in a pause: both agents are stopped, the applier runs", Booted.removed, True),
    ("purged: only snapshots are left, and the replica replicates", Booted.purged, False),
)


def tell(deb, machine):
    story = Story()
    story.say("ok", "Debian 12 comes up", f"it is {machine.run('systemctl', 'is-system-running', expect=None).strip()}")
    booted = Booted(deb, machine)
    for what, step, others_need_it in STORY:
        story.step(what, lambda step=step: step(booted), others_need_it)
    if booted.load:
        story.step("the load met no error", lambda: f"{booted.load.stop()} transactions since it was last started", others_need_it=False)
    print(f"counts {story.counts['ok']} {story.counts['FAILED']} {story.counts['skipped']}")
    return story.counts["FAILED"] != 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("deb")
    given = parser.parse_args()
    proc.end_on_signals()
    try:
        with Machine("booted") as machine:
            machine.boot()
            return tell(given.deb, machine)
    except CannotBoot as why:
        print(f"skipped: systemd as the first process of a container: {why}\ncounts 0 0 1")
        return 0


if __name__ == "__main__":
    sys.exit(main())
