/* SPDX-License-Identifier: Apache-2.0 */
#include "alone.h"

#include <inttypes.h>
#include <stdlib.h>

#include "configure.h"
#include "gtids.h"
#include "links.h"
#include "rowcount.h"

static enum status say_gtids(struct seed_job *j, struct error *err)
{
	char *state = NULL;
	enum status st = seed_gtids_read(j->target, false, &state, err);
	if (!st && *state)
		st = strlist_addf(&j->report->held, err, "%s: %s", seed_gtids_variable(j->target->server.flavor, false), state);
	free(state);
	return st;
}

/* Where its data stand in the binary logs of sources that may turn up again. */
static enum status say_coordinates(struct seed_job *j, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->cp->nchannels; i++) {
		const struct checkpoint_channel *c = &j->cp->channel[i];
		if (c->coordinates == COORDINATES_PROVEN && c->exec_file && *c->exec_file)
			st = strlist_addf(&j->report->held, err, "%s: %s:%" PRIu64 " of the source %s:%u", seed_links_label(c->name), c->exec_file,
			                  c->exec_pos, c->source_host ? c->source_host : "?", c->source_port);
	}
	const struct checkpoint *cp = j->cp;
	if (!st && cp->log_bin && cp->binlog_file && *cp->binlog_file)
		st = strlist_addf(&j->report->held, err, "%s:%" PRIu64 " of the snapshotted server's own binary log", cp->binlog_file, cp->binlog_pos);
	return st;
}

/* On a replica they are switched off, and so they came. */
static enum status warn_events(struct seed_job *j, struct error *err)
{
	uint64_t n = 0;
	enum status st = conn_scalar_u64(j->target, "SELECT COUNT(*) FROM information_schema.events WHERE status NOT IN ('ENABLED', 'DISABLED')", &n, err);
	if (!st && n)
		seed_warn(j, "%" PRIu64 " events are disabled, as on a replica: ALTER EVENT ... ENABLE those that a source runs", n);
	return st;
}

enum status seed_alone(struct seed_job *j, struct error *err)
{
	event_state(j->run->events, "seed", "COUNTING", "there is no source to prove it with: every row is counted");
	enum status st = seed_rowcount(j->target, j->loader->ops->schemas(j->loader), j->manifest->rows, err);
	if (st && err->kind == ERR_NOT_PROVEN)
		error_hint(err, "the target is marked incomplete; seed it again with --replace");
	if (!st)
		st = seed_configure_apply(j, err);
	if (!st)
		st = say_gtids(j, err);
	if (!st)
		st = say_coordinates(j, err);
	return st ? st : warn_events(j, err);
}
