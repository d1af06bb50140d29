# SPDX-License-Identifier: Apache-2.0
"""verify --restore: a scratch server is seeded from the snapshot, replicates, is compared, and leaves nothing behind."""
import contextlib
import json
import os
import pathlib
import signal
import stat
import subprocess

import pytest

from conftest import topology
from lab import accounts, place, proc, tool
from lab.server import REPLICATION, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_running, backup_watched

FLAVOURS = (MariaDB, MySQL97)


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def mariadb():
    with topology(MariaDB) as made:
        yield made


@pytest.fixture
def scratch(lab_or_mariadb):
    """An empty directory to make scratch directories in, which must be empty again when the test ends."""
    path = place_for(lab_or_mariadb)
    yield path
    assert left_in(path) == []
    assert servers_below(path) == []


@pytest.fixture
def lab_or_mariadb(request):
    return request.getfixturevalue("lab" if "lab" in request.fixturenames else "mariadb")


def place_for(lab):
    """Short, for a socket's name has to fit in, and to be entered by the user mysql."""
    path = lab.flavour.home() / "scratch"
    path.mkdir(exist_ok=True)
    for part in (path, *path.parents):
        if part.stat().st_uid == os.getuid() and not part.stat().st_mode & stat.S_IXOTH:
            part.chmod(part.stat().st_mode | stat.S_IXOTH)
    return path


def left_in(path):
    return sorted(p.name for p in path.iterdir())


def servers_below(path):
    """Processes whose command line names the directory (slackwater's own apart)."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if any(w.startswith(f"--defaults-file={path}/".encode()) for w in words) and b"verify" not in words:
                    found.append(int(entry.name))
    return found


def program(flavour):
    """--server-binary: what is found by itself, or a wrapper that runs the program inside its own root."""
    if flavour is not MySQL97:
        return []
    # paths are the same inside and outside
    inside = place.SID / str(place.SID).lstrip("/")
    if not inside.is_symlink():
        inside.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            inside.symlink_to("/")
    wrapper = flavour.home() / "mysqld-inside"
    wrapper.write_text(f'#!/bin/sh\nexec chroot {place.SID} /usr/sbin/mysqld "$@"\n')
    wrapper.chmod(0o755)
    return ["--server-binary", wrapper, "--scratch-user", "root"]


def arguments(lab, repository, scratch, *options, source=True, snapshot="latest", instance="lab"):
    file = accounts.option_file(place.run_dir() / f"proof-{lab.flavour.flavour}.cnf", lab.replica, accounts.BACKUP,
                                source_account=REPLICATION)
    given = ["--restore", f"--defaults-file={file}", f"--state-dir={place.run_dir() / 'state'}", "--from", tool.url(repository),
             "--instance", instance, "--scratch-dir", scratch, "--catch-up-timeout", "90s", "--json"]
    if source:
        for channel, server in lab.sources.items():
            given += ["--source", f"{channel + '=' if channel else ''}127.0.0.1:{server.port}"]
        given += ["--source-user", REPLICATION[0]]
        given += ["--source-public-key", "get"] if lab.flavour is MySQL97 else []
    binary = [] if "--server-binary" in options else program(lab.flavour)
    return ["verify", *given, *binary, *options, snapshot]


def prove(lab, repository, scratch, *options, expect=tool.OK, seconds=240, **how):
    return tool.run(*arguments(lab, repository, scratch, *options, **how), expect=expect, seconds=seconds)


def beside(repository, tail, instance="lab"):
    return sorted(pathlib.Path(repository, instance, "manifests").glob(f"*.{tail}.json"))


def listed(repository):
    return tool.run("list", "--from", tool.url(repository), "--json").json["snapshots"]


def test_proven(lab, repository, scratch):
    """Under load: restored, replicated, compared, recorded, and shown."""
    with Loads(lab, rate=100) as loads:
        taken = backup_watched(lab, repository).json
        loads.wait_written(200)
        result = prove(lab, repository, scratch, "--checksum", f"127.0.0.1:{lab.replica.port}").json
        assert_running(lab)
    proof = result["proof"]
    assert proof["result"] == "proven" and proof["tables"] == taken["tables"] and proof["rows"] == taken["rows"]
    assert proof["transactions"] >= 200 and proof["compared_tables"] > 0 and proof["reason"] is None
    assert lab.flavour.version() in proof["server_version"] and proof["source"] == f"127.0.0.1:{lab.source.port}"
    assert result["verified"] and result["scratch"] is None
    [record] = beside(repository, "proof")
    assert json.loads(record.read_text()) == proof
    assert beside(repository, "trial") == []
    [shown] = listed(repository)
    assert shown["proven"] and shown["proof"] == proof and shown["trial"] is None
    text = tool.run("list", "--from", tool.url(repository)).out
    assert f"proven {proof['at'][:10]}" in text
    info = tool.run("info", "--from", tool.url(repository)).out
    assert "proven" in info and "caught up" in info and "equal" in info
    for password in (REPLICATION[1], accounts.BACKUP[1]):
        assert password not in text + info + record.read_text()
