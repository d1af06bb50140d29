/* SPDX-License-Identifier: Apache-2.0 */
/* Following the relay log from where the applier stands to the next transaction, the source's coordinates alongside. */
#include <inttypes.h>
#include <string.h>

#include "applier/logname.h"
#include "applier/proof.h"
#include "applier/relaylog.h"

enum { BATCH = 32, BATCH_FAR = 1000, FAR_EVENTS = 4000, LENGTH_TRIES = 10, ER_ERROR_WHEN_EXECUTING_COMMAND = 1220 };

struct look {
	struct proof_next *n;
	uint64_t own_id;
	const struct gtid_pos *slave_pos; /* NULL = stop at the first transaction */
	uint64_t events;
	bool fresh_file; /* the cursor is at the head of one of the source's files */
};

void proof_next_free(struct proof_next *n)
{
	buf_free(&n->gtid);
	buf_free(&n->relay_file);
	buf_free(&n->source_file);
	buf_free(&n->why);
	buf_free(&n->executed);
}

static void set(struct buf *b, const char *s)
{
	buf_clear(b);
	buf_adds(b, s);
}

static void contradict(struct proof_next *n, const struct relaylog_event *e, uint64_t start)
{
	if (!n->why.len)
		buf_addf(&n->why, "%s at %s:%" PRIu64 " of the relay log begins at %s:%" PRIu64 ", but what is before it ended at %" PRIu64,
		         e->type, e->file, e->pos, buf_str(&n->source_file), start, n->source_pos);
}

/* Made-up Rotate events (End_log_pos 0) say where the next events come from; real ones have a place of their own. */
static void on_rotate(struct look *l, const struct relaylog_event *e)
{
	struct proof_next *n = l->n;
	struct buf file = BUF_INIT(4096);
	uint64_t pos = 0;
	if (relaylog_rotate_to(e->info, &file, &pos)) {
		uint64_t start = e->length ? e->end_pos - e->length : 0;
		if (e->end_pos && start && start != n->source_pos)
			contradict(n, e, start);
		if (!e->end_pos && (logname_compare(buf_str(&file), buf_str(&n->source_file)) || pos != n->source_pos))
			n->jumped = true;
		set(&n->source_file, buf_str(&file));
		n->source_pos = pos;
		l->fresh_file = pos == 4;
	}
	buf_free(&file);
}

static void on_head(struct look *l, const struct relaylog_event *e)
{
	if (e->end_pos && e->length && e->end_pos - e->length == l->n->source_pos)
		l->n->source_pos = e->end_pos;
}

static void on_first(struct look *l, const struct relaylog_event *e, enum relaylog_kind kind)
{
	struct proof_next *n = l->n;
	n->found = true;
	n->relay_pos = e->pos;
	set(&n->relay_file, e->file);
	if (kind == RELAYLOG_GTID)
		relaylog_gtid(e, &n->gtid);
	n->start = e->length && e->end_pos > e->length ? e->end_pos - e->length : 0;
	/* Heads of files are not all passed on by the receiver: behind one a transaction may begin later than where the file begins. */
	if (n->start && n->start != n->source_pos && !(l->fresh_file && n->start > n->source_pos))
		contradict(n, e, n->start);
}

/* Behind the first one: has any of them been executed already? */
static void on_later(struct look *l, const struct relaylog_event *e, enum relaylog_kind kind)
{
	struct buf text = BUF_INIT(256);
	struct gtid_pos one = { 0 };
	if (kind != RELAYLOG_GTID || l->n->executed.len)
		return;
	relaylog_gtid(e, &text);
	if (!gtid_pos_parse(buf_str(&text), &one, NULL) && one.n == 1) {
		const struct gtid_triple *have = gtid_pos_domain(l->slave_pos, one.item[0].domain);
		if (have && have->seq >= one.item[0].seq)
			buf_adds(&l->n->executed, buf_str(&text));
	}
	gtid_pos_free(&one);
	buf_free(&text);
}

static enum status look_at(void *arg, const struct relaylog_event *e, bool *stop, struct error *err)
{
	struct look *l = arg;
	enum relaylog_kind kind = relaylog_kind(e, l->own_id);
	(void)err;
	l->events++;
	if (!l->n->found) {
		set(&l->n->relay_file, e->file);
		l->n->relay_pos = e->pos + e->length;
	}
	if (kind == RELAYLOG_ROTATE && !l->n->found)
		on_rotate(l, e);
	else if (kind == RELAYLOG_HEAD && !l->n->found)
		on_head(l, e);
	else if (kind == RELAYLOG_GTID || kind == RELAYLOG_OTHER) {
		if (!l->n->found)
			on_first(l, e, kind);
		if (l->slave_pos)
			on_later(l, e, kind);
	}
	*stop = l->n->found && (!l->slave_pos || l->n->executed.len || l->events >= FAR_EVENTS);
	return ST_OK;
}

static void begin(struct proof_next *n, const struct checkpoint_channel *cp)
{
	proof_next_free(n);
	*n = (struct proof_next){ .gtid = BUF_INIT(4096), .relay_file = BUF_INIT(4096), .source_file = BUF_INIT(4096),
		                  .why = BUF_INIT(4096), .executed = BUF_INIT(256), .relay_pos = cp->relay_pos,
		                  .source_pos = cp->exec_pos };
	buf_adds(&n->relay_file, cp->relay_file ? cp->relay_file : "");
	buf_adds(&n->source_file, cp->exec_file ? cp->exec_file : "");
}

static enum status once(struct conn *c, const struct checkpoint_channel *cp, const struct gtid_pos *slave_pos,
                        struct proof_next *n, struct error *err)
{
	struct error why = ERROR_INIT;
	struct look l = { .n = n, .own_id = c->server.server_id, .slave_pos = slave_pos };
	bool ended;
	begin(n, cp);
	enum status st = relaylog_walk(c, cp->name, cp->relay_file, cp->relay_pos, slave_pos ? BATCH_FAR : BATCH, look_at, &l,
	                               &ended, &why);
	if (st && why.my_errno == ER_ERROR_WHEN_EXECUTING_COMMAND) {
		n->unreadable = true;
		buf_clear(&n->why);
		buf_adds(&n->why, why.message);
		return ST_OK;
	}
	if (st && err)
		*err = why;
	return st;
}

enum status proof_look(struct conn *c, const struct checkpoint_channel *cp, const char *slave_pos,
                       struct proof_next *ret, struct error *err)
{
	struct gtid_pos pos = { 0 };
	enum status st = slave_pos ? gtid_pos_parse(slave_pos, &pos, err) : ST_OK;
	/* How long the last event of a file is shows only when another follows: the receiver is writing it just now. */
	for (unsigned i = 0; !st && i < LENGTH_TRIES; i++) {
		st = once(c, cp, slave_pos ? &pos : NULL, ret, err);
		if (st || (!ret->unreadable && (!ret->found || ret->start)))
			break;
		st = run_sleep_ms(c->run, 2, err);
	}
	gtid_pos_free(&pos);
	return st;
}
