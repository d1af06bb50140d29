/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/inflight.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/array.h"

enum { STAMPED_INTERVAL_MS = 20, VIEW_INTERVAL_MS = 160, SECOND_MS = 1000 };

void inflight_free(struct inflight *f)
{
	free(f->item);
	*f = (struct inflight){ 0 };
}

int64_t inflight_interval_ms(const struct instance *in)
{
	return in->worker_stamps ? STAMPED_INTERVAL_MS : VIEW_INTERVAL_MS;
}

static const struct inflight_item *find(const struct inflight *f, const char *key)
{
	for (size_t i = 0; i < f->n; i++) {
		if (strcmp(f->item[i].key, key) == 0)
			return &f->item[i];
	}
	return NULL;
}

static void age(struct inflight_item *it, const struct inflight_item *was, const struct inflight_seen *s,
                int64_t last_look_ms, int64_t now_ms)
{
	it->first_seen_ms = was ? was->first_seen_ms : now_ms;
	it->not_before_ms = was ? was->not_before_ms : last_look_ms; /* 0: there has been no look without it */
	it->age_ms = now_ms - it->first_seen_ms;
	if (s->age_ms > it->age_ms)
		it->age_ms = s->age_ms;
	it->age_max_ms = it->not_before_ms ? now_ms - it->not_before_ms : INFLIGHT_UNKNOWN;
	if (s->age_ms >= 0 && s->age_ms + s->slack_ms < it->age_max_ms)
		it->age_max_ms = s->age_ms + s->slack_ms;
	if (it->age_max_ms < it->age_ms)
		it->age_max_ms = it->age_ms;
}

enum status inflight_take(struct inflight *f, const struct inflight_seen *seen, size_t n, int64_t now_ms,
                          struct error *err)
{
	struct inflight now = { .looked_ms = now_ms };
	if (n && !(now.item = calloc(n, sizeof *now.item)))
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		struct inflight_item *it = &now.item[now.n++];
		snprintf(it->key, sizeof it->key, "%s", seen[i].key);
		snprintf(it->what, sizeof it->what, "%s", seen[i].what);
		it->thread = seen[i].thread;
		age(it, find(f, it->key), &seen[i], f->looked_ms, now_ms);
	}
	inflight_free(f);
	*f = now;
	return ST_OK;
}

const struct inflight_item *inflight_oldest(const struct inflight *f)
{
	const struct inflight_item *old = NULL;
	for (size_t i = 0; i < f->n; i++) {
		const struct inflight_item *it = &f->item[i];
		if (!old || it->age_max_ms > old->age_max_ms || (it->age_max_ms == old->age_max_ms && it->age_ms > old->age_ms))
			old = it;
	}
	return old;
}

bool inflight_young(const struct inflight *f, int64_t budget_ms)
{
	const struct inflight_item *old = inflight_oldest(f);
	return !old || old->age_max_ms < budget_ms;
}

/* The rows of a look. */
struct looks {
	struct inflight_seen *item;
	size_t n, cap;
};

static const char *text(const struct rows *r, const char *col)
{
	const char *s = rows_get(r, col);
	return s ? s : "";
}

static int64_t number(const struct rows *r, const char *col, int64_t fallback)
{
	const char *s = rows_get(r, col);
	return s ? strtoll(s, NULL, 10) : fallback;
}

/* A coordinator that hands out a long transaction piece by piece is as much in flight as the worker that applies it. */
static const char *const stamped_sql =
	"SELECT CHANNEL_NAME AS channel, WORKER_ID AS id, APPLYING_TRANSACTION AS gtid, "
	"APPLYING_TRANSACTION_START_APPLY_TIMESTAMP AS stamp, "
	"TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_START_APPLY_TIMESTAMP, SYSDATE(6)) DIV 1000 AS age_ms "
	"FROM performance_schema.replication_applier_status_by_worker "
	"WHERE SERVICE_STATE = 'ON' AND APPLYING_TRANSACTION <> '' "
	"UNION ALL SELECT CHANNEL_NAME, -1, PROCESSING_TRANSACTION, PROCESSING_TRANSACTION_START_BUFFER_TIMESTAMP, "
	"TIMESTAMPDIFF(MICROSECOND, PROCESSING_TRANSACTION_START_BUFFER_TIMESTAMP, SYSDATE(6)) DIV 1000 "
	"FROM performance_schema.replication_applier_status_by_coordinator "
	"WHERE SERVICE_STATE = 'ON' AND PROCESSING_TRANSACTION <> ''";

