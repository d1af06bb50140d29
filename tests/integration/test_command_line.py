# SPDX-License-Identifier: Apache-2.0
"""The command line as DBAs know it: options, passwords, TLS, exit codes."""
import os
import pty
import subprocess

import pytest

from conftest import topology
from lab import accounts, generated, place, proc, tool
from lab.server import MariaDB, MySQL97

pytestmark = pytest.mark.fast

VERBS = ("check", "status", "backup", "list", "info", "verify", "restore", "seed", "copy", "expire", "pin", "unpin", "recover")


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


def test_help_names_every_verb():
    text = tool.run("--help").out
    for verb in VERBS:
        assert verb in text
        assert tool.run(verb, "--help").out
    assert "." in tool.run("--version").out


@pytest.mark.parametrize("arguments", [
    [], ["no-such-verb"], ["backup"], ["backup", "--to"], ["backup", "--no-such-option"], ["backup", "--to", "ftp://x/y"],
    ["backup", "--to", "/tmp/x", "--pause-budget", "soon"], ["backup", "--to", "/tmp/x", "--threads", "0"],
    ["backup", "--to", "/tmp/x", "--ddl", "maybe"], ["seed", "--from", "/tmp/x", "--dry-run", "--no-start"], ["restore", "--from", "/tmp/x"],
    ["backup", "--to", "/tmp/x", "surplus"]], ids=" ".join)
def test_usage_errors(arguments):
    result = tool.run(*arguments, expect=tool.USAGE)
    assert result.err.strip()


def test_recover_with_a_configuration_repairs_no_applier(tmp_path):
    """status and check take --config, so somebody will: exit 0 must not pass for a repair."""
    file = tmp_path / "slackwater.conf"
    (tmp_path / "db2.cnf").write_text("[slackwater]\nuser=nobody\n")
    (tmp_path / "db2.cnf").chmod(0o600)
    file.write_text(f"[agent]\nstate-dir = {tmp_path}\n[store main]\nurl = {tmp_path}\n[instance db2]\ndefaults-file = {tmp_path}/db2.cnf\n[snapshot a]\n")
    assert "no server was diagnosed" in tool.run("recover", "--config", file).out
    assert "--defaults-file" in tool.run("recover", "--config", file, "--apply", expect=tool.USAGE).err


def test_damage_is_told_with_a_way_out(tmp_path):
    name = generated.snapshot(tmp_path, "2026-11-20 02:30")
    (tmp_path / generated.INSTANCE / name / "shard-0000.tar").write_bytes(b"cut")
    for verb in (["verify"], ["restore", "--to-dir", tmp_path / "out"]):
        result = tool.run(*verb, "--from", tmp_path, expect=tool.SNAPSHOT)
        assert "use another snapshot" in result.err, result


@pytest.mark.parametrize("arguments", [["-psecret-pw"], ["--password=secret-pw"], ["--source-password=secret-pw"]], ids=lambda a: a[0][:8])
def test_password_on_the_command_line_is_refused(arguments):
    verb = ["seed", "--from", "/tmp/x", "--source", "h:1"] if "source" in arguments[0] else ["check"]
    result = tool.run(*verb, *arguments, expect=tool.USAGE)
    assert "secret-pw" not in result.out + result.err
    assert "option file" in result.err or "SLACKWATER_PASSWORD" in result.err


def _host(lab):
    return ["-h", "127.0.0.1", "-P", str(lab.replica.port), "-u", accounts.BACKUP[0]]


def test_password_from_the_environment(lab):
    tool.run("check", "--no-defaults", *_host(lab), environment={"SLACKWATER_PASSWORD": accounts.BACKUP[1]})


def test_wrong_password_and_wrong_port(lab):
    result = tool.run("check", "--no-defaults", *_host(lab), environment={"SLACKWATER_PASSWORD": "wrong-pw"}, expect=tool.PREFLIGHT)
    assert "wrong-pw" not in result.err
    tool.run("check", "--no-defaults", "-h", "127.0.0.1", "-P", place.free_port(), "-u", "x",
             environment={"SLACKWATER_PASSWORD": "x"}, expect=tool.PREFLIGHT)


