/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "links.h"
#include "slackwater/slot.h"

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static bool is(const char *v, const char *word)
{
	return v && strcasecmp(v, word) == 0;
}

/* Of the current row, whatever the version calls its columns. */
static void watch_row(const struct rows *r, struct seed_look *ret)
{
	const char *io = rows_get(r, "Replica_IO_Running"), *state = rows_get(r, "Replica_IO_State");
	*ret = (struct seed_look){ .seen = true };
	ret->io = is(io, "Yes");
	ret->io_connecting = is(io, "Connecting") || is(io, "Preparing");
	ret->sql = is(rows_get(r, "Replica_SQL_Running"), "Yes");
	ret->drained = state && strncmp(state, "Waiting for ", 12) == 0 && strstr(state, " to send event");
	ret->receiving = ret->drained || (state && strncmp(state, "Queueing ", 9) == 0);
	ret->io_errno = (unsigned)rows_u64(r, "Last_IO_Errno", 0);
	ret->sql_errno = (unsigned)rows_u64(r, "Last_SQL_Errno", 0);
	copy(ret->io_error, sizeof ret->io_error, rows_get(r, "Last_IO_Error"));
	copy(ret->sql_error, sizeof ret->sql_error, rows_get(r, "Last_SQL_Error"));
	copy(ret->exec_file, sizeof ret->exec_file, rows_get(r, "Relay_Source_Log_File"));
	copy(ret->read_file, sizeof ret->read_file, rows_get(r, "Source_Log_File"));
	ret->exec_pos = rows_u64(r, "Exec_Source_Log_Pos", 0);
	ret->read_pos = rows_u64(r, "Read_Source_Log_Pos", 0);
}

enum status seed_watch_find(struct conn *target, const char *channel, struct rows **ret, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	struct rows *r = NULL;
	bool more = false;
	dialect_show_status(&sql, &target->server);
	enum status st = conn_query(target, buf_str(&sql), &r, err);
	buf_free(&sql);
	while (!st && !(st = rows_next(r, &more, err)) && more) {
		const char *name = rows_get(r, "Channel_Name");
		if (strcmp(name ? name : "", channel) != 0)
			continue;
		*ret = r;
		return ST_OK;
	}
	rows_free(r);
	return st;
}

enum status seed_watch_channel(struct conn *target, const char *channel, struct seed_look *ret, struct error *err)
{
	struct rows *r = NULL;
	*ret = (struct seed_look){ 0 };
	enum status st = seed_watch_find(target, channel, &r, err);
	if (!st && r)
		watch_row(r, ret);
	rows_free(r);
	return st;
}

enum status seed_watch_own_log(struct conn *c, char **ret_file, uint64_t *ret_pos, struct error *err)
{
	struct buf sql = BUF_INIT(256);
	struct rows *r = NULL;
	bool more = false;
	dialect_show_own_binlog(&sql, &c->server);
	enum status st = conn_query(c, buf_str(&sql), &r, err);
	if (!st)
		st = rows_next(r, &more, err);
	if (!st && more)
		st = slot_set(ret_file, rows_get(r, "File"), err);
	if (!st && more)
		*ret_pos = rows_u64(r, "Position", 0);
	rows_free(r);
	buf_free(&sql);
	return st;
}

static const char *hint_for(unsigned code)
{
	switch (code) {
	case 1032:
	case 1062:
		return "the data and the position do not belong together, or the snapshotted replica had drifted from its source: take a newer snapshot and seed"
		       " with --replace; compare the replica with its source";
	case 1236:
		return "the source lacks a binary log or transactions that are needed: take a newer snapshot and seed with --replace";
	case 1593:
	case 13117:
		return "source and target have the same server_uuid or server_id: remove auto.cnf (or change server_id) on the target and restart it";
	case 1045:
	case 1130:
	case 1251:
	case 2059:
		return "the target cannot log in to the source: check the account, also for the host that the target comes from";
	case 2061:
		return "the account needs TLS, or --source-public-key";
	case 1146:
	case 1396:
		return "the snapshot lacks something that is replicated: check replication filters and --no-users";
	default:
		return "see the error log of the target; when the reason is gone, START it, or seed again with --replace";
	}
}

static enum status broken(struct error *err, const char *channel, const char *thread, unsigned code, const char *text)
{
	error_set(err, ST_FAILED, ERR_NOT_PROVEN, "%s: the %s stopped with error %u: %s", seed_links_label(channel), thread, code, text);
	err->my_errno = code;
	error_hint(err, "%s", hint_for(code));
	return ST_FAILED;
}

enum status seed_watch_judge(const struct seed_look *look, const char *channel, int64_t since_start_ms, int64_t patience_ms,
                             struct error *err)
{
	if (!look->seen)
		return error_set(err, ST_FAILED, ERR_NOT_PROVEN, "%s is gone from the target", seed_links_label(channel));
	if (look->sql_errno)
		return broken(err, channel, "applier", look->sql_errno, look->sql_error);
	bool fatal = look->io_errno == 1236 || look->io_errno == 1593 || look->io_errno == 13117 || (!look->io && !look->io_connecting);
	if (look->io_errno && (fatal || since_start_ms > patience_ms))
		return broken(err, channel, "receiver", look->io_errno, look->io_error);
	if (since_start_ms <= patience_ms || (look->sql && look->io))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_NOT_PROVEN, "%s: the %s does not run, and no error is given", seed_links_label(channel),
	          look->sql ? "receiver" : "applier");
	error_hint(err, "has somebody stopped it? START it, or seed again with --replace");
	return ST_FAILED;
}

static unsigned long long number_of(const char *file)
{
	const char *dot = strrchr(file, '.');
	return dot ? strtoull(dot + 1, NULL, 10) : 0;
}

int seed_watch_compare(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b)
{
	unsigned long long a = number_of(file_a), b = number_of(file_b);
	if (a != b)
		return a < b ? -1 : 1;
	return pos_a < pos_b ? -1 : pos_a > pos_b;
}
