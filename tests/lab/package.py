# SPDX-License-Identifier: Apache-2.0
"""The life of the Debian package: what packaging/test-deb.sh runs, in a mount namespace of its own."""
import argparse
import filecmp
import json
import re
import socket
import subprocess
import sys
import traceback

from . import accounts, place, proc
from .root import Root
from .server import MariaDB
from .topology import Loads, Topology

CONFIG = "/etc/slackwater/slackwater.conf"
HOME = "/var/lib/slackwater"
SETTINGS = """
[instance db2]
defaults-file = /etc/slackwater/replica.cnf

[store main]
url = file:///srv/backup

[snapshot often]
instance = db2
store = main
schedule = * * * * *
"""


class Story:
    """Steps in the order they are written in. Once one has failed, those that build upon it are skipped and named."""

    def __init__(self):
        self.counts = {"ok": 0, "FAILED": 0, "skipped": 0}
        self.broken = None

    def say(self, verdict, what, why=""):
        self.counts[verdict] += 1
        print(f"{verdict:7} {what}{': ' + why if why else ''}", flush=True)

    def step(self, what, action, others_need_it=True):
        if self.broken:
            self.say("skipped", what, f'after "{self.broken}"')
            return
        try:
            note = action()
        except Exception as error:      # pylint: disable=broad-exception-caught
            self.say("FAILED", what, str(error) or traceback.format_exc())
            self.broken = what if others_need_it else None
        else:
            self.say("ok", what, note or "")


def higher(deb, version, directory):
    """The same package under a higher version, with a configuration file that has changed."""
    tree = directory / "higher"
    subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", f"Version: {version}", control.read_text(), flags=re.M))
    with open(tree / CONFIG.lstrip("/"), "a", encoding="utf-8") as config:
        config.write("\n# What a new version has to say.\n")
    made = directory / f"slackwater_{version}_higher.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, made], check=True, capture_output=True)
    return made


