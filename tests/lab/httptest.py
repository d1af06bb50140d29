# SPDX-License-Identifier: Apache-2.0
"""The agent's HTTP server over a view of ours: build/slackwater-httptest (tests/agent/httptest.c)."""
import json
import os
import subprocess
import time

from . import place, proc, tool

BINARY = tool.BINARY.with_name("slackwater-httptest")


class Server:
    """`with Server(view, token=...) as s`: s.url, s.port, s.control (a path), s.show(view), s.commands()."""

    def __init__(self, view, listen="127.0.0.1", control=False, **options):
        self._listen, self._options, self._begun = listen, options, time.monotonic_ns()
        self._file = place.run_dir() / f"view-{self._begun}.json"
        self.control = place.run_dir() / f"control-{self._begun}.sock" if control else None
        self._view, self.child, self.port = view, None, place.free_port() if not listen.startswith("unix:") else None

    def arguments(self):
        listen = self._listen if self.port is None else f"{self._listen}:{self.port}"
        given = [self._file, "--listen", listen, *(["--control", self.control] if self.control else [])]
        for name, value in self._options.items():
            given += [f"--{name}", value]
        return [BINARY, *given]

    @property
    def url(self):
        return f"{'https' if 'cert' in self._options else 'http'}://{self._listen}:{self.port}/"

    def begin(self, view):
        self.show(view)
        self.child = proc.spawn(self.arguments(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        said = self.child.stdout.readline()
        assert said.startswith("ready"), f"{said}{self.child.stderr.read()}"
        return said.split()[1:]

    def show(self, view):
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(view))
        os.replace(new, self._file)

    def end(self):
        """In an orderly way, through its standard input; a sanitizer's complaint or a hang is a failure."""
        self.child.stdin.close()
        try:
            code = self.child.wait(20)
        finally:
            proc.end(self.child)
        assert code == 0, self.child.stderr.read()

    def commands(self):
        """Those it was given, once it has ended."""
        return [json.loads(line) for line in self.child.stdout.read().splitlines()]

    def __enter__(self):
        self.address = self.begin(self._view)
        return self

    def __exit__(self, kind, *_):
        if self.child.poll() is None and kind is None:
            self.end()
        proc.end(self.child)
        self._file.unlink(missing_ok=True)
