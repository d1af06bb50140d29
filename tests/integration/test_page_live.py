# SPDX-License-Identifier: Apache-2.0
"""A running agent on a replica under load, as people and Prometheus see it: its page in a headless Chromium, its metrics, and what two hundred who look cost.

Pictures of the page are left in build/screenshots for people to look at."""
import contextlib
import http.client
import itertools
import shutil
import signal
import statistics
import subprocess
import threading

import pytest

from conftest import topology
from lab import browser, bulk, gaps, httptest, place, proc, tool
from lab.agent import Agent
from lab.server import MariaDB
from lab.topology import Loads
from steps import PAUSE_BUDGET_MS, SLACK_MS, assert_running

PICTURES = httptest.BINARY.parent / "screenshots"
QUIET_LOAD = {"rate": 40, "ddl_every": 0, "truncate": False}
MEGABYTES = 32
SLOW = {"zstd-level": 19, "threads": 1, "shards": 1, "chunk-size": "1M"}      # so that people can see it run
CLIENTS, SNAPSHOTS = 200, 5

needs_chromium = pytest.mark.skipif(bool(browser.WHY_MISSING), reason=browser.WHY_MISSING)


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        bulk.fill(made.source, "archive", "scans", MEGABYTES)
        made.wait_caught_up()
        made.replica.sql("ANALYZE LOCAL TABLE archive.scans")     # by which the size is estimated; one that was too low is not shown
        yield made


@pytest.fixture(name="chromium")
def _chromium():
    with browser.Browser() as b:
        b.look()
        yield b
        assert not b.complaints


def listening(instances, snapshots, **keys):
    agent = Agent(instances, snapshots, listen=f"127.0.0.1:{place.free_port()}", **keys)
    agent.url = f"http://{agent.keys['listen']}/"
    return agent


def text(chromium, of="main"):
    return chromium.run(f"document.querySelector({of!r})?.innerText ?? ''")


def share(chromium):
    """What the bar of the run under way stands at, None without one."""
    return chromium.run("(n => n && n.hasAttribute('aria-valuenow') ? +n.getAttribute('aria-valuenow') : null)(document.querySelector('[role=progressbar]'))")


def shows(chromium, *words, of="main", seconds=60):
    proc.wait_until(lambda: all(w in text(chromium, of) for w in words), seconds, lambda: f"{words} on the page:\n{text(chromium)}")


# ---- the page --------------------------------------------------------------------------------------------------------

def see_nothing_yet(chromium, agent):
    chromium.open(agent.url)
    shows(chromium, "No schedule yet", "No snapshots yet", "Nothing has run yet")
    chromium.wait("document.querySelector('#replicas .pill.ok')?.textContent === 'Running'")
    assert text(chromium, "#verdict") == "Nothing scheduled"
    chromium.pictures(PICTURES, "live-empty")


def see_it_reloaded(chromium, agent):
    """The page that is open follows."""
    agent.snapshots = {"nightly": {"schedule": "30 2 * * *", "timezone": "Europe/Berlin", **SLOW}}
    agent.write()
    agent.running.signal(signal.SIGHUP)
    shows(chromium, "nightly", "Not run yet", "shop → main")
    chromium.wait("document.getElementById('verdict').textContent === 'All is well'")
    chromium.pictures(PICTURES, "live-first")


def see_it_run(chromium, agent):
    agent.tell("run", "nightly")
    first = proc.wait_until(lambda: share(chromium), 120, lambda: f"a share of what is done:\n{text(chromium)}\n{agent.log()[-3000:]}")
    assert "Backup of nightly" in text(chromium, "#running") and "by request" in text(chromium, "#running")
    assert "backup under way" in text(chromium, "#replicas") and "Running" in text(chromium, "#plans")
    chromium.pictures(PICTURES, "live-running")
    proc.wait_until(lambda: (share(chromium) or 101) > first, 60, "the bar to move")


def see_its_result(chromium, agent):
    agent.wait_view(lambda v: any(r["kind"] == "backup" and r["state"] == "succeeded" for r in v["runs"]), 300, "the backup to end")
    result = agent.runs(state="succeeded")[0]["result"]
    chromium.wait("!document.querySelector('#running .live') && document.querySelector('#timeline .chart > svg') !== null", 60)
    shows(chromium, "Done", f"paused {result['pause_ms']} ms", of="#runs")
    shows(chromium, result["id"], of="#timeline") if chromium.run("document.querySelector('#timeline details').open = true") else None
    assert chromium.run("document.querySelector('.chart > svg').getAttribute('aria-label')").startswith("1 snapshot:")
    assert text(chromium, "#verdict") == "All is well"
    chromium.pictures(PICTURES, "live-result")


def see_an_error(chromium, agent, lab):
    with gaps.RowHeld(lab.replica) as row:
        gaps.break_worker(lab.replica, row)
        agent.tell("run", "nightly", "--wait", expect=tool.APPLIER)
        shows(chromium, "shop: the applier was stopped by an error", "nightly: 2 backups failed in a row", "What to do", of="#attention")
        failed = agent.runs(state="failed")[0]
        shows(chromium, failed["error"]["message"].splitlines()[0], failed["error"]["hint"].splitlines()[0], of="#attention")
        assert text(chromium, "#verdict") == "2 problems" and chromium.run("document.title") == "(2) Slackwater"
        assert "Error" in text(chromium, "#replicas") and "1317" in text(chromium, "#replicas")
        chromium.pictures(PICTURES, "live-error")


