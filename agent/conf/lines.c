/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih calls back with section, key and value, but knows no numbers of lines, cuts lines and names that are long, takes an indented line as the
 * last value's second, and is silent about lines that it cannot use. So it is fed line by line from here, where all that is seen.
 */
#include "lines.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "slackwater/array.h"
#include "slackwater/fs.h"

enum { LINES_FILE_MAX = 1 << 20, LINES_FILES_MAX = 1000, LINES_LINE_MAX = INI_MAX_LINE - 2, LINES_SECTIONS_MAX = 10000 };

struct reader {
	struct lines *lines;
	struct mistakes *mistakes;
	const char *file, *at; /* at: what has not been read yet */
	unsigned line;
	bool pending;   /* the last line has to be a key and a value: inih has not called yet */
	bool main_file, no_memory;
	bool lost;      /* in a section whose line could not be read: its keys are not looked at */
	bool fresh;     /* no section has begun in this file */
	struct strlist include;
	unsigned include_line;
};

static char *trimmed(const char *s, size_t len)
{
	while (len && strchr(" \t\r", s[len - 1]))
		len--;
	while (len && strchr(" \t", *s)) {
		s++;
		len--;
	}
	return strndup(s, len);
}

/* ---- sections ---- */

static void add_section(struct reader *r, const char *title, size_t len)
{
	struct lines *l = r->lines;
	if (l->n >= LINES_SECTIONS_MAX) {
		mistakes_add(r->mistakes, r->file, r->line, NULL, "there are more than %d sections", LINES_SECTIONS_MAX);
		r->at = "";
		return;
	}
	struct lines_section *all = array_room(l->section, l->n, &l->cap, sizeof *all);
	if (!all) {
		r->no_memory = true;
		return;
	}
	l->section = all;
	char *text = trimmed(title, len);
	size_t word = text ? strcspn(text, " \t") : 0;
	struct lines_section s = { .file = r->file, .line = r->line };
	if (text) {
		s.kind = strndup(text, word);
		s.name = trimmed(text + word, strlen(text + word));
	}
	free(text);
	if (!s.kind || !s.name) {
		free(s.kind);
		free(s.name);
		r->no_memory = true;
		return;
	}
	all[l->n++] = s;
	r->fresh = r->lost = false;
}

static void begin_section(struct reader *r, const char *line)
{
	const char *end = strchr(line, ']');
	const char *rest = end ? end + 1 + strspn(end + 1, " \t\r") : "";
	r->lost = true;
	if (!end || (*rest && *rest != ';' && *rest != '#'))
		mistakes_add(r->mistakes, r->file, r->line, NULL, "a section is written [KIND NAME], and nothing behind it");
	else if (line[1 + strspn(line + 1, " \t")] == ']')
		mistakes_add(r->mistakes, r->file, r->line, NULL, "the section has no name");
	else
		add_section(r, line + 1, (size_t)(end - line - 1));
}

/* ---- keys ---- */

/* In what stands behind the '=': a pair of quotes is taken away, if it is round the whole. */
static char *unquoted(const char *raw)
{
	size_t len = strlen(raw);
	bool pair = len > 1 && (*raw == '"' || *raw == '\'') && raw[len - 1] == *raw && !memchr(raw + 1, *raw, len - 2);
	return pair ? strndup(raw + 1, len - 2) : strdup(raw);
}

static void add_entry(struct reader *r, const char *key, const char *value)
{
	struct lines_section *s = &r->lines->section[r->lines->n - 1];
	struct lines_entry *all = array_room(s->entry, s->n, &s->cap, sizeof *all);
	if (!all) {
		r->no_memory = true;
		return;
	}
	s->entry = all;
	struct lines_entry e = { .key = strdup(key), .value = unquoted(value), .raw = strdup(value), .file = r->file, .line = r->line };
	for (char *c = e.key; c && *c; c++)
		*c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
	all[s->n++] = e;
	r->no_memory |= !e.key || !e.value || !e.raw;
}

static bool is_include(const struct reader *r, const char *key)
{
	return !strcmp(key, "include") && (r->fresh || !strcmp(r->lines->section[r->lines->n - 1].kind, "agent"));
}

static void add_include(struct reader *r, const char *value)
{
	struct error err;
	char *dir = unquoted(value);
	if (!r->main_file)
		mistakes_add(r->mistakes, r->file, r->line, NULL, "a file that is included includes nothing itself");
	else if (r->include.n)
		mistakes_add(r->mistakes, r->file, r->line, NULL, "include stands in line %u already", r->include_line);
	else if (!dir || strlist_add(&r->include, dir, &err))
		r->no_memory = true;
	else
		r->include_line = r->line;
	free(dir);
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	(void)section; /* cut at 49 characters: ours is not */
	r->pending = false;
	if (r->lost)
		return 1;
	if (!*key)
		mistakes_add(r->mistakes, r->file, r->line, NULL, "there is no key in front of the value");
	else if (is_include(r, key))
		add_include(r, value);
	else if (r->fresh)
		mistakes_add(r->mistakes, r->file, r->line, NULL, "%.60s stands before the first [section]", key);
	else
		add_entry(r, key, value);
	return 1;
}

/* ---- the file ---- */

static void settle(struct reader *r)
{
	if (r->pending)
		mistakes_add(r->mistakes, r->file, r->line, NULL, "neither [SECTION] nor KEY = VALUE");
	r->pending = false;
}

