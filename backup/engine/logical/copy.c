/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slackwater/array.h"
#include "slackwater/fs.h"

#define COPY_MEMORY (32u << 20)

struct copied {
	char *schema, *name;
	struct buf data;      /* empty when it lies in the file */
	uint64_t at, len;
	uint64_t raw_bytes, rows;
	uint64_t json_lost;   /* of the whole table, at its last entry */
};

void copy_init(struct copy *k)
{
	*k = (struct copy){ .fd = -1 };
}

void copy_clear(struct copy *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->item[i].schema);
		free(k->item[i].name);
		buf_free(&k->item[i].data);
	}
	free(k->item);
	if (k->fd >= 0)
		close(k->fd);
	copy_init(k);
}

static enum status copy_open_file(struct copy *k, struct error *err)
{
	const char *dir = getenv("TMPDIR");
	struct buf path = BUF_INIT(4096);
	buf_addf(&path, "%s/slackwater-XXXXXX", dir && *dir ? dir : "/var/tmp");
	enum status st = buf_check(&path, "a temporary file's name", err);
	if (!st) {
		k->fd = mkostemp(path.data, O_CLOEXEC);
		if (k->fd < 0)
			st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create a temporary file in %s", dir && *dir ? dir : "/var/tmp");
		else
			unlink(path.data);
	}
	buf_free(&path);
	return st;
}

static enum status copy_spill(struct copy *k, struct copied *it, struct error *err)
{
	enum status st = k->fd < 0 ? copy_open_file(k, err) : ST_OK;
	if (!st)
		st = fs_write_all(k->fd, it->data.data, it->data.len, "the temporary file of non-transactional tables", err);
	if (st)
		return st;
	it->at = k->file_size;
	k->file_size += it->data.len;
	buf_free(&it->data);
	return ST_OK;
}

static enum status copy_keep(void *arg, const struct table *t, struct stream_entry *e, struct error *err)
{
	struct copy *k = arg;
	struct copied *p = array_room(k->item, k->n, &k->cap, sizeof *p);
	if (!p)
		return error_oom(err);
	k->item = p;
	struct copied *it = &k->item[k->n++];
	*it = (struct copied){ .schema = strdup(t->schema), .name = strdup(t->name), .data = e->data, .len = e->data.len,
		               .raw_bytes = e->raw_bytes, .rows = e->rows };
	e->data = (struct buf){ 0 };
	if (!it->schema || !it->name)
		return error_oom(err);
	if (k->in_memory + it->len > COPY_MEMORY)
		return copy_spill(k, it, err);
	k->in_memory += it->len;
	return ST_OK;
}

static enum status copy_table(struct insert *in, const struct table *t, struct conn *c, struct error *err)
{
	struct buf sql = BUF_INIT(1u << 20);
	struct rows *r = NULL;
	dump_select(t, &sql);
	enum status st = buf_check(&sql, "a query", err);
	if (!st)
		st = insert_begin(in, t, err);
	if (!st)
		st = conn_stream(c, &sql, &r, err);
	while (rows_more(r, &st, err))
		st = insert_row(in, r->row, r->len, err);
	rows_free(r);
	buf_free(&sql);
	return st ? st : insert_end(in, err);
}

/* Asked here and now, since only now it is what was read. from: the table's first entry, if it has one. */
static enum status copy_json(struct copy *k, size_t from, struct insert *in, const struct table *t, struct conn *c, struct error *err)
{
	atomic_uint_fast64_t lost = 0;
	enum status st = dump_json(in, t, "", c, &lost, err);
	if (k->n > from)
		k->item[k->n - 1].json_lost = atomic_load(&lost);
	return st;
}

enum status copy_read(struct copy *k, const struct inventory *inv, struct conn *c, uint64_t chunk_bytes, int zstd_level, struct error *err)
{
	struct insert *in = NULL;
	copy_clear(k);
	enum status st = insert_new(chunk_bytes, zstd_level, copy_keep, k, &in, err);
	for (size_t i = 0; !st && i < inv->ntables; i++) {
		const struct table *t = &inv->table[i];
		if (t->gone || t->view || t->how != ROWS_COPIED)
			continue;
		size_t from = k->n;
		st = copy_table(in, t, c, err);
		if (!st)
			st = copy_json(k, from, in, t, c, err);
		if (st && err->my_errno)
			error_prefix(err, "`%s`.`%s`", t->schema, t->name);
		k->tables += !t->sequence;
	}
	if (!st)
		k->totals = *insert_totals(in);
	insert_free(in);
	return st;
}

static enum status copy_load(struct copy *k, struct copied *it, struct error *err)
{
	it->data = BUF_INIT(it->len + 1);
	buf_reserve(&it->data, it->len);
	enum status st = buf_check(&it->data, "a copied table", err);
	while (!st && it->data.len < it->len) {
		ssize_t n = pread(k->fd, it->data.data + it->data.len, it->len - it->data.len, (off_t)(it->at + it->data.len));
		if (n > 0)
			it->data.len += (size_t)n;
		else if (n == 0 || errno != EINTR)
			st = error_sys(err, ST_FAILED, ERR_STORE, n ? errno : EIO, "cannot read the temporary file of non-transactional tables");
	}
	return st;
}

static enum status copy_put_one(struct copy *k, struct copied *it, struct task *task, struct stream_writer *w, struct error *err)
{
	if (!task)
		return error_set(err, ST_RETRY, ERR_INCONSISTENT, "a DDL removed table `%s`.`%s` behind the window", it->schema, it->name);
	enum status st = it->len && !it->data.len ? copy_load(k, it, err) : ST_OK;
	if (st)
		return st;
	struct stream_entry e = { .data = it->data, .raw_bytes = it->raw_bytes, .rows = it->rows };
	it->data = (struct buf){ 0 };
	atomic_fetch_add(&task->json_lost, it->json_lost);
	atomic_fetch_add(&task->rows_done, e.rows);
	atomic_fetch_add(&task->bytes_done, e.raw_bytes);
	return dump_put(w, task->table, atomic_fetch_add(&task->files, 1), &e, err);
}

enum status copy_put(struct copy *k, struct plan *p, const struct inventory *inv, struct stream_writer *w, struct error *err)
{
	struct task **of = calloc(inv->ntables + 1, sizeof(struct task *)); /* by table */
	enum status st = of ? ST_OK : error_oom(err);
	for (size_t i = 0; !st && i < p->n; i++)
		if (p->task[i].table)
			of[p->task[i].table - inv->table] = &p->task[i];
	for (size_t i = 0; !st && i < k->n; i++) {
		const struct table *t = inventory_find(inv, k->item[i].schema, k->item[i].name);
		st = copy_put_one(k, &k->item[i], t ? of[t - inv->table] : NULL, w, err);
	}
	free(of);
	return st;
}