static void see_stamped(const struct rows *r, struct inflight_seen *s)
{
	int64_t id = number(r, "id", 0), age = number(r, "age_ms", 0);
	snprintf(s->key, sizeof s->key, "%.60s/%" PRId64 "/%s", text(r, "channel"), id, text(r, "stamp"));
	if (id < 0)
		snprintf(s->what, sizeof s->what, "the coordinator of channel '%.60s' hands out %.90s", text(r, "channel"), text(r, "gtid"));
	else
		snprintf(s->what, sizeof s->what, "worker %" PRId64 " of channel '%.60s' applies %.90s", id, text(r, "channel"),
		         text(r, "gtid"));
	s->age_ms = age < 0 ? 0 : age;
}

/* Both ends of the difference are cut to whole seconds: the true age is less than a second more, or less. */
static const char *const trx_sql =
	"SELECT t.trx_id, t.trx_mysql_thread_id AS id, t.trx_started, t.trx_state AS state, p.INFO AS info, "
	"TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds "
	"FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.ID = t.trx_mysql_thread_id "
	"WHERE p.USER = 'system user'";

static void see_trx(const struct rows *r, struct inflight_seen *s)
{
	int64_t seconds = number(r, "seconds", 0);
	snprintf(s->key, sizeof s->key, "trx/%s/%s/%s", text(r, "id"), text(r, "trx_id"), text(r, "trx_started"));
	snprintf(s->what, sizeof s->what, "thread %s applies a transaction begun at %s (%s)", text(r, "id"), text(r, "trx_started"),
	         text(r, "state"));
	s->age_ms = seconds > 1 ? (seconds - 1) * SECOND_MS : 0;
	s->slack_ms = seconds > 0 ? 2 * SECOND_MS : SECOND_MS;
	s->thread = rows_u64(r, "id", 0);
}

/* What has no transaction in InnoDB's eyes: statements (DDL above all), and row events that wait for a lock on a table. */
static const char *const statement_sql =
	"SELECT ID AS id, STATE AS state, LEFT(IFNULL(INFO, ''), 80) AS info FROM information_schema.processlist "
	"WHERE USER = 'system user' AND COMMAND <> 'Daemon' AND (IFNULL(INFO, '') <> '' OR STATE LIKE 'Waiting for % lock')";

static void see_statement(const struct rows *r, struct inflight_seen *s)
{
	const char *info = text(r, "info"), *state = text(r, "state");
	snprintf(s->key, sizeof s->key, "stmt/%s/%s", text(r, "id"), *info ? info : state);
	snprintf(s->what, sizeof s->what, "thread %s: %.80s%s%.60s", text(r, "id"), info, *info ? ": " : "", state);
	s->age_ms = -1;
	s->thread = rows_u64(r, "id", 0);
}

static enum status look(struct conn *c, const char *sql, void (*see)(const struct rows *r, struct inflight_seen *s), struct looks *l,
                        struct error *err)
{
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(c, sql, &r, err);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		struct inflight_seen *room = array_room(l->item, l->n, &l->cap, sizeof *room);
		if (!room) {
			st = error_oom(err);
			break;
		}
		l->item = room;
		l->item[l->n] = (struct inflight_seen){ 0 };
		see(r, &l->item[l->n++]);
	}
	rows_free(r);
	return st;
}

enum status inflight_prepare(struct conn *c, const struct instance *in, struct error *err)
{
	return in->worker_stamps ? ST_OK : conn_exec(c, "SET SESSION time_zone = 'SYSTEM'", err);
}

enum status inflight_look(struct conn *c, const struct instance *in, struct inflight *f, int64_t now_ms,
                          struct error *err)
{
	struct looks l = { 0 };
	enum status st = in->worker_stamps ? look(c, stamped_sql, see_stamped, &l, err) : look(c, trx_sql, see_trx, &l, err);
	if (!st && !in->worker_stamps)
		st = look(c, statement_sql, see_statement, &l, err);
	if (!st)
		st = inflight_take(f, l.item, l.n, now_ms, err);
	free(l.item);
	return st;
}
