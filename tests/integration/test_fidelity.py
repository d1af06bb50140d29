# SPDX-License-Identifier: Apache-2.0
"""What a dump must carry: types, names, generated columns, foreign keys, views, triggers, routines, events. Or refuse by name."""
import json
import subprocess

import pytest

from conftest import topology
from lab import compare, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from steps import assert_same

COMMON = [
    "CREATE DATABASE `odd``na me-ü` DEFAULT CHARACTER SET latin1",
    "USE `odd``na me-ü`",
    """CREATE TABLE kinds (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, f FLOAT, d DOUBLE, m DECIMAL(30,10), b BIT(13), e ENUM('a','ü','c,d'),
       s SET('x','y','z'), y YEAR, da DATE, ti TIME(6), dt DATETIME(6), ts TIMESTAMP(3) NULL, c CHAR(10) CHARACTER SET utf8mb4,
       v VARCHAR(50) COLLATE latin1_bin, bi BINARY(4), vb VARBINARY(20), tb TINYBLOB, lb LONGBLOB, tx TEXT CHARACTER SET utf8mb4, g GEOMETRY) ENGINE=InnoDB""",
    """INSERT INTO kinds VALUES (1, 16777216, 0.1, -12345678901234567890.0123456789, b'1010101010101', 'ü', 'x,z', 1999, '2020-02-29',
       '-838:59:59', '2020-01-01 01:02:03.456789', '2020-03-29 01:30:00.123', 'grüße', 'Ab', 'ab', X'00FF275C', 'tb', REPEAT(X'00010203FF', 30000), '\\\\ '' \\n \\0 ☃', ST_GeomFromText('POINT(1 2)'))""",
    "INSERT INTO kinds (id, f, d) VALUES (18446744073709551615, 1.17549435e-38, 1.7976931348623157e308), (7, -3.4e38, -0.0)",
    "CREATE TABLE `we``ird.t%ab le` (`select` INT, `b``t` VARCHAR(10), PRIMARY KEY (`b``t`, `select`)) ENGINE=InnoDB",
    "INSERT INTO `we``ird.t%ab le` VALUES (-1,'a'),(2,'B'),(3,'b'),(1,'')",
    "CREATE TABLE zero (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL) ENGINE=InnoDB",
    "SET sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'", "INSERT INTO zero VALUES (0,'0000-00-00'),(5,'2020-02-31')", "SET sql_mode=''",
    "CREATE TABLE mother (id INT PRIMARY KEY, favourite INT) ENGINE=InnoDB",
    "CREATE TABLE child (id INT PRIMARY KEY, mother INT, CONSTRAINT one FOREIGN KEY (mother) REFERENCES mother (id) ON DELETE CASCADE) ENGINE=InnoDB",
    "INSERT INTO mother VALUES (1,NULL)", "INSERT INTO child VALUES (10,1)", "UPDATE mother SET favourite=10",
    "ALTER TABLE mother ADD CONSTRAINT two FOREIGN KEY (favourite) REFERENCES child (id)",
    "CREATE TABLE parts (id INT NOT NULL, k INT NOT NULL, PRIMARY KEY (id,k)) ENGINE=InnoDB PARTITION BY RANGE (k) "
    "(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
    "INSERT INTO parts VALUES (1,5),(2,15),(3,25)",
    "CREATE TABLE empty_one (id INT PRIMARY KEY) ENGINE=InnoDB",
    "CREATE TABLE wideless (a INT) ENGINE=InnoDB", "INSERT INTO wideless VALUES (NULL),(NULL),(1),(1)",
    "CREATE VIEW v_one AS SELECT id, `mother` FROM child", "CREATE VIEW a_view_on_view AS SELECT id FROM v_one WHERE mother IS NOT NULL",
    "CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n*2",
    "SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT'", "CREATE PROCEDURE quoting() SELECT \"id\" || 'x' FROM \"child\"", "SET sql_mode=''",
    "CREATE TRIGGER before_child BEFORE INSERT ON child FOR EACH ROW SET NEW.mother = COALESCE(NEW.mother, 1)",
    "SET time_zone='+03:00'", "CREATE EVENT sleeper ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DISABLE DO SELECT 1", "SET time_zone='+00:00'",
    "CREATE TABLE spread (id INT NOT NULL PRIMARY KEY, v CHAR(20)) ENGINE=InnoDB",
    "INSERT INTO spread VALUES (-2147483648,'lowest'),(-5,'a'),(0,'b'),(3,'c'),(2147483647,'highest')",
    "CREATE TABLE collated (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    "INSERT INTO collated VALUES ('ä'),('b'),('Z'),('ß1'),('zz'),(''),('%'),('\\\\'),('☃')",
]
NEWER = [
    "CREATE TABLE computed (a INT PRIMARY KEY, b INT AS (a*2) STORED, c INT AS (a+1) VIRTUAL, KEY (b)) ENGINE=InnoDB",
    "INSERT INTO computed (a) VALUES (1),(2)",
    "CREATE TABLE hidden (a INT PRIMARY KEY, b INT INVISIBLE DEFAULT 7) ENGINE=InnoDB",
    "INSERT INTO hidden (a,b) VALUES (1,1),(2,NULL)",
    "CREATE TABLE documents (id INT PRIMARY KEY, j JSON, CHECK (id > 0)) ENGINE=InnoDB", "INSERT INTO documents VALUES (1,'{\"a\": [1, 2.5, \"ü\"]}')",
    "CREATE TABLE defaults (id INT PRIMARY KEY, u VARCHAR(40) DEFAULT (UPPER('x')), t TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP) ENGINE=InnoDB",
    "INSERT INTO defaults (id) VALUES (1)",
]
# carried whole or refused by name, never lost in silence
SPECIAL = {
    MariaDB: {"history in partitions": ["CREATE TABLE odd.parted (v INT) ENGINE=InnoDB WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 9 PARTITIONS 3"],
              "history by transactions": ["CREATE TABLE odd.precise (v INT, s BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, "
                                          "e BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (s, e)) ENGINE=InnoDB WITH SYSTEM VERSIONING"],
              "uuid and inet": ["CREATE TABLE odd.typed (u UUID PRIMARY KEY, i INET6) ENGINE=InnoDB",
                                "INSERT INTO odd.typed VALUES ('123e4567-e89b-12d3-a456-426655440000','::1')"],
              "package": ["SET sql_mode=ORACLE", "CREATE PACKAGE odd.pack AS FUNCTION one RETURN INT; END", "SET sql_mode=''"]},
    MySQL97: {"vector": ["CREATE TABLE odd.vectors (id INT PRIMARY KEY, v VECTOR(3)) ENGINE=InnoDB",
                         "INSERT INTO odd.vectors VALUES (1, STRING_TO_VECTOR('[1,2,3.5]'))"],
              "generated invisible key": ["SET sql_generate_invisible_primary_key=ON", "CREATE TABLE odd.gipk (v INT) ENGINE=InnoDB",
                                          "INSERT INTO odd.gipk VALUES (1),(1)"],
              "geometry with SRID": ["CREATE TABLE odd.places (id INT PRIMARY KEY, g POINT NOT NULL SRID 4326, SPATIAL KEY (g)) ENGINE=InnoDB",
                                     "INSERT INTO odd.places VALUES (1, ST_GeomFromText('POINT(52.5 13.4)', 4326))"],
              "functional and multi-valued index": ["CREATE TABLE odd.indexed (id INT PRIMARY KEY, j JSON, KEY ((CAST(j->'$.a' AS UNSIGNED ARRAY)))) ENGINE=InnoDB",
                                                    "INSERT INTO odd.indexed VALUES (1,'{\"a\":[1,2]}')"],
              "role": ["CREATE ROLE readers", "GRANT SELECT ON odd.* TO readers", "CREATE USER reader@localhost IDENTIFIED BY 'r-pw-1'",
                       "GRANT readers TO reader@localhost", "SET DEFAULT ROLE readers TO reader@localhost"]},
}


