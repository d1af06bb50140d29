# SPDX-License-Identifier: Apache-2.0
"""Snapshots in object storage, on real servers: Ceph's radosgw and OpenStack Swift."""
import concurrent.futures
import datetime
import os
import pathlib
import re
import signal
import subprocess
import uuid

import pytest

from conftest import topology
from lab import faultproxy, metadata, objectstore, place, proc, tool
from lab.server import MariaDB
from lab.topology import Loads
from steps import assert_no_errant, assert_quiet_logs, assert_running, backup_watched, seed_proven

CONTRACT = tool.BINARY.parent / "tests" / "store_test_contract"


def _certificate():
    """(certificate, key, authority): for s3.localhost and every bucket before it, signed by an authority of our own."""
    d = place.run_dir() / "s3-tls"
    d.mkdir(exist_ok=True)
    run = lambda *argv: subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True)     # noqa: E731
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", d / "ca.key", "-out", d / "ca.pem", "-days", "3",
        "-subj", "/CN=lab authority", "-addext", "basicConstraints=critical,CA:TRUE")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", d / "s3.key", "-out", d / "s3.csr", "-subj", "/CN=s3.localhost")
    (d / "names").write_text("subjectAltName=DNS:s3.localhost,DNS:*.s3.localhost\n")
    run("x509", "-req", "-in", d / "s3.csr", "-CA", d / "ca.pem", "-CAkey", d / "ca.key", "-CAcreateserial", "-days", "3",
        "-extfile", d / "names", "-out", d / "s3.pem")
    return d / "s3.pem", d / "s3.key", d / "ca.pem"


@pytest.fixture(scope="module")
def authority():
    return _certificate()


def _entered(kind, **how):
    if kind.why_missing:
        pytest.skip(kind.why_missing)
    return kind(**how)


@pytest.fixture(scope="module")
def ceph(authority):
    with _entered(objectstore.Ceph, certificate=authority[:2]) as store:
        store.client().make_bucket("backups")
        yield store


@pytest.fixture(scope="module")
def swift():
    with _entered(objectstore.Swift) as store:
        store.client().make_bucket("backups")
        yield store


@pytest.fixture
def prefix():
    return f"p{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


@pytest.fixture(scope="module")
def noise(lab):
    """24 MiB that no compression makes smaller."""
    lab.source.sql("CREATE DATABASE noise", "CREATE TABLE noise.noise (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
    for _ in range(24):
        lab.source.sql("INSERT INTO noise.noise (b) VALUES (0x%s)" % os.urandom(1 << 20).hex())
    lab.wait_caught_up()


def _contract(store, **environment):
    store.client().make_bucket("contract")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLACKWATER_TEST_")}
    done = subprocess.run([CONTRACT], capture_output=True, text=True, timeout=300, check=False,
                          env={**clean, **store.environment(), **environment})
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-6000:]
    return {outcome: len(re.findall(rf"^\[\s+{outcome} \]", said, re.M)) for outcome in ("OK", "SKIPPED")}


def test_contract_on_ceph(ceph):
    """19 tests on five stores: the directory in three ways, Ceph plain and behind the fault wrapper."""
    if not CONTRACT.exists():
        pytest.skip("the unit tests have not been built")
    assert _contract(ceph, SLACKWATER_TEST_CEPH=ceph.endpoint)["OK"] == 95


def test_contract_on_swift(swift):
    """Swift refuses a conditional PUT, and the store says so: two tests are not for it."""
    if not CONTRACT.exists():
        pytest.skip("the unit tests have not been built")
    said = _contract(swift, SLACKWATER_TEST_SWIFT=swift.endpoint, SLACKWATER_TEST_SWIFT_KEY=swift.access)
    assert said["OK"] == 57 + 17


# ---- the product ------------------------------------------------------------------------------------------------------

