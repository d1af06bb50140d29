/* SPDX-License-Identifier: Apache-2.0 */
#include "others.h"

#include <string.h>

struct word { const char *theirs, *ours, *written; }; /* written: with a value, or NULL */

/* Where there are several of ours it depends on the verb: the first that it has. */
static const struct word options[] = {
	{ "parallel", "threads", NULL },      { "jobs", "threads", NULL },           { "workers", "threads", NULL },
	{ "force", "replace", NULL },         { "overwrite", "replace", NULL },      { "overwrite-tables", "replace", NULL },
	{ "databases", "include", NULL },     { "database", "include", NULL },       { "schemas", "include", NULL },
	{ "tables", "include", NULL },        { "tables-list", "include", NULL },    { "regex", "include", NULL },
	{ "ignore-table", "exclude", NULL },  { "exclude-tables", "exclude", NULL }, { "exclude-schemas", "exclude", NULL },
	{ "databases-exclude", "exclude", NULL },
	{ "compress", "zstd-level", NULL },   { "compress-level", "zstd-level", NULL },
	{ "target-dir", "to-dir", NULL },     { "target-dir", "to", NULL },          { "outputdir", "to-dir", NULL },
	{ "outputdir", "to", NULL },          { "output-dir", "to-dir", NULL },      { "output-dir", "to", NULL },
	{ "target", "to-dir", NULL },         { "target", "to", NULL },              { "backup-dir", "to", NULL },
	{ "stdout", "to", "to -" },           { "stream", "to", "to -" },
	{ "repo", "to", NULL },               { "repo", "from", NULL },
	{ "encrypt", "recipient", NULL },     { "decrypt", "identity", NULL },
	{ "verbose", "log-level", "log-level debug" }, { "quiet", "log-level", "log-level error" },
};

static const struct word verbs[] = {
	{ "prune", "expire", NULL },   { "forget", "expire", NULL }, { "remove", "expire", NULL }, { "delete", "expire", NULL },
	{ "snapshots", "list", NULL }, { "ls", "list", NULL },       { "dump", "backup", NULL },   { "save", "backup", NULL },
	{ "load", "seed", NULL },      { "clone", "seed", NULL },    { "validate", "verify", NULL }, { "daemon", "agent", NULL },
};

static const struct word *find(const struct word *word, size_t n, const char *theirs, size_t i)
{
	for (size_t w = 0; w < n; w++)
		if (!strcmp(word[w].theirs, theirs) && i-- == 0)
			return &word[w];
	return NULL;
}

const char *others_option(const struct option_group *const *groups, const char *theirs)
{
	const struct word *w;
	for (size_t i = 0; (w = find(options, sizeof options / sizeof options[0], theirs, i)) != NULL; i++)
		if (options_find(groups, w->ours))
			return w->written ? w->written : w->ours;
	return NULL;
}

const char *others_option_at(const char *theirs, size_t i)
{
	const struct word *w = find(options, sizeof options / sizeof options[0], theirs, i);
	return w ? w->ours : NULL;
}

const char *others_verb(const char *theirs)
{
	const struct word *w = find(verbs, sizeof verbs / sizeof verbs[0], theirs, 0);
	return w ? w->ours : NULL;
}
