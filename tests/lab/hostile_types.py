# SPDX-License-Identifier: Apache-2.0
"""Column types with their odd attributes, and values at their edges: what hostile.Maker puts into its tables."""
import struct

# Characters that have burnt somebody: quotes, bytes that look like a backslash in another character set, blanks, controls, what needs four bytes.
POOL = "aAzZ09 %_'\"`\\\n\r\t\x1a\0;,()-#/*éÉßüñ€жЯאΩ漢縗功許表ソ①İıﬁ\u0301\u00ad\ufffd☃😀𝒳"
CODECS = {"utf8": "utf-8", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "ucs2": "utf-16-be", "utf16": "utf-16-be", "utf16le": "utf-16-le", "utf32": "utf-32-be", "gbk": "gbk", "sjis": "shift_jis",
          "cp932": "cp932", "big5": "big5", "ujis": "euc_jp", "eucjpms": "euc_jp", "euckr": "euc_kr", "gb2312": "gb2312", "gb18030": "gb18030", "tis620": "tis-620", "ascii": "ascii"}
NARROW = ("utf8", "utf8mb3", "ucs2")        # nothing beyond the basic plane
SINGLE = {"latin1": "cp1252", "latin2": "iso8859-2", "latin5": "iso8859-9", "latin7": "iso8859-13", "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257", "koi8r": "koi8-r",
          "koi8u": "koi8-u", "greek": "iso8859-7", "hebrew": "iso8859-8", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866"}
SPANS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "BIGINT": 64}
BYTES = bytes((0, 10, 13, 26, 34, 39, 92, 255, 128, 97, 32, 59, 37))


def fits(text, charset):
    if charset in NARROW:
        text = "".join(c for c in text if ord(c) < 0x10000)
    codec = CODECS.get(charset) or SINGLE.get(charset) or "ascii"
    return text.encode(codec, "ignore").decode(codec, "ignore")


def text_of(generator, charset, length):
    """Text of at most so many characters that this character set has."""
    return fits("".join(generator.choice(POOL) for _ in range(generator.randrange(length + 1))), charset)


class Words:
    """The values of an ENUM or SET."""

    def __init__(self, generator, words, many, lax):
        self.random, self.words, self.many, self.lax = generator, words, many, lax

    def __call__(self):
        if self.lax and self.random.randrange(8) == 0:
            return "'no such word'"
        if self.many:
            return str(self.random.getrandbits(len(self.words)))
        return str(self.random.randrange(len(self.words)) + 1)


