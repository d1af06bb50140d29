/* SPDX-License-Identifier: Apache-2.0 */
#include "output_status.h"

#include <stdio.h>
#include <string.h>

#include "options.h"
#include "output_text.h"
#include "slackwater/units.h"
#include "table.h"
#include "text.h"

enum { CELL = 200, APPLIES_WIDTH = 90, STATE_WIDTH = 50, PARTS_MAX = 4096 };

static const char *flavor(const struct server_info *s)
{
	return s->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL";
}

/* ---- workers ---- */

static void age_cell(const struct observed_worker *w, char out[CELL])
{
	char age[UNITS_TEXT];
	out[0] = '\0';
	if (!w->busy || w->age_ms == OBSERVE_UNKNOWN)
		return;
	bool less = w->age_ms == 0 && w->age_max_ms > 0;
	units_duration(less ? w->age_max_ms : w->age_ms, age);
	snprintf(out, CELL, "%s%s", less ? "< " : w->age_max_ms == w->age_ms ? "" : ">= ", age);
}

static void state_cell(const struct observed_worker *w, char out[CELL])
{
	if (!w->running)
		snprintf(out, CELL, w->error_no ? "stopped: error %u" : "stopped", w->error_no);
	else if (!w->busy)
		snprintf(out, CELL, "idle");
	else if (w->waits_for_row)
		snprintf(out, CELL, "waits for a row lock");
	else
		snprintf(out, CELL, "%.*s", STATE_WIDTH, w->state ? w->state : "busy");
}

static void applies_cell(const struct observed_worker *w, char out[CELL])
{
	struct buf b = BUF_INIT(CELL - 1);
	char done[UNITS_TEXT], size[UNITS_TEXT];
	if (w->busy && w->applying)
		buf_adds(&b, w->applying);
	if (w->busy && w->size_bytes > 0) {
		units_size((uint64_t)w->done_bytes, done);
		units_size((uint64_t)w->size_bytes, size);
		buf_addf(&b, "%s%s of %s", b.len ? ", " : "", done, size);
	}
	if (w->busy && w->retries > 0)
		buf_addf(&b, ", tried %lld times before", (long long)w->retries);
	if (w->busy && w->statement)
		buf_addf(&b, "%s%.*s", b.len ? ": " : "", APPLIES_WIDTH, w->statement);
	snprintf(out, CELL, "%s", buf_str(&b));
	buf_free(&b);
}

static enum status workers(struct buf *out, const struct observed_worker *w, size_t n, struct error *err)
{
	static const char *const header[] = { ">WORKER", ">THREAD", ">FOR", "DOES", "APPLIES", NULL };
	struct table t;
	enum status st = n ? table_init(&t, header, err) : ST_OK;
	for (size_t i = 0; !st && i < n; i++) {
		char id[CELL] = "", thread[CELL] = "", age[CELL], state[CELL], applies[CELL];
		if (w[i].id >= 0)
			snprintf(id, sizeof id, "%lld", (long long)w[i].id);
		if (w[i].thread)
			snprintf(thread, sizeof thread, "%llu", (unsigned long long)w[i].thread);
		age_cell(&w[i], age);
		state_cell(&w[i], state);
		applies_cell(&w[i], applies);
		const char *cell[] = { id, thread, age, state, applies };
		st = table_row(&t, cell, err);
	}
	if (n && !st)
		table_print(&t, "  ", out);
	if (n)
		table_free(&t);
	return st;
}

/* ---- one channel ---- */

static void applier_line(struct buf *out, const struct observed_channel *ch)
{
	struct buf b = BUF_INIT(PARTS_MAX);
	if (ch->applier_running)
		buf_adds(&b, "running");
	else if (ch->applier_errno)
		buf_addf(&b, "stopped by error %u: %s", ch->applier_errno, ch->applier_error ? ch->applier_error : "");
	else
		buf_adds(&b, "stopped");
	if (ch->workers)
		buf_addf(&b, ", %u worker%s, commit order %s", ch->workers, ch->workers == 1 ? "" : "s", ch->commit_order ? "on" : "off");
	else
		buf_adds(&b, ", no parallel workers");
	if (ch->delay_s > 0)
		buf_addf(&b, ", delayed by %lld s", (long long)ch->delay_s);
	output_text_line(out, "  applier", "%s", buf_str(&b));
	if (ch->applier_running && ch->coordinator)
		output_text_line(out, "", "coordinator: %s", ch->coordinator);
	buf_free(&b);
}

static void receiver_line(struct buf *out, const struct observed_channel *ch)
{
	if (ch->receiver_running)
		output_text_line(out, "  receiver", "running, at %s:%llu", ch->received_file ? ch->received_file : "?",
		                 (unsigned long long)ch->received_pos);
	else if (ch->receiver_errno)
		output_text_line(out, "  receiver", "stopped by error %u: %s", ch->receiver_errno, ch->receiver_error ? ch->receiver_error : "");
	else
		output_text_line(out, "  receiver", "not running or not connected, at %s:%llu", ch->received_file ? ch->received_file : "?",
		                 (unsigned long long)ch->received_pos);
}

