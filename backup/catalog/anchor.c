/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/anchor.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "applier/statedir.h"
#include "slackwater/digest.h"
#include "slackwater/fs.h"

enum { ANCHOR_PATH_MAX = 4096, ANCHOR_DIGITS = 16 };

static enum status anchor_path(const char *state_dir, const char *url, struct buf *path, struct error *err)
{
	char hex[DIGEST_HEX];
	enum status st = digest_of(url, strlen(url), hex, err);
	if (st)
		return st;
	buf_addf(path, "%s/repository-%.*s", state_dir, ANCHOR_DIGITS, hex);
	return buf_check(path, "the path in the state directory", err);
}

static bool anchor_see(void *arg, const char *folder)
{
	(void)folder;
	*(bool *)arg = true;
	return false;
}

/* Away, or without a single folder. */
static enum status anchor_check(struct store *s, const char *url, struct error *err)
{
	bool any = false;
	enum status st = s->ops->folders(s, "", anchor_see, &any, err);
	return st || any ? st : error_set(err, ST_FAILED, ERR_STORE, "the repository %s is empty, and has had snapshots", url);
}

/* Not even an empty directory is made where there should be one. */
static enum status anchor_open_known(const char *path, const char *url, const struct store_options *o, struct run *run, struct store **ret,
                                     struct error *err)
{
	struct error mine = ERROR_INIT;
	struct store *s = NULL;
	enum status st = store_open(url, STORE_CHANGE, o, run, &s, &mine);
	bool away = st && mine.kind == ERR_STORE && mine.sys_errno == ENOENT;
	if (!st) {
		st = anchor_check(s, url, &mine);
		away = st && !mine.sys_errno && mine.kind == ERR_STORE;
	}
	if (away)
		error_hint(&mine, "is its file system mounted? If a new repository is meant to begin there, remove %.300s", path);
	if (!st) {
		*ret = s;
		return ST_OK;
	}
	store_free(s);
	if (err)
		*err = mine;
	return st;
}

enum status anchor_open(const char *state_dir, const char *url, const struct store_options *o, struct run *run, struct store **ret, struct error *err)
{
	struct buf path = BUF_INIT(ANCHOR_PATH_MAX);
	struct stat sb;
	enum status st = state_dir ? anchor_path(state_dir, url, &path, err) : ST_OK;
	if (!st && path.len && stat(path.data, &sb) == 0)
		st = anchor_open_known(path.data, url, o, run, ret, err);
	else if (!st)
		st = store_open(url, STORE_WRITE, o, run, ret, err);
	buf_free(&path);
	return st;
}

void anchor_set(const char *state_dir, const char *url, struct store *s)
{
	struct buf path = BUF_INIT(ANCHOR_PATH_MAX), text = BUF_INIT(ANCHOR_PATH_MAX);
	struct error err = ERROR_INIT;
	struct stat sb;
	if (!state_dir || !(s->ops->features & STORE_LOCAL))
		return;
	buf_addf(&text, "%s\n", url);
	enum status st = anchor_path(state_dir, url, &path, &err);
	if (!st)
		st = buf_check(&text, "the repository's address", &err);
	if (!st && stat(path.data, &sb) == 0)
		st = ST_OK;
	else if (!st && !(st = statedir_make(state_dir, &err)))
		st = fs_write_file_atomic(path.data, text.data, text.len, 0600, &err);
	if (st)
		event_warning(s->run->events, "store", "it is not remembered that %s has snapshots: %s", url, err.message);
	buf_free(&path);
	buf_free(&text);
}
