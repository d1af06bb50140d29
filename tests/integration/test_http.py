# SPDX-License-Identifier: Apache-2.0
"""The agent's HTTP server as strangers, slow clients and broken ones meet it: what leaks, what blocks, what is refused and how."""
import concurrent.futures
import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import stat
import subprocess
import time
import warnings

import pytest

from lab import httptest, place, proc, view

pytestmark = pytest.mark.lab

TOKEN = "correct horse battery staple"
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(name="server", scope="module")
def _server():
    with httptest.Server(view.calm(), control=True) as s:
        yield s


def ask(server, path, method="GET", body=None, headers=None, context=None):
    """(status, headers, body), the body as bytes."""
    connection = http.client.HTTPSConnection if context else http.client.HTTPConnection
    with contextlib.closing(connection("127.0.0.1", server.port, timeout=20, **({"context": context} if context else {}))) as c:
        c.request(method, path, body, headers or {})
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read()


class OverUnix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("agent", timeout=20)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self._path)


def control(server, path, method="GET", body=None, headers=None, where=None):
    with contextlib.closing(OverUnix(where or server.control)) as c:
        with contextlib.suppress(BrokenPipeError):      # refused before all of it was sent: the answer is there all the same
            c.request(method, path, body, headers or {})
        answer = c.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


