# SPDX-License-Identifier: Apache-2.0
"""A network that can be cut: nothing arrives any more and nobody is told.

Namespace is the real thing: the agent lives in a network namespace of its own, joined to this machine by a pair of virtual
interfaces, whose end on our side is set down. Where the kernel or the container forbids it, Proxy stands in: it stops forwarding and keeps
every connection open.
"""
import atexit
import contextlib
import fcntl
import os
import pathlib
import re
import selectors
import socket
import struct
import subprocess
import threading

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_PREFIX = "swfault"


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _remove_dead():
    """A run that was killed leaves its namespace; the interfaces go with it."""
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True).stdout
    for pid in re.findall(rf"^{_PREFIX}(\d+)\b", listed, re.M):
        if not pathlib.Path("/proc", pid).exists():
            subprocess.run(["ip", "netns", "del", f"{_PREFIX}{pid}"], check=False, capture_output=True)


class Namespace:
    """`host`: where a server has to listen to be reached; `prefix`: what puts a command inside."""
    kind = "network namespace"

    def __init__(self):
        number = os.getpid()
        self.name, self.outside = f"{_PREFIX}{number}", f"swf{number}"
        net = f"10.{64 + number // 16384 % 64}.{number // 64 % 256}.{number % 64 * 4}"
        self.host, inside = (net.rsplit(".", 1)[0] + f".{number % 64 * 4 + end}" for end in (1, 2))
        self.prefix = ("ip", "netns", "exec", self.name)
        _remove_dead()
        _ip("netns", "add", self.name)
        atexit.register(self.close)
        _ip("link", "add", self.outside, "type", "veth", "peer", "name", "agent", "netns", self.name)
        _ip("addr", "add", f"{self.host}/30", "dev", self.outside)
        _ip("-n", self.name, "addr", "add", f"{inside}/30", "dev", "agent")
        _ip("-n", self.name, "link", "set", "agent", "up")
        self.heal()

    def port(self, server):
        return server.port

    def _set(self, up):
        """The interface's flags, without the milliseconds that a command of its own would take."""
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as any_socket:
            request = struct.pack("16sH14x", self.outside.encode(), 0)
            flags = struct.unpack("16sH14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
            flags = flags | _IFF_UP if up else flags & ~_IFF_UP
            fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", self.outside.encode(), flags))

    def cut(self):
        self._set(False)

    def heal(self):
        self._set(True)

    def close(self):
        """The pair of interfaces first: it would go with the namespace, but later, and the next one has the same names."""
        for what in (("link", "del", self.outside), ("netns", "del", self.name)):
            subprocess.run(["ip", *what], check=False, capture_output=True)
        atexit.unregister(self.close)


class Proxy(threading.Thread):
    """Forwards TCP to one server on loopback until it is cut."""
    kind = "silent proxy"
    host, prefix = "127.0.0.1", ()

    def __init__(self):
        super().__init__(daemon=True)
        self.door = socket.create_server((self.host, 0))
        self.whole = threading.Event()
        self.whole.set()
        self.target, self.open = None, True
        self.ways = selectors.DefaultSelector()
        self.start()

    def port(self, server):
        self.target = server.port
        return self.door.getsockname()[1]

    def cut(self):
        self.whole.clear()

    def heal(self):
        self.whole.set()

    def close(self):
        self.open = False
        self.whole.set()
        self.join(5)

    def _welcome(self):
        client, _address = self.door.accept()
        with contextlib.suppress(OSError):
            server = socket.create_connection((self.host, self.target))
            for one, other in ((client, server), (server, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.ways.register(one, selectors.EVENT_READ, other)
            return
        client.close()

    def _forward(self, key):
        with contextlib.suppress(OSError):
            block = key.fileobj.recv(65536)
            if block:
                key.data.sendall(block)
                return
        for end in (key.fileobj, key.data):
            with contextlib.suppress(KeyError, ValueError):
                self.ways.unregister(end)
            end.close()

    def run(self):
        self.ways.register(self.door, selectors.EVENT_READ)
        while self.open:
            for key, _events in self.ways.select(0.2):
                self.whole.wait()
                if key.data is None:
                    self._welcome()
                elif key.fileobj.fileno() >= 0:
                    self._forward(key)


def network():
    """The best that can be had here."""
    try:
        return Namespace()
    except (OSError, subprocess.CalledProcessError) as refused:
        print(f"no network namespace here ({getattr(refused, 'stderr', '') or refused}): the cut network is played by a silent proxy")
        return Proxy()
