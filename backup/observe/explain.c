/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From figures to words: what slows an applier down, and which variable, on which server, has to do with it. First what is to be seen
 * at the moment, then what the counters say of the time before. A wait counts as high when it took a noticeable share of the time
 * it was counted over.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "slackwater/observe.h"

/* In percent of the time; workers' waits add up over all of them. */
enum { HIGH_PERCENT = 5, LONG_MS = 2000, QUEUE_EVENTS = 16384, SHORT = 40 };

struct saying {
	const struct server_info *server;
	const struct observed_settings *settings;
	const struct observed_channel *now;
	struct observed_waits waits; /* what has come since the look before, where there was one */
	bool held;                   /* a worker that somebody or something keeps waiting was named: others wait because of it */
	bool dependency;             /* what to do about dependencies was said */
	struct strlist *ret;
	struct error *err;
};

typedef enum status (*rule)(struct saying *s);

static void duration(int64_t ms, char out[SHORT])
{
	if (ms < 1000)
		snprintf(out, SHORT, "%" PRId64 " ms", ms < 0 ? 0 : ms);
	else if (ms < 100000)
		snprintf(out, SHORT, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms % 1000 / 100);
	else
		snprintf(out, SHORT, "%" PRId64 " min %" PRId64 " s", ms / 60000, ms % 60000 / 1000);
}

static void size(int64_t bytes, char out[SHORT])
{
	if (bytes < 1 << 20)
		snprintf(out, SHORT, "%.1f KiB", (double)bytes / 1024);
	else
		snprintf(out, SHORT, "%.1f MiB", (double)bytes / (1 << 20));
}

/* How long it has been in its transaction, as exactly as is known. */
static void age_of(const struct observed_worker *w, char out[2 * SHORT])
{
	char least[SHORT], most[SHORT];
	duration(w->age_ms, least);
	duration(w->age_max_ms, most);
	if (w->age_ms < 0)
		snprintf(out, 2 * SHORT, "for an unknown time");
	else if (w->age_ms == 0 && w->age_max_ms > 0)
		snprintf(out, 2 * SHORT, "for less than %s", most);
	else
		snprintf(out, 2 * SHORT, "for %s%s", w->age_max_ms == w->age_ms ? "" : "at least ", least);
}

static bool mariadb(const struct saying *s)
{
	return s->server->flavor == FLAVOR_MARIADB;
}

/* The first half of a variable's name. */
static const char *prefix(const struct saying *s)
{
	return !mariadb(s) && s->server->version >= 80026 ? "replica" : "slave";
}

static const char *workers_variable(const struct saying *s, char out[SHORT])
{
	snprintf(out, SHORT, "%s_parallel_%s", prefix(s), mariadb(s) ? "threads" : "workers");
	return out;
}

static bool says(const char *state, const char *words)
{
	return state && strcasestr(state, words);
}

/* Has applied its transaction and waits for its turn to commit. */
static bool waits_for_turn(const struct observed_worker *w)
{
	return says(w->state, "preceding transaction to commit") || says(w->state, "prior transaction to commit") ||
	       says(w->state, "its turn to commit") || says(w->state, "prior transaction to start commit");
}

static void worker_name(const struct observed_worker *w, char out[SHORT])
{
	if (w->id >= 0)
		snprintf(out, SHORT, "worker %" PRId64, w->id);
	else
		snprintf(out, SHORT, "the worker of thread %" PRIu64, w->thread);
}

/* The one that has been busy longest, but for those that only wait for their turn; NULL = none. */
static const struct observed_worker *oldest(const struct observed_channel *ch)
{
	const struct observed_worker *found = NULL;
	for (size_t i = 0; i < ch->nworkers; i++) {
		const struct observed_worker *w = &ch->worker[i];
		if (w->busy && !waits_for_turn(w) && (!found || w->age_ms > found->age_ms))
			found = w;
	}
	return found;
}

static size_t count_busy(const struct observed_channel *ch, bool turn)
{
	size_t n = 0;
	for (size_t i = 0; i < ch->nworkers; i++)
		n += ch->worker[i].busy && (!turn || waits_for_turn(&ch->worker[i]));
	return n;
}

/* ---- what is to be seen now ---- */

