/* SPDX-License-Identifier: Apache-2.0 */
#include "exitcode.h"

#include <errno.h>
#include <signal.h>

static const struct exitcode table[] = {
	{ ERR_NONE, 0, "none", "done" },
	{ ERR_UNEXPECTED, 1, "unexpected", "unexpected: a defect, or the operating system refused something" },
	{ ERR_USAGE, 2, "usage", "usage: wrong option or argument" },
	{ ERR_PREFLIGHT, 3, "preflight", "refused beforehand or cannot log in; nothing was touched" },
	{ ERR_NO_QUIET, 4, "no-quiet-moment", "no quiet moment before the deadline; the applier is as it was" },
	{ ERR_APPLIER, 5, "applier", "the applier is broken, or a gap cannot be closed" },
	{ ERR_INCONSISTENT, 6, "inconsistent", "consistency cannot be proven: other writers, DDL retries exhausted" },
	{ ERR_STORE, 7, "store", "store, transfer or local disk" },
	{ ERR_SNAPSHOT, 8, "snapshot", "the snapshot is missing or damaged" },
	{ ERR_SEED_REFUSED, 9, "seed-refused", "seeding was refused before anything was loaded" },
	{ ERR_NOT_PROVEN, 10, "not-proven", "the seeded replica, or the snapshot, could not be proven" },
	{ ERR_BUSY, 11, "busy", "another run holds this instance" },
	{ ERR_SERVER, 12, "server", "the server was lost, or a statement failed midway" },
	{ ERR_INTERRUPTED, 128, "interrupted", "interrupted by signal n: 130 SIGINT, 143 SIGTERM, 129 SIGHUP" },
};

const struct exitcode *exitcode_table(size_t *ret_n)
{
	*ret_n = sizeof table / sizeof table[0];
	return table;
}

const struct exitcode *exitcode_find(enum error_kind kind)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].kind == kind)
			return &table[i];
	return &table[ERR_UNEXPECTED];
}

int exitcode_of(enum error_kind kind, int signo)
{
	const struct exitcode *e = exitcode_find(kind);
	if (e->kind == ERR_INTERRUPTED)
		return e->code + (signo > 0 ? signo : SIGINT);
	return e->code;
}

enum error_kind exitcode_of_place(int reason)
{
	static const int busy[] = { EADDRINUSE, EADDRNOTAVAIL, ENETDOWN, ENETUNREACH, ENOBUFS, ENOMEM, EMFILE, ENFILE, EAGAIN };
	static const int store[] = { ENOENT, ENOSPC, EDQUOT, EIO, EROFS, ESTALE, ENODEV, ENXIO, ETIMEDOUT };
	for (size_t i = 0; i < sizeof busy / sizeof busy[0]; i++)
		if (reason == busy[i])
			return ERR_BUSY;
	for (size_t i = 0; i < sizeof store / sizeof store[0]; i++)
		if (reason == store[i])
			return ERR_STORE;
	return ERR_USAGE;
}
