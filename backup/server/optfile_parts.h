/* SPDX-License-Identifier: Apache-2.0 */
/* optfile_parts: how the options of a file are kept, and how a file is read into them. Private to backup/server. */
#pragma once

#include "slackwater/optfile.h"
#include "slackwater/strlist.h"

struct optfile_option {
	char *group, *key, *value;
	size_t file;   /* in optfile.files */
	unsigned line;
	bool loose; /* written with loose-: whoever does not know it passes over it */
};

struct optfile {
	struct optfile_option *option; /* in the order they were read */
	size_t n, cap;
	struct strlist files; /* those that were read */
};

struct optfile_span {
	const char *s;
	size_t len;
};

/* It stands in the given line of files' item of the number file. */
bool optfile_add(struct optfile *f, const struct optfile_span *group, const struct optfile_span *key, const char *value,
                 bool loose, size_t file, unsigned line);
