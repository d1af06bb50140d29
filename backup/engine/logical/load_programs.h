/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_programs: what stored programs need of the target. Looked at before a byte is loaded: the named time zones of events, and events that can be
 * told from what is none and switched off. Put right when they are made: modes of earlier servers that the target refuses.
 */
#pragma once

#include "load_plan.h"

/*
 * ERR_SEED_REFUSED with the name. lenient: a time zone that the target does not know is warned of, load_programs_forgives says that its events
 * are then created as they come, in UTC. target: time_zone is +00:00 before and after.
 */
enum status load_programs_check(const struct load_plan *p, struct conn *target, bool lenient, struct error *err);
bool load_programs_forgives(const char *sql, size_t len, bool lenient, const struct error *err);
/*
 * "SET sql_mode = '...'" of a program, without the modes that MySQL 8.0 has done away with: it refuses them (1231), and 5.7 has NO_AUTO_CREATE_USER by
 * default. What is left out says how SHOW prints and whether GRANT makes accounts; MAXDB, which changes what a CREATE TABLE makes, stays and is refused.
 * False: out is empty, sql is right as it is. out: empty before.
 */
bool load_programs_modes(const struct server_info *target, const char *sql, size_t len, struct buf *out);
