/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of restoring: a snapshot becomes the directory that its entries are files of. Everything is checked while it is unpacked beside the place,
 * and the directory gets its name when all of it was right: there is no moment at which half a restore looks like a whole one.
 */
#include "slackwater/stored.h"

#include <stdlib.h>

#include "stream/unpack.h"
#include "whole.h"

struct restore {
	struct unpack_dir *dir;
	const struct restore_part *part; /* NULL: all of it */
	struct run *run;
};

static struct visitor *restore_make(void *arg, struct error *err)
{
	const struct restore *r = arg;
	struct unpack *u = malloc(sizeof *u);
	if (!u) {
		error_oom(err);
		return NULL;
	}
	unpack_init(u, r->dir, r->run);
	u->leave = r->part ? &r->part->leave : NULL;
	return &u->base;
}

static void restore_end(void *arg, struct visitor *v)
{
	(void)arg;
	unpack_end((struct unpack *)v);
	free(v);
}

void restore_part_free(struct restore_part *p)
{
	strlist_free(&p->leave);
	buf_free(&p->metadata);
}

enum status snapshot_restore(struct store *s, const struct manifest *m, const char *dir, unsigned threads, struct run *run,
                             struct error *err)
{
	return snapshot_restore_part(s, m, NULL, dir, threads, run, err);
}

enum status snapshot_restore_part(struct store *s, const struct manifest *m, const struct restore_part *part, const char *dir,
                                  unsigned threads, struct run *run, struct error *err)
{
	struct restore r = { .part = part, .run = run };
	struct verify_report report;
	struct whole w = {
		.store = s, .manifest = m, .run = run, .area = "restore", .threads = threads,
		.make = restore_make, .end = restore_end, .arg = &r,
	};
	enum status st = unpack_dir_open(dir, &r.dir, err);
	if (!st)
		st = whole_read(&w, &report, err);
	if (!st && part)
		st = unpack_replace(r.dir, "metadata", &part->metadata, err);
	if (!st)
		st = unpack_dir_commit(r.dir, err);
	unpack_dir_free(r.dir);
	return st;
}

enum status snapshot_unpack_stream(struct store *pipe, struct age_keyring *keyring, const char *dir, struct run *run,
                                   struct manifest **ret_m, struct error *err)
{
	struct unpack_dir *d = NULL;
	struct unpack u = { .fd = -1 };
	const struct whole_stream w = { .pipe = pipe, .keyring = keyring, .run = run, .area = "restore", .visitor = &u.base };
	struct manifest *m = NULL;
	enum status st = unpack_dir_open(dir, &d, err);
	if (!st) {
		unpack_init(&u, d, run);
		st = whole_read_stream(&w, &m, NULL, NULL, err);
	}
	if (!st)
		st = unpack_dir_commit(d, err);
	unpack_end(&u);
	unpack_dir_free(d);
	if (!st && ret_m)
		*ret_m = m;
	else
		manifest_free(m);
	return st;
}