def _keys(flavour):
    """Options by which a server of MariaDB has keys to encrypt tables with."""
    if flavour is not MariaDB:
        return {}
    file = flavour.home() / "keys"
    file.write_text("1;" + "ab" * 32 + "\n")
    return {"plugin_load_add": "file_key_management", "file_key_management_filename": flavour.inside(file)}


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param, source=_keys(request.param), replica=_keys(request.param)) as made:
        connection = made.source.connect()
        with connection.cursor() as cursor:
            cursor.execute("SET sql_mode=''")
            for statement in COMMON + (NEWER if request.param is not MySQL56 else []):
                cursor.execute(statement)
        connection.close()
        made.source.sql("CREATE DATABASE odd")
        made.wait_caught_up()
        yield made


@pytest.mark.parametrize("options", [[], ["--threads", "1", "--chunk-size", "64K"]], ids=["defaults", "small-chunks"])
def test_everything_comes_back(lab, repository, options):
    tool.backup(lab.replica, repository, *options)
    target = lab.target()
    tool.seed(repository, target, lab.sources)
    assert_same(lab, target)
    before, after = compare.picture(lab.replica), compare.picture(target)
    assert set(before) == set(after)
    lab.drop(target)


def test_the_seed_goes_on_with_all_of_it(lab, repository):
    tool.backup(lab.replica, repository)
    target = lab.target()
    tool.seed(repository, target, lab.sources)
    name = "`odd``na me-ü`"
    lab.source.sql(f"INSERT INTO {name}.child VALUES (11,NULL)", f"UPDATE {name}.kinds SET d=d+1", f"DELETE FROM {name}.wideless WHERE a IS NULL LIMIT 1",
                   f"INSERT INTO {name}.zero (d) VALUES ('2020-01-01')", f"UPDATE {name}.collated SET k='y' WHERE k='b'")
    assert_same(lab, target)
    lab.source.sql(f"UPDATE {name}.collated SET k='b' WHERE k='y'")
    lab.wait_caught_up()
    lab.drop(target)


def _specials():
    return [pytest.param(flavour, name, id=f"{flavour.flavour}-{name.replace(' ', '-')}") for flavour, all_ in SPECIAL.items() for name in all_]


@pytest.mark.parametrize("lab, name", _specials(), indirect=["lab"])
def test_special_things_are_carried_or_refused(lab, name, repository):
    lab.source.sql(*SPECIAL[lab.flavour][name])
    lab.wait_caught_up()
    try:
        result = tool.backup(lab.replica, repository, expect=(tool.OK, tool.PREFLIGHT))
        if result.code == tool.OK:
            target = lab.target()
            tool.seed(repository, target, lab.sources)
            assert compare.differences(lab.replica, target) == []
            lab.drop(target)
        else:
            assert "odd" in result.err, "refused without a name"
    finally:
        if name == "role":
            lab.source.sql("DROP USER reader@localhost", "DROP ROLE readers")
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


