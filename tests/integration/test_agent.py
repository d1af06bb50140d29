# SPDX-License-Identifier: Apache-2.0
"""The running agent: runs on schedule and on demand, in processes of their own, and how it ends, reloads, and comes back."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import stat
import time
import urllib.error
import urllib.request

import pytest

from conftest import topology
from lab import gaps, logs, place, proc, tool
from lab.agent import Agent
from lab.server import MariaDB
from lab.topology import Loads
from steps import assert_running

ANON_KIB_MAX = 10 * 1024


@pytest.fixture(scope="module")
def lab():
    with topology(MariaDB) as made:
        yield made


@contextlib.contextmanager
def agent_of(lab, snapshots, **keys):
    with Agent({"one": lab.replica}, snapshots, **keys) as agent:
        yield agent
    assert_running(lab)


@contextlib.contextmanager
def held(lab):
    """The applier is held up by a row lock: a backup waits for a quiet moment for as long."""
    with Loads(lab), gaps.RowHeld(lab.replica) as row:
        row.wait_blocked()
        yield row
    lab.wait_caught_up()


def succeeded(view, kind="backup", n=1):
    return sum(r["kind"] == kind and r["state"] == "succeeded" for r in view["runs"]) >= n


def begun(agent, kind="backup"):
    return next((r for r in agent.runs(kind, "running")), None)


def waiting(agent):
    """A backup that is under way and waits for its moment, as its phase says."""
    def look():
        run = begun(agent)
        return run if run and run["phase"] and run["phase"]["area"] == "window" else None
    return proc.wait_until(look, 30, lambda: f"a backup to wait for its moment:\n{json.dumps(agent.view()['runs'], indent=1)[:3000]}\n{agent.log()[-3000:]}")


@pytest.mark.fast
def test_a_scheduled_backup_its_expire_and_the_list(lab):
    with agent_of(lab, {"often": {"schedule": "@every 5s", "keep-last": 1}}) as agent:
        agent.wait_view(lambda v: succeeded(v, n=2) and succeeded(v, "expire", 2), 60, "two backups and what follows them")
        view = agent.wait_view(lambda v: any(s["id"] == r["result"]["id"] for r in v["runs"] if r["kind"] == "backup" and r["state"] == "succeeded"
                                             for s in v["repositories"][0]["snapshots"]), 30, "the list to have a snapshot")
        run = next(r for r in view["runs"] if r["kind"] == "backup" and r["state"] == "succeeded")
        assert run["trigger"] == "schedule" and run["due"] and run["exit"] == 0 and run["error"] is None
        assert int(re.search(r":(\d\d)\.", run["due"]).group(1)) % 5 == 0
        assert {"id", "pause_ms", "wait_ms", "in_flight_ms", "gap_rounds", "bytes", "stored_bytes", "rows", "elapsed_ms", "warnings"} <= set(run["result"])
        assert view["instances"][0]["reachable"] and view["instances"][0]["applier"] == "running"
        assert view["counters"]["often"]["pause"]["count"] >= 2
        # its log has the run's lines, with the run's name
        assert re.search(rf"state=DONE .*run={run['id']} snapshot=often$", agent.log(), re.M) or f"run={run['id']}" in agent.log()
        text = agent.tell("status").out
        assert "often" in text and "succeeded" in text
        assert stat.S_IMODE(agent.socket.stat().st_mode) == 0o660
        agent.finish()
    assert len(tool.manifests(agent.repository, "one")) <= 2


def test_memory_and_processor_while_nothing_runs(lab):
    with agent_of(lab, {"never": {}}, poll_interval="10s") as agent:
        agent.wait_view(lambda v: v["instances"][0]["reachable"] and v["repositories"][0]["listed"], 20, "a first look")
        anonymous, processor = agent.idle(20)
        assert anonymous < ANON_KIB_MAX, f"{anonymous} KiB of anonymous memory"
        assert processor < 0.002, f"{processor:.2%} of a processor"
        agent.finish()


def test_run_and_wait(lab):
    with agent_of(lab, {"asked": {}, "other": {}}) as agent:
        result = agent.tell("run", "asked", "--wait", "--json").json
        assert result["state"] == "succeeded" and result["trigger"] == "request" and result["due"] is None
        assert tool.manifests(agent.repository, "one")
        assert "backup-2" in agent.tell("run", "other").out
        agent.wait_view(lambda v: succeeded(v, n=2), 60, "the other one")
        refused = agent.tell("run", "askd", expect=tool.USAGE)
        assert "did you mean asked" in refused.err
        assert agent.tell("cancel", "asked", expect=tool.USAGE)
        agent.finish()
    gone = agent.tell("run", "asked", expect=tool.PREFLIGHT)
    assert "no agent answers" in gone.err and "systemctl status" in gone.err
    # what would be due is shown all the same
    shown = agent.tell("status")
    assert "asked" in shown.out and "no agent answers" in shown.err
    # a health check asks the socket alone
    assert tool.run("status", "--control-socket", agent.socket, expect=tool.PREFLIGHT)


def test_a_failed_run_tells_its_exit_code(lab):
    with agent_of(lab, {"bad": {"deadline": "1s", "pause-budget": "1ms"}}) as agent:
        with held(lab):
            result = agent.tell("run", "bad", "--wait", expect=tool.NO_QUIET)
        assert "quiet" in result.err
        run = agent.runs()[0]
        assert run["state"] == "failed" and run["exit"] == tool.NO_QUIET and run["error"]["kind"] == "no-quiet-moment" and run["error"]["hint"]
        agent.finish()


def test_a_run_that_does_not_end_is_shown(lab):
    """Stopped by SIGSTOP it heeds no other signal, as one that waits for a dead mount."""
    with agent_of(lab, {"long": {"deadline": "10m"}}) as agent:
        with held(lab):
            agent.tell("run", "long")
            run = waiting(agent)
            assert run["told_to_end"] is None
            os.kill(agent.children()[0], signal.SIGSTOP)
            agent.tell("cancel", "long")
            view = agent.wait_view(lambda v: v["runs"][0]["told_to_end"], 20, "the run to be shown as told to end")
            told = view["runs"][0]["told_to_end"]
            assert f"told to end at {told}" in agent.tell("status").out
            assert 'slackwater_run_told_to_end_timestamp_seconds{snapshot="long",kind="backup"}' in agent.get("/metrics")[1]
            os.kill(agent.children()[0], signal.SIGCONT)
            agent.wait_view(lambda v: v["runs"][0]["state"] == "cancelled" and not v["runs"][0]["told_to_end"], 30, "the run to be cancelled")
        agent.finish()


def test_cancel_sets_the_applier_going(lab):
    with agent_of(lab, {"long": {"deadline": "10m"}}) as agent:
        with held(lab):
            agent.tell("run", "long")
            run = waiting(agent)
            assert run["id"] in agent.tell("cancel", "long").out
            agent.wait_view(lambda v: v["runs"][0]["state"] == "cancelled", 30, "the run to be cancelled")
        run = agent.runs()[0]
        assert run["exit"] == 128 + signal.SIGTERM and run["error"]["kind"] == "interrupted"
        agent.finish()


def test_pause_outlives_a_restart_and_resume_makes_up(lab):
    agent = Agent({"one": lab.replica}, {"often": {"schedule": "@every 3s", "catch-up": "yes"}})
    with agent:
        agent.tell("pause")
        assert agent.snapshot("often")["paused"]
        agent.wait_view(lambda v: not any(r["state"] == "running" for r in v["runs"]), 30, "what runs to end")
        before = len(agent.runs())
        agent.finish()
        agent.start()
        proc.wait_until(lambda: agent.snapshot("often")["waits_for"] == "paused", 20, "something to fall due")
        assert len(agent.runs()) == before
        assert "everything is paused" in agent.tell("resume", "often", expect=tool.USAGE).err
        # by hand it runs all the same
        agent.tell("run", "often", "--wait")
        agent.tell("resume")
        agent.wait_view(lambda v: len([r for r in v["runs"] if r["state"] == "succeeded" and r["trigger"] != "request"]) > 0, 30, "it to go on")
        agent.tell("pause", "often")
        agent.tell("resume")
        assert agent.snapshot("often")["paused"], "one that is paused by name stays so"
        agent.finish()
    assert_running(lab)


def test_hooks(lab, tmp_path):
    script = tmp_path / "hook"
    script.write_text(f"#!/bin/sh\nenv | sort >{tmp_path}/$1\necho \"this is $1\"\n[ $1 != before ] || [ ! -e {tmp_path}/refuse ]\n")
    script.chmod(0o755)
    hooks = {"run-before": f"{script} before", "run-after": f"{script} after", "run-on-failure": f"{script} failure"}
    with agent_of(lab, {"hooked": hooks}) as agent:
        agent.tell("run", "hooked", "--wait")
        after = dict(line.split("=", 1) for line in (tmp_path / "after").read_text().splitlines())
        assert after["SLACKWATER_STATUS"] == "succeeded" and after["SLACKWATER_EXIT"] == "0" and after["SLACKWATER_SNAPSHOT"] == "hooked"
        assert after["SLACKWATER_ID"] == tool.manifests(agent.repository, "one")[0].stem
        assert not (tmp_path / "failure").exists()
        agent.wait_log(r'msg="this is before" area=hook run=backup-1 snapshot=hooked$')
        (tmp_path / "refuse").touch()
        agent.tell("run", "hooked", "--wait", expect=tool.UNEXPECTED)
        assert "SLACKWATER_STATUS=failed" in (tmp_path / "failure").read_text()
        assert len(tool.manifests(agent.repository, "one")) == 1
        assert "before hook ended with 1" in agent.runs()[0]["error"]["message"]
        agent.finish()


def test_reload_takes_all_or_nothing(lab):
    with agent_of(lab, {"first": {}}) as agent:
        agent.snapshots["second"] = {}
        agent.write("[snapshot third]\nschedul = 0 2 * * *\n")
        agent.running.signal(signal.SIGHUP)
        agent.wait_log(r"the configuration of before stays in force")
        assert "schedul" in agent.log() and "did you mean" in agent.log()
        view = agent.wait_view(lambda v: v["agent"]["config"]["error"], 10, "the view to say so")
        assert [s["name"] for s in view["snapshots"]] == ["first"]
        agent.write()
        assert agent.get("/api/v1/reload", "POST", "{}")[0] == 200
        view = agent.wait_view(lambda v: len(v["snapshots"]) == 2, 20, "the new configuration")
        assert view["agent"]["config"]["error"] is None
        # what runs is not touched by it, and is found by its name
        with held(lab):
            agent.tell("run", "first")
            waiting(agent)
            del agent.snapshots["first"]
            agent.write()
            agent.running.signal(signal.SIGHUP)
            agent.wait_view(lambda v: [s["name"] for s in v["snapshots"]] == ["second"], 20, "a configuration without it")
            assert begun(agent)
        agent.wait_view(lambda v: succeeded(v), 60, "the run to end well")
        agent.finish()


def _over_http(port, token):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/api/v1/status", headers={"Authorization": f"Bearer {token}"}), timeout=10) as a:
            return a.status
    except urllib.error.HTTPError as e:
        return e.code


def test_a_refused_reload_leaves_the_sockets(lab):
    """The token is read anew at each reload, and a file or an address that cannot be used costs nobody what was there."""
    old, new = "0123456789abcdef-old", "0123456789abcdef-new"
    token, port = place.run_dir() / "agent-token", place.free_port()
    token.write_text(old)
    with agent_of(lab, {"one": {}}, listen=f"127.0.0.1:{port}", token_file=token) as agent:
        assert _over_http(port, old) == 200 and _over_http(port, new) == 401
        token.write_text("short")
        status, text = agent.get("/api/v1/reload", "POST", "{}")
        assert status != 200 and "shorter than 16" in text
        agent.running.signal(signal.SIGHUP)
        agent.wait_log("the configuration of before stays in force: the token: the token is shorter")
        assert agent.answers() and _over_http(port, old) == 200
        with socket.create_server(("127.0.0.1", 0)) as taken:       # found only when the old ones are closed
            agent.keys["listen"] = f"127.0.0.1:{taken.getsockname()[1]}"
            token.write_text(new)
            agent.write()
            agent.running.signal(signal.SIGHUP)
            agent.wait_log("the configuration of before stays in force: cannot listen on")
            assert agent.answers() and _over_http(port, old) == 200 and _over_http(port, new) == 401
            token.unlink()
        agent.keys["listen"] = f"127.0.0.1:{port}"
        agent.write()
        agent.running.signal(signal.SIGHUP)
        agent.wait_log("the configuration of before stays in force: the token: cannot")
        token.write_text(new)
        agent.running.signal(signal.SIGHUP)
        agent.wait_log("configuration read again")
        assert agent.answers() and _over_http(port, new) == 200 and _over_http(port, old) == 401
        agent.finish()


def test_another_schedule_has_missed_nothing(lab):
    """A section that has been there for a week gets a schedule that would have been due since, at a reload and at a start."""
    agent = Agent({"one": lab.replica}, {"asked": {}})
    with agent:
        agent.finish()
        memory = agent.state / "agent.json"
        known = json.loads(memory.read_text())
        known["jobs"][0]["backup"]["since_ms"] -= 7 * 86400 * 1000
        memory.write_text(json.dumps(known))
        agent.start()
        now = time.gmtime(time.time() - 3600)
        agent.snapshots["asked"]["schedule"] = f"{now.tm_min} {now.tm_hour} * * *"
        agent.snapshots["asked"]["timezone"] = "UTC"
        agent.write()
        assert agent.get("/api/v1/reload", "POST", "{}")[0] == 200
        agent.wait_view(lambda v: v["snapshots"][0]["schedule"], 20, "the new configuration")
        agent.tell("run", "asked", "--wait")        # the agent has decided again since
        found = agent.snapshot("asked")
        assert [r["trigger"] for r in agent.runs()] == ["request"] and found["missed"] == 0 and found["last_missed"] is None
        agent.finish()
        known = json.loads(memory.read_text())
        assert known["jobs"][0]["schedule"] == f"{agent.snapshots['asked']['schedule']}, UTC"
        known["jobs"][0]["backup"].update(since_ms=known["jobs"][0]["backup"]["since_ms"] - 7 * 86400 * 1000, due_ms=0)
        memory.write_text(json.dumps(known))
        agent.snapshots["asked"]["schedule"] = f"{now.tm_min} {now.tm_hour} * * *".replace(" * * *", " 1-31 * *")
        agent.write()
        agent.start()
        agent.wait_view(lambda v: v["instances"][0]["looked"], 20, "a first look")
        assert len(agent.runs()) == 1 and agent.snapshot("asked")["missed"] == 0
        agent.finish()
    assert_running(lab)


def test_a_run_of_a_removed_section_is_cancelled(lab):
    with agent_of(lab, {"first": {"deadline": "10m"}, "second": {}}) as agent:
        with held(lab):
            agent.tell("run", "first")
            run = waiting(agent)
            del agent.snapshots["first"]
            agent.write()
            assert agent.get("/api/v1/reload", "POST", "{}")[0] == 200
            agent.wait_view(lambda v: [s["name"] for s in v["snapshots"]] == ["second"], 20, "a configuration without it")
            assert run["id"] in agent.tell("cancel", "first").out
            agent.wait_view(lambda v: v["runs"][0]["state"] == "cancelled", 30, "the run to be cancelled")
        assert "no [snapshot first]" in agent.tell("cancel", "first", expect=tool.USAGE).err
        agent.finish()


def test_cancel_says_when_only_a_hook_is_left(lab, tmp_path):
    script = tmp_path / "hook"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/there\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.1; done\n")
    script.chmod(0o755)
    with agent_of(lab, {"hooked": {"run-after": script}}) as agent:
        agent.tell("run", "hooked")
        proc.wait_until((tmp_path / "there").exists, 60, "the hook")
        assert "only its after hook still runs" in agent.tell("cancel", "hooked", expect=tool.USAGE).err
        (tmp_path / "go").touch()
        agent.wait_view(succeeded, 20, "the run to end")
        agent.finish()


def test_a_run_that_failed_is_seen_to(lab, tmp_path):
    """What a run that ends with an exit code of its own has left stopped is started by the agent, not only what a dead one has."""
    left = place.run_dir() / "state"
    with held(lab) as row:
        with logs.Statements(lab.replica) as said:
            running = tool.start_backup(lab.replica, f"file://{tmp_path}/elsewhere", "--deadline", "1s", "--on-deadline", "stop", "--no-guard")
            proc.wait_until(lambda: logs.stops(said.so_far()), 30, "the STOP")
        running.signal(signal.SIGKILL)
        running.finish(20, expect=-signal.SIGKILL)
        row.release()
        proc.wait_until(lambda: not lab.replica.applier_running(), 15, "the applier to have stopped")
        identity = lab.replica.uuid() or f":{lab.replica.port}:"
        journal = next(p for p in left.glob("*.journal") if identity in p.read_text())
        kept = tmp_path / "kept"
        journal.rename(kept)
        script = tmp_path / "hook"
        script.write_text(f'#!/bin/sh\ncp {kept} {{state}}/{journal.name}\nexit 1\n')
        script.chmod(0o755)
        with Agent({"one": lab.replica}, {"fails": {"run-before": script}}) as agent:
            script.write_text(script.read_text().replace("{state}", str(agent.state)))
            agent.wait_view(lambda v: v["instances"][0]["looked"], 20, "a first look")
            assert agent.view()["instances"][0]["journal"] is False and agent.view()["instances"][0]["applier"] == "stopped"
            agent.tell("run", "fails", "--wait", expect=tool.UNEXPECTED)
            proc.wait_until(lab.replica.applier_running, 20, "the applier to run")
            agent.wait_view(lambda v: v["instances"][0]["applier"] == "running" and not v["instances"][0]["journal"], 20, "the view to say so")
            assert not list(agent.state.glob("*.journal"))
            agent.finish()
    assert_running(lab)


def test_a_second_agent_is_refused(lab):
    with agent_of(lab, {"one": {}}) as agent:
        refused = tool.run("agent", "--config", agent.config, "--log-file", agent.dir / "second.log", expect=tool.BUSY)
        assert f"process {agent.pid}" in refused.err
        assert agent.answers()
        agent.finish()


def test_the_end_waits_for_a_backup_and_then_ends_it(lab):
    agent = Agent({"one": lab.replica}, {"long": {"deadline": "10m"}}, stop_timeout="2s")
    with agent, held(lab):
        agent.tell("run", "long")
        waiting(agent)
        begin = time.monotonic()
        agent.finish()
        assert 2 <= time.monotonic() - begin < 20
        assert "is told to end, because the agent does" in agent.log()
        agent.start()
        run = agent.runs()[0]
        assert run["state"] == "cancelled"
        # a second signal does not wait
        agent.tell("run", "long")
        waiting(agent)
        agent.running.signal(signal.SIGTERM)
        agent.wait_log(r"SIGTERM: nothing more is started", count=2)
        agent.finish(10)
    assert_running(lab)


def test_a_backup_that_is_waited_for(lab):
    agent = Agent({"one": lab.replica}, {"long": {"deadline": "10m"}}, stop_timeout="60s")
    with agent:
        with held(lab):
            agent.tell("run", "long")
            waiting(agent)
            agent.running.signal(signal.SIGTERM)
            agent.wait_log(r"nothing more is started; what runs is waited for")
            assert agent.running.alive()
            refused = agent.tell("run", "long", expect=None)
            assert refused.code == tool.BUSY
        agent.finish(60, number=None)
    assert len(tool.manifests(agent.repository, "one")) == 1
    assert_running(lab)


def test_a_crash_of_the_agent(lab):
    """Its run hears of it and puts everything right; the next agent knows what became of it."""
    agent = Agent({"one": lab.replica}, {"often": {"schedule": "@every 5s", "deadline": "10m"}})
    with agent:
        with held(lab):
            run = waiting(agent)
            children = agent.children()
            assert children
            agent.crash()
            proc.wait_until(lambda: not any(pathlib.Path(f"/proc/{n}/exe").exists() for n in children), 20, "the run to end")
            agent.start()
            found = next(r for r in agent.runs() if r["id"] == run["id"])
            assert found["state"] == "failed" and "the agent ended while this ran" in found["error"]["message"]
        agent.wait_view(lambda v: succeeded(v), 60, "the next due time")
        agent.finish()
    assert_running(lab)


def test_a_run_that_crashes_takes_nothing_with_it(lab):
    with agent_of(lab, {"long": {"deadline": "10m"}}) as agent:
        with held(lab):
            agent.tell("run", "long")
            waiting(agent)
            os.kill(agent.children()[0], signal.SIGKILL)
            agent.wait_view(lambda v: v["runs"][0]["state"] == "failed", 20, "the run to be seen to have failed")
        run = agent.runs()[0]
        assert run["exit"] == 137 and "SIGKILL" in run["error"]["message"]
        agent.tell("run", "long", "--wait")
        agent.finish()


def test_damaged_memory_is_moved_aside(lab):
    agent = Agent({"one": lab.replica}, {"asked": {}})
    with agent:
        agent.tell("run", "asked", "--wait")
        agent.finish()
        memory = agent.state / "agent.json"
        memory.write_bytes(memory.read_bytes()[:100])
        agent.start()
        assert agent.runs() == [] and (agent.state / "agent.json.damaged").exists()
        assert "is damaged" in agent.log()
        agent.tell("run", "asked", "--wait")
        agent.finish()
        agent.start()
        assert len(agent.runs()) == 1
        agent.finish()


def test_a_moment_that_is_unfavourable_is_no_mistake(lab):
    """Exit 2 is what a service manager does not try again after (RestartPreventExitStatus=2): for mistakes in the file alone."""
    token = place.run_dir() / "agent-token"
    token.write_text("0123456789abcdef")
    for keys, code in (({"listen": "192.0.2.1:1234", "token_file": token}, tool.BUSY), ({"control_socket": "/nowhere/control.sock"}, tool.STORE),
                       ({"log_file": "/nowhere/log"}, tool.STORE), ({"control_socket": "/dev/null/control.sock"}, tool.USAGE)):
        agent = Agent({"one": lab.replica}, {"asked": {}}, **keys)
        agent.start(ready=False)
        agent.finish(20, expect=code, number=None)


def test_the_usual_configuration_is_found(tmp_path):
    script = "mount -t tmpfs none /etc && mkdir /etc/slackwater && echo '[agentt]' >/etc/slackwater/slackwater.conf && exec \"$@\""
    refused = tool.Running("agent", prefix=["unshare", "--mount", "sh", "-c", script, "sh"]).finish(20, expect=tool.USAGE)
    assert "/etc/slackwater/slackwater.conf:1" in refused.err


def test_as_the_first_process_of_a_container(lab, tmp_path):
    """What a hook leaves behind becomes a child of the agent, which waits for it."""
    script = tmp_path / "hook"
    script.write_text(f"#!/bin/sh\n(sh -c 'echo $$ >{tmp_path}/left' &)\n")
    script.chmod(0o755)
    agent = Agent({"one": lab.replica}, {"asked": {"run-after": script}})
    try:
        agent.start(prefix=["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"])
        inner, = agent.children()
        agent.tell("run", "asked", "--wait")
        proc.wait_until((tmp_path / "left").exists, 20, "what is left behind")
        children = pathlib.Path(f"/proc/{inner}/task/{inner}/children")
        proc.wait_until(lambda: not children.read_text().split(), 20, lambda: f"nothing to be left: {children.read_text()}")
        os.kill(inner, signal.SIGTERM)
        agent.finish(number=None)
    finally:
        agent.__exit__()


def test_the_service_manager_is_told(lab):
    path = place.run_dir() / "notify"
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(path))
        manager.settimeout(15)
        def told(*words):
            seen = []
            while True:
                seen.append(manager.recv(4096).decode())
                if all(w in seen[-1] for w in words):
                    return seen
        agent = Agent({"one": lab.replica}, {"asked": {}, "long": {"deadline": "10m"}})
        try:
            agent.start(environment={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"})
            assert not any("WATCHDOG" in m for m in told("READY=1", "STATUS="))
            told("WATCHDOG=1")
            begin = time.monotonic()
            told("WATCHDOG=1")
            assert time.monotonic() - begin < 2
            agent.running.signal(signal.SIGHUP)
            told("RELOADING=1", "MONOTONIC_USEC=")
            told("READY=1")
            agent.tell("run", "asked", "--wait")
            told("STATUS=running backup-1")
            with held(lab):
                agent.tell("run", "long")
                waiting(agent)
                agent.running.signal(signal.SIGTERM)
                told("STOPPING=1")
                told("EXTEND_TIMEOUT_USEC=900000000")       # stop-timeout may be longer than what the unit allows
                agent.running.signal(signal.SIGTERM)
                agent.finish(number=None)
        finally:
            agent.__exit__()


def test_a_replica_that_is_cut_off_from_its_source_is_pointed_out(lab):
    """Its applier runs, there is no lag, and backups succeed: with data that get older."""
    lab.replica.sql("STOP SLAVE IO_THREAD")
    try:
        with Agent({"one": lab.replica}, {"never": {}}) as agent:
            agent.wait_view(lambda v: v["instances"][0]["reachable"], 20, "a first look")
            assert "one: nothing new arrives" in agent.tell("status").out
        assert any("the receiver is stopped" in w for w in tool.check(lab.replica).json["warnings"])
    finally:
        lab.replica.sql("START SLAVE IO_THREAD")
    proc.wait_until(lab.replica.running, 20, "the receiver to run")
    lab.replica.sql("STOP SLAVE SQL_THREAD")
    try:
        assert any("the applier is stopped" in w for w in tool.check(lab.replica).json["warnings"])
    finally:
        lab.replica.sql("START SLAVE SQL_THREAD")
    proc.wait_until(lab.replica.running, 20, "the applier to run")
    assert not any("receiver" in w or "the applier" in w for w in tool.check(lab.replica).json["warnings"])
