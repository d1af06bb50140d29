# SPDX-License-Identifier: Apache-2.0
"""Encrypted snapshots: with their key, without, with a wrong one; damaged and mixed; and Debian's age as the second implementation."""
import fcntl
import filecmp
import hashlib
import hmac
import json
import os
import shutil
import stat
import subprocess
import tarfile
import termios

import pytest

from conftest import topology
from lab import place, tool
from lab.server import MariaDB, MySQL97
from lab.topology import Loads
from steps import assert_same, backup_watched, flip

PHRASE = {"SLACKWATER_PASSPHRASE": "the stillness at the turn of a tide"}


def keygen(path, *options):
    return tool.run("keygen", "--out", path, "--json", *options).json["recipient"]


def age(*arguments, answer=None, stdin=None, stdout=subprocess.PIPE):
    """Debian's age. It asks for a passphrase on its terminal: `answer` is typed there as often as it asks."""
    if answer is None:
        return subprocess.run(arguments, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=True).stdout
    ours, theirs = os.openpty()
    try:
        child = subprocess.Popen(arguments, stdin=stdin or subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True,
                                 preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0))
        asked = b""
        for n in range(1, answer.count("\n") + 1):
            while asked.count(b":") < n:
                asked += os.read(ours, 1024)
            os.write(ours, answer.split("\n")[n - 1].encode() + b"\n")
        out = child.communicate(timeout=60)[0]
    finally:
        os.close(theirs)
        os.close(ours)
    assert child.returncode == 0, arguments
    return out


def objects(repository, pattern="*"):
    return sorted(repository.glob(f"lab/2*/{pattern}"))


def differences(one, other):
    found = filecmp.dircmp(one, other)
    _same, differ, odd = filecmp.cmpfiles(one, other, found.common_files, shallow=False)
    return found.left_only + found.right_only + differ + odd


