# SPDX-License-Identifier: Apache-2.0
"""What is kept of a repository: expire, pin, copy, and a catalogue of any size. Most of it needs no server."""
import datetime
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

from conftest import topology
from lab import generated, place, proc, tool
from lab.server import MariaDB

DB = generated.INSTANCE


def _expire(repository, *options, **how):
    return tool.run("expire", "--from", f"file://{repository}", *options, "--json", **how)


def _fates(result):
    return {s["id"]: s["fate"] for s in result.json["snapshots"]}


def _ids(repository, instance=DB):
    return [p.stem for p in tool.manifests(repository, instance) if len(p.stem) == len("20261120T133701Z-9f3a1c")]


def _whole(repository, instance=DB):
    """Every snapshot that exists has all of its objects."""
    for name in _ids(repository, instance):
        assert {p.name for p in (repository / instance / name).iterdir()} >= set(generated.OBJECTS), name


def _old(path, days=30):
    then = time.time() - days * 86400
    os.utime(path, (then, then))


@pytest.mark.fast
@pytest.mark.parametrize("arguments", [
    ["expire"], ["expire", "--from", "{r}"], ["expire", "--from", "{r}", "--dry-run"], ["expire", "--from", "{r}", "--keep-last", "0"],
    ["expire", "--from", "{r}", "--keep-last", "-1"], ["expire", "--from", "{r}", "--keep-last", "3x"], ["expire", "--from", "{r}", "--keep-within", "7"],
    ["expire", "--from", "-", "--keep-last", "3"], ["expire", "--from", "{r}", "--keep-last", "3", "latest"], ["pin", "--from", "{r}"],
    ["unpin", "--from", "{r}"], ["pin", "--from", "-", "latest"], ["copy", "--from", "{r}"], ["copy", "--to", "{r}"],
    ["copy", "--from", "-", "--to", "{r}"], ["copy", "--from", "{r}", "--to", "-"], ["copy", "--from", "{r}", "--to", "{r}/x", "--all", "latest"]],
    ids=" ".join)
def test_usage_errors(repository, arguments):
    generated.days(repository, 3)
    before = generated.tree(repository)
    result = tool.run(*[a.format(r=repository) for a in arguments], expect=tool.USAGE)
    assert result.err.strip()
    assert generated.tree(repository) == before


@pytest.mark.fast
def test_expire_says_what_it_would_do_and_does_it(repository):
    ids = generated.days(repository, 40)
    foreign = [repository / "README", repository / DB / "manifests" / "notes.txt", repository / DB / "manifests" / f"{ids[0]}.json.bak",
               repository / DB / "manifests" / f"{ids[3]}-copy.json", repository / DB / ids[0] / "shard-0000.tar.part", repository / DB / "other" / "shard-0000.tar"]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_text("somebody else's")
    before = generated.tree(repository)
    rules = ["--keep-last", "2", "--keep-daily", "5", "--keep-weekly", "3", "--keep-monthly", "2"]
    shown = _expire(repository, *rules, "--dry-run")
    assert generated.tree(repository) == before
    # 2026-10-31 is a Saturday: Sundays 10-25 and 10-18 end the weeks before, 09-30 the month
    wanted = [i for i in ids if i[:8] in ("20260930", "20261018", "20261025", "20261027", "20261028", "20261029", "20261030", "20261031")]
    assert {i for i, fate in _fates(shown).items() if fate == "kept"} == set(wanted)
    reasons = {s["id"][:8]: s["reasons"] for s in shown.json["snapshots"]}
    assert reasons["20261031"] == ["newest", "last", "daily", "weekly", "monthly"]
    assert reasons["20261030"] == ["last", "daily"] and reasons["20260930"] == ["monthly"] and reasons["20261026"] == []
    done = _expire(repository, *rules)
    assert _ids(repository) == wanted and done.json["removed"] == 40 - len(wanted) == shown.json["expired"]
    assert done.json["bytes_removed"] == done.json["removed"] * sum(map(len, generated.OBJECTS.values()))
    _whole(repository)
    assert [p for p in foreign if not p.exists()] == []
    gone = [p.name for p in (repository / DB).iterdir() if p.name not in (*wanted, "manifests", "other")]
    assert gone == [ids[0]], "only what somebody else's file lies in may be left"
    assert _expire(repository, *rules).json["removed"] == 0
    text = tool.run("expire", "--from", repository, *rules).out
    assert "monthly" in text and "8 kept, 0 removed" in text