static enum status say_stopped(struct saying *s)
{
	const struct observed_channel *ch = s->now;
	enum status st = ST_OK;
	if (!ch->applier_running && ch->applier_errno)
		st = strlist_addf(s->ret, s->err, "the applier has stopped with error %u: slackwater recover says what to do", ch->applier_errno);
	else if (!ch->applier_running)
		st = strlist_add(s->ret, "the applier is stopped, without an error: somebody did that", s->err);
	if (!st && !ch->applier_running && ch->gap)
		st = strlist_add(s->ret, "it stands over a gap: what it has applied is no state the source was ever in; a START closes it", s->err);
	if (!st && !ch->receiver_running && ch->receiver_errno)
		st = strlist_addf(s->ret, s->err, "the receiver has stopped with error %u: nothing new arrives", ch->receiver_errno);
	else if (!st && !ch->receiver_running)
		st = strlist_add(s->ret, "the receiver is not connected: nothing new arrives, and distance and lag are those of what has", s->err);
	return st;
}

static enum status say_delay(struct saying *s)
{
	if (s->now->delay_s <= 0 || !s->now->applier_running)
		return ST_OK;
	return strlist_addf(s->ret, s->err, "the channel is delayed on purpose by %" PRId64 " s (%s_DELAY): so much lag is wanted",
	                    s->now->delay_s, s->server->version >= 80023 && !mariadb(s) ? "SOURCE" : "MASTER");
}

static const struct { const char *state, *why; } blockers[] = {
	{ "metadata lock", "a replicated DDL and a session on this server want the same table (performance_schema.metadata_locks)" },
	{ "backup lock", "a session on this server holds LOCK INSTANCE FOR BACKUP or a BACKUP STAGE, and a replicated DDL waits for it" },
	{ "global read lock", "a session on this server holds FLUSH TABLES WITH READ LOCK" },
	{ "commit lock", "a session on this server holds FLUSH TABLES WITH READ LOCK" },
	{ "table level lock", "a session on this server holds LOCK TABLES" },
};

static enum status say_blocked(struct saying *s)
{
	char name[SHORT], age[2 * SHORT];
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < s->now->nworkers; i++) {
		const struct observed_worker *w = &s->now->worker[i];
		worker_name(w, name);
		age_of(w, age);
		if (w->waits_for_row)
			st = strlist_addf(s->ret, s->err,
			                  "%s waits for a row that another transaction on this server has locked; in this transaction %s: "
			                  "%s says whose it is",
			                  name, age,
			                  mariadb(s) || s->server->version < 50700 ? "information_schema.innodb_lock_waits" : "sys.innodb_lock_waits");
		s->held = s->held || w->waits_for_row;
		for (size_t b = 0; !st && w->busy && b < sizeof blockers / sizeof blockers[0]; b++)
			if (says(w->state, blockers[b].state)) {
				s->held = true;
				st = strlist_addf(s->ret, s->err, "%s: %s", name, blockers[b].why);
			}
	}
	return st;
}

static enum status say_long(struct saying *s)
{
	const struct observed_worker *w = oldest(s->now);
	char name[SHORT], age[SHORT], done[SHORT], all[SHORT], progress[3 * SHORT] = "";
	if (!w || w->age_ms < LONG_MS || w->waits_for_row || says(w->state, " lock"))
		return ST_OK;
	s->held = true;
	worker_name(w, name);
	duration(w->age_ms, age);
	size(w->done_bytes, done);
	size(w->size_bytes, all);
	if (w->size_bytes > 0)
		snprintf(progress, sizeof progress, ", with %s of %s applied", done, all);
	return strlist_addf(s->ret, s->err,
	                    "%s has been in one transaction for %s%s: it cannot be spread over workers; smaller transactions on the "
	                    "source would help, and an index if it is a keyless table that is searched for each row",
	                    name, age, progress);
}

static enum status say_turn(struct saying *s)
{
	size_t n = count_busy(s->now, true);
	const struct observed_worker *w = oldest(s->now);
	char name[SHORT] = "one that is not shown";
	if (!n)
		return ST_OK;
	if (w)
		worker_name(w, name);
	if (mariadb(s))
		return strlist_addf(s->ret, s->err,
		                    "%zu of %zu workers have applied their transactions and wait to commit in order, behind %s: inside a "
		                    "domain MariaDB always does; work that is independent needs a gtid_domain_id of its own on the source",
		                    n, s->now->nworkers, name);
	return strlist_addf(s->ret, s->err,
	                    "%zu of %zu workers have applied their transactions and wait to commit in order, behind %s: "
	                    "%s_preserve_commit_order is ON, which keeps the replica free of gaps",
	                    n, s->now->nworkers, name, prefix(s));
}

