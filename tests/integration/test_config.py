# SPDX-License-Identifier: Apache-2.0
"""The agent's configuration as DBAs meet it: `check --config` names every mistake, tries every server and store, and changes nothing."""
import datetime
import re
import socket
import zoneinfo

import pytest

from conftest import topology
from lab import accounts, logs, place, tool
from lab.accounts import option_file
from lab.server import MariaDB
from steps import assert_running, hold_against_rules


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


@pytest.fixture
def write(tmp_path):
    """A configuration from its lines, and what is fixed for all of them."""
    def writer(text, name="slackwater.conf"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o640)
        return path
    return writer


def check(path, expect=tool.OK, *options, **how):
    return tool.run("check", "--config", path, *options, expect=expect, **how)


def script(path, mode=0o755):
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def unused_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def good(lab, tmp_path):
    return f"""
include = conf.d
[agent]
state-dir = {tmp_path}/state
listen = 127.0.0.1:0
[instance replica]
defaults-file = {option_file(tmp_path / "replica.cnf", lab.replica, accounts.BACKUP)}
[store there]
url = file://{tmp_path}/there
[store later]
url = {tmp_path}/not-yet
[snapshot nightly]
store = there
schedule = 30 2 * * *
timezone = Europe/Berlin
max-lag = 5m
pause-budget = 250ms
run-after = {script(tmp_path / "after.sh")} 'two words'
keep-daily = 7
"""


@pytest.mark.fast
def test_the_file_alone(tmp_path, write):
    """--file-only asks nobody: neither server nor store answers here. A mistake is one as ever."""
    (tmp_path / "replica.cnf").write_text("[client]\nuser=nobody\n")
    text = f"""[instance replica]
defaults-file = {tmp_path}/replica.cnf
host = 127.0.0.1
port = {unused_port()}
[store far]
url = s3://backups/db
s3-endpoint = http://127.0.0.1:{unused_port()}
[snapshot nightly]
schedule = @daily
"""
    path = write(text)
    assert check(path, tool.OK, "--file-only", "--json").json.keys().isdisjoint({"instances", "stores", "snapshots"})
    assert "in order" in check(path, tool.OK, "--file-only").out
    check(path, tool.PREFLIGHT)
    write(text + "shcedule = @daily\n")
    assert f"{path}:10: " in check(path, tool.USAGE, "--file-only").out
    assert "--config" in tool.run("check", "--file-only", expect=tool.USAGE).err


def test_a_configuration_in_order(lab, tmp_path, write):
    (tmp_path / "there").mkdir()
    write("[snapshot weekly]\nstore = later\nschedule = @weekly\nno-users = yes\n", "conf.d/weekly.conf")
    path = write(good(lab, tmp_path))
    with logs.Statements(lab.replica) as said:
        text = check(path).out
        document = check(path, tool.OK, "--json").json
    statements = said.of(accounts.BACKUP[0])
    hold_against_rules(statements)
    texts = [text for _number, command, text in statements if command == "Query"]
    assert texts and not any(re.match(r"(STOP|START|SET GLOBAL|LOCK|FLUSH)", text, re.I) for text in texts), texts
    assert_running(lab)
    assert f"{path} is in order." in text
    assert not (tmp_path / "not").exists() and not list((tmp_path / "there").iterdir()) and not (tmp_path / "state").exists()
    assert document["mistakes"] == [] and "error" not in document
    for member, names in (("instances", ["replica"]), ("stores", ["there", "later"]), ("snapshots", ["nightly", "weekly"])):
        assert [(found["name"], found["ok"], found["error"]) for found in document[member]] == [(name, True, None) for name in names]
    assert document["instances"][0]["ready"] is True and document["instances"][0]["server"]["flavor"] == "mariadb"


def test_every_mistake_is_told_with_its_line(lab, tmp_path, write):
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    token.chmod(0o644)
    included = write("[snapshot weekly]\nschedule = @weakly\n[stor x]\n", "conf.d/weekly.conf")
    path = write(f"""include = conf.d
[agent]
listen = 0.0.0.0:9877
token-file = {token}
histroy = 3
control-group = no-such-group
[instance replica]
defaults-file = {option_file(tmp_path / "replica.cnf", lab.replica, accounts.BACKUP)}
password = {accounts.BACKUP[1]}
[store there]
url = file://relative
s3-ca = /no/such/file
[snapshot nightly]
store = ther
schedule = 30 2 30 2 *
timezone = Europe/Berln
pause-budget = 250
run-before = {script(tmp_path / "plain.sh", 0o644)} x
recipient = age1notakey
host = db2
""")
    with logs.Statements(lab.replica) as said:
        result = check(path, tool.USAGE)
        document = check(path, tool.USAGE, "--json").json
    assert said.of(accounts.BACKUP[0]) == [], "nothing is asked of a server before the file is in order"
    told = {(m["file"], m["line"]): m["text"] for m in document["mistakes"]}
    expected = {
        (path, 4): "open to every user", (path, 5): "did you mean history?", (path, 6): "no group no-such-group",
        (path, 9): "no secret stands in this file", (path, 11): "does not name a directory", (path, 12): "/no/such/file: No such file",
        (path, 14): "did you mean there?", (path, 16): "no time zone", (path, 17): "durations need their unit",
        (path, 18): "cannot be executed", (path, 19): "age1notakey", (path, 20): "it belongs into [instance NAME]",
        (included, 2): "did you mean @weekly?", (included, 3): "did you mean [store]?",
    }
    assert {(str(file), line) for file, line in expected} == set(told), told
    for (file, line), words in expected.items():
        assert words in told[(str(file), line)], told[(str(file), line)]
        assert f"{file}:{line}: {told[(str(file), line)]}\n" in result.out
    assert f"has {len(told)} mistakes" in result.err
    assert accounts.BACKUP[1] not in result.out + result.err + str(document) and "secret-token" not in result.out + str(document)


