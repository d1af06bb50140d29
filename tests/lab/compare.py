# SPDX-License-Identifier: Apache-2.0
"""Are two servers the same? Every table's definition and content, every view, routine, trigger and event."""
import re

SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
_BYTES = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json",     # character sets do not mix
          "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "geometry", "point", "linestring",
          "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection", "geometrycollection", "vector")


def quote(name):
    return "`" + name.replace("`", "``") + "`"


def _lower(rows):
    return [{k.lower(): v for k, v in row.items()} for row in rows]


def _content(server, schema, table, columns, versioned=False):
    """Row count and two sums over the rows that do not depend on their order; of a system-versioned table its history as well."""
    def text(column):
        name = quote(column["column_name"])
        kind = column["data_type"].lower()
        if kind in ("float", "double"):
            return f"HEX(CAST({name} * 1.0e0 AS CHAR))"
        return f"HEX({name})" if kind in _BYTES else name
    if not columns:
        return (0, 0, 0)
    row = ",".join(f"IFNULL({text(c)},'~')" for c in columns) + "," + ",".join(
        f"ISNULL({quote(c['column_name'])})" for c in columns)
    if versioned and not any(c["generation_expression"] == "ROW START" for c in columns):
        row += ",row_start,row_end"
    crc = f"CRC32(CONCAT_WS('#',{row}))"
    found = server.sql("SET SESSION time_zone='+00:00', sql_mode=''",
                       f"SELECT COUNT(*) AS n, COALESCE(BIT_XOR({crc}),0) AS x, COALESCE(SUM({crc}),0) AS s "
                       f"FROM {quote(schema)}.{quote(table)}{' FOR SYSTEM_TIME ALL' if versioned else ''}")[0]
    return (int(found["n"]), int(found["x"]), int(found["s"]))


def _definition(server, kind, schema, name):
    row = server.sql(f"SHOW CREATE {kind} {quote(schema)}.{quote(name)}")[0]
    columns = [v for k, v in row.items() if k.startswith(("Create ", "SQL Original")) or k in ("sql_mode",)]
    return re.sub(r" AUTO_INCREMENT=\d+", "", " | ".join(str(c) for c in columns))


def picture(server, schemas=None):
    """{(kind, schema, name): what it is} of all schemas that are not the server's own, or of those named."""
    skip = ",".join(f"'{s}'" for s in SYSTEM)
    where = f"NOT IN ({skip})" if schemas is None else "IN (" + ",".join(f"'{s}'" for s in schemas) + ")"
    found = {}
    for row in _lower(server.sql(f"SELECT schema_name, default_character_set_name, default_collation_name "
                                 f"FROM information_schema.schemata WHERE schema_name {where}")):
        found["schema", row["schema_name"], ""] = (row["default_character_set_name"], row["default_collation_name"])
    columns = {}
    expression = "''" if server.flavour == "mysql56" else "generation_expression"
    for row in _lower(server.sql(f"SELECT table_schema, table_name, column_name, data_type, {expression} AS generation_expression FROM information_schema.columns "
                                 f"WHERE table_schema {where} ORDER BY table_schema, table_name, ordinal_position")):
        columns.setdefault((row["table_schema"], row["table_name"]), []).append(row)
    for row in _lower(server.sql("SELECT table_schema, table_name, table_type FROM information_schema.tables "
                                 f"WHERE table_schema {where}")):
        schema, name = row["table_schema"], row["table_name"]
        if row["table_type"] == "VIEW":
            found["view", schema, name] = _definition(server, "VIEW", schema, name)
        else:
            found["table", schema, name] = (_definition(server, "TABLE", schema, name),
                                            _content(server, schema, name, columns.get((schema, name), []), row["table_type"] == "SYSTEM VERSIONED"))
    for row in _lower(server.sql(f"SELECT routine_schema, routine_name, routine_type FROM information_schema.routines "
                                 f"WHERE routine_schema {where}")):
        found[row["routine_type"].lower(), row["routine_schema"], row["routine_name"]] = \
            _definition(server, row["routine_type"], row["routine_schema"], row["routine_name"])
    for kind, table, column in (("TRIGGER", "triggers", "trigger"), ("EVENT", "events", "event")):
        for row in _lower(server.sql(f"SELECT {column}_schema, {column}_name FROM information_schema.{table} "
                                     f"WHERE {column}_schema {where}")):
            schema, name = row[column + "_schema"], row[column + "_name"]
            found[kind.lower(), schema, name] = _definition(server, kind, schema, name)
    return found


def differences(one, other, schemas=None):
    """A line for each thing that two servers do not have alike; empty when they are the same."""
    a, b = picture(one, schemas), picture(other, schemas)
    lines = []
    for key in sorted(set(a) | set(b)):
        if key not in a or key not in b:
            lines.append(f"{key} is only on {one.name if key in a else other.name}")
        elif a[key] != b[key]:
            lines.append(f"{key}: {one.name} has {a[key]}, {other.name} has {b[key]}")
    return lines


def rows(server):
    """{schema.table: number of rows} by counting."""
    return {f"{schema}.{name}": what[1][0] for (kind, schema, name), what in picture(server).items() if kind == "table"}