def carried(lab, repository, statements, asked, after=()):
    """Statements on the source; the seed must answer as the replica does, and again when the source has gone on."""
    def same(target):
        lab.wait_caught_up(target)
        lab.wait_caught_up()
        for question in asked:
            assert target.sql(question) == lab.replica.sql(question), question
        assert compare.differences(lab.replica, target) == []
    lab.source.sql("SET sql_mode=''", "USE odd", *statements)
    lab.wait_caught_up()
    try:
        tool.backup(lab.replica, repository)
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        same(target)
        lab.source.sql("SET sql_mode=''", "USE odd", *after, "CREATE TABLE behind (a INT PRIMARY KEY) ENGINE=InnoDB")
        same(target)
        return target
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


# index 0 of an ENUM, in all the character sets that are written differently; words that look alike; the last of 64 words
LENIENT = [
    "CREATE TABLE words (id INT PRIMARY KEY, a ENUM('x','y') NOT NULL, b ENUM('x'), c ENUM('','z') NOT NULL, d ENUM('x') CHARACTER SET ucs2, "
    "e ENUM('x') CHARACTER SET utf32, f ENUM('ж') CHARACTER SET utf16le, g ENUM('é','y') CHARACTER SET latin1, h ENUM('ソ') CHARACTER SET sjis, "
    "i ENUM('00000','0000','x'), j ENUM('x','X'), k SET('','b','B'), l SET(" + ",".join(f"'m{i}'" for i in range(64)) + ")) ENGINE=InnoDB",
    "INSERT IGNORE INTO words VALUES (1,'-','-','-','-','-','-','-','-','-','-','-','-'), (2,'x',NULL,'','x','x','ж','é','ソ','0000','x','b','m63'), "
    "(3,2,1,2,1,1,1,2,1,3,2,5,9223372036854775809), (4,'',NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,0,7,18446744073709551615)",
    "CREATE TABLE spread (id INT, a ENUM('x','y') NOT NULL) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 2", "INSERT IGNORE INTO spread VALUES (1,'-'),(2,'x'),(3,'-')",
    "CREATE TABLE many (a ENUM('x','y') NOT NULL) ENGINE=InnoDB", "INSERT IGNORE INTO many VALUES ('-'),('y')",
] + ["INSERT IGNORE INTO many SELECT * FROM many"] * 16 + [
    "SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
    "CREATE TABLE days (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, d DATE NOT NULL DEFAULT '0000-00-00', t DATETIME NOT NULL DEFAULT '2020-02-31 00:00:00', "
    "s TIMESTAMP NOT NULL DEFAULT '0000-00-00 00:00:00', y YEAR) ENGINE=InnoDB",
    "INSERT INTO days (id) VALUES (0)", "INSERT INTO days VALUES (1,'2020-02-31','2020-00-00 10:00:00','0000-00-00',0),(2,'2020-00-15','0000-00-00','1970-01-01 00:00:01',2155)",
    "CREATE TABLE nothing (id INT PRIMARY KEY, a VARCHAR(3) NOT NULL, b BINARY(3) NOT NULL, c TEXT NOT NULL, n INT NOT NULL, e BIT(5) NOT NULL) ENGINE=InnoDB",
    "SET sql_mode=''", "INSERT IGNORE INTO nothing (id) VALUES (1)",
]
WORDS = ", ".join(f"CAST({c} AS UNSIGNED) AS {c}" for c in "abcdefghijkl")
LENIENT_ASKED = [f"SELECT id, {WORDS} FROM odd.words ORDER BY id", "SELECT id, a+0 AS a FROM odd.spread ORDER BY id", "SELECT a+0 AS a, COUNT(*) AS n FROM odd.many GROUP BY a ORDER BY a",
                 "SELECT id, CONCAT(d, ' ', t, ' ', s, ' ', y) AS all_of_it FROM odd.days ORDER BY id", "SELECT id, a, HEX(b) AS b, c, n, e+0 AS e FROM odd.nothing"]


