/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "applier/logname.h"
#include "slackwater/dialect.h"
#include "slackwater/slot.h"

/* One channel being weighed. */
struct weigh {
	const struct instance *in;
	const struct imprint *f;
	const struct gap *g;
	const struct proof_next *n;
	struct checkpoint_channel *cp;
};

static const char *text(const char *s)
{
	return s ? s : "";
}

static enum status line(struct checkpoint_channel *cp, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum status line(struct checkpoint_channel *cp, struct error *err, const char *fmt, ...)
{
	char label[160];
	struct buf b = BUF_INIT(BUF_MAX_SQL);
	va_list ap;
	buf_addf(&b, "%s: ", channels_label(cp, label));
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	enum status st = buf_check(&b, "a line of proof", err);
	if (!st)
		st = strlist_add(&cp->proof, buf_str(&b), err);
	buf_free(&b);
	return st;
}

/* The coordinates' standing, and why, as a line too. */
static enum status settle(struct checkpoint_channel *cp, enum coordinates what, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static enum status settle(struct checkpoint_channel *cp, enum coordinates what, struct error *err, const char *fmt, ...)
{
	struct buf b = BUF_INIT(1u << 20);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	cp->coordinates = what;
	enum status st = buf_check(&b, "a line of proof", err);
	if (!st)
		st = slot_set(&cp->coordinates_why, buf_str(&b), err);
	if (!st)
		st = line(cp, err, "coordinates %s: %s", checkpoint_coordinates_name(what), buf_str(&b));
	buf_free(&b);
	return st;
}

static bool at_read(const struct checkpoint_channel *cp, const char *file, uint64_t pos)
{
	return *text(cp->read_file) && logname_compare_at(file, pos, cp->read_file, cp->read_pos) == 0;
}

/* Exec_* against the relay log, the same in every mode. */
static enum status weigh_coordinates(const struct weigh *w, struct error *err)
{
	const struct proof_next *n = w->n;
	struct checkpoint_channel *cp = w->cp;
	const char *file = text(cp->exec_file);
	if (n->unreadable)
		return settle(cp, COORDINATES_UNAVAILABLE, err, "the relay log cannot be read: %s", buf_str(&n->why));
	if (n->why.len)
		return settle(cp, COORDINATES_UNAVAILABLE, err, "%s", buf_str(&n->why));
	if (n->executed.len)
		return settle(cp, COORDINATES_UNAVAILABLE, err, "%s, behind %s:%" PRIu64 " in the relay log, is executed already",
		              buf_str(&n->executed), text(cp->relay_file), cp->relay_pos);
	if (n->found && !n->start)
		return settle(cp, COORDINATES_UNAVAILABLE, err, "where the next transaction begins cannot be told");
	if (n->found)
		return settle(cp, COORDINATES_PROVEN, err,
		              "the next transaction in the relay log (%s:%" PRIu64 ") begins at %s:%" PRIu64 "; executed coordinates "
		              "%s:%" PRIu64 "%s",
		              buf_str(&n->relay_file), n->relay_pos, buf_str(&n->source_file), n->start, file, cp->exec_pos,
		              n->jumped ? " (nothing that is applied lies between)" : "");
	if (at_read(cp, file, cp->exec_pos) || at_read(cp, buf_str(&n->source_file), n->source_pos) || n->jumped)
		return settle(cp, COORDINATES_PROVEN, err,
		              "no transaction follows %s:%" PRIu64 " in the relay logs; executed coordinates %s:%" PRIu64
		              ", received %s:%" PRIu64,
		              text(cp->relay_file), cp->relay_pos, file, cp->exec_pos, text(cp->read_file), cp->read_pos);
	return settle(cp, COORDINATES_UNAVAILABLE, err,
	              "no transaction follows %s:%" PRIu64 " in the relay logs, but %s:%" PRIu64 " was received and %s:%" PRIu64
	              " executed",
	              text(cp->relay_file), cp->relay_pos, text(cp->read_file), cp->read_pos, file, cp->exec_pos);
}

static bool has_coordinates(const struct checkpoint_channel *cp)
{
	return *text(cp->exec_file) && *text(cp->relay_file) && strcasecmp(cp->exec_file, "INVALID") != 0 && cp->exec_pos;
}

static enum status judge_empty(const struct weigh *w, enum proof_verdict *ret, struct error *err)
{
	struct gtid_set *executed = NULL, *received = NULL;
	struct checkpoint_channel *cp = w->cp;
	enum status st = gtid_set_parse(text(w->f->gtids), &executed, err);
	if (!st)
		st = gtid_set_parse(text(cp->received_set), &received, err);
	if (!st && gtid_set_contains(executed, received)) {
		*ret = PROOF_GOOD;
		st = line(cp, err, "no transaction follows %s:%" PRIu64 " in the relay logs, and what was received (%s) is in gtid_executed",
		          text(cp->relay_file), cp->relay_pos, text(cp->received_set));
	} else if (!st) {
		*ret = PROOF_OPEN;
		st = settle(cp, COORDINATES_UNAVAILABLE, err,
		            "no transaction follows %s:%" PRIu64 " in the relay logs, but not all that was received (%s) is executed",
		            text(cp->relay_file), cp->relay_pos, text(cp->received_set));
	}
	gtid_set_free(executed);
	gtid_set_free(received);
	return st;
}

static enum status judge_next_gtid(const struct weigh *w, enum proof_verdict *ret, struct error *err)
{
	struct gtid_set *executed = NULL, *next = NULL;
	struct checkpoint_channel *cp = w->cp;
	const struct proof_next *n = w->n;
	enum status st = gtid_set_parse(text(w->f->gtids), &executed, err);
	if (!st)
		st = gtid_set_parse(buf_str(&n->gtid), &next, err);
	if (!st && gtid_set_contains(executed, next)) {
		*ret = PROOF_STALE;
		st = settle(cp, COORDINATES_STALE, err,
		            "relay log %s at %" PRIu64 ": transaction %s is in gtid_executed already, %s:%" PRIu64 " is behind it",
		            buf_str(&n->relay_file), n->relay_pos, buf_str(&n->gtid), text(cp->exec_file), cp->exec_pos);
	} else if (!st) {
		*ret = PROOF_GOOD;
		st = line(cp, err, "relay log %s at %" PRIu64 ": next transaction %s is not in gtid_executed", buf_str(&n->relay_file),
		          n->relay_pos, buf_str(&n->gtid));
	}
	gtid_set_free(executed);
	gtid_set_free(next);
	return st;
}

static enum status judge_gtid(const struct weigh *w, enum proof_verdict *ret, struct error *err)
{
	struct checkpoint_channel *cp = w->cp;
	enum status st = line(cp, err, "no gap: all of the received set (%s) below the highest executed ones is in gtid_executed",
	                      text(cp->received_set));
	*ret = PROOF_GOOD;
	if (st)
		return st;
	if (!has_coordinates(cp) || cp->gtid_only)
		return settle(cp, COORDINATES_UNAVAILABLE, err, "the server keeps none for this channel (GTID_ONLY, or nothing applied yet)");
	if (!w->n->unreadable) {
		if (!w->n->found)
			st = judge_empty(w, ret, err);
		else if (w->n->gtid.len)
			st = judge_next_gtid(w, ret, err);
	}
	return st || *ret != PROOF_GOOD ? st : weigh_coordinates(w, err);
}

static enum status judge_position(const struct weigh *w, enum proof_verdict *ret, struct error *err)
{
	struct checkpoint_channel *cp = w->cp;
	const struct gaps_at *lwm = &w->g->lwm;
	enum status st = ST_OK;
	*ret = PROOF_OPEN;
	if (!has_coordinates(cp))
		return settle(cp, COORDINATES_UNAVAILABLE, err, "the server has no executed coordinates for this channel");
	if (lwm->file) {
		if (logname_compare_at(lwm->file, lwm->pos, cp->exec_file, cp->exec_pos) != 0)
			return settle(cp, COORDINATES_UNAVAILABLE, err,
			              "mysql.slave_relay_log_info has %s:%" PRIu64 ", the status says %s:%" PRIu64, lwm->file, lwm->pos,
			              cp->exec_file, cp->exec_pos);
		st = line(cp, err, "no gap: no worker row lies behind the low-water mark %s:%" PRIu64 ", which is the executed position",
		          lwm->file, lwm->pos);
	} else if (gaps_needs_rows(w->in, cp)) {
		return settle(cp, COORDINATES_UNAVAILABLE, err, "mysql.slave_relay_log_info has no row for this channel");
	} else {
		st = line(cp, err, "no gap: one applier thread, or commits in order");
	}
	if (!st)
		st = weigh_coordinates(w, err);
	if (!st && cp->coordinates == COORDINATES_PROVEN)
		*ret = PROOF_GOOD;
	return st;
}

static enum status judge_mariadb_gtid(const struct weigh *w, enum proof_verdict *ret, struct error *err)
{
	struct checkpoint_channel *cp = w->cp;
	struct gtid_pos pos = { 0 }, next = { 0 };
	enum status st = gtid_pos_parse(text(w->f->slave_pos), &pos, err);
	*ret = PROOF_GOOD;
	if (!st)
		st = line(cp, err, "no gap: each of the %zu GTID domains commits in order", pos.n);
	if (!st && pos.n > 1) {
		st = settle(cp, COORDINATES_UNAVAILABLE, err,
		            "%zu GTID domains advance independently: file and position tell of the most advanced one only", pos.n);
	} else if (!st && !has_coordinates(cp)) {
		st = settle(cp, COORDINATES_UNAVAILABLE, err, "nothing has been applied yet");
	} else if (!st) {
		const struct gtid_triple *have = NULL;
		if (w->n->found && w->n->gtid.len && !gtid_pos_parse(buf_str(&w->n->gtid), &next, NULL) && next.n == 1)
			have = gtid_pos_domain(&pos, next.item[0].domain);
		if (have && have->seq >= next.item[0].seq) {
			st = settle(cp, COORDINATES_STALE, err,
			            "relay log %s at %" PRIu64 ": transaction %s is in gtid_slave_pos (%s) already",
			            buf_str(&w->n->relay_file), w->n->relay_pos, buf_str(&w->n->gtid), text(w->f->slave_pos));
		} else {
			if (w->n->found && w->n->gtid.len)
				st = line(cp, err, "relay log %s at %" PRIu64 ": next transaction %s is not in gtid_slave_pos (%s)",
				          buf_str(&w->n->relay_file), w->n->relay_pos, buf_str(&w->n->gtid), text(w->f->slave_pos));
			if (!st)
				st = weigh_coordinates(w, err);
		}
	}
	gtid_pos_free(&pos);
	gtid_pos_free(&next);
	return st;
}

/* Weigh it. Fills cp->coordinates, coordinates_why and proof. g: the channel's gaps; f: taken in the same stillness. */
static enum status proof_judge(const struct instance *in, const struct imprint *f, const struct gap *g, const struct proof_next *n,
                               struct checkpoint_channel *cp, enum proof_verdict *ret, struct error *err)
{
	struct weigh w = { in, f, g, n, cp };
	strlist_free(&cp->proof);
	switch (cp->mode) {
	case MODE_MYSQL_AUTO:
	case MODE_MYSQL_GTID: return judge_gtid(&w, ret, err);
	case MODE_MARIADB_GTID: return judge_mariadb_gtid(&w, ret, err);
	case MODE_MYSQL_ASSIGNED:
	case MODE_MYSQL_POSITION:
	case MODE_MARIADB_POSITION: return judge_position(&w, ret, err);
	}
	return error_set(err, ST_FAILED, ERR_UNEXPECTED, "mode %d is not known", (int)cp->mode);
}

/* The last row of each domain, over all the tables that positions may be in. */
static enum status read_position_tables(struct conn *c, const struct instance *in, struct buf *ret, struct error *err)
{
	struct buf sql = BUF_INIT(1u << 16);
	struct rows *r = NULL;
	bool more = false;
	char domain[24] = "", triple[80] = "";
	buf_adds(&sql, "SELECT domain_id, server_id, seq_no FROM (");
	for (size_t i = 0; i < in->gtid_tables.n; i++) {
		buf_adds(&sql, i ? " UNION ALL SELECT * FROM mysql." : "SELECT * FROM mysql.");
		sql_ident(&sql, in->gtid_tables.item[i]);
	}
	buf_adds(&sql, ") p ORDER BY domain_id, sub_id");
	enum status st = buf_check(&sql, "a statement", err);
	if (!st)
		st = conn_query(c, buf_str(&sql), &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		if (strcmp(domain, text(r->row[0])) != 0 && *domain)
			buf_addf(ret, "%s,", triple);
		snprintf(domain, sizeof domain, "%s", text(r->row[0]));
		snprintf(triple, sizeof triple, "%s-%s-%s", domain, text(r->row[1]), text(r->row[2]));
	}
	buf_adds(ret, triple);
	rows_free(r);
	buf_free(&sql);
	return st;
}

/* gtid_slave_pos is written inside the replicated transaction: variable and tables have to say the same. */
static enum status prove_mariadb_tables(struct conn *c, const struct instance *in, const struct imprint *f,
                                        struct checkpoint_channel *cp, enum proof_verdict *ret, struct error *err)
{
	struct buf rows = BUF_INIT(1u << 20);
	struct gtid_pos a = { 0 }, b = { 0 };
	enum status st = read_position_tables(c, in, &rows, err);
	if (!st)
		st = gtid_pos_parse(text(f->slave_pos), &a, err);
	if (!st)
		st = gtid_pos_parse(buf_str(&rows), &b, err);
	if (!st && gtid_pos_equal(&a, &b)) {
		st = line(cp, err, "gtid_slave_pos (%s) is what the newest rows of mysql.gtid_slave_pos say (%s)", text(f->slave_pos),
		          buf_str(&rows));
	} else if (!st) {
		*ret = PROOF_OPEN;
		st = settle(cp, COORDINATES_UNAVAILABLE, err, "gtid_slave_pos is %s, but the rows of mysql.gtid_slave_pos say %s",
		            text(f->slave_pos), buf_str(&rows));
	}
	gtid_pos_free(&a);
	gtid_pos_free(&b);
	buf_free(&rows);
	return st;
}

/* With several domains the relay position is that of the slowest and proves nothing; without coordinates there is no place to look at. */
static bool worth_a_look(const struct checkpoint_channel *cp, const char *slave_pos)
{
	if (!has_coordinates(cp) || cp->gtid_only)
		return false;
	return cp->mode != MODE_MARIADB_GTID || !strchr(text(slave_pos), ',');
}

enum status proof_channel(struct conn *c, const struct instance *in, const struct imprint *f, const struct gap *g,
                          struct checkpoint_channel *cp, enum proof_verdict *ret, struct error *err)
{
	struct proof_next n = { 0 };
	enum status st = ST_OK;
	if (worth_a_look(cp, f->slave_pos))
		st = proof_look(c, cp, cp->mode == MODE_MARIADB_POSITION ? text(f->slave_pos) : NULL, &n, err);
	if (!st)
		st = proof_judge(in, f, g, &n, cp, ret, err);
	if (!st && *ret == PROOF_GOOD && cp->mode == MODE_MARIADB_GTID && in->gtid_tables.n)
		st = prove_mariadb_tables(c, in, f, cp, ret, err);
	proof_next_free(&n);
	return st;
}
