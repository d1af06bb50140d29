# SPDX-License-Identifier: Apache-2.0
"""A real agent through minutes of load and blows. The last line is "counts PASSED FAILED SKIPPED"."""
import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

import pymysql

from fault.witness import Witness
from lab import place, proc, tool
from lab.agent import Agent
from lab.server import MariaDB, MySQL97
from lab.topology import Loads, Topology

from .due import account

ANON_KIB_MAX = 10 * 1024
PROCESSOR_MAX = 0.001
MAX_PAUSE_S = 3             # --max-pause of every run
STILL_S = MAX_PAUSE_S + 7   # the machine is small and busy
EVERY_S = 12                # of each schedule
RATE = 25
LOAD = {"ddl_every": 0, "truncate": False}     # MariaDB repeats a DDL after a crash
CRASH_SAFE = {"innodb_flush_log_at_trx_commit": 2, "relay_log_recovery": "ON"}


class Check:
    """What was looked at, and what of it was not as it has to be."""

    def __init__(self):
        self.passed, self.failures = 0, []

    @contextlib.contextmanager
    def of(self, what):
        try:
            yield
            self.passed += 1
        except (AssertionError, pymysql.err.Error, OSError, subprocess.SubprocessError) as error:
            self.failures.append(f"{what}: {error}")
            print(f"FAILED {what}: {error}\n{traceback.format_exc(limit=-3)}", flush=True)


class Scene:
    """Topologies by name, the agent that backs their replicas up, and a witness of each replica."""

    def __init__(self, labs, stack):
        self.labs, self.stack = labs, stack
        self.loads = {name: stack.enter_context(Loads(lab, rate=RATE, **LOAD)) for name, lab in labs.items()}
        self.witnesses = {name: stack.enter_context(Witness(lab.replica)) for name, lab in labs.items()}
        snapshots = {name: {"instance": name, "schedule": f"@every {EVERY_S}s", "keep-last": 3, "max-pause": f"{MAX_PAUSE_S}s", "deadline": "30s",
                            "retry-delay": "2s", "retry-max-delay": "5s", "retries": 5, "catch-up": "yes"} for name in labs}
        self.agent = Agent({name: lab.replica for name, lab in labs.items()}, snapshots, listen=f"127.0.0.1:{place.free_port()}", history=5000,
                           stop_timeout="5s")
        stack.callback(self.agent.__exit__)
        self.agent.start()
        self.begun = time.time()
        self.since = time.monotonic()

    def quiet(self):
        """Every applier runs, and has for a moment."""
        def look():
            return all(w.now() == 1 and w.stable_for() > 0.3 for w in self.witnesses.values())
        proc.wait_until(look, STILL_S + 30, lambda: f"the appliers to run: { {n: lab.replica.trouble() for n, lab in self.labs.items()} }")

    def running(self):
        return [r for r in self.agent.view()["runs"] if r["state"] == "running" and r["kind"] == "backup"]

    def longest_stillness(self):
        longest = 0
        for witness in self.witnesses.values():
            for start, end in witness.stillnesses(self.since, 1):
                longest = max(longest, (end or time.monotonic()) - start)
        return longest


# ---- blows: what each does, and what must hold when it is over is looked at by the caller ---------------------------------

def kill_agent(scene, _generator):
    scene.agent.crash()
    scene.agent.start()


def kill_agent_in_a_run(scene, _generator):
    proc.wait_until(scene.running, 60, "a backup to run")
    kill_agent(scene, None)


def kill_run(scene, generator):
    proc.wait_until(scene.running, 60, "a backup to run")
    children = scene.agent.children()
    if children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(generator.choice(children), signal.SIGKILL)


def restart_agent(scene, _generator):
    scene.agent.finish(60)
    scene.agent.start()


def reload_agent(scene, _generator):
    before = scene.agent.view()["agent"]["config"]["loaded"]
    scene.agent.running.signal(signal.SIGHUP)
    scene.agent.wait_view(lambda v: v["agent"]["config"]["loaded"] != before, 30, "the configuration to be read again")


def cancel(scene, _generator):
    run = proc.wait_until(scene.running, 60, "a backup to run")[0]
    scene.agent.tell("cancel", run["snapshot"], expect=(tool.OK, tool.USAGE))     # it may have ended meanwhile


def pause_and_resume(scene, generator):
    name = generator.choice(list(scene.labs))
    scene.agent.tell("pause", name)
    scene.agent.wait_view(lambda v: next(s for s in v["snapshots"] if s["name"] == name)["waits_for"] == "paused", EVERY_S * 3, "a due time to wait")
    scene.agent.tell("resume", name)


def crash_replica(scene, generator):
    lab = scene.labs[generator.choice(list(scene.labs))]
    lab.replica.crash()
    # as a replica is run: it replicates again by itself
    lab.replica.start(**{"skip_replica_start" if lab.flavour is MySQL97 else "skip_slave_start": 0})


def kill_both(scene, generator):
    scene.agent.crash()
    crash_replica(scene, generator)
    scene.agent.start()


BLOWS = (kill_agent_in_a_run, kill_run, crash_replica, restart_agent, cancel, reload_agent, kill_agent, pause_and_resume, kill_both)


def blows(scene, check, seconds, generator):
    end, dealt = time.monotonic() + seconds, {}
    order = []
    while time.monotonic() < end:
        if not order:
            order = generator.sample(BLOWS, len(BLOWS))
        blow = order.pop()
        with check.of(blow.__name__):
            blow(scene, generator)
            scene.quiet()
            assert scene.agent.answers()
        dealt[blow.__name__] = dealt.get(blow.__name__, 0) + 1
        time.sleep(generator.uniform(0, 6))     # so that blows meet runs at any moment
    return dealt