def see_it_well_again(chromium, agent, lab):
    lab.replica.replication("start")
    lab.wait_caught_up()
    agent.tell("run", "nightly", "--wait", seconds=300)
    chromium.wait("document.getElementById('verdict').textContent === 'All is well'", 60)
    assert chromium.run("document.querySelectorAll('#attention .notice').length") == 0


def see_a_store_that_is_gone(chromium, agent):
    """A file where the directory was: not even root can write there."""
    away = agent.repository.with_name("away")
    agent.repository.rename(away)
    agent.repository.touch()
    try:
        failed = agent.tell("run", "nightly", "--wait", expect=tool.STORE)
        shows(chromium, "nightly: the last backup failed", "main: snapshots of shop cannot be listed", "What to do", of="#attention")
        assert "hint" in failed.err
        chromium.pictures(PICTURES, "live-store-gone")
    finally:
        agent.repository.unlink()
        away.rename(agent.repository)


@needs_chromium
def test_the_page_of_a_running_agent(chromium, lab):
    """From an agent without a schedule to errors and out of them, in one tab that stays open."""
    agent = listening({"shop": lab.replica}, {})
    with agent, Loads(lab, **QUIET_LOAD):
        see_nothing_yet(chromium, agent)
        see_it_reloaded(chromium, agent)
        see_it_run(chromium, agent)
        see_its_result(chromium, agent)
        see_a_store_that_is_gone(chromium, agent)
        see_an_error(chromium, agent, lab)
        see_it_well_again(chromium, agent, lab)
        agent.finish()
    lab.wait_caught_up()
    assert_running(lab)


# ---- metrics, and what looking costs ---------------------------------------------------------------------------------

class Clients(threading.Thread):
    """CLIENTS that ask for PATHS in turn, each on a connection that it keeps; every answer has to be whole."""

    PATHS = ("/metrics", "/api/v1/status", "/")

    def __init__(self, agent):
        super().__init__(daemon=True)
        self.address = agent.keys["listen"]
        self.finish = threading.Event()
        self.answers, self.failures = [0] * CLIENTS, []

    def _ask(self, number):
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=60)) as connection:
            for turn in itertools.count(number):
                connection.request("GET", self.PATHS[turn % len(self.PATHS)])
                answer = connection.getresponse()
                if answer.status != 200 or not answer.read():
                    self.failures.append(f"{self.PATHS[turn % len(self.PATHS)]}: {answer.status}")
                self.answers[number] += 1
                if self.finish.wait(0.05):
                    return

    def _client(self, number):
        try:
            self._ask(number)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(repr(error))

    def run(self):
        clients = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    def __enter__(self):
        self.start()
        proc.wait_until(lambda: all(self.answers) or self.failures, 60, "each of the clients to have had an answer")
        return self

    def __exit__(self, kind, *_exception):
        self.finish.set()
        self.join(90)
        assert kind or not self.failures, self.failures[:5]


def pauses(agent):
    """Of SNAPSHOTS backups, in milliseconds."""
    return [agent.tell("run", "asked", "--wait", "--json", seconds=300).json["result"]["pause_ms"] for _ in range(SNAPSHOTS)]


def test_the_pause_while_two_hundred_clients_ask(lab, capsys):
    """tests/run.sh shows lines that begin with a bar."""
    agent = listening({"one": lab.replica}, {"asked": {"include": "app*", "keep-last": 1}})
    with agent, Loads(lab, **QUIET_LOAD):
        alone = pauses(agent)
        with Clients(agent) as clients:
            before = sum(clients.answers)
            watched = pauses(agent)
            answers = sum(clients.answers) - before
        agent.finish()
    with capsys.disabled():
        print(f"\n| pause of {SNAPSHOTS} snapshots: median {statistics.median(alone):.0f} ms, longest {max(alone)} ms; while {CLIENTS} clients "
              f"have {answers} answers: median {statistics.median(watched):.0f} ms, longest {max(watched)} ms")
    assert answers >= CLIENTS
    # one in five may be the machine's own: such a one is seen without clients as well
    assert sorted(watched)[-2] <= PAUSE_BUDGET_MS + SLACK_MS, watched
    assert_running(lab)


def test_prometheus_reads_the_metrics(lab):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here")
    agent = listening({"one": lab.replica}, {"asked": {"include": "app*"}, "never": {}})
    with agent:
        agent.tell("run", "asked", "--wait")
        agent.wait_view(lambda v: v["repositories"][0]["snapshots"] and v["instances"][0]["reachable"], 30, "the snapshot to be listed")
        with contextlib.closing(http.client.HTTPConnection(agent.keys["listen"], timeout=20)) as connection:
            connection.request("GET", "/metrics")
            text_of_it = connection.getresponse().read()
        said = subprocess.run(["promtool", "check", "metrics"], input=text_of_it, capture_output=True, check=False)
        assert said.returncode == 0 and not said.stdout + said.stderr, said.stdout + said.stderr
        assert b'slackwater_snapshot_last_pause_seconds{snapshot="asked"}' in text_of_it
        agent.finish()
