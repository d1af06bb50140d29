/* SPDX-License-Identifier: Apache-2.0 */
/* What the applier has waited for: the metrics component, or the lines that it writes into the error log. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "observe/look.h"
#include "observe/statline.h"

enum { ER_NO_SUCH_TABLE = 1146, LOG_TAIL_BYTES = 8 << 20, NS_PER_MS = 1000000 };

static const struct observed_waits nothing = {
	.span_ms = OBSERVE_UNKNOWN, .transactions = OBSERVE_UNKNOWN, .events = OBSERVE_UNKNOWN, .overruns = OBSERVE_UNKNOWN,
	.queue_full = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN }, .queue_memory = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN },
	.dependency = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN }, .no_worker = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN },
	.commit_order = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN }, .no_work = { OBSERVE_UNKNOWN, OBSERVE_UNKNOWN },
};

static int64_t to_ms(int64_t ns)
{
	return ns < 0 ? OBSERVE_UNKNOWN : ns / NS_PER_MS;
}

/* ---- the component: 9.7 counts in nanoseconds, since the server started or the component was installed ---- */

static struct observed_wait wait_of(const struct rows *r, const char *count, const char *time)
{
	return (struct observed_wait){ look_number(r, count), to_ms(look_number(r, time)) };
}

static void take_metrics(struct look *l, const struct rows *r)
{
	struct observed_channel *ch = look_channel(l->o, rows_get(r, "CHANNEL_NAME"));
	if (!ch)
		return;
	struct observed_waits *w = &ch->waits;
	w->from = OBSERVED_COMPONENT;
	w->since_start = true;
	w->span_ms = to_ms(look_number(r, "TOTAL_ACTIVE_TIME_DURATION"));
	w->transactions = look_number(r, "TRANSACTIONS_COMMITTED_COUNT");
	w->queue_full = wait_of(r, "WAITS_WORKER_QUEUES_FULL_COUNT", "WAITS_WORKER_QUEUES_FULL_SUM_TIME");
	w->queue_memory = wait_of(r, "WAITS_FOR_WORKER_QUEUE_MEMORY_COUNT", "WAITS_FOR_WORKER_QUEUE_MEMORY_SUM_TIME");
	w->dependency = wait_of(r, "WAITS_COMMIT_SCHEDULE_DEPENDENCY_COUNT", "WAITS_COMMIT_SCHEDULE_DEPENDENCY_SUM_TIME");
	w->no_worker = wait_of(r, "WAITS_FOR_AVAILABLE_WORKER_COUNT", "WAITS_FOR_AVAILABLE_WORKER_SUM_TIME");
	w->commit_order = wait_of(r, "WAITS_DUE_TO_COMMIT_ORDER_COUNT", "WAITS_DUE_TO_COMMIT_ORDER_SUM_TIME");
	w->no_work = wait_of(r, "WAITS_FOR_WORK_FROM_SOURCE_COUNT", "WAITS_FOR_WORK_FROM_SOURCE_SUM_TIME");
}

static enum status read_component(struct look *l, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(l->c, "SELECT * FROM performance_schema.replication_applier_metrics", &r, &why);
	l->component = !st;
	while (!st && !(st = rows_next(r, &more, &why)) && more)
		take_metrics(l, r);
	rows_free(r);
	if (!st || why.my_errno == ER_NO_SUCH_TABLE)
		return ST_OK;
	return look_refused(l, &why, "queue waits", "SELECT on performance_schema.*", err);
}

/* ---- lines of the error log ---- */

/* The last two lines of each channel. */
struct last {
	struct statline now, before;
	bool one, two;
};

static void take_line(struct look *l, struct last *last, const char *line, size_t len)
{
	struct statline s;
	if (!statline_parse(line, len, &s))
		return;
	const struct observed_channel *ch = look_channel(l->o, s.channel);
	if (!ch)
		return;
	struct last *to = &last[ch - l->o->channel];
	to->before = to->now;
	to->two = to->one;
	to->now = s;
	to->one = true;
}

static enum status use_lines(struct look *l, struct last *last, enum observed_from from, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < l->o->nchannels; i++) {
		struct statline *s = &last[i].now;
		struct observed_waits *w = &l->o->channel[i].waits;
		if (!last[i].one)
			continue;
		w->since_start = !last[i].two || !statline_subtract(s, &last[i].before);
		w->from = from;
		w->span_ms = w->since_start ? OBSERVE_UNKNOWN : s->elapsed_s * 1000;
		w->events = s->events;
		w->overruns = s->overruns;
		w->queue_full.count = s->queue_full;
		w->queue_memory.count = s->queue_memory;
		w->dependency.ms = to_ms(s->dependency_ns);
		w->no_worker = (struct observed_wait){ s->no_worker_count, to_ms(s->no_worker_ns) };
		st = look_text(&w->logged_at, s->logged_at, sizeof s->logged_at, err);
	}
	return st;
}

