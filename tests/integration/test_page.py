# SPDX-License-Identifier: Apache-2.0
"""The status page in a headless Chromium. Pictures of it are left in build/screenshots for people to look at."""
import contextlib
import re

import pytest

from lab import browser, httptest, view

pytestmark = [pytest.mark.lab, pytest.mark.skipif(bool(browser.WHY_MISSING), reason=browser.WHY_MISSING)]

PICTURES = httptest.BINARY.parent / "screenshots"
TOKEN = "a-token-that-is-long-enough"


@pytest.fixture(name="chromium", scope="module")
def _chromium():
    with browser.Browser() as b:
        yield b


@pytest.fixture(autouse=True)
def _no_complaints(chromium):
    chromium.complaints.clear()
    chromium.run("sessionStorage.clear()") if chromium.run("location.protocol") == "http:" else None
    chromium.look()
    yield
    assert not chromium.complaints


@contextlib.contextmanager
def shown(chromium, picture, **how):
    with httptest.Server(picture, **how) as server:
        chromium.open(server.url)
        chromium.wait("document.getElementById('content')?.hidden === false")
        yield server
        chromium.open("about:blank")


def text(chromium, of="main"):
    return chromium.run(f"document.querySelector({of!r}).innerText")


def pictures(chromium, name):
    chromium.pictures(PICTURES, name)


@pytest.mark.fast
def test_a_running_snapshot(chromium):
    with shown(chromium, view.live()) as server:
        assert chromium.run("document.querySelector('[role=progressbar]').getAttribute('aria-valuenow')") == "45"
        assert "Backup of shop" in text(chromium, "#running")
        assert "38 GiB of 84 GiB" in text(chromium, "#running")
        assert text(chromium, "#verdict") == "All is well"
        pictures(chromium, "running")
        further = view.live()
        further["runs"][0]["progress"]["bytes_done"] = 63 << 30
        server.show(further)
        chromium.wait("document.querySelector('[role=progressbar]').getAttribute('aria-valuenow') === '75'")
        server.show(view.calm())
        chromium.wait("!document.querySelector('[role=progressbar]')")


def test_errors_with_what_to_do(chromium):
    with shown(chromium, view.broken()):
        found = text(chromium, "#attention")
        assert "db7 cannot be reached" in found and "is the server running, and does it listen on that address?" in found
        assert "3 backups failed in a row" in found and "Duplicate entry '4711'" in found
        assert "nothing newer than 30 h ago is proven" in found
        assert "the account needs s3:ListBucket" in found and "did you mean" in found
        assert text(chromium, "#verdict") == "5 problems"
        assert chromium.run("document.title") == "(5) Slackwater"
        assert "Error" in text(chromium, "#replicas") and "retry in 4 min" in text(chromium, "#plans")
        assert "the replica was 2 h behind until the next due time" in text(chromium, "#plans")
        pictures(chromium, "error")


def test_a_replica_that_stands_still_while_backups_succeed(chromium):
    picture = view.calm()
    replica = picture["instances"][0]
    replica["observation"]["channels"][0]["receiver"] = {"running": False, "errno": 2003, "error": "error connecting to source"}
    with shown(chromium, picture) as server:
        found = text(chromium, "#attention")
        assert "nothing new arrives from its source" in found and "error connecting to source" in found
        replica["applier"] = "stopped"
        server.show(picture)
        chromium.wait("document.querySelector('#attention').innerText.includes('nothing newer than what it has applied')")


def test_nothing_yet(chromium):
    with shown(chromium, view.empty()):
        assert "No replica is configured" in text(chromium) and "Nothing has run yet" in text(chromium)
        pictures(chromium, "empty")


def test_a_thousand_snapshots(chromium):
    with shown(chromium, view.many(1000)):
        chromium.wait("document.querySelector('.chart > svg') !== null")
        choose = "[...document.querySelectorAll('.choice button')].find(b => b.textContent === 'All').click()"
        begun = "performance.now()"
        took = chromium.run(f"(() => {{ const t = {begun}; {choose}; document.querySelector('.chart').getBoundingClientRect(); return {begun} - t; }})()")
        chromium.wait("document.querySelector('.chart > svg')?.getAttribute('aria-label').startsWith('1,000 snapshots')")
        assert took < 1500, f"{took} ms"
        assert chromium.run("document.querySelectorAll('#timeline tbody tr').length") == 50
        pictures(chromium, "thousand")


