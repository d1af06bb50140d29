/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_session: one session that loads. Nothing it does reaches the target's binary log: a seed that logged its own load would
 * have transactions that no source knows.
 */
#pragma once

#include "slackwater/conn.h"

/* run must outlive it. */
enum status load_session_open(const struct conn_options *target, struct run *run, struct conn **ret, struct error *err);
/*
 * One statement; a warning is an error: of rows every one but deprecations, with ddl those that mean another definition. *ret_rows (may be
 * NULL) is what the server says it put in. `what` names the entry in errors: statements hold data and are not quoted.
 */
enum status load_session_exec(struct conn *c, const char *sql, size_t len, bool ddl, const char *what, uint64_t *ret_rows,
                              struct error *err);
enum status load_session_use(struct conn *c, const char *schema, struct error *err);
