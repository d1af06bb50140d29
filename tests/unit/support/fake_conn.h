/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_conn: a connection that follows a script. It stands for a server in unit tests: the code under test must send exactly the
 * statements that are expected, in that order; an unexpected statement, and one that is left over when the connection is
 * freed, fails the test.
 *
 *     struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 90704);
 *     fake_conn_expect(c, "SHOW REPLICA STATUS");
 *     fake_conn_rows(c, "Channel_Name\tReplica_SQL_Running\n" "\tYes\n");
 *     fake_conn_expect_prefix(c, "STOP REPLICA SQL_THREAD");
 *     fake_conn_error(c, 1205, "Lock wait timeout exceeded");
 *     ... code under test ...
 *     conn_free(c);
 *
 * An expectation without an answer succeeds without rows. Errors are graded by the same table as a real server's; a lost session (2013 ...)
 * refuses everything after, and so does one whose streamed rows were freed before their end. While they are open any statement fails the test, as the
 * library would refuse it. Cells are freed by the next
 * call, so that ASan finds whoever keeps one. Once run is cancelled every call is ERR_INTERRUPTED, unless fake_conn_shield was said.
 */
#pragma once

#include "slackwater/conn.h"

/* Owned by the caller, freed by conn_free. server.flavor, .version, .uuid and .identity are set; more can be set in c->server. */
struct conn *fake_conn_new(struct run *run, enum flavor flavor, unsigned version);
void fake_conn_shield(struct conn *c); /* as if opened with CONN_SHIELDED */

void fake_conn_expect(struct conn *c, const char *sql);
void fake_conn_expect_prefix(struct conn *c, const char *sql);

/* What follows is about the expectation added last. */

/* A line of column names, then a line per row, tabs in between; in a cell \N is SQL NULL, \t \n \\ as usual. */
void fake_conn_rows(struct conn *c, const char *text);
/* Rows as the plain client prints them with -E (\G): "*** 1. row ***" before each, then "Name: value"; NULL is SQL NULL. */
void fake_conn_rows_vertical(struct conn *c, const char *text);
/* The statement fails, or with rows given before: fails after the last row. */
void fake_conn_error(struct conn *c, unsigned my_errno, const char *text);
void fake_conn_warnings(struct conn *c, unsigned count);
/* Called when the statement arrives, before it is answered: to advance a clock, to cancel, to add further expectations. */
void fake_conn_when(struct conn *c, void (*fn)(void *arg), void *arg);
/* The statement may come any number of times in a row, none included: for polling. It is over when another one comes. */
void fake_conn_any_times(struct conn *c);

/* Fail the test unless everything expected so far has come. */
void fake_conn_check(struct conn *c);

/*
 * For code that opens its connections itself: a test program that has FAKE_CONN_DEFINE_OPEN once at file level gets this conn_open,
 * which hands out in order what was queued; the queue must be empty in the end (fake_conn_check_queue).
 */
void fake_conn_queue(struct conn *c);
void fake_conn_queue_error(unsigned my_errno, const char *text);
void fake_conn_check_queue(void);
enum status fake_conn_next(struct conn **ret, unsigned flags, struct run *run, struct error *err);

#define FAKE_CONN_DEFINE_OPEN                                                                                              \
	enum status conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run,             \
	                      struct error *err)                                                                            \
	{                                                                                                                   \
		(void)o;                                                                                                    \
		return fake_conn_next(ret, flags, run, err);                                                                \
	}
