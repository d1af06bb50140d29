/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "others.h"
#include "slackwater/units.h"
#include "text.h"

static const char password_hint[] =
	"give -p alone to be asked, set SLACKWATER_PASSWORD, or put password=... into an option file with mode 0600";

const struct option *options_find(const struct option_group *const *groups, const char *name)
{
	for (; *groups; groups++)
		for (size_t i = 0; i < (*groups)->n; i++)
			if (!strcmp((*groups)->option[i].name, name))
				return &(*groups)->option[i];
	return NULL;
}

static const struct option *find_letter(const struct option_group *const *groups, char letter)
{
	for (; *groups; groups++)
		for (size_t i = 0; i < (*groups)->n; i++)
			if ((*groups)->option[i].letter == letter)
				return &(*groups)->option[i];
	return NULL;
}

static bool takes_value(const struct option *o)
{
	return o->type != OPTION_FLAG && o->type != OPTION_CLEAR && o->type != OPTION_PASSWORD && o->type != OPTION_REFUSED;
}

static enum status unknown_option(const struct option_group *const *groups, const char *name,
                                  struct options_rest *ret, struct error *err)
{
	const char *best = others_option(groups, name);
	/* A word of another program is no slip of the finger. */
	for (; *groups && !others_option_at(name, 0); groups++)
		for (size_t i = 0; i < (*groups)->n; i++)
			if ((*groups)->option[i].type != OPTION_REFUSED)
				best = text_nearer(name, (*groups)->option[i].name, best);
	snprintf(ret->unknown, sizeof ret->unknown, "%s", name);
	error_set(err, ST_FAILED, ERR_USAGE, "unknown option --%.60s", name);
	if (best)
		error_hint(err, "did you mean --%s?", best);
	return ST_FAILED;
}

static enum status bad_choice(const struct option *o, const char *value, struct error *err)
{
	struct buf list = BUF_INIT(400);
	const char *similar = NULL;
	for (size_t i = 0; o->choices[i]; i++) {
		buf_addf(&list, "%s%s", i ? ", " : "", o->choices[i]);
		similar = text_nearer(value, o->choices[i], similar);
	}
	error_set(err, ST_FAILED, ERR_USAGE, "--%s cannot be \"%.60s\"", o->name, value);
	if (similar)
		error_hint(err, "did you mean %s? It is one of: %s", similar, buf_str(&list));
	else
		error_hint(err, "it is one of: %s", buf_str(&list));
	buf_free(&list);
	return ST_FAILED;
}

static void limit_text(const struct option *o, uint64_t v, char out[UNITS_TEXT])
{
	if (o->type == OPTION_SIZE)
		units_size_option(v, out);
	else if (o->type == OPTION_DURATION || o->type == OPTION_INTERVAL)
		units_duration_option((int64_t)v, out);
	else
		snprintf(out, UNITS_TEXT, "%llu", (unsigned long long)v);
}

static enum status in_range(const struct option *o, uint64_t v, struct error *err)
{
	char low[UNITS_TEXT], high[UNITS_TEXT];
	limit_text(o, o->min, low);
	limit_text(o, o->max, high);
	if (v < o->min)
		return error_set(err, ST_FAILED, ERR_USAGE, "--%s is at least %s", o->name, low);
	if (o->max && v > o->max)
		return error_set(err, ST_FAILED, ERR_USAGE, "--%s is at most %s", o->name, high);
	return ST_OK;
}

static enum status bad_value(const struct option *o, const char *value, const char *what, const char *hint,
                             struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "--%s: \"%.60s\" is not a %s", o->name, value, what);
	return error_hint(err, "%s", hint);
}

static enum status set_number(const struct option *o, const char *value, void *slot, struct error *err)
{
	if (value[strspn(value, "0123456789")])
		return bad_value(o, value, "whole number", "digits alone, without a sign", err);
	unsigned long long v = strtoull(value, NULL, 10); /* more than it holds is the most that it holds */
	if (in_range(o, v, err))
		return ST_FAILED;
	if (o->type == OPTION_NUMBER)
		*(unsigned *)slot = (unsigned)v;
	else
		*(uint64_t *)slot = v;
	return ST_OK;
}

static enum status set_measure(const struct option *o, const char *value, void *slot, struct error *err)
{
	uint64_t size;
	int64_t ms;
	if (o->type == OPTION_SIZE) {
		if (!units_parse_size(value, &size))
			return bad_value(o, value, "size", "sizes are written 4096, 512K, 16M, 1.5G (powers of 1024)", err);
		if (in_range(o, size, err))
			return ST_FAILED;
		*(uint64_t *)slot = size;
		return ST_OK;
	}
	if (!units_parse_duration(value, &ms))
		return bad_value(o, value, "duration", "durations need their unit: 500ms, 30s, 10m, 1h, 1h30m", err);
	if (in_range(o, (uint64_t)ms, err))
		return ST_FAILED;
	*(int64_t *)slot = ms;
	return ST_OK;
}

