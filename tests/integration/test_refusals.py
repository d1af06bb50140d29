# SPDX-License-Identifier: Apache-2.0
"""Everything that can be known before a byte is loaded is said before a byte is loaded: exit 9, the target untouched."""
import re

import pytest

from conftest import topology
from lab import accounts, place, proc, tool
from lab.server import FLAVOURS, MariaDB, MySQL56, MySQL97
from lab.topology import Loads
from steps import assert_same

LOGIN = (tool.PREFLIGHT, tool.REFUSED)      # cannot log in, or refused: either says it beforehand


@pytest.fixture(scope="module", params=FLAVOURS, ids=lambda f: f.flavour)
def lab(request):
    with topology(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def stored(lab):
    """A complete snapshot, and under another instance one that leaves a schema out."""
    repository = place.run_dir() / f"refusals-{lab.flavour.flavour}"
    with Loads(lab, rate=60):
        tool.backup(lab.replica, repository)
        tool.backup(lab.replica, repository, "--exclude", "app2", instance="partial")
    return repository


@pytest.fixture(scope="module")
def empty(lab):
    """A target that is refused again and again and stays empty."""
    return lab.target()


def _untouched(target):
    names = {r["Database"] for r in target.sql("SHOW DATABASES")}
    assert names <= {"mysql", "information_schema", "performance_schema", "sys", "own"}, names
    assert not target.status()


def _refused(lab, stored, target, *options, expect=tool.REFUSED, says=None, **how):
    result = tool.seed(stored, target, how.pop("sources", lab.sources), *options, expect=expect, **how)
    if says:
        assert re.search(says, result.err, re.I), result
    _untouched(target)
    return result


def test_dry_run_does_everything_but_load(lab, stored, empty):
    tool.seed(stored, empty, lab.sources, "--dry-run")
    _untouched(empty)


@pytest.mark.parametrize("lab", [MariaDB], ids=["mariadb"], indirect=True)
def test_a_snapshot_whose_proof_failed_is_pointed_out(lab, stored, empty):
    """Whoever seeds from the latest in a hurry has not read the listing."""
    [manifest] = tool.manifests(stored)
    trial = manifest.with_suffix(".trial.json")
    trial.write_text('{"result": "failed", "reason": "app1.orders differs"}')
    try:
        result = tool.seed(stored, empty, lab.sources, "--dry-run", "--json")
        assert any("proof of this snapshot failed: app1.orders differs" in w for w in result.json["warnings"]), result
        trial.write_text('{"result": "restored"}')
        assert "proof" not in tool.seed(stored, empty, lab.sources, "--dry-run").err
    finally:
        trial.unlink()


def test_source_that_does_not_answer(lab, stored, empty):
    class Nobody:
        port = place.free_port()
    _refused(lab, stored, empty, expect=LOGIN, sources={lab.channel: Nobody})


def test_source_account_that_is_wrong(lab, stored, empty, monkeypatch):
    monkeypatch.setattr(tool, "REPLICATION", ("repl", "not-its-password"))
    result = _refused(lab, stored, empty, expect=LOGIN)
    assert "not-its-password" not in result.err + result.out


def test_target_that_is_not_empty(lab, stored, empty):
    empty.local("CREATE DATABASE app1")
    try:
        result = tool.seed(stored, empty, lab.sources, expect=tool.REFUSED)
        assert "app1" in result.err
    finally:
        empty.local("DROP DATABASE app1")
    _untouched(empty)


def test_target_with_a_schema_of_its_own_that_is_not_in_the_way(lab, stored, empty):
    """What the snapshot does not hold is the target's and left alone; but not where transactions that wrote it would be thrown away."""
    empty.local("CREATE DATABASE own", "CREATE TABLE own.t (id INT PRIMARY KEY)")
    try:
        tool.seed(stored, empty, lab.sources, "--dry-run")
        empty.sql("INSERT INTO own.t VALUES (1)")
        logged = tool.seed(stored, empty, lab.sources, "--dry-run", expect=tool.REFUSED if lab.gtid else tool.OK)
        assert not lab.gtid or "schemas (own) and transactions of its own" in logged.err
        assert empty.value("SELECT COUNT(*) FROM own.t") == 1
    finally:
        empty.local("DROP DATABASE own")


def test_same_server_id_as_the_source(lab, stored, empty):
    was = empty.variable("server_id")
    empty.sql(f"SET GLOBAL server_id={lab.source.server_id}")
    try:
        _refused(lab, stored, empty, says="server_id")
    finally:
        empty.sql(f"SET GLOBAL server_id={was}")


def test_target_that_forgives_errors(lab, stored, empty):
    name = "replica_exec_mode" if lab.flavour is MySQL97 else "slave_exec_mode"
    empty.sql(f"SET GLOBAL {name}='IDEMPOTENT'")
    try:
        _refused(lab, stored, empty, says="exec_mode")
    finally:
        empty.sql(f"SET GLOBAL {name}='STRICT'")


def test_target_that_skips_errors(lab, stored):
    name = "replica_skip_errors" if lab.flavour is MySQL97 else "slave_skip_errors"
    target = lab.target(**{name: 1062})
    _refused(lab, stored, target, says="skip_errors")
    lab.drop(target)


def test_partial_snapshot_needs_matching_filters(lab, stored, empty):
    _refused(lab, stored, empty, instance="partial", says="the snapshot is not whole")


def test_partial_snapshot_with_the_filter_is_taken(lab, stored):
    name = "replicate_wild_ignore_table"
    target = lab.target(**{name: "app2.%"})
    tool.seed(stored, target, lab.sources, "--dry-run", instance="partial")
    lab.drop(target)


@pytest.mark.parametrize("lab", [MySQL97, MariaDB], ids=["mysql97", "mariadb"], indirect=True)
def test_source_that_never_had_these_transactions(lab, stored, empty):
    """The snapshot's GTIDs must be in the source; a stranger is no source."""
    stranger = lab.flavour("stranger").start()
    accounts.create_on_source(stranger)
    try:
        _refused(lab, stored, empty, sources={"": stranger}, says="does not have|not in the binary log")
    finally:
        stranger.discard()


@pytest.mark.parametrize("lab", [MySQL56], ids=["mysql56"], indirect=True)
def test_the_snapshotted_server_as_the_source_is_recognised(lab, stored, empty):
    """On the night on which it was promoted."""
    _refused(lab, stored, empty, sources={lab.channel: lab.replica}, says="--from-replica")


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_errant_transactions_are_named(lab, repository, empty):
    lab.replica.sql("CREATE DATABASE errant", "DROP DATABASE errant")
    tool.backup(lab.replica, repository)
    result = tool.seed(repository, empty, lab.sources, expect=tool.REFUSED)
    errant = re.search(re.escape(lab.replica.uuid()) + r":(\d+)-(\d+)", result.err)
    assert errant, result
    _untouched(empty)
    for number in range(int(errant.group(1)), int(errant.group(2)) + 1):       # what the hint says
        lab.source.sql(f"SET GTID_NEXT='{lab.replica.uuid()}:{number}'", "BEGIN", "COMMIT")
    tool.seed(repository, empty, lab.sources, "--dry-run")


@pytest.mark.parametrize("lab", [MySQL97], ids=["mysql97"], indirect=True)
def test_gtid_mode_must_agree(lab, stored):
    target = lab.target(gtid_mode="OFF", enforce_gtid_consistency="OFF")
    _refused(lab, stored, target, says="gtid_mode")
    lab.drop(target)


@pytest.mark.parametrize("lab", [MySQL97, MySQL56], ids=["mysql97", "mysql56"], indirect=True)
@pytest.mark.parametrize("whose", ["source", "replica"])
def test_same_uuid(lab, stored, whose):
    twin = getattr(lab, whose)
    target = lab.target()
    target.stop()
    (target.dir / "data" / "auto.cnf").write_text(f"[auto]\nserver-uuid={twin.uuid()}\n")
    target.start()
    _refused(lab, stored, target, says="uuid")
    lab.drop(target)


def test_target_with_replicas_of_its_own(lab, stored):
    target = lab.target()
    follower = lab.flavour("follower").start()
    target.local(*accounts.statements_for_source(lab.flavour))
    try:
        follower.follow(target, gtid=lab.gtid)
        _refused(lab, stored, target, "--replace", says="replicas of its own")
        _refused(lab, stored, target, says="replicas of its own")
    finally:
        follower.discard()
        lab.drop(target)


def test_packets_too_small_for_a_row(lab, repository):
    """Raised for the load by an account that may, and put back; an account that may not is told before a byte is loaded."""
    lab.source.sql("CREATE TABLE app1.wide (id INT PRIMARY KEY, v LONGBLOB) ENGINE=InnoDB",
                   "INSERT INTO app1.wide VALUES (1, REPEAT('w', 3000000))")
    lab.wait_caught_up()
    tool.backup(lab.replica, repository)
    target = lab.target(max_allowed_packet="1M")
    tool.seed(repository, target, lab.sources)
    assert target.variable("max_allowed_packet") == 1 << 20
    assert target.value("SELECT LENGTH(v) FROM app1.wide") == 3000000
    lab.drop(target)
    lab.source.sql("DROP TABLE app1.wide")
    lab.wait_caught_up()


def test_replace_takes_over_a_former_replica(lab, stored):
    target = lab.target()
    tool.seed(stored, target, lab.sources)
    again = tool.seed(stored, target, lab.sources, expect=tool.REFUSED)
    assert "replace" in again.err
    assert target.running(), "a refusal touched the target"
    tool.seed(stored, target, lab.sources, "--replace")
    assert_same(lab, target)
    lab.drop(target)


def test_replace_spares_what_may_be_a_source_in_use(lab, stored, empty):
    empty.local("CREATE DATABASE app1")
    try:
        result = tool.seed(stored, empty, lab.sources, "--replace", expect=tool.REFUSED)
        assert "may be a source in use" in result.err and "read_only = ON" in result.err
        empty.sql("SET GLOBAL read_only = ON")      # what the hint says
        tool.seed(stored, empty, lab.sources, "--replace", "--dry-run")
    finally:
        empty.sql("SET GLOBAL read_only = OFF")
        empty.local("DROP DATABASE app1")
    _untouched(empty)


def test_other_kind_of_server(lab, stored):
    other = MariaDB if lab.flavour is not MariaDB else MySQL56
    if other.why_missing:
        pytest.skip(other.why_missing)
    target = other("other").start()
    accounts.create_on_target(target)
    try:
        _refused(lab, stored, target, says="the target is (MariaDB|MySQL), ")
    finally:
        target.discard()


def test_purged_source(lab, stored, empty):
    """Last: the source throws away what every snapshot taken so far would need."""
    flush = "FLUSH BINARY LOGS"
    with Loads(lab) as loads:
        loads.wait_written(50)
    lab.source.sql(flush)
    lab.wait_caught_up()
    newest = lab.source.binlog_position()[0]

    def purged():       # a log that is still being sent to a replica is kept
        lab.source.sql(f"PURGE BINARY LOGS TO '{newest}'")
        return lab.source.sql("SHOW BINARY LOGS")[0]["Log_name"] == newest
    proc.wait_until(purged, 30, "the old binary logs to go", every=0.3)
    _refused(lab, stored, empty, says="purged|no longer has")
