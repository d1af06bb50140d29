# SPDX-License-Identifier: Apache-2.0
"""A running agent of its own configuration, as a host would have it: started, asked over its control socket, told to end, ended."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import time

from . import place, proc, tool
from .accounts import BACKUP, option_file

_numbers = itertools.count(1)


class _Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("agent", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Agent:
    """instances: {name: server}; snapshots: {name: {key: value}}, of which each has a repository `store` or the common one."""

    def __init__(self, instances, snapshots, account=BACKUP, stores=None, **keys):
        self.dir = place.run_dir() / f"agent-{next(_numbers)}"
        self.dir.mkdir(mode=0o755)
        self.config = self.dir / "slackwater.conf"
        self.log_file = self.dir / "log"
        self.socket = self.dir / "control.sock"
        self.state = self.dir / "state"
        self.repository = self.dir / "repository"
        self.repository.mkdir()
        self.keys = {"state-dir": self.state, "control-socket": self.socket, "log-file": self.log_file, "poll-interval": "1s",
                     "list-interval": "10s", "stop-timeout": "20s", **{k.replace("_", "-"): v for k, v in keys.items()}}
        self.instances = {name: option_file(self.dir / f"{name}.cnf", server, account) for name, server in instances.items()}
        self.stores = stores or {"main": {"url": f"file://{self.repository}"}}
        self.snapshots = snapshots
        self.running = None
        self.write()

    # ---- configuration -------------------------------------------------------------------------------------------
    def write(self, text=""):
        """The file as it is to be read next; text is put behind it."""
        lines = ["[agent]", *_pairs(self.keys)]
        for name, file in self.instances.items():
            lines += [f"[instance {name}]", f"defaults-file = {file}"]
        for name, keys in self.stores.items():
            lines += [f"[store {name}]", *_pairs(keys)]
        for name, keys in self.snapshots.items():
            lines += [f"[snapshot {name}]", *_pairs(keys)]
        self.config.write_text("\n".join(lines) + f"\n{text}\n")

    # ---- life ----------------------------------------------------------------------------------------------------
    def start(self, ready=True, **how):
        self.running = tool.Running("agent", "--config", self.config, **how)
        if ready:
            proc.wait_until(self.answers, 20, lambda: f"the agent to answer:\n{self.running.log()}{self.log()}")
        return self

    def answers(self):
        assert self.running.alive(), f"the agent ended:\n{self.running.log()}{self.log()}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/api/v1/status")[0] == 200
        return False

    @property
    def pid(self):
        return self.running.child.pid

    def finish(self, seconds=60, expect=tool.OK, number=signal.SIGTERM):
        if number:
            self.running.signal(number)
        return self.running.finish(seconds, expect)

    def crash(self):
        """SIGKILL, to the agent alone; what it has started hears of it from the kernel."""
        os.kill(self.pid, signal.SIGKILL)
        self.running.child.wait(20)
        tool._running.discard(self.running)     # pylint: disable=protected-access
        proc.end(self.running.child)

    def children(self):
        """Process numbers of its runs and hooks."""
        with contextlib.suppress(OSError):
            return [int(n) for n in pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        if self.running and self.running.child.poll() is None:
            proc.end(self.running.child, grace=30)
        tool._running.discard(self.running)     # pylint: disable=protected-access

    # ---- asking --------------------------------------------------------------------------------------------------
    def get(self, path, method="GET", body=None):
        """(HTTP status, text)."""
        connection = _Local(self.socket)
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def view(self):
        status, text = self.get("/api/v1/status")
        assert status == 200, text
        return json.loads(text)

    def snapshot(self, name):
        return next(s for s in self.view()["snapshots"] if s["name"] == name)

    def runs(self, kind="backup", state=None):
        """Newest first."""
        return [r for r in self.view()["runs"] if r["kind"] == kind and state in (None, r["state"])]

    def tell(self, *arguments, expect=tool.OK, **how):
        """`slackwater run|pause|...` to this agent."""
        return tool.run(*arguments, "--config", self.config, expect=expect, **how)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, pattern, seconds=30, count=1):
        def look():
            found = re.findall(pattern, self.log(), re.M)
            return found if len(found) >= count else None
        return proc.wait_until(look, seconds, lambda: f"/{pattern}/ in the agent's log:\n{self.log()[-6000:]}")

    def wait_view(self, condition, seconds, what):
        """The first view for which condition(view) is true."""
        def look():
            view = self.view()
            return view if condition(view) else None
        return proc.wait_until(look, seconds, lambda: f"{what}:\n{json.dumps(self.view(), indent=1)[:6000]}\n{self.log()[-4000:]}", every=0.1)

    # ---- figures -------------------------------------------------------------------------------------------------
    def anonymous_kib(self):
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+) kB", text, re.M).group(1))

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle(self, seconds):
        """(RssAnon in KiB at the end, CPU as a part of one) over so many seconds."""
        begun, used = time.monotonic(), self.cpu_s()
        time.sleep(seconds)
        return self.anonymous_kib(), (self.cpu_s() - used) / (time.monotonic() - begun)


def _pairs(keys):
    for key, value in keys.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            yield f"{key} = {one}"