class Types:
    def __init__(self, flavour, generator, collations):
        self.flavour, self.random, self.collations = flavour, generator, collations
        self.makers = {"int": self.integer, "decimal": self.decimal, "float": self.float, "bit": self.bit, "date": self.date, "time": self.time, "datetime": self.datetime, "timestamp": self.timestamp,
                       "year": self.year, "char": self.char, "text": self.text, "binary": self.binary, "blob": self.blob, "enum": self.enum, "set": self.set, "geo": self.geometry}
        if flavour != "mysql56":
            self.makers["json"] = self.json
        if flavour == "mariadb":
            self.makers["typed"] = self.typed
        if flavour == "mysql97":
            self.makers["vector"] = self.vector

    def pick(self, kinds=None):
        """(SQL, kind, what makes a literal, character set, length)"""
        return self.makers[self.random.choice([k for k in self.makers if kinds is None or k in kinds])]()

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def of(self, *values):
        return lambda: self.random.choice(values)

    # ---- numbers -------------------------------------------------------------------------------------------------
    def integer(self):
        name = self.random.choice(list(SPANS))
        bits, unsigned = SPANS[name], self.chance(40)
        low, high = (0, 2 ** bits - 1) if unsigned else (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
        sql = name + (f"({self.random.randrange(1, 30)})" if self.chance(25) else "") + (" UNSIGNED" if unsigned else "") + (" ZEROFILL" if unsigned and self.chance(30) else "")

        def value():
            return str(self.random.choice((low, high, 0, 1, low + 1, high - 1, self.random.randint(low, high), self.random.randrange(100), self.random.randrange(100))))
        return sql, "int", value, None, 0

    def decimal(self):
        digits = self.random.choice((1, 5, 10, 18, 30, 65))
        scale = self.random.choice((0, 0, min(2, digits), min(digits, 30)))
        unsigned = self.chance(20)

        def value():
            number = self.random.choice(("9" * digits, "0" * digits, "0" * (digits - 1) + "1", "".join(self.random.choice("0123456789") for _ in range(digits))))
            return ("-" if not unsigned and self.chance(40) else "") + (number[:digits - scale] or "0") + ("." + number[digits - scale:] if scale else "")
        return f"DECIMAL({digits},{scale})" + (" UNSIGNED" if unsigned else "") + (" ZEROFILL" if unsigned and self.chance(50) else ""), "decimal", value, None, 0

    def float(self):
        sql = self.random.choice(("FLOAT", "DOUBLE", "FLOAT", "DOUBLE", "FLOAT(10,2)", "FLOAT(7,3)", "DOUBLE(20,2)", "DOUBLE(8,5)", "FLOAT UNSIGNED", "DOUBLE UNSIGNED ZEROFILL", "REAL", "FLOAT(53)"))

        def value():
            return self.random.choice(("0", "-0.0e0", "0.1", "1e0", "-1.5e0", "3.4028234663852886e38", "-3.4028234663852886e38", "1.401298464324817e-45", "1.1754942e-38", "16777217e0", "99999999.99e0", "9999.999e0",
                                       "1.7976931348623157e308", "4.9406564584124654e-324", "2.2250738585072011e-308", "999999999999999999.99e0", "0.30000000000000004e0",
                                       repr(struct.unpack("<f", struct.pack("<I", self.random.randrange(1 << 31) & 0xff7fffff))[0]), f"{self.random.uniform(-1e6, 1e6)!r}", f"{self.random.random() * 10 ** self.random.randrange(-300, 300)!r}"))
        return sql, "float", lambda: value().replace("nan", "0").replace("inf", "0"), None, 0

    def bit(self):
        width = self.random.choice((1, 2, 7, 8, 9, 31, 33, 63, 64))
        return f"BIT({width})", "bit", lambda: "b'" + format(self.random.choice((0, 1, 2 ** width - 1, self.random.getrandbits(width))), "b") + "'", None, 0

    # ---- time ----------------------------------------------------------------------------------------------------
    def fraction(self):
        return self.random.choice((0, 0, 1, 3, 6))

    def date(self):
        return "DATE", "date", self.of("'1000-01-01'", "'9999-12-31'", "'0000-00-00'", "'2020-02-31'", "'2020-00-00'", "'2020-00-15'", "'0001-01-01'", "'2000-02-29'", "'1999-12-31'"), None, 0

    def time(self):
        n = self.fraction()
        return f"TIME({n})", "time", self.of("'-838:59:59'", "'838:59:59'", "'-00:00:00.000001'", "'00:00:00'", "'-00:00:01.9'", "'23:59:59.999999'", "'100:00:00.5'", "'-0:0:0'"), None, n

    def datetime(self):
        n = self.fraction()

        def value():
            return self.random.choice(("'0000-00-00 00:00:00'", "'9999-12-31 23:59:59.999'", "'1000-01-01 00:00:00'", "'2020-02-31 10:00:00.5'", "'2020-00-00 01:00:00'", "'2021-03-28 02:30:00'",
                                       f"'20{self.random.randrange(10, 40)}-0{self.random.randrange(1, 10)}-11 {self.random.randrange(10, 24)}:00:00.{self.random.randrange(1000000):06}'"))
        return f"DATETIME({n})", "datetime", value, None, n

    def timestamp(self):
        n = self.fraction()

        def value():
            return self.random.choice(("'0000-00-00 00:00:00'", "'1970-01-02 00:00:01'", "'2038-01-18 03:14:07.999999'", "'2020-03-29 01:30:00'", "'2020-03-29 02:30:00.5'", "'2020-10-25 00:59:59'", "'2020-10-25 02:30:00'",
                                       f"'20{self.random.randrange(10, 38)}-0{self.random.randrange(1, 10)}-11 {self.random.randrange(10, 24)}:00:00.{self.random.randrange(1000000):06}'"))
        return f"TIMESTAMP({n})", "timestamp", value, None, n

    def year(self):
        return "YEAR", "year", self.of("0", "1901", "2155", "2000", "70"), None, 0

    # ---- strings -------------------------------------------------------------------------------------------------
    def charset(self):
        charset = self.random.choice(("utf8mb4", "latin1", *[self.random.choice(sorted(self.collations)) for _ in range(2)]))
        return (charset if charset != "binary" else "latin1"), self.random.choice(self.collations[charset if charset != "binary" else "latin1"])

    def literal(self, charset, length):
        def value():
            if charset in CODECS:
                data = text_of(self.random, charset, length).encode(CODECS[charset], "ignore")
            else:
                data = bytes(self.random.choice((self.random.randrange(256), self.random.choice(BYTES))) for _ in range(self.random.randrange(length + 1)))
            if self.chance(15) and length > 3 and charset not in ("ucs2", "utf16", "utf16le", "utf32"):
                data += b"  "
            return f"_{charset} X'{data.hex()}'"
        return value

    def char(self):
        charset, collation = self.charset()
        length = self.random.choice((1, 3, 10, 30, 60, 250))
        packed = " COMPRESSED" if self.flavour == "mariadb" and self.chance(4) and length > 3 else ""
        kind = "VARCHAR" if packed else self.random.choice(("CHAR", "VARCHAR"))
        return f"{kind}({length}){packed} CHARACTER SET {charset} COLLATE {collation}", "char" if not packed else "text", self.literal(charset, min(length, 40)), charset, length

    def text(self):
        charset, collation = self.charset()
        short = self.literal(charset, 30)
        name = self.random.choice(("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"))
        packed = " COMPRESSED" if self.flavour == "mariadb" and self.chance(10) else ""
        return f"{name}{packed} CHARACTER SET {charset} COLLATE {collation}", "text", lambda: f"REPEAT({short()},{self.random.choice((3, 900, 6000))})" if name != "TINYTEXT" and self.chance(15) else short(), charset, 30

    def raw(self, length):
        return lambda: "X'" + bytes(self.random.choice((self.random.randrange(256), self.random.choice(BYTES))) for _ in range(self.random.randrange(length + 1))).hex() + "'"

    def binary(self):
        length = self.random.choice((1, 4, 16, 60, 255))
        return f"{self.random.choice(('BINARY', 'VARBINARY'))}({length})", "binary", self.raw(min(length, 60)), None, length

    def blob(self):
        short, name = self.raw(40), self.random.choice(("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"))
        return name, "blob", lambda: f"REPEAT({short()},{self.random.choice((5, 2000, 7000))})" if name != "TINYBLOB" and self.chance(15) else short(), None, 40

    def words(self, comma):
        pool = ["a", "b", "A", "it''s", '"', "`", "\\\\", "", "é", "漢", "😀", "ж", "0", "1", "NULL", " lead", "?", "x;", "%", "ÿ", "ソ", "00000", "a b", "-"] + (["c,d", "a\\nb"] if comma else [])
        return self.random.sample(pool, self.random.randrange(1, 9))

    def wordy(self, name):
        charset, collation = self.charset()
        words = []
        for word in self.words(name == "ENUM"):
            if word == "😀":      # which no server shows: test_fidelity has that
                continue
            if fits(word, charset) == word and word not in words:
                words.append(word)
        words = words or ["a"]
        values = Words(self.random, [w.replace("''", "'").replace("\\\\", "\\").replace("\\n", "\n") for w in words], name == "SET", True)
        listed = ",".join("'" + w + "'" for w in words)
        return f"{name}({listed}) CHARACTER SET {charset} COLLATE {collation}", name.lower(), values, charset, 10

    def enum(self):
        return self.wordy("ENUM")

    def set(self):
        return self.wordy("SET")

    # ---- others --------------------------------------------------------------------------------------------------
    def geometry(self):
        shapes = {"POINT": "POINT(1 2)", "LINESTRING": "LINESTRING(0 0,1 1,-2 5.5)", "POLYGON": "POLYGON((0 0,0 5,5 5,5 0,0 0),(1 1,1 2,2 2,2 1,1 1))", "MULTIPOINT": "MULTIPOINT(1 1,2 2)",
                  "MULTILINESTRING": "MULTILINESTRING((0 0,1 1),(2 2,3 3))", "MULTIPOLYGON": "MULTIPOLYGON(((0 0,0 5,5 5,5 0,0 0)))", "GEOMETRYCOLLECTION": "GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))"}
        name = self.random.choice(("GEOMETRY", *shapes))
        texts = list(shapes.values()) if name == "GEOMETRY" else [shapes[name]]
        srid = self.random.choice((None, 0, 4326, 3857)) if self.flavour == "mysql97" else None
        anyhow = self.random.choice((0, 4326, 1)) if self.flavour != "mysql97" else 0
        return f"{name}{f' SRID {srid}' if srid is not None else ''}", "geo", lambda: f"ST_GeomFromText('{self.random.choice(texts)}',{srid or anyhow})", None, 0

    def json(self):
        return "JSON", "json", self.of("'{}'", "'[]'", "'null'", "'1'", "'-0.0'", "'1e308'", "'18446744073709551615'", "'\"it''s \\\\\\\\ \\\\u0000 é😀\"'", "'{\"a\": [1, 2], \"\": null, \"b\": {\"c\": 1.5}}'", "'{\"a\": [3]}'",
                                       "'[1, true, \"x\\\\ny\", 0.1, 1e-300, 123456789012345678901234567890]'"), None, 0

    def typed(self):
        return self.random.choice((("UUID", "uuid", self.of("'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"), None, 0),
                                   ("INET6", "inet6", self.of("'::1'", "'::'", "'fe80::1'", "'::ffff:1.2.3.4'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'"), None, 0),
                                   ("INET4", "inet4", self.of("'1.2.3.4'", "'0.0.0.0'", "'255.255.255.255'"), None, 0)))

    def vector(self):
        return "VECTOR(3)", "vector", self.of("STRING_TO_VECTOR('[1,2,3.5]')", "STRING_TO_VECTOR('[0,-0.0,1e-45]')", "STRING_TO_VECTOR('[3.4e38,1e-38,-1]')"), None, 0
