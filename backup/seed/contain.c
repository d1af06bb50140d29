/* SPDX-License-Identifier: Apache-2.0 */
#include "contain.h"

#include <inttypes.h>

#include "job.h"

enum { SEED_SET_SHOWN = 600 }; /* of a set in a message */

/* a - b as text; *ret_count is how many. */
static enum status difference(const struct gtid_set *a, const struct gtid_set *b, struct buf *ret, uint64_t *ret_count,
                              struct error *err)
{
	struct gtid_set *d = NULL;
	enum status st = gtid_set_copy(a, &d, err);
	if (!st)
		st = gtid_set_subtract(d, b, err);
	if (!st) {
		*ret_count = gtid_set_count(d);
		gtid_set_format(d, ret);
		st = buf_check(ret, "a GTID set", err);
	}
	gtid_set_free(d);
	return st;
}

static enum status check_purged(const struct gtid_set *have, const struct seed_contain_source *s, struct error *err)
{
	struct gtid_set *purged = NULL;
	struct buf text = BUF_INIT(16 << 20);
	uint64_t n = 0;
	enum status st = gtid_set_parse(s->purged, &purged, err);
	if (!st)
		st = difference(purged, have, &text, &n, err);
	if (!st && n)
		st = seed_refuse(err, "take a newer snapshot, or seed from a source that still has them",
		                 "source %s has purged %" PRIu64 " transactions that the snapshot lacks: %.*s", s->name, n, SEED_SET_SHOWN,
		                 buf_str(&text));
	gtid_set_free(purged);
	buf_free(&text);
	return st;
}

enum status seed_contain_mysql(const char *snapshot, const struct seed_contain_source *s, size_t n, bool errant, struct error *err)
{
	struct gtid_set *have = NULL, *known = NULL, *one = NULL;
	struct buf text = BUF_INIT(16 << 20);
	uint64_t unknown = 0;
	enum status st = gtid_set_parse(snapshot, &have, err);
	if (!st)
		st = gtid_set_new(&known, err);
	for (size_t i = 0; !st && i < n; i++) {
		st = gtid_set_parse(s[i].executed, &one, err);
		if (!st)
			st = gtid_set_add_set(known, one, err);
		if (!st)
			st = check_purged(have, &s[i], err);
		gtid_set_free(one);
		one = NULL;
	}
	if (!st && errant)
		st = difference(have, known, &text, &unknown, err);
	if (!st && unknown)
		st = seed_refuse(err,
		                 "seed from a source that has them; if they are errant (written on the replica itself), inject empty transactions for"
		                 " them on the source first",
		                 "the snapshot holds %" PRIu64 " transactions that %s not have: %.*s", unknown,
		                 n == 1 ? "the source does" : "the sources do", SEED_SET_SHOWN, buf_str(&text));
	gtid_set_free(have);
	gtid_set_free(known);
	buf_free(&text);
	return st;
}

static const struct gtid_triple *find(const struct gtid_pos *p, uint32_t domain, const uint32_t *server)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->item[i].domain == domain && (!server || p->item[i].server == *server))
			return &p->item[i];
	return NULL;
}

/*
 * A domain that the source has never logged is fine: another source serves it (the source notes it and goes on). Otherwise the very GTID must
 * be in its log, by domain and server: a higher number from another server is a history that went elsewhere.
 */
static enum status check_known(const struct gtid_pos *have, const struct seed_contain_source *s, const struct gtid_pos *state,
                               struct error *err)
{
	for (size_t i = 0; i < have->n; i++) {
		const struct gtid_triple *g = &have->item[i];
		const struct gtid_triple *there = find(state, g->domain, &g->server);
		if (!find(state, g->domain, NULL) || (there && there->seq >= g->seq))
			continue;
		return seed_refuse(err, "seed from a source that has it, or take a newer snapshot from a replica of this source",
		                   "the snapshot stands at %" PRIu32 "-%" PRIu32 "-%" PRIu64 ", which is not in the binary log of source %s (it has: %.*s)",
		                   g->domain, g->server, g->seq, s->name, SEED_SET_SHOWN, s->state);
	}
	return ST_OK;
}

static enum status check_oldest(const struct gtid_pos *have, const struct seed_contain_source *s, const struct gtid_pos *oldest,
                                struct error *err)
{
	for (size_t i = 0; i < oldest->n; i++) {
		const struct gtid_triple *o = &oldest->item[i], *h = gtid_pos_domain(have, o->domain);
		if (h && h->seq >= o->seq)
			continue;
		return seed_refuse(err, "take a newer snapshot, or seed from a source that still has them",
		                   "source %s has purged transactions that the snapshot lacks: its oldest binary log begins after %" PRIu32 "-%" PRIu32
		                   "-%" PRIu64 ", the snapshot stands at %" PRIu64 " of that domain",
		                   s->name, o->domain, o->server, o->seq, h ? h->seq : 0);
	}
	return ST_OK;
}

enum status seed_contain_mariadb(const char *snapshot, const struct seed_contain_source *s, size_t n, struct error *err)
{
	struct gtid_pos have = { 0 };
	enum status st = gtid_pos_parse(snapshot, &have, err);
	for (size_t i = 0; !st && i < n; i++) {
		struct gtid_pos state = { 0 }, oldest = { 0 };
		st = gtid_pos_parse(s[i].state ? s[i].state : "", &state, err);
		if (!st)
			st = check_known(&have, &s[i], &state, err);
		if (!st)
			st = gtid_pos_parse(s[i].purged ? s[i].purged : "", &oldest, err);
		if (!st)
			st = check_oldest(&have, &s[i], &oldest, err);
		gtid_pos_free(&state);
		gtid_pos_free(&oldest);
	}
	gtid_pos_free(&have);
	return st;
}

static uint64_t backlog_mysql(const char *snapshot, const char *source)
{
	struct gtid_set *have = NULL, *there = NULL;
	struct error ignored;
	uint64_t n = 0;
	if (!gtid_set_parse(snapshot, &have, &ignored) && !gtid_set_parse(source, &there, &ignored) &&
	    !gtid_set_subtract(there, have, &ignored))
		n = gtid_set_count(there);
	gtid_set_free(have);
	gtid_set_free(there);
	return n;
}

static uint64_t backlog_mariadb(const char *snapshot, const char *source)
{
	struct gtid_pos have = { 0 }, there = { 0 };
	struct error ignored;
	uint64_t n = 0;
	if (!gtid_pos_parse(snapshot, &have, &ignored) && !gtid_pos_parse(source, &there, &ignored))
		for (size_t i = 0; i < there.n; i++) {
			const struct gtid_triple *h = gtid_pos_domain(&have, there.item[i].domain);
			uint64_t seq = h ? h->seq : 0;
			n += there.item[i].seq > seq ? there.item[i].seq - seq : 0;
		}
	gtid_pos_free(&have);
	gtid_pos_free(&there);
	return n;
}

uint64_t seed_contain_backlog(const char *snapshot, const char *source_executed, bool mariadb)
{
	if (!snapshot || !source_executed)
		return 0;
	return mariadb ? backlog_mariadb(snapshot, source_executed) : backlog_mysql(snapshot, source_executed);
}
