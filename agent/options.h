/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: one parser for every verb's options, driven by tables.
 *
 * Takes argv and option groups (agent/config.c), writes the values into a struct that the tables point into by offset. Knows
 * no option by name. Texts are borrowed from argv. No message ever shows a value that might be a password.
 * Written as --name VALUE, --name=VALUE, -x VALUE, -xVALUE; underscores count as dashes; the last of several wins.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slackwater/buf.h"
#include "slackwater/strlist.h"

enum option_type {
	OPTION_FLAG,     /* bool, becomes true */
	OPTION_CLEAR,    /* bool, becomes false */
	OPTION_PASSWORD, /* bool: ask for it; with a value it is refused */
	OPTION_REFUSED,  /* does not exist, for the reason in help: a password on the command line */
	OPTION_TEXT,     /* const char * */
	OPTION_LIST,     /* struct strlist: may be repeated */
	OPTION_SIZE,     /* uint64_t, bytes */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_INTERVAL, /* int64_t, milliseconds; alone it means a second, a next word that begins with a digit is its value */
	OPTION_NUMBER,   /* unsigned */
	OPTION_COUNT,    /* uint64_t */
	OPTION_CHOICE    /* int: index into choices */
};

struct option {
	const char *name;  /* without dashes */
	char letter;       /* '\0' = none */
	enum option_type type;
	const char *value; /* what the value is called in the help */
	size_t offset;
	uint64_t min, max; /* of numbers, sizes and durations; max 0 = no limit, which OPTION_NUMBER has to have */
	const char *const *choices; /* NULL-terminated */
	const char *help;  /* the default is added by itself */
};

struct option_group {
	const char *title;
	const struct option *option;
	size_t n;
};

enum { OPTIONS_GIVEN_MAX = 128 };

struct options_rest {
	const char *argument;    /* the one argument that is no option, or NULL */
	bool argument_after_password; /* it stood right behind -p or --password */
	char unknown[64];        /* name of the option that nobody knew, "" = none */
	const struct option *given[OPTIONS_GIVEN_MAX]; /* each option that was there, once */
	size_t ngiven;
};

/* groups is NULL-terminated. Wrong ones are ERR_USAGE with a hint. */
enum status options_parse(const struct option_group *const *groups, int argc, char *const *argv, void *target,
                          struct options_rest *ret, struct error *err);
/* NULL when no group has it. */
const struct option *options_find(const struct option_group *const *groups, const char *name);
/* The groups as help text; defaults is a target as it is before parsing. */
void options_help(const struct option_group *const *groups, const void *defaults, struct buf *out);
/* Text broken into lines of at most 80 columns, the first already begun at column indent, the others indented so far. */
void options_wrap(struct buf *out, const char *text, size_t indent);
