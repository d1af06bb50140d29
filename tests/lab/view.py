# SPDX-License-Identifier: Apache-2.0
"""Views as the agent's HTTP server is given them (agent/http/backend.h), made up: for its tests and for pictures of its page."""
import datetime
import random

HOSTILE = '<img src=x onerror="window.hit=1"><script>window.hit=1</script>&amp;"\'\\\n'


def stamp(when):
    return when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def ago(**how):
    return stamp(now() - datetime.timedelta(**how))


def ahead(**how):
    return stamp(now() + datetime.timedelta(**how))


def identity(when, number):
    return f"{when:%Y%m%dT%H%M%SZ}-{number:06x}"


def error(kind, code, message, hint):
    return {"kind": kind, "code": code, "mysql_errno": 0, "message": message, "hint": hint}


def wait(count=None, ms=None):
    return {"count": count, "ms": ms}


def worker(number, busy=False, **more):
    return {"id": number, "thread": 30 + number, "running": True, "busy": busy, "waits_for_row": False, "applying": None,
            "statement": None, "state": None, "age_ms": None, "age_max_ms": None, "lag_ms": None, "size_bytes": None,
            "done_bytes": None, "retries": 0, "last_applied": None, "errno": 0, "error": None, **more}


def channel(name="", gap=0, behind=3, lag_ms=180, stopped=False, **more):
    waits = {"from": "component", "since_start": True, "span_ms": 3600000, "logged_at": None, "transactions": 184203, "events": None,
             "overruns": 4, "queue_full": wait(2, 40), "queue_memory": wait(0, 0), "dependency": wait(1204, 18220),
             "no_worker": wait(40, 812), "commit_order": wait(8211, 9120), "no_work": wait(90211, 3102000)}
    return {"name": name, "mode": "mysql-gtid", "source_host": "db1", "source_port": 3306,
            "receiver": {"running": True, "errno": 0, "error": None},
            "applier": {"running": not stopped, "errno": 1062 if stopped else 0,
                        "error": "Duplicate entry '4711' for key 'orders.PRIMARY'" if stopped else None},
            "coordinator": "Waiting for an event from Coordinator", "workers_configured": 4, "commit_order": True, "delay_s": 0,
            "workers": [worker(1, True, applying="f1c44e67-2b1c-11ef-8a01-0242ac110002:9120456", age_ms=42, age_max_ms=42), worker(2),
                        worker(3, True, waits_for_row=True, age_ms=5200, age_max_ms=5200), worker(4)],
            "gap_transactions": gap, "gap": None, "low_water_mark": {"file": "binlog.000231", "pos": 5123411},
            "received": {"file": "binlog.000231", "pos": 5140022}, "behind_transactions": behind, "behind_files": 0,
            "behind_bytes": 16611, "lag_s": 0, "lag_ms": lag_ms, "waits": waits,
            "reasons": ["worker 3 waits for a row that another transaction on this server has locked"], **more}


def instance(name, flavor="mysql", version="9.7.1", applier="running", channels=None, **more):
    channels = [channel()] if channels is None else channels
    observation = {"server": {"flavor": flavor, "version": version, "hostname": name, "port": 3306, "server_id": 2, "identity": "u"},
                   "taken": ago(seconds=2), "took_ms": 6, "behind_stop": False, "stop_s": None,
                   "settings": {"workers": 4, "pending_bytes": 134217728, "log_level": 2, "parallel": "LOGICAL_CLOCK"},
                   "channels": channels, "pool": [], "executed_set": "f1c44e67-2b1c-11ef-8a01-0242ac110002:1-9120455", "holes": None,
                   "notes": []}
    return {"name": name, "endpoint": f"{name}:3306", "reachable": True, "looked": ago(seconds=2), "took_ms": 6, "error": None,
            "busy": None, "applier": applier, "lag_ms": 180, "gap_transactions": 0, "behind_transactions": 3, "journal": False,
            "observation": observation, **more}


