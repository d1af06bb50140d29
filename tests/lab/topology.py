# SPDX-License-Identifier: Apache-2.0
"""A source (or two) with a replica whose parallel applier is kept busy, and servers to be seeded."""
import itertools
import re

from . import accounts, proc
from .load import SCHEMAS, Load
from .server import MariaDB, MySQL56

_numbers = itertools.count(1)


class Topology:
    """Sources and a replica of theirs, one channel each. With several, each writes schemas of its own."""

    def __init__(self, flavour, channels=("",), gtid=None, replica=None, source=None, domains=()):
        self.flavour = flavour
        self.gtid = flavour is not MySQL56 if gtid is None else gtid
        self.domains = domains
        number = next(_numbers)
        self.sources = {channel: flavour(f"source{index}-{number}", **(source or {})) for index, channel in enumerate(channels)}
        if flavour is MariaDB and len(channels) > 1:        # whose numbers would collide in one domain
            for domain, each in enumerate(self.sources.values()):
                each.options["gtid_domain_id"] = domain
        self.replica = flavour(f"replica-{number}", **(replica or {}))
        self.others = []

    @property
    def source(self):
        return next(iter(self.sources.values()))

    @property
    def channel(self):
        return next(iter(self.sources))

    def start(self):
        for server in (*self.sources.values(), self.replica):
            server.start()
        for channel, source in self.sources.items():
            if source is self.source:
                accounts.create_on_source(source)
            else:       # the accounts of the first source would collide with its own on the common replica
                source.sql("SET SESSION sql_log_bin=0", *accounts.statements_for_source(self.flavour))
            self.replica.follow(source, channel, gtid=self.gtid)
        self._populate()
        return self

    def _populate(self):
        """The tables of the load, with a few rows in each, on both sides."""
        for load in self.loads(rate=400):
            with load:
                load.wait_written(100)
        self.wait_caught_up()

    def schemas(self, channel=None):
        """The schemas that one source writes."""
        channel = self.channel if channel is None else channel
        index = list(self.sources).index(channel)
        return SCHEMAS if index == 0 else tuple(f"{s}_{index}" for s in SCHEMAS)

    def loads(self, **settings):
        """The write load of every source; the rate is divided among them."""
        rate = settings.pop("rate", 160) / len(self.sources)
        return [Load(source, schemas=self.schemas(channel), rate=rate, domains=self.domains, **settings)
                for channel, source in self.sources.items()]

    def wait_caught_up(self, replica=None, seconds=90):
        for channel, source in self.sources.items():
            (replica or self.replica).wait_caught_up(source, seconds, channel)

    def target(self, **options):
        """A running, empty server to be seeded. It filters and applies as the replica does."""
        server = self.flavour(f"target-{next(_numbers)}", **{**self.replica.options, **options}).start()
        accounts.create_on_target(server)
        self.others.append(server)
        return server

    def drop(self, server):
        self.others.remove(server)
        server.discard()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_exception):
        for server in (*self.others, self.replica, *self.sources.values()):
            server.discard()


