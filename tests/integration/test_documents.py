# SPDX-License-Identifier: Apache-2.0
"""What is written for people agrees with what it is about."""
import re

import pytest

from lab import place, tool
from lab.accounts import BACKUP_RIGHTS
from lab.server import MariaDB, MySQL56, MySQL97

pytestmark = pytest.mark.fast

TOP = place.TOP
DOCUMENTS = ("README.md", "DESIGN.md", "FORMAT.md", "agent/OPERATING.md", "agent/SECURITY.md", "backup/COMPARISON.md")


def _text(name):
    return (TOP / name).read_text(encoding="utf-8")


def test_every_alarm_is_explained():
    raised = set(re.findall(r"- alert: (\w+)", _text("packaging/prometheus/slackwater.rules.yml")))
    assert raised
    assert set(re.findall(r"^\| (Slackwater\w+) \|", _text("agent/OPERATING.md"), re.M)) == raised


def test_files_that_are_named_are_there():
    for document in DOCUMENTS:
        for name in re.findall(r"`((?:agent|backup|packaging|tests|conf|include)/[\w./-]+)", _text(document)):
            assert (TOP / name.rstrip(".")).exists(), f"{document} names {name}"


def test_the_grants_are_those_that_tests_do_with():
    granted = re.findall(r"GRANT (SELECT, PROCESS[^;]*?)\s+ON \*\.\*", _text("README.md"))
    assert [" ".join(rights.split()) for rights in granted] == [BACKUP_RIGHTS[flavour] for flavour in (MySQL97, MySQL56, MariaDB)]


def test_every_state_of_the_window_has_its_row():
    """The table of ways to die is about the states that there are, and about all of them."""
    states = set(re.findall(r"\{ Q_(\w+), E_\w+, Q_\w+,", _text("backup/applier/quiesce.c"))) - {"BEGIN"}
    table = _text("DESIGN.md").partition("## Every way to die")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([A-Z]{4,}(?:, [A-Z]+)*)(?: and later)? \|", table, re.M)
    named = [state for row in rows for state in row.split(", ")]
    assert len(states) == 9 and sorted(named) == sorted(states)
    for row in re.findall(r"^\| [A-Z]{4,}.*$", table, re.M):
        assert all(cell.strip() for cell in row.strip("|").split("|")) and row.count("|") == 9, row


def test_what_max_pause_cannot_do_is_said():
    said = (tool.run("backup", "--help").out, _text("packaging/man/slackwater.1"), _text("packaging/man/slackwater.conf.5"))
    for text, words in zip(said, ("a stop that takes longer cannot be undone", "does not shorten a STOP that takes longer: that cannot be taken back",
                                  "does not shorten a STOP that takes longer")):
        assert words in " ".join(text.split())


def _anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_links_lead_somewhere():
    seen = 0
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)\s]+)\)", _text(document)):
            if link.startswith("https://"):
                continue
            name, _, section = link.partition("#")
            target = (TOP / document).parent / name
            assert target.is_file(), f"{document} leads to {link}"
            if section:
                assert section in map(_anchor, re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.M)), f"{document} leads to {link}"
            seen += 1
    assert seen > 10


def test_verbs_and_options_that_are_named_exist():
    """In the guide, which is read when there is no time for a wrong word."""
    text = "".join(_text(name) for name in DOCUMENTS if name != "DESIGN.md")
    verbs = set(re.findall(r"(?:^|[ `(])slackwater ([a-z]+) --?\w", text, re.M)) - {"VERB"}
    assert {"backup", "seed", "verify"} <= verbs
    for verb in verbs:
        options = set(re.findall(r"--[a-z][\w-]+", tool.run(verb, "--help").out))
        for line in re.findall(rf"slackwater {verb} ([^`\n|]*)", text):
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]+", line):
                assert option in options, f"slackwater {verb} {line}"


def test_keys_of_the_guide_are_keys(tmp_path):
    """The configuration that the guide shows is one that the agent takes, but for servers and stores that are not there."""
    shown = re.search(r"^    # /etc/slackwater/slackwater\.conf\n((?:    .*\n|\n)+)", _text("agent/OPERATING.md"), re.M)[1]
    public = re.search(r"age1\w+", tool.run("keygen", "-o", tmp_path / "key").out)[0]
    text = re.sub(r"^    ", "", shown, flags=re.M).replace("age1...", public)
    for name in set(re.findall(r"/etc/slackwater/[\w.]+", text)):
        content = (tmp_path / "key").read_text() if name.endswith(".key") else "[client]\nuser=somebody\n"
        (tmp_path / name.rsplit("/", 1)[1]).write_text(content)
        (tmp_path / name.rsplit("/", 1)[1]).chmod(0o600)
    (tmp_path / "slackwater.conf").write_text(text.replace("/etc/slackwater", str(tmp_path)))
    result = tool.run("status", "--config", tmp_path / "slackwater.conf", expect=None)
    assert result.code != tool.USAGE, result