/* One line for inih, which stops at NULL. What is not for it comes as an empty one. */
static char *next_line(char *out, int size, void *user)
{
	struct reader *r = user;
	settle(r);
	if (!*r->at || size < INI_MAX_LINE)
		return NULL;
	const char *line = r->at + strspn(r->at, " \t"), *end = strchrnul(line, '\n');
	size_t len = (size_t)(end - line);
	r->at = *end ? end + 1 : end;
	r->line++;
	snprintf(out, (size_t)size, "\n");
	if (!strncmp(line, "\xEF\xBB\xBF", 3) && r->line == 1) {
		line += 3;
		len -= 3;
	}
	if (!len || *line == '#' || *line == ';' || *line == '\r')
		return out;
	if (len > LINES_LINE_MAX) {
		mistakes_add(r->mistakes, r->file, r->line, "a list, and the words of a command, may be written in several lines with the same key",
		             "the line has %zu bytes, at most %d are read", len, LINES_LINE_MAX);
		return out;
	}
	snprintf(out, (size_t)size, "%.*s\n", (int)len, line);
	if (*line == '[') {
		out[len] = '\0';
		begin_section(r, out);
		snprintf(out, (size_t)size, "\n");
	} else {
		r->pending = true;
	}
	return out;
}

static const char *own_name(struct lines *l, const char *path)
{
	char **all = reallocarray(l->file, l->nfiles + 1, sizeof *all);
	if (!all)
		return NULL;
	l->file = all;
	l->file[l->nfiles] = strdup(path);
	return l->file[l->nfiles] ? l->file[l->nfiles++] : NULL;
}

/* Whoever may write it decides what is run. */
static void check_rights(const char *file, struct mistakes *m)
{
	struct stat sb;
	if (!stat(file, &sb) && sb.st_mode & S_IWOTH)
		mistakes_add(m, file, 0, "chmod o-w", "every user of this host may write it");
}

static enum status read_one(struct reader *r, const char *path, struct error *err)
{
	struct buf text = BUF_INIT(LINES_FILE_MAX);
	struct error why = ERROR_INIT;
	r->file = own_name(r->lines, path);
	r->line = 0;
	r->fresh = true;
	r->lost = false;
	if (!r->file)
		return error_oom(err);
	mistakes_file(r->mistakes, path);
	if (fs_read_file(path, &text, &why)) {
		mistakes_error(r->mistakes, NULL, 0, &why);
	} else if (text.len && memchr(text.data, '\0', text.len)) {
		mistakes_add(r->mistakes, r->file, 0, NULL, "it is no text file");
	} else {
		check_rights(r->file, r->mistakes);
		r->at = buf_str(&text);
		ini_parse_stream(next_line, r, on_key, r);
		settle(r);
	}
	buf_free(&text);
	return r->no_memory ? error_oom(err) : ST_OK;
}

/* Paths of DIR/NAME.conf, sorted. */
static enum status list_dir(const char *dir, struct strlist *ret, struct error *err)
{
	DIR *d = opendir(dir);
	enum status st = ST_OK;
	if (!d)
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot read the directory %s", dir);
	for (struct dirent *e = readdir(d); e && !st; e = readdir(d)) {
		size_t len = strlen(e->d_name);
		if (len > 5 && *e->d_name != '.' && !strcmp(e->d_name + len - 5, ".conf"))
			st = strlist_addf(ret, err, "%s/%s", dir, e->d_name);
	}
	closedir(d);
	strlist_sort(ret);
	return st;
}

static enum status read_included(struct reader *r, const char *main_file, struct error *err)
{
	struct strlist found = { 0 };
	struct error why = ERROR_INIT;
	const char *named = r->include.item[0], *slash = strrchr(main_file, '/');
	char dir[4096];
	int below = *named == '/' || !slash ? 0 : (int)(slash - main_file + 1);
	snprintf(dir, sizeof dir, "%.*s%s", below, main_file, named);
	if (list_dir(dir, &found, &why) && why.kind != ERR_USAGE) {
		*err = why;
		strlist_free(&found);
		return ST_FAILED;
	}
	if (why.kind)
		mistakes_error(r->mistakes, r->lines->file[0], r->include_line, &why);
	enum status st = ST_OK;
	r->main_file = false;
	if (found.n > LINES_FILES_MAX)
		mistakes_add(r->mistakes, r->lines->file[0], r->include_line, NULL, "%s has more than %d files", dir, LINES_FILES_MAX);
	else
		for (size_t i = 0; i < found.n && !st; i++)
			st = read_one(r, found.item[i], err);
	strlist_free(&found);
	return st;
}

enum status lines_read(const char *path, struct lines *ret, struct mistakes *m, struct error *err)
{
	struct reader r = { .lines = ret, .mistakes = m, .main_file = true };
	*ret = (struct lines){ 0 };
	enum status st = read_one(&r, path, err);
	if (!st && r.include.n)
		st = read_included(&r, path, err);
	strlist_free(&r.include);
	if (st) {
		lines_free(ret);
		*ret = (struct lines){ 0 };
	}
	return st;
}

void lines_free(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct lines_section *s = &l->section[i];
		for (size_t k = 0; k < s->n; k++) {
			free(s->entry[k].key);
			free(s->entry[k].value);
			free(s->entry[k].raw);
		}
		free(s->entry);
		free(s->kind);
		free(s->name);
	}
	for (size_t i = 0; i < l->nfiles; i++)
		free(l->file[i]);
	free(l->file);
	free(l->section);
}
