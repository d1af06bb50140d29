# SPDX-License-Identifier: Apache-2.0
"""A Debian root to install packages into: the cached one under a layer that is thrown away. The caller is in a mount namespace of its own."""
import os
import pathlib
import shutil
import stat
import subprocess

from . import place, proc

BASE = place.CACHE / "deb-root"


class Root:
    def __init__(self, name, base=BASE):
        self.base = base
        self.layer = place.run_dir() / f"root-{name}"
        self.dir = self.layer / "root"

    def __enter__(self):
        for part in "upper", "work", "root":
            (self.layer / part).mkdir(parents=True)
        layers = f"lowerdir={self.base},upperdir={self.layer}/upper,workdir={self.layer}/work"
        if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.dir], capture_output=True, check=False).returncode:
            subprocess.run(["cp", "-a", "--reflink=auto", f"{self.base}/.", self.dir], check=True)       # below an overlay there is none
        subprocess.run(["mount", "-t", "proc", "proc", self.dir / "proc"], check=True)
        return self

    def __exit__(self, *_exception):
        for mounted in self.dir / "proc", self.dir:
            subprocess.run(["umount", "--lazy", mounted], capture_output=True, check=False)
        shutil.rmtree(self.layer, ignore_errors=True)

    def path(self, inside):
        return self.dir / str(inside).lstrip("/")

    def _way_in(self, argv):
        """How a command is run inside: its words, and the root that its process is given."""
        return argv, self.dir

    @staticmethod
    def _as(user):
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--pdeathsig=KILL"] if user else []

    def run(self, *argv, user=None, expect=0, seconds=600, **environment):
        """Output of a command inside, both streams; any other exit code than the expected one is a failure that shows them."""
        way, root = self._way_in([*self._as(user), *argv])
        child = proc.spawn(way, root=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                           env=self._environment(environment))
        try:
            out, _ = child.communicate(timeout=seconds)
        finally:
            proc.end(child)
        assert expect is None or child.returncode == expect, f"{' '.join(map(str, argv))} ended with {child.returncode}:\n{out[-4000:]}"
        return out

    def start(self, *argv, user, log, **environment):
        """A process inside that goes on; its output is appended to the file `log`."""
        with open(log, "ab") as output:
            return proc.spawn([*self._as(user), *argv], root=self.dir, stdout=output, stderr=output, env=self._environment(environment))

    @staticmethod
    def _environment(more):
        proxies = {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
                **proxies, **more}

    def apt(self, *arguments):
        # what an unattended upgrade says: a changed configuration file is the administrator's; and nothing here has to outlive a crash
        options = [f"-oDpkg::Options::=--force-{what}" for what in ("confdef", "confold", "unsafe-io")]
        return self.run("apt-get", "-y", "-q", "--no-install-recommends", *options, *arguments, seconds=1800)

    def put(self, file):
        """Copy a file of ours to /tmp inside; its name there."""
        shutil.copy(file, self.path("/tmp"))
        return f"/tmp/{pathlib.Path(file).name}"

    def names(self, kind):
        """{number: name} of passwd or group."""
        return {int(line.split(":")[2]): line.split(":")[0] for line in self.path(f"/etc/{kind}").read_text().splitlines()}

    def look(self, inside):
        """ "mode owner group" of a file, as the names are inside."""
        found = os.lstat(self.path(inside))
        return f"{stat.S_IMODE(found.st_mode):04o} {self.names('passwd').get(found.st_uid)} {self.names('group').get(found.st_gid)}"

    def files(self):
        """Everything that is there, but for what belongs to dpkg, apt and the kernel."""
        skip = ("/proc", "/sys", "/dev", "/tmp", "/var/lib/dpkg", "/var/cache", "/var/log", "/var/lib/apt", "/var/lib/systemd")
        found = set()
        for where, folders, files in os.walk(self.dir):
            inside = "/" + os.path.relpath(where, self.dir) if where != str(self.dir) else ""
            folders[:] = [f for f in folders if f"{inside}/{f}" not in skip]
            found.update(f"{inside}/{name}" for name in (*folders, *files))
        return found
