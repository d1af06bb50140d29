# SPDX-License-Identifier: Apache-2.0
"""A Debian that systemd runs as its first process, in namespaces of its own: the cached root with servers, under a layer that is thrown away.

The caller is in a mount namespace of its own. The network inside is loopback alone, and nobody else's: ports are the usual ones.
"""
import os
import pathlib
import subprocess

from . import place, proc
from .root import Root
from .server import MariaDB

BASE = place.CACHE / "boot-root"
_NAMESPACES = ("mount", "uts", "ipc", "net", "pid", "cgroup")


class CannotBoot(Exception):
    """This machine does not let a container have a service manager; why."""


class Machine(Root):
    def __init__(self, name):
        super().__init__(name, BASE)
        self.console = self.layer / "console"
        self.cgroups = self.layer / "cgroups"
        self.cgroup = self.cgroups / f"slackwater-lab-{os.getpid()}"
        self.outer = self.first = None      # unshare, and the number that systemd has out here

    def __enter__(self):
        super().__enter__()
        self.cgroups.mkdir()
        mounted = subprocess.run(["mount", "-t", "cgroup2", "cgroup2", self.cgroups], capture_output=True, text=True, check=False)
        if mounted.returncode:
            self.__exit__()
            raise CannotBoot(f"there is no cgroup2 here: {mounted.stderr.strip()}")
        return self

    def __exit__(self, *exception):
        self._over()
        subprocess.run(["umount", "--lazy", self.cgroups], capture_output=True, check=False)
        super().__exit__(*exception)

    # ---- life ----------------------------------------------------------------------------------------------------
    def boot(self, seconds=90):
        """Until systemd says that everything is started; its word for that."""
        self.cgroup.mkdir(exist_ok=True)
        into = 'echo $$ >"$0" && exec "$@"'
        script = pathlib.Path(__file__).with_name("boot.sh")
        with open(self.console, "ab") as console:
            self.outer = proc.spawn(["sh", "-c", into, self.cgroup / "cgroup.procs", "unshare", *(f"--{n}" for n in _NAMESPACES), "--fork",
                                     "--kill-child", script, self.dir], stdout=console, stderr=console)
        try:
            return proc.wait_until(self._up, seconds, "it to come up", every=0.2)
        except AssertionError as error:
            raise CannotBoot(f"{error}: {self.console.read_text(errors='replace')[-2000:]}") from None

    def _up(self):
        assert self.outer.poll() is None, f"it ended with {self.outer.returncode}"
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text(encoding="ascii").split()
        if not children or pathlib.Path(f"/proc/{children[0]}/comm").read_text(encoding="ascii").strip() != "systemd":
            return None
        self.first = children[0]
        said = self.run("systemctl", "is-system-running", expect=None).strip()
        return said if said in ("running", "degraded") else None

    def power_off(self, seconds=90):
        """As a person does it: every service is stopped by its unit."""
        self.run("systemctl", "poweroff", expect=None)
        proc.wait_until(lambda: self.outer.poll() is not None, seconds, "everything to be stopped and the power to be off", every=0.2)
        self._over()

    def _over(self):
        if self.outer:
            proc.end(self.outer)
        self.outer = self.first = None
        if self.cgroup.exists():
            (self.cgroup / "cgroup.kill").write_text("1", encoding="ascii")
            proc.wait_until(self._empty, 20, f"the last process of {self.cgroup}")
            for where, _folders, _files in os.walk(self.cgroup, topdown=False):
                os.rmdir(where)

    def _empty(self):
        return "populated 0" in (self.cgroup / "cgroup.events").read_text(encoding="ascii")

    # ---- inside --------------------------------------------------------------------------------------------------
    def path(self, inside):
        return (pathlib.Path(f"/proc/{self.first}/root") if self.first else self.dir) / str(inside).lstrip("/")

    def _way_in(self, argv):
        if not self.first:
            return super()._way_in(argv)
        return ["nsenter", f"--target={self.first}", *(f"--{n}" for n in _NAMESPACES), *argv], None

    def systemctl(self, *arguments, **how):
        return self.run("systemctl", "--no-pager", *arguments, **how)

    def shown(self, unit, *properties):
        """What systemd says about a unit: one value, or as many as were asked for."""
        lines = self.systemctl("show", unit, *(f"--property={p}" for p in properties)).splitlines()
        values = dict(line.split("=", 1) for line in lines if "=" in line)
        return values[properties[0]] if len(properties) == 1 else [values[p] for p in properties]

    def journal(self, *arguments):
        return self.run("journalctl", "--no-pager", "--output=short-precise", *arguments)


class Service(MariaDB):
    """A MariaDB that a unit inside runs; asked through its socket, as root."""

    def __init__(self, machine, name, port, socket):    # pylint: disable=super-init-not-called
        self.machine, self.name, self.port, self.where = machine, name, port, socket

    @property
    def socket(self):
        return self.machine.path(self.where)
