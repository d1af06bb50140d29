# SPDX-License-Identifier: Apache-2.0
"""What all integration tests share: real servers, and an order in which the quick tests come first."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import place, proc, tool     # noqa: E402  pylint: disable=wrong-import-position
from lab.topology import Topology       # noqa: E402  pylint: disable=wrong-import-position


def pytest_configure(config):
    config.addinivalue_line("markers", "fast: belongs to the quick part of tests/run.sh")
    config.addinivalue_line("markers", "soak: long, only with --soak")
    config.addinivalue_line("markers", "lab: about the lab itself, needs no slackwater")
    proc.end_on_signals()


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="only the tests marked fast")
    parser.addoption("--soak", action="store_true", help="also those marked soak, and 50 rounds of the matrix")
    parser.addoption("--rounds", type=int, default=0, help="rounds of every row of the matrix (3; with --soak 50)")


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: item.get_closest_marker("fast") is None)    # stable: fast first
    leave = []
    for item in list(items):
        slow = config.getoption("--fast") and not item.get_closest_marker("fast")
        if slow or (item.get_closest_marker("soak") and not config.getoption("--soak")):
            leave.append(item)
            items.remove(item)
    config.hook.pytest_deselected(items=leave)


def pytest_generate_tests(metafunc):
    if "round_number" in metafunc.fixturenames:
        option = metafunc.config.getoption
        rounds = option("--rounds") or (50 if option("--soak") else 3)
        metafunc.parametrize("round_number", range(1, rounds + 1))


@pytest.fixture(autouse=True)
def _binary(request):
    if not request.node.get_closest_marker("lab") and not tool.BINARY.exists():
        pytest.fail(f"{tool.BINARY} has not been built", pytrace=False)


@pytest.fixture
def repository(tmp_path):
    """An empty directory to keep snapshots in."""
    path = tmp_path / "repository"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def tmp_path_factory_base():
    return place.run_dir()


def topology(flavour, **how):
    """A topology for a fixture to enter, or a skip that names what is missing."""
    if flavour.why_missing:
        pytest.skip(flavour.why_missing)
    return Topology(flavour, **how)
