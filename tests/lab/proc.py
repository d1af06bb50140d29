# SPDX-License-Identifier: Apache-2.0
"""Processes that never outlive the test run, and waiting with a deadline.

Every child is started with PR_SET_PDEATHSIG=SIGKILL, so the kernel ends it when the runner dies in whatever way, and
is ended by us at exit. The kernel watches the *thread* that forked: start processes from the main thread only.
"""
import atexit
import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_children = set()


class Timeout(AssertionError):
    """Something did not happen before its deadline."""


def wait_until(condition, seconds, what, every=0.05):
    """Return the first true value of condition(); raise Timeout, naming what was waited for, after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Timeout(f"waited {seconds} s for {what() if callable(what) else what}")
        time.sleep(every)


def _in_child(root):
    def prepare():
        if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            os._exit(127)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):   # whoever runs us in the background ignores some of them
            signal.signal(number, signal.SIG_DFL)
        if root:
            os.chroot(root)
            os.chdir("/")
    return prepare


def spawn(argv, root=None, **popen):
    """Start a process in a session of its own, inside the directory `root` when given."""
    assert threading.current_thread() is threading.main_thread(), "a child dies with the thread that forked it"
    popen.setdefault("stdin", subprocess.DEVNULL)
    child = subprocess.Popen([str(a) for a in argv], preexec_fn=_in_child(root), start_new_session=True, **popen)
    _children.add(child)
    return child


def end(child, grace=0.0):
    """End a child: SIGTERM and `grace` seconds when grace is given, then SIGKILL; its whole session goes with it."""
    if child.poll() is None and grace:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    _children.discard(child)
    return child.returncode


def _end_all():
    for child in list(_children):
        end(child)


def end_on_signals():
    """Turn SIGTERM and SIGHUP into the orderly end that SIGINT brings, so that fixtures and atexit run."""
    def interrupt(number, _frame):
        raise KeyboardInterrupt(signal.Signals(number).name)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


atexit.register(_end_all)
