# SPDX-License-Identifier: Apache-2.0
"""What became of every due time of a schedule, from the agent's history and its log."""
import dataclasses
import datetime
import re

_DROPPED = re.compile(r'snapshot=(\S+) msg="backup due (\S+?)Z is dropped(, with those before it)?: (.*?)"$', re.M)


def seconds(text):
    return datetime.datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=datetime.timezone.utc).timestamp()


@dataclasses.dataclass
class Ledger:
    due: int = 0
    succeeded: int = 0
    failed: int = 0         # run, and never with success
    dropped: int = 0
    unexplained: list = dataclasses.field(default_factory=list)
    twice: list = dataclasses.field(default_factory=list)

    def __str__(self):
        return f"{self.due} due times: {self.succeeded} succeeded, {self.failed} failed, {self.dropped} dropped with a reason, " \
               f"{len(self.unexplained)} unexplained"


def account(runs, log, snapshot, every, begin, end):
    """Of a schedule "@every N" between two moments; those still to come at its end are none."""
    ledger = Ledger()
    states = {}
    for run in runs:
        if run["kind"] == "backup" and run["snapshot"] == snapshot and run["due"]:
            states.setdefault(round(seconds(run["due"])), []).append(run["state"])
    drops = [(round(seconds(when)), bool(before)) for name, when, before, _why in _DROPPED.findall(log) if name == snapshot]
    for due in range(int(begin // every + 1) * every, int(end) + 1, every):
        ledger.due += 1
        if due in states:
            ledger.succeeded += "succeeded" in states[due]
            ledger.failed += "succeeded" not in states[due]
            if states[due].count("succeeded") > 1:
                ledger.twice.append(due)
        elif any(when == due or (before and due < when and not any(due < other < when for other in states)) for when, before in drops):
            ledger.dropped += 1
        else:
            ledger.unexplained.append(datetime.datetime.fromtimestamp(due, datetime.timezone.utc).isoformat())
    return ledger