def test_password_from_a_prompt(lab):
    """-p asks on the terminal and does not echo."""
    master, slave = pty.openpty()
    child = proc.spawn(["setsid", "-w", "-c", tool.BINARY, "check", "--no-defaults", *_host(lab), "-p"], stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    while b"assword" not in seen:
        seen += os.read(master, 1000)
    os.write(master, accounts.BACKUP[1].encode() + b"\n")
    try:
        while block := os.read(master, 1000):
            seen += block
    except OSError:
        pass        # the terminal's other end was closed
    assert child.wait(30) == 0, seen
    assert accounts.BACKUP[1].encode() not in seen


def test_option_file_groups(lab, tmp_path):
    path = accounts.option_file(tmp_path / "my.cnf", lab.replica, ("backup", "not-this-one"))
    with open(path, "a", encoding="utf-8") as more:
        more.write(f"[slackwater]\npassword='{accounts.BACKUP[1]}'\n[slackwater_other]\nport={place.free_port()}\n")
    tool.run("check", f"--defaults-file={path}")
    tool.run("check", f"--defaults-file={path}", "--defaults-group-suffix=_other", expect=tool.PREFLIGHT)
    path.chmod(0o666)
    assert "may be written by anybody" in tool.run("check", f"--defaults-file={path}", expect=tool.USAGE).err
    assert "none.cnf" in tool.run("check", f"--defaults-file={tmp_path}/none.cnf", expect=tool.USAGE).err


def test_through_the_socket(lab):
    tool.run("check", "--no-defaults", "-S", lab.replica.socket, "-u", "root")


def test_tls_that_cannot_be_had_is_an_error(lab):
    """The server offers none: required, it is refused; nothing goes on in plain text."""
    for mode in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        tool.run("check", *tool.connection(lab.replica, ssl_mode=mode), expect=tool.PREFLIGHT)
        tool.run("check", *tool.connection(lab.replica), f"--ssl-mode={mode}", expect=tool.PREFLIGHT)
    tool.run("check", *tool.connection(lab.replica), "--ssl-mode=DISABLED")


@pytest.fixture(scope="module")
def secure():
    """MySQL 9.7 offers TLS by itself, under a CA that it made."""
    if MySQL97.why_missing:
        pytest.skip(MySQL97.why_missing)
    with MySQL97("secure") as server:
        server.start()
        accounts.create_on_source(server)
        yield server


def _ciphers(server, *options, **how):
    """What the sessions of a check used: its own connections, seen in the server's log of connections."""
    server.local("SET GLOBAL general_log=1")
    start = server.general_log.stat().st_size
    result = tool.run("check", *tool.connection(server), *options, **how)
    text = server.general_log.read_text(errors="replace")[start:]
    server.local("SET GLOBAL general_log=0")
    return result, [line for line in text.splitlines() if "backup@" in line and "Connect" in line]


def test_tls_is_used_where_it_is_offered(secure):
    _result, lines = _ciphers(secure)
    assert lines and all("SSL/TLS" in line for line in lines), lines


def test_tls_can_be_declined(secure):
    _result, lines = _ciphers(secure, "--ssl-mode=DISABLED", "--get-server-public-key")
    assert lines and not any("SSL/TLS" in line for line in lines), lines


def test_certificates_are_verified(secure, tmp_path):
    ca = secure.dir / "data" / "ca.pem"
    tool.run("check", *tool.connection(secure), "--ssl-mode=VERIFY_CA", f"--ssl-ca={ca}")
    tool.run("check", *tool.connection(secure, ssl_mode="VERIFY_CA", ssl_ca=ca))
    # its certificate names no host
    tool.run("check", *tool.connection(secure), "--ssl-mode=VERIFY_IDENTITY", f"--ssl-ca={ca}", expect=tool.PREFLIGHT)
    stranger = tmp_path / "stranger.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem", "-out", stranger,
                    "-subj", "/CN=stranger", "-days", "2"], check=True, capture_output=True)
    tool.run("check", *tool.connection(secure), "--ssl-mode=VERIFY_CA", f"--ssl-ca={stranger}", expect=tool.PREFLIGHT)
    tool.run("check", *tool.connection(secure, ssl_mode="VERIFY_CA", ssl_ca=stranger), expect=tool.PREFLIGHT)


@pytest.mark.parametrize("right", ["PROCESS", "REPLICATION SLAVE ADMIN", "SELECT"])
def test_missing_rights_are_named(lab, repository, right):
    lab.replica.local(f"REVOKE {right} ON *.* FROM 'backup'@'%'")
    try:
        result = tool.backup(lab.replica, repository, expect=tool.PREFLIGHT)
        assert right.split()[0].lower() in result.err.lower(), result
        assert lab.replica.running()
    finally:
        lab.replica.local(f"GRANT {right} ON *.* TO 'backup'@'%'")


def test_list_and_info_of_an_empty_repository(repository):
    assert tool.run("list", "--from", f"file://{repository}").code == 0
    tool.run("info", "--from", f"file://{repository}", expect=tool.SNAPSHOT)
    tool.run("list", "--from", f"file://{repository}/not/there", expect=tool.STORE)


def test_human_text_and_logfile(lab, repository, tmp_path):
    where = ["--to", f"file://{repository}", "--instance", "lab"]
    result = tool.run("backup", *tool.connection(lab.replica), *where, "--log-file", tmp_path / "log", "--log-level", "debug")
    assert "pause" in result.out
    log = (tmp_path / "log").read_text()
    for state in ("ARMED", "STOPPING", "STILL", "RESUMING", "RUNNING"):
        assert state in log, state
    assert accounts.BACKUP[1] not in log


def test_default_instance_name(lab, repository):
    tool.run("backup", *tool.connection(lab.replica), "--to", f"file://{repository}")
    assert [p.name for p in repository.iterdir() if p.is_dir()] == [f"127.0.0.1_{lab.replica.port}"]
