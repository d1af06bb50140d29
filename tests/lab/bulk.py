# SPDX-License-Identifier: Apache-2.0
"""Enough bytes that a dump takes a while, and that zstd cannot make them fewer."""


def fill(source, schema, table, megabytes):
    """A table of random rows of 1000 bytes each, made on the source by doubling."""
    source.sql(f"CREATE DATABASE IF NOT EXISTS {schema}",
               f"CREATE TABLE {schema}.{table} (id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, v VARBINARY(1000) NOT NULL) ENGINE=InnoDB",
               f"INSERT INTO {schema}.{table} (v) VALUES " + ",".join(["(RANDOM_BYTES(1000))"] * 50))
    have, goal = 50, megabytes * 1000
    while have < goal:
        more = min(have, goal - have, 12000)        # one transaction of that size is what a replica applies at a time
        source.sql(f"INSERT INTO {schema}.{table} (v) SELECT RANDOM_BYTES(1000) FROM {schema}.{table} LIMIT {more}")
        have += more
