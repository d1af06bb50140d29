/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: an INI file and the ones it includes, as sections of keys and values with the line each stands in. Knows no key but "include".
 *
 * "[kind name]", "key = value" or "key: value"; '#' and ';' begin a comment at the start of a line, ';' behind a blank as well; a pair of quotes
 * round a value is taken away. Blanks in front of a line mean nothing. "include = DIR", before the first section or in [agent] of the main file, reads the files
 * DIR/NAME.conf in bytewise order of their names, each beginning with a section; a relative DIR is below the main file's.
 */
#pragma once

#include "mistakes.h"

struct lines_entry {
	char *key, *value; /* key: in lower case, underscores as dashes */
	char *raw;         /* the value with its quotes */
	const char *file;
	unsigned line;
};

struct lines_section {
	char *kind, *name; /* name "" when there is none */
	const char *file;
	unsigned line;
	struct lines_entry *entry;
	size_t n, cap;
};

struct lines {
	char **file;       /* names, owned, never moved: entries point at them */
	size_t nfiles;
	struct lines_section *section;
	size_t n, cap;
};

/* What is wrong with a line is a mistake and reading goes on. A file that cannot be read is a mistake as well; only out of memory fails. */
enum status lines_read(const char *path, struct lines *ret, struct mistakes *m, struct error *err);
void lines_free(struct lines *l);
