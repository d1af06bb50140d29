# SPDX-License-Identifier: Apache-2.0
"""The main job once on each kind of server, verb by verb: the quick answer to "does it work at all?"."""
import json
import subprocess

import pytest

from conftest import topology
from lab import place, tool
from lab.server import FLAVOURS
from lab.topology import Loads
from steps import assert_no_errant, assert_quiet_logs, backup_watched, seed_proven

pytestmark = pytest.mark.fast


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def snapshot(lab):
    """One snapshot taken under load, and the repository that holds it."""
    repository = place.run_dir() / f"smoke-{lab.flavour.flavour}"
    with Loads(lab) as loads:
        loads.wait_written(100)
        result = backup_watched(lab, repository)
    return repository, result.json


def test_check_finds_nothing_wrong(lab):
    tool.check(lab.replica)


def test_backup_reports_what_it_did(lab, snapshot):
    repository, said = snapshot
    for field in ("pause_ms", "wait_ms", "in_flight_ms", "ddl_wait_ms", "rows", "bytes", "bytes_stored", "elapsed_ms"):
        assert isinstance(said[field], int) and said[field] >= 0, field
    assert 0 < said["pause_ms"] < 1000
    assert said["rows"] > 500 and said["bytes"] > 0 and said["bytes_stored"] > 0
    assert isinstance(said["warnings"], list) and said["checkpoint"]["channels"]
    assert [m.stem for m in tool.manifests(repository)] == [said["id"]]
    assert_no_errant(lab)
    assert_quiet_logs(lab)


def test_no_password_in_anything_written(snapshot):
    repository, _said = snapshot
    secrets = [account[1].encode() for account in (tool.BACKUP, tool.REPLICATION, tool.SEEDER)]
    for path in repository.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not any(secret in data for secret in secrets), path


def test_list_and_info(snapshot):
    repository, said = snapshot
    listed = tool.run("list", "--from", f"file://{repository}", "--json").json
    assert said["id"] in str(listed)
    for which in ("latest", said["id"]):
        shown = tool.run("info", "--from", f"file://{repository}", "--instance", "lab", which, "--json").json
        assert said["id"] in str(shown)
    assert said["id"] in tool.run("list", "--from", f"file://{repository}").out


def test_verify(snapshot):
    repository, said = snapshot
    tool.run("verify", "--from", f"file://{repository}", said["id"])


def test_restore_unpacks_files_that_need_nobody(snapshot, tmp_path):
    repository, _said = snapshot
    tool.run("restore", "--from", f"file://{repository}", "--to-dir", tmp_path / "out")
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"metadata", "checkpoint.json", "xtrabackup_slave_info", "xtrabackup_binlog_info"} <= names
    data = sorted((tmp_path / "out").glob("app1.ledger.*.sql.zst"))
    assert data and (tmp_path / "out" / "app1.ledger-schema.sql").exists() or \
        (tmp_path / "out" / "app1.ledger-schema.sql.zst").exists()
    text = subprocess.run(["zstd", "-dc", *data], capture_output=True, check=True).stdout
    assert b"INSERT INTO" in text


def test_one_table_back(snapshot, tmp_path):
    """Only its files are written, byte for byte; the metadata is of these, and names the others."""
    repository, _said = snapshot
    full, one = tmp_path / "full", tmp_path / "one"
    restore = ["restore", "--from", f"file://{repository}"]
    everything = tool.run(*restore, "--to-dir", full, "--json").json
    chosen = tool.run(*restore, "--to-dir", one, "--include", "app1.ledger", "--json").json
    assert everything["left_out"] == 0 and chosen["tables"] == 1 and 0 < chosen["rows"] < everything["rows"]
    names = {p.name for p in one.iterdir()}
    wanted = {p.name for p in full.glob("app1.ledger[.-]*")} | {"app1-schema-create.sql"}
    others = {"metadata", "checkpoint.json", "xtrabackup_slave_info", "xtrabackup_binlog_info"}
    assert names == wanted | (others & {p.name for p in full.iterdir()})
    assert all((one / name).read_bytes() == (full / name).read_bytes() for name in names - {"metadata"})
    whole, part = (full / "metadata").read_text(), (one / "metadata").read_text()
    assert part.count("# slackwater-table ") == 1 and part.count("\n[`") == 1
    left_out = [json.loads(line.split(": ", 1)[1]) for line in part.splitlines() if line.startswith("# left out: ")]
    assert len(left_out) == chosen["left_out"] == whole.count("# slackwater-table ") - 1 and ["app1", "ledger"] not in left_out
    assert ["app1", "pair"] in left_out

    listed = tmp_path / "tables"
    listed.write_text("app1.ledger\napp1.pair\n")
    some = tool.run(*restore, "--to-dir", tmp_path / "some", "--tables-from-file", listed, "--exclude", "app1.pair")
    assert "left out" in some.out and {p.name for p in (tmp_path / "some").iterdir()} == names
    assert "no table" in tool.run(*restore, "--to-dir", tmp_path / "none", "--include", "app1.no_such", expect=tool.USAGE).err
    assert not (tmp_path / "none").exists()
    tool.run("restore", "--from", "-", "--to-dir", tmp_path / "none", "--include", "app1.ledger", expect=tool.USAGE)


def test_seed_under_load(lab, snapshot):
    repository, _said = snapshot
    with Loads(lab) as loads:
        _result, target = seed_proven(lab, repository, loads)
    assert_quiet_logs(lab, target)
    assert_no_errant(lab, target)
    lab.drop(target)
