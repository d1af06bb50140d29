# SPDX-License-Identifier: Apache-2.0
"""The whole job on servers of its own, each command shown as it is run: what packaging/quickstart.sh ends with."""
import json
import shlex
import subprocess
import sys

from . import accounts, bulk, compare, place, proc, tool
from .server import REPLICATION, MariaDB
from .topology import Loads, Topology

MEGABYTES = 150


def say(text):
    print(f"\n== {text}", flush=True)


def slackwater(*arguments):
    """Run it with its own output on the terminal; returns the JSON document of a command that was given --json."""
    arguments = [str(a) for a in arguments]
    print("$ slackwater " + " ".join(shlex.quote(a) for a in arguments), flush=True)
    child = proc.spawn([tool.BINARY, *arguments], stdout=subprocess.PIPE if "--json" in arguments else None, text=True)
    out, _ = child.communicate()
    proc.end(child)
    if child.returncode:
        sys.exit(f"slackwater ended with {child.returncode}")
    return json.loads(out) if out else None


def seconds(ms):
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms} ms"


def main():
    proc.end_on_signals()
    directory = place.run_dir()
    say("a source and a replica with 4 parallel workers (MariaDB 10.11), 150 transactions a second, "
        f"and {MEGABYTES} MB that were there before")
    with Topology(MariaDB) as lab, Loads(lab, rate=150) as loads:
        bulk.fill(lab.source, "depot", "goods", MEGABYTES)
        loads.wait_written(200)
        replica = accounts.option_file(directory / "replica.cnf", lab.replica, accounts.BACKUP)
        target = lab.target()
        seeded = accounts.option_file(directory / "new.cnf", target, accounts.SEEDER, source_account=REPLICATION)

        say("would a backup of the replica work?")
        slackwater("check", f"--defaults-file={replica}")
        say("take it, under load")
        taken = slackwater("backup", f"--defaults-file={replica}", "--to", f"file://{directory}/repository", "--json")
        slackwater("list", "--from", f"file://{directory}/repository")
        say("seed a second replica from it, under load")
        seed = slackwater("seed", f"--defaults-file={seeded}", "--from", f"file://{directory}/repository", "--source",
                          f"127.0.0.1:{lab.source.port}", "--source-user", REPLICATION[0], "--json")

        say("let the load go on, end it, and compare")
        loads.wait_written(300)
        loads.stop()
        lab.wait_caught_up()
        lab.wait_caught_up(target)
        different = compare.differences(lab.source, target) + compare.differences(lab.replica, target)
        if different:
            sys.exit("\n".join(different))
        rows = compare.rows(target)
        report(taken, seed, rows)


def report(taken, seed, rows):
    rate = taken["bytes"] / 1e6 / max(taken["elapsed_ms"] / 1000, 0.001)
    print(f"\npause      {taken['pause_ms']} ms in which the replica's applier stood still")
    print(f"size       {taken['bytes'] / 1e6:.0f} MB of SQL, {taken['rows']} rows, {taken['bytes_stored'] / 1e6:.0f} MB stored")
    print(f"rate       {rate:.0f} MB/s, {seconds(taken['elapsed_ms'])} in all")
    print(f"catch-up   {seconds(seed['catch_up_ms'])} for {seed['backlog']} transactions, after a load of {seconds(seed['load_ms'])}")
    print(f"identical  {len(rows)} tables, {sum(rows.values())} rows on source, replica and seed")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
