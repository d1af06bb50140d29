/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: --ddl retry holds no lock on tables that wait to be read. When a session comes to a table it takes its lock and proves that it
 * still is the table of the window. InnoDB itself refuses a table that was altered since (1412), but not one that was swapped in under the
 * same name, as online schema change tools do: that one is told by InnoDB's table ids.
 */
#pragma once

#include "fingerprint.h"
#include "session.h"

struct retry {
	struct fingerprint captured;
	struct { char *name; uint64_t ids; } *known; /* "db/table" as InnoDB spells it: a digest of its ids, one per partition */
	size_t n;
};

/* While the fingerprint proves that nothing has changed since the window. */
enum status retry_remember(struct retry *r, struct conn *c, const struct fingerprint *captured, struct error *err);
/* dump.h's arrive; arg is the struct retry. */
enum status retry_arrive(void *arg, struct session *s, const struct task *k, struct error *err);
void retry_clear(struct retry *r);
