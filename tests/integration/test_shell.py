# SPDX-License-Identifier: Apache-2.0
"""What comes with the program for people at a shell: completion, and manual pages that their formatters accept."""
import re
import shutil
import subprocess

import pytest

from lab import place, tool

pytestmark = pytest.mark.fast

MAN = place.TOP / "packaging" / "man"


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "slackwater.bash"
    path.write_text(tool.run("completion", "bash").out)
    return path


def _complete(script, *words, cwd=None):
    """What bash would offer for the last word."""
    program = f'. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slackwater; printf "%s\\n" "${{COMPREPLY[@]}}"'
    found = subprocess.run(["bash", "--norc", "-uc", program, str(script), "slackwater", *words], capture_output=True, text=True, check=True,
                           cwd=cwd)
    assert not found.stderr
    return [line for line in found.stdout.splitlines() if line]


def _verbs():
    return re.findall(r"^  (\w+) +\S", tool.run("--help").out.split("\nVerbs\n")[1].split("\n\n")[0], re.M)


def test_verbs(script):
    assert set(_complete(script, "")) == {*_verbs(), "help", "--help", "--version"}
    assert _complete(script, "se") == ["seed"]
    assert _complete(script, "help", "bac") == ["backup"]


def test_options_are_those_of_the_help(script):
    for verb in _verbs():
        told = set(re.findall(r"^  (?:-.,|   ) (--[\w-]+)", tool.run(verb, "--help").out.split("\nExample\n")[0], re.M))
        assert told, verb
        assert set(_complete(script, verb, "--")) == told, verb


def test_words_of_an_option(script):
    assert _complete(script, "backup", "--on-deadline", "") == ["give-up", "stop"]
    assert _complete(script, "backup", "--on-deadline", "=", "s") == ["stop"]
    assert _complete(script, "backup", "--ddl", "=") == ["hold", "retry"]
    assert _complete(script, "seed", "--verify", "e") == ["entry"]


def test_files_and_directories(script, tmp_path):
    (tmp_path / "two words.cnf").touch()
    (tmp_path / "two-dir").mkdir()
    assert sorted(_complete(script, "check", "--defaults-file", "two", cwd=tmp_path)) == ["two words.cnf", "two-dir"]
    assert _complete(script, "restore", "--to-dir", "two", cwd=tmp_path) == ["two-dir"]


def test_nothing_is_offered_where_only_a_person_knows(script):
    assert not _complete(script, "check", "--host", "")
    assert not _complete(script, "check", "-P", "")
    assert not _complete(script, "no-such-verb", "")


def test_one_argument(script):
    assert _complete(script, "info", "l") == ["latest"]
    assert not _complete(script, "check", "l")
    assert _complete(script, "completion", "b") == ["bash"]


@pytest.mark.parametrize("arguments", [[], ["zsh"]], ids=["none", "another"])
def test_shells_that_it_does_not_know(arguments):
    assert "slackwater completion bash" in tool.run("completion", *arguments, expect=tool.USAGE).err


def test_a_loaded_script_is_used_by_bash(script):
    told = subprocess.run(["bash", "--norc", "-ec", '. "$0"; complete -p slackwater', str(script)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "complete -F _slackwater slackwater"


# ---- manual pages ----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """All of them, that of the format made as the build makes it."""
    made = tmp_path_factory.mktemp("man") / "slackwater-format.5"
    with open(made, "w", encoding="utf-8") as page:
        subprocess.run(["awk", "-f", MAN / "format.awk", place.TOP / "FORMAT.md"], stdout=page, check=True)
    return [made, *sorted(p for p in MAN.iterdir() if p.suffix in (".1", ".5"))]


def test_man_shows_them_without_a_warning(pages):
    if not shutil.which("man"):
        pytest.skip("man is not here")
    for page in pages:
        shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True, text=True, check=True)
        assert (page.name, shown.stderr) == (page.name, "")


def test_mandoc_finds_nothing(pages):
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not here")
    for page in pages:
        found = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False)
        assert (page.name, found.stdout + found.stderr) == (page.name, "")


def test_the_format_has_every_section_and_every_member(pages):
    """What FORMAT.md says in code is in the page, letter by letter."""
    shown = subprocess.run(["man", "-E", "UTF-8", "-l", pages[0]], capture_output=True, text=True, check=True,
                           env={"MANWIDTH": "400", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MAN_KEEP_FORMATTING": ""}).stdout
    shown = " ".join(re.sub("\u2010\n *|.\b", "", shown).split())
    text = (place.TOP / "FORMAT.md").read_text(encoding="utf-8")
    for word in re.findall(r"`([^`\n]+)`", re.sub(r"^    .*$", "", text, flags=re.M)) + re.findall(r"^ {4,}(\S.*)$", text, re.M):
        assert " ".join(word.split()) in shown, word
    for title in re.findall(r"^## (.*)$", text, re.M):
        assert title.replace("`", "").upper() in shown


def test_markup_that_the_page_would_swallow_is_an_error(tmp_path):
    for text in "### a third level\n", "> a quotation\n", "a `lonely one\n", "a **lonely one\n\n- then a list\n":
        made = subprocess.run(["awk", "-f", MAN / "format.awk"], input=text, capture_output=True, text=True, check=False)
        assert made.returncode == 1 and "format.awk: line" in made.stderr, text