def test_what_a_lenient_server_let_in_gets_in_again(lab, repository):
    target = carried(lab, repository, LENIENT, LENIENT_ASKED,
                      ["UPDATE words SET b='x' WHERE id=1", "DELETE FROM words WHERE id=4", "DELETE FROM spread WHERE id=3", "DELETE FROM days WHERE id=0"])
    lab.drop(target)


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_rows_that_break_a_check_get_in_again(lab, repository):
    lab.drop(carried(lab, repository, ["CREATE TABLE checked (a INT PRIMARY KEY, CHECK (a > 0)) ENGINE=InnoDB", "SET check_constraint_checks=0", "INSERT INTO checked VALUES (-1)"], []))


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_sequences_go_on_where_they_are(lab, repository):
    asked = [f"SELECT * FROM odd.{name}" for name in ("counting", "`zz - last`", "backwards")] + ["SELECT * FROM odd.asking ORDER BY id"]
    target = carried(lab, repository, [
        "CREATE SEQUENCE counting START WITH 5 INCREMENT BY 3 CACHE 7", "SELECT NEXTVAL(counting)", "CREATE SEQUENCE `zz - last`",
        "CREATE SEQUENCE backwards START WITH -5 INCREMENT BY -3 MINVALUE -20 NOCACHE CYCLE ENGINE=MyISAM COMMENT='it''s;\n'", *["SELECT NEXTVAL(backwards)"] * 7,
        "CREATE TABLE asking (id BIGINT DEFAULT NEXTVAL(`zz - last`) PRIMARY KEY, v BIGINT DEFAULT NEXTVAL(odd.counting)) ENGINE=InnoDB",
        "INSERT INTO asking () VALUES (),()", "CREATE VIEW looking AS SELECT * FROM counting"], asked,
        ["INSERT INTO asking () VALUES (),()", *["SELECT NEXTVAL(backwards)"] * 3, "SELECT SETVAL(counting, 1000)", "ALTER SEQUENCE backwards RESTART 7 INCREMENT 1 MAXVALUE 100"])
    lab.drop(target)


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_history_comes_along(lab, repository):
    asked = ["SELECT *, row_start, row_end FROM odd.kept FOR SYSTEM_TIME ALL ORDER BY row_start, id, row_end", "SELECT *, s FROM odd.named FOR SYSTEM_TIME ALL ORDER BY s, e, id",
             "SELECT *, row_start, row_end FROM odd.keyless FOR SYSTEM_TIME ALL ORDER BY row_start, row_end", "SELECT *, row_start, row_end FROM odd.aria FOR SYSTEM_TIME ALL"]
    target = carried(lab, repository, [
        "CREATE TABLE kept (id INT PRIMARY KEY, v INT, g INT AS (v+1) VIRTUAL, h INT AS (v) STORED, KEY (v)) ENGINE=InnoDB WITH SYSTEM VERSIONING",
        "INSERT INTO kept (id,v) VALUES (1,1),(2,2)", "UPDATE kept SET v=v+1", "DELETE FROM kept WHERE id=2", "UPDATE kept SET v=9",
        "CREATE TABLE named (id INT PRIMARY KEY, v INT, s TIMESTAMP(6) GENERATED ALWAYS AS ROW START INVISIBLE, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, "
        "PERIOD FOR SYSTEM_TIME (s,e), w INT WITHOUT SYSTEM VERSIONING) ENGINE=InnoDB WITH SYSTEM VERSIONING",
        "INSERT INTO named (id,v,w) VALUES (1,1,1),(2,2,2)", "UPDATE named SET v=v+1", "UPDATE named SET w=w+1", "DELETE FROM named WHERE id=1",
        "CREATE TABLE keyless (v INT) ENGINE=InnoDB WITH SYSTEM VERSIONING", "INSERT INTO keyless VALUES (1),(1)", "DELETE FROM keyless LIMIT 1",
        "CREATE TABLE aria (id INT PRIMARY KEY) ENGINE=Aria WITH SYSTEM VERSIONING", "INSERT INTO aria VALUES (1)", "DELETE FROM aria"], asked,
        ["UPDATE kept SET v=v+5", "INSERT INTO kept (id,v) VALUES (2,7)", "DELETE FROM named", "INSERT INTO keyless VALUES (4)", "DELETE FROM keyless", "INSERT INTO aria VALUES (1)"])
    lab.drop(target)


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_grants_on_columns_with_odd_names(lab, repository):
    asked = ["SELECT Db, Table_name, Column_name, Column_priv FROM mysql.columns_priv WHERE User='narrow' ORDER BY 2, 3",
             "SELECT Db, Table_name, Table_priv, Column_priv FROM mysql.tables_priv WHERE User='narrow' ORDER BY 2"]
    try:
        lab.drop(carried(lab, repository, [
            "CREATE TABLE granted (`a, b` INT, `c)` INT, `d``` INT, e INT) ENGINE=InnoDB", "CREATE USER narrow@localhost IDENTIFIED BY 'n-pw-1'",
            "GRANT SELECT (`a, b`, `c)`), INSERT (`d```, e), REFERENCES, DELETE ON odd.granted TO narrow@localhost WITH GRANT OPTION"], asked))
    finally:
        lab.source.sql("DROP USER narrow@localhost")


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_a_row_format_that_the_server_does_not_make(lab, repository):
    """innodb_file_format is Antelope: the definition says what the rows are not, there as here."""
    lab.drop(carried(lab, repository, ["CREATE TABLE packed (a INT PRIMARY KEY) ENGINE=InnoDB ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8", "INSERT INTO packed VALUES (1)"], []))


