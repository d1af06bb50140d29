# SPDX-License-Identifier: Apache-2.0
"""A proxy before an object store that does what networks and overloaded stores do: cuts, stalls, lies and forgets to answer.

It passes requests on as they are, Host header included, so that signatures hold. Which requests are hit is drawn from a seeded
generator, or each n-th of those that a fault can be done to.
"""
import collections
import email.utils
import random
import socket
import threading
import urllib.parse

_BLOCK = 64 << 10


class _Gone(Exception):
    """One end hung up."""


class _Pipe:
    """A socket with a buffer: lines, then bytes."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            more = self.sock.recv(_BLOCK)
            if not more:
                raise _Gone
            self.buffer += more
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        return lines[0], {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}, head + b"\r\n\r\n"

    def some(self, left):
        data = self.buffer[:left] if self.buffer else self.sock.recv(min(left, _BLOCK))
        if self.buffer:
            self.buffer = self.buffer[left:]
        if not data:
            raise _Gone
        return data

    def read(self, n):
        parts = []
        while n:
            parts.append(self.some(n))
            n -= len(parts[-1])
        return b"".join(parts)

    def chunks(self):
        parts = []
        while True:
            while b"\r\n" not in self.buffer:
                self.buffer += self.some_more()
            size, self.buffer = self.buffer.split(b"\r\n", 1)
            n = int(size.split(b";")[0], 16)
            parts.append(self.read(n + 2)[:-2])
            if not n:
                return b"".join(parts)

    def some_more(self):
        data = self.sock.recv(_BLOCK)
        if not data:
            raise _Gone
        return data


def _error(status, code, more=""):
    body = (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>injected</Message>'
            "<RequestId>proxy</RequestId></Error>").encode()
    return (f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
            f"Date: {email.utils.formatdate(usegmt=True)}\r\n{more}\r\n").encode() + body


class Exchange:
    """One request under way."""

    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.line, self.headers, self.raw = client.head()
        self.method, target, _version = self.line.split(" ")
        self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query, keep_blank_values=True))
        self.length = int(self.headers.get("content-length", 0))
        self.left = self.length

    def swallow(self, n=None):
        n = self.left if n is None else min(n, self.left)
        while n:
            taken = len(self.client.some(n))
            n -= taken
            self.left -= taken

    def forward(self):
        """The store's answer, whole: (head as it came, body)."""
        with socket.create_connection(self.proxy.upstream, timeout=120) as sock:
            sock.sendall(self.raw)
            while self.left:
                data = self.client.some(self.left)
                self.left -= len(data)
                sock.sendall(data)
            upstream = _Pipe(sock)
            line, headers, raw = upstream.head()
            if self.method == "HEAD" or line.split(" ")[1] in ("204", "304"):
                return raw, b""
            if headers.get("transfer-encoding", "").lower() != "chunked":
                return raw, upstream.read(int(headers.get("content-length", 0)))
            body = upstream.chunks()
            head = b"\r\n".join(h for h in raw[:-4].split(b"\r\n") if not h.lower().startswith(b"transfer-encoding:"))
            return head + f"\r\nContent-Length: {len(body)}\r\n\r\n".encode(), body

    def answer(self, data):
        self.client.sock.sendall(data)

    def idle(self, seconds):
        """Until then, or until the client or the proxy has had enough."""
        self.client.sock.settimeout(0.1)
        for _ in range(int(seconds * 10)):
            if self.proxy.ending.is_set():
                break
            try:
                if not self.client.sock.recv(1, socket.MSG_PEEK):
                    break
                self.proxy.ending.wait(0.1)
            except TimeoutError:
                continue
        self.client.sock.settimeout(120)


# ---- the faults: each takes an exchange and returns whether the connection lives on ------------------------------------

