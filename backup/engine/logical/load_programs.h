/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_programs: what stored programs need of the target, looked at before a byte is loaded: the named time zones of events, and events that can be
 * told from what is none and switched off.
 */
#pragma once

#include "load_plan.h"

/*
 * ERR_SEED_REFUSED with the name. lenient: a time zone that the target does not know is warned of, load_programs_forgives says that its events
 * are then created as they come, in UTC. target: time_zone is +00:00 before and after.
 */
enum status load_programs_check(const struct load_plan *p, struct conn *target, bool lenient, struct error *err);
bool load_programs_forgives(const char *sql, size_t len, bool lenient, const struct error *err);
