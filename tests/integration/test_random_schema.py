# SPDX-License-Identifier: Apache-2.0
"""Schemas and rows made by chance, hostile but legal: each is carried to the last bit, or refused by name.

All of it only with --soak. One seed is fixed; of the others SLACKWATER_SEED (the first) and SLACKWATER_ROUNDS choose; a failure names its seed.
"""
import os
import random
import re

import pytest

from conftest import topology
from lab import exact, hostile, tool
from lab.compare import quote
from lab.server import FLAVOURS

FIXED, TABLES = 1, 20


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


def _shown(schema, name):
    """A pattern for a name as messages have it, in which control characters are replaced."""
    return re.sub(r"\\?[\x00-\x1f\x7f]", ".", re.escape(f"`{schema}`.`{name}`"))


class Made:
    """A schema made by chance on the source and its replica, for a while."""

    def __init__(self, lab, seed, tables=TABLES):
        self.lab = lab
        maker = hostile.Maker(lab.flavour.flavour, seed, hostile.collations(lab.source)).make(tables)
        self.applied = hostile.Applied(lab.source, maker.statements)
        there = {row["Database"] for row in lab.source.sql("SHOW DATABASES")}
        accounts = {(row["u"], row["h"]) for row in lab.source.sql("SELECT user AS u, host AS h FROM mysql.user")}
        self.schemas = [name for name in maker.schemas if name in there]
        self.users = [who for who, key in maker.users if key in accounts]

    def __enter__(self):
        self.lab.wait_caught_up()
        tables = [name for name, drop in self.objects().items() if "DROP TABLE" in drop]
        self.lab.replica.local(*(f"ANALYZE TABLE {quote(schema)}.{quote(table)}" for schema, table in tables))     # what passes for small is read as a whole
        return self

    def __exit__(self, *_exception):
        self.lab.source.sql("SET SESSION foreign_key_checks=0", *(f"DROP DATABASE {quote(name)}" for name in self.schemas), *(f"DROP USER {who}" for who in self.users))
        self.lab.wait_caught_up()

    def objects(self):
        """{(schema, name): what drops it}"""
        listed = ",".join(self.lab.source.connect().literal(name) for name in self.schemas)
        return {(row["s"], row["n"]): f"DROP {'VIEW' if row['t'] == 'VIEW' else 'TABLE'} {quote(row['s'])}.{quote(row['n'])}"
                for row in self.lab.source.sql(f"SELECT table_schema AS s, table_name AS n, table_type AS t FROM information_schema.tables WHERE table_schema IN ({listed})")}

    def backup(self, repository):
        """Take a snapshot. What is refused is named, and taken away until nothing is; returns the refusals."""
        refusals = []
        for _ in range(10):
            result = tool.backup(self.lab.replica, repository, "--chunk-size", "64K", expect=(tool.OK, tool.PREFLIGHT))
            if result.code == tool.OK:
                return refusals
            message = result.json["error"]["message"]
            named = [drop for name, drop in self.objects().items() if re.search(_shown(*name), message)]
            assert named, f"refused without a name: {result}"
            refusals.append(message)
            self.lab.source.sql("SET SESSION foreign_key_checks=0", *named)
            self.lab.wait_caught_up()
        raise AssertionError(f"refused again and again: {refusals}")


def _carried(lab, repository, seed, tables=TABLES):
    with Made(lab, seed, tables) as made:
        refusals = made.backup(repository)
        target = lab.target()
        seeded = tool.seed(repository, target, lab.sources)
        lab.wait_caught_up(target)
        found = exact.differences(lab.replica, target, made.schemas, [] if refusals else made.users)      # grants on what is gone are left out
        assert found == [], "\n".join(found)
        lab.drop(target)
        return made, refusals, seeded


@pytest.mark.soak
def test_one_that_is_always_the_same(lab, repository):
    made, _refusals, _seeded = _carried(lab, repository, FIXED)
    assert made.applied.done > 2 * len(made.applied.refused), "the server refuses nearly all of it"


def _seeds():
    first = int(os.environ.get("SLACKWATER_SEED", random.SystemRandom().randrange(10 ** 9)))
    return range(first, first + int(os.environ.get("SLACKWATER_ROUNDS", "20")))


@pytest.mark.soak
@pytest.mark.parametrize("seed", _seeds())
def test_others(lab, repository, seed):
    _carried(lab, repository, seed, 40)
