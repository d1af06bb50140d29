/* SPDX-License-Identifier: Apache-2.0 */
#include "section.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SECTION_WORD = 80, SECTION_NAME_MAX = 64 };

/* ---- one key ---- */

static bool takes_value(const struct option *o)
{
	return o->type != OPTION_FLAG && o->type != OPTION_CLEAR;
}

static bool truth(const char *text, bool *ret)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (!strcasecmp(text, words[i])) {
			*ret = i % 2;
			return true;
		}
	return false;
}

/* The agent works in no directory that a name could be below of. */
static bool relative_path(const struct option *o, const char *value)
{
	static const char *const paths[] = { "FILE", "DIR", "PATH", "age1...|FILE", "get|PATH" };
	bool is_path = false;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
		is_path |= o->value && !strcmp(o->value, paths[i]);
	return is_path && *value && *value != '/' && strncmp(value, "age1", 4) != 0 && strcmp(value, "get") != 0;
}

static bool check_form(const struct option *o, const char *key, const char *value, const char *file, unsigned line, struct mistakes *m)
{
	bool yes;
	if (o->type == OPTION_PASSWORD)
		mistakes_add(m, file, line,
		             strstr(key, "passphrase") ? "a snapshot is encrypted for a recipient, which needs no secret here"
		                                       : "put it into the option file that defaults-file names, with mode 0600",
		             "%s: no secret stands in this file", key);
	else if (o->type == OPTION_REFUSED)
		mistakes_add(m, file, line, o->help, "%s: no secret stands in this file", key);
	else if (!takes_value(o) && !truth(value, &yes))
		mistakes_add(m, file, line, NULL, "%s is yes or no", key);
	else if (relative_path(o, value))
		mistakes_add(m, file, line, NULL, "%s is an absolute path, not \"%.60s\"", key, value);
	else
		return true;
	return false;
}

/* As the verb's own parser reads it, into values of ours or those of a verb. The text stays the caller's. */
static enum status parse_value(struct section *s, const struct option *o, enum known_for takes, const char *value, struct error *err)
{
	const struct option_group alone = { .option = o, .n = 1 }, *const groups[] = { &alone, NULL };
	struct options_rest rest;
	char name[SECTION_WORD];
	bool yes = true;
	snprintf(name, sizeof name, "--%s", o->name);
	if (!takes_value(o) && truth(value, &yes) && !yes)
		return ST_OK;
	union { const char *in; char *out; } text = { .in = value }; /* options_parse changes nothing */
	char *argv[] = { name, text.out };
	enum status st = options_parse(groups, takes_value(o) ? 2 : 1, argv, takes == KNOWN_OWN ? (void *)&s->own : &s->config, &rest, err);
	if (st || takes == KNOWN_OWN)
		return st;
	return takes_value(o) ? strlist_addf(&s->option[takes], err, "%s=%s", name, value) : strlist_add(&s->option[takes], name, err);
}

/* file and line: where it is written, for mistakes. */
static enum status take(struct section *s, const char *key, const char *value, const char *file, unsigned line, struct mistakes *m,
                        struct error *err)
{
	enum known_for takes;
	struct error why = ERROR_INIT;
	const struct option *o = known_find(s->kind, key, &takes);
	if (!o) {
		struct buf text = BUF_INIT(500), hint = BUF_INIT(500);
		known_refusal(s->kind, key, &text, &hint);
		mistakes_add(m, file, line, buf_str(&hint), "%s", buf_str(&text));
		buf_free(&text);
		buf_free(&hint);
		return ST_OK;
	}
	if (!check_form(o, key, value, file, line, m) || !parse_value(s, o, takes, value, &why))
		return ST_OK;
	if (why.kind != ERR_USAGE) {
		*err = why;
		return ST_FAILED;
	}
	mistakes_error(m, file, line, &why);
	return ST_OK;
}

static bool repeatable(const struct section *s, const char *key)
{
	enum known_for takes;
	const struct option *o = known_find(s->kind, key, &takes);
	return !o || o->type == OPTION_LIST;
}

static const struct lines_entry *earlier(const struct lines_section *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(s->entry[k].key, s->entry[i].key))
			return &s->entry[k];
	return NULL;
}

/* Commands keep their quotes, which their own rules are for. */
static const char *text_of(const struct section *s, const struct lines_entry *e)
{
	enum known_for takes;
	const struct option *o = known_find(s->kind, e->key, &takes);
	return o && o->value && !strcmp(o->value, "COMMAND") ? e->raw : e->value;
}

static enum status take_entries(struct section *s, struct mistakes *m, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < s->lines->n && !st; i++) {
		const struct lines_entry *e = &s->lines->entry[i], *before = earlier(s->lines, i);
		if (before && !repeatable(s, e->key))
			mistakes_add(m, e->file, e->line, NULL, "%s stands in line %u already", e->key, before->line);
		else
			st = take(s, e->key, text_of(s, e), e->file, e->line, m, err);
	}
	return st;
}