@pytest.mark.fast
def test_pinned_proven_newest_and_instances(repository):
    ids = generated.days(repository, 6)
    other = generated.days(repository, 2, last="2025-01-02 00:00", instance="db2")
    (repository / DB / "manifests" / f"{ids[2]}.proof.json").write_text("{}")
    (repository / DB / "manifests" / f"{ids[1]}.proof.json").write_text("{}")
    tool.run("pin", "--from", repository, "--instance", DB, ids[0], "--reason", "before the 9.9 upgrade")
    assert "before the 9.9 upgrade" in tool.run("list", "--from", repository).out
    listed = {s["id"]: s for s in tool.run("list", "--from", repository, "--json").json["snapshots"]}
    assert listed[ids[0]]["pinned"] and listed[ids[0]]["pin"]["reason"] == "before the 9.9 upgrade" and listed[ids[0]]["pin"]["pinned"].startswith("2")
    assert not listed[ids[1]]["pinned"] and listed[ids[1]]["pin"] is None and listed[ids[1]]["proven"]
    _expire(repository, "--keep-last", "1", "--instance", DB)
    assert _ids(repository) == [ids[0], ids[2], ids[5]]
    assert _ids(repository, "db2") == other
    assert not (repository / DB / "manifests" / f"{ids[1]}.proof.json").exists()
    tool.run("unpin", "--from", repository, "--instance", DB, ids[0])
    _expire(repository, "--keep-last", "1")
    assert _ids(repository) == [ids[2], ids[5]] and _ids(repository, "db2") == other[1:]
    tool.run("pin", "--from", repository, ids[0], expect=tool.SNAPSHOT)
    _expire(repository, "--keep-last", "1", "--instance", "nobody", expect=tool.SNAPSHOT)
    tool.run("expire", "--from", f"{repository}/mistyped", "--keep-last", "1", expect=tool.STORE)
    assert not (repository / "mistyped").exists()


@pytest.mark.fast
def test_nothing_goes_when_the_listing_breaks_off(repository):
    """A directory that is nested too deeply, listed after those that hold snapshots: what came before it must not be acted upon."""
    generated.days(repository, 5)
    deep = repository / "zzz"
    (deep / "manifests").joinpath(*["d"] * 40).mkdir(parents=True)
    before = generated.tree(repository)
    _expire(repository, "--keep-last", "1", expect=tool.STORE)
    assert generated.tree(repository) == before
    shutil.rmtree(deep)
    (repository / DB / "manifests" / "deep").joinpath(*["d"] * 40).mkdir(parents=True)
    _expire(repository, "--keep-last", "1", "--instance", DB, expect=tool.STORE)
    assert generated.tree(repository) == before


@pytest.mark.fast
def test_damaged_partial_and_future_ones_push_nothing_out(repository):
    ids = generated.days(repository, 4)
    partial = generated.snapshot(repository, "2026-10-31 03:00", partial=True)
    future = generated.snapshot(repository, "2099-01-01 00:00")
    damaged = generated.snapshot(repository, "2026-10-31 04:00")
    path = repository / DB / "manifests" / f"{damaged}.json"
    path.write_bytes(path.read_bytes()[:-100])
    result = _expire(repository, "--keep-last", "1", "--keep-within", "1h")
    assert _ids(repository) == sorted([ids[3], partial, future, damaged])
    assert damaged in result.err
    why = {s["id"]: s["reasons"] for s in result.json["snapshots"]}
    assert why[damaged] == ["damaged"] and why[future] == ["future"] and why[partial] == why[ids[3]] == ["newest", "last", "within"]


