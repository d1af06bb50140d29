# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, driven over its own debugging protocol through a pair of pipes: nothing listens, and nothing but Debian's package is needed."""
import base64
import json
import os
import pathlib
import select
import shutil
import time

from . import place, proc

CHROMIUM = shutil.which("chromium")
WHY_MISSING = "" if CHROMIUM else "chromium is not installed"


class Browser:
    """`with Browser() as b: b.open(url)`. What the page writes to its console, and what it throws, is in b.complaints."""

    def __enter__(self):
        self._home = place.run_dir() / f"chromium-{time.monotonic_ns()}"
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run", "--mute-audio",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-proxy-server",
                   "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--remote-debugging-pipe", f"--user-data-dir={self._home}", "about:blank"]
        # a shell, because the protocol wants descriptors 3 and 4
        self._child = proc.spawn(["bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', CHROMIUM, *options], pass_fds=(theirs_in, theirs_out),
                                 env={**os.environ, "HOME": str(self._home), "TZ": "Europe/Berlin", "LANG": "en_GB.UTF-8", "LANGUAGE": "en_GB"},
                                 stdout=open(os.devnull, "w"), stderr=open(os.devnull, "w"))
        os.close(theirs_in)
        os.close(theirs_out)
        self._number, self._rest, self._session, self.complaints = 0, b"", None, []
        target = next(t for t in self.call("Target.getTargets", seconds=60)["targetInfos"] if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        proc.end(self._child, grace=3)
        os.close(self._in)
        os.close(self._out)
        shutil.rmtree(self._home, ignore_errors=True)

    def _receive(self, deadline):
        while b"\0" not in self._rest:
            if not select.select([self._in], [], [], max(0, deadline - time.monotonic()))[0]:
                raise proc.Timeout("chromium does not answer")
            piece = os.read(self._in, 1 << 20)
            assert piece, "chromium has gone"
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _take_note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description") or params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))

    def call(self, method, seconds=30, **params):
        self._number += 1
        request = {"id": self._number, "method": method, "params": params, **({"sessionId": self._session} if self._session else {})}
        os.write(self._out, json.dumps(request).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            message = self._receive(deadline)
            if message.get("id") == self._number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._take_note(message)

    def run(self, script):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script, seconds=30):
        return proc.wait_until(lambda: self.run(script), seconds, lambda: f"{script}; the page says:\n{self.run('document.body.innerText')}", every=0.1)

    def look(self, width=1280, height=900, dark=False, phone=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                                                          {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def screenshot(self, path):
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]))
        return path

    def pictures(self, directory, name):
        """NAME-light, -dark and -phone; what does not fit a phone would have to be scrolled sideways."""
        for kind, how in {"light": {}, "dark": {"dark": True}, "phone": {"width": 390, "height": 844, "phone": True}}.items():
            self.look(**how)
            self.wait("document.querySelectorAll('.chart').length === document.querySelectorAll('.chart > svg').length")
            self.screenshot(directory / f"{name}-{kind}.png")
            assert self.run("document.documentElement.scrollWidth <= innerWidth"), f"{name}-{kind}"
