/* SPDX-License-Identifier: Apache-2.0 */
#include "load_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_NAME_MAX = 4096, PLAN_ENTRY_SLACK = 1 << 16 };

const struct stream_index_entry *load_plan_entry(const struct load_plan *p, enum layout_file file, const char *stem)
{
	struct buf name = BUF_INIT(PLAN_NAME_MAX);
	layout_file_name(&name, file, stem);
	const struct stream_index_entry *e = name.bad ? NULL : stream_index_find(p->index, buf_str(&name));
	buf_free(&name);
	return e;
}

static bool compressed(const char *name)
{
	size_t n = strlen(name);
	return n > 4 && strcmp(name + n - 4, ".zst") == 0;
}

enum status load_plan_read(const struct load_plan *p, const struct stream_index_entry *e, struct buf *ret, struct error *err)
{
	if (!compressed(e->name)) {
		ret->max = (size_t)e->size + PLAN_ENTRY_SLACK;
		return stream_entry_read(p->store, buf_str(&p->prefix), p->objects, e, ret, err);
	}
	struct buf packed = BUF_INIT((size_t)e->size + PLAN_ENTRY_SLACK);
	enum status st = stream_entry_read(p->store, buf_str(&p->prefix), p->objects, e, &packed, err);
	ret->max = (size_t)e->raw_bytes + PLAN_ENTRY_SLACK;
	if (!st)
		st = stream_unzstd(packed.data, packed.len, ret, err);
	if (!st && ret->len != e->raw_bytes)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s unpacks to %zu bytes, the index says %llu", e->name, ret->len,
		               (unsigned long long)e->raw_bytes);
	buf_free(&packed);
	return st;
}

/* ---- from metadata to chunks ---- */

struct tally { struct load_plan *p; bool *seen; };

static enum status mark(struct tally *t, const struct stream_index_entry *e, const char *what, const char *stem, struct error *err)
{
	if (!e)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot lacks %s of %s, which its metadata speaks of", what, stem);
	bool *seen = &t->seen[e - t->p->index->item];
	if (*seen)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot's metadata speaks of %s twice", e->name);
	*seen = true;
	return ST_OK;
}

static enum status take_file(struct tally *t, enum layout_file file, const char *stem, const char *what, struct error *err)
{
	return mark(t, load_plan_entry(t->p, file, stem), what, stem, err);
}

static enum status take_schemas(struct tally *t, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < t->p->layout->nschemas; i++) {
		const struct layout_schema *s = &t->p->layout->schema[i];
		st = strlist_add(&t->p->schemas, s->name, err);
		if (!st)
			st = take_file(t, LAYOUT_SCHEMA_CREATE, s->file, "the CREATE DATABASE file", err);
		if (!st && s->post)
			st = take_file(t, LAYOUT_SCHEMA_POST, s->file, "the routines", err);
	}
	return st;
}

static enum status take_chunks(struct tally *t, struct load_table *lt, struct error *err)
{
	struct load_plan *p = t->p;
	struct buf name = BUF_INIT(PLAN_NAME_MAX);
	uint64_t rows = 0;
	enum status st = ST_OK;
	for (uint64_t i = 0; !st && i < lt->t->files; i++) {
		buf_clear(&name);
		layout_data_name(&name, lt->t->file, i);
		st = buf_check(&name, "an entry's name", err);
		const struct stream_index_entry *e = st ? NULL : stream_index_find(p->index, name.data);
		if (!st)
			st = mark(t, e, "a file of rows", lt->t->file, err);
		if (st)
			break;
		p->chunk[p->nchunks++] = (struct load_chunk){ .table = lt, .entry = e };
		p->raw_bytes += e->raw_bytes;
		rows += e->rows;
	}
	p->rows += rows;
	if (!st && rows != lt->t->rows)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s: the files have %llu rows, the metadata says %llu", lt->t->file,
		               (unsigned long long)rows, (unsigned long long)lt->t->rows);
	buf_free(&name);
	return st;
}

