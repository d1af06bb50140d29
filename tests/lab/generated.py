# SPDX-License-Identifier: Apache-2.0
"""Repositories made without a server, by what FORMAT.md says: for tests of what is done with snapshots, not of what is in them."""
import datetime
import hashlib
import json
import pathlib

INSTANCE = "db1_3306"
OBJECTS = {"shard-0000.tar": b"not a tar, but whole\n", "index-0000.json": b"{}\n", "checkpoint.json": b'{"format":1}\n'}


def identity(when, number=0):
    """The id of a snapshot that was begun at `when`, a datetime."""
    return f"{when:%Y%m%dT%H%M%S}Z-{number:06x}"


def _manifest(instance, snapshot, objects, partial):
    taken = int(datetime.datetime.strptime(snapshot[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    return {
        "format": 1, "id": snapshot, "instance": instance, "tool": "slackwater 0.1.0", "engine": "logical", "layout": "store",
        "server": {"flavor": "mariadb", "version": "10.11.6-MariaDB-log", "identity": "mariadb:db1:3306:1", "hostname": "db1", "port": 3306, "server_id": 1},
        "started_ms": taken, "taken_ms": taken + 500, "finished_ms": taken + 60000, "pause_ms": 12, "rows": 1000000, "bytes": 1 << 30,
        "bytes_stored": sum(len(data) for data in objects.values()), "tables": 99, "largest_statement": 1 << 20, "partial": partial,
        "partial_why": ["--include"] if partial else [], "users": True, "warnings": [],
        "objects": [{"key": key, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for key, data in objects.items()],
    }


def manifest_text(document):
    """As it is stored: the digest of all lines before it is the last member."""
    text = json.dumps(document, indent=2, sort_keys=True)[:-2] + ",\n"
    return text + f'  "sha256": "{hashlib.sha256(text.encode()).hexdigest()}"\n}}\n'


def snapshot(repository, when, *, instance=INSTANCE, number=0, partial=False, objects=None):
    """Put one there; `when` is a datetime or "2026-11-20 13:37"; returns its id."""
    if isinstance(when, str):
        when = datetime.datetime.strptime(when, "%Y-%m-%d %H:%M")
    objects = OBJECTS if objects is None else objects
    name = identity(when, number)
    manifests, data = pathlib.Path(repository, instance, "manifests"), pathlib.Path(repository, instance, name)
    manifests.mkdir(parents=True, exist_ok=True)
    if objects:
        data.mkdir()
    for key, content in objects.items():
        (data / key).write_bytes(content)
    (manifests / f"{name}.json").write_text(manifest_text(_manifest(instance, name, objects, partial)))
    return name


def days(repository, n, *, last="2026-10-31 02:00", **how):
    """One a day, `n` of them, the newest at `last`; their ids, oldest first."""
    end = datetime.datetime.strptime(last, "%Y-%m-%d %H:%M")
    return [snapshot(repository, end - datetime.timedelta(days=n - 1 - i), **how) for i in range(n)]


def tree(repository):
    """Every file and what is in it."""
    return {str(p.relative_to(repository)): p.read_bytes() for p in pathlib.Path(repository).rglob("*") if p.is_file()}
