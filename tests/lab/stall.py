# SPDX-License-Identifier: Apache-2.0
"""A dump into a pipe whose reader takes two megabytes and then nothing for a long time."""
import os
import threading
import time

from . import bulk, place, tool
from .server import MariaDB
from .topology import Topology

MEGABYTES = 110     # more than what may be queued between the dump and its reader

# A server whose own limits are as tight as anybody's; a backup's sessions set theirs themselves.
_TIGHT = ["SET GLOBAL net_write_timeout=3", "SET GLOBAL net_read_timeout=3", "SET GLOBAL wait_timeout=5", "SET GLOBAL interactive_timeout=5"]
_TIGHT_MARIADB = ["SET GLOBAL idle_transaction_timeout=4", "SET GLOBAL idle_readonly_transaction_timeout=4", "SET GLOBAL max_statement_time=5"]
_TIGHT_MYSQL = ["SET GLOBAL max_execution_time=4000"]


class Stall(threading.Thread):
    """As a context: begins on entry, with servers of its own. `lasted` is for how many seconds nothing was read."""

    def __init__(self, flavour, seconds):
        super().__init__(daemon=True)
        self.lab = Topology(flavour)
        self.seconds, self.lasted = seconds, 0
        self.path = place.run_dir() / f"stalled-{flavour.flavour}.tar"

    def __enter__(self):
        lab = self.lab.__enter__()
        bulk.fill(lab.source, "depot", "goods", MEGABYTES)
        lab.wait_caught_up()
        lab.replica.local(*_TIGHT, *(_TIGHT_MARIADB if lab.flavour is MariaDB else _TIGHT_MYSQL))
        self.read_end, write_end = os.pipe()
        self.running = tool.start_backup(lab.replica, "-", "--chunk-size", "1M", stdout=write_end, outlives_test=True)
        os.close(write_end)
        self.start()
        return self

    def run(self):
        total = 0
        with open(self.read_end, "rb", buffering=0) as source, open(self.path, "wb") as copy:
            while block := source.read(65536):
                copy.write(block)
                total += len(block)
                if total >= 2 << 20 and not self.lasted:
                    begun = time.monotonic()
                    threading.Event().wait(self.seconds)
                    self.lasted = time.monotonic() - begun

    def __exit__(self, *exception):
        self.lab.__exit__(*exception)
