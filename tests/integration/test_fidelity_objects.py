# SPDX-License-Identifier: Apache-2.0
"""What is no table: libraries, loadable functions, reference systems, accounts in every shape. Each is carried, and replication goes on with it."""
import json
import subprocess

import pytest

from conftest import topology
from lab import compare, place, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from test_fidelity import carried

LOADABLE = "int answer_init(void *i, void *a, char *m) { return !i || !a || !m; } long long answer(void *i, void *a, char *n, char *e) { return i && a && n && e ? 42 : 0; }"
SRS = """DEFINITION 'GEOGCS["Lab",DATUM["Lab",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.017453292519943278],AXIS["Lat",NORTH],AXIS["Lon",EAST]]'"""
POINT = "ST_GeomFromText('POINT(1 2)', {})"
LIBRARIES = "SELECT LIBRARY_SCHEMA AS s, LIBRARY_NAME AS n, LIBRARY_DEFINITION AS d, SQL_MODE AS m, LIBRARY_COMMENT AS c FROM information_schema.LIBRARIES ORDER BY 1, 2"
FUNCTIONS = "SELECT name, ret, dl, type FROM mysql.func"
JAVASCRIPT = "LANGUAGE JAVASCRIPT AS $$ export function f(n) {\n  return 'it;  \n' + n; // isn't it;\n} $$"

