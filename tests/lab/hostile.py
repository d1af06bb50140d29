# SPDX-License-Identifier: Apache-2.0
"""Schemas and rows as a hostile but legal production has them, made by chance; the same seed makes the same statements.

What a server refuses to make is left out: Applied counts it. What is there afterwards has to be carried, or refused by name.
"""
import dataclasses
import random

import pymysql

from .hostile_types import Types, text_of

RESERVED = ("select", "table", "key", "index", "order", "primary key", "null", "default", "system", "rank", "end")
ODD = ("a`b", "a.b", "a b", "100%", "%s", "üñï", "漢字", '"q"', "it's", "back\\slash", "-- c", "/*x*/", "#hash", "a;b", "0start", "$dollar", "a@b",
       "(a,b)", "new\nline", "a;\nb", "tab\there", "İ", "ß", "~//~", "DELIMITER ;", "mydumper_1", "a,b", "[x]", "{x}", "=", "\\", "'", "`", "PRIMARY_", "?",
       "ENGINE=MyISAM", "KEY (x)", " lead", "\x7f", "\ufffd")
PLAIN = ("a", "b", "Orders", "customer_id", "x1", "log", "items", "data", "val", "ts", "state", "n", "T", "t")
PROGRAM_MODES = ("STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO", "TRADITIONAL", "ANSI")
MODES = ("", "", "", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE", "PAD_CHAR_TO_FULL_LENGTH")
LAX = "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES"
CLIENTS = (("utf8mb4", "utf-8", "é漢😀ж"), ("latin1", "cp1252", "é€ß"), ("cp1251", "cp1251", "жЯ"), ("sjis", "shift_jis", "ソ表"), ("gbk", "gbk", "縗漢"), ("big5", "big5", "功許"),
           ("utf8", "utf-8", "é漢ж"), ("cp932", "cp932", "ソ表①"), ("koi8r", "koi8-r", "жЯ"))


@dataclasses.dataclass
class Rows:
    """INSERT IGNORE, many rows in a statement; where that fails each row by itself."""
    head: str
    rows: list


@dataclasses.dataclass(eq=False)
class Column:
    name: str
    sql: str
    kind: str
    value: object               # makes a literal
    charset: str = None
    nullable: bool = True
    generated: bool = False
    length: int = 0             # of strings, in characters


class Maker:
    """flavour: the name of one; collations: {character set: [collation]} of the server."""

    def __init__(self, flavour, seed, collations):
        self.flavour, self.seed = flavour, seed
        self.random = random.Random(f"{flavour}-{seed}")
        self.types = Types(flavour, self.random, collations)
        self.collations = collations
        self.mode = ""
        self.statements = []
        self.schemas, self.users = [], []
        self.tables = []            # (schema, name, [Column])
        self.taken = set()

    # ---- words ---------------------------------------------------------------------------------------------------
    def chance(self, percent):
        return self.random.randrange(100) < percent

    def name(self, limit=64, kind=""):
        """One that nothing of this kind has yet, without regard to case."""
        while True:
            pool = self.random.choice((PLAIN, PLAIN, ODD, RESERVED))
            name = self.random.choice(pool)
            if self.chance(12):
                name = (name + self.random.choice("xéT_ .")) * limit
            if self.chance(50):
                name += str(self.random.randrange(50))
            name = name[:limit].rstrip(" ") or "e"
            if (kind, name.lower()) not in self.taken:
                self.taken.add((kind, name.lower()))
                return name

    def i(self, name):
        """An identifier, in this session's quotes."""
        if "ANSI" in self.mode and self.chance(70):
            return '"' + name.replace('"', '""') + '"'
        return "`" + name.replace("`", "``") + "`"

    def q(self, text):
        """A string, in this session's mode."""
        if "NO_BACKSLASH_ESCAPES" not in self.mode:
            text = text.replace("\\", "\\\\")
        return "'" + text.replace("'", "''") + "'"

    def comment(self):
        text = self.random.choice(("plain", "it's", 'say "x"', "back\\slash\\", "line\nbreak;\n", "ü漢", "/*!50100 TABLESPACE `x` */", " DATA DIRECTORY='/x'", "-- ", "", "`tick`", "ENGINE=MyISAM",
                                   "a😀b", "MASKING POLICY `p`", "PARTITION BY", "AUTO_INCREMENT=7"))
        return f" COMMENT {self.q(text)}"

    def say(self, *statements):
        self.statements.extend(statements)

    def set_mode(self, mode):
        self.mode = mode
        self.say(f"SET SESSION sql_mode='{mode + (',' if mode else '') + LAX}'")

    def charset(self):
        charset = self.random.choice(("utf8mb4", "latin1", "utf8mb4", self.random.choice(sorted(self.collations))))
        return charset, self.random.choice(self.collations[charset])

    # ---- columns -------------------------------------------------------------------------------------------------
    def column(self, kinds=None, nullable=None):
        sql, kind, value, charset, length = self.types.pick(kinds)
        nullable = self.chance(60) if nullable is None else nullable
        column = Column(self.name(kind="column"), "", kind, value, charset, nullable, length=length)
        column.sql = f"{self.i(column.name)} {sql}{' NULL' if nullable else ' NOT NULL'}{self.default(column)}"
        if self.flavour != "mysql56" and self.chance(6) and (column.nullable or "DEFAULT" in column.sql):
            column.sql += " INVISIBLE"
        if self.chance(15):
            column.sql += self.comment()
        return column

    def default(self, c):
        if self.chance(60):
            return ""
        expressions = self.flavour != "mysql56"
        if c.kind in ("timestamp", "datetime") and self.chance(50):
            now = f"CURRENT_TIMESTAMP({c.length})" if c.length else "CURRENT_TIMESTAMP"
            return f" DEFAULT {now}" + (f" ON UPDATE {now}" if self.chance(50) else "")
        if c.kind in ("text", "blob", "json", "geo", "vector"):
            if not expressions or c.kind in ("geo", "vector"):
                return ""
            if c.kind == "text" and self.flavour == "mariadb":      # which forgets one escape in such a literal each time it reads its own definition
                return ""
            value = self.q(self.random.choice(('{"a": "it\'s \\\\ ü"}', '["x"]'))) if c.kind == "json" else c.value()
            return f" DEFAULT ({value})"
        if expressions and c.kind in ("char", "int", "binary") and self.chance(30):
            body = {"char": f"CONCAT(LEFT({self.q(self.random.choice(('é', chr(0x1F600), 'a' + chr(39), 'x' + chr(92))))},1),'')", "int": "1 + 1", "binary": "X'00'"}[c.kind]
            return f" DEFAULT ({body})"
        if c.kind in ("char", "enum", "set"):
            if c.kind == "char" and self.chance(50):
                text = text_of(self.random, c.charset, min(c.length, 6)).replace("\0", "")
                return " DEFAULT " + self.q(text if self.flavour == "mysql97" else "".join(x for x in text if ord(x) < 0x10000))
            return " DEFAULT " + (c.value() if c.kind == "char" else self.q(c.value.words[0]))
        if c.kind == "binary" and self.flavour == "mysql56":    # which does not show others
            return " DEFAULT 'a\\t'"
        if c.nullable and self.chance(30):
            return " DEFAULT NULL"
        return f" DEFAULT {c.value()}"

    def generated(self, bases):
        base = self.random.choice(bases)
        name = self.i(base.name)
        odd = self.q(self.random.choice(("é", "😀", "it's", "back\\slash", "\n", "漢", '"', "`", "?")))
        sql, expression = {
            "int": ("BIGINT", f"COALESCE({name},0) DIV 3"), "decimal": ("INT", f"{name} > 5"), "float": ("INT", f"{name} > 0.5"), "bit": ("INT", f"{name} IS NULL"),
            "char": ("VARCHAR(60) CHARACTER SET utf8mb4", f"CONCAT({odd}, LEFT(HEX({name}), 20))"), "text": ("VARCHAR(60)", f"LEFT(HEX({name}), 30)"),
            "date": ("INT", f"YEAR({name})"), "datetime": ("DATE", f"CAST({name} AS DATE)"), "json": ("TEXT", f"JSON_EXTRACT({name}, '$.a')"),
        }.get(base.kind, ("INT", f"{name} IS NULL"))
        stored = self.random.choice(("STORED", "VIRTUAL", "VIRTUAL") if self.flavour == "mysql97" else ("STORED", "PERSISTENT", "VIRTUAL", "VIRTUAL"))
        column = Column(self.name(kind="column"), "", "generated", None, generated=True)
        column.sql = f"{self.i(column.name)} {sql} GENERATED ALWAYS AS ({expression}) {stored}"
        if self.chance(15):
            column.sql += self.comment()
        column.kind = "generated" if sql in ("BIGINT", "INT", "DATE") else "generated text"
        return column

    # ---- keys ----------------------------------------------------------------------------------------------------
    def key_part(self, c, whole=False):
        prefix = ""
        if c.kind in ("text", "blob") or (c.kind in ("char", "binary") and not whole and self.chance(30)) or c.length > 60:
            prefix = f"({self.random.randrange(1, min(c.length, 20) + 1)})"
        down = self.chance(15) and (self.flavour == "mysql97" or self.flavour == "mariadb")
        return f"{self.i(c.name)}{prefix}{' DESC' if down else ''}"

    def keys(self, columns, partition_by):
        """PRIMARY KEY and others. Columns of a primary key are NOT NULL; of partitioned tables every unique key has the columns that partition."""
        found = []
        able = [c for c in columns if c.kind not in ("geo", "json", "vector") and not c.kind.startswith("generated")]
        candidates = [c for c in able if not c.nullable and c.kind not in ("text", "blob")]
        if candidates and self.chance(75):
            chosen = self.random.sample(candidates, min(len(candidates), self.random.choice((1, 1, 2, 3))))
            chosen = partition_by + [c for c in chosen if c not in partition_by]
            if all(not c.nullable for c in chosen):
                found.append("PRIMARY KEY (" + ",".join(self.key_part(c, whole=self.chance(90) or c in partition_by) for c in chosen) + ")")
        for _ in range(self.random.randrange(3)):
            chosen = self.random.sample(able, min(len(able), self.random.choice((1, 2)))) if able else []
            if not chosen:
                continue
            unique = "UNIQUE " if self.chance(30) and (not partition_by or set(partition_by) <= set(chosen)) else ""
            key = f"{unique}KEY {self.i(self.name(kind='key'))} (" + ",".join(self.key_part(c, whole=bool(unique) and c in partition_by) for c in chosen) + ")"
            if self.chance(15):
                key += self.comment()
            if self.chance(10) and self.flavour != "mysql56":
                key += " INVISIBLE" if self.flavour == "mysql97" else " IGNORED"
            found.append(key)
        generated = [c for c in columns if c.kind == "generated"]
        if generated and self.chance(50):
            found.append(f"KEY {self.i(self.name(kind='key'))} ({self.i(generated[0].name)})")
        return found + self.special_keys(columns, able, partition_by)

    def special_keys(self, columns, able, partition_by):
        found = []
        if self.flavour == "mysql97" and able and self.chance(15):
            c = self.random.choice(able)
            found.append(f"KEY {self.i(self.name(kind='key'))} (({self.i(c.name)} IS NULL){', ' + self.key_part(c) if self.chance(50) else ''})")
        words = [c for c in columns if c.kind in ("char", "text") and c.charset not in ("ucs2", "utf16", "utf16le", "utf32", "binary")]
        if words and not partition_by and self.chance(20):
            parser = " WITH PARSER ngram" if self.flavour == "mysql97" and self.chance(40) else ""
            found.append(f"FULLTEXT KEY {self.i(self.name(kind='key'))} ({self.i(self.random.choice(words).name)}){parser}")
        spaces = [c for c in columns if c.kind == "geo" and not c.nullable]
        if spaces and not partition_by and self.chance(60):
            found.append(f"SPATIAL KEY {self.i(self.name(kind='key'))} ({self.i(spaces[0].name)})")
        documents = [c for c in columns if c.kind == "json"]
        if documents and self.flavour == "mysql97" and self.chance(30):
            found.append(f"KEY {self.i(self.name(kind='key'))} ((CAST({self.i(documents[0].name)}->'$.a' AS UNSIGNED ARRAY)))")
        return found

    def checks(self, columns):
        if self.flavour == "mysql56" or not self.chance(20):
            return []
        c = self.random.choice([c for c in columns if not c.generated])
        odd = self.q(self.random.choice(("é", "😀", "it's", "back\\slash", "a\nb;\n")))
        condition = f"{self.i(c.name)} IS NULL OR HEX({self.i(c.name)}) <> {odd}" if c.kind in ("char", "text", "int") else f"{self.i(c.name)} IS NULL OR 1=1"
        name = f"CONSTRAINT {self.i(self.name(kind='check'))} " if self.chance(70) else ""
        return [f"{name}CHECK ({condition})" + (" NOT ENFORCED" if self.flavour == "mysql97" and self.chance(20) else "")]

    # ---- partitions ----------------------------------------------------------------------------------------------
    def partitions(self, c):
        """PARTITION BY over column c."""
        name = self.i(c.name)
        names = [self.i(self.name(kind="partition")) for _ in range(4)]
        note = self.comment().replace("COMMENT ", "COMMENT = ") if self.chance(20) else ""
        if c.kind == "int":
            ranges = f" ({', '.join(f'PARTITION {n} VALUES LESS THAN {v}{note}' for n, v in zip(names, ('(-5)', '(0)', '(100)', 'MAXVALUE')))})"
            lists = f" (PARTITION {names[0]} VALUES IN (NULL,0,1,2), PARTITION {names[1]} VALUES IN ({','.join(str(v) for v in range(3, 130))},-1))"
            way = self.random.choice((f"RANGE ({name}){self.sub(name)}{ranges}", f"HASH ({name} DIV 2) PARTITIONS 3", f"LINEAR HASH ({name}) PARTITIONS 4", f"RANGE COLUMNS ({name}){ranges}",
                                      f"LIST ({name}){lists}", f"LIST ({name} ){self.sub(name)}{lists}", f"KEY ({name}) PARTITIONS 3"))
        elif c.kind in ("date", "datetime"):
            ranges = f" (PARTITION {names[0]} VALUES LESS THAN ('2000-01-01'), PARTITION {names[1]} VALUES LESS THAN (MAXVALUE))"
            years = f" (PARTITION {names[0]} VALUES LESS THAN (2000), PARTITION {names[1]} VALUES LESS THAN MAXVALUE)"
            way = self.random.choice((f"RANGE COLUMNS ({name}){ranges}", f"RANGE (YEAR({name})){self.sub(name)}{years}", f"HASH (TO_DAYS({name})) PARTITIONS 3", f"KEY ({name}) PARTITIONS 2"))
        elif c.kind == "timestamp":
            way = (f"RANGE (UNIX_TIMESTAMP({name})) (PARTITION {names[0]} VALUES LESS THAN (UNIX_TIMESTAMP('2001-09-09 03:46:40')), PARTITION {names[1]} VALUES LESS THAN MAXVALUE)"
                   if self.chance(60) else f"KEY ({name}) PARTITIONS 2")
        elif c.kind in ("char", "binary"):
            words = sorted({text_of(self.random, c.charset, 2).replace("\0", "").rstrip() or "m" for _ in range(2)}) if c.kind == "char" else ["m"]
            way = self.random.choice((f"KEY ({name}) PARTITIONS 3", f"LINEAR KEY ALGORITHM=1 ({name}) PARTITIONS 2",
                                      f"RANGE COLUMNS ({name}) (PARTITION {names[0]} VALUES LESS THAN ({self.q(words[0])}), PARTITION {names[1]} VALUES LESS THAN (MAXVALUE))"))
        else:
            way = f"KEY ({name}) PARTITIONS 3"
        return f" PARTITION BY {way}"

    def sub(self, name):
        if not self.chance(35):
            return ""
        return self.random.choice((f" SUBPARTITION BY KEY ({name}) SUBPARTITIONS 2", f" SUBPARTITION BY LINEAR KEY ({name}) SUBPARTITIONS 3"))

    # ---- tables --------------------------------------------------------------------------------------------------
    def options(self, engine):
        charset, collation = self.charset()
        text = f" ENGINE={engine}"
        if self.chance(70):
            text += f" DEFAULT CHARSET={charset}" + (f" COLLATE={collation}" if self.chance(60) else "")
        choices = [" ROW_FORMAT=DYNAMIC", " ROW_FORMAT=COMPACT", " ROW_FORMAT=REDUNDANT", " ROW_FORMAT=COMPRESSED", " CHECKSUM=1", " PACK_KEYS=1", " MAX_ROWS=1000000", " MIN_ROWS=5", " AVG_ROW_LENGTH=77",
                   " STATS_PERSISTENT=0 STATS_AUTO_RECALC=1", " STATS_SAMPLE_PAGES=9", " DELAY_KEY_WRITE=1", " KEY_BLOCK_SIZE=8"]
        if self.flavour == "mysql97":
            choices += [" COMPRESSION='zlib'", " COMPRESSION='lz4'", " AUTOEXTEND_SIZE=4M", " ENGINE_ATTRIBUTE='{\"a\": \"it''s\"}'"]
        if self.flavour == "mariadb":
            choices += [" PAGE_COMPRESSED=1", " `PAGE_COMPRESSED`='ON'", " WITH SYSTEM VERSIONING" if self.chance(40) else " TRANSACTIONAL=0"]
        for choice in self.random.sample(choices, self.random.choice((0, 0, 1, 2))):
            text += choice
        return text + (self.comment() if self.chance(20) else "")

    def engine(self):
        others = ["MyISAM", "MEMORY", "BLACKHOLE"] + (["ARCHIVE"] if self.flavour != "mysql97" or self.chance(50) else []) + (["Aria"] * 2 if self.flavour == "mariadb" else [])
        return self.random.choice(others) if self.chance(14) else "InnoDB"

    def table(self, schema):
        name = self.name(kind=f"table {schema}")
        self.set_mode(self.random.choice(MODES))
        if self.chance(30):
            self.say(f"SET SESSION time_zone='{self.random.choice(('+00:00', '+05:30', '-08:00'))}'")
        engine = self.engine()
        plain = engine in ("ARCHIVE", "MEMORY")       # no CSV: it loses its own files
        kinds = ("int", "decimal", "float", "char", "binary", "datetime", "enum") if plain else None
        columns = [self.column(kinds) for _ in range(self.random.randrange(1, 8))]
        auto = self.auto_column() if self.chance(35) else None
        partition_by = []
        if engine == "InnoDB" and self.chance(25) and not auto:
            partition_by = [self.column(("int", "date", "datetime", "timestamp", "char", "binary", "decimal", "enum"), self.chance(30))]
            columns += partition_by
        if self.flavour != "mysql56" and engine == "InnoDB" and self.chance(35):
            columns += [self.generated([c for c in columns if not c.generated]) for _ in range(self.random.choice((1, 1, 2)))]
        self.random.shuffle(columns)
        parts = [c.sql for c in columns]
        if auto:
            parts.insert(self.random.randrange(len(parts) + 1), auto[0].sql)
            columns.append(auto[0])
            parts.append(auto[1])
        if not plain and not auto:
            parts += self.keys(columns, partition_by)
        elif auto and engine == "InnoDB":
            parts += [key for key in self.keys(columns, partition_by) if not key.startswith("PRIMARY")]
        parts += self.checks(columns)
        text = f"CREATE TABLE {self.i(schema)}.{self.i(name)} (\n  " + ",\n  ".join(parts) + "\n)" + self.options(engine)
        if auto and self.chance(40):
            text += f" AUTO_INCREMENT={self.random.choice((2, 100, 120, 32000))}"
        if partition_by:
            text += self.partitions(partition_by[0])
        self.say(text)
        self.tables.append((schema, name, columns))
        self.fill(schema, name, columns)

    def auto_column(self):
        kind = self.random.choice(("TINYINT", "SMALLINT", "MEDIUMINT UNSIGNED", "INT", "INT(5) UNSIGNED ZEROFILL", "BIGINT", "BIGINT UNSIGNED"))
        name = self.name(kind="column")
        values = ["0", "1", "5", "9", "17", "100"] + (["-1", "-9"] if "UNSIGNED" not in kind else []) + (["9223372036854775806"] if kind == "BIGINT" else []) + \
            (["18446744073709551614"] if kind == "BIGINT UNSIGNED" and self.flavour != "mysql56" else [])
        column = Column(name, f"{self.i(name)} {kind} NOT NULL AUTO_INCREMENT", "int", lambda: self.random.choice(values + ["NULL"] * 3), nullable=False)
        key = self.random.choice((f"PRIMARY KEY ({self.i(name)})", f"UNIQUE KEY {self.i(self.name(kind='key'))} ({self.i(name)})", f"KEY {self.i(self.name(kind='key'))} ({self.i(name)})"))
        return column, key

    def fill(self, schema, name, columns):
        columns = [c for c in columns if not c.generated]
        if self.chance(25):
            self.say("SET SESSION check_constraint_checks=0" if self.flavour == "mariadb" else "DO 0")
        many = self.random.choice((0, 1, 2, 8, 12, 12, 12, 12, self.random.choice((30, 700, 2500))))
        head = f"INSERT IGNORE INTO {self.i(schema)}.{self.i(name)} ({', '.join(self.i(c.name) for c in columns)}) VALUES "

        def value(c):
            return "NULL" if c.nullable and self.chance(15) else c.value()
        for start in range(0, many, 100):
            self.say(Rows(head, ["(" + ",".join(value(c) for c in columns) + ")" for _ in range(min(100, many - start))]))
        if many > 2 and self.chance(20):
            self.say(f"DELETE FROM {self.i(schema)}.{self.i(name)} LIMIT 1")

    # ---- foreign keys --------------------------------------------------------------------------------------------
    def related(self, schema):
        """Tables that point at each other in a circle, and one at itself."""
        self.set_mode("")
        names = [self.name(kind=f"table {schema}") for _ in range(self.random.choice((2, 3)))]
        key = self.random.choice(("INT", "BIGINT UNSIGNED", "VARCHAR(10) CHARACTER SET latin1", "DATE"))
        value = {"DATE": "'2020-01-0{}'"}.get(key, "{}")
        columns = [(self.name(kind="column"), self.name(kind="column")) for _ in names]
        for name, (own, other) in zip(names, columns):
            self.say(f"CREATE TABLE {self.i(schema)}.{self.i(name)} ({self.i(own)} {key} NOT NULL, {self.i(other)} {key}, PRIMARY KEY ({self.i(own)})) ENGINE=InnoDB")
            self.say(f"INSERT INTO {self.i(schema)}.{self.i(name)} VALUES " + ",".join(f"({value.format(n)},{value.format(n % 3 + 1)})" for n in (1, 2, 3)))
        for index, name in enumerate(names):
            to = (index + 1) % len(names) if self.chance(80) else index
            symbol = f"CONSTRAINT {self.i(self.name(kind='constraint'))} " if self.chance(80) else ""
            rules = self.random.choice(("", " ON DELETE CASCADE", " ON DELETE SET NULL ON UPDATE CASCADE", " ON UPDATE NO ACTION", " ON DELETE RESTRICT"))
            self.say(f"ALTER TABLE {self.i(schema)}.{self.i(name)} ADD {symbol}FOREIGN KEY ({self.i(columns[index][1])}) REFERENCES {self.i(schema)}.{self.i(names[to])} ({self.i(columns[to][0])}){rules}")
            self.tables.append((schema, name, [Column(c, "", "int", None) for c in columns[index]]))

    # ---- programs ------------------------------------------------------------------------------------------------
    def body(self, sample):
        quote = self.q
        bodies = [f"SELECT {quote(sample)}", f"BEGIN\n  SELECT {quote('a;' + chr(10) + 'b')}; -- x {sample};\n  # y ;\n  /* z; */ SELECT 1 ;  \nEND", f"BEGIN SELECT '//~//', {quote('DELIMITER ;;')}; END",
                  f"BEGIN DECLARE {self.i('v`x')} INT DEFAULT 0; SET {self.i('v`x')} = 1; END -- end {sample}", "BEGIN\nEND", f"SELECT 1 /* {sample} */ + 1",
                  f"BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END; SELECT _latin1'é', {quote('back' + chr(92) + 'slash')}, {quote(sample)}; END"]
        if "PIPES_AS_CONCAT" in self.mode or self.mode == "ANSI":
            bodies.append(f"SELECT 'a' || {quote(sample)}")
        return self.random.choice(bodies)

    def session(self, schema):
        """A session in another character set: the codec for what it says, and a sample of its text."""
        charset, codec, text = self.random.choice(CLIENTS)
        self.say(f"USE {self.i(schema)}", f"SET NAMES {charset}")
        self.set_mode(self.random.choice(MODES + PROGRAM_MODES))
        return codec, self.random.choice(text) if self.chance(80) else "x"

    def encoded(self, codec, text):
        """ASCII names only may stand in text of this codec when it cannot hold others; such statements are left out."""
        try:
            self.say(text.encode(codec))
        except UnicodeEncodeError:
            pass

    def definer(self):
        return self.random.choice(("", "", "DEFINER=root@localhost ", f"DEFINER={self.i('no`body')}@{self.i('%.x')} ", "DEFINER='it''s'@'10.0.0.0/255.0.0.0' "))

    def routine(self, schema):
        codec, sample = self.session(schema)
        name = self.i(self.name(kind=f"routine {schema}"))
        remark = " COMMENT 'it''s;'" if "NO_BACKSLASH_ESCAPES" in self.mode else " COMMENT 'it''s;\n'"     # what is shown of a line end there, no server reads again
        traits = self.random.choice(("", remark, " SQL SECURITY INVOKER", " DETERMINISTIC READS SQL DATA", " MODIFIES SQL DATA"))
        if self.chance(60):
            kinds = self.random.choice(("", "a INT, OUT b DECIMAL(65,30)", f"INOUT {self.i('x y')} VARCHAR(20) CHARACTER SET latin1", "p TEXT, q ENUM('a','b')"))
            self.encoded(codec, f"CREATE {self.definer()}PROCEDURE {name}({kinds}){traits} {self.body(sample)}")
        else:
            words = "SET('a','é')" if self.flavour != "mysql56" else "SET('a','b')"     # 5.6 does not understand itself there
            kind = self.random.choice(("INT", "VARCHAR(10) CHARSET utf8mb4", "TEXT", words, "DECIMAL(10,2)", "YEAR"))
            returned = self.random.choice(("RETURN NULL", f"BEGIN\n  RETURN {self.q(sample)}; -- {sample}\nEND", f"RETURN {self.q(sample)}"))
            self.encoded(codec, f"CREATE {self.definer()}FUNCTION {name}(a INT) RETURNS {kind} DETERMINISTIC {returned}")
        self.say("SET NAMES utf8mb4")

    def trigger(self):
        schema, table, _columns = self.random.choice(self.tables)
        codec, sample = self.session(schema)
        when = f"{self.random.choice(('BEFORE', 'AFTER'))} {self.random.choice(('INSERT', 'UPDATE', 'DELETE'))}"
        body = self.random.choice((f"SET @x = {self.q(sample)}", f"BEGIN\n  SET @a = 1; -- {sample}\n  SET @b = {self.q('x;' + chr(10))};\nEND", f"BEGIN\nEND -- {sample}", f"SET @y = 1 /* {sample} */"))
        self.encoded(codec, f"CREATE {self.definer()}TRIGGER {self.i(self.name(kind=f'trigger {schema}'))} {when} ON {self.i(table)} FOR EACH ROW {body}")
        self.say("SET NAMES utf8mb4")

    def event(self, schema):
        codec, sample = self.session(schema)
        self.say(f"SET SESSION time_zone='{self.random.choice(('+00:00', 'SYSTEM', '-11:30'))}'")
        when = self.random.choice(("AT '2037-01-01 02:30:00'", "EVERY 3 DAY STARTS '2036-05-05 00:00:00'", "EVERY '1:30' HOUR_MINUTE STARTS '2036-05-05 00:00:00' ENDS '2037-05-05 00:00:00'"))
        state = self.random.choice(("", " ON COMPLETION PRESERVE", " ON COMPLETION PRESERVE DISABLE", " DISABLE", " ENABLE", " ON COMPLETION NOT PRESERVE"))
        self.encoded(codec, f"CREATE {self.definer()}EVENT {self.i(self.name(kind=f'event {schema}'))} ON SCHEDULE {when}{state}{self.comment() if self.chance(30) and 'NO_BACKSLASH_ESCAPES' not in self.mode else ''} DO {self.body(sample)}")
        self.say("SET NAMES utf8mb4", "SET SESSION time_zone='+00:00'")

    # ---- views ---------------------------------------------------------------------------------------------------
    def view(self, schema):
        codec, sample = self.session(schema)
        if codec in ("gbk", "big5", "shift_jis", "cp932"):      # MySQL cannot read its own text of some such views: test_fidelity_objects has one
            sample = "x"
        source, table, columns = self.random.choice(self.tables)
        name = self.name(kind=f"table {schema}")
        shown = self.random.sample(columns, self.random.randrange(1, min(len(columns), 3) + 1))
        where = f" WHERE {self.i(shown[0].name)} IS NOT NULL" if self.chance(50) else ""
        plain = self.chance(50)
        fields = [self.i(c.name) for c in shown] + ([] if plain else [f"{self.q(sample)} AS {self.i(self.name(kind='column'))}", f"{self.q('a' + chr(92) + sample + chr(39))}"])
        check = self.random.choice((" WITH CHECK OPTION", " WITH LOCAL CHECK OPTION")) if plain and where and self.chance(40) else ""
        how = self.random.choice(("", "ALGORITHM=MERGE ", "ALGORITHM=TEMPTABLE " if not check else "")) + self.definer() + self.random.choice(("", "SQL SECURITY INVOKER "))
        self.encoded(codec, f"CREATE {how}VIEW {self.i(schema)}.{self.i(name)} AS SELECT {', '.join(fields)} FROM {self.i(source)}.{self.i(table)}{where}{check}")
        self.say("SET NAMES utf8mb4")
        self.tables.append((schema, name, shown))

    # ---- accounts ------------------------------------------------------------------------------------------------
    def account(self):
        user = self.name(limit=16, kind="user")
        host = self.random.choice(("%", "localhost", "10.0.%", "h_x.example"))
        who = f"{self.q(user)}@{self.q(host)}"
        self.users.append((who, (user, host)))
        tls = self.random.choice(("", " REQUIRE SSL", " REQUIRE SUBJECT '/CN=it''s' AND ISSUER '/CN=\\\\x'")) if self.flavour != "mysql56" else ""
        self.say(f"CREATE USER {who} IDENTIFIED BY {self.q('h-pw-' + user)}{tls}")
        for _ in range(self.random.randrange(4)):
            schema, table, columns = self.random.choice(self.tables)
            place = self.random.choice((f"{self.i(schema)}.{self.i(table)}", f"{self.i(schema)}.*", f"{self.i('wild' + chr(92) + '_%')}.*", "*.*"))
            rights = self.random.choice(("SELECT", "SELECT, INSERT", "UPDATE, DELETE, INDEX", "ALL PRIVILEGES"))
            if place.endswith(self.i(table)) and self.chance(50):
                rights = f"SELECT ({self.i(columns[0].name)}), INSERT ({self.i(columns[-1].name)})"
            self.say(f"GRANT {rights} ON {place} TO {who}{' WITH GRANT OPTION' if self.chance(20) else ''}")

    # ---- all of it -----------------------------------------------------------------------------------------------
    def schema(self):
        name = self.name(limit=self.random.choice((20, 40)), kind="schema")
        self.schemas.append(name)
        charset, collation = self.charset()
        self.say(f"CREATE DATABASE {self.i(name)} DEFAULT CHARACTER SET {charset} COLLATE {collation}")
        return name

    def make(self, tables=30):
        self.set_mode("")
        schemas = [self.schema(), self.schema()]
        for _ in range(tables):
            self.table(self.random.choice(schemas))
        self.say("SET SESSION time_zone='+00:00'")
        for _ in range(max(1, tables // 10)):
            self.related(self.random.choice(schemas))
        for _ in range(tables // 4):
            self.routine(self.random.choice(schemas))
        for _ in range(tables // 4):
            self.view(self.random.choice(schemas))
        for _ in range(tables // 4):
            self.trigger()
        for _ in range(tables // 8):
            self.event(self.random.choice(schemas))
        self.set_mode("")
        for _ in range(tables // 8):
            self.account()
        if self.chance(50):     # its programs keep the collation that it had
            self.say(f"ALTER DATABASE {self.i(schemas[0])} DEFAULT CHARACTER SET {self.charset()[0]}")
        return self


class Applied:
    """What became of the statements: how many there were, and the ones refused with their errors."""

    def __init__(self, server, statements):
        self.done, self.refused, self.missing = 0, [], False
        self.connection = server.connect()
        try:
            for statement in statements:
                if isinstance(statement, Rows):
                    self.rows(statement)
                else:
                    self.run(statement)
        finally:
            self.connection.close()

    def run(self, statement, note=True):
        try:
            self.connection.query(statement)
            self.done += 1
            return True
        except pymysql.err.MySQLError as error:
            assert error.args[0] not in (2006, 2013), (statement, error)
            self.missing = error.args[0] == 1146
            if note:
                self.refused.append((statement, error))
            return False

    def rows(self, rows):
        if not self.run(rows.head + ",".join(rows.rows), note=False) and not self.missing:
            for row in rows.rows:
                self.run(rows.head + row)


def collations(server):
    """{character set: [collation]}, those that need no other server's tables."""
    found = {}
    for row in server.sql("SHOW COLLATION"):
        if row["Charset"]:
            found.setdefault(row["Charset"], []).append(row["Collation"])
    return {charset: sorted(names) for charset, names in found.items()}

