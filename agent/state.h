/* SPDX-License-Identifier: Apache-2.0 */
/* state: the state directory as the verbs use it. A verb that logs in to a server finishes first what a dead run left open there. */
#pragma once

#include "app.h"
#include "slackwater/conn.h"
#include "slackwater/journal.h"

/* --state-dir, or the default; owned by the caller. */
enum status state_dir(const struct config *c, char **ret, struct error *err);
/* For verbs that only read, or log in to no server: a journal that may be a dead run's is told of, and what finishes it. */
void state_warn(struct app *app);
/* Start what a dead run had stopped (slackwater/journal.h); what was done and what was not is said in the log. */
enum status state_finish(struct app *app, const char *dir, const struct conn_options *server, struct error *err);
/*
 * The same for one of several servers, under a run of its own, whose events are not NULL, again and again: *last is what was found the last time (at
 * first zeroed, at the end to be freed) and becomes what is found now; only what is new is said.
 */
enum status state_finish_again(struct run *run, const char *dir, const struct conn_options *server, struct journal_report *last,
                               struct error *err);
