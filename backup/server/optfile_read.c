/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "optfile_parts.h"
#include "slackwater/fs.h"
#include "slackwater/strlist.h"

enum {
	OPTFILE_MAX = 1 << 20,
	OPTFILE_DEPTH = 10 /* of includes */
};

/* One file on its way into f. The group holds over the lines of a file, not over includes. */
struct optfile_reader {
	struct optfile *f;
	const char *path;
	size_t file; /* its number in f->files */
	unsigned line, depth;
	bool named;
	struct optfile_span group;
};

static enum status optfile_load_at(struct optfile *f, const char *path, bool named, unsigned depth, struct error *err);

static enum status optfile_malformed(const struct optfile_reader *r, const char *what, struct error *err)
{
	return error_set(err, ST_FAILED, ERR_USAGE, "option file %s, line %u: %s", r->path, r->line, what);
}

static bool optfile_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct optfile_span optfile_trim(struct optfile_span t)
{
	while (t.len && optfile_blank(t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len && optfile_blank(t.s[t.len - 1]))
		t.len--;
	return t;
}

/* A # outside of quotes ends a value: who has one in a password must quote it, as the server's own programs demand. */
static struct optfile_span optfile_uncomment(struct optfile_span t)
{
	char quote = 0;
	for (size_t i = 0; i < t.len; i++) {
		char c = t.s[i];
		if (c == '\\')
			i++;
		else if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '\'' || c == '"')
			quote = c;
		else if (c == '#')
			t.len = i;
	}
	return t;
}

static char optfile_escaped(char c)
{
	static const char from[] = "btnrs\\'\"", to[] = "\b\t\n\r \\'\"";
	const char *at = c ? strchr(from, c) : NULL;
	return at ? to[at - from] : 0;
}

static void optfile_unescape(struct optfile_span t, struct buf *out)
{
	if (t.len >= 2 && (t.s[0] == '\'' || t.s[0] == '"') && t.s[t.len - 1] == t.s[0]) {
		t.s++;
		t.len -= 2;
	}
	for (size_t i = 0; i < t.len; i++) {
		char special = t.s[i] == '\\' && i + 1 < t.len ? optfile_escaped(t.s[i + 1]) : 0;
		buf_addc(out, special ? special : t.s[i]);
		i += special != 0;
	}
}

static bool optfile_strip(struct optfile_span *t, const char *prefix)
{
	size_t len = strlen(prefix);
	if (t->len <= len || strncmp(t->s, prefix, len) != 0)
		return false;
	t->s += len;
	t->len -= len;
	return true;
}

static enum status optfile_option_line(struct optfile_reader *r, struct optfile_span t, struct error *err)
{
	const char *equals = memchr(t.s, '=', t.len);
	struct optfile_span key = { t.s, equals ? (size_t)(equals - t.s) : t.len }, value = { "", 0 };
	if (equals)
		value = (struct optfile_span){ equals + 1, t.len - key.len - 1 };
	else
		key = optfile_uncomment(key);
	key = optfile_trim(key);
	value = optfile_trim(optfile_uncomment(value));
	if (!key.len)
		return optfile_malformed(r, "a value without a name", err);
	if (!r->group.s)
		return optfile_malformed(r, "an option before the first [group]", err);
	bool loose = optfile_strip(&key, "loose-") || optfile_strip(&key, "loose_");
	struct buf text = BUF_INIT(OPTFILE_MAX);
	text.secret = 1;
	optfile_unescape(value, &text);
	enum status st = buf_check(&text, "an option's value", err);
	if (!st && !optfile_add(r->f, &r->group, &key, buf_str(&text), loose, r->file, r->line))
		st = error_oom(err);
	buf_free(&text);
	return st;
}

static enum status optfile_group_line(struct optfile_reader *r, struct optfile_span t, struct error *err)
{
	const char *end = memchr(t.s, ']', t.len);
	if (!end)
		return optfile_malformed(r, "a group without its ']'", err);
	r->group = optfile_trim((struct optfile_span){ t.s + 1, (size_t)(end - t.s) - 1 });
	return ST_OK;
}

static enum status optfile_list(const struct optfile_reader *r, const char *dir, struct strlist *ret, struct error *err)
{
	DIR *d = opendir(dir);
	if (!d && !r->named)
		return ST_OK;
	if (!d)
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "option file %s: cannot read directory %s", r->path, dir);
	enum status st = ST_OK;
	for (struct dirent *e; !st && (e = readdir(d));) {
		size_t len = strlen(e->d_name);
		if (len > 4 && strcmp(e->d_name + len - 4, ".cnf") == 0)
			st = strlist_addf(ret, err, "%s/%s", dir, e->d_name);
	}
	closedir(d);
	strlist_sort(ret);
	return st;
}