TYPED = {
    "dated": "JSON_ARRAY(DATE'2020-01-01')", "timed": "JSON_OBJECT('t', CAST('10:00:00' AS TIME))", "stamped": "JSON_ARRAY(TIMESTAMP'2020-01-01 00:00:00')",
    "priced": "JSON_OBJECT('price', CAST(1.50 AS DECIMAL(5,2)))", "large": "JSON_ARRAY(12345678901234567890.123)", "bytes": "JSON_ARRAY(X'00FF')",
}
PLAIN = """'{"day": "2020-01-01", "at": "2020-01-01 10:00:00.000000", "n": [1, -1, 1.5, 1.0, 1e300, 5000000000, 18446744073709551615], "b": "base64:type15:AP8=", "s": "1.50"}'"""


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_json_types_are_named(lab, repository):
    made = [f"CREATE TABLE {name} (id INT PRIMARY KEY, j JSON, k JSON) ENGINE={'MyISAM' if name == 'timed' else 'InnoDB'}" for name in (*TYPED, "plain")]
    lab.source.sql("USE odd", *made, *(f"INSERT INTO {name} VALUES (1, {PLAIN}, NULL), (2, NULL, {value}), (3, {value}, 'null')" for name, value in TYPED.items()),
                   f"INSERT INTO plain VALUES (1, {PLAIN}, 'null'), (2, NULL, NULL)")
    lab.wait_caught_up()
    try:
        tool.backup(lab.replica, repository)
        kept = [w for w in json.loads(tool.manifests(repository)[-1].read_text())["warnings"] if "JSON" in w]
        assert len(kept) == 1 and "plain" not in kept[0], kept
        for name in TYPED:
            assert f"`odd`.`{name}` (2 rows)" in kept[0], name
        refused = tool.backup(lab.replica, repository, "--json-types", "refuse", expect=tool.PREFLIGHT)
        assert "JSON" in refused.err and any(f"`odd`.`{name}`" in refused.err for name in TYPED)
        lab.source.sql("CREATE TABLE odd.keyless (j JSON) ENGINE=InnoDB", f"INSERT INTO odd.keyless VALUES ({TYPED['dated']})")
        lab.wait_caught_up()
        refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)      # the seed would stop with 1032 when such a row is deleted
        assert "`odd`.`keyless`" in refused.err
        lab.source.sql("DROP TABLE odd.keyless", *(f"DROP TABLE odd.{name}" for name in TYPED))
        lab.wait_caught_up()
        tool.backup(lab.replica, repository, "--json-types", "refuse")
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MariaDB, MySQL56], ids=["mariadb", "mysql56"], indirect=True)
def test_a_default_that_the_server_does_not_show_is_refused(lab, repository):
    """They tell definitions in three-byte UTF-8; a plain question mark is nothing but that."""
    hidden = {"smile": "VARCHAR(5) CHARACTER SET utf8mb4 DEFAULT '😀'", "wide": "CHAR(2) CHARACTER SET utf16 DEFAULT '😀'"}
    if lab.flavour is MySQL56:      # MariaDB shows the bytes
        hidden["raw"] = "VARBINARY(5) DEFAULT x'00ff27'"
        hidden["byte"] = "BINARY(1) DEFAULT x'fb'"
    spared = "CREATE TABLE odd.spared (a INT PRIMARY KEY, q VARCHAR(9) CHARACTER SET utf8mb4 DEFAULT 'what?', b VARBINARY(9) DEFAULT 'a?', c BINARY(2) DEFAULT 'x', n BINARY(2) NULL, e VARBINARY(2) DEFAULT '')"
    lab.source.sql("SET sql_mode=''", spared, *(f"CREATE TABLE odd.{name} (a INT PRIMARY KEY, d {kind})" for name, kind in hidden.items()))
    lab.wait_caught_up()
    refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
    assert [name for name in ("spared", *hidden) if f"`odd`.`{name}`" in refused.err] == [*hidden]
    lab.drop(carried(lab, repository, [f"DROP TABLE {name}" for name in hidden], ["SELECT a, HEX(q) AS q, HEX(b) AS b, HEX(c) AS c FROM odd.spared"],
                      ["INSERT INTO spared (a) VALUES (1)"]))


def test_words_that_the_server_does_not_show(lab, repository):
    """Likewise. Rows are written as numbers where words look alike: nothing else would tell that the seed has other words."""
    words = {"smile": "ENUM('ä','😀','?') CHARACTER SET utf8mb4", "wide": "SET('a?','b😀','c') CHARACTER SET utf32"}
    asking = "CREATE TABLE odd.asking (a ENUM('y','?','it''s?') CHARACTER SET utf8mb4, b SET('?','ä') CHARACTER SET utf16, c ENUM('ö?') CHARACTER SET latin1) ENGINE=InnoDB"
    lab.source.sql(asking, "INSERT INTO odd.asking VALUES (2,1,1),(3,2,NULL)", *(f"CREATE TABLE odd.{name} (a {kind})" for name, kind in words.items()))
    lab.wait_caught_up()
    if lab.flavour is not MariaDB:      # which alone answers a question about them
        warned = tool.backup(lab.replica, repository).err
        assert [name for name in ("`asking`.`a`", "`asking`.`b`", "`smile`.`a`", "`wide`.`a`", "`asking`.`c`") if f"`odd`.{name}" in warned] == ["`asking`.`a`", "`asking`.`b`", "`smile`.`a`", "`wide`.`a`"]
    else:
        refused = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT).err
        assert [name for name in ("asking", *words) if f"`odd`.`{name}`" in refused] == [*words]
    lab.drop(carried(lab, repository, [f"DROP TABLE {name}" for name in words], ["SELECT a+0 AS a, HEX(a) AS ha, HEX(b) AS hb FROM odd.asking ORDER BY 1"], ["INSERT INTO asking VALUES (1,3,1)"]))


