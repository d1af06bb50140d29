/* SPDX-License-Identifier: Apache-2.0 */
/* mistakes: what is wrong with a configuration, gathered: all of it is told at once, each with file and line, in the order in which it stands there. */
#pragma once

#include <stddef.h>

#include "slackwater/strlist.h"

struct mistake {
	char *text;           /* "FILE:LINE: what is wrong (what to do)", or without a place */
	size_t file, order;   /* file: 0 = none, else by the order of mistakes_file */
	unsigned line;
};

struct mistakes {
	struct mistake *item;
	size_t n, cap;
	struct strlist files;
	bool no_memory;
};

void mistakes_free(struct mistakes *m);
/* A file begins: those of it come behind those of the files before. */
void mistakes_file(struct mistakes *m, const char *file);
/* line 0 = the file as a whole; file NULL = no place. hint may be NULL. Control characters become '?'. */
void mistakes_add(struct mistakes *m, const char *file, unsigned line, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* An error that the option tables or others have told. A key is written without dashes in the file, so "--name" is told as "name". */
void mistakes_error(struct mistakes *m, const char *file, unsigned line, const struct error *e);
/* ST_OK when there is none; else ERR_USAGE with the first one and their number, and they are in order in item. */
enum status mistakes_verdict(struct mistakes *m, struct error *err);
