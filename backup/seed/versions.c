/* SPDX-License-Identifier: Apache-2.0 */
#include "versions.h"

#include "job.h"

/* Steps from series to series. */
static int series_mysql(unsigned version)
{
	static const unsigned begins[] = { 50500, 50600, 50700, 80000, 80100, 90000, 100000 };
	int n = 0;
	for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++)
		n += version >= begins[i];
	return n;
}

/*
 * Nor within a series to an earlier minor: what 9.7 writes 9.1 need not understand. Within a minor only bugs differ, and nobody could seed a fleet that is
 * upgraded machine by machine.
 */
static bool is_older(const struct server_info *from, const struct server_info *target)
{
	return target->version / 100 < from->version / 100;
}

static enum status refuse_older(const struct server_info *from, const char *name, const struct server_info *target, struct error *err)
{
	return seed_refuse(err, "upgrade the target first", "the target (%s) is of an earlier release than %s (%s)", target->version_text, name,
	                   from->version_text);
}

static enum status check_mysql(const struct server_info *from, const char *name, const struct server_info *target, struct error *err)
{
	int steps = series_mysql(target->version) - series_mysql(from->version);
	if (steps <= 1)
		return ST_OK;
	return seed_refuse(err, "go by way of the series between them", "the target (%s) is more than one series later than %s (%s)",
	                   target->version_text, name, from->version_text);
}

enum status seed_versions_check(const struct server_info *from, const char *from_name, const struct server_info *target, struct error *err)
{
	if (from->flavor != target->flavor)
		return seed_refuse(err, "seed a server of the same kind", "the target is %s, %s is %s",
		                   target->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL", from_name,
		                   from->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL");
	if (is_older(from, target))
		return refuse_older(from, from_name, target, err);
	return target->flavor == FLAVOR_MYSQL ? check_mysql(from, from_name, target, err) : ST_OK;
}
