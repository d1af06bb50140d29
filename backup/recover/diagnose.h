/* SPDX-License-Identifier: Apache-2.0 */
/* diagnose: from what a server says of a channel to findings. Pure: no server. */
#pragma once

#include "applier/channels.h"
#include "applier/gaps.h"
#include "slackwater/recover.h"

/* One channel as it was seen. Everything is borrowed. */
struct recover_view {
	const struct instance *in;
	const struct channel *ch;
	const struct gap *gap;
	const char *holes;            /* GTIDs that nobody has received and that are this channel's to fetch; NULL = none */
	size_t domains;               /* MariaDB: how many GTID domains have been applied */
	const struct strlist *hit;    /* what the server says of each worker that failed, one line each */
	const char *gaps_unreadable;  /* why gaps could not be looked for; NULL = they were */
};

struct recover_findings {
	struct recover_finding *item;
	size_t n;
};
void recover_finding_free(struct recover_finding *f); /* what is inside */
void recover_findings_free(struct recover_findings *f);

/* Appends at most one finding about the applier and one about the receiver; none: the channel is healthy. */
enum status recover_diagnose(const struct recover_view *v, struct recover_findings *ret, struct error *err);
/* Which channel is to fetch these holes: best the one whose source wrote them, best by auto-position. NULL = none goes by GTIDs. */
const struct channel *recover_fetcher(const struct channels *ch, const char *holes);

/* steps.c: the statements of a step, as they are sent and as a person would type them; and of these the START alone. */
void recover_step_statements(const struct server_info *s, const struct channel *ch, enum recover_step step, struct buf *out);
void recover_start_statement(const struct server_info *s, const struct channel *ch, enum recover_step step, struct buf *out);