static enum status optfile_include_dir(const struct optfile_reader *r, const char *dir, struct error *err)
{
	struct strlist files = { 0 };
	enum status st = optfile_list(r, dir, &files, err);
	for (size_t i = 0; !st && i < files.n; i++)
		st = optfile_load_at(r->f, files.item[i], r->named, r->depth + 1, err);
	strlist_free(&files);
	return st;
}

static enum status optfile_include_line(struct optfile_reader *r, struct optfile_span t, struct error *err)
{
	bool dir = optfile_strip(&t, "!includedir");
	if (!dir && !optfile_strip(&t, "!include"))
		return optfile_malformed(r, "an unknown directive", err);
	if (r->depth == OPTFILE_DEPTH)
		return optfile_malformed(r, "too many files that include each other", err);
	t = optfile_trim(t);
	char *path = t.len ? strndup(t.s, t.len) : NULL;
	if (!path)
		return t.len ? error_oom(err) : optfile_malformed(r, "an include of nothing", err);
	enum status st = dir ? optfile_include_dir(r, path, err) :
	                       optfile_load_at(r->f, path, r->named, r->depth + 1, err);
	free(path);
	return st;
}

static enum status optfile_line(struct optfile_reader *r, struct optfile_span t, struct error *err)
{
	t = optfile_trim(t);
	if (!t.len || t.s[0] == '#' || t.s[0] == ';')
		return ST_OK;
	if (t.s[0] == '!')
		return optfile_include_line(r, t, err);
	if (t.s[0] == '[')
		return optfile_group_line(r, t, err);
	return optfile_option_line(r, t, err);
}

static enum status optfile_lines(struct optfile_reader *r, const struct buf *text, struct error *err)
{
	enum status st = ST_OK;
	const char *at = buf_str(text), *end = at + text->len;
	if (text->len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (!st && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		r->line++;
		st = optfile_line(r, (struct optfile_span){ at, (size_t)((newline ? newline : end) - at) }, err);
		at = newline ? newline + 1 : end;
	}
	return st;
}

/* The file that is looked at is the one that is read: both by its descriptor. A pipe is what <(...) of a shell gives. */
static enum status optfile_check(int fd, const char *path, struct error *err)
{
	struct stat sb;
	if (fstat(fd, &sb))
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot look at option file %s", path);
	if (S_ISDIR(sb.st_mode))
		return error_set(err, ST_FAILED, ERR_USAGE, "option file %s is a directory", path);
	if (!S_ISREG(sb.st_mode) || !(sb.st_mode & S_IWOTH))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "option file %s may be written by anybody", path);
	return error_hint(err, "chmod o-w %s, and see that nobody has changed it", path);
}

static enum status optfile_load_at(struct optfile *f, const char *path, bool named, unsigned depth, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !named)
		return ST_OK;
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot open option file %s", path);
	struct buf text = BUF_INIT(OPTFILE_MAX);
	text.secret = 1;
	struct optfile_reader r = { .f = f, .path = path, .file = f->files.n, .named = named, .depth = depth };
	enum status st = optfile_check(fd, path, err);
	if (!st)
		st = strlist_add(&f->files, path, err);
	if (!st)
		st = fs_read_fd(fd, path, &text, err);
	if (st && err && err->kind == ERR_STORE)
		err->kind = ERR_USAGE;
	close(fd);
	if (!st)
		st = optfile_lines(&r, &text, err);
	buf_free(&text);
	return st;
}

/* One file and what it includes. named: somebody asked for it, so that it must be there and readable; others are skipped if not. */
static enum status optfile_load(struct optfile *f, const char *path, bool named, struct error *err)
{
	return optfile_load_at(f, path, named, 0, err);
}

static enum status optfile_load_home(struct optfile *f, struct error *err)
{
	const char *home = getenv("HOME");
	char path[4096];
	if (!home || !*home || snprintf(path, sizeof path, "%s/.my.cnf", home) >= (int)sizeof path)
		return ST_OK;
	return optfile_load(f, path, false, err);
}

static enum status optfile_load_customary(struct optfile *f, const char *extra, struct error *err)
{
	enum status st = optfile_load(f, "/etc/my.cnf", false, err);
	if (!st)
		st = optfile_load(f, "/etc/mysql/my.cnf", false, err);
	if (!st && extra)
		st = optfile_load(f, extra, true, err);
	return st ? st : optfile_load_home(f, err);
}

enum status optfile_read(struct optfile **ret, const char *only, const char *extra, struct error *err)
{
	struct optfile *f = calloc(1, sizeof *f);
	if (!f)
		return error_oom(err);
	enum status st = only ? optfile_load(f, only, true, err) : optfile_load_customary(f, extra, err);
	if (st)
		optfile_free(f);
	else
		*ret = f;
	return st;
}
