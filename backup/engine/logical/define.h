/* SPDX-License-Identifier: Apache-2.0 */
/*
 * define: the definitions of all tables, read by all sessions side by side: SHOW CREATE TABLE has no form for many tables, and costs a server
 * whose caches are smaller than the number of its tables a millisecond and more for each.
 */
#pragma once

#include "session.h"

/*
 * Fills in `create` of each table that is not gone, and then the triggers. c reads what concerns more than one table; it may not be busy. Where
 * plan_bind has said which session holds a table's lock, that one reads it: any other would wait behind a DDL that waits for us.
 */
enum status define_run(struct inventory *inv, struct conn *c, struct session *session, unsigned n, const struct engine_options *o,
                       struct error *err);
