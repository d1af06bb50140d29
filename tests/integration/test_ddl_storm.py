# SPDX-License-Identifier: Apache-2.0
"""A source whose DDL never rests."""
import pytest

from conftest import topology
from lab import tool
from lab.server import FLAVOURS
from lab.topology import Loads
from steps import assert_running, seed_proven


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.mark.parametrize("mode", ["hold", "retry"])
def test_ddl_all_the_time_is_survived_or_given_up_politely(lab, repository, mode):
    """A load whose DDL never rests: either a sound snapshot or exit 6; the applier runs in any case."""
    with Loads(lab, rate=100, ddl_every=0.15) as loads:
        result = tool.backup(lab.replica, repository, "--ddl", mode, "--deadline", "60s", expect=(tool.OK, tool.INCONSISTENT), seconds=180)
        assert_running(lab)
        assert result.code == tool.OK or "with less DDL" in result.err, result
        if result.code == tool.OK:
            _result, target = seed_proven(lab, repository, loads)
            lab.drop(target)
    assert bool(tool.manifests(repository)) == (result.code == tool.OK)
