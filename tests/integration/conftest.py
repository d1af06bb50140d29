# SPDX-License-Identifier: Apache-2.0
"""What all integration tests share: real servers, and an order in which the quick tests come first."""
import contextlib
import itertools
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
_stalled, _groups = pytest.StashKey(), pytest.StashKey()


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
    parser.addoption("--share", metavar="DIRECTORY", help="share the tests with other runs that name the same, empty directory")
    parser.addoption("--rounds", type=int, default=0, help="rounds of every row of the matrix (3; with --soak 50)")


def _servers(item):
    """What a test's module-wide servers are made from."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return next((params[name] for name in ("lab", "row") if name in params), None)


def _when(item):
    """The quick ones first, those that wait for something long last."""
    return 0 if item.get_closest_marker("fast") else 2 if item.get_closest_marker("stalled") else 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """Quick ones first, those that wait for something long last; within a file all tests of the same servers together, in the order they are written in.

    pytest's own grouping goes by the number of a parameter, which is not the same server in every test."""
    leave = [item for item in items if (config.getoption("--fast") and not item.get_closest_marker("fast")) or
             (item.get_closest_marker("soak") and not config.getoption("--soak"))]
    order, groups = {}, {}
    for item in sorted(items, key=lambda item: (str(item.path), item.reportinfo()[1])):
        key = str(item.path), _servers(item)
        group = groups.setdefault(key, len(groups))
        order[item] = (_when(item), str(item.path), group, len(order))
    items[:] = sorted((item for item in items if item not in leave), key=order.__getitem__)
    config.hook.pytest_deselected(items=leave)
    config.stash[_stalled] = any(_when(item) == 2 for item in items)
    config.stash[_groups] = [list(group) for _key, group in itertools.groupby(items, key=lambda item: order[item][:3])]


def _claimed(config, groups):
    """Test by test, those of the groups that this process is the first to take up; several share the work like this.

    What waits for something long is claimed at once, and run last."""
    directory = pathlib.Path(config.getoption("--share"))

    def claim(number):
        try:
            (directory / str(number)).open("x").close()
        except FileExistsError:
            return False
        return True
    late = [number for number, group in enumerate(groups) if _when(group[0]) == 2 and claim(number)]
    config.stash[_stalled] = bool(late)
    for number, group in enumerate(groups):
        if _when(group[0]) != 2 and claim(number):
            yield from group
    for number in late:
        yield from groups[number]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """pytest's own loop, over what has been claimed."""
    config = session.config
    if not config.getoption("--share") or config.option.collectonly or session.testsfailed:
        return None
    mine = _claimed(config, config.stash[_groups])
    item = next(mine, None)
    while item:
        following = next(mine, None)
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


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