def test_backup_verify_list_restore_seed_under_load(ceph, lab, prefix, tmp_path):
    where, environment = f"s3://backups/{prefix}/deep er+ü", ceph.environment()
    with Loads(lab) as loads:
        loads.wait_written(100)
        said = backup_watched(lab, where, environment=environment).json
    objects = ceph.client().keys("backups", prefix)
    assert any(key.endswith(f"manifests/{said['id']}.json") for key in objects)
    assert ceph.client().uploads("backups", prefix) == []

    tool.run("verify", "--from", where, environment=environment)
    assert said["id"] in tool.run("list", "--from", where, environment=environment).out
    assert said["id"] in str(tool.run("info", "--from", where, "--json", environment=environment).json)
    tool.run("restore", "--from", where, "--to-dir", tmp_path / "out", environment=environment)
    assert (tmp_path / "out" / "metadata").exists()

    with Loads(lab) as loads:
        _result, target = seed_proven(lab, where, loads, environment=environment)
    assert_quiet_logs(lab, target)
    assert_no_errant(lab, target)
    lab.drop(target)


def test_encrypted_and_seeded_under_load(ceph, lab, prefix, tmp_path):
    """Replica, age, Ceph, seeded replica: nothing in the bucket can be read without the key, the manifest apart."""
    where, environment, key = f"s3://backups/{prefix}", ceph.environment(), tmp_path / "key"
    public = re.search(r"age1[0-9a-z]+", str(tool.run("keygen", "-o", key))).group()
    with Loads(lab) as loads:
        loads.wait_written(100)
        backup_watched(lab, where, "--recipient", public, environment=environment)
        _result, target = seed_proven(lab, where, loads, "--identity", key, environment=environment)
    for name in ceph.client().keys("backups", prefix):
        data = ceph.client().get("backups", name)
        assert "/manifests/" in name or data.startswith(b"age-encryption.org/v1"), name
    lab.drop(target)


def test_pin_expire_and_copy(ceph, lab, prefix, repository):
    where, environment = f"s3://backups/{prefix}", ceph.environment()
    first, second = (tool.backup(lab.replica, where, environment=environment).json["id"] for _ in range(2))
    ids = lambda of: [s["id"] for s in tool.run("list", "--from", of, "--json", environment=environment).json["snapshots"]]      # noqa: E731
    tool.run("pin", "--from", where, first, "--reason", "why+not ü", environment=environment)
    tool.run("expire", "--from", where, "--keep-last", "1", environment=environment)
    assert ids(where) == [first, second]
    tool.run("copy", "--from", where, "--to", f"file://{repository}", first, environment=environment)
    tool.run("copy", "--from", f"file://{repository}", "--to", where + "-other", first, environment=environment)
    tool.run("verify", "--from", where + "-other", environment=environment)
    tool.run("unpin", "--from", where, first, environment=environment)
    tool.run("expire", "--from", where, "--keep-last", "1", environment=environment)
    assert ids(where) == [second]
    assert not any(first in key for key in ceph.client().keys("backups", prefix + "/"))


def test_large_objects_in_many_parts(ceph, lab, noise, prefix):
    """Parts of 5 MiB from a table of incompressible rows; all of it is read back and checked."""
    where, environment = f"s3://backups/{prefix}", ceph.environment()
    tool.backup(lab.replica, where, "--s3-part-size", "5M", "--s3-parallel", "3", "--shards", "1", environment=environment)
    shard = [size for key, size in ceph.client().keys("backups", prefix).items() if "shard-" in key]
    assert max(shard) > 20 << 20
    tool.run("verify", "--from", where, "--s3-part-size", "5M", environment=environment)
    assert ceph.client().uploads("backups", prefix) == []


def test_tls_with_an_own_authority_and_virtual_hosts(ceph, lab, authority, prefix):
    where = f"s3://backups/{prefix}"
    environment = ceph.environment(AWS_ENDPOINT_URL_S3="")
    how = ["--s3-endpoint", ceph.tls_endpoint, "--s3-ca", authority[2]]
    tool.backup(lab.replica, where, *how, "--s3-virtual-host", environment=environment)
    tool.run("verify", "--from", where, *how, "--s3-path-style", environment=environment)
    refused = tool.run("list", "--from", where, "--s3-endpoint", ceph.tls_endpoint, expect=tool.STORE, environment=environment)
    assert "--s3-ca" in refused.err and refused.seconds < 5


