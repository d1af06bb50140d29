# SPDX-License-Identifier: Apache-2.0
"""What all integration tests share: real servers, and an order in which the quick tests come first."""
import contextlib
import pathlib
import sys

import pytest

pytest.register_assert_rewrite("steps", "lab")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import place, proc, tool     # noqa: E402  pylint: disable=wrong-import-position
from lab.server import MariaDB, MySQL97        # noqa: E402  pylint: disable=wrong-import-position
from lab.stall import Stall                     # noqa: E402  pylint: disable=wrong-import-position
from lab.topology import Topology               # noqa: E402  pylint: disable=wrong-import-position

STALL_S = 150
_stalled = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "fast: belongs to the quick part of tests/run.sh")
    config.addinivalue_line("markers", "soak: long, only with --soak")
    config.addinivalue_line("markers", "ruins: leaves its servers in a state that no later test can use")
    config.addinivalue_line("markers", "stalled: waits for what began with the first test that is not quick; runs last")
    config.addinivalue_line("markers", "lab: about the lab itself, needs no slackwater")
    config.option.basetemp = config.option.basetemp or place.run_dir() / "tmp"      # goes with the run
    proc.end_on_signals()


def pytest_addoption(parser):
    parser.addoption("--fast", action="store_true", help="only the tests marked fast")
    parser.addoption("--soak", action="store_true", help="also those marked soak, and 50 rounds of the matrix")
    parser.addoption("--part", default="1/1", help="K/N: only the K-th of N parts of about the same size, to be run side by side")
    parser.addoption("--rounds", type=int, default=0, help="rounds of every row of the matrix (3; with --soak 50)")


def _servers(item):
    """What a test's module-wide servers are made from."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return next((params[name] for name in ("lab", "row") if name in params), None)


def _of_other_parts(config, items):
    """Tests that share servers stay together; the largest such groups are dealt out first, each to the part that has least."""
    part, parts = (int(n) for n in config.getoption("--part").split("/"))
    groups = {}
    for item in items:
        groups.setdefault((str(item.path), str(_servers(item))), []).append(item)
    dealt = [[] for _ in range(parts)]
    for group in sorted(groups.values(), key=len, reverse=True):
        min(dealt, key=len).extend(group)
    return [item for number, others in enumerate(dealt, 1) if number != part for item in others]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Quick ones first, those that wait for something long last; within a file all tests of the same servers together, in the order they are written in.

    pytest's own grouping goes by the number of a parameter, which is not the same server in every test."""
    leave = [item for item in items if (config.getoption("--fast") and not item.get_closest_marker("fast")) or
             (item.get_closest_marker("soak") and not config.getoption("--soak"))]
    leave += _of_other_parts(config, [item for item in items if item not in leave])
    order, seen = {}, {}
    for item in sorted(items, key=lambda item: (str(item.path), item.reportinfo()[1])):
        key = str(item.path), _servers(item)
        seen.setdefault(key, len(seen))
        when = 0 if item.get_closest_marker("fast") else 2 if item.get_closest_marker("stalled") else 1
        order[item] = (when, str(item.path), seen[key], len(order))
    items[:] = sorted((item for item in items if item not in leave), key=order.__getitem__)
    config.hook.pytest_deselected(items=leave)
    config.stash[_stalled] = any(item.get_closest_marker("stalled") for item in items)


def pytest_generate_tests(metafunc):
    if "round_number" in metafunc.fixturenames:
        option = metafunc.config.getoption
        rounds = option("--rounds") or (50 if option("--soak") else 3)
        metafunc.parametrize("round_number", range(1, rounds + 1))


@pytest.fixture(autouse=True)
def _binary(request):
    if not request.node.get_closest_marker("lab") and not tool.BINARY.exists():
        pytest.fail(f"{tool.BINARY} has not been built", pytrace=False)
    yield
    tool.end_all()


@pytest.fixture
def repository(tmp_path):
    """An empty directory to keep snapshots in."""
    path = tmp_path / "repository"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def stalls():
    """{flavour: a dump whose reader stalls for STALL_S seconds}, begun now and looked at by the last tests."""
    with contextlib.ExitStack() as stack:
        yield {flavour: stack.enter_context(Stall(flavour, STALL_S)) for flavour in (MySQL97, MariaDB) if not flavour.why_missing}


@pytest.fixture(autouse=True)
def _stalls_begin_early(request):
    if request.config.stash.get(_stalled, False) and not request.node.get_closest_marker("fast"):
        request.getfixturevalue("stalls")


def topology(flavour, **how):
    """A topology for a fixture to enter, or a skip that names what is missing."""
    if flavour.why_missing:
        pytest.skip(flavour.why_missing)
    return Topology(flavour, **how)