@pytest.mark.parametrize("lab", [MariaDB, MySQL56], ids=["mariadb", "mysql56"], indirect=True)
def test_names_that_differ_only_by_case(lab, repository):
    """These servers sort `App` and `app` as one name: what belongs to one came between what belongs to the other."""
    names = "App", "app", "äpp"
    for name in names:
        lab.source.sql(f"CREATE DATABASE `{name}`", f"USE `{name}`",
                       "CREATE TABLE shared (tenant INT NOT NULL, id INT NOT NULL, v CHAR(200), PRIMARY KEY (tenant, id)) ENGINE=InnoDB",
                       "CREATE TABLE numbers (n INT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
                       "INSERT INTO numbers VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)",
                       "INSERT INTO shared SELECT 1 + a.n DIV 5, a.n * 1000 + b.n * 100 + c.n * 10 + d.n, REPEAT('x', 200) FROM numbers AS a, numbers AS b, numbers AS c, numbers AS d",
                       "CREATE TRIGGER one BEFORE INSERT ON shared FOR EACH ROW SET NEW.v = 'one'", "CREATE TRIGGER two BEFORE UPDATE ON shared FOR EACH ROW SET NEW.v = 'two'",
                       "CREATE TRIGGER three BEFORE INSERT ON numbers FOR EACH ROW SET NEW.n = NEW.n + 1")
    lab.wait_caught_up()
    try:
        tool.backup(lab.replica, repository, "--chunk-size", "64K")
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        for name in names:
            assert target.value(f"SELECT COUNT(*) FROM `{name}`.shared") == 10000, name
            assert target.value(f"SELECT COUNT(*) FROM information_schema.triggers WHERE CAST(trigger_schema AS BINARY) = '{name}'") == 3, name
        assert compare.differences(lab.replica, target) == []
        lab.drop(target)
    finally:
        lab.source.sql(*(f"DROP DATABASE `{name}`" for name in names))
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MySQL97, MariaDB], ids=["mysql97", "mariadb"], indirect=True)
def test_expressions_with_characters_of_four_bytes(lab, repository):
    """A generated column would be generated otherwise, a check would check something else."""
    newer = lab.flavour is MySQL97
    made = ["SET NAMES utf8mb4", "CREATE TABLE signs (id INT PRIMARY KEY, v VARCHAR(9)" + (" DEFAULT (CONCAT('😀', 'ä'))" if newer else "") + ", g VARCHAR(20) AS (CONCAT('😀\\\\', v)) STORED, "
            "w VARCHAR(9) AS (CONCAT('𝒳', v)), l VARCHAR(9) AS (CONCAT(_latin1 X'E9', _utf8mb4'漢')), CONSTRAINT c CHECK (v <> '😁')" + (", KEY ((CONCAT('😀', v)))" if newer else "") + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
            "INSERT INTO signs (id) VALUES (1)", "INSERT INTO signs (id,v) VALUES (2,'x')"]
    asked = ["SELECT id, HEX(v) AS v, HEX(g) AS g, HEX(w) AS w, HEX(l) AS l FROM odd.signs ORDER BY id", "SELECT check_clause AS c FROM information_schema.check_constraints WHERE constraint_schema = 'odd'"]
    lab.drop(carried(lab, repository, made, asked, ["INSERT INTO signs (id) VALUES (3)"]))


def test_names_with_what_ends_statements(lab, repository):
    schema = "`odd;\nd`"
    asked = [f"SELECT * FROM {schema}.`a;\nb` ORDER BY 1", "SELECT * FROM odd.`v; \nw` ORDER BY 1"]
    made = [f"CREATE DATABASE {schema}", f"CREATE TABLE {schema}.`a;\nb` (`c;\nd` INT PRIMARY KEY, `e; \n'` INT) ENGINE=InnoDB", f"INSERT INTO {schema}.`a;\nb` VALUES (1,2),(3,4)",
            f"CREATE VIEW `v; \nw` AS SELECT `c;\nd` AS `;\n;` FROM {schema}.`a;\nb`", f"CREATE PROCEDURE {schema}.`p;\nq` () SELECT 1", f"ALTER DATABASE {schema} COLLATE utf8_bin"]
    try:
        lab.drop(carried(lab, repository, made, asked, [f"UPDATE {schema}.`a;\nb` SET `e; \n'`=7"]))
    finally:
        lab.source.sql(f"DROP DATABASE {schema}")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MariaDB, MySQL56], ids=["mariadb", "mysql56"], indirect=True)
def test_foreign_keys_whose_made_up_names_are_too_long(lab, repository):
    name = "`" + "n``ä" * 21 + "x`"
    made = [f"CREATE TABLE {name} (a INT PRIMARY KEY, b INT) ENGINE=InnoDB", f"ALTER TABLE {name} ADD FOREIGN KEY (b) REFERENCES {name} (a), ADD CONSTRAINT `CONSTRAINT x` FOREIGN KEY (b) REFERENCES {name} (a)"]
    lab.drop(carried(lab, repository, made, ["SELECT COUNT(*) AS n FROM information_schema.referential_constraints WHERE constraint_schema='odd'"], [f"INSERT INTO {name} VALUES (1,1)"]))


def test_floats_at_the_edge_of_their_digits(lab, repository):
    """FLOAT(10,2) goes up to 99999999.99, of which a float makes 100000000: what is read is not let in again. And zeros may stand before a minus."""
    kinds = [f"f{n} {kind}" for n, kind in enumerate(("FLOAT(10,2)", "FLOAT(8,2)", "FLOAT(7,3)", "FLOAT(10,4) UNSIGNED", "FLOAT(20,0)", "FLOAT(30,25)", "DOUBLE(20,2)", "DOUBLE(8,5)", "DOUBLE ZEROFILL", "DOUBLE UNSIGNED"))]
    values = ("1e300", "-1e300", "0", "1.5", "-0.0e0")
    made = [f"CREATE TABLE edges (id INT PRIMARY KEY, {', '.join(kinds)}) ENGINE=InnoDB",
            *(f"INSERT IGNORE INTO edges VALUES ({i},{','.join([value] * len(kinds))})" for i, value in enumerate(values))]
    asked = [f"SELECT {', '.join(f'f{n}*1e0 AS f{n}' for n in range(len(kinds)))} FROM odd.edges ORDER BY id"]
    lab.drop(carried(lab, repository, made, asked, ["DELETE FROM edges WHERE id=1"]))