@pytest.mark.fast
def test_what_the_store_holds_stays_and_is_told(repository):
    ids = generated.days(repository, 5)
    held = [repository / DB / "manifests" / f"{ids[0]}.json", repository / DB / ids[1] / "shard-0000.tar"]
    done = subprocess.run(["chattr", "+i", *held], capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            pytest.skip(f"files cannot be made immutable here: {done.stderr.strip()}")
        result = _expire(repository, "--keep-last", "1")
        assert _fates(result) == {ids[0]: "held", ids[1]: "removed", ids[2]: "removed", ids[3]: "removed", ids[4]: "kept"}
        assert result.json["held"] == 1 and result.json["held_objects"] == 1 and ids[0] in result.err
        _whole(repository)
    finally:
        subprocess.run(["chattr", "-i", *[p for p in held if p.exists()]], check=False, capture_output=True)
    _old(held[1])
    assert _expire(repository, "--keep-last", "1").json["swept_objects"] == (1 if ids[1] < f"{datetime.date.today() - datetime.timedelta(days=8):%Y%m%d}" else 0)
    assert _ids(repository) == [ids[4]]


def _debris(repository, instance=DB):
    """What dead runs leave: objects without a manifest, an unfinished file, a proof of none. (old, young)"""
    long_ago, now = datetime.datetime(2025, 1, 1), datetime.datetime.now(datetime.timezone.utc)
    found = ([], [])
    for paths, name in ((found[0], generated.identity(long_ago, 1)), (found[1], generated.identity(now, 2))):
        paths += [repository / instance / name / "shard-0000.tar", repository / instance / name / ".slackwater-tmp-4711-0123456789abcdef",
                  repository / instance / "manifests" / f"{name}.proof.json"]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("left")
    for path in found[0]:
        _old(path)
    return found


@pytest.mark.fast
def test_what_dead_runs_left_goes_when_it_is_old(repository):
    generated.days(repository, 2)
    old, young = _debris(repository)
    assert _expire(repository, "--keep-last", "5", "--dry-run").json["swept_objects"] == 0
    assert all(p.exists() for p in old)
    result = _expire(repository, "--keep-last", "5")
    assert (result.json["swept_objects"], result.json["swept_uploads"]) == (2, 1)
    assert not any(p.exists() for p in old) and all(p.exists() for p in young)
    _whole(repository)


def test_killed_in_the_middle(repository):
    """SIGKILL at moments that differ: what is listed is whole, and the next run ends the work."""
    ids = generated.days(repository, 300)
    for at in (299, 280, 200, 100):
        running = tool.Running("expire", "--from", repository, "--keep-last", "1")
        try:
            proc.wait_until(lambda at=at, running=running: len(_ids(repository)) <= at or not running.alive(), 30, "some to be removed", every=0.001)
            running.signal(signal.SIGKILL)
        finally:
            running.finish(expect=None)
        _whole(repository)
        assert ids[-1] in _ids(repository)
    _expire(repository, "--keep-last", "1")
    assert _ids(repository) == [ids[-1]]
    for path in (repository / DB).glob("*/*"):
        _old(path)
    _expire(repository, "--keep-last", "1")
    left = {p.parent.name for p in (repository / DB).glob("*/*")} - {"manifests", ids[-1]}
    young = f"{datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=8):%Y%m%d}"
    assert [name for name in left if name < young] == []


@pytest.mark.fast
def test_copy_between_repositories(repository, tmp_path):
    ids = generated.days(repository, 4)
    other = tmp_path / "not" / "yet"
    nowhere = tool.run("copy", "--from", repository, "--to", other, expect=tool.STORE)
    assert "is the file system mounted?" in nowhere.err and not other.parent.exists()
    other.parent.mkdir()
    tool.run("pin", "--from", repository, ids[3])
    (repository / DB / "manifests" / f"{ids[3]}.proof.json").write_text("{}")
    first = tool.run("copy", "--from", repository, "--to", other, "--json").json["snapshots"]
    assert [s["id"] for s in first] == [ids[3]] and first[0]["objects"] == len(generated.OBJECTS) and not first[0]["was_there"]
    tool.run("copy", "--from", repository, "--to", other, ids[0])
    assert _ids(other) == [ids[0], ids[3]]
    again = tool.run("copy", "--from", repository, "--to", other, "--all", "--json").json["snapshots"]
    assert {s["id"]: s["was_there"] for s in again} == {ids[0]: True, ids[1]: False, ids[2]: False, ids[3]: True}
    before = generated.tree(repository)
    del before[f"{DB}/manifests/{ids[3]}.pin"]
    assert generated.tree(other) == before
    tool.run("copy", "--from", repository, "--to", other, "20200101T000000Z-000000", expect=tool.SNAPSHOT)


@pytest.mark.fast
def test_copy_passes_no_damage_on(repository, tmp_path):
    ids = generated.days(repository, 3)
    shard = repository / DB / ids[1] / "shard-0000.tar"
    shard.write_bytes(shard.read_bytes().replace(b"whole", b"WHOLE"))
    result = tool.run("copy", "--from", repository, "--to", tmp_path / "o", "--all", expect=tool.SNAPSHOT)
    assert _ids(tmp_path / "o") == [ids[0], ids[2]] and ids[1] in result.err
    tool.run("copy", "--from", repository, "--to", tmp_path / "o", ids[1], expect=tool.SNAPSHOT)
    assert not (tmp_path / "o" / DB / ids[1] / "shard-0000.tar").exists()
    # the same id, but another snapshot
    path = tmp_path / "o" / DB / "manifests" / f"{ids[0]}.json"
    path.write_text(path.read_text() + "\n")
    tool.run("copy", "--from", repository, "--to", tmp_path / "o", ids[0], expect=tool.STORE)


def test_copy_that_was_killed_goes_on(repository, tmp_path):
    big = {**generated.OBJECTS, "shard-0001.tar": os.urandom(1 << 20) * 300}
    name = generated.snapshot(repository, "2026-10-31 02:00", objects=big)
    other = tmp_path / "other"
    running = tool.Running("copy", "--from", repository, "--to", other, "--threads", "1")
    try:
        proc.wait_until(lambda: any(p.stat().st_size > 1 << 20 for p in other.glob(f"{DB}/{name}/.slackwater-tmp-*")), 60, "the big object to be on its way", every=0.001)
        running.signal(signal.SIGKILL)
    finally:
        running.finish(expect=None)
    assert _ids(other) == [] and not (other / DB / name / "shard-0001.tar").exists()
    assert tool.run("list", "--from", other).out == "no snapshots\n"
    sent = tool.run("copy", "--from", repository, "--to", other, "--json").json["snapshots"][0]
    assert sent["objects"] == 1 and sent["bytes"] == len(big["shard-0001.tar"])
    assert (other / DB / name / "shard-0001.tar").read_bytes() == big["shard-0001.tar"]


def _timed(*arguments, **how):
    """The result, and the processor seconds it took: a machine that is busy with other tests makes it wait, which is not what is measured."""
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime
    before = used()
    result = tool.run(*arguments, **how)
    return result, used() - before


def test_ten_thousand_snapshots(repository, capsys):
    """Listed in less than 5 s, by text and as JSON, and a policy for them made in less than 10."""
    begin, objects = datetime.datetime(2020, 1, 1), {"shard-0000.tar": b"", "checkpoint.json": b"{}"}
    for i in range(10000):
        generated.snapshot(repository, begin + datetime.timedelta(hours=6 * i), instance=f"db{i % 4}", number=i, objects=objects)
    for name in ("README", "0000", "20261120T133701Z-9f3a1c", "20261120T133701Z-9f3a1c.json.tmp", "zzz.json"):
        (repository / "db0" / "manifests" / name).write_text("no manifest")
    text, text_s = _timed("list", "--from", repository)
    assert text.out.count("\n") == 10001 and text_s < 5, text_s
    listed, json_s = _timed("list", "--from", repository, "--json")
    assert len(listed.json["snapshots"]) == 10000 and json_s < 5, json_s
    one, one_s = _timed("list", "--from", repository, "--instance", "db1")
    assert one.out.count("\n") == 2501 and one_s < 5, one_s
    shown, expire_s = _timed("expire", "--from", repository, "--keep-daily", "30", "--keep-monthly", "12", "--dry-run", "--json")
    assert shown.json["expired"] + shown.json["kept"] == 10000 and expire_s < 10, expire_s
    with capsys.disabled():
        print(f"\n| 10,000 snapshots, seconds of processor and of the clock: list {text_s:.2f} {text.seconds:.2f}, --json {json_s:.2f} {listed.seconds:.2f}, "
              f"one instance of 2,500 {one_s:.2f} {one.seconds:.2f}, expire --dry-run {expire_s:.2f} {shown.seconds:.2f}")


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


def test_a_backup_tidies_up_and_a_copy_of_it_is_sound(lab, repository, tmp_path):
    old, young = _debris(repository, "lab")
    theirs, _ = _debris(repository, "another")
    tool.backup(lab.replica, repository)
    assert not any(p.exists() for p in old) and all(p.exists() for p in young + theirs)
    tool.run("copy", "--from", repository, "--to", tmp_path / "vault")
    assert tool.run("verify", "--from", tmp_path / "vault", "--json").json["verified"]
    assert generated.tree(tmp_path / "vault" / "lab" / "manifests") == {p.name: p.read_bytes() for p in tool.manifests(repository)}
    target = lab.target()
    tool.seed(tmp_path / "vault", target, lab.sources)
    lab.drop(target)


def test_a_host_that_may_not_remove_takes_backups(lab):
    """What dead runs left cannot be removed: the backup says so and is taken."""
    repository = place.run_dir() / "no-removing"
    repository.mkdir()
    old, _young = _debris(repository, "lab")
    done = subprocess.run(["chattr", "+i", old[0]], capture_output=True, text=True, check=False)
    try:
        if done.returncode:
            pytest.skip(f"files cannot be made immutable here: {done.stderr.strip()}")
        tool.backup(lab.replica, repository)
        assert len(tool.manifests(repository)) == 1 and old[0].exists()
    finally:
        subprocess.run(["chattr", "-i", old[0]], check=False, capture_output=True)
