# SPDX-License-Identifier: Apache-2.0
"""A damaged snapshot is never mistaken for a sound one: exit 8, and nothing of it is applied."""
import shutil
import tarfile

import pytest

from conftest import topology
from lab import place, tool
from lab.server import MariaDB
from lab.topology import Loads
from steps import flip

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


@pytest.fixture(scope="module")
def sound(lab):
    repository = place.run_dir() / "damage-sound"
    with Loads(lab, rate=300) as loads:
        loads.wait_written(500)
        tool.backup(lab.replica, repository, "--shards", "2")
    return repository


@pytest.fixture(scope="module")
def target(lab):
    """Refused again and again, it stays empty: one is enough."""
    return lab.target()


@pytest.fixture
def copy(sound, repository):
    repository.rmdir()
    shutil.copytree(sound, repository)
    return repository


def _object(repository, pattern):
    return sorted(repository.glob(f"lab/{pattern}"))[0]


def flip_in_entry(shard):
    """In the middle of the largest data file of a shard; most of a small tar is padding, which belongs to no entry."""
    with tarfile.open(shard) as tar:
        largest = max((m for m in tar.getmembers() if m.name.endswith(".sql.zst")), key=lambda member: member.size)
    data = bytearray(shard.read_bytes())
    data[largest.offset_data + largest.size // 2] ^= 0x10
    shard.write_bytes(data)


def _spoil(repository, how):
    shard = _object(repository, "*/shard-*.tar")
    if how == "shard-begin":
        flip(shard, 0.01)
    elif how == "shard-middle":
        flip(shard, 0.5)
    elif how == "shard-entry":
        flip_in_entry(shard)
    elif how == "shard-end":
        flip(shard, 0.995)
    elif how == "shard-short":
        shard.write_bytes(shard.read_bytes()[:-4096])
    elif how == "shard-gone":
        shard.unlink()
    elif how == "index":
        flip(_object(repository, "*/index-*"), 0.5)
    elif how == "checkpoint":
        flip(_object(repository, "*/checkpoint.json"), 0.5)
    elif how == "manifest":
        flip(_object(repository, "manifests/*.json"), 0.5)
    elif how == "manifest-short":
        manifest = _object(repository, "manifests/*.json")
        manifest.write_bytes(manifest.read_bytes()[:-20])


HOW = ["shard-begin", "shard-middle", "shard-entry", "shard-end", "shard-short", "shard-gone", "index", "checkpoint", "manifest", "manifest-short"]


@pytest.mark.parametrize("how", HOW)
def test_damage_is_found_and_nothing_applied(lab, copy, target, tmp_path, how):
    _spoil(copy, how)
    tool.run("verify", "--from", f"file://{copy}", expect=tool.SNAPSHOT)
    tool.run("restore", "--from", f"file://{copy}", "--to-dir", tmp_path / "out", expect=tool.SNAPSHOT)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    tool.seed(copy, target, lab.sources, expect=tool.SNAPSHOT)
    assert _own_schemas(target) == [] and not target.status()


def _own_schemas(server):
    return [r["Database"] for r in server.sql("SHOW DATABASES")
            if r["Database"] not in ("mysql", "information_schema", "performance_schema", "sys")]


def test_the_sound_one_is_sound(sound):
    tool.run("verify", "--from", f"file://{sound}")


def test_checking_entry_by_entry_finds_it_too(lab, sound, copy):
    """--verify entry: found before the damaged entry is applied; the target is left marked as incomplete."""
    flip_in_entry(_object(copy, "*/shard-*.tar"))
    target = lab.target()
    tool.seed(copy, target, lab.sources, "--verify", "entry", expect=tool.SNAPSHOT)
    assert not target.status(), "an incomplete target replicates"
    assert "slackwater_incomplete" in _own_schemas(target)
    again = tool.seed(sound, target, lab.sources, expect=tool.REFUSED)
    assert "an earlier load" in again.err and "--replace" in again.err
    lab.drop(target)


def test_no_manifest_no_snapshot(copy, lab, target):
    _object(copy, "manifests/*.json").unlink()
    for verb in ("verify", "info"):
        tool.run(verb, "--from", f"file://{copy}", expect=tool.SNAPSHOT)
    tool.seed(copy, target, lab.sources, expect=tool.SNAPSHOT)
    assert _own_schemas(target) == []


def test_missing_snapshots_and_instances(sound):
    for more in (["20200101T000000Z-000000"], ["--instance", "nobody", "latest"]):
        tool.run("info", "--from", f"file://{sound}", *more, expect=tool.SNAPSHOT)


def test_latest_of_several_instances_wants_a_name(copy):
    shutil.copytree(copy / "lab", copy / "other")
    result = tool.run("info", "--from", f"file://{copy}", expect=tool.USAGE)
    assert "lab" in result.err and "other" in result.err
