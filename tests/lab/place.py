# SPDX-License-Identifier: Apache-2.0
"""Where the lab keeps its things: caches that stay, directories of one run that go with it, ports."""
import atexit
import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import tempfile

CACHE = pathlib.Path(os.environ.get("SLACKWATER_LAB_CACHE", "/var/cache/slackwater-lab"))
SID = CACHE / "sid"
MYSQL56 = CACHE / "mysql56" / "server"
MARIADB_ROOT = pathlib.Path(os.environ["SLACKWATER_LAB_MARIADB_ROOT"]) if os.environ.get("SLACKWATER_LAB_MARIADB_ROOT") else None
TOP = pathlib.Path(__file__).resolve().parents[2]

_base = pathlib.Path(os.environ.get("SLACKWATER_LAB_DIR", pathlib.Path(tempfile.gettempdir()) / "slackwater-lab"))
_first, _last = (int(p) for p in os.environ.get("SLACKWATER_LAB_PORTS", "21000-21999").split("-"))
_next = _first + os.getpid() * 17 % (_last - _first + 1)


def _remove_dead_runs(parent):
    """A run that was killed leaves its directories; the next one removes those whose process is gone."""
    for entry in parent.glob("run-*"):
        pid = entry.name[len("run-"):]
        if pid.isdigit() and not pathlib.Path("/proc", pid).exists():
            shutil.rmtree(entry, ignore_errors=True)


def run_dir(parent=None):
    """This run's directory below `parent`, made when first asked for, removed at exit."""
    parent = parent or _base
    path = parent / f"run-{os.getpid()}"
    if not path.exists():
        parent.mkdir(parents=True, exist_ok=True)
        _remove_dead_runs(parent)
        path.mkdir()
        if not os.environ.get("SLACKWATER_LAB_KEEP"):
            atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def free_port():
    global _next
    for _ in range(_last - _first + 1):
        port, _next = _next, (_next + 1 if _next < _last else _first)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no free port in {_first}-{_last}")


@contextlib.contextmanager
def locked(path):
    """Hold `path` as a lock file, so that two runs do not build the same cache at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
