/* SPDX-License-Identifier: Apache-2.0 */
/* What is written, and reading it again; journal_finish.c does what it says. */
#include "slackwater/journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applier/instance.h"
#include "applier/journal_parts.h"
#include "applier/statedir.h"
#include "slackwater/fs.h"
#include "slackwater/jsonx.h"

enum { JOURNAL_FORMAT = 1, JOURNAL_MAX = 1 << 20 };

static const char suffix[] = ".journal";

struct journal {
	struct buf dir, path;
	struct run *run;
	struct journal_record record;
	bool open; /* it may be on the disk */
};

void journal_record_free(struct journal_record *r)
{
	free(r->path);
	free(r->identity);
	free(r->endpoint);
	strlist_free(&r->channels);
	*r = (struct journal_record){ 0 };
}

/* The same server may be reached in several ways; this is for telling that another one answers at the same place now. */
enum status journal_endpoint(const struct conn_options *o, char **ret, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	if (conn_options_local(o))
		buf_addf(&b, "unix %s", o->socket ? o->socket : "");
	else
		buf_addf(&b, "tcp %s:%u", o->host, o->port ? o->port : 3306);
	enum status st = buf_check(&b, "the endpoint", err);
	if (!st && !(*ret = buf_take(&b)))
		st = error_oom(err);
	buf_free(&b);
	return st;
}

/* By the server's own clock, so that a clock that is set elsewhere does not look like a restart. */
enum status journal_server_start(struct conn *c, int64_t *ret_s, struct error *err)
{
	uint64_t now = 0, up = 0;
	enum status st = conn_scalar_u64(c, "SELECT UNIX_TIMESTAMP()", &now, err);
	if (!st)
		st = instance_uptime(c, &up, err);
	if (!st)
		*ret_s = (int64_t)now - (int64_t)up;
	return st;
}

enum status journal_new(const char *state_dir, const struct conn_options *o, struct conn *c, struct journal **ret,
                        struct error *err)
{
	char key[STATEDIR_KEY];
	struct journal *j = calloc(1, sizeof *j);
	if (!j)
		return error_oom(err);
	*j = (struct journal){ .dir = BUF_INIT(4096), .path = BUF_INIT(8192), .run = c->run };
	enum status st = statedir_make(state_dir, err);
	if (!st)
		st = statedir_key(&c->server, key, err);
	if (!st) {
		buf_adds(&j->dir, state_dir);
		buf_addf(&j->path, "%s/%s%s", state_dir, key, suffix);
		st = buf_check(&j->path, "the journal's path", err);
	}
	if (!st)
		st = journal_endpoint(o, &j->record.endpoint, err);
	if (!st)
		st = journal_server_start(c, &j->record.server_start_s, err);
	if (!st && !(j->record.identity = strdup(c->server.identity)))
		st = error_oom(err);
	if (!st)
		j->record.connection = c->ops->thread_id(c);
	if (st)
		journal_free(j);
	else
		*ret = j;
	return st;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_record_free(&j->record);
	buf_free(&j->dir);
	buf_free(&j->path);
	free(j);
}

static enum status to_json(const struct journal_record *r, struct buf *out, struct error *err)
{
	json_t *doc = json_object();
	/* One that fails has let go of its value, and those after it are not made. */
	bool bad = json_object_set_new(doc, "format", json_integer(JOURNAL_FORMAT)) ||
	           json_object_set_new(doc, "identity", jsonx_text(r->identity)) ||
	           json_object_set_new(doc, "endpoint", jsonx_text(r->endpoint)) ||
	           json_object_set_new(doc, "channels", jsonx_from_strlist(&r->channels)) ||
	           json_object_set_new(doc, "written_ms", json_integer(r->written_ms)) ||
	           json_object_set_new(doc, "server_start_s", json_integer(r->server_start_s)) ||
	           json_object_set_new(doc, "connection", json_integer((json_int_t)r->connection)) ||
	           json_object_set_new(doc, "guarded", json_boolean(r->guarded)) ||
	           json_object_set_new(doc, "max_pause_ms", json_integer(r->max_pause_ms)) ||
	           json_object_set_new(doc, "pid", json_integer(r->pid));
	enum status st = bad ? error_oom(err) : jsonx_dump(doc, out, err);
	json_decref(doc);
	return st;
}

