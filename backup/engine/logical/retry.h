/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry: --ddl retry holds no lock on tables that wait to be read. When a session comes to a table it takes its lock and proves that it
 * still is the table of the window. InnoDB itself refuses a table that was altered since (1412), but not one that was swapped in under the
 * same name, as online schema change tools do: that one is told by InnoDB's table ids.
 */
#pragma once

#include "fingerprint.h"
#include "session.h"

struct retry_list { struct retry_known *item; size_t n, cap; };

struct retry {
	struct fingerprint captured;
	struct retry_list window;    /* InnoDB's tables as they were then */
	pthread_mutex_t lock;        /* of what follows: all sessions look at it */
	struct retry_list latest;    /* as they were when somebody looked last ... */
	struct fingerprint since;    /* ... which was right behind this */
	bool exact;                  /* latest holds for as long as `since` does: no DDL was running */
};

void retry_init(struct retry *r);
void retry_clear(struct retry *r); /* forgets everything; it may be used again */
void retry_free(struct retry *r);
/* While the fingerprint proves that nothing has changed since the window. */
enum status retry_remember(struct retry *r, struct conn *c, const struct fingerprint *captured, struct error *err);
/* dump.h's arrive; arg is the struct retry. */
enum status retry_arrive(void *arg, struct session *s, const struct task *k, struct error *err);
