/* SPDX-License-Identifier: Apache-2.0 */
/* mistakes: what is wrong with a configuration, gathered: all of it is told at once, each with file and line. */
#pragma once

#include "slackwater/strlist.h"

struct mistakes {
	struct strlist list; /* "FILE:LINE: text", or "text" where nothing has been written */
	bool no_memory;
};

/* line 0 = the file as a whole; file NULL = no place. hint may be NULL. Control characters become '?'. */
void mistakes_add(struct mistakes *m, const char *file, unsigned line, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* An error that the option tables or others have told. A key is written without dashes in the file, so "--name" is told as "name". */
void mistakes_error(struct mistakes *m, const char *file, unsigned line, const struct error *e);
/* ST_OK when there is none; else ERR_USAGE with the first one and their number. */
enum status mistakes_verdict(const struct mistakes *m, struct error *err);