enum status journal_write(struct journal *j, const char *const *channels, size_t n, bool guarded, int64_t max_pause_ms,
                          struct error *err)
{
	struct buf text = BUF_INIT(JOURNAL_MAX);
	struct journal_record *r = &j->record;
	enum status st = ST_OK;
	strlist_free(&r->channels);
	for (size_t i = 0; !st && i < n; i++)
		st = strlist_add(&r->channels, channels[i], err);
	r->guarded = guarded;
	r->max_pause_ms = max_pause_ms;
	r->written_ms = run_wall_ms(j->run);
	r->pid = (unsigned)getpid();
	if (!st)
		st = to_json(r, &text, err);
	if (!st) {
		j->open = true;
		st = fs_write_file_atomic(buf_str(&j->path), text.data, text.len, 0600, err);
	}
	if (st && err && err->kind == ERR_STORE) {
		error_prefix(err, "the journal");
		statedir_hint(err);
	}
	buf_free(&text);
	return st;
}

enum status journal_remove(const char *path, const char *dir, struct error *err)
{
	if (unlink(path) != 0)
		return errno == ENOENT ? ST_OK : error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot remove the journal %s", path);
	return fs_sync_dir(dir, err);
}

enum status journal_close(struct journal *j, struct error *err)
{
	enum status st = j->open ? journal_remove(buf_str(&j->path), buf_str(&j->dir), err) : ST_OK;
	j->open = j->open && st;
	return st;
}

/* ---- reading ---- */

static enum status take_texts(const json_t *doc, struct journal_record *ret, struct error *err)
{
	const char *identity, *endpoint;
	enum status st = jsonx_str(doc, "identity", &identity, err);
	if (!st)
		st = jsonx_str(doc, "endpoint", &endpoint, err);
	if (!st && (!(ret->identity = strdup(identity)) || !(ret->endpoint = strdup(endpoint))))
		st = error_oom(err);
	return st ? st : jsonx_strlist(doc, "channels", &ret->channels, err);
}

static enum status from_json(const json_t *doc, struct journal_record *ret, struct error *err)
{
	uint64_t format = 0, written = 0, start = 0, max_pause = 0, pid = 0;
	enum status st = jsonx_u64(doc, "format", &format, err);
	if (!st && format != JOURNAL_FORMAT)
		st = error_set(err, ST_FAILED, ERR_STORE, "its format is %llu, known here is %d", (unsigned long long)format, JOURNAL_FORMAT);
	if (!st)
		st = take_texts(doc, ret, err);
	if (!st)
		st = jsonx_u64(doc, "written_ms", &written, err);
	if (!st)
		st = jsonx_u64(doc, "server_start_s", &start, err);
	if (!st)
		st = jsonx_u64(doc, "connection", &ret->connection, err);
	if (!st)
		st = jsonx_bool(doc, "guarded", &ret->guarded, err);
	if (!st)
		st = jsonx_u64(doc, "max_pause_ms", &max_pause, err);
	if (!st)
		st = jsonx_u64(doc, "pid", &pid, err);
	ret->written_ms = (int64_t)written;
	ret->server_start_s = (int64_t)start;
	ret->max_pause_ms = (int64_t)max_pause;
	ret->pid = (unsigned)pid;
	return st;
}

enum status journal_read(const char *path, struct journal_record *ret, struct error *err)
{
	struct buf text = BUF_INIT(JOURNAL_MAX);
	struct journal_record r = { 0 };
	json_t *doc = NULL;
	enum status st = fs_read_file(path, &text, err);
	if (!st)
		st = jsonx_parse(buf_str(&text), text.len, "it", &doc, err);
	if (!st)
		st = from_json(doc, &r, err);
	if (!st && !(r.path = strdup(path)))
		st = error_oom(err);
	json_decref(doc);
	buf_free(&text);
	if (st) {
		journal_record_free(&r);
		if (err)
			err->kind = ERR_STORE;
		error_prefix(err, "the journal %s", path);
		error_hint(err, "see which channels it names, start those that should run, and remove the file");
		return st;
	}
	*ret = r;
	return ST_OK;
}

static bool is_journal(const char *name)
{
	size_t len = strlen(name), tail = sizeof suffix - 1;
	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

enum status journal_list(const char *state_dir, struct strlist *ret, struct error *err)
{
	DIR *d = opendir(state_dir);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES
			? ST_OK /* nobody has ever written one there, or it is not for us */
			: error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot read the state directory %s", state_dir);
	enum status st = ST_OK;
	const struct dirent *e = NULL;
	for (errno = 0; !st && (e = readdir(d)); errno = 0)
		if (is_journal(e->d_name))
			st = strlist_addf(ret, err, "%s/%s", state_dir, e->d_name);
	if (!st && !e && errno)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot read the state directory %s", state_dir);
	closedir(d);
	strlist_sort(ret);
	return st;
}
