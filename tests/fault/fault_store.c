/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of the store: every call of one goes through here. Nothing else is done to it, and freeing does not fail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "slackwater/store.h"

struct fault_store {
	struct store base;
	struct store_ops ops; /* with the features of the inner store */
	struct store *inner;
};

struct fault_writer {
	struct store_writer base;
	struct store_writer *inner;
};

struct fault_reader {
	struct store_reader base;
	struct store_reader *inner;
};

enum status __real_store_open(const char *url, enum store_use use, const struct store_options *options, struct run *run,
                               struct store **ret, struct error *err);
enum status __wrap_store_open(const char *url, enum store_use use, const struct store_options *options, struct run *run,
                               struct store **ret, struct error *err);

static struct store *inner(struct store *s)
{
	return ((struct fault_store *)s)->inner;
}

static bool late(const struct fault_spec *f)
{
	return f && strcmp(f->how, "late") == 0;
}

static enum status failed(const struct fault_spec *f, struct error *err)
{
	return error_sys(err, ST_FAILED, ERR_STORE, strcmp(f->how, "enospc") == 0 ? ENOSPC : EIO, "injected fault");
}

/* Do the call, or fail instead, or do it and fail. */
#define FAULT_STORE_CALL(what, call)                                    \
	do {                                                            \
		const struct fault_spec *f_ = fault_count(FAULT_STORE, what); \
		if (f_ && !late(f_))                                    \
			return failed(f_, err);                         \
		enum status st_ = (call);                               \
		return f_ && !st_ ? failed(f_, err) : st_;              \
	} while (0)

static enum status fault_write(struct store_writer *sw, const void *data, size_t len, struct error *err)
{
	struct store_writer *w = ((struct fault_writer *)sw)->inner;
	FAULT_STORE_CALL("write", w->ops->write(w, data, len, err));
}

static enum status fault_commit(struct store_writer *sw, struct error *err)
{
	struct store_writer *w = ((struct fault_writer *)sw)->inner;
	FAULT_STORE_CALL("commit", w->ops->commit(w, err));
}

static void fault_writer_free(struct store_writer *sw)
{
	store_writer_free(((struct fault_writer *)sw)->inner);
	free(sw);
}

static const struct store_writer_ops writer_ops = { fault_write, fault_commit, fault_writer_free };

static enum status fault_create(struct store *s, const char *key, struct store_writer **ret, struct error *err)
{
	const struct fault_spec *f = fault_count(FAULT_STORE, "create");
	struct store_writer *w = NULL;
	if (f && !late(f))
		return failed(f, err);
	enum status st = inner(s)->ops->create(inner(s), key, &w, err);
	if (!st && f) {
		store_writer_free(w);
		st = failed(f, err);
	}
	if (st)
		return st;
	struct fault_writer *mine = fault_new(sizeof *mine);
	*mine = (struct fault_writer){ .base = { .ops = &writer_ops }, .inner = w };
	*ret = &mine->base;
	return ST_OK;
}

static enum status fault_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	FAULT_STORE_CALL("put", inner(s)->ops->put(inner(s), key, data, len, if_absent, err));
}

static enum status fault_read(struct store_reader *sr, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct store_reader *r = ((struct fault_reader *)sr)->inner;
	FAULT_STORE_CALL("read", r->ops->read(r, data, cap, ret_n, err));
}

static void fault_reader_free(struct store_reader *sr)
{
	store_reader_free(((struct fault_reader *)sr)->inner);
	free(sr);
}

static const struct store_reader_ops reader_ops = { fault_read, fault_reader_free };

static enum status fault_open(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                              struct error *err)
{
	const struct fault_spec *f = fault_count(FAULT_STORE, "open");
	struct store_reader *r = NULL;
	if (f)
		return failed(f, err);
	enum status st = inner(s)->ops->open(inner(s), key, offset, len, &r, err);
	if (st)
		return st;
	struct fault_reader *mine = fault_new(sizeof *mine);
	*mine = (struct fault_reader){ .base = { .ops = &reader_ops }, .inner = r };
	*ret = &mine->base;
	return ST_OK;
}

static enum status fault_stat(struct store *s, const char *key, uint64_t *ret_size, struct error *err)
{
	FAULT_STORE_CALL("stat", inner(s)->ops->stat(inner(s), key, ret_size, err));
}

static enum status fault_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err)
{
	FAULT_STORE_CALL("list", inner(s)->ops->list(inner(s), prefix, fn, arg, err));
}

static enum status fault_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err)
{
	FAULT_STORE_CALL("list", inner(s)->ops->folders(inner(s), prefix, fn, arg, err));
}

static enum status fault_remove(struct store *s, const char *key, struct error *err)
{
	FAULT_STORE_CALL("remove", inner(s)->ops->remove(inner(s), key, err));
}

static enum status fault_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	FAULT_STORE_CALL("sweep", inner(s)->ops->sweep(inner(s), prefix, age_ms, ret_removed, err));
}

static void fault_free(struct store *s)
{
	store_free(inner(s));
	free(s);
}

__attribute__((constructor(1000))) static void fault_store_check(void)
{
	for (const struct fault_spec *s = fault_next(FAULT_STORE, NULL); s; s = fault_next(FAULT_STORE, s))
		if (strcmp(s->how, "enospc") != 0 && strcmp(s->how, "eio") != 0 && strcmp(s->how, "late") != 0)
			fault_usage("neither enospc, eio nor late", s->how);
}

enum status __wrap_store_open(const char *url, enum store_use use, const struct store_options *options, struct run *run,
                               struct store **ret, struct error *err)
{
	struct store *s = NULL;
	enum status st = __real_store_open(url, use, options, run, &s, err);
	if (st)
		return st;
	struct fault_store *mine = fault_new(sizeof *mine);
	mine->ops = (struct store_ops){
		.features = s->ops->features, .create = fault_create, .put = fault_put, .open = fault_open, .stat = fault_stat,
		.list = fault_list, .folders = fault_folders, .remove = fault_remove, .sweep = fault_sweep, .free = fault_free,
	};
	mine->base = (struct store){ .ops = &mine->ops, .run = run };
	mine->inner = s;
	*ret = &mine->base;
	return ST_OK;
}