@pytest.mark.parametrize("lab", [MariaDB, MySQL56], ids=["mariadb", "mysql56"], indirect=True)
def test_keys_with_more_zeros_than_digits(lab, repository):
    """A range that holds more rows than were thought goes on behind the last key that was read, which is text of a hundred digits."""
    lab.source.sql("USE odd", "CREATE TABLE filled (id INT(100) UNSIGNED ZEROFILL NOT NULL PRIMARY KEY, v CHAR(200)) ENGINE=InnoDB DEFAULT CHARSET=latin1",
                   "INSERT INTO filled VALUES (1,'a'),(4000000000,'z')", *(f"INSERT INTO filled SELECT id + {2 ** n}, REPEAT('x', 200) FROM filled WHERE id < 4000000000" for n in range(12)))
    lab.wait_caught_up()
    lab.replica.local("ANALYZE TABLE odd.filled")      # else it passes for small, and is read as a whole
    try:
        tool.backup(lab.replica, repository, "--chunk-size", "64K")
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        assert target.value("SELECT COUNT(*) FROM odd.filled") == 4097
        assert compare.differences(lab.replica, target) == []
        lab.drop(target)
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


def test_keys_that_are_no_days(lab, repository):
    """The server that let them in has to compare with them also where a part of the table ends."""
    days = [f"{year}-{day}" for year in range(1000, 1999) for day in ("02-30", "02-31", "04-31", "06-31", "09-31", "11-31")]
    made = ["SET sql_mode='ALLOW_INVALID_DATES'", "CREATE TABLE days (d DATE NOT NULL PRIMARY KEY) ENGINE=InnoDB",
            "CREATE TABLE times (t DATETIME(6) NOT NULL, n TIME(3) NOT NULL, PRIMARY KEY (t,n)) ENGINE=InnoDB",
            "INSERT INTO days VALUES ('0000-00-00')," + ",".join(f"('{day}')" for day in days),
            "INSERT INTO times VALUES ('0000-00-00','-838:59:59')," + ",".join(f"('{day} 01:02:03.000004','-00:00:00.001')" for day in days)]
    lab.source.sql("USE odd", *made)
    lab.wait_caught_up()
    lab.replica.local("ANALYZE TABLE odd.days, odd.times")
    try:
        tool.backup(lab.replica, repository, "--chunk-size", "64K")
        target = lab.target()
        tool.seed(repository, target, lab.sources)
        assert compare.differences(lab.replica, target) == []
        lab.drop(target)
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_a_later_server_keeps_the_collations(lab, repository, tmp_path):
    """What 5.6 leaves out of a definition because it is its default is another default in 8.0. The files are loaded by hand, three series on."""
    if MySQL97.why_missing:
        pytest.skip(MySQL97.why_missing)
    lab.source.sql("CREATE DATABASE collating DEFAULT CHARACTER SET utf8mb4", "USE collating", "CREATE TABLE t (a VARCHAR(3), b VARCHAR(3) CHARACTER SET latin1, "
                   "c VARCHAR(3) COLLATE utf8mb4_unicode_ci) ENGINE=InnoDB", "CREATE TABLE u (a VARCHAR(3) CHARACTER SET utf8mb4) ENGINE=InnoDB DEFAULT CHARSET=latin1")
    lab.wait_caught_up()
    asked = ("SELECT default_collation_name AS c FROM information_schema.schemata WHERE schema_name = 'collating'",
             "SELECT table_name AS n, table_collation AS c FROM information_schema.tables WHERE table_schema = 'collating' ORDER BY n",
             "SELECT table_name AS n, column_name AS k, collation_name AS c FROM information_schema.columns WHERE table_schema = 'collating' ORDER BY n, k")
    try:
        tool.backup(lab.replica, repository, "--include", "collating")
        tool.run("restore", "--from", tool.url(repository), "--to-dir", tmp_path / "files")
        with MySQL97("later").start() as later:
            for name, *schema in (("collating-schema-create.sql",), ("collating.t-schema.sql", "collating"), ("collating.u-schema.sql", "collating")):
                with open(tmp_path / "files" / name, "rb") as sql:
                    subprocess.run(["mariadb", "--no-defaults", "-S", later.socket, "-u", "root", *schema], stdin=sql, check=True, timeout=60)
            for question in asked:
                assert later.sql(question) == lab.replica.sql(question)
    finally:
        lab.source.sql("DROP DATABASE collating")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_foreign_keys_to_what_is_not_unique(lab, repository):
    lab.replica.sql("SET GLOBAL restrict_fk_on_non_standard_key=OFF", "STOP REPLICA SQL_THREAD", "START REPLICA SQL_THREAD")
    carried(lab, repository, ["SET restrict_fk_on_non_standard_key=OFF", "CREATE TABLE a_child (p INT) ENGINE=InnoDB", "CREATE TABLE parent (a INT, b INT, KEY (a)) ENGINE=InnoDB",
                               "ALTER TABLE a_child ADD FOREIGN KEY (p) REFERENCES parent (a)", "INSERT INTO parent VALUES (1,1),(1,2)", "INSERT INTO a_child VALUES (1),(1)"],
             ["SELECT p FROM odd.a_child", "SELECT a, b FROM odd.parent ORDER BY b"], ["INSERT INTO a_child VALUES (1)"])
    lab.replica.sql("SET GLOBAL restrict_fk_on_non_standard_key=ON")