/* SLACKWATER_LISTEN and the like, for containers. */
static enum status take_environment(struct section *s, struct mistakes *m, struct error *err)
{
	enum known_for takes;
	const char *prefix;
	const struct option *o;
	enum status st = ST_OK;
	for (size_t i = 0; !st && (o = known_key(KNOWN_AGENT, i, &takes, &prefix)) != NULL; i++) {
		char name[SECTION_WORD];
		int len = snprintf(name, sizeof name, "SLACKWATER_%s", o->name);
		for (int k = 0; k < len; k++)
			name[k] = name[k] == '-' ? '_' : (char)toupper((unsigned char)name[k]);
		const char *value = getenv(name);
		if (value && *value)
			st = take(s, o->name, value, name, 0, m, err);
	}
	return st;
}

/* ---- all of them ---- */

const struct lines_entry *section_entry(const struct section *s, const char *key)
{
	for (size_t i = 0; i < s->lines->n; i++)
		if (!strcmp(s->lines->entry[i].key, key))
			return &s->lines->entry[i];
	return NULL;
}

void section_mistake(const struct section *s, const char *key, struct mistakes *m, const struct error *why)
{
	const struct lines_entry *e = section_entry(s, key);
	mistakes_error(m, e ? e->file : s->lines->file, e ? e->line : s->lines->line, why);
}

void section_wrong(const struct section *s, const char *key, struct mistakes *m, const char *hint, const char *fmt, ...)
{
	struct error why = ERROR_INIT;
	char text[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	error_set(&why, ST_FAILED, ERR_USAGE, "%s", text);
	error_hint(&why, "%s", hint);
	section_mistake(s, key, m, &why);
}

static bool good_name(const char *name)
{
	if (strlen(name) > SECTION_NAME_MAX || !isalnum((unsigned char)*name))
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	return true;
}

static bool check_title(const struct lines *l, const struct lines_section *s, struct mistakes *m, enum known_kind *ret)
{
	const char *similar = known_kind_similar(s->kind);
	char hint[SECTION_WORD];
	snprintf(hint, sizeof hint, "%s%s%s", similar ? "did you mean [" : "there are [agent], [instance NAME], [store NAME] and [snapshot NAME]",
	         similar ? similar : "", similar ? "]?" : "");
	if (!known_kind_find(s->kind, ret))
		mistakes_add(m, s->file, s->line, hint, "there is no section [%.60s]", s->kind);
	else if (*ret == KNOWN_AGENT && *s->name)
		mistakes_add(m, s->file, s->line, NULL, "[agent] has no name of its own");
	else if (*ret != KNOWN_AGENT && !*s->name)
		mistakes_add(m, s->file, s->line, NULL, "[%s] has no name: [%s NAME]", s->kind, s->kind);
	else if (*ret != KNOWN_AGENT && !good_name(s->name))
		mistakes_add(m, s->file, s->line, "letters, digits, '.', '_' and '-', at most 64, the first a letter or digit",
		             "\"%.80s\" cannot be a name", s->name);
	else
		for (const struct lines_section *other = l->section; ; other++) {
			if (other == s)
				return true;
			if (!strcmp(other->kind, s->kind) && !strcmp(other->name, s->name)) {
				mistakes_add(m, s->file, s->line, NULL, "[%s%s%s] stands in %s:%u already", s->kind, *s->name ? " " : "", s->name,
				             other->file, other->line);
				return false;
			}
		}
	return false;
}

static enum status begin(struct section *s, const struct lines_section *lines, enum known_kind kind, struct mistakes *m, struct error *err)
{
	s->lines = lines;
	s->kind = kind;
	known_defaults(kind, &s->own);
	config_init(&s->config);
	return take_entries(s, m, err);
}

enum status sections_read(const struct lines *l, struct sections *ret, struct mistakes *m, struct error *err)
{
	*ret = (struct sections){ .item = calloc(l->n + 1, sizeof *ret->item) };
	enum status st = ret->item ? ST_OK : error_oom(err);
	enum known_kind kind;
	for (size_t i = 0; i < l->n && !st; i++) {
		if (!check_title(l, &l->section[i], m, &kind))
			continue;
		struct section *s = &ret->item[ret->n++];
		st = begin(s, &l->section[i], kind, m, err);
		if (kind == KNOWN_AGENT)
			ret->agent = s;
	}
	if (!st && !ret->agent) {
		ret->no_agent.file = l->file[0];
		ret->agent = &ret->item[ret->n++];
		st = begin(ret->agent, &ret->no_agent, KNOWN_AGENT, m, err);
	}
	if (!st)
		st = take_environment(ret->agent, m, err);
	return st;
}

void sections_free(struct sections *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct section *it = &s->item[i];
		config_free(&it->config);
		for (size_t k = 0; k < SECTION_LISTS; k++)
			strlist_free(&it->option[k]);
		if (it->kind != KNOWN_SNAPSHOT)
			continue;
		strlist_free(&it->own.snapshot.before);
		strlist_free(&it->own.snapshot.after);
		strlist_free(&it->own.snapshot.failure);
	}
	free(s->item);
}