def test_what_refuses_is_told_by_name(lab, tmp_path, write):
    wrong = option_file(tmp_path / "wrong.cnf", lab.replica, (accounts.BACKUP[0], "wrong-pw"))
    right = option_file(tmp_path / "right.cnf", lab.replica, accounts.BACKUP)
    credentials = tmp_path / "credentials"
    credentials.write_text("[known]\naws_access_key_id = AK\naws_secret_access_key = secret-key\n")
    credentials.chmod(0o600)
    (tmp_path / "file").write_text("")
    s3 = f"url = s3://bucket\ns3-endpoint = http://127.0.0.1:{unused_port()}\ns3-retry = 1s\ncredentials-file = {credentials}\n"
    path = write(f"""
[instance right]
defaults-file = {right}
[instance wrong]
defaults-file = {wrong}
[instance nobody]
defaults-file = {right}
host = 127.0.0.1
port = {unused_port()}
[store dir]
url = {tmp_path}
[store file]
url = {tmp_path}/file
[store unreachable]
profile = known
{s3}
[store profileless]
profile = unknown
{s3}
[snapshot a]
instance = right
store = dir
nontransactional = refuse
[snapshot b]
instance = wrong
store = dir
""")
    document = check(path, tool.PREFLIGHT, "--json").json
    found = {entry["name"]: entry for member in ("instances", "stores", "snapshots") for entry in document[member]}
    assert [name for name, entry in found.items() if entry["ok"]] == ["right", "dir", "a"]
    assert "Access denied" in found["wrong"]["error"]["message"]
    assert found["nobody"]["error"]["kind"] == "preflight"
    assert found["file"]["error"]["kind"] == "store" and found["unreachable"]["error"]["kind"] == "store"
    assert "unknown" in found["profileless"]["error"]["message"]
    assert found["b"]["skipped"] is True
    assert document["error"]["code"] == tool.PREFLIGHT and "instance wrong" in document["error"]["message"]
    result = check(path, tool.PREFLIGHT)
    for name in ("wrong", "nobody", "file", "unreachable", "profileless"):
        assert re.search(rf"^(instance|store) +{name}: refused: ", result.out, re.M), result.out
    for secret in ("wrong-pw", "secret-key", accounts.BACKUP[1]):
        assert secret not in result.out + result.err + str(document)
    assert_running(lab)


@pytest.mark.fast
def test_next_due_times(write):
    path = write("[instance a]\n[store s]\nurl = /backup\n"
                 "[snapshot night]\nschedule = 30 2 * * *\ntimezone = Europe/Berlin\nproof-schedule = 0 9 * * sun\n"
                 "[snapshot often]\nschedule = */20 * * * *\ntimezone = Asia/Kathmandu\n[snapshot asked]\n")
    before = datetime.datetime.now(datetime.timezone.utc)
    document = tool.run("status", "--config", path, "--json").json
    night, often, asked = document["snapshots"]
    assert asked["next"] == [] and asked["schedule"] is None
    for snapshot, zone, step in ((night, "Europe/Berlin", None), (often, "Asia/Kathmandu", datetime.timedelta(minutes=20))):
        due = [datetime.datetime.fromisoformat(d["utc"].replace("Z", "+00:00")) for d in snapshot["next"]]
        local = [d.astimezone(zoneinfo.ZoneInfo(zone)) for d in due]
        assert len(due) == 5 and before < due[0]
        for there, written in zip(local, snapshot["next"]):
            offset = there.strftime("%z")
            assert written["local"] == f"{there:%Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"
        if step:
            assert {b - a for a, b in zip(due, due[1:])} == {step} and due[0] - before <= step
        else:
            assert {b.date() - a.date() for a, b in zip(local, local[1:])} == {datetime.timedelta(days=1)}
    assert all(datetime.datetime.fromisoformat(d["local"][:10]).weekday() == 6 for d in night["next_proof"])
    text = tool.run("status", "--config", path).out
    for due in night["next"] + often["next"] + night["next_proof"]:
        assert f"{due['local']}   {due['utc'][:10]} {due['utc'][11:16]} UTC" in text
    path.write_text(path.read_text() + "schedule = often\n")
    assert f"{path}:12: " in tool.run("status", "--config", path, expect=tool.USAGE).err


@pytest.mark.fast
def test_the_installed_file_says_what_is_missing(tmp_path):
    sample = place.TOP / "conf" / "slackwater.conf"
    result = tool.run("check", "--config", sample, expect=tool.USAGE, environment={"SLACKWATER_STATE_DIR": str(tmp_path)})
    assert result.out == f"{sample}: it names no instance ([instance NAME] says which replica is looked after, [snapshot NAME] what is done and when)\n"
    assert "No such file" in tool.run("check", "--config", tmp_path / "none", expect=tool.USAGE).out