static enum status set_value(const struct option *o, const char *value, void *target, struct error *err)
{
	void *slot = (char *)target + o->offset;
	if (!*value) {
		error_set(err, ST_FAILED, ERR_USAGE, "--%s has an empty value", o->name);
		return error_hint(err, "leave the option out, or give it a value");
	}
	switch (o->type) {
	case OPTION_TEXT:
		*(const char **)slot = value;
		return ST_OK;
	case OPTION_LIST:
		return strlist_add(slot, value, err);
	case OPTION_NUMBER:
	case OPTION_COUNT:
		return set_number(o, value, slot, err);
	case OPTION_SIZE:
	case OPTION_DURATION:
	case OPTION_INTERVAL:
		return set_measure(o, value, slot, err);
	case OPTION_CHOICE:
		for (int i = 0; o->choices[i]; i++)
			if (!strcasecmp(o->choices[i], value)) {
				*(int *)slot = i;
				return ST_OK;
			}
		return bad_choice(o, value, err);
	default:
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "--%s: option of unknown type", o->name);
	}
}

/* An option without a value of its own; value is what stood behind '=' or the letter, NULL = nothing. */
static enum status set_flag(const struct option *o, const char *value, void *target, struct error *err)
{
	if (o->type == OPTION_REFUSED || (o->type == OPTION_PASSWORD && value)) {
		error_set(err, ST_FAILED, ERR_USAGE, "a password is not taken from the command line, where every user of this host can read it");
		if (o->type == OPTION_PASSWORD && !o->letter)
			error_hint(err, "give --%s alone to be asked, or set SLACKWATER_PASSPHRASE", o->name);
		else
			error_hint(err, "%s", o->type == OPTION_REFUSED ? o->help : password_hint);
		return ST_FAILED;
	}
	if (value) {
		error_set(err, ST_FAILED, ERR_USAGE, "--%s takes no value", o->name);
		return ST_FAILED;
	}
	*(bool *)((char *)target + o->offset) = o->type != OPTION_CLEAR;
	return ST_OK;
}

struct parser {
	const struct option_group *const *groups;
	char *const *argv;
	int argc, at;
	void *target;
	struct options_rest *rest;
};

static void note(struct options_rest *rest, const struct option *o)
{
	for (size_t i = 0; i < rest->ngiven; i++)
		if (rest->given[i] == o)
			return;
	if (rest->ngiven < OPTIONS_GIVEN_MAX)
		rest->given[rest->ngiven++] = o;
}

static enum status apply(struct parser *p, const struct option *o, const char *value, struct error *err)
{
	note(p->rest, o);
	if (o->type == OPTION_INTERVAL && !value) {
		const char *next = p->at + 1 < p->argc ? p->argv[p->at + 1] : "";
		value = *next >= '0' && *next <= '9' ? p->argv[++p->at] : "1s";
	}
	if (!takes_value(o))
		return set_flag(o, value, p->target, err);
	if (!value) {
		if (p->at + 1 >= p->argc) {
			error_set(err, ST_FAILED, ERR_USAGE, "--%s needs a value", o->name);
			return error_hint(err, "--%s %s: %s", o->name, o->value, o->help);
		}
		value = p->argv[++p->at];
	}
	return set_value(o, value, p->target, err);
}

static enum status parse_long(struct parser *p, const char *arg, struct error *err)
{
	char name[64];
	size_t len = strcspn(arg, "=");
	const char *value = arg[len] ? arg + len + 1 : NULL;
	snprintf(name, sizeof name, "%.*s", (int)(len < sizeof name ? len : sizeof name - 1), arg);
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = '-';
	const struct option *o = options_find(p->groups, name);
	if (!o)
		return unknown_option(p->groups, name, p->rest, err);
	return apply(p, o, value, err);
}

static enum status parse_short(struct parser *p, const char *arg, struct error *err)
{
	for (; *arg; arg++) {
		const struct option *o = find_letter(p->groups, *arg);
		if (!o) {
			error_set(err, ST_FAILED, ERR_USAGE, "unknown option -%c", *arg > 0x20 && *arg < 0x7F ? *arg : '?');
			return ST_FAILED;
		}
		/* -pSECRET as the classic clients take it; a following letter is never another flag there */
		if (takes_value(o) || o->type == OPTION_PASSWORD)
			return apply(p, o, arg[1] ? arg + 1 : NULL, err);
		enum status st = apply(p, o, NULL, err);
		if (st)
			return st;
	}
	return ST_OK;
}

static bool asks_password(const char *arg)
{
	return !strcmp(arg, "-p") || !strcmp(arg, "--password") || !strcmp(arg, "--passphrase");
}

static enum status take_argument(struct parser *p, const char *arg, struct error *err)
{
	bool after = p->at > 0 && asks_password(p->argv[p->at - 1]);
	if (p->rest->argument) {
		/* not shown: it may be the password of a "-p SECRET" */
		error_set(err, ST_FAILED, ERR_USAGE, "too many arguments");
		return error_hint(err, "at most one argument that is not an option; values follow their option: --name VALUE");
	}
	p->rest->argument = arg;
	p->rest->argument_after_password = after;
	return ST_OK;
}

enum status options_parse(const struct option_group *const *groups, int argc, char *const *argv, void *target,
                          struct options_rest *ret, struct error *err)
{
	struct parser p = { .groups = groups, .argv = argv, .argc = argc, .target = target, .rest = ret };
	bool only_arguments = false;
	enum status st = ST_OK;
	*ret = (struct options_rest){ .argument = NULL };
	for (; p.at < argc && !st; p.at++) {
		const char *arg = argv[p.at];
		if (only_arguments || arg[0] != '-' || !arg[1])
			st = take_argument(&p, arg, err);
		else if (!strcmp(arg, "--"))
			only_arguments = true;
		else if (arg[1] == '-')
			st = parse_long(&p, arg + 2, err);
		else
			st = parse_short(&p, arg + 1, err);
	}
	return st;
}
