/* SPDX-License-Identifier: Apache-2.0 */
/* task: what the steps of a recovery share. */
#pragma once

#include "recover/diagnose.h"
#include "slackwater/claim.h"

/* A START that the server refused: some show nothing of it in the status (MariaDB, 1201 [run 10.11.19]). */
struct recover_refusal {
	char *channel;
	unsigned my_errno;
	char *text;
};

struct recover_task {
	const struct recover_options *o;
	struct run *run;               /* the caller's: may be cancelled at any time */
	struct run shield;             /* for a STOP that needs its START */
	struct recover_report *report;
	char *state_dir;
	struct claim *claim;           /* NULL until something is repaired */
	struct conn *c;
	int64_t deadline_ms;           /* monotonic; set with the claim */
	int64_t started_ms;            /* ... when the last START was sent */

	/* As last looked at. */
	struct instance in;
	struct channels ch;
	struct gaps gaps;
	char *gaps_unreadable;
	struct strlist *hit;           /* one per channel */
	size_t domains;
	struct recover_refusal refused; /* the last one; channel NULL = none */
};

enum status recover_task_open(struct recover_task *j, const struct recover_options *o, struct run *run,
                             struct recover_report *report, struct error *err);
void recover_task_close(struct recover_task *j);

/* What a dead run of ours left open is finished first. */
enum status recover_journal(struct recover_task *j, struct error *err);

/* look.c: read everything anew. */
enum status recover_look(struct recover_task *j, struct error *err);
/* From now on a channel that is stopped without an error has this one, as some servers say it only to whoever sends the START. */
enum status recover_refused(struct recover_task *j, const char *channel, const struct error *why, struct error *err);

/* merge.c: lay what was found now over what the report has: new findings are added, those that are no longer met are RECOVER_GONE. */
enum status recover_merge(struct recover_task *j, struct recover_findings *now, struct error *err);
/* Was something left open on this channel that it does not show while it runs? */
bool recover_unsettled(const struct recover_report *r, const char *channel);
/* The next finding to be repaired, with consent where it is needed; NULL = none. */
struct recover_finding *recover_wanted(struct recover_task *j);
/* Ask about what needs consent; asked once for each. */
enum status recover_ask(struct recover_task *j, struct error *err);
/* ERR_APPLIER with the weightiest finding that is not repaired; ST_OK when there is none. */
enum status recover_verdict(const struct recover_task *j, struct error *err);

/* repair.c: outcome and result of f are set. An error is one that ends the run: the server lost, a right missing, cancelled. */
enum status recover_repair(struct recover_task *j, struct recover_finding *f, struct error *err);

/* closure.c: until what was missing is applied: gap and holes as they were. Appends what was seen to out. */
enum status recover_wait_closed(struct recover_task *j, const char *channel, const struct gap *was, const char *holes,
                                struct buf *out, struct error *err);

/* origin.c: does the source of ch still have all that is missing here? Asked of the source itself, with the same account; ERR_APPLIER if not. */
enum status recover_source_has_all(struct recover_task *j, const struct channel *ch, struct error *err);