static enum status take_table(struct tally *t, size_t i, struct error *err)
{
	struct load_table *lt = &t->p->table[i];
	lt->t = &t->p->layout->table[i];
	lt->schema = load_plan_entry(t->p, LAYOUT_TABLE, lt->t->file);
	atomic_init(&lt->left, lt->t->files);
	enum status st = mark(t, lt->schema, "the CREATE TABLE file", lt->t->file, err);
	if (!st && lt->t->triggers)
		st = take_file(t, LAYOUT_TRIGGERS, lt->t->file, "the triggers", err);
	if (!st && lt->t->view)
		st = take_file(t, LAYOUT_VIEW, lt->t->file, "the view", err);
	return st ? st : take_chunks(t, lt, err);
}

static enum status nothing_unknown(const struct tally *t, struct error *err)
{
	static const char *const plain[] = { LAYOUT_METADATA, LAYOUT_SERVER, LAYOUT_USERS, LAYOUT_SLAVE_INFO, LAYOUT_BINLOG_INFO, "checkpoint.json" };
	for (size_t i = 0; i < t->p->index->n; i++) {
		bool known = t->seen[i];
		for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++)
			known = known || strcmp(t->p->index->item[i].name, plain[k]) == 0;
		if (known)
			continue;
		error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot holds %s, which is not known here", t->p->index->item[i].name);
		error_hint(err, "it may have been taken by a newer release of slackwater");
		if (err)
			err->sys_errno = ENOTSUP;
		return ST_FAILED;
	}
	if (t->p->layout->users && !stream_index_find(t->p->index, LAYOUT_USERS))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot lacks %s, which its metadata speaks of", LAYOUT_USERS);
	return ST_OK;
}

/* Big tables first, so that no thread is left alone with one; the files of a table stay together, in order. */
static int compare_chunks(const void *a, const void *b)
{
	const struct load_chunk *x = a, *y = b;
	if (x->table->t->bytes != y->table->t->bytes)
		return x->table->t->bytes > y->table->t->bytes ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	/* numbers have five digits or more, so a longer name is a later one */
	size_t nx = strlen(x->entry->name), ny = strlen(y->entry->name);
	if (nx != ny)
		return nx < ny ? -1 : 1;
	return strcmp(x->entry->name, y->entry->name);
}

static enum status build(struct load_plan *p, struct tally *t, struct error *err)
{
	struct buf text = BUF_INIT(1);
	const struct stream_index_entry *e = stream_index_find(p->index, LAYOUT_METADATA);
	enum status st = e ? load_plan_read(p, e, &text, err) : error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot has no metadata");
	if (!st)
		st = layout_read(buf_str(&text), text.len, &p->layout, err);
	buf_free(&text);
	if (!st && p->layout->ntables) {
		p->table = calloc(p->layout->ntables, sizeof *p->table);
		p->chunk = calloc(p->index->n, sizeof *p->chunk);
		st = p->table && p->chunk ? ST_OK : error_oom(err);
	}
	if (!st)
		st = take_schemas(t, err);
	for (size_t i = 0; !st && i < p->layout->ntables; i++)
		st = take_table(t, i, err);
	if (!st)
		st = nothing_unknown(t, err);
	if (!st && p->nchunks)
		qsort(p->chunk, p->nchunks, sizeof *p->chunk, compare_chunks);
	return st;
}

enum status load_plan_build(struct store *store, const struct manifest *m, const struct stream_index *index, struct load_plan *ret,
                            struct error *err)
{
	*ret = (struct load_plan){ .store = store, .objects = &m->objects, .index = index, .prefix = BUF_INIT(1024) };
	catalog_prefix(m, &ret->prefix);
	struct tally t = { .p = ret, .seen = calloc(index->n + 1, sizeof(bool)) };
	enum status st = t.seen ? buf_check(&ret->prefix, "the snapshot's prefix", err) : error_oom(err);
	if (!st)
		st = build(ret, &t, err);
	if (!st && ret->rows != m->rows)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "the files have %llu rows, the manifest says %llu", (unsigned long long)ret->rows,
		               (unsigned long long)m->rows);
	free(t.seen);
	if (st)
		load_plan_free(ret);
	return st;
}

void load_plan_free(struct load_plan *p)
{
	for (size_t i = 0; p->table && i < p->layout->ntables; i++)
		free(p->table[i].tail);
	free(p->table);
	free(p->chunk);
	layout_free(p->layout);
	strlist_free(&p->schemas);
	buf_free(&p->prefix);
	*p = (struct load_plan){ 0 };
}