def test_unsigned_payload(ceph, lab, authority, prefix):
    """What is sent is not summed up: with TLS only."""
    where, how = f"s3://backups/{prefix}", ["--s3-endpoint", ceph.tls_endpoint, "--s3-ca", authority[2], "--s3-path-style"]
    environment = ceph.environment(AWS_ENDPOINT_URL_S3="")
    tool.backup(lab.replica, where, *how, "--s3-unsigned-payload", environment=environment)
    tool.run("verify", "--from", where, *how, environment=environment)
    refused = tool.backup(lab.replica, where, "--s3-endpoint", ceph.endpoint, "--s3-unsigned-payload", expect=tool.USAGE, environment=environment)
    assert "TLS" in refused.err


def test_locked_and_tagged(ceph, lab, noise, prefix):
    """Ceph has Object Lock and tags: expire leaves a locked snapshot whole and says so, and takes one without a lock. (16.2 drops the tags of what
    is written in parts, and the lock, which we put again.)"""
    client, bucket, environment = ceph.client(), f"locked-{prefix}", ceph.environment()
    client.ok("PUT", bucket, headers={"x-amz-bucket-object-lock-enabled": "true"})
    where, how = f"s3://{bucket}/x", ["--s3-part-size", "5M", "--shards", "1"]
    locked, free, newest = (tool.backup(lab.replica, where, *how, *more, environment=environment).json["id"] for more in (
        ["--s3-object-lock", "governance:2h", "--s3-tags", "team=dba,what=all of it"], [], []))
    keys = client.keys(bucket, "x/lab/")
    mine = [key for key in keys if locked in key]
    assert len(mine) > 3 and max(keys[key] for key in mine) > 20 << 20        # one in parts, others at once
    for key in mine:
        headers = client.ok("HEAD", f"{bucket}/{key}")[0]
        until = datetime.datetime.fromisoformat(headers["x-amz-object-lock-retain-until-date"][:19])
        assert headers["x-amz-object-lock-mode"] == "GOVERNANCE", key
        assert headers["x-amz-tagging-count"] == "2" or keys[key] > 5 << 20, key
        assert 3000 < (until - datetime.datetime.utcnow()).total_seconds() < 7300, until
    assert b"<Key>what</Key><Value>all of it</Value>" in client.ok("GET", f"{bucket}/x/lab/manifests/{locked}.json", {"tagging": ""})[1]
    said = tool.run("expire", "--from", where, "--keep-last", "1", "--json", environment=environment)
    assert {s["id"]: s["fate"] for s in said.json["snapshots"]} == {locked: "held", free: "removed", newest: "kept"}
    assert f"{locked} of lab stays: the store does not let" in said.err
    left = client.keys(bucket, "x/lab/")
    assert set(mine) <= set(left) and not any(free in key for key in left)
    tool.run("verify", "--from", where, locked, environment=environment)
    refused = tool.backup(lab.replica, f"s3://backups/{prefix}", "--s3-object-lock", "governance:2h", expect=tool.STORE, environment=environment)
    assert "has no Object Lock" in refused.err


def test_a_profile_that_gets_its_keys_elsewhere(ceph, prefix, tmp_path):
    for setting, word in (("credential_process = /bin/true", "program"), ("sso_session = work", "single sign-on"), ("role_arn = arn:x", "role")):
        (tmp_path / "config").write_text(f"[profile work]\n{setting}\n")
        message, hint = _refused(f"s3://backups/{prefix}", ceph.environment(
            AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_PROFILE="work", AWS_CONFIG_FILE=str(tmp_path / "config"),
            AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "none")))
        assert "the profile work has no keys" in message and word in message and "export-credentials --profile work" in hint