def cut_request(x):
    x.swallow(x.length // 2)


def cut_answer(x):
    raw, body = x.forward()
    whole = raw + body
    x.answer(whole[:len(whole) * 2 // 3])


def overloaded(x):
    x.swallow()
    x.answer(_error(503, "SlowDown"))
    return True


def overloaded_retry_after(x):
    x.swallow()
    x.answer(_error(503, "ServiceUnavailable", "Retry-After: 1\r\n"))
    return True


def broken(x):
    x.swallow()
    x.answer(_error(500, "InternalError"))
    return True


def error_in_200(x):
    """What a store says that failed while it kept the client waiting with blanks; nothing was completed."""
    x.swallow()
    x.answer(_error(200, "InternalError").replace(b"Content-Length: ", b"X-Was: ", 1).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n     \n", 1))


def answer_lost(x):
    x.forward()


def stall(x):
    x.swallow(x.length // 3)
    x.idle(x.proxy.stall_s)


def skewed(x):
    x.swallow()
    x.answer(_error(403, "RequestTimeTooSkewed"))
    return True


def request_timeout(x):
    x.swallow(x.length // 2)
    x.answer(_error(400, "RequestTimeout", "Connection: close\r\n"))


def expired(x):
    x.swallow()
    x.answer(_error(400, "ExpiredToken"))
    return True


def truncated_xml(x):
    raw, body = x.forward()
    half = body[:len(body) // 2]
    x.answer(raw.replace(f"ontent-Length: {len(body)}".encode(), f"ontent-Length: {len(half)}".encode(), 1) + half)
    return True


def trickle(x):
    raw, body = x.forward()
    whole = raw + body
    for at in range(0, min(len(whole), int(x.proxy.stall_s * 10) * 20), 20):
        x.answer(whole[at:at + 20])
        x.proxy.ending.wait(0.1)


FAULTS = {f.__name__: f for f in (cut_request, cut_answer, overloaded, overloaded_retry_after, broken, error_in_200, answer_lost, stall, skewed,
                                  request_timeout, expired, truncated_xml, trickle)}


def can(name, x):
    """Whether this fault can be done to this request."""
    if name in ("cut_request", "request_timeout"):
        return x.length > 0
    if name == "error_in_200":
        return x.method == "POST" and "uploadId" in x.query
    if name == "truncated_xml":
        return x.method in ("GET", "POST") and bool({"list-type", "uploads", "uploadId"} & set(x.query))
    return True


class FaultProxy:
    """As a context. faults: names of FAULTS; rate: the share of requests that one of them is done to; every: instead of by chance, to each
    n-th request that it can be done to; only: a condition on the exchange."""

    def __init__(self, upstream, faults=(), rate=0.0, every=0, seed=1, only=None, stall_s=4.0):
        url = urllib.parse.urlsplit(upstream)
        self.upstream = (url.hostname, url.port)
        self.faults, self.rate, self.every, self.only, self.stall_s = list(faults), rate, every, only, stall_s
        self.requests, self.injected = 0, collections.Counter()
        self._random, self._could, self._lock = random.Random(seed), 0, threading.Lock()
        self.ending = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def _choose(self, x):
        with self._lock:
            self.requests += 1
            possible = [f for f in self.faults if can(f, x)] if not self.only or self.only(x) else []
            if not possible:
                return None
            self._could += 1
            hit = self._could % self.every == 0 if self.every else self._random.random() < self.rate
            if not hit:
                return None
            name = self._random.choice(possible)
            self.injected[name] += 1
            return name

    def _exchange(self, client):
        x = Exchange(self, client)
        name = self._choose(x)
        if name:
            return FAULTS[name](x)
        x.answer(b"".join(x.forward()))
        return True

    def _serve(self, sock):
        with sock:
            sock.settimeout(120)
            client = _Pipe(sock)
            try:
                while not self.ending.is_set() and self._exchange(client):
                    pass
            except (_Gone, OSError):
                pass

    def _accept(self):
        while True:
            try:
                sock, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc):
        self.ending.set()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