@pytest.mark.fast
def test_keygen_makes_what_age_keygen_makes(tmp_path):
    recipient = keygen(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert age("age-keygen", "-y", tmp_path / "key").decode().strip() == recipient
    before = (tmp_path / "key").read_bytes()
    refused = tool.run("keygen", "-o", tmp_path / "key", expect=tool.USAGE)
    assert "exists" in refused.err and (tmp_path / "key").read_bytes() == before
    shown = tool.run("keygen", "-o", tmp_path / "key2")
    assert "age1" in shown.out and "SECRET" not in shown.out + shown.err
    printed = tool.run("keygen").out
    (tmp_path / "key3").write_text(printed, encoding="ascii")
    assert age("age-keygen", "-y", tmp_path / "key3").decode().strip() in printed
    tool.run("keygen", "--json", expect=tool.USAGE)


@pytest.mark.fast
def test_a_passphrase_on_the_command_line_is_refused_and_not_repeated():
    for given in (["--passphrase=open-sesame"], ["--passphrase", "open-sesame"]):
        refused = tool.run("backup", "--to", "/nowhere", *given, expect=tool.USAGE)
        assert "sesame" not in refused.out + refused.err
    refused = tool.run("backup", "--to", "/nowhere", "--recipient", "AGE-SECRET-KEY-1QQQQQQ", "--no-defaults", expect=tool.USAGE)
    assert "QQQQ" not in refused.err


@pytest.fixture(scope="module", params=[MySQL97, MariaDB], ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """{name: path of the key}, and their recipients."""
    where = tmp_path_factory.mktemp("keys")
    paths = {name: where / name for name in ("mine", "second", "foreign")}
    return paths, {name: keygen(path) for name, path in paths.items()}


@pytest.fixture(scope="module")
def sealed(lab, keys):
    """A repository with one snapshot, encrypted for two keys; and a sister of it, for the same."""
    paths, recipients = keys
    where = [place.run_dir() / f"sealed-{lab.flavour.flavour}-{n}" for n in (1, 2)]
    recipients_file = paths["mine"].with_name("recipients")
    recipients_file.write_text(f"# who may read\n{recipients['second']}\n", encoding="ascii")
    with Loads(lab, rate=60) as loads:
        loads.wait_written(150)
        for repository in where:
            backup_watched(lab, repository, "--shards", "2", "--recipient", recipients["mine"], "--recipient", recipients_file)
    return where


@pytest.fixture
def copy(sealed, repository):
    repository.rmdir()
    shutil.copytree(sealed[0], repository)
    return repository


def identity(keys, name="mine"):
    return ["--identity", keys[0][name]]


def test_nothing_is_in_clear_but_the_manifest(lab, sealed, keys):
    names = [path.name for path in objects(sealed[0])]
    assert names and all(name.endswith(".age") for name in names)
    manifest = tool.manifests(sealed[0])[0].read_text()
    for word in ("ledger", "app1", keys[0]["mine"].read_text().split("\n")[2]):
        assert word not in manifest
    for path in objects(sealed[0]):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n-> X25519 ")
    assert keys[1]["mine"] in manifest and keys[1]["second"] in manifest


def test_without_the_key(sealed):
    where = f"file://{sealed[0]}"
    assert tool.run("list", "--from", where).out
    report = tool.run("verify", "--from", where, "--json").json
    assert report["digests_only"] and report["objects"] == 5
    shown = tool.run("info", "--from", where, "--json").json
    assert shown["checkpoint"] is None and shown["manifest"]["encryption"]["recipients"]
    assert "its position is encrypted" in tool.run("info", "--from", where).out


def test_copied_listed_and_expired_without_the_key(lab, sealed, keys, repository):
    """None of it needs a key; what was copied opens with it and is the same."""
    where, into = f"file://{sealed[0]}", f"file://{repository}"
    first = tool.manifests(sealed[0])[0].stem
    tool.run("copy", "--from", where, "--to", into, first)
    tool.run("copy", "--from", f"file://{sealed[1]}", "--to", into, "--all")
    for path in objects(sealed[0]):
        assert (repository / path.relative_to(sealed[0])).read_bytes() == path.read_bytes()
    assert (repository / "lab" / "manifests" / f"{first}.json").read_bytes() == tool.manifests(sealed[0])[0].read_bytes()
    listed = tool.run("list", "--from", into)
    assert listed.out.count("encrypted") == 2
    for one in tool.run("list", "--from", into, "--json").json["snapshots"]:
        assert sorted(one["manifest"]["encryption"]["recipients"]) == sorted([keys[1]["mine"], keys[1]["second"]])
    shown = tool.run("info", "--from", into, first).out
    assert f"for {keys[1]['mine']}" in shown and f"for {keys[1]['second']}" in shown
    tool.run("verify", "--from", into, first, *identity(keys))
    said = tool.run("expire", "--from", into, "--keep-last", "1", "--json").json
    assert said["removed"] == 1 and said["kept"] == 1
    assert len({path.parent for path in objects(repository)}) == 1
    tool.run("verify", "--from", into, *identity(keys, "second"))


def test_with_each_of_the_keys(sealed, keys, tmp_path):
    where = f"file://{sealed[0]}"
    for name in ("mine", "second"):
        report = tool.run("verify", "--from", where, "--json", *identity(keys, name)).json
        assert not report["digests_only"] and report["entries"] > 5
        shown = tool.run("info", "--from", where, "--json", *identity(keys, name))
        assert shown.json["checkpoint"]["channels"] and "manifest_key" not in shown.out
    tool.run("restore", "--from", where, "--to-dir", tmp_path / "out", *identity(keys))
    assert (tmp_path / "out" / "metadata").exists()


def test_by_hand_with_age_and_tar(sealed, keys, tmp_path):
    """What the README says."""
    (tmp_path / "hand").mkdir()
    for shard in objects(sealed[0], "shard-*.tar.age"):
        (tmp_path / "tar").write_bytes(age("age", "-d", "-i", keys[0]["second"], shard))
        subprocess.run(["tar", "-C", tmp_path / "hand", "-xf", tmp_path / "tar"], check=True)
    tool.run("restore", "--from", f"file://{sealed[0]}", "--to-dir", tmp_path / "ours", *identity(keys))
    assert differences(tmp_path / "hand", tmp_path / "ours") == []
    for part in objects(sealed[0], "*.json.age"):
        assert age("age", "-d", "-i", keys[0]["mine"], part).startswith(b"{")


def test_the_seal_checked_by_hand(sealed, keys):
    """As FORMAT.md says: HMAC-SHA-256 of the manifest without its last lines, under the key in the checkpoint."""
    manifest = tool.manifests(sealed[0])[0].read_bytes()
    key = json.loads(age("age", "-d", "-i", keys[0]["mine"], objects(sealed[0], "checkpoint.json.age")[0]))["manifest_key"]
    lines = manifest.splitlines(keepends=True)
    assert hmac.new(bytes.fromhex(key), b"".join(lines[:-3]), hashlib.sha256).hexdigest() == json.loads(manifest)["hmac_sha256"]
    assert hashlib.sha256(b"".join(lines[:-2])).hexdigest() == json.loads(manifest)["sha256"]


def test_no_key_and_a_wrong_one(lab, sealed, keys, tmp_path):
    where, target = f"file://{sealed[0]}", lab.target()
    for options, code, hint in (([], tool.USAGE, "--identity"), (identity(keys, "foreign"), tool.SNAPSHOT, "slackwater info")):
        for result in (tool.run("restore", "--from", where, "--to-dir", tmp_path / "out", *options, expect=code),
                       tool.seed(sealed[0], target, lab.sources, *options, expect=code)):
            assert hint in result.err, result
    tool.run("verify", "--from", where, *identity(keys, "foreign"), expect=tool.SNAPSHOT)
    tool.run("info", "--from", where, *identity(keys, "foreign"), expect=tool.SNAPSHOT)
    assert not (tmp_path / "out").exists() and not target.status()
    lab.drop(target)


def test_an_encrypted_seed_under_load(lab, sealed, keys):
    target = lab.target()
    with Loads(lab, rate=5, ddl_every=0) as loads:
        loads.wait_written(10)
        tool.seed(sealed[1], target, lab.sources, "--catch-up-timeout", "170s", *identity(keys), seconds=300)
        loads.wait_written(10)
    assert_same(lab, target)
    lab.drop(target)


def _spoil(copy, sister, how):
    shard, index, checkpoint = objects(copy, "shard-*")[0], objects(copy, "index-*")[0], objects(copy, "checkpoint*")[0]
    if how == "header":
        flip(shard, 0.0001)
    elif how == "chunk":
        flip(shard, 0.5)
    elif how == "truncated":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif how == "index":
        flip(index, 0.5)
    elif how == "sister-shard":
        shutil.copy(objects(sister, shard.name)[0], shard)
    elif how == "sister-checkpoint":
        shutil.copy(objects(sister, checkpoint.name)[0], checkpoint)
    elif how == "manifest":
        path = tool.manifests(copy)[0]
        text = path.read_text(encoding="utf-8").splitlines(keepends=True)
        at = next(n for n, line in enumerate(text) if '"rows"' in line and line.startswith("  "))
        text[at] = '  "rows": 1,\n'
        digest = subprocess.run(["sha256sum"], input="".join(text[:-2]).encode(), stdout=subprocess.PIPE, check=True).stdout[:64].decode()
        path.write_text("".join(text[:-2]) + f'  "sha256": "{digest}"\n}}\n', encoding="utf-8")


@pytest.mark.parametrize("how", ["header", "chunk", "truncated", "index", "sister-shard", "sister-checkpoint", "manifest"])
def test_damaged_or_mixed(lab, sealed, copy, keys, tmp_path, how):
    _spoil(copy, sealed[1], how)
    where, target = f"file://{copy}", lab.target()
    # whoever has no key sees the digests: all but those of a manifest that was put right after it was changed
    tool.run("verify", "--from", where, expect=tool.OK if how == "manifest" else tool.SNAPSHOT)
    for result in (tool.run("verify", "--from", where, *identity(keys), expect=tool.SNAPSHOT),
                   tool.run("restore", "--from", where, "--to-dir", tmp_path / "out", *identity(keys), expect=tool.SNAPSHOT),
                   tool.seed(copy, target, lab.sources, *identity(keys), expect=tool.SNAPSHOT)):
        assert ("HMAC" in result.err) == (how == "manifest"), result
    assert not (tmp_path / "out").exists() and not target.status()
    lab.drop(target)


def _pipe(lab, path, *options, **how):
    with open(path, "wb") as out:
        tool.start_backup(lab.replica, "-", *options, stdout=out, **how).finish()


def _restore(path, into, *options, expect=tool.OK, **how):
    with open(path, "rb") as dump:
        return tool.run("restore", "--from", "-", "--to-dir", into, *options, stdin=dump, expect=expect, **how)


def test_a_pipe_is_one_age_file(lab, keys, tmp_path):
    _pipe(lab, tmp_path / "dump.age", "--recipient", keys[1]["mine"])
    (tmp_path / "dump.tar").write_bytes(age("age", "-d", "-i", keys[0]["mine"], tmp_path / "dump.age"))
    with tarfile.open(tmp_path / "dump.tar") as tar:
        assert tar.getnames()[-1] == "manifest.json"
    _restore(tmp_path / "dump.age", tmp_path / "out", *identity(keys))
    _restore(tmp_path / "dump.age", tmp_path / "none", expect=tool.USAGE)
    _restore(tmp_path / "dump.age", tmp_path / "none", *identity(keys, "foreign"), expect=tool.SNAPSHOT)
    with open(tmp_path / "dump.age", "rb") as dump:
        tool.run("verify", "--from", "-", *identity(keys), stdin=dump)
    # the other way: what age encrypts, in both of its forms
    for form in ([], ["-a"]):
        (tmp_path / "theirs.age").write_bytes(age("age", *form, "-r", keys[1]["second"], "-r", keys[1]["mine"], tmp_path / "dump.tar"))
        shutil.rmtree(tmp_path / "theirs", ignore_errors=True)
        _restore(tmp_path / "theirs.age", tmp_path / "theirs", *identity(keys))
        assert differences(tmp_path / "theirs", tmp_path / "out") == []
    for keep in ((tmp_path / "dump.age").stat().st_size - 1, 100000, 100):
        os.truncate(tmp_path / "dump.age", keep)
        _restore(tmp_path / "dump.age", tmp_path / "none", *identity(keys), expect=tool.SNAPSHOT)
    assert not (tmp_path / "none").exists()


def test_seed_from_an_encrypted_pipe(lab, keys, tmp_path):
    _pipe(lab, tmp_path / "dump.age", "--recipient", keys[1]["mine"])
    target = lab.target()
    with open(tmp_path / "dump.age", "rb") as dump:
        tool.seed("-", target, lab.sources, *identity(keys), stdin=dump)
    assert target.running()
    lab.drop(target)


def test_passphrases(lab, repository, tmp_path):
    """Both ways, too; and never in clear because an option was forgotten."""
    where = f"file://{repository}"
    forgotten = tool.backup(lab.replica, repository, expect=tool.USAGE, environment=PHRASE)
    assert "in clear" in forgotten.err
    tool.backup(lab.replica, repository, "--shards", "1", "--passphrase", environment=PHRASE)
    assert b"-> scrypt " in objects(repository, "shard-*")[0].read_bytes()[:200]
    tool.run("restore", "--from", where, "--to-dir", tmp_path / "out", environment=PHRASE)
    tool.run("restore", "--from", where, "--to-dir", tmp_path / "none", expect=tool.USAGE)
    wrong = tool.run("verify", "--from", where, environment={"SLACKWATER_PASSPHRASE": "a guess"}, expect=tool.SNAPSHOT)
    assert "wrong" in wrong.err and "guess" not in wrong.err
    phrase = PHRASE["SLACKWATER_PASSPHRASE"]
    tar = age("age", "-d", objects(repository, "shard-*")[0], answer=phrase + "\n")
    (tmp_path / "dump.tar").write_bytes(tar)
    (tmp_path / "hand").mkdir()
    subprocess.run(["tar", "-C", tmp_path / "hand", "-xf", tmp_path / "dump.tar"], check=True)
    assert differences(tmp_path / "hand", tmp_path / "out") == []
    _pipe(lab, tmp_path / "clear.tar")
    age("age", "-p", "-o", tmp_path / "theirs.age", tmp_path / "clear.tar", answer=(phrase + "\n") * 2)
    _restore(tmp_path / "theirs.age", tmp_path / "theirs", environment=PHRASE)
    assert (tmp_path / "theirs" / "metadata").exists()
