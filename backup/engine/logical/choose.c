/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table back: which files of a snapshot's directory are left out when only some of its tables are wanted, and the metadata of those that are
 * left. Works on the names that the snapshot's own metadata tells; no row is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "load_plan.h"
#include "slackwater/jsonx.h"
#include "slackwater/stored.h"

enum { CHOOSE_METADATA_MAX = 512 << 20, CHOOSE_NAME_MAX = 4096 };

struct choose {
	const struct engine_options *o;
	const struct layout *all;
	struct layout some; /* arrays of its own, strings of all */
	struct restore_part *part;
};

static enum status leave(struct choose *c, enum layout_file file, const char *stem, struct error *err)
{
	struct buf name = BUF_INIT(CHOOSE_NAME_MAX);
	layout_file_name(&name, file, stem);
	enum status st = buf_check(&name, "a file's name", err);
	if (!st)
		st = strlist_add(&c->part->leave, name.data, err);
	buf_free(&name);
	return st;
}

static enum status leave_table(struct choose *c, const struct layout_table *t, struct error *err)
{
	struct buf name = BUF_INIT(CHOOSE_NAME_MAX);
	enum status st = leave(c, LAYOUT_TABLE, t->file, err);
	if (!st && t->view)
		st = leave(c, LAYOUT_VIEW, t->file, err);
	if (!st && t->triggers)
		st = leave(c, LAYOUT_TRIGGERS, t->file, err);
	for (uint64_t i = 0; !st && i < t->files; i++) {
		buf_clear(&name);
		layout_data_name(&name, t->file, i);
		st = buf_check(&name, "a file's name", err);
		if (!st)
			st = strlist_add(&c->part->leave, name.data, err);
	}
	buf_free(&name);
	c->part->left_out++;
	return st;
}

static enum status take_tables(struct choose *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < c->all->ntables; i++) {
		const struct layout_table *t = &c->all->table[i];
		if (!filter_table(c->o, t->schema, t->name)) {
			st = leave_table(c, t, err);
			continue;
		}
		c->some.table[c->some.ntables++] = *t;
		c->part->tables += !t->view;
		c->part->rows += t->rows;
	}
	return st;
}

static bool has_table(const struct layout *l, const char *schema)
{
	for (size_t i = 0; i < l->ntables; i++)
		if (!strcmp(l->table[i].schema, schema))
			return true;
	return false;
}

/* A schema is made where one of its tables is, and all else it has only where nothing of it is left out. */
static enum status take_schemas(struct choose *c, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < c->all->nschemas; i++) {
		struct layout_schema s = c->all->schema[i];
		bool whole = filter_whole(c->o, s.name), wanted = whole || has_table(&c->some, s.name);
		if (s.post && !whole)
			st = leave(c, LAYOUT_SCHEMA_POST, s.file, err);
		if (!st && !wanted)
			st = leave(c, LAYOUT_SCHEMA_CREATE, s.file, err);
		s.post = s.post && whole;
		s.whole = s.whole && whole;
		if (wanted)
			c->some.schema[c->some.nschemas++] = s;
	}
	if (!st && c->all->users)
		st = strlist_add(&c->part->leave, LAYOUT_USERS, err);
	return st;
}

/* Comments to whoever reads it; a name is written as JSON has it, in one line. */
static enum status say_left_out(struct choose *c, struct error *err)
{
	struct buf *out = &c->part->metadata;
	buf_addf(out, "\n# restored in part: %llu tables and views of the snapshot are left out%s\n", (unsigned long long)c->part->left_out,
	         c->all->users ? ", and so are accounts" : "");
	for (size_t i = 0; i < c->all->ntables; i++) {
		const struct layout_table *t = &c->all->table[i];
		if (filter_table(c->o, t->schema, t->name))
			continue;
		json_t *o = json_pack("[o,o]", jsonx_text(t->schema), jsonx_text(t->name));
		buf_adds(out, "# left out: ");
		enum status st = o ? jsonx_dump_line(o, out, err) : error_oom(err);
		json_decref(o);
		if (st)
			return st;
	}
	return buf_check(out, "metadata", err);
}

static enum status choose(struct choose *c, struct error *err)
{
	c->some.schema = calloc(c->all->nschemas + 1, sizeof *c->some.schema);
	c->some.table = calloc(c->all->ntables + 1, sizeof *c->some.table);
	if (!c->some.schema || !c->some.table)
		return error_oom(err);
	enum status st = take_tables(c, err);
	if (!st)
		st = take_schemas(c, err);
	if (!st && !c->some.nschemas) {
		st = error_set(err, ST_FAILED, ERR_USAGE, "no table of the snapshot is among those that are wanted");
		error_hint(err, "patterns are schema or schema.table, with * and ?; upper and lower case differ");
	}
	if (!st)
		st = layout_write(&c->some, &c->part->metadata, err);
	if (!st)
		st = say_left_out(c, err);
	if (!st)
		strlist_sort(&c->part->leave);
	return st;
}

enum status engine_logical_choose(struct store *store, const struct manifest *m, const struct engine_options *o, struct restore_part *ret,
                                  struct error *err)
{
	struct stream_index index = { 0 };
	struct load_plan plan = { 0 };
	struct buf prefix = BUF_INIT(1024);
	struct choose c = { .o = o, .part = ret };
	*ret = (struct restore_part){ .metadata = BUF_INIT(CHOOSE_METADATA_MAX) };
	if (strcmp(m->engine, "logical") != 0)
		return error_set(err, ST_FAILED, ERR_USAGE, "tables cannot be chosen from a snapshot of the engine %s", m->engine);
	catalog_prefix(m, &prefix);
	enum status st = buf_check(&prefix, "the snapshot's prefix", err);
	if (!st)
		st = stream_index_read(store, prefix.data, &m->objects, &index, err);
	if (!st)
		st = load_plan_build(store, m, &index, &plan, err);
	c.all = plan.layout;
	if (!st)
		st = choose(&c, err);
	free(c.some.schema);
	free(c.some.table);
	load_plan_free(&plan);
	stream_index_free(&index);
	buf_free(&prefix);
	return st;
}