def test_listing_of_2500_objects(ceph, lab, prefix):
    """The one snapshot is on the third page, behind names that no key of ours can have."""
    where, environment, client = f"s3://backups/{prefix}", ceph.environment(), ceph.client()
    said = tool.backup(lab.replica, where, instance="zlab", environment=environment).json
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: client.put("backups", f"{prefix}/foreign {n % 7}+ü/{n:04}"), range(2500)))
    assert len(client.keys("backups", prefix)) > 2500
    listed = tool.run("list", "--from", where, "--json", environment=environment)
    assert [s["id"] for s in listed.json["snapshots"]] == [said["id"]] and listed.seconds < 20


def test_two_agents_and_one_manifest(ceph, prefix):
    """Both put the same name at the same moment, many times: one wins, the other is told. (The contract's test_if_absent_race, here by processes.)"""
    if not CONTRACT.exists():
        pytest.skip("the unit tests have not been built")
    ceph.client().call("PUT", "contract")
    environment = {**os.environ, **ceph.environment(), "SLACKWATER_TEST_CEPH": ceph.endpoint, "SLACKWATER_TEST_RACE": f"s3://contract/{prefix}"}
    racers = [proc.spawn([CONTRACT], env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [racer.communicate(timeout=120)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], said
    won = [set(re.findall(r"^won (\S+)$", text, re.M)) for text in said]
    lost = [set(re.findall(r"^lost (\S+)$", text, re.M)) for text in said]
    assert won[0] == lost[1] and won[1] == lost[0] and len(won[0] | won[1]) == 50 and not won[0] & won[1]
    for agent in (0, 1):
        for key in won[agent]:
            assert ceph.client().get("contract", f"{prefix}/{key}").decode() == str(racers[agent].pid)


# ---- what is wrong is said in one line, with a hint ---------------------------------------------------------------------

def _refused(where, environment, *options):
    said = tool.run("list", "--from", where, *options, expect=tool.STORE, environment=environment, seconds=60)
    line = said.err.strip().split("\n")[-1]
    message, hint = re.search(r'msg="([^"]*)"', line).group(1), re.search(r'hint="([^"]*)"', line)
    assert hint, line
    return message, hint.group(1)


@pytest.mark.parametrize("kind", ["ceph", "swift"])
def test_wrong_key_secret_and_bucket(request, kind, prefix):
    store = request.getfixturevalue(kind)
    where = f"s3://backups/{prefix}"
    message, hint = _refused(where, store.environment(AWS_ACCESS_KEY_ID="nobody:knows"))
    assert ("InvalidAccessKeyId" if kind == "ceph" else "SignatureDoesNotMatch") in message and "credentials from the environment" in hint
    message, hint = _refused(where, store.environment(AWS_SECRET_ACCESS_KEY="wrong"))
    assert "SignatureDoesNotMatch" in message and "secret key" in hint and "wrong" not in message + hint
    message, hint = _refused("s3://there-is-none/x", store.environment())
    assert "NoSuchBucket" in message and "--s3-endpoint" in hint


def test_wrong_region_is_put_right_where_the_store_names_it(swift, prefix):
    said = tool.run("list", "--from", f"s3://backups/{prefix}", "--s3-region", "mars-1", environment=swift.environment())
    assert "in region us-east-1, not mars-1" in said.err and "--s3-region" in said.err


def test_nobody_there(prefix):
    port = place.free_port()
    message, hint = _refused(f"s3://x/{prefix}", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
                             "--s3-endpoint", f"http://127.0.0.1:{port}", "--s3-retry", "2s")
    assert "connect" in message.lower() and f"http://127.0.0.1:{port}" in hint


def test_no_right_to_list(ceph, prefix):
    ceph.add_user("stranger", "AKSTRANGER", "secretofstranger")
    message, hint = _refused(f"s3://backups/{prefix}", ceph.environment(AWS_ACCESS_KEY_ID="AKSTRANGER", AWS_SECRET_ACCESS_KEY="secretofstranger"))
    assert "AccessDenied" in message and "s3:ListBucket" in hint


def test_no_credentials_at_all(ceph, prefix):
    message, hint = _refused(f"s3://backups/{prefix}", ceph.environment(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME="/nonexistent"))
    assert "no credentials" in message and "AWS_ACCESS_KEY_ID" in hint


# ---- faults -------------------------------------------------------------------------------------------------------------

FAULT_TABLE = []
# Small parts, so that there are many requests; short times, so that a stall of some seconds is one of a minute.
SMALL = ["--s3-part-size", "5M", "--s3-timeout", "2s", "--shards", "2"]


def _account(name, proxy, *results):
    """One line of the table: what was done to the program, and what it did about it."""
    requests = repeated = resent = 0
    for result in results:
        for found in re.finditer(r"(\d+) requests, (\d+) of them repetitions; (\d+) bytes", result.err):
            requests, repeated, resent = requests + int(found[1]), repeated + int(found[2]), resent + int(found[3])
    FAULT_TABLE.append((name, proxy.requests, sum(proxy.injected.values()), repeated, resent, proxy.files, len(proxy.lost)))
    return repeated


def _through(proxy, ceph, lab, prefix, tmp_path, seconds=240):
    """Backup, verify and restore through the proxy; then all of it again past the proxy."""
    where, environment = f"s3://backups/{prefix}", ceph.environment(AWS_ENDPOINT_URL_S3=proxy.endpoint)
    backup = backup_watched(lab, where, *SMALL, "--threads", "2", environment=environment, seconds=seconds)
    verify = tool.run("verify", "--from", where, *SMALL[:4], environment=environment, seconds=seconds)
    restore = tool.run("restore", "--from", where, "--to-dir", tmp_path / "faulty", *SMALL[:4], environment=environment, seconds=seconds)
    direct = ceph.environment()
    tool.run("verify", "--from", where, environment=direct)
    tool.run("restore", "--from", where, "--to-dir", tmp_path / "direct", environment=direct)
    faulty, straight = _tree(tmp_path / "faulty"), _tree(tmp_path / "direct")
    proxy.files, proxy.lost = len(straight), sorted(str(p) for p in {*faulty, *straight} if faulty.get(p) != straight.get(p))
    assert straight and not proxy.lost
    assert ceph.client().uploads("backups", prefix) == []
    assert [key for key in ceph.client().keys("backups", prefix) if "/manifests/" in key] == \
        [f"{prefix}/lab/manifests/{backup.json['id']}.json"]
    return backup, verify, restore


def _tree(top):
    return {p.relative_to(top): p.read_bytes() for p in top.rglob("*") if p.is_file()}


@pytest.mark.parametrize("fault", faultproxy.FAULTS)
def test_each_fault(ceph, lab, noise, prefix, tmp_path, fault):
    """Every fifth request that it can be done to; of completions, each second."""
    rare = fault in ("error_in_200", "truncated_xml")
    with faultproxy.FaultProxy(ceph.endpoint, [fault], every=2 if rare else 5) as proxy:
        results = _through(proxy, ceph, lab, prefix, tmp_path)
    assert proxy.injected[fault] > 0
    repeated = _account(fault, proxy, *results)
    assert repeated > 0
    if fault in ("overloaded", "overloaded_retry_after", "broken", "error_in_200", "skewed", "expired"):
        assert repeated == proxy.injected[fault]        # nothing else was repeated, and nothing twice


@pytest.mark.parametrize("percent", [5, 20])
def test_all_faults_together(ceph, lab, noise, prefix, tmp_path, percent):
    with faultproxy.FaultProxy(ceph.endpoint, faultproxy.FAULTS, rate=percent / 100, seed=percent) as proxy:
        results = _through(proxy, ceph, lab, prefix, tmp_path)
    assert sum(proxy.injected.values()) > 0
    _account(f"all, {percent} %", proxy, *results)


def test_parts_that_never_arrive(ceph, lab, noise, prefix):
    """Fails typed, in bounded time, with nothing left behind and the applier as it was."""
    only = lambda x: "partNumber" in x.query        # noqa: E731
    with faultproxy.FaultProxy(ceph.endpoint, ["overloaded"], every=1, only=only) as proxy:
        result = tool.backup(lab.replica, f"s3://backups/{prefix}", *SMALL, "--s3-retry", "2s", expect=tool.STORE,
                             environment=ceph.environment(AWS_ENDPOINT_URL_S3=proxy.endpoint))
    assert "SlowDown" in result.err and "--s3-parallel" in result.err
    assert ceph.client().keys("backups", prefix) == {} and ceph.client().uploads("backups", prefix) == []
    assert_running(lab)


def test_interrupted_while_the_store_stalls(ceph, lab, noise, prefix):
    """A cancel is seen at once, whatever the store does; what was begun is tidied up as soon as the store lets us."""
    only = lambda x: "partNumber" in x.query        # noqa: E731
    with faultproxy.FaultProxy(ceph.endpoint, ["stall"], every=1, only=only, stall_s=60) as proxy:
        running = tool.start_backup(lab.replica, f"s3://backups/{prefix}", "--s3-part-size", "5M",
                                    environment=ceph.environment(AWS_ENDPOINT_URL_S3=proxy.endpoint))
        proc.wait_until(lambda: proxy.injected["stall"], 60, "a part to be under way")
        running.signal(signal.SIGTERM)
        result = running.finish(10, expect=128 + signal.SIGTERM)
    assert result.code == 143
    assert ceph.client().keys("backups", prefix) == {} and ceph.client().uploads("backups", prefix) == []
    assert_running(lab)


def test_fault_table(capsys):
    """What the tests above have done; tests/run.sh shows lines that begin with a bar."""
    if not FAULT_TABLE:
        pytest.skip("no test with faults ran")
    with capsys.disabled():
        print(f"\n| {'fault':24} {'requests':>9} {'injected':>9} {'retries':>9} {'bytes again':>12} {'files':>6} {'lost':>5}")
        for name, requests, injected, repeated, resent, files, lost in FAULT_TABLE:
            print(f"| {name:24} {requests:9} {injected:9} {repeated:9} {resent:12} {files:6} {lost:5}")


# ---- credentials --------------------------------------------------------------------------------------------------------

def _nothing_set(store):
    """An environment in which no place has credentials, except those a test adds."""
    return store.environment(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", HOME="/nonexistent", AWS_EC2_METADATA_DISABLED="true")


def _ways(store, served, tmp_path):
    (tmp_path / "token").write_text("the identity\n")
    nothing = _nothing_set(store)
    return {
        "imds": {**nothing, "AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": served.endpoint},
        "container": {**nothing, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{served.endpoint}/container",
                      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")},
        "web": {**nothing, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/lab",
                "AWS_ENDPOINT_URL_STS": served.endpoint},
    }


def _served(store, lasts, tmp_path):
    token = lambda: (tmp_path / "token").read_text().strip()        # noqa: E731
    return metadata.Metadata(lambda: (store.access, store.secret, ""), lasts, authorization=token, web_token=token)


@pytest.mark.parametrize("way", ["imds", "container", "web"])
def test_credentials_from_elsewhere_are_renewed_under_way(ceph, lab, noise, prefix, tmp_path, way):
    """They last 4 seconds each, and are asked for again after half of that, in the middle of an upload that is slow on purpose."""
    with _served(ceph, 4, tmp_path) as served:
        environment = _ways(ceph, served, tmp_path)[way]
        tool.backup(lab.replica, f"s3://backups/{prefix}", "--s3-part-size", "5M", "--s3-parallel", "1", "--shards", "1",
                    "--upload-limit", "3M", environment=environment)
        assert served.given >= 3 and served.wrong == []
    tool.run("verify", "--from", f"s3://backups/{prefix}", environment=ceph.environment())


@pytest.mark.parametrize("way", ["imds", "container", "web"])
def test_credentials_that_cannot_be_had(ceph, prefix, tmp_path, way):
    with _served(ceph, 3600, tmp_path) as served:
        environment = _ways(ceph, served, tmp_path)[way]
        served.down = True
        message, hint = _refused_without_hint_wanted(f"s3://backups/{prefix}", environment)
    assert "cannot get credentials from" in message
    if way == "imds":
        assert "hop limit" in hint


def _refused_without_hint_wanted(where, environment):
    said = tool.run("list", "--from", where, expect=tool.STORE, environment=environment, seconds=60)
    line = said.err.strip().split("\n")[-1]
    hint = re.search(r'hint="([^"]*)"', line)
    return re.search(r'msg="([^"]*)"', line).group(1), hint.group(1) if hint else ""


def test_profile_and_order(ceph, prefix, tmp_path):
    (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id = nobody\naws_secret_access_key = nothing\n"
                                          f"[lab]\naws_access_key_id = {ceph.access}\naws_secret_access_key = {ceph.secret}\n")
    (tmp_path / "config").write_text("[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = lab\n")
    files = {**_nothing_set(ceph), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"), "AWS_CONFIG_FILE": str(tmp_path / "config")}
    where = f"s3://backups/{prefix}"
    tool.run("list", "--from", where, environment={**files, "AWS_PROFILE": "lab"})
    message, hint = _refused(where, files)
    assert "InvalidAccessKeyId" in message and "~/.aws" in hint and "nothing" not in message + hint
    message, hint = _refused(where, {**files, "AWS_PROFILE": "role"})
    assert "role to assume" in message and "AWS_SESSION_TOKEN" in hint
    message, hint = _refused(where, {**files, "AWS_PROFILE": "missing"})
    assert "missing has no keys" in message
    tool.run("list", "--from", where, environment={**files, "AWS_ACCESS_KEY_ID": ceph.access, "AWS_SECRET_ACCESS_KEY": ceph.secret})


def test_expired_credentials(ceph, prefix):
    """As a store that knows sessions answers; the same keys come back each time, so it is given up quickly."""
    with faultproxy.FaultProxy(ceph.endpoint, ["expired"], every=1) as proxy:
        message, hint = _refused(f"s3://backups/{prefix}", ceph.environment(AWS_ENDPOINT_URL_S3=proxy.endpoint))
    assert "ExpiredToken" in message and "expired" in hint and "the environment" in hint
    assert proxy.requests < 10


@pytest.mark.parametrize("kind", ["ceph", "swift"])
def test_clock_an_hour_off(request, kind, prefix):
    """The store's clock is taken instead, and the difference is said."""
    store = request.getfixturevalue(kind)
    library = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
    if not library:
        pytest.skip("libfaketime is not installed")
    said = tool.run("list", "--from", f"s3://backups/{prefix}", environment=store.environment(
        LD_PRELOAD=str(library), FAKETIME="-1h", FAKETIME_DONT_FAKE_MONOTONIC="1"))
    assert re.search(r"clock and the store's are 3[56]\d\d s apart", said.err), said.err


def test_nothing_secret_is_said(ceph, prefix):
    for level in ("debug", "error"):
        said = tool.run("list", "--from", f"s3://nowhere-{prefix}/x", "--log-level", level, "--json", expect=tool.STORE,
                        environment=ceph.environment(AWS_SESSION_TOKEN="a-session-token"))
        for secret in (ceph.secret, "a-session-token", "Signature="):
            assert secret not in said.err + said.out


def test_upload_limit(ceph, lab, noise, prefix):
    """24 MiB at 4 MiB a second."""
    said = tool.backup(lab.replica, f"s3://backups/{prefix}", "--upload-limit", "4M", environment=ceph.environment())
    assert said.seconds > 5