def result(identifier, pause_ms=14, elapsed_ms=214000, size=84 << 30, **more):
    return {"id": identifier, "pause_ms": pause_ms, "wait_ms": 820, "in_flight_ms": max(0, pause_ms - 6), "gap_rounds": 1, "bytes": size,
            "stored_bytes": size // 4, "rows": size // 210, "elapsed_ms": elapsed_ms, "warnings": [], **more}


def run(number, snapshot, when, state="succeeded", kind="backup", seconds=214, **more):
    ended = None if state == "running" else stamp(when + datetime.timedelta(seconds=seconds))
    return {"id": f"r{number}", "kind": kind, "snapshot": snapshot, "instance": "db2", "trigger": "schedule", "due": stamp(when),
            "started": stamp(when), "ended": ended, "state": state, "exit": 0 if state == "succeeded" else None, "phase": None,
            "progress": None, "result": result(identity(when, number)) if state == "succeeded" and kind == "backup" else None,
            "error": None, **more}


def snapshot(name, on="db2", runs=(), **more):
    last = next((r for r in runs if r["snapshot"] == name and r["state"] != "running" and r["kind"] == "backup"), None)
    good = next((r for r in runs if r["snapshot"] == name and r["state"] == "succeeded" and r["kind"] == "backup"), None)
    proof = next((r for r in runs if r["snapshot"] == name and r["kind"] == "proof" and r["state"] != "running"), None)
    return {"name": name, "instance": on, "store": "vault", "schedule": "15 */4 * * *", "timezone": "Europe/Berlin", "paused": False,
            "next": ahead(hours=2, minutes=11), "next_proof": ahead(days=2), "missed": 0, "failures": 0, "waits_for": None, "running": None,
            "last": last, "last_success": good, "last_proof": proof, "newest_proven": ago(hours=30), "last_missed": None,
            "proof_schedule": "@weekly", **more}


def stored(count, every=datetime.timedelta(hours=4), seed=1):
    """Snapshots as a repository lists them, newest first."""
    dice = random.Random(seed)
    kept = []
    for number in range(count):
        when = now() - datetime.timedelta(minutes=109) - number * every
        growth = 1 - number / max(count, 1) * 0.35
        odd = dice.random()
        kept.append({"id": identity(when, number + 0x9f3a1c), "time": stamp(when), "bytes": int(21 * 2 ** 30 * growth * dice.uniform(0.97, 1.03)),
                     "pause_ms": int(dice.lognormvariate(2.7, 0.45)) + (dice.randrange(200, 900) if odd > 0.97 else 0),
                     "duration_ms": int(214000 * growth * dice.uniform(0.85, 1.25)), "encrypted": True, "partial": odd < 0.02,
                     "pinned": number == 17, "proven": stamp(when + datetime.timedelta(hours=1)) if number % 7 == 6 else None})
    return kept


def figure(*counted):
    limits = (10, 25, 50, 100, 250, 500, 1000, 2500, 10000, 60000)
    return {"buckets": [[le, sum(ms <= le for ms in counted)] for le in limits], "sum_ms": sum(counted), "count": len(counted)}


def counters():
    return {"pause": figure(12, 14, 9, 31, 880), "wait": figure(100, 820, 4000, 0, 0), "in_flight": figure(6, 8, 3, 25, 870),
            "duration": figure(214000, 201000, 222000, 190000, 230000), "proof": figure(900000),
            "runs": {"backup": {"succeeded": 5, "failed": 1, "cancelled": 0}, "expire": {"succeeded": 5, "failed": 0, "cancelled": 0},
                     "proof": {"succeeded": 1, "failed": 0, "cancelled": 0}},
            "missed": 1, "retries": 1, "bytes": 450971566080, "stored_bytes": 112742891520, "rows": 2147483647}


def agent(**more):
    return {"version": "0.1.0", "pid": 4711, "now": stamp(now()), "started": ago(days=12, hours=3),
            "config": {"file": "/etc/slackwater/slackwater.conf", "loaded": ago(days=12), "error": None}, "paused": False, "ready": True,
            "stopping": False, "proof_age_ms": None, **more}


def repository(snapshots, on="db2", **more):
    return {"store": "vault", "instance": on, "listed": ago(minutes=3), "error": None, "snapshots": snapshots, **more}


def _history():
    runs = []
    for number in range(12):
        when = now() - datetime.timedelta(minutes=109) - number * datetime.timedelta(hours=4)
        runs.append(run(400 - 2 * number, "shop", when))
        if number == 3:
            runs.append(run(399 - 2 * number, "shop", when - datetime.timedelta(minutes=50), kind="proof", seconds=1900))
    return runs


def calm():
    runs = _history()
    return {"agent": agent(), "instances": [instance("db2"), instance("db7", "mariadb", "10.11.6", channels=[channel("erp"), channel("web")])],
            "snapshots": [snapshot("shop", runs=runs), snapshot("erp", "db7", schedule="30 1 * * *", last=None, last_success=None, newest_proven=ago(hours=5))],
            "repositories": [repository(stored(60)), repository(stored(14, datetime.timedelta(days=1), 5), "db7")], "runs": runs,
            "counters": {"shop": counters(), "erp": counters()}}


def live():
    """A backup is running, in the middle of its data."""
    view = calm()
    running = run(402, "shop", now() - datetime.timedelta(seconds=96), "running",
                  phase={"area": "window", "name": "RUNNING", "text": "the applier runs again; the data are read through the views"},
                  progress={"area": "dump", "bytes_done": 38 << 30, "bytes_total": 84 << 30, "rows_done": 181_204_112, "rows_total": 402_000_000})
    view["runs"].insert(0, running)
    view["snapshots"][0].update(running="r402", next=ahead(hours=4))
    view["instances"][0]["busy"] = "r402"
    return view


def broken():
    """An applier that stopped with an error, a replica that cannot be reached, a backup that failed, a repository that cannot be listed."""
    view = calm()
    failed = run(404, "shop", now() - datetime.timedelta(minutes=22), "failed", seconds=2, exit=3,
                 error=error("preflight", 3, "the applier of channel \"\" is stopped by error 1062",
                             "slackwater recover says what it is waiting for"))
    view["runs"].insert(0, failed)
    view["instances"][0].update(applier="error", gap_transactions=4, lag_ms=1830000,
                                observation={**view["instances"][0]["observation"], "channels": [channel(gap=4, stopped=True, lag_ms=1830000)]})
    view["instances"][1].update(reachable=False, applier="unknown", lag_ms=None, gap_transactions=None, behind_transactions=None, observation=None,
                                looked=ago(minutes=14), error=error("server", 12, "cannot connect to db7:3306: Connection refused (111)",
                                                                    "is the server running, and does it listen on that address?"))
    view["snapshots"][0].update(last=failed, failures=3, missed=2, waits_for="retry in 4 min: the backup before has failed",
                                last_missed={"due": ago(hours=9), "why": "the replica was 2 h behind until the next due time"})
    view["agent"]["proof_age_ms"] = 24 * 3600 * 1000
    view["repositories"][1].update(error=error("store", 7, "s3://backups/db answered 403 AccessDenied", "the account needs s3:ListBucket"))
    view["agent"]["config"]["error"] = "/etc/slackwater/slackwater.conf:12: unknown key \"schedul\"; did you mean \"schedule\"?"
    return view


def empty():
    return {"agent": agent(started=ago(seconds=4)), "instances": [], "snapshots": [], "repositories": [], "runs": [], "counters": {}}


def many(count=1000):
    view = calm()
    view["repositories"][0]["snapshots"] = stored(count, datetime.timedelta(hours=1))
    return view


def hostile():
    """Names and texts that want to be markup, or a line of metrics."""
    view = broken()
    view["instances"][0]["name"] = view["snapshots"][0]["name"] = view["snapshots"][0]["instance"] = HOSTILE
    for text in (view["instances"][1]["error"], view["runs"][0]["error"], view["repositories"][1]["error"]):
        text.update(message=HOSTILE, hint=HOSTILE)
    view["instances"][0]["observation"]["channels"][0].update(name=HOSTILE, reasons=[HOSTILE])
    view["runs"][0].update(snapshot=HOSTILE, trigger=HOSTILE)
    view["repositories"][0]["snapshots"][0]["id"] = HOSTILE
    view["agent"]["config"]["error"] = view["agent"]["version"] = HOSTILE
    view["counters"] = {HOSTILE: counters()}
    return view
