# SPDX-License-Identifier: Apache-2.0
"""The units of systemd, as far as a machine can judge them on which systemd does not run."""
import re
import shutil
import subprocess

import pytest

from lab import place, tool

pytestmark = pytest.mark.fast

UNITS = place.TOP / "packaging" / "systemd"
EXPOSURE = 1.5          # of 10, by systemd 252; what is left is the network, local sockets, and priorities of the proof's server


@pytest.fixture(autouse=True)
def _systemd():
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")


@pytest.fixture
def units(tmp_path):
    """Both units, the template with an instance, of a program that is there."""
    made = []
    for name, as_name in ("slackwater.service", "slackwater.service"), ("slackwater@.service", "slackwater@second.service"):
        made.append(tmp_path / as_name)
        made[-1].write_text((UNITS / name).read_text().replace("/usr/bin/slackwater", str(tool.BINARY)))
    return made


def _analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_systemd_understands_them(units):
    found = _analyze("verify", "--man=no", *units)
    assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_it_would_have_said_so(units):
    units[0].write_text(units[0].read_text().replace("WatchdogSec=", "WachtdogSec="))
    assert "WachtdogSec" in _analyze("verify", "--man=no", units[0]).stderr


def test_security_score(units, record_property):
    for unit in units:
        found = _analyze("security", "--offline=yes", unit)
        score = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", found.stdout)[1])
        record_property(f"exposure of {unit.name}", score)
        assert score <= EXPOSURE, found.stdout


def _calls(name, _known={}):        # pylint: disable=dangerous-default-value
    """The system calls of "@set" or "call"."""
    if not name.startswith("@"):
        return {name}
    if name not in _known:
        lines = _analyze("syscall-filter", name).stdout.splitlines()[1:]
        named = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        _known[name] = set().union(*(_calls(n) for n in named))
    return _known[name]


def test_the_control_socket_can_be_given_to_its_group():
    """The filter, line by line as systemd reads it, leaves chown to a program that may be in control-group; and that group gets there."""
    unit = (UNITS / "slackwater.service").read_text()
    allowed = set()
    for names in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        calls = set().union(*(_calls(n) for n in names.lstrip("~").split()))
        allowed = allowed - calls if names.startswith("~") else allowed | calls
    assert {"chown", "fchownat", "openat"} <= allowed and not {"mount", "setuid", "reboot"} & allowed
    assert re.search(r"^RuntimeDirectoryMode=0755$", unit, re.M)
    assert re.search(r"^d /run/slackwater +0755 ", (UNITS / "slackwater.tmpfiles").read_text(), re.M)


def test_both_say_the_same():
    """The template is the unit, with the instance's name in three places and a comment of its own."""
    def settings(name):
        return [line for line in (UNITS / name).read_text().splitlines() if line and not line.startswith("#")]
    single = "\n".join(settings("slackwater.service")).replace("/slackwater.conf", "/%i.conf").replace("replicas\n", "replicas (%i)\n", 1)
    assert single.splitlines() == settings("slackwater@.service")


def test_nothing_of_ours_is_written_elsewhere():
    """What the unit may write to is what tmpfiles makes."""
    made = re.findall(r"^d (\S+)", (UNITS / "slackwater.tmpfiles").read_text(), re.M)
    assert sorted(made) == ["/run/slackwater", "/var/lib/slackwater", "/var/log/slackwater"]
    unit = (UNITS / "slackwater.service").read_text()
    assert re.findall(r"^(State|Logs|Runtime)Directory=slackwater$", unit, re.M) == ["State", "Logs", "Runtime"]
