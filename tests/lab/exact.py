# SPDX-License-Identifier: Apache-2.0
"""What some schemas of a server hold, to the last bit: definitions, what information_schema says of them, every row of every partition.

Made without anything of the program's: rows come as the hexadecimal of what is stored, sorted, and are compared as they are.
"""
import contextlib
import re

import pymysql

from .compare import quote

# Where information_schema has the schema's name, and what says nothing about a definition.
LISTS = {
    "schemata": ("schema_name", ()),
    "tables": ("table_schema", ("table_rows", "avg_row_length", "data_length", "max_data_length", "index_length", "data_free", "create_time", "update_time", "check_time", "checksum", "max_index_length")),
    "columns": ("table_schema", ()),
    "statistics": ("table_schema", ("cardinality",)),
    "key_column_usage": ("table_schema", ()),
    "table_constraints": ("table_schema", ()),
    "referential_constraints": ("constraint_schema", ()),
    "check_constraints": ("constraint_schema", ()),
    "partitions": ("table_schema", ("table_rows", "avg_row_length", "data_length", "max_data_length", "index_length", "data_free", "create_time", "update_time", "check_time", "checksum")),
    "views": ("table_schema", ("view_definition",)),      # MySQL 5.6 and MariaDB name the schema in it or not, as the session that created it did; SHOW CREATE does not waver
    "triggers": ("trigger_schema", ("created",)),
    "routines": ("routine_schema", ("created", "last_altered")),
    "parameters": ("specific_schema", ()),
    # a replica's and a seed's are disabled in words of their own
    "events": ("event_schema", ("created", "last_altered", "last_executed", "status", "originator")),
}
_BYTES = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "geometry", "point", "linestring", "polygon",
          "multipoint", "multilinestring", "multipolygon", "geomcollection", "geometrycollection", "vector", "uuid", "inet4", "inet6")


class Reader:
    """Answers as the server sends them: lists of tuples of bytes."""

    def __init__(self, server):
        self.connection = pymysql.connect(user="root", unix_socket=str(server.socket), charset="utf8mb4", use_unicode=False, conv={}, autocommit=True)
        self.ask("SET SESSION time_zone='+00:00', sql_mode=''")
        with contextlib.suppress(pymysql.err.MySQLError):
            self.ask("SET SESSION information_schema_stats_expiry=0")

    def ask(self, sql):
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() or ()

    def names(self, sql):
        return [tuple(cell.decode() if isinstance(cell, bytes) else cell for cell in row) for row in self.ask(sql)]


def _strings(names):
    return ",".join("'" + name.replace("\\", "\\\\").replace("'", "''") + "'" for name in names)


def _cell(name, kind):
    name = quote(name)
    if kind in ("float", "double"):
        return f"{name}*1e0"
    if kind in ("enum", "set"):
        return f"CAST({name} AS UNSIGNED),HEX({name})"
    return f"HEX({name})" if kind in _BYTES else name


def _rows(reader, found, table, columns, tail, key):
    cells = ",".join(_cell(name, kind) for name, kind in columns)
    found[key] = sorted(str(row) for row in reader.ask(f"SELECT {cells} FROM {table}{tail}"))


def _tables(reader, found, listed):
    columns = {}
    for schema, table, column, kind in reader.names(f"SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns WHERE table_schema IN ({listed}) "
                                                    "ORDER BY table_schema, table_name, ordinal_position"):
        columns.setdefault((schema, table), []).append((column, kind.lower()))
    partitions = {}
    for schema, table, name, below in reader.names("SELECT table_schema, table_name, partition_name, subpartition_name FROM information_schema.partitions "
                                                   f"WHERE table_schema IN ({listed}) AND partition_name IS NOT NULL"):
        partitions.setdefault((schema, table), []).append(below or name)
    for schema, table, kind in reader.names(f"SELECT table_schema, table_name, table_type FROM information_schema.tables WHERE table_schema IN ({listed})"):
        where = f"{quote(schema)}.{quote(table)}"
        _show(reader, found, "VIEW" if kind == "VIEW" else "TABLE", where)
        if kind == "VIEW":
            continue
        history = " FOR SYSTEM_TIME ALL" if kind == "SYSTEM VERSIONED" else ""
        _rows(reader, found, where, columns[schema, table], history, ("rows", where))
        for name in partitions.get((schema, table), ()):
            _rows(reader, found, where, columns[schema, table], f" PARTITION ({quote(name)}){history}", ("rows", where, name))


