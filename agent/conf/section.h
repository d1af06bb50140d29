/* SPDX-License-Identifier: Apache-2.0 */
/*
 * section: one section of the configuration, its keys checked one by one: the agent's own as values, those of the verbs as options of their command line.
 *
 * Takes the lines, hands what is in them to settings. Whatever is wrong is a mistake; only out of memory fails.
 */
#pragma once

#include "../config.h"
#include "known.h"
#include "lines.h"

enum { SECTION_LISTS = KNOWN_PROOF + 1 };

struct section {
	const struct lines_section *lines;
	enum known_kind kind;
	union known_values own;              /* texts belong to the lines or to the environment */
	struct config config;                /* the options once more, as the verbs would read them */
	struct strlist option[SECTION_LISTS]; /* by enum known_for */
};

struct sections {
	struct section *item;
	size_t n;
	struct section *agent; /* one that is empty when the file has none */
	struct lines_section no_agent;
};

/* Names are checked too: of letters, digits, '.', '_' and '-', and none twice. */
enum status sections_read(const struct lines *l, struct sections *ret, struct mistakes *m, struct error *err);
void sections_free(struct sections *s);

/* Where a key stands; NULL when it does not. */
const struct lines_entry *section_entry(const struct section *s, const char *key);
/* A mistake at the key's line, or at the section's where the key is not written (line 0 for what comes from the environment). */
void section_mistake(const struct section *s, const char *key, struct mistakes *m, const struct error *why);
/* The same, of a hint (may be "") and a text. */
void section_wrong(const struct section *s, const char *key, struct mistakes *m, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