def raw(server, data, seconds=10, patience=None):
    """What comes back for bytes as they are, until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as s:
        got = b""
        with contextlib.suppress(OSError):      # one that has been refused already is reset
            s.sendall(data)
            if patience is None:
                s.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while piece := s.recv(65536):
                got += piece
        return got


def error_of(answer):
    return json.loads(answer[2])["error"]


def well(server):
    return ask(server, "/healthz")[0] == 200


# ---- what there is ----

@pytest.mark.fast
def test_every_address(server):
    shown = json.loads(ask(server, "/api/v1/status")[2])
    assert shown["agent"]["version"] == "0.1.0" and len(shown["instances"]) == 2
    assert json.loads(ask(server, "/api/v1/snapshots")[2]) == {"repositories": shown["repositories"]}
    assert json.loads(ask(server, "/api/v1/runs")[2]) == {"runs": shown["runs"]}
    assert json.loads(ask(server, "/api/v1/runs/r400")[2])["run"]["id"] == "r400"
    assert json.loads(ask(server, "/healthz")[2]) == {"alive": True}
    assert json.loads(ask(server, "/readyz")[2]) == {"ready": True, "waits_for": []}
    status, headers, text = ask(server, "/metrics")
    assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b'slackwater_snapshot_last_pause_seconds{snapshot="shop"} 0.014\n' in text
    status, headers, page = ask(server, "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8" and b"<title>Slackwater</title>" in page
    assert b"@STYLE@" not in page and b"@SCRIPT@" not in page
    assert control(server, "/api/v1/status")[2] == shown


def test_every_answer_is_guarded(server):
    for path in ("/", "/metrics", "/api/v1/status", "/healthz", "/nowhere"):
        _, headers, _ = ask(server, path)
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-store"
        assert headers["X-Frame-Options"] == "DENY" and headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers and "Server" not in headers


def test_head_has_the_headers_and_no_body(server):
    full = ask(server, "/api/v1/status")
    status, headers, body = ask(server, "/api/v1/status", "HEAD")
    assert (status, body) == (200, b"") and headers["Content-Length"] == str(len(full[2]))


def test_ready_is_not_alive():
    young = view.calm()
    young["agent"]["ready"] = False
    young["instances"][1]["looked"] = None
    with httptest.Server(young) as s:
        assert ask(s, "/healthz")[0] == 200
        status, _, body = ask(s, "/readyz")
        assert status == 503 and json.loads(body) == {"ready": False, "waits_for": ["instance db7 has not been looked at"]}
        s.show(view.calm())
        assert ask(s, "/readyz")[0] == 200


@pytest.mark.parametrize("name", ["calm", "live", "broken", "empty", "many", "hostile"])
def test_prometheus_takes_the_metrics(name):
    if not shutil.which("promtool"):
        pytest.skip("promtool (package prometheus) is not installed")
    with httptest.Server(getattr(view, name)()) as s:
        done = subprocess.run(["promtool", "check", "metrics"], input=ask(s, "/metrics")[2], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# ---- what is refused ----

@pytest.mark.parametrize("path", ["/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/v1/runs/../status",
                                  "/api/v1/runs/..%2Fstatus", "/page.js", "/api/", "/api/v1", "/api/v1/runs/", "/api/v1/runs/none", "/metrics/", "/index.html",
                                  "/favicon.ico", "/%00", "/api/v1/status%00.html", "/" + "a" * 4000], ids=lambda path: path[:30])
def test_nothing_is_at_other_addresses(server, path):
    answer = ask(server, path)
    assert answer[0] == 404 and error_of(answer)["kind"] == "usage" and b"root:" not in answer[2]


@pytest.mark.parametrize("method,path,allow", [("POST", "/api/v1/status", "GET, HEAD"), ("PUT", "/", "GET, HEAD"), ("DELETE", "/metrics", "GET, HEAD"),
                                               ("OPTIONS", "/api/v1/run", "POST"), ("GET", "/api/v1/run", "POST"), ("TRACE", "/healthz", "GET, HEAD"),
                                               ("PATCH", "/readyz", "GET, HEAD")])
def test_other_methods(server, method, path, allow):
    answer = ask(server, path, method)
    assert answer[0] == 405 and answer[1]["Allow"] == allow and error_of(answer)["message"]


def test_commands_without_a_token_are_for_the_control_socket(server):
    answer = ask(server, "/api/v1/run", "POST", "{}", JSON)
    assert answer[0] == 403 and "control socket" in error_of(answer)["hint"]


def test_the_token():
    with httptest.Server(view.calm(), token=TOKEN) as s:
        for path in ("/metrics", "/api/v1/status", "/api/v1/snapshots", "/api/v1/runs", "/api/v1/runs/r400"):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Bearer {TOKEN[:-1]}"},
                            {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}, {"Authorization": TOKEN}, {"Authorization": ""}):
                answer = ask(s, path, headers=headers)
                assert answer[0] == 401 and answer[1]["WWW-Authenticate"].startswith("Bearer") and TOKEN.encode() not in answer[2], (path, headers)
            assert ask(s, path, headers=BEARER)[0] == 200
        assert ask(s, "/api/v1/run", "POST", "{}", JSON)[0] == 401
        assert ask(s, "/api/v1/run", "POST", '{"snapshot": "shop"}', {**JSON, **BEARER})[0] == 200
        for path in ("/", "/healthz", "/readyz"):       # nothing in them but that there is an agent
            assert ask(s, path)[0] == 200
        assert b"shop" not in ask(s, "/")[2]
        s.end()
        assert s.commands() == [{"command": "run", "snapshot": "shop"}]


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                                     {"Origin": "http://127.0.0.1:1"}])
def test_pages_of_others_cannot_command(headers):
    with httptest.Server(view.calm(), token=TOKEN) as s:
        assert ask(s, "/api/v1/pause", "POST", "{}", {**JSON, **BEARER, **headers})[0] == 403
        for form in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", None):
            assert ask(s, "/api/v1/pause", "POST", "{}", {**BEARER, **({"Content-Type": form} if form else {})})[0] == 415
        own = {"Origin": f"http://127.0.0.1:{s.port}", "Sec-Fetch-Site": "same-origin"}
        assert ask(s, "/api/v1/pause", "POST", "{}", {**JSON, **BEARER, **own})[0] == 200
        s.end()
        assert s.commands() == [{"command": "pause"}]


def test_a_foreign_name_for_loopback_reads_nothing(server):
    """DNS rebinding: a page of evil.example whose name suddenly means 127.0.0.1."""
    for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "localhost.evil.example", "[::2]", "128.0.0.1", ""):
        for path in ("/api/v1/status", "/metrics", "/api/v1/runs"):
            assert ask(server, path, headers={"Host": host})[0] == 403, host
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:9", "[::1]:9877"):
        assert ask(server, "/api/v1/status", headers={"Host": host})[0] == 200, host


@pytest.mark.parametrize("options,words", [({"token": "short"}, "shorter than 16"), ({"listen": "0.0.0.0"}, "there is no token"),
                                           ({"cert": "/nowhere"}, "one of them is missing"), ({"cert": "/nowhere", "key": "/nowhere"}, "/nowhere"),
                                           ({"listen": "example.org"}, "no address to listen on"), ({"listen": "::1"}, "no address to listen on"),
                                           ({"control": True, "group": "no-such-group"}, "no group no-such-group")])
def test_what_is_not_started(options, words):
    s = httptest.Server(view.calm(), **options)
    with pytest.raises(AssertionError, match=words):
        s.begin(view.calm())
    proc.end(s.child)


# ---- commands ----

def test_commands_over_the_control_socket():
    with httptest.Server(view.calm(), control=True) as s:
        for command in ("run", "pause", "resume", "cancel", "reload"):
            assert control(s, f"/api/v1/{command}", "POST", '{"snapshot": "shop"}', JSON)[2] == \
                {"did": {"command": command, "snapshot": "shop"}}
        assert control(s, "/api/v1/reload", "POST", "", JSON)[2] == {"did": {"command": "reload"}}
        status, _, body = control(s, "/api/v1/run", "POST", '{"snapshot": "refuse"}', JSON)
        assert status == 400 and body["error"]["kind"] == "usage" and body["error"]["code"] == 2 and "shop, blog" in body["error"]["hint"]
        for bad in ("[]", "{", "null", '{"snapshot": 1}', '{"wait": true}', '{"sanpshot": "shop"}', '{"snapshot": "a", "snapshot": "a"}', "\xff", "[" * 5000,
                    '{"snapshot": "\\u0000"}', '{"command": "reload"}'):
            status, _, body = control(s, "/api/v1/run", "POST", bad.encode("latin-1"), JSON)
            assert status == 400 and body["error"]["kind"] == "usage", bad
        s.end()
        assert [c["command"] for c in s.commands()] == ["run", "pause", "resume", "cancel", "reload", "reload", "run"]


def test_a_slow_command_holds_nobody_up(tmp_path):
    """One is being carried out, sixteen wait, the rest is refused at once; readers notice nothing."""
    gate = tmp_path / "gate"
    with httptest.Server(view.calm(), control=True, gate=gate) as s, concurrent.futures.ThreadPoolExecutor(30) as pool:
        first = pool.submit(control, s, "/api/v1/cancel", "POST", "{}", JSON)
        assert json.loads(s.child.stdout.readline()) == {"command": "cancel"}
        for _ in range(20):
            assert ask(s, "/api/v1/status")[0] == 200 and control(s, "/healthz")[0] == 200
        more = [pool.submit(control, s, "/api/v1/cancel", "POST", "{}", JSON) for _ in range(24)]
        proc.wait_until(lambda: sum(f.done() for f in more) == 8, 30, "eight commands too many to be refused")
        assert not first.done()
        assert all(f.result()[0] == 409 and f.result()[2]["error"]["kind"] == "busy" for f in more if f.done())
        s.child.stdin.close()       # ends while others wait: they are told so, and nothing hangs
        gate.touch()
        assert s.child.wait(20) == 0
        assert first.result()[0] == 200 and {f.result()[0] for f in more} <= {200, 409}


def test_bodies_have_a_limit(server):
    assert control(server, "/api/v1/run", "POST", '{"snapshot": "' + "x" * 60000 + '"}', JSON)[0] == 200
    status, _, body = control(server, "/api/v1/run", "POST", '{"snapshot": "' + "x" * 70000 + '"}', JSON)
    assert status == 413 and "64 KiB" in body["error"]["hint"]
    chunks = b"POST /api/v1/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + \
        b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    over = chunks + b"8000\r\n" + b" " * 0x8000 + b"\r\n" + b"8000\r\n" + b" " * 0x8000 + b"\r\n0\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(str(server.control))
        s.sendall(over)
        assert s.recv(4096).startswith(b"HTTP/1.1 413 ")
    with socket.socket(socket.AF_UNIX) as s:        # one that never ends is cut
        s.settimeout(10)
        s.connect(str(server.control))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            s.sendall(chunks)
            for _ in range(4000):
                s.sendall(b"8000\r\n" + b" " * 0x8000 + b"\r\n")


# ---- broken and slow clients ----

MALFORMED = {
    "empty": b"\r\n\r\n", "no path": b"GET\r\n\r\n", "version": b"GET / HTTP/9.9\r\n\r\n", "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "zeros": bytes(4096), "no host": b"GET / HTTP/1.1\r\n\r\n", "negative length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
    "long length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n", "escape": b"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "huge header": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100000 + b"\r\n\r\n", "huge path": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(5000)) + b"\r\n",
    "bad chunk": b"POST /api/v1/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "half": b"GET / HTTP/1.1\r\nHost: local",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not ascii": "GÉT / HTTP/1.1\r\nHost: ü\r\n\r\n".encode()}


@pytest.fixture(name="hasty", scope="module")
def _hasty():
    with httptest.Server(view.calm(), patience=2000) as s:
        yield s


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_do_no_harm(hasty, name):
    """Refused, or waited for in vain and cut; nobody else notices."""
    got = raw(hasty, MALFORMED[name])
    assert not got or got.startswith(b"HTTP/1.") and b"instances" not in got
    assert well(hasty)


def test_pipelined_requests_are_answered_in_order(server):
    one = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got = raw(server, one % b"/healthz" + one % b"/nowhere" + one % b"/api/v1/runs/r400" + b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", patience=1)
    assert [int(part.split(b" ", 1)[0]) for part in got.split(b"HTTP/1.1 ")[1:]] == [200, 404, 200, 200]


def test_those_who_trickle_are_cut():
    """One byte a second never lets an idle timeout strike; the time for a whole request does."""
    with httptest.Server(view.many(1000), patience=2000) as s:
        slow = [socket.create_connection(("127.0.0.1", s.port), timeout=10) for _ in range(40)]
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"b" * 60
        begun, gone = time.monotonic(), set()
        while len(gone) < len(slow):
            # without that they would be served for as long as the header may be: an hour
            assert time.monotonic() - begun < 40, f"{len(slow) - len(gone)} of {len(slow)} are still served"
            assert well(s)      # meanwhile others are answered
            for n, c in enumerate(slow):
                if n in gone:
                    continue
                try:
                    c.sendall(head[:1])
                    head = head[1:] + head[:1]
                except OSError:
                    gone.add(n)
            time.sleep(0.3)
        for c in slow:
            c.close()


def test_those_who_do_not_read_are_cut():
    with httptest.Server(view.many(1000), patience=2000) as s:
        c = socket.socket()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.settimeout(10)
        open_ = f"/proc/{s.child.pid}/fd"
        before = len(os.listdir(open_))
        c.connect(("127.0.0.1", s.port))
        proc.wait_until(lambda: len(os.listdir(open_)) > before, 10, "the connection to be accepted")
        c.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        proc.wait_until(lambda: len(os.listdir(open_)) == before, 12, "the connection to be closed by the server", every=0.3)
        assert well(s)
        c.close()


def test_connections_have_a_limit_and_come_back():
    """More clients than there are places: those who wait are served when others go, and the control socket has places of its own."""
    with httptest.Server(view.calm(), control=True, patience=3000) as s:
        many = [socket.create_connection(("127.0.0.1", s.port), timeout=20) for _ in range(300)]
        assert control(s, "/healthz")[0] == 200
        begun = time.monotonic()
        assert well(s)
        assert time.monotonic() - begun < 15
        for c in many:
            c.close()
        assert well(s)


def test_two_hundred_clients_at_once():
    """All of them are answered whole; memory stays small, since an answer that is the same for all is made once."""
    big = view.many(1000)
    with httptest.Server(big) as s, concurrent.futures.ThreadPoolExecutor(200) as pool:
        length = len(ask(s, "/api/v1/status")[2])
        def client(number):
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)) as c:
                for _ in range(5):
                    c.request("GET", "/metrics" if number % 4 == 0 else "/api/v1/status")
                    answer = c.getresponse()
                    body = answer.read()
                    assert answer.status == 200 and (number % 4 == 0 or len(body) == length)
            return True
        assert all(pool.map(client, range(200)))
        with open(f"/proc/{s.child.pid}/status") as status:
            anonymous = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
        if not os.environ.get("SLACKWATER_BIN", "").count("build-dev"):
            assert anonymous < 30 << 10, f"{anonymous} KiB"
        assert threads(s) <= 8


def threads(server):
    return len(os.listdir(f"/proc/{server.child.pid}/task"))


def test_idle_it_does_nothing():
    """No thread wakes up while nobody is connected."""
    with httptest.Server(view.calm(), control=True) as s:
        assert well(s)
        def switches():
            total = 0
            for task in os.listdir(f"/proc/{s.child.pid}/task"):
                with contextlib.suppress(OSError), open(f"/proc/{s.child.pid}/task/{task}/status") as status:    # a thread may have ended
                    total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
            return total
        proc.wait_until(lambda: switches() == (time.sleep(1.5), switches())[1], 45, "a second and a half without a thread that runs")


# ---- sockets ----

def test_the_control_socket_belongs_to_its_group():
    with httptest.Server(view.calm(), control=True, group="daemon") as s:
        found = os.stat(s.control)
        assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o660
        import grp      # pylint: disable=import-outside-toplevel
        assert found.st_gid == grp.getgrnam("daemon").gr_gid
        path = s.control
    assert not path.exists()


def test_a_socket_of_the_dead_is_replaced_and_one_of_the_living_is_not():
    first = httptest.Server(view.calm(), control=True)
    first.begin(view.calm())
    second = httptest.Server(view.calm(), control=True)
    second.control = first.control
    with pytest.raises(AssertionError, match="somebody answers"):
        second.begin(view.calm())
    proc.end(second.child)
    assert control(first, "/healthz")[0] == 200
    proc.end(first.child)           # without a chance to tidy up
    assert first.control.exists()
    with second:
        assert control(second, "/healthz")[0] == 200
    plain = httptest.Server(view.calm(), control=True)
    plain.control.write_text("mine")
    with pytest.raises(AssertionError, match="is no socket"):
        plain.begin(view.calm())
    proc.end(plain.child)
    assert plain.control.read_text() == "mine"


def test_over_a_unix_socket():
    path = place.run_dir() / "world.sock"
    with httptest.Server(view.calm(), listen=f"unix:{path}") as s:
        assert s.address == [f"unix:{path}"]
        assert control(s, "/api/v1/status", where=path)[0] == 200
        assert control(s, "/api/v1/run", "POST", "{}", JSON, where=path)[0] == 403
    assert not path.exists()


def test_over_ipv6():
    with httptest.Server(view.calm(), listen="[::1]") as s, contextlib.closing(http.client.HTTPConnection("::1", s.port, timeout=10)) as c:
        c.request("GET", "/api/v1/status")
        assert c.getresponse().status == 200


def test_tls(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=agent", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True, timeout=60)
    context = ssl.create_default_context(cafile=cert)
    with httptest.Server(view.calm(), cert=cert, key=key, token=TOKEN, control=True, patience=2000) as s:
        assert s.address == [s.url] and s.url.startswith("https://")
        assert ask(s, "/api/v1/status", headers=BEARER, context=context)[0] == 200
        assert ask(s, "/api/v1/status", context=context)[0] == 401
        assert control(s, "/api/v1/status")[0] == 200       # a Unix socket needs none
        warnings.simplefilter("ignore", DeprecationWarning)
        old = ssl.create_default_context(cafile=cert)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            ask(s, "/healthz", context=old)
        with socket.create_connection(("127.0.0.1", s.port), timeout=12) as c:      # says nothing, and is not waited for
            assert c.recv(1) == b""
    swapped = httptest.Server(view.calm(), cert=key, key=cert)
    with pytest.raises(AssertionError, match="cannot serve"):
        swapped.begin(view.calm())
    proc.end(swapped.child)