# name: what is made, what is asked of replica and seed, what the source does afterwards
CARRIED = {
    MySQL97: {
        "libraries": (["SET sql_mode='ANSI_QUOTES'", f"CREATE LIBRARY lib COMMENT 'it''s;\n' {JAVASCRIPT}", f"CREATE LIBRARY `z'``z` {JAVASCRIPT}", "SET sql_mode=''",
                       "CREATE FUNCTION uses(n INT) RETURNS INT DETERMINISTIC LANGUAGE JAVASCRIPT USING (odd.lib AS l, odd.`z'``z` AS z) AS $$ return l.f(n); $$",
                       "CREATE DATABASE a_odd", "CREATE PROCEDURE a_odd.uses_that_of_a_later_schema() LANGUAGE JAVASCRIPT USING (odd.lib) AS $$ lib.f(1) $$",
                       "CREATE USER js@localhost IDENTIFIED BY 'j-pw-1'", "GRANT EXECUTE ON LIBRARY odd.lib TO js@localhost"],
                      [LIBRARIES, "SELECT ROUTINE_SCHEMA AS s, ROUTINE_NAME AS r, LIBRARY_NAME AS l FROM information_schema.ROUTINE_LIBRARIES ORDER BY 1, 2, 3", "SHOW GRANTS FOR js@localhost"],
                      ["ALTER LIBRARY lib COMMENT 'other'", "DROP DATABASE a_odd", "DROP FUNCTION uses", "DROP LIBRARY lib", "DROP USER js@localhost", "CREATE USER js@localhost"]),
        "reference systems": ([f"CREATE SPATIAL REFERENCE SYSTEM 1990001 NAME 'Lab' ORGANIZATION 'It''s' IDENTIFIED BY 4711 {SRS} DESCRIPTION 'a; b'",
                               f"CREATE SPATIAL REFERENCE SYSTEM 17 NAME 'Among those of the server' {SRS}",
                               f"CREATE SPATIAL REFERENCE SYSTEM 18 NAME 'Used by nobody' {SRS}", f"CREATE OR REPLACE SPATIAL REFERENCE SYSTEM 4120 NAME 'In place of a shipped one' {SRS}",
                               "CREATE TABLE t (id INT PRIMARY KEY, g POINT NOT NULL SRID 1990001, h POINT SRID 17, i POINT SRID 4326, SPATIAL KEY (g)) ENGINE=InnoDB",
                               f"INSERT INTO t VALUES (1, {POINT.format(1990001)}, {POINT.format(17)}, {POINT.format(4326)})"],
                              ["SELECT * FROM information_schema.ST_SPATIAL_REFERENCE_SYSTEMS WHERE SRS_ID IN (17, 18, 4120, 1990001) ORDER BY SRS_ID"],
                              ["DELETE FROM t", "DROP TABLE t", "DROP SPATIAL REFERENCE SYSTEM 1990001", "DROP SPATIAL REFERENCE SYSTEM 17", "DROP SPATIAL REFERENCE SYSTEM 18", "DROP SPATIAL REFERENCE SYSTEM 4120"]),
        "read-only schema": (["CREATE TABLE t (id INT PRIMARY KEY, r INT) ENGINE=InnoDB", "INSERT INTO t VALUES (1,1)", "CREATE VIEW v AS SELECT * FROM t", "CREATE PROCEDURE p() SELECT 1",
                              "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.r = 2", "ALTER DATABASE odd READ ONLY = 1"],
                             ["SELECT options AS o FROM information_schema.SCHEMATA_EXTENSIONS WHERE SCHEMA_NAME = 'odd'"], ["ALTER DATABASE odd READ ONLY = 0", "INSERT INTO t VALUES (2,1)"]),
        "accounts of newer kinds": (["CREATE USER two@localhost IDENTIFIED BY 'w-pw-1' AND IDENTIFIED WITH mysql_no_login AS 'it''s'",
                                     "CREATE USER device@localhost IDENTIFIED WITH authentication_webauthn INITIAL AUTHENTICATION IDENTIFIED BY 'd-pw-1'",
                                     "CREATE USER told@localhost IDENTIFIED BY 't-pw-1' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 PASSWORD EXPIRE INTERVAL 90 DAY PASSWORD HISTORY 5 "
                                     "PASSWORD REUSE INTERVAL 9 DAY PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED ACCOUNT LOCK",
                                     "ALTER USER told@localhost ATTRIBUTE '{\"a\": \"; it''s\"}'", "ALTER USER told@localhost COMMENT 'a \\\\ \\n; it''s \"b\"'",
                                     "CREATE USER part@localhost", "GRANT SELECT, INSERT ON *.* TO part@localhost WITH GRANT OPTION", "REVOKE INSERT ON odd.* FROM part@localhost"],
                                    ["SELECT User, plugin, HEX(authentication_string) AS h, User_attributes AS u, account_locked, password_lifetime, Password_reuse_history, Password_reuse_time, "
                                     "Password_require_current, ssl_type, max_user_connections FROM mysql.user WHERE User IN ('two','device','told','part') ORDER BY 1", "SHOW GRANTS FOR part@localhost"],
                                    ["ALTER USER two@localhost MODIFY 2 FACTOR IDENTIFIED WITH mysql_no_login AS 'c'", "ALTER USER told@localhost ACCOUNT UNLOCK", "GRANT INSERT ON odd.* TO part@localhost"]),
        "views of newer kinds": (["CREATE TABLE t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB", "INSERT INTO t VALUES (1,2)", "CREATE MATERIALIZED VIEW m AS SELECT * FROM t",
                                  "CREATE JSON RELATIONAL DUALITY VIEW d AS SELECT JSON_DUALITY_OBJECT(WITH(INSERT,UPDATE,DELETE) '_id': id, 'v': v) FROM t"],
                                 ["SELECT * FROM odd.d", "SELECT * FROM odd.m"], ["""INSERT INTO d VALUES ('{"_id": 5, "v": 6}')"""]),
    },
    MariaDB: {
        "packages": (["SET sql_mode=ORACLE", "CREATE PACKAGE pack AS FUNCTION one RETURN INT; END", "CREATE PACKAGE BODY pack AS FUNCTION one RETURN INT AS BEGIN RETURN 1; END; END",
                      "CREATE USER packer@localhost", "GRANT EXECUTE ON PACKAGE pack TO packer@localhost", "GRANT EXECUTE ON PACKAGE BODY pack TO packer@localhost", "SET sql_mode=''"],
                     ["SHOW GRANTS FOR packer@localhost", "SELECT ROUTINE_TYPE AS t, ROUTINE_DEFINITION AS d FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'odd' ORDER BY 1"],
                     ["SET sql_mode=ORACLE", "REVOKE EXECUTE ON PACKAGE pack FROM packer@localhost", "DROP PACKAGE pack", "SET sql_mode=''", "DROP USER packer@localhost", "CREATE USER packer@localhost"]),
    },
    MySQL56: {
        "accounts": (["CREATE USER sha@localhost IDENTIFIED WITH 'sha256_password' AS '$5$abc''def\\\\ghijklmnopqrst$fxNQimrTWXPgEos4GKUu54KLxfmGID6qk53pe4TJMC9'", "GRANT SELECT ON odd.* TO sha@localhost",
                      "GRANT USAGE ON *.* TO sha@localhost REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 7", "CREATE USER oldest@localhost IDENTIFIED WITH 'mysql_old_password' AS '606706156665cd86'",
                      "CREATE USER 'we`i''rd'@'10.0.0.0/255.0.0.0' IDENTIFIED BY 'w-pw-1'", "GRANT SELECT ON odd.* TO 'we`i''rd'@'10.0.0.0/255.0.0.0'", "CREATE USER late@localhost IDENTIFIED BY 'l-pw-1'",
                      "ALTER USER late@localhost PASSWORD EXPIRE"],
                     ["SELECT User, Host, Password, plugin, COALESCE(authentication_string, '') AS a, password_expired, ssl_type, max_questions FROM mysql.user WHERE User REGEXP '^(sha|we|oldest|late)' ORDER BY 1",
                      "SHOW GRANTS FOR sha@localhost", "SELECT User, Host, Db, Select_priv FROM mysql.db WHERE Db = 'odd' ORDER BY 1"],
                     [f"{word} {name}" for name in ("sha@localhost", "oldest@localhost", "'we`i''rd'@'10.0.0.0/255.0.0.0'", "late@localhost") for word in ("DROP USER", "CREATE USER")]),
    },
}
USERS = {"accounts of newer kinds": [f"{name}@localhost" for name in ("two", "device", "told", "part")], "libraries": ["js@localhost"], "packages": ["packer@localhost"], "accounts": ["sha@localhost", "oldest@localhost", "'we`i''rd'@'10.0.0.0/255.0.0.0'", "late@localhost"]}