static enum status say_dependency(struct saying *s, const char *what)
{
	if (s->held)
		return strlist_addf(s->ret, s->err, "%s: most likely on the one named above", what);
	if (s->dependency)
		return strlist_add(s->ret, what, s->err);
	s->dependency = true;
	if (mariadb(s))
		return strlist_addf(s->ret, s->err, "%s: slave_parallel_mode=optimistic does not wait for what the source committed together",
		                    what);
	if (s->server->version < 50700)
		return strlist_addf(s->ret, s->err,
		                    "%s: in 5.6 the workers share the work by database only, so spread it over more of them, or upgrade",
		                    what);
	if (s->server->version >= 80400)
		return strlist_addf(s->ret, s->err,
		                    "%s: transactions that touch the same rows, tables without a primary key, and DDL cannot run in "
		                    "parallel; on a source before 8.4 binlog_transaction_dependency_tracking=WRITESET finds more that can",
		                    what);
	return strlist_addf(s->ret, s->err,
	                    "%s: %s_parallel_type=LOGICAL_CLOCK here, and on the source binlog_transaction_dependency_tracking=WRITESET "
	                    "(8.0) or larger commit groups (binlog_group_commit_sync_delay), let more run in parallel",
	                    what, prefix(s));
}

static enum status say_memory(const struct saying *s, const char *what)
{
	char limit[SHORT];
	size(s->settings->pending_bytes, limit);
	if (mariadb(s))
		return strlist_addf(s->ret, s->err, "%s: raise slave_parallel_max_queued (%s for each worker)", what, limit);
	return strlist_addf(s->ret, s->err,
	                    "%s: raise %s_pending_jobs_size_max (%s), to more than the largest event (the source's max_allowed_packet)",
	                    what, prefix(s), s->settings->pending_bytes > 0 ? limit : "its value is not known");
}

static enum status say_coordinator(struct saying *s)
{
	const char *state = s->now->coordinator;
	if (says(state, "workers to exit"))
		return strlist_add(s->ret, "a STOP is in progress: it waits until the workers have finished what they have begun, and cannot be "
		                           "taken back", s->err);
	if (says(state, "dependent transaction to commit"))
		return say_dependency(s, "the coordinator waits for the commit of a transaction that the next one depends on");
	if (says(state, "release partition"))
		return say_dependency(s, "the coordinator waits because the next transaction is of a database that another worker is busy with");
	if (says(state, "free pending events"))
		return say_memory(s, "the coordinator waits because the workers' queues hold as much as they may");
	if (says(state, "room in worker thread"))
		return say_memory(s, "the coordinator waits because a worker's queue holds as much as it may");
	return ST_OK;
}

static enum status say_all_busy(struct saying *s)
{
	const struct observed_channel *ch = s->now;
	char name[SHORT];
	bool late = ch->behind_transactions > (int64_t)ch->nworkers || ch->lag_s > 1;
	if (!ch->applier_running || !late || !ch->nworkers)
		return ST_OK;
	if (ch->workers <= 1)
		return strlist_addf(s->ret, s->err, "one thread applies everything: raise %s", workers_variable(s, name));
	if (count_busy(ch, false) < ch->nworkers || count_busy(ch, true))
		return ST_OK;
	for (size_t i = 0; i < ch->nworkers; i++)
		if (ch->worker[i].waits_for_row || says(ch->worker[i].state, " lock"))
			return ST_OK;
	return strlist_addf(s->ret, s->err, "all %zu workers are busy and more is waiting: raise %s, as far as disks and CPUs carry it",
	                    ch->nworkers, workers_variable(s, name));
}

/* ---- what the counters say ---- */

static int64_t percent(int64_t ms, int64_t span_ms)
{
	return ms > 0 && span_ms > 0 ? (int64_t)((double)ms * 100 / (double)span_ms) : 0;
}

static bool is_high(const struct saying *s, struct observed_wait w)
{
	if (w.ms != OBSERVE_UNKNOWN && s->waits.span_ms > 0)
		return percent(w.ms, s->waits.span_ms) >= HIGH_PERCENT;
	return w.count > 0;
}

/* "WHAT 12 times, 3.4 s in all (17 % of the time)" */
static const char *counted(const struct saying *s, const char *what, struct observed_wait w, char out[256])
{
	char time[SHORT], times[SHORT] = "", all[SHORT + 24] = "", share[SHORT] = "";
	duration(w.ms, time);
	if (w.count >= 0)
		snprintf(times, sizeof times, " %" PRId64 " times", w.count);
	if (w.ms >= 0)
		snprintf(all, sizeof all, "%s %s in all", w.count >= 0 ? "," : "", time);
	if (w.ms >= 0 && s->waits.span_ms > 0)
		snprintf(share, sizeof share, " (%" PRId64 " %% of the time)", percent(w.ms, s->waits.span_ms));
	snprintf(out, 256, "%s%s%s%s", what, times, all, share);
	return out;
}

