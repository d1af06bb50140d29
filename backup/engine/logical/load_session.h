/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_session: one session that loads. Nothing it does reaches the target's binary log: a seed that logged its own load would
 * have transactions that no source knows.
 */
#pragma once

#include "slackwater/conn.h"

/*
 * Let c take a TIMESTAMP without a DEFAULT for what it says. SHOW CREATE TABLE spells out every default that a server with explicit_defaults_for_timestamp = OFF
 * has made up, so ON reads the definitions of both rightly. *ret_explicit false: the target has it OFF, and it can only be set in its configuration (1238:
 * MySQL 5.6 and early 5.7, MariaDB before 10.5.17, 10.6.9, 10.8.4).
 */
enum status load_session_timestamps(struct conn *c, bool *ret_explicit, struct error *err);
/* run must outlive it. */
enum status load_session_open(const struct conn_options *target, struct run *run, struct conn **ret, struct error *err);
/*
 * One statement; a warning is an error: of rows every one but deprecations, with ddl those that mean another definition. *ret_rows (may be
 * NULL) is what the server says it put in. `what` names the entry in errors: statements hold data and are not quoted.
 */
enum status load_session_exec(struct conn *c, const char *sql, size_t len, bool ddl, const char *what, uint64_t *ret_rows,
                              struct error *err);
enum status load_session_use(struct conn *c, const char *schema, struct error *err);
