/* SPDX-License-Identifier: Apache-2.0 */
#include "define.h"

#include "abreast.h"
#include "slackwater/dialect.h"

struct define {
	struct inventory *inv; /* each table is written to by one session */
	unsigned nsessions;
};

static enum status define_share(struct session *s, const struct define *d, const atomic_bool *stop, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < d->inv->ntables && !atomic_load(stop); i++) {
		struct table *t = &d->inv->table[i];
		if (!t->view && !t->gone && t->reader % d->nsessions == s->index)
			st = inventory_define_table(t, s->c, err);
	}
	return st;
}

/*
 * The sessions read bytes as they are stored; a definition is text. MySQL 8.0 and later call it three-byte UTF-8 although its expressions (defaults, generated
 * columns, checks, functional indexes) have characters of four bytes: asked for text they would make question marks of these, as bytes all of it is UTF-8
 * [run 9.7.4].
 */
static enum status define_session(struct session *s, void *arg, const atomic_bool *stop, struct error *err)
{
	bool text = !conn_is_mysql(s->c, 80000);
	enum status st = text ? conn_exec(s->c, INVENTORY_TEXT, err) : ST_OK;
	if (!st)
		st = define_share(s, arg, stop, err);
	return st || !text ? st : conn_exec(s->c, INVENTORY_RAW, err);
}

enum status define_run(struct inventory *inv, struct conn *c, struct session *session, unsigned n, const struct engine_options *o,
                       struct error *err)
{
	struct define d = { .inv = inv, .nsessions = n };
	enum status st = abreast_run(session, n, inv->ntables, define_session, &d, err);
	if (!st)
		st = inventory_check_places(inv, err);
	return st ? st : inventory_triggers(inv, c, o, err);
}
