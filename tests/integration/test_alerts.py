# SPDX-License-Identifier: Apache-2.0
"""The alert rules that packaging/prometheus has, as promtool sees them."""
import re
import shutil
import subprocess

import pytest

from lab import place

pytestmark = pytest.mark.lab

RULES = place.TOP / "packaging" / "prometheus" / "slackwater.rules.yml"


def promtool(*arguments):
    if not shutil.which("promtool"):
        pytest.skip("promtool (package prometheus) is not installed")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_rules():
    promtool("check", "rules", RULES)


@pytest.mark.parametrize("name", ["slackwater.rules.test.yml", "slackwater.rules.days.test.yml"])
def test_they_fire_when_they_should_and_not_before(name):
    promtool("test", "rules", place.TOP / "tests" / "agent" / name)


@pytest.mark.fast
def test_they_ask_for_metrics_that_exist():
    known = set(re.findall(r'"(slackwater_\w+)"', (place.TOP / "agent" / "http" / "metrics.c").read_text()))
    asked = set(re.findall(r"\bslackwater_\w+", " ".join(re.findall(r"expr: (.*?)\n +(?:for|labels):", RULES.read_text(), re.S))))
    assert len(asked) > 15 and asked <= known
