# SPDX-License-Identifier: Apache-2.0
"""The recipe of FORMAT for doing without Slackwater, run as it stands there."""
import re
import subprocess

import pytest

from conftest import topology
from lab import compare, place, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
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

OF_97 = ["CREATE LIBRARY lib LANGUAGE JAVASCRIPT AS $$ export function f(n) {\n  return n + 1;  \n} $$", "CREATE DATABASE a_user",
         f"CREATE FUNCTION a_user.uses(n INT) RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING ({ODD}.lib AS l) AS $$ return l.f(n);\n $$",
         """CREATE SPATIAL REFERENCE SYSTEM 1990001 NAME 'Lab' DEFINITION 'GEOGCS["Lab",DATUM["Lab",SPHEROID["WGS 84",6378137,298.257223563]],"""
         """PRIMEM["Greenwich",0],UNIT["degree",0.017453292519943278],AXIS["Lat",NORTH],AXIS["Lon",EAST]]'""",
         "CREATE TABLE placed (id INT PRIMARY KEY, g POINT NOT NULL SRID 1990001) ENGINE=InnoDB", "INSERT INTO placed VALUES (1, ST_GeomFromText('POINT(1 2)', 1990001))",
         "CREATE FUNCTION service_release_locks RETURNS INTEGER SONAME 'locking_service.so'", "CREATE VIEW releasing AS SELECT service_release_locks('a') AS x"]


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        connection = made.source.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET sql_mode=''")
            for statement in COMMON + (NEWER if request.param is not MySQL56 else []) + MORE + (OF_97 if request.param is MySQL97 else []):
                cursor.execute(statement)
        connection.close()
        made.wait_caught_up()
        yield made


@pytest.fixture(scope="module")
def snapshot(lab):
    repository = place.run_dir() / f"by-hand-{lab.flavour.flavour}"
    taken = tool.backup(lab.replica, repository, "--shards", "2").json
    return repository, taken["id"]


def _recipe():
    """Unpacking and loading, from the section of FORMAT.md that shows them."""
    section = re.split(r"^## ", (place.TOP / "FORMAT.md").read_text(), flags=re.M)
    text = next(s for s in section if s.startswith("Without Slackwater"))
    blocks = [re.sub(r"^    ", "", block, flags=re.M) for block in re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)]
    return blocks[0], next(b for b in blocks if "program()" in b)


def _run(script, directory, target):
    """In a shell, with a `mysql` that goes to the target whatever host and user it is given."""
    programs = directory / "programs"
    programs.mkdir(exist_ok=True)
    client = programs / "mysql"
    client.write_text(f"#!/bin/bash\n[ \"$1\" = -h ] && shift 4\nexec mariadb --no-defaults -S {target.socket} -u root \"$@\"\n")
    client.chmod(0o755)
    done = subprocess.run(["bash", "-euc", f"PATH={programs}:$PATH\n{script}"], cwd=directory, capture_output=True,
                          text=True, timeout=900, check=False)
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    return done.stdout


def _compare(lab, target):
    if lab.flavour is MariaDB:      # MySQL drops a comment behind the last END [run 5.6.24, 9.7.4]
        bodies = str(compare.picture(lab.replica))
        assert "-- that is all" in bodies and "-- done" in bodies, "no program ends in a comment here: that is what the recipes have to cope with"
    assert compare.differences(lab.replica, target) == []
    assert set(compare.picture(lab.replica)) == set(compare.picture(target))
    if lab.flavour is MySQL97:
        query = "SELECT LIBRARY_NAME AS n, LIBRARY_DEFINITION AS d FROM information_schema.LIBRARIES"
        assert target.sql(query) == lab.replica.sql(query) != []
    for name in ("a", "b"):
        query = f"SELECT HEX(k) AS k FROM {ODD}.spread_by_text PARTITION ({name}) ORDER BY 1"
        assert lab.replica.sql(query) == target.sql(query), "rows lie in other partitions"


def _by_hand(lab, repository, name, target, directory):
    unpack, load = _recipe()
    assert "sha256sum -c" in unpack and "jq" in unpack
    try:
        _run(unpack.replace("REPOSITORY/INSTANCE", f"{repository}/lab").replace("ID", name) + load, directory, target)
    finally:
        subprocess.run(["rm", "-rf", repository / "lab" / "dump"], check=True)


def _logged(target):
    """How far the binary log of a server has got, and its GTIDs."""
    rows = target.sql(target.words["own binlog"])
    assert rows and rows[0]["File"], "the target has no binary log: nothing is tested"
    return rows[0], target.variable("gtid_binlog_state" if isinstance(target, MariaDB) else "gtid_executed")


def test_the_recipe(lab, snapshot, tmp_path):
    target = lab.target()
    before = _logged(target)
    _by_hand(lab, *snapshot, target, tmp_path)
    _compare(lab, target)
    assert _logged(target) == before, "the load is in the target's binary log"
    target.sql("CREATE DATABASE seen")
    assert _logged(target) != before, "a statement that is logged does not show here"
    lab.drop(target)


def test_the_recipe_without_accounts(lab, tmp_path):
    repository = tmp_path / "repository"
    schema = lab.schemas()[0]
    taken = tool.backup(lab.replica, repository, "--no-users", "--include", schema).json
    target = lab.target()
    accounts = target.sql("SELECT user, host FROM mysql.user ORDER BY 1, 2")
    _by_hand(lab, repository, taken["id"], target, tmp_path)
    assert compare.differences(lab.replica, target, [schema]) == []
    assert target.sql("SELECT user, host FROM mysql.user ORDER BY 1, 2") == accounts
    lab.drop(target)


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_one_table_as_the_guide_shows(lab, snapshot, tmp_path):
    repository, name = snapshot
    guide = re.split(r"^## ", (place.TOP / "agent" / "OPERATING.md").read_text(), flags=re.M)
    text = next(s for s in guide if s.startswith("When a table is lost"))
    commands = re.sub(r"^    ", "", re.search(r"(?:^    (?!slackwater).*\n)+", text, re.M)[0], flags=re.M)
    assert "shop.orders" in commands and "rescued" in commands
    tool.run("restore", "--from", repository, name, "--to-dir", tmp_path / "DIR", "--include", "app1.ledger")
    target = lab.target()
    _run(commands.replace("shop.orders", "app1.ledger"), tmp_path, target)
    query = "SELECT * FROM {}.ledger ORDER BY 1"
    assert target.sql(query.format("rescued")) == lab.replica.sql(query.format("app1")) != []
    lab.drop(target)