# ---- what has to hold at the end -----------------------------------------------------------------------------------------

def settle(scene):
    """Nothing more is started, and what runs has ended."""
    end = time.time()
    scene.agent.tell("pause")
    scene.agent.wait_view(lambda v: not any(r["state"] == "running" for r in v["runs"]), 120, "what runs to end")
    return end


def every_due_time(scene, check, end):
    runs = scene.agent.view()["runs"]
    for name in scene.labs:
        with check.of(f"due times of {name}"):
            ledger = account(runs, scene.agent.log(), name, EVERY_S, scene.begun, end - EVERY_S)
            print(f"{name}: {ledger}", flush=True)
            assert not ledger.unexplained, f"neither run nor explained: {ledger.unexplained}"
            assert not ledger.twice, f"succeeded twice: {ledger.twice}"
            assert ledger.succeeded, "nothing has succeeded"
    with check.of("failures have reasons"):
        assert all(r["error"] and r["error"]["message"] for r in runs if r["state"] in ("failed", "cancelled")), runs


def snapshots(scene, check):
    for name in scene.labs:
        with check.of(f"snapshots of {name}"):
            found = tool.manifests(scene.agent.repository, name)
            assert found, "there is none"
            for manifest in found:
                tool.run("verify", "--from", f"file://{scene.agent.repository}", "--instance", name, manifest.stem)


def metrics(scene, check):
    """Whether promtool was here to look."""
    status, text = scene.agent.get("/metrics")
    with check.of("metrics"):
        assert status == 200 and "slackwater_" in text
    if not shutil.which("promtool"):
        return False
    with check.of("metrics, by promtool"):
        said = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert said.returncode == 0 and not said.stdout + said.stderr, said.stdout + said.stderr
    return True


def idle(scene, check, seconds):
    """As it is installed: it looks every 10 seconds."""
    scene.agent.finish(60)
    scene.agent.keys["poll-interval"] = "10s"
    scene.agent.keys["list-interval"] = "5m"
    scene.agent.write()
    scene.agent.start()
    scene.agent.wait_view(lambda v: all(i["reachable"] for i in v["instances"]) and all(r["listed"] for r in v["repositories"]), 60, "a first look")
    with check.of("idle"):
        anonymous, processor = scene.agent.idle(seconds)
        print(f"idle for {seconds} s: {anonymous / 1024:.1f} MiB of anonymous memory, {processor:.3%} of a processor", flush=True)
        assert anonymous <= ANON_KIB_MAX, f"{anonymous} KiB of anonymous memory"
        # it is counted in hundredths of a second
        assert processor <= PROCESSOR_MAX * len(scene.labs) + 0.02 / seconds, f"{processor:.3%} of a processor"
    scene.agent.finish(60)


def play(options, flavours, check):
    generator = random.Random(options.seed)
    with contextlib.ExitStack() as stack:
        labs = {f.flavour: stack.enter_context(Topology(f, replica=CRASH_SAFE)) for f in flavours}
        scene = Scene(labs, stack)
        dealt = blows(scene, check, options.seconds, generator)
        end = settle(scene)
        print("blows: " + ", ".join(f"{n} {name}" for name, n in sorted(dealt.items())), flush=True)
        with check.of("no applier left stopped"):
            scene.quiet()
            longest = scene.longest_stillness()
            print(f"longest stillness of an applier: {longest:.2f} s", flush=True)
            assert longest <= STILL_S, f"one stood still for {longest:.1f} s"
        every_due_time(scene, check, end)
        snapshots(scene, check)
        skipped = not metrics(scene, check)
        for load in scene.loads.values():
            load.stop()
        idle(scene, check, options.idle)
        if check.failures:
            print(scene.agent.log()[-40000:], flush=True)
        return skipped


def parse():
    parser = argparse.ArgumentParser(prog="tests/agent/run.sh", description=__doc__)
    parser.add_argument("--soak", action="store_true", help="30 minutes of blows, 5 of idling")
    parser.add_argument("--seconds", type=int, help="of blows (110)")
    parser.add_argument("--idle", type=int, help="seconds of idling (20)")
    parser.add_argument("--seed", type=int, help="repeat the random choices of an earlier run")
    parser.add_argument("--server", choices=[f.flavour for f in (MariaDB, MySQL97)], help="this one alone")
    options = parser.parse_args()
    options.seed = random.randrange(1 << 30) if options.seed is None else options.seed
    options.seconds = options.seconds or (1800 if options.soak else 110)
    options.idle = options.idle or (300 if options.soak else 20)
    return options


def main():
    proc.end_on_signals()
    options = parse()
    check = Check()
    wanted = [f for f in (MariaDB, MySQL97) if options.server in (None, f.flavour)]
    missing = [f for f in wanted if f.why_missing]
    print(f"random choices: --seed {options.seed}", flush=True)
    no_promtool = play(options, [f for f in wanted if not f.why_missing], check)
    for flavour in missing:
        print(f"skipped: {flavour.flavour}: {flavour.why_missing}")
    if no_promtool:
        print("skipped: promtool is not here")
    for failure in check.failures:
        print(f"failed: {failure.splitlines()[0]}")
    print(f"counts {check.passed} {len(check.failures)} {len(missing) + no_promtool}")
    return 1 if check.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
