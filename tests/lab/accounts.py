# SPDX-License-Identifier: Apache-2.0
"""The accounts of a lab, with the least rights the README promises to be enough, and option files that hold them."""
from .server import REPLICATION, MariaDB, MySQL56, MySQL97

BACKUP = ("backup", "backup-pw-2")      # reads a replica and stops and starts its applier
SEEDER = ("seeder", "seeder-pw-3")      # fills an empty server and makes it a replica

# What backing up needs, per server, on *.*
BACKUP_RIGHTS = {
    MariaDB: "SELECT, PROCESS, SHOW VIEW, TRIGGER, EVENT, BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN",
    MySQL97: "SELECT, PROCESS, SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE, REPLICATION CLIENT, REPLICATION_SLAVE_ADMIN, "
             "BACKUP_ADMIN, XA_RECOVER_ADMIN",
    MySQL56: "SELECT, PROCESS, SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE, SUPER",
}


def _statements(flavour, account, rights, option=""):
    user, password = account
    if flavour is MySQL56:      # has no CREATE USER with a hash of its own choice, and GRANT creates
        return [f"GRANT {rights} ON *.* TO '{user}'@'%' IDENTIFIED BY '{password}'{option}"]
    return [f"CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'", f"GRANT {rights} ON *.* TO '{user}'@'%'{option}"]


def statements_for_source(flavour):
    return [*_statements(flavour, REPLICATION, "REPLICATION SLAVE, REPLICATION CLIENT"),
            *_statements(flavour, BACKUP, BACKUP_RIGHTS[flavour])]


def create_on_source(source):
    """The replication account and the backup account; they reach every replica by replication, as in real life."""
    source.sql(*statements_for_source(type(source)))


def create_on_target(target):
    """Someone who may do everything on a server that is still empty, without a trace in its binary log."""
    # ALL PRIVILEGES does not hold PROXY, which root has and which therefore is among the accounts of a snapshot
    anybody = "''@'%'" if isinstance(target, MariaDB) else "''@''"
    target.local(*_statements(type(target), SEEDER, "ALL PRIVILEGES", " WITH GRANT OPTION"),
                 f"GRANT PROXY ON {anybody} TO '{SEEDER[0]}'@'%' WITH GRANT OPTION")


def option_file(path, server, account, source_account=None, groups=None, **more):
    """An option file in the form DBAs keep: [client], and other accounts in groups of their own."""
    user, password = account
    lines = ["[client]", "host=127.0.0.1", f"port={server.port}", f"user={user}", f"password={password}"]
    lines += [f"{key.replace('_', '-')}={value}" for key, value in more.items()]
    groups = dict(groups or {})
    if source_account:
        groups["slackwater-source"] = source_account
    for group, (name, secret) in groups.items():
        lines += [f"[{group}]", f"user={name}", f"password={secret}"]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    return path