@pytest.fixture(scope="module", name="library")
def _library():
    """A loadable function, in a directory that servers of each flavour can have as their plugin_dir."""
    folder = place.run_dir() / "loadable"
    folder.mkdir(exist_ok=True)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "answer.so", "-xc", "-"], input=LOADABLE, text=True, check=True)
    return folder


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request, library):
    placed = request.param.home() / "placed"
    placed.mkdir(exist_ok=True)
    options = {"innodb_directories": MySQL97.inside(placed), "partial_revokes": "ON", "plugin_load_add": "mysql_no_login.so;authentication_webauthn.so",
               "authentication_webauthn_rp_id": "lab.example"} if request.param is MySQL97 else {"plugin_dir": library}
    with topology(request.param, source=options, replica=options) as made:
        made.source.sql("CREATE DATABASE odd")
        made.wait_caught_up()
        yield made


def _cases():
    return [pytest.param(flavour, name, id=f"{flavour.flavour}-{name.replace(' ', '-')}") for flavour, all_ in CARRIED.items() for name in all_]


@pytest.mark.parametrize("lab, name", _cases(), indirect=["lab"])
def test_objects_are_carried_and_live_on(lab, name, repository):
    made, asked, after = CARRIED[lab.flavour][name]
    try:
        lab.drop(carried(lab, repository, made, asked, after))
    finally:
        for user in USERS.get(name, ()):
            lab.source.sql(f"DROP USER {user}")


def test_loadable_functions(lab, repository, tmp_path):
    """A view and a trigger need one at once, replication when it is dropped. A target without the library says so."""
    name, made, elsewhere = "answer()", "answer RETURNS INTEGER SONAME 'answer.so'", {"plugin_dir": tmp_path}
    if lab.flavour is MySQL97:
        name, made, elsewhere = "service_release_locks('a')", "service_release_locks RETURNS INTEGER SONAME 'locking_service.so'", {"plugin_dir": "/tmp", "plugin_load_add": None, "authentication_webauthn_rp_id": None}
    lab.source.sql(f"CREATE FUNCTION {made}")
    statements = ["CREATE TABLE t (a INT) ENGINE=InnoDB", f"CREATE VIEW v AS SELECT {name} AS x", f"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = {name}"]
    function = name.split("(", maxsplit=1)[0]
    target = carried(lab, repository, statements, [FUNCTIONS], ["INSERT INTO t VALUES (1)", "DROP VIEW v", "DROP TRIGGER g", f"DROP FUNCTION {function}"])
    assert target.sql(FUNCTIONS) == []
    lab.drop(target)
    target = lab.target(**elsewhere)
    refused = tool.seed(repository, target, lab.sources, expect=tool.SERVER)
    assert made.split("'")[1] in refused.err and "plugin_dir" in refused.err
    lab.drop(target)


