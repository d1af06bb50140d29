# SPDX-License-Identifier: Apache-2.0
"""A snapshot needs nobody: tar, zstd and Debian's myloader, or the plain client, restore it."""
import subprocess

import pytest

from conftest import topology
from lab import compare, tool
from lab.load import SCHEMAS
from lab.server import FLAVOURS


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def directory(lab, tmp_path_factory):
    """Unpacked with tar and zstd alone; nothing wrote meanwhile, so the replica still is what was dumped."""
    repository, out = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("dump")
    tool.backup(lab.replica, repository, "--shards", "2", "--chunk-size", "256K")
    for shard in sorted(repository.glob("lab/*/shard-*.tar")):
        subprocess.run(["tar", "-C", out, "-xf", shard], check=True)
    packed = sorted(out.glob("*.zst"))
    assert packed
    subprocess.run(["zstd", "-q", "-d", "--rm", *packed], check=True)
    return out


def test_myloader_loads_it(lab, directory):
    """Its exit code says nothing: rows and checksums are compared."""
    target = lab.target()
    subprocess.run(["myloader", "--directory", directory, "--socket", target.socket, "--user", "root", "--threads", "2",
                    "--overwrite-tables"], check=True, timeout=120)
    assert sum(compare.rows(target).values()) == sum(compare.rows(lab.replica).values()) > 0
    assert compare.differences(lab.replica, target, SCHEMAS) == []
    lab.drop(target)


def test_the_plain_client_loads_it(lab, directory):
    target = lab.target()

    def load(path, *database):
        with open(path, "rb") as sql:
            subprocess.run(["mariadb", "--no-defaults", "-S", target.socket, "-u", "root", *database], stdin=sql, check=True, timeout=120)
    for path in sorted(directory.glob("*-schema-create.sql")):
        load(path)
    tables = [p for p in sorted(directory.glob("*-schema.sql"))]
    data = [p for p in sorted(directory.glob("*.*.*.sql")) if "-schema" not in p.name]
    assert tables and data
    for path in tables + data:
        load(path, path.name.split(".")[0])
    assert compare.differences(lab.replica, target, SCHEMAS) == []
    lab.drop(target)