def test_time_zones_of_events_are_tried_beforehand(lab, repository):
    zone = ["INSERT INTO mysql.time_zone (Time_zone_id, Use_leap_seconds) VALUES (4711,'N')", "INSERT INTO mysql.time_zone_name VALUES ('Lab/Zone',4711)",
            "INSERT INTO mysql.time_zone_transition_type VALUES (4711,0,7200,0,'LAB')"]
    unzone = [f"DELETE FROM mysql.{table} WHERE Time_zone_id=4711" for table in ("time_zone", "time_zone_name", "time_zone_transition_type")]
    for server in (lab.source, lab.replica):
        server.local(*zone)
    lab.source.sql("SET time_zone='Lab/Zone'", "CREATE EVENT odd.zoned ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SELECT 1",
                   "CREATE PROCEDURE odd.wakes() ALTER EVENT zoned ON COMPLETION PRESERVE ENABLE")
    lab.wait_caught_up()
    try:
        tool.backup(lab.replica, repository)
        target = lab.target()
        refused = tool.seed(repository, target, lab.sources, expect=tool.REFUSED)
        assert "Lab/Zone" in refused.err and "mysql_tzinfo_to_sql" in refused.err
        assert target.sql("SHOW DATABASES LIKE 'odd'") == [], "something was loaded"
        target.local(*zone)
        tool.seed(repository, target, lab.sources)
        asked = "SELECT time_zone AS z, status AS s FROM information_schema.events WHERE event_name = 'zoned'"
        assert [row["z"] for row in target.sql(asked)] == ["Lab/Zone"] and "ENABLED" not in [row["s"] for row in target.sql(asked)]
        assert "ON COMPLETION PRESERVE ENABLE" in target.sql("SHOW CREATE PROCEDURE odd.wakes")[0]["Create Procedure"]
        lab.drop(target)
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()
        for server in (lab.source, lab.replica):
            server.local(*unzone)


@pytest.mark.parametrize("lab", [MariaDB, MySQL97], ids=["mariadb", "mysql97"], indirect=True)
def test_a_target_without_keys_is_refused(lab, repository):
    """Not after hours, at the first table that cannot be made. A schema of MySQL needs no key before its first table."""
    made = {MariaDB: ["CREATE TABLE odd.hidden (a INT PRIMARY KEY) ENGINE=InnoDB ENCRYPTED=YES", "INSERT INTO odd.hidden VALUES (1)"], MySQL97: ["ALTER DATABASE odd ENCRYPTION='Y'"]}
    lab.source.sql(*made[lab.flavour])
    lab.wait_caught_up()
    try:
        tool.backup(lab.replica, repository)
        target = lab.target(plugin_load_add=None, file_key_management_filename=None)
        refused = tool.seed(repository, target, lab.sources, "--dry-run", expect=tool.REFUSED)
        assert ("odd.hidden is encrypted" if lab.flavour is MariaDB else "odd is encrypted, and the target has no keyring") in refused.err
        lab.drop(target)
        if lab.flavour is MariaDB:
            target = lab.target()
            tool.seed(repository, target, lab.sources)
            assert compare.differences(lab.replica, target) == []
            lab.drop(target)
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd")
        lab.wait_caught_up()


@pytest.mark.parametrize("lab", FLAVOURS, ids=lambda f: f.flavour, indirect=True)
def test_grants_on_what_the_snapshot_lacks(lab, repository):
    """Grants outlive what they are about: a schema with its table, a column."""
    lab.source.sql("CREATE DATABASE aside", "CREATE TABLE aside.t (a INT) ENGINE=InnoDB", "CREATE TABLE odd.cut (a INT, b INT) ENGINE=InnoDB",
                   *(["GRANT SELECT (a) ON aside.t TO odd_one@localhost IDENTIFIED BY 'o-pw-1'"] if lab.flavour is MySQL56 else
                     ["CREATE USER odd_one@localhost IDENTIFIED BY 'o-pw-1'", "GRANT SELECT (a) ON aside.t TO odd_one@localhost"]),
                   "GRANT INSERT ON aside.t TO odd_one@localhost", "GRANT SELECT ON odd.* TO odd_one@localhost", "GRANT UPDATE (b) ON odd.cut TO odd_one@localhost",
                   "DROP DATABASE aside", "ALTER TABLE odd.cut DROP b")
    if lab.flavour is MariaDB:
        lab.source.sql("ALTER USER odd_one@localhost PASSWORD EXPIRE NEVER", "ALTER USER odd_one@localhost PASSWORD EXPIRE")
    if lab.flavour is MySQL97:
        lab.source.sql("ALTER USER odd_one@localhost IDENTIFIED BY 'o-pw-2' RETAIN CURRENT PASSWORD")
    lab.wait_caught_up()
    try:
        result = tool.backup(lab.replica, repository)
        assert (lab.flavour is MySQL97) == ("'odd_one'@'localhost' has a second password" in result.err)
        target = lab.target()
        seeded = tool.seed(repository, target, lab.sources)
        assert seeded.err.count("left out, since what it is about does not exist here") == 2 and "o-pw" not in seeded.err
        grants = [next(iter(row.values())) for row in target.sql("SHOW GRANTS FOR odd_one@localhost")]
        assert any("`odd`.*" in line for line in grants) and not any("aside" in line or "cut" in line for line in grants)
        if lab.flavour is MariaDB:
            assert target.sql("SHOW CREATE USER odd_one@localhost") == lab.replica.sql("SHOW CREATE USER odd_one@localhost")
        lab.drop(target)
    finally:
        lab.source.sql("DROP DATABASE odd", "CREATE DATABASE odd", "DROP USER odd_one@localhost")
        lab.wait_caught_up()
