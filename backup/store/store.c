/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "slackwater/hex.h"
#include "store/dir.h"
#include "store/pipe.h"
#include "store/s3/s3.h"

enum { STORE_PATH_MAX = 4096, STORE_BLOCK = 256 * 1024 };

/* How a message names an address: what stands before an @ may be a password. */
static const char *store_shown(const char *url)
{
	return strchr(url, '@') ? "the store's address" : url;
}

/* The path of "file:///dir", percent signs decoded. */
static enum status store_file_path(const char *url, struct buf *path, struct error *err)
{
	const char *p = url + strlen("file://");
	if (strncmp(p, "localhost/", 10) == 0)
		p += strlen("localhost");
	if (*p != '/') {
		error_set(err, ST_FAILED, ERR_USAGE, "%s does not name a directory of this host", store_shown(url));
		error_hint(err, "three slashes and an absolute path: file:///backups, or the plain path");
		return ST_FAILED;
	}
	for (; *p; p++) {
		int byte = hex_percent(p);
		if (byte > 0) {
			buf_addc(path, (char)byte);
			p += 2;
		} else if (*p == '%') {
			return error_set(err, ST_FAILED, ERR_USAGE, "%s has a percent sign that is not followed by two hexadecimal digits", store_shown(url));
		} else {
			buf_addc(path, *p);
		}
	}
	return buf_check(path, "the path", err);
}

/* The directory that url names. */
static enum status store_path(const char *url, struct buf *path, struct error *err)
{
	if (!*url)
		return error_set(err, ST_FAILED, ERR_USAGE, "the store's address is empty");
	if (strncmp(url, "file://", 7) == 0)
		return store_file_path(url, path, err);
	if (strstr(url, "://") || strncasecmp(url, "s3:", 3) == 0 || strncasecmp(url, "file:", 5) == 0) { /* a slash too few is no directory's name */
		error_set(err, ST_FAILED, ERR_USAGE, "%s is not a store this version knows", store_shown(url));
		error_hint(err, "a directory (file:///backups, or the plain path), s3://BUCKET/PREFIX, or - for a pipe");
		return ST_FAILED;
	}
	buf_adds(path, url);
	return buf_check(path, "the path", err);
}

static bool store_is_s3(const char *url)
{
	return strncmp(url, "s3://", 5) == 0;
}

enum status store_check_url(const char *url, const struct store_options *options, struct error *err)
{
	if (store_is_s3(url))
		return s3_check(url, options, err);
	struct buf path = BUF_INIT(STORE_PATH_MAX);
	enum status st = strcmp(url, "-") == 0 ? ST_OK : store_path(url, &path, err);
	buf_free(&path);
	return st;
}

enum status store_open(const char *url, enum store_use use, const struct store_options *options, struct run *run, struct store **ret,
                       struct error *err)
{
	if (strcmp(url, "-") == 0)
		return pipe_open(use == STORE_WRITE ? STDOUT_FILENO : STDIN_FILENO, use, run, ret, err);
	if (store_is_s3(url))
		return s3_open(url, use, options, run, ret, err);
	struct buf path = BUF_INIT(STORE_PATH_MAX);
	enum status st = store_path(url, &path, err);
	if (!st)
		st = dir_open(path.data, use, run, ret, err);
	buf_free(&path);
	return st;
}

bool store_held(const struct error *err)
{
	return err->kind == ERR_STORE && err->sys_errno == EPERM;
}

bool store_missing(const struct error *err)
{
	return err->kind == ERR_SNAPSHOT && err->sys_errno == ENOENT;
}

void store_free(struct store *s)
{
	if (s)
		s->ops->free(s);
}

void store_writer_free(struct store_writer *w)
{
	if (w)
		w->ops->free(w);
}

void store_reader_free(struct store_reader *r)
{
	if (r)
		r->ops->free(r);
}

static enum status store_get_block(struct store_reader *r, const char *key, struct buf *ret, bool *ret_more, struct error *err)
{
	size_t room = ret->max - ret->len, n = 0;
	buf_reserve(ret, room < STORE_BLOCK ? room : STORE_BLOCK);
	enum status st = buf_check(ret, key, err);
	if (st)
		return st;
	/* With no room left, one byte more would be too much. */
	char one;
	st = room ? r->ops->read(r, ret->data + ret->len, room < STORE_BLOCK ? room : STORE_BLOCK, &n, err)
	          : r->ops->read(r, &one, 1, &n, err);
	if (st)
		return st;
	if (n && !room)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is larger than %zu bytes", key, ret->max);
	ret->len += n;
	ret->data[ret->len] = '\0';
	*ret_more = n > 0;
	return ST_OK;
}

enum status store_get(struct store *s, const char *key, struct buf *ret, struct error *err)
{
	struct store_reader *r = NULL;
	enum status st = s->ops->open(s, key, 0, 0, &r, err);
	for (bool more = true; !st && more;)
		st = store_get_block(r, key, ret, &more, err);
	store_reader_free(r);
	return st;
}