class Package:
    def __init__(self, deb, lab, root):
        self.deb, self.lab, self.root = deb, lab, root
        self.version = subprocess.run(["dpkg-deb", "-f", deb, "Version"], capture_output=True, text=True, check=True).stdout.strip()
        self.agent = self.notify = self.pid = None
        self.log = place.run_dir() / "agent.log"

    # ---- helpers -------------------------------------------------------------------------------------------------
    def slackwater(self, *arguments, **how):
        return self.root.run("slackwater", *arguments, user="slackwater", HOME=HOME, **how)

    def snapshots(self):
        return json.loads(self.slackwater("list", "--from", "/srv/backup", "--json", "--log-level", "error"))["snapshots"]

    def installed(self):
        return self.root.run("dpkg-query", "-W", "-f", "${Version} ${Status}", "slackwater").strip()

    def start_agent(self):
        """As the unit does it: the account, the umask, a socket that is told READY=1."""
        name = self.root.path("/run/notify")
        name.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(name))
        name.chmod(0o666)
        self.notify.settimeout(60)
        self.agent = self.root.start("sh", "-c", f"umask 077; exec slackwater agent --config {CONFIG}", user="slackwater", log=self.log,
                                     HOME=HOME, NOTIFY_SOCKET="/run/notify")
        told = ""
        while "READY=1" not in told:
            try:
                told += self.notify.recv(4096).decode() + "\n"
            except TimeoutError:
                raise AssertionError(f"the agent did not say that it is ready: {told}\n{self.tail()}") from None
        return " ".join(told.split())

    def tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def stop_agent(self):
        code = proc.end(self.agent, grace=60)
        self.notify.close()
        assert code == 0, f"the agent ended with {code}:\n{self.tail()}"

    def wait_for_more(self, snapshots, seconds=150):
        def more():
            assert self.agent.poll() is None, f"the agent has ended:\n{self.tail()}"
            return len(self.snapshots()) > snapshots
        proc.wait_until(more, seconds, lambda: f"snapshot number {snapshots + 1}:\n{self.tail()}", every=2)

    # ---- the steps -----------------------------------------------------------------------------------------------
    def install(self):
        self.root.apt("install", self.root.put(self.deb))
        assert self.installed() == f"{self.version} install ok installed"
        return self.version

    def account(self):
        _, _, number, group, _, home, shell = self.root.run("getent", "passwd", "slackwater").strip().split(":")
        assert int(number) < 1000 and self.root.names("group")[int(group)] == "slackwater"
        assert (home, shell) == (HOME, "/usr/sbin/nologin")

    def places(self):
        wanted = {"/etc/slackwater": "0750 root slackwater", CONFIG: "0644 root root", HOME: "0700 slackwater slackwater",
                  "/var/log/slackwater": "0750 slackwater adm", "/run/slackwater": "0755 slackwater slackwater",
                  "/usr/bin/slackwater": "0755 root root"}
        found = {path: self.root.look(path) for path in wanted}
        assert found == wanted, found

    def contents(self):
        assert "MariaDB Connector/C" in self.root.run("slackwater", "--version")
        assert "not found" not in self.root.run("ldd", "/usr/bin/slackwater")
        assert self.root.run("dpkg", "--verify", "slackwater").split("\n")[0] in ("", f"??5?????? c {CONFIG}")
        assert self.root.run("dpkg-query", "-W", "-f", "${Conffiles}", "slackwater").split()[0] == CONFIG
        script = '. /usr/share/bash-completion/completions/slackwater; COMP_WORDS=(slackwater ba); COMP_CWORD=1; _slackwater; echo "${COMPREPLY[*]}"'
        assert self.root.run("bash", "-c", script).strip() == "backup"
        listed = self.root.run("dpkg", "-L", "slackwater").split()
        for page in "man1/slackwater.1.gz", "man5/slackwater.conf.5.gz", "man5/slackwater-format.5.gz":
            assert f"/usr/share/man/{page}" in listed, page

    def units(self):
        told = self.root.run("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/slackwater.service",
                             "/lib/systemd/system/slackwater@.service")
        assert "slackwater" not in told, told
        wants = self.root.path("/etc/systemd/system")
        assert not [p for p in wants.rglob("slackwater*")], "it would be started before it is configured"

    def configure(self):
        cnf = self.root.path("/etc/slackwater/replica.cnf")
        accounts.option_file(cnf, self.lab.replica, accounts.BACKUP, source_account=accounts.REPLICATION)
        self.root.run("chown", "slackwater:slackwater", "/etc/slackwater/replica.cnf")
        self.root.run("install", "-d", "-o", "slackwater", "-g", "slackwater", "-m", "0700", "/srv/backup")
        with open(self.root.path(CONFIG), "a", encoding="utf-8") as config:
            config.write(SETTINGS)
        self.slackwater("check", "--config", CONFIG)

    def first_snapshot(self):
        told = self.start_agent()
        self.pid = self.agent.pid
        self.wait_for_more(0)
        assert self.root.path(f"{HOME}/agent.json").exists()
        assert self.root.look("/run/slackwater/control.sock") == "0660 slackwater slackwater"
        shown = json.loads(self.slackwater("status", "--config", CONFIG, "--json"))
        runs = [r for r in shown["runs"] if r["kind"] == "backup" and r["state"] == "succeeded"]
        assert runs and runs[-1]["trigger"] == "schedule", shown["runs"]
        log = self.log.read_text(errors="replace")
        assert accounts.BACKUP[1] not in log and "can be read by others" not in log
        return f"{told}; pause {runs[-1]['result']['pause_ms']} ms"

    def proof(self):
        self.root.apt("install", "mariadb-server-core")
        newest = self.snapshots()[-1]["id"]
        told = self.slackwater("verify", "--restore", "--from", "/srv/backup", "--defaults-file=/etc/slackwater/replica.cnf", "--source",
                               f"127.0.0.1:{self.lab.source.port}", newest)
        shown = {s["id"]: s for s in self.snapshots()}
        assert shown[newest]["proven"], shown[newest]
        return re.search(r"^ *caught up +(.*)$", told, re.M)[1]

    def upgrade(self):
        before = self.root.path(CONFIG).read_text()
        version = self.version + "+higher1"
        self.root.apt("install", self.root.put(higher(self.deb, version, place.run_dir())))
        assert self.installed() == f"{version} install ok installed"
        assert self.root.path(CONFIG).read_text() == before, "what the administrator wrote is gone"
        assert "What a new version has to say" in self.root.path(CONFIG + ".dpkg-dist").read_text()
        self.places()
        # without a service manager nobody starts it again: it goes on, with the program it was started from
        assert self.agent.poll() is None and self.agent.pid == self.pid
        self.wait_for_more(len(self.snapshots()))

    def restart(self):
        self.stop_agent()
        self.start_agent()
        self.slackwater("status", "--config", CONFIG)
        self.stop_agent()
        assert self.lab.replica.status()["Slave_SQL_Running"] == "Yes"

    def remove(self):
        # a second repository, where a purge would look for state
        self.root.run("cp", "-a", "/srv/backup", f"{HOME}/kept")
        self.root.apt("remove", "slackwater")
        assert not self.root.path("/usr/bin/slackwater").exists()
        assert self.root.path(CONFIG).exists() and self.root.path(f"{HOME}/agent.json").exists()

    def purge(self):
        kept = {p: p.read_bytes() for where in ("/srv/backup", f"{HOME}/kept") for p in self.root.path(where).rglob("*") if p.is_file()}
        assert len(kept) > 4
        told = self.root.apt("purge", "slackwater")
        assert "holds snapshots" in told, told
        assert self.root.run("dpkg-query", "-W", "-f", "${Status}", "slackwater", expect=None).strip().endswith(("not-installed", "slackwater"))
        for gone in CONFIG, CONFIG + ".dpkg-dist", "/var/log/slackwater", "/run/slackwater":
            assert not self.root.path(gone).exists(), gone
        assert {p.name for p in self.root.path(HOME).iterdir()} == {"kept"}
        assert {p.name for p in self.root.path("/etc/slackwater").iterdir()} == {"replica.cnf"}
        for path, contents in kept.items():
            assert path.read_bytes() == contents, path
        return f"{len(kept)} files of two repositories are untouched"

    def without_a_trace(self):
        """Once more, where nobody uses it between: only the account, which was there, is left."""
        self.root.run("rm", "-r", HOME, "/srv/backup", "/etc/slackwater")
        before = self.root.files()
        self.root.apt("install", self.root.put(self.deb))
        between = self.root.files()
        self.places()
        self.root.apt("purge", "slackwater")
        assert len(between - before) > 10
        assert self.root.files() == before, sorted(self.root.files() ^ before)
        return f"{len(between - before)} files came and went"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--again", help="the same package, built a second time")
    parser.add_argument("deb")
    given = parser.parse_args()
    proc.end_on_signals()
    story = Story()
    if given.again:
        same = filecmp.cmp(given.deb, given.again, shallow=False)
        story.say("ok" if same else "FAILED", "built twice from this tree, it is the same to the byte")
    else:
        story.say("skipped", "built twice from this tree, it is the same to the byte", "--no-rebuild")
    with Topology(MariaDB) as lab, Loads(lab, rate=10, ddl_every=0), Root("life") as root:
        package = Package(given.deb, lab, root)
        story.step("it is installed with what it depends on", package.install)
        story.step("it has an account of its own", package.account, others_need_it=False)
        story.step("files and directories belong to whom they should", package.places, others_need_it=False)
        story.step("program, manual pages and completion are there", package.contents, others_need_it=False)
        story.step("systemd understands its units, and starts none by itself", package.units, others_need_it=False)
        story.step("it is configured against a real replica, and checks that", package.configure)
        story.step("the agent takes its first scheduled snapshot", package.first_snapshot)
        story.step("the snapshot is proven by restoring it", package.proof, others_need_it=False)
        story.step("an upgrade keeps the configuration, and the agent goes on", package.upgrade)
        story.step("the agent of the new version starts where the old one ended", package.restart, others_need_it=False)
        story.step("removed, configuration and state are kept", package.remove)
        story.step("purged, everything is gone but snapshots and the administrator's own files", package.purge)
        story.step("installed again and purged, it leaves nothing", package.without_a_trace, others_need_it=False)
        if package.agent:
            proc.end(package.agent)
    print(f"counts {story.counts['ok']} {story.counts['FAILED']} {story.counts['skipped']}")
    return story.counts["FAILED"] != 0


if __name__ == "__main__":
    sys.exit(main())