def test_views_whose_definer_is_gone(lab, repository):
    """A backup account may not even learn that (1045); they can be created again all the same, broken ones cannot."""
    broken = ["CREATE TABLE t (a INT) ENGINE=InnoDB", "CREATE VIEW b AS SELECT a FROM t", "CREATE DEFINER=nobody@nowhere VIEW c AS SELECT a FROM t", "DROP TABLE t"]
    lab.source.sql("USE odd", *broken)
    lab.wait_caught_up()
    refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
    assert "`odd`.`b`" in refused.err and "`odd`.`c`" in refused.err
    lab.drop(carried(lab, repository, ["DROP VIEW b", "DROP VIEW c", "CREATE TABLE t (a INT) ENGINE=InnoDB", "CREATE DEFINER=nobody@nowhere VIEW v AS SELECT a FROM t"], [], ["DROP VIEW v"]))


@pytest.mark.parametrize("lab", [MySQL97, MySQL56], ids=["mysql97", "mysql56"], indirect=True)
def test_a_view_that_its_own_server_cannot_read(lab, repository):
    """Its text is kept in UTF-8 and read as GBK, where a backslash may be half of a character. Nobody can select from it either."""
    connection = lab.source.connect()
    for statement in ("SET NAMES gbk", "CREATE VIEW odd.unread AS SELECT '縗\\'' AS x".encode("gbk")):
        connection.query(statement)
    connection.close()
    lab.wait_caught_up()
    try:
        refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
        assert "`odd`.`unread`: the " + ("view is broken" if lab.flavour is MySQL97 else "server cannot open it") in refused.err
    finally:
        lab.source.sql("DROP VIEW odd.unread")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MariaDB, MySQL56], ids=["mariadb", "mysql56"], indirect=True)
def test_remarks_do_not_refuse_a_table(lab, repository):
    """A comment may say what a definition could."""
    made = ["CREATE TABLE talkative (a INT COMMENT '/*!50100 TABLESPACE `x` */ it''s \\\\', b VARCHAR(30) DEFAULT '\\'MASKING POLICY `p`', c INT COMMENT ' DATA DIRECTORY') ENGINE=InnoDB"]
    lab.drop(carried(lab, repository, made, []))


def test_what_stays_behind_is_named(lab, repository, tmp_path):
    """Definitions of other servers, statistics, a directory: of no use elsewhere, or not to be had there; but said."""
    lab.replica.local("CREATE SERVER elsewhere FOREIGN DATA WRAPPER mysql OPTIONS (HOST '127.0.0.1', PASSWORD 's-pw-1')",
                      "CREATE DATABASE placed", f"CREATE TABLE placed.here (a INT) ENGINE=InnoDB DATA DIRECTORY='{lab.replica.inside(lab.replica.home() / 'placed')}'")
    wanted, noted = ["elsewhere", "`placed`.`here`"], []
    if lab.flavour is not MySQL56:
        lab.source.sql("CREATE TABLE odd.counted (a INT PRIMARY KEY, b INT) ENGINE=InnoDB", "INSERT INTO odd.counted VALUES (1,1)")
        lab.wait_caught_up()
        lab.replica.local("ANALYZE TABLE odd.counted UPDATE HISTOGRAM ON b" if lab.flavour is MySQL97 else "ANALYZE TABLE odd.counted PERSISTENT FOR ALL")
        noted.append("odd.counted")
    try:
        result = tool.backup(lab.replica, repository)
        kept = json.loads(tool.manifests(repository)[-1].read_text())
        for member, names in (("warnings", wanted), ("notes", noted)):
            for name in names:
                assert name in result.err and any(name in text for text in kept[member]), name
        assert not any("odd.counted" in text for text in kept["warnings"])
        key, sealed = tmp_path / "key", tmp_path / "sealed"
        tool.backup(lab.replica, sealed, "--recipient", tool.run("keygen", "--out", key, "--json").json["recipient"])
        shown = tool.run("info", "--from", tool.url(sealed), "--identity", key).out
        assert all(name in shown for name in wanted + noted) and not any(name in tool.manifests(sealed)[-1].read_text() for name in wanted + noted)
        assert "s-pw-1" not in result.err
    finally:
        lab.replica.local("DROP SERVER elsewhere", "DROP DATABASE placed")
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()
    assert compare.differences(lab.source, lab.replica, ["odd"]) == []


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_masked_columns_are_refused(lab, repository):
    """What an account reads of them may not be what is there."""
    lab.source.sql("CREATE TABLE odd.masked (id INT PRIMARY KEY, v VARCHAR(9) MASKING POLICY p) ENGINE=InnoDB")
    lab.wait_caught_up()
    refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
    assert "`odd`.`masked`" in refused.err and "MASKING" in refused.err
    lab.source.sql("DROP TABLE odd.masked")
    lab.wait_caught_up()
