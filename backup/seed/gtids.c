/* SPDX-License-Identifier: Apache-2.0 */
#include "gtids.h"

#include <stdlib.h>

#include "slackwater/gtid.h"
#include "slackwater/slot.h"

const char *seed_gtids_variable(enum flavor flavor, bool logged)
{
	if (flavor == FLAVOR_MYSQL)
		return "gtid_executed";
	return logged ? "gtid_binlog_pos" : "gtid_slave_pos";
}

enum status seed_gtids_read(struct conn *c, bool logged, char **ret, struct error *err)
{
	char *text = NULL;
	enum status st = conn_variable(c, seed_gtids_variable(c->server.flavor, logged), &text, err);
	if (!st && !text)
		st = slot_set(&text, "", err);
	if (!st)
		*ret = text;
	return st;
}

const char *seed_gtids_of(const struct checkpoint *cp, bool logged)
{
	const char *text = cp->server.flavor == FLAVOR_MYSQL ? cp->gtid_executed : logged ? cp->gtid_binlog_pos : cp->gtid_slave_pos;
	return text ? text : "";
}

static enum status reached_mysql(const char *have, const char *want, bool *ret, struct error *err)
{
	struct gtid_set *all = NULL, *some = NULL;
	enum status st = gtid_set_parse(have, &all, err);
	if (!st)
		st = gtid_set_parse(want, &some, err);
	*ret = !st && gtid_set_contains(all, some);
	gtid_set_free(all);
	gtid_set_free(some);
	return st;
}

static enum status reached_mariadb(const char *have, const char *want, bool *ret, struct error *err)
{
	struct gtid_pos all = { 0 }, some = { 0 };
	enum status st = gtid_pos_parse(have, &all, err);
	if (!st)
		st = gtid_pos_parse(want, &some, err);
	*ret = !st && gtid_pos_reached(&all, &some);
	gtid_pos_free(&all);
	gtid_pos_free(&some);
	return st;
}

enum status seed_gtids_reached(enum flavor flavor, const char *have, const char *want, bool *ret, struct error *err)
{
	return flavor == FLAVOR_MYSQL ? reached_mysql(have, want, ret, err) : reached_mariadb(have, want, ret, err);
}