static enum status read_tail(const char *path, struct buf *text, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat sb;
	if (fd < 0 || fstat(fd, &sb)) {
		int no = errno;
		if (fd >= 0)
			close(fd);
		return error_sys(err, ST_FAILED, ERR_USAGE, no, "cannot read the error log %s", path);
	}
	off_t at = sb.st_size > LOG_TAIL_BYTES ? sb.st_size - LOG_TAIL_BYTES : 0;
	ssize_t n = 0;
	buf_reserve(text, LOG_TAIL_BYTES);
	while (!text->bad && text->len < LOG_TAIL_BYTES &&
	       (n = pread(fd, text->data + text->len, LOG_TAIL_BYTES - text->len, at + (off_t)text->len)) > 0)
		text->len += (size_t)n;
	int no = errno;
	close(fd);
	if (n < 0)
		return error_sys(err, ST_FAILED, ERR_USAGE, no, "cannot read the error log %s", path);
	return buf_check(text, "the error log", err);
}

static enum status read_file(struct look *l, struct last *last, struct error *err)
{
	struct buf text = BUF_INIT(LOG_TAIL_BYTES + 1);
	enum status st = read_tail(l->opt->error_log, &text, err);
	for (size_t at = 0; !st && at < text.len;) {
		const char *line = text.data + at;
		const char *end = memchr(line, '\n', text.len - at);
		size_t len = end ? (size_t)(end - line) : text.len - at;
		take_line(l, last, line, len);
		at += len + 1;
	}
	buf_free(&text);
	return st ? st : use_lines(l, last, OBSERVED_LOG_FILE, err);
}

/* The table holds what the server wrote since it started, and at most 5 MB of it. */
static enum status read_table(struct look *l, struct last *last, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	bool more = false;
	enum status st = conn_query(l->c,
	                            "SELECT CONCAT(DATE_FORMAT(LOGGED, '%Y-%m-%dT%H:%i:%sZ'), ' ', DATA) FROM performance_schema.error_log "
	                            "WHERE ERROR_CODE = 'MY-010559' ORDER BY LOGGED",
	                            &r, &why);
	while (!st && !(st = rows_next(r, &more, &why)) && more) {
		if (r->row[0])
			take_line(l, last, r->row[0], r->len[0]);
	}
	rows_free(r);
	if (st)
		return look_refused(l, &why, "queue waits", "SELECT on performance_schema.error_log", err);
	return use_lines(l, last, OBSERVED_SERVER_LOG, err);
}

/* Why there are none, where something can be done about it. */
static enum status say_why_none(struct look *l, struct error *err)
{
	const struct observation *o = l->o;
	for (size_t i = 0; i < o->nchannels; i++)
		if (o->channel[i].waits.from != OBSERVED_NOWHERE || l->in->server.flavor == FLAVOR_MARIADB)
			return ST_OK;
	if (!o->nchannels || !l->in->workers)
		return ST_OK;
	if (conn_is_mysql(l->c, 90000))
		return strlist_add(&l->o->notes, "queue waits: this server tells them once INSTALL COMPONENT "
		                                 "'file://component_replication_applier_metrics' has been run", err);
	if (o->settings.log_level < (conn_is_mysql(l->c, 50702) ? 3 : 2))
		return strlist_addf(&l->o->notes, err, "queue waits: the server writes them into its error log with %s",
		                    conn_is_mysql(l->c, 50702) ? "log_error_verbosity=3" : "log_warnings=2");
	if (!l->opt->error_log && !conn_is_mysql(l->c, 80022))
		return strlist_add(&l->o->notes, "queue waits: the server writes them into its error log: see --error-log", err);
	return strlist_add(&l->o->notes, "queue waits: the error log has no statistics yet; they come every two minutes, under load", err);
}

enum status look_waits(struct look *l, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < l->o->nchannels; i++)
		l->o->channel[i].waits = nothing;
	if (l->in->ps && conn_is_mysql(l->c, 90000))
		st = read_component(l, err);
	struct last *last = calloc(l->o->nchannels + 1, sizeof *last);
	if (!st && !last)
		st = error_oom(err);
	if (!st && l->opt->error_log)
		st = read_file(l, last, err);
	else if (!st && !l->component && l->in->ps && conn_is_mysql(l->c, 80022))
		st = read_table(l, last, err);
	free(last);
	return st ? st : say_why_none(l, err);
}