class Loads:
    """Several loads as one context, with what a test asks of them."""

    def __init__(self, topology, **settings):
        self.loads = topology.loads(**settings)

    def __enter__(self):
        for load in self.loads:
            load.start()
        return self

    def __exit__(self, kind, *exception):
        for load in self.loads:
            load.__exit__(kind, *exception)

    def wait_written(self, more, seconds=60):
        for load in self.loads:
            load.wait_written(max(1, more // len(self.loads)), seconds)

    def stop(self):
        return sum(load.stop() for load in self.loads)


def errant(replica, sources):
    """Transactions in the replica's binary log or GTID state that none of its sources wrote; '' if there are none."""
    sources = list(sources)
    if isinstance(replica, (MariaDB, MySQL56)) or replica.variable("gtid_mode") == "OFF":
        known = {s.server_id for s in sources}
        found = []
        for log in replica.sql("SHOW BINARY LOGS"):
            for event in replica.sql(f"SHOW BINLOG EVENTS IN '{log['Log_name']}'"):
                if event["Server_id"] not in known and event["Event_type"] in ("Query", "Gtid", "Anonymous_Gtid", "Xid"):
                    found.append(f"{log['Log_name']}:{event['Pos']} {event['Event_type']} {event['Info']}")
        return "; ".join(found)
    left = replica.variable("gtid_executed")
    for source in sources:
        left = replica.value(f"SELECT GTID_SUBTRACT('{left}', '{source.variable('gtid_executed')}')")
    return left


# ---- moving a checkpoint by one transaction --------------------------------------------------------------------------

def boundaries(source, file):
    """Where each transaction of a binary log begins, and where the last one ends."""
    starts, inside, end = [], False, 4
    events = source.sql(f"SHOW BINLOG EVENTS IN '{file}'")
    marked = any(e["Event_type"] in ("Gtid", "Anonymous_Gtid") for e in events)
    for event in events:
        kind, info, end = event["Event_type"], event["Info"], event["End_log_pos"]
        if marked:
            if kind in ("Gtid", "Anonymous_Gtid"):
                starts.append(event["Pos"])
        elif kind == "Query" and not inside:
            starts.append(event["Pos"])
            inside = info == "BEGIN"
        elif kind == "Xid" or (kind == "Query" and info in ("COMMIT", "ROLLBACK")):
            inside = False
    return starts + [end]


def _moved_position(source, file, pos, by):
    places = boundaries(source, file)
    assert pos in places, f"{file}:{pos} is not where a transaction begins: {places[-5:]}"
    return places[places.index(pos) + by]


def _moved_set(text, uuid, by):
    pattern = re.compile(rf"({re.escape(uuid)}:1-)(\d+)(?=$|[,'\n])", re.I)
    assert len(pattern.findall(text)) == 1, f"{uuid} is not there as one interval: {text}"
    return pattern.sub(lambda m: m.group(1) + str(int(m.group(2)) + by), text)


def moved(statements, source, by, domain=0):
    """The statements that configure a seed, with the checkpoint of one source moved by `by` transactions."""
    if by == 0:
        return statements
    result, count = [], 0
    for statement in statements:
        original = statement
        if re.search(r"gtid_purged", statement, re.I):
            statement = _moved_set(statement, source.uuid(), by)
        elif re.search(r"gtid_slave_pos\s*=\s*'", statement, re.I):
            statement = re.sub(rf"(['\s,]{domain}-\d+-)(\d+)", lambda m: m.group(1) + str(int(m.group(2)) + by), statement)
        else:
            match = re.search(r"_LOG_FILE\s*=\s*'([^']+)'.*?_LOG_POS\s*=\s*(\d+)", statement, re.I | re.S)
            if match and f"{source.port}" in statement:
                new = _moved_position(source, match.group(1), int(match.group(2)), by)
                statement = statement[:match.start(2)] + str(new) + statement[match.end(2):]
        count += statement != original
        result.append(statement)
    assert count, f"no statement holds the checkpoint of {source.name}: {statements}"
    return result


def configure(target, statements, account):
    """Run the statements that `seed --no-start` printed; the password, which it never prints, is put in again."""
    for statement in statements:
        statement = re.sub(r"(_PASSWORD\s*=\s*)'[^']*'", rf"\g<1>'{account[1]}'", statement, flags=re.I)
        target.sql(statement)


def fate(target, topology, seconds=90):
    """What becomes of a replica: the error it stops with, or '' once it has caught up with everything."""
    def over():
        for channel, source in topology.sources.items():
            if target.status(channel).get("Last_SQL_Errno") or target.status(channel).get("Last_IO_Errno") in (1236, 13114):
                return target.trouble(channel)
        if all(target.applied(source.committed(), channel) for channel, source in topology.sources.items()):
            return "caught up"
        return None
    outcome = proc.wait_until(over, seconds, lambda: f"{target.name} to fail or to catch up: {target.status()}")
    return "" if outcome == "caught up" else outcome