static void behind_line(struct buf *out, const struct observed_channel *ch)
{
	struct buf b = BUF_INIT(PARTS_MAX);
	char text[UNITS_TEXT];
	if (ch->behind_transactions >= 0) {
		units_count((uint64_t)ch->behind_transactions, text);
		buf_addf(&b, "%s transaction%s", text, ch->behind_transactions == 1 ? "" : "s");
	}
	if (ch->behind_bytes >= 0) {
		units_size((uint64_t)ch->behind_bytes, text);
		buf_addf(&b, "%s%s of the source's log", b.len ? ", " : "", text);
	} else if (ch->behind_files >= 0) {
		buf_addf(&b, "%s%lld file%s of the source's log", b.len ? ", " : "", (long long)ch->behind_files,
		         ch->behind_files == 1 ? "" : "s");
	}
	output_text_line(out, "  behind", "%s", b.len ? buf_str(&b) : "not known");
	buf_clear(&b);
	if (ch->lag_s >= 0)
		buf_addf(&b, "%lld s by the server's reckoning", (long long)ch->lag_s);
	if (ch->lag_ms >= 0) {
		units_duration(ch->lag_ms, text);
		buf_addf(&b, "%s%s since the oldest transaction in hand was committed at its origin", b.len ? "; " : "", text);
	}
	output_text_line(out, "  lag", "%s", b.len ? buf_str(&b) : "not known");
	buf_free(&b);
}

static void gap_line(struct buf *out, const struct server_info *server, const struct observed_channel *ch)
{
	bool mariadb = server->flavor == FLAVOR_MARIADB;
	if (ch->low_water_file)
		output_text_line(out, "  low water", "%s:%llu, everything before it is applied", ch->low_water_file, (unsigned long long)ch->low_water_pos);
	if (ch->gap)
		output_text_line(out, "  gap", "%s%s", ch->gap, ch->applier_running ? "; at this moment, while the applier runs" : "");
	else
		output_text_line(out, "  gap", "%s", mariadb ? "none: MariaDB commits in order inside a domain"
		                                     : ch->gap_transactions == 0 ? "none" : "not known");
}

static void wait_part(struct buf *b, const char *what, struct observed_wait w)
{
	char time[UNITS_TEXT], count[UNITS_TEXT];
	if (w.count <= 0 && w.ms <= 0)
		return;
	buf_addf(b, "%s%s", b->len ? ", " : "", what);
	if (w.count >= 0) {
		units_count((uint64_t)w.count, count);
		buf_addf(b, " %s times", count);
	}
	if (w.ms >= 0) {
		units_duration(w.ms, time);
		buf_addf(b, " %s", time);
	}
}

static void waits_lines(struct buf *out, const struct observed_waits *w)
{
	struct buf b = BUF_INIT(PARTS_MAX);
	char span[UNITS_TEXT];
	if (w->from == OBSERVED_NOWHERE)
		return;
	wait_part(&b, "dependencies", w->dependency);
	wait_part(&b, "no free worker", w->no_worker);
	wait_part(&b, "commit order", w->commit_order);
	wait_part(&b, "queues' memory", w->queue_memory);
	wait_part(&b, "a full queue", w->queue_full);
	wait_part(&b, "nothing to do", w->no_work);
	output_text_line(out, "  waits", "%s", b.len ? buf_str(&b) : "none");
	units_duration(w->span_ms, span);
	if (w->logged_at)
		output_text_line(out, "", "logged %s, counted %s%s", w->logged_at, w->since_start ? "since the applier started" : "over ",
		                 w->since_start ? "" : span);
	else
		output_text_line(out, "", "counted by the metrics component in %s of running", span);
	buf_free(&b);
}

static void reasons(struct buf *out, const struct strlist *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct buf line = BUF_INIT(PARTS_MAX);
		text_add(&line, list->item[i]);
		buf_adds(out, i ? "    - " : "\n    - ");
		options_wrap(out, buf_str(&line), strlen("    - "));
		buf_free(&line);
	}
}

static enum status channel(struct buf *out, const struct server_info *server, const struct observed_channel *ch, struct error *err)
{
	buf_adds(out, "\n");
	if (*ch->name)
		output_text_line(out, "channel", "'%s', from %s:%u, %s", ch->name, ch->source_host ? ch->source_host : "?", ch->source_port,
		                 ch->mode);
	else
		output_text_line(out, "channel", "the default one, from %s:%u, %s", ch->source_host ? ch->source_host : "?",
		                 ch->source_port, ch->mode);
	applier_line(out, ch);
	receiver_line(out, ch);
	behind_line(out, ch);
	gap_line(out, server, ch);
	waits_lines(out, &ch->waits);
	if (ch->nworkers)
		buf_addc(out, '\n');
	enum status st = workers(out, ch->worker, ch->nworkers, err);
	reasons(out, &ch->reasons);
	return st;
}

enum status output_status(struct buf *out, const struct observation *o, struct error *err)
{
	char taken[UNITS_TEXT];
	enum status st = ST_OK;
	units_time(o->taken_ms, taken);
	output_text_line(out, "server", "%s:%u, %s %s, at %s UTC", o->server.hostname, o->server.port, flavor(&o->server),
	                 o->server.version_text, taken);
	if (o->behind_stop)
		output_text_line(out, "status", "not to be had: a STOP SLAVE has been waiting for %lld s, and this version's SHOW SLAVE STATUS waits "
		                 "behind it", (long long)o->stop_s);
	else if (!o->nchannels)
		output_text_line(out, "status", "no replica: it has no replication channel");
	for (size_t i = 0; !st && i < o->nchannels; i++)
		st = channel(out, &o->server, &o->channel[i], err);
	if (!st && o->npool)
		buf_adds(out, o->nchannels ? "\nWorkers, which serve all channels\n" : "\nWorkers\n");
	if (!st)
		st = workers(out, o->pool, o->npool, err);
	if (o->holes)
		output_text_line(out, "\nholes", "GTIDs below the newest that no channel has received: %s", o->holes);
	output_text_list(out, "Not told", &o->notes);
	return st;
}