static enum status say_queues(const struct saying *s)
{
	const struct observed_waits *w = &s->waits;
	char what[256];
	enum status st = ST_OK;
	if (w->queue_memory.count > 0)
		st = say_memory(s, counted(s, "the coordinator waited for room in the workers' queues", w->queue_memory, what));
	if (!st && w->queue_full.count > 0)
		st = strlist_addf(s->ret, s->err,
		                  "%s: such a queue holds %d events, which no variable changes, so one worker gets much more than it can do (a "
		                  "very large transaction, or one database with most of the load)",
		                  counted(s, "the coordinator waited for a worker whose queue was full", w->queue_full, what), QUEUE_EVENTS);
	else if (!st && w->overruns > 0)
		st = strlist_addf(s->ret, s->err,
		                  "a worker's queue came near its %d events %" PRId64 " times: the load is unevenly spread, or there is more of it "
		                  "than the workers can do",
		                  QUEUE_EVENTS, w->overruns);
	return st;
}

static enum status say_counters(struct saying *s)
{
	const struct observed_waits *w = &s->waits;
	char what[256], name[SHORT];
	enum status st = say_queues(s);
	if (!st && w->dependency.ms > 0 && is_high(s, w->dependency))
		st = say_dependency(s, counted(s, "the coordinator waited for dependencies (clock conflicts)", w->dependency, what));
	if (!st && is_high(s, w->no_worker) && s->now->workers)
		st = strlist_addf(s->ret, s->err, "%s: raise %s (%u), unless one long transaction keeps them waiting for each other",
		                  counted(s, "the coordinator found all workers occupied", w->no_worker, what), workers_variable(s, name),
		                  s->now->workers);
	if (!st && w->commit_order.ms > 0 && percent(w->commit_order.ms, w->span_ms) >= HIGH_PERCENT * (int64_t)s->now->workers)
		st = strlist_addf(s->ret, s->err,
		                  "%s: %s_preserve_commit_order makes quick transactions wait for slow ones, and keeps the replica free of gaps",
		                  counted(s, "workers waited for their turn to commit", w->commit_order, what), prefix(s));
	return st;
}

/* now - before; false when the counters were set back. */
static bool subtract(int64_t *now, int64_t before)
{
	if (*now == OBSERVE_UNKNOWN || before == OBSERVE_UNKNOWN)
		return true;
	*now -= before;
	return *now >= 0;
}

static bool subtract_wait(struct observed_wait *now, const struct observed_wait *before)
{
	bool count = subtract(&now->count, before->count), ms = subtract(&now->ms, before->ms);
	return count && ms;
}

/* Lines of a log are differences already. */
static struct observed_waits since(const struct observed_waits *now, const struct observed_waits *before)
{
	struct observed_waits d = *now;
	if (!before || now->from != OBSERVED_COMPONENT || before->from != OBSERVED_COMPONENT)
		return d;
	bool good = subtract(&d.span_ms, before->span_ms) && subtract(&d.transactions, before->transactions);
	good = good && subtract_wait(&d.queue_full, &before->queue_full) && subtract_wait(&d.queue_memory, &before->queue_memory);
	good = good && subtract_wait(&d.dependency, &before->dependency) && subtract_wait(&d.no_worker, &before->no_worker);
	good = good && subtract_wait(&d.commit_order, &before->commit_order) && subtract_wait(&d.no_work, &before->no_work);
	return good ? d : *now;
}

enum status observe_explain(const struct server_info *server, const struct observed_settings *settings,
                            const struct observed_channel *now, const struct observed_channel *before,
                            struct strlist *ret, struct error *err)
{
	static const rule rules[] = { say_stopped, say_delay, say_blocked, say_long, say_turn, say_coordinator, say_all_busy, say_counters };
	struct saying s = { .server = server, .settings = settings, .now = now, .ret = ret, .err = err };
	enum status st = ST_OK;
	s.waits = since(&now->waits, before ? &before->waits : NULL);
	for (size_t i = 0; !st && i < sizeof rules / sizeof rules[0]; i++)
		st = rules[i](&s);
	return st;
}