def test_the_keyboard_reads_the_timeline(chromium):
    with shown(chromium, view.calm()):
        chromium.wait("document.querySelector('.chart > svg') !== null")
        chromium.run("document.querySelector('.chart').focus()")
        chromium.key("End")
        newest = text(chromium, ".read")
        assert re.search(r"paused \d+ ms, took .+ min", newest)
        chromium.key("ArrowLeft")
        assert text(chromium, ".read") != newest
        chromium.key("ArrowRight")
        assert text(chromium, ".read") == newest


def test_names_and_errors_are_never_markup(chromium):
    with shown(chromium, view.hostile()):
        assert view.HOSTILE.strip()[:20] in text(chromium, "#attention")
        chromium.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert chromium.run("window.hit") is None
        assert chromium.run("document.querySelectorAll('main img, main script, main iframe').length") == 0
        assert chromium.run("document.scripts.length") == 1


def test_an_agent_that_is_gone_makes_old_figures_look_old(chromium):
    with shown(chromium, view.calm()) as server:
        assert chromium.run("document.getElementById('stale').hidden") is True
        server.end()
        chromium.wait("document.getElementById('stale').hidden === false")
        assert "does not answer" in text(chromium, "#stale") and text(chromium, "#verdict") == "No answer"
        assert float(chromium.run("getComputedStyle(document.getElementById('content')).opacity")) < 1
        chromium.screenshot(PICTURES / "no-answer-light.png")
        chromium.complaints.clear()     # the browser itself reports connections that are refused
        server.begin(view.calm())
        chromium.wait("document.getElementById('stale').hidden === true")
        chromium.complaints.clear()


def test_an_agent_that_has_stopped_looking(chromium):
    old = view.calm()
    old["agent"]["now"] = view.ago(minutes=20)
    with shown(chromium, old):
        chromium.wait("document.getElementById('stale').hidden === false")
        assert "has looked at nothing since" in text(chromium, "#stale")


def test_the_token_is_asked_for_and_kept_in_the_tab(chromium):
    with httptest.Server(view.calm(), token=TOKEN) as server:
        chromium.open(server.url)
        chromium.wait("document.getElementById('token')?.hidden === false")
        chromium.screenshot(PICTURES / "token-light.png")
        enter = "document.getElementById('secret').value = '%s'; document.querySelector('#token button').click()"
        chromium.run(enter % "wrong-wrong-wrong-wrong")
        chromium.wait("document.getElementById('wrong').textContent.includes('not the token')")
        assert chromium.run("sessionStorage.length") == 0
        chromium.run(enter % TOKEN)
        chromium.wait("document.getElementById('content').hidden === false")
        assert chromium.run("document.getElementById('token').hidden")
        assert chromium.run("localStorage.length + document.cookie.length") == 0
        assert TOKEN not in chromium.run("document.documentElement.outerHTML + location.href")
        assert any("401" in c for c in chromium.complaints)     # the browser's own report of what was refused
        chromium.open("about:blank")
        chromium.complaints.clear()


CONTRAST = """
(() => {
    const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
    const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
    const ground = n => { for (; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c.length === 3 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
    const poor = new Set();
    for (const n of document.querySelectorAll("main *, header *, footer *")) {
        if (![...n.childNodes].some(k => k.nodeType === 3 && k.textContent.trim()) || !n.offsetParent || n.closest("svg"))
            continue;
        const a = light(parse(getComputedStyle(n).color).slice(0, 3)), b = light(ground(n));
        const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
        if (ratio < 4.5)
            poor.add(`${n.tagName}.${n.className} ${ratio.toFixed(2)} "${n.textContent.slice(0, 30)}"`);
    }
    return [...poor];
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read(chromium, dark):
    """WCAG AA: 4.5 to 1 for every text; one heading of the first rank, headings in order, everything that acts has a name."""
    chromium.look(dark=dark)
    with shown(chromium, view.broken()):
        assert chromium.run(CONTRAST) == []
        ranks = chromium.run("[...document.querySelectorAll('h1, h2, h3')].filter(n => n.offsetParent).map(n => +n.tagName[1])")
        assert ranks.count(1) == 1 and all(b - a <= 1 for a, b in zip(ranks, ranks[1:]))
        nameless = "[...document.querySelectorAll('button, select, input, a')].filter(n => !(n.textContent.trim() || n.ariaLabel || n.labels?.length)).length"
        assert chromium.run(nameless) == 0


def test_nothing_else_is_loaded(chromium):
    with shown(chromium, view.calm()) as server:
        names = chromium.run("performance.getEntriesByType('resource').map(e => e.name)")
        assert names and all(name == f"{server.url}api/v1/status" for name in names)