def _show(reader, found, kind, where):
    """The statement alone, in each of the character sets that a dump may read it in."""
    for charset in ("utf8mb4", "binary"):
        reader.ask(f"SET character_set_results={charset}")
        row = reader.ask(f"SHOW CREATE {kind} {where}")[0]
        reader.ask("SET character_set_results=utf8mb4")
        if kind == "EVENT":     # DISABLE ON SLAVE on the replica, as on the seed, if it is enabled at the source
            row = [re.sub(rb" (ENABLE|DISABLE ON SLAVE|DISABLE ON REPLICA|DISABLE) (?=COMMENT|DO )", b" ", cell) if cell else cell for cell in row]
        if kind == "TRIGGER":
            row = row[:6]       # the last is when it was made
        found["SHOW CREATE", kind, where, charset] = [str(cell) for cell in row]


def picture(server, schemas, users=()):
    """{(what, of what, ...): list of text}"""
    reader, found, listed = Reader(server), {}, _strings(schemas)
    for name, (where, without) in LISTS.items():
        columns = [c for (c,) in reader.names(f"SELECT column_name FROM information_schema.columns WHERE table_schema='information_schema' AND table_name='{name}'") if c.lower() not in without]
        if columns:
            for row in reader.ask(f"SELECT {','.join(quote(c) for c in columns)} FROM information_schema.{quote(name)} WHERE {where} IN ({listed})"):
                named = {c.lower(): cell for c, cell in zip(columns, row)}
                key = [(named.get(c) or b"").decode() for c in (where, "table_name", "column_name", "partition_name", "constraint_name", "index_name", "routine_name", "trigger_name", "event_name", "specific_name")]
                found.setdefault((name, *[k for k in key if k]), []).append(str(sorted(named.items())))
    _tables(reader, found, listed)
    for schema in schemas:
        _show(reader, found, "DATABASE", quote(schema))
    for kind, table, prefix in (("TRIGGER", "triggers", "trigger"), ("EVENT", "events", "event")):
        for schema, name in reader.names(f"SELECT {prefix}_schema, {prefix}_name FROM information_schema.{table} WHERE {prefix}_schema IN ({listed})"):
            _show(reader, found, kind, f"{quote(schema)}.{quote(name)}")
    for schema, name, kind in reader.names(f"SELECT routine_schema, routine_name, routine_type FROM information_schema.routines WHERE routine_schema IN ({listed})"):
        _show(reader, found, kind, f"{quote(schema)}.{quote(name)}")
    for who in users:
        found["account", who] = sorted(str(row) for row in reader.ask(f"SHOW GRANTS FOR {who}"))
    reader.connection.close()
    return {key: sorted(lines) for key, lines in found.items()}


def differences(one, other, schemas, users=(), aside=lambda key: False):
    """A line for each thing that two servers do not have alike."""
    a, b = picture(one, schemas, users), picture(other, schemas, users)
    assert len(a) > len(schemas), "nothing is compared"
    lines = []
    for key in sorted(set(a) | set(b), key=str):
        left, right = a.get(key, ["is not there"]), b.get(key, ["is not there"])
        if left != right and not aside(key):
            only = [[line for line in mine if line not in theirs][:2] for mine, theirs in ((left, right), (right, left))]
            lines.append(f"{key}: {one.name} {len(left)}, {other.name} {len(right)}:\n    {str(only[0])[:1500]}\n    {str(only[1])[:1500]}")
    return lines
