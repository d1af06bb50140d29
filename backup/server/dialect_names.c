/* SPDX-License-Identifier: Apache-2.0 */
#include "dialect_names.h"

/* The first row that fits: an old word is used up to the version in which the new one appeared. */
static const struct {
	unsigned from;
	struct dialect_names names;
} dialect_mysql[] = {
	{ DIALECT_BINARY_LOG_STATUS,
	  { "REPLICA", "SOURCE", "CHANGE REPLICATION SOURCE", "SHOW BINARY LOG STATUS", "RESET BINARY LOGS AND GTIDS" } },
	{ DIALECT_SOURCE, { "REPLICA", "SOURCE", "CHANGE REPLICATION SOURCE", "SHOW MASTER STATUS", "RESET MASTER" } },
	{ DIALECT_REPLICA, { "REPLICA", "MASTER", "CHANGE MASTER", "SHOW MASTER STATUS", "RESET MASTER" } },
	{ 0, { "SLAVE", "MASTER", "CHANGE MASTER", "SHOW MASTER STATUS", "RESET MASTER" } },
};
/* MariaDB has aliases for some since 10.5, and keeps the old words. */
static const struct dialect_names dialect_mariadb = { "SLAVE", "MASTER", "CHANGE MASTER", "SHOW MASTER STATUS",
	                                              "RESET MASTER" };

const struct dialect_names *dialect_names(const struct server_info *s)
{
	if (s->flavor == FLAVOR_MARIADB)
		return &dialect_mariadb;
	size_t i = 0;
	while (s->version < dialect_mysql[i].from)
		i++;
	return &dialect_mysql[i].names;
}
