# SPDX-License-Identifier: Apache-2.0
"""The recipes of README and FORMAT for doing without Slackwater, run as they stand there."""
import re
import subprocess

import pytest

from conftest import topology
from lab import compare, place, tool
from lab.server import FLAVOURS, MariaDB, MySQL56
from test_fidelity import COMMON, NEWER

ODD = "`odd``na me-ü`"
MORE = [f"USE {ODD}",
        "CREATE PROCEDURE remarks()\nBEGIN\n  SELECT 1;  \n  SELECT 'a;   \nb'; -- first\n  SELECT 2;\nEND -- that is all",
        "CREATE PROCEDURE sharp() SELECT 1 # nothing more",
        "CREATE VIEW calls AS SELECT twice(id) AS d FROM child",
        "CREATE TRIGGER talkative BEFORE UPDATE ON mother FOR EACH ROW\nBEGIN\n  SET @seen = 1;\n  SET @url = 'http://x//~y'; -- why not\nEND -- done",
        "CREATE TABLE spread_by_text (k VARCHAR(10) CHARACTER SET latin1 NOT NULL, PRIMARY KEY (k)) ENGINE=InnoDB PARTITION BY LIST COLUMNS (k) "
        "(PARTITION a VALUES IN ('ä','b'), PARTITION b VALUES IN ('ö','é','z'))",
        "INSERT INTO spread_by_text VALUES ('ä'),('b'),('ö'),('é'),('z')",
        "CREATE DATABASE `plain` DEFAULT CHARACTER SET latin1"]


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        connection = made.source.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET sql_mode=''")
            for statement in COMMON + (NEWER if request.param is not MySQL56 else []) + MORE:
                cursor.execute(statement)
        connection.close()
        made.wait_caught_up()
        yield made


@pytest.fixture(scope="module")
def snapshot(lab):
    repository = place.run_dir() / f"by-hand-{lab.flavour.flavour}"
    taken = tool.backup(lab.replica, repository, "--shards", "2").json
    return repository, taken["id"]


def _blocks(document, heading):
    """The indented blocks below a heading."""
    section = re.split(r"^## ", (place.TOP / document).read_text(), flags=re.M)
    text = next(s for s in section if s.startswith(heading))
    return [re.sub(r"^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)]


def _run(script, directory, target):
    """In a shell, with a `mysql` that goes to the target whatever host and user it is given."""
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    client = programs / "mysql"
    client.write_text(f"#!/bin/bash\n[ \"$1\" = -h ] && shift 4\nexec mariadb --no-defaults -S {target.socket} -u root \"$@\"\n")
    client.chmod(0o755)
    done = subprocess.run(["bash", "-euc", f"PATH={programs}:$PATH\nMYSQL='mysql --comments --binary-mode'\n{script}"], cwd=directory, capture_output=True,
                          text=True, timeout=900, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    return done.stdout


def _compare(lab, target):
    if lab.flavour is MariaDB:      # MySQL drops a comment behind the last END [run 5.6.24, 9.7.4]
        bodies = str(compare.picture(lab.replica))
        assert "-- that is all" in bodies and "-- done" in bodies, "no program ends in a comment here: that is what the recipes have to cope with"
    assert compare.differences(lab.replica, target) == []
    assert set(compare.picture(lab.replica)) == set(compare.picture(target))
    for name in ("a", "b"):
        query = f"SELECT HEX(k) AS k FROM {ODD}.spread_by_text PARTITION ({name}) ORDER BY 1"
        assert lab.replica.sql(query) == target.sql(query), "rows lie in other partitions"


def test_the_recipe_of_the_readme(lab, snapshot, tmp_path):
    repository, name = snapshot
    unpack, load = _blocks("README.md", "Restoring without Slackwater")
    target = lab.target()
    _run(unpack.replace("/backup/INSTANCE/ID", f"{repository}/lab/{name}") + load, tmp_path, target)
    _compare(lab, target)
    lab.drop(target)


def test_the_recipe_of_the_format(lab, snapshot, tmp_path):
    repository, name = snapshot
    blocks = _blocks("FORMAT.md", "Without Slackwater")
    unpack, load = blocks[0], next(b for b in blocks if "program()" in b)
    assert "sha256sum -c" in unpack and "jq" in unpack
    target = lab.target()
    script = unpack.replace("REPOSITORY/INSTANCE", f"{repository}/lab").replace("ID", name)
    try:
        _run(script + load, tmp_path, target)
        _compare(lab, target)
    finally:
        subprocess.run(["rm", "-rf", repository / "lab" / "dump"], check=True)
    lab.drop(target)
