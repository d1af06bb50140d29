/* SPDX-License-Identifier: Apache-2.0 */
#include "peek.h"

#include <stdio.h>
#include <stdlib.h>

#include "seed/job.h"
#include "seed/links.h"
#include "seed/versions.h"

/* Most of what a statement depends on travels with it; these do not. */
static const char *const mirrored[] = {
	"lower_case_table_names", "innodb_page_size", "character_set_server", "collation_server", "explicit_defaults_for_timestamp",
	"innodb_strict_mode", "innodb_default_row_format", "log_bin_trust_function_creators",
};

static enum status peek_settings(struct proof_job *j, struct conn *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < sizeof mirrored / sizeof mirrored[0]; i++) {
		char *value = NULL;
		st = conn_variable(c, mirrored[i], &value, err);
		if (!st && value && *value)
			st = strlist_addf(&j->mirrored, err, "%s%s = %s", i < 2 ? "" : "loose_", mirrored[i], value);
		free(value);
	}
	return st;
}

static enum status peek_one(struct proof_job *j, const struct seed_source *s, bool first, struct error *err)
{
	struct conn *c = NULL;
	char address[300], name[320];
	seed_links_address(s, address);
	snprintf(name, sizeof name, "source %s", address);
	enum status st = conn_open(&c, &s->login, 0, j->run, err);
	if (st) {
		if (err->kind != ERR_INTERRUPTED)
			err->kind = ERR_NOT_PROVEN;
		return error_prefix(err, "%s", name);
	}
	st = seed_versions_check(&c->server, name, &j->binary.server, err);
	if (st && err->kind == ERR_SEED_REFUSED)
		err->kind = ERR_PREFLIGHT;
	if (!st && first)
		st = peek_settings(j, c, err);
	conn_free(c);
	return st;
}

enum status proof_peek(struct proof_job *j, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->o->nsources; i++)
		st = peek_one(j, &j->o->source[i], i == 0, err);
	if (j->o->nsources)
		seed_links_address(&j->o->source[0], j->report->record.source);
	return st;
}
