/* SPDX-License-Identifier: Apache-2.0 */
#include "objectstore.h"

#include <string.h>

/* NULL: an object store, or something that no store is. */
static const char *kind_of(const char *url)
{
	if (!strcmp(url, "-"))
		return "a pipe";
	return !strncmp(url, "file://", 7) || !strstr(url, "://") ? "a directory" : NULL;
}

static const char *consequence(const char *option)
{
	static const struct { const char *option, *text; } known[] = {
		{ "s3-object-lock", "nothing would be locked" },    { "s3-sse", "nothing would be encrypted" },
		{ "s3-sse-kms-key", "nothing would be encrypted" }, { "s3-tags", "nothing would be tagged" },
		{ "upload-limit", "nothing would be slowed down" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (!strcmp(known[i].option, option))
			return known[i].text;
	return "it would do nothing";
}

static bool in_group(const struct option_group *g, const struct option *o)
{
	return o >= g->option && o < g->option + g->n;
}

enum status objectstore_fits(const struct option *o, const char *what, const char *url, struct error *err)
{
	const char *kind = kind_of(url);
	if (!kind || (!in_group(&config_s3, o) && !in_group(&config_s3_write, o)))
		return ST_OK;
	return error_set(err, ST_FAILED, ERR_USAGE, "--%s is for s3://, and %s is %s: %s", o->name, what, kind, consequence(o->name));
}

enum status objectstore_check(const struct options_rest *given, const struct config *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < given->ngiven && !st; i++) {
		const struct option *o = given->given[i];
		/* What is read from an object store and copied into a directory needs those of reading. */
		bool reading = in_group(&config_s3, o) && c->from && !kind_of(c->from);
		if (c->to && !reading)
			st = objectstore_fits(o, "--to", c->to, err);
		else if (c->from)
			st = objectstore_fits(o, "--from", c->from, err);
	}
	return st;
}
