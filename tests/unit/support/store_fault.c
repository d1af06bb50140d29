/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store_fault {
	struct store base;
	struct store_ops ops; /* with the features of the inner store */
	struct store *inner;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned calls[FAULT_OPS];
	enum store_fault_op op;
	unsigned at;
	bool afterwards, hit, gate, patient;
	unsigned held;
	struct run_hook hook;
	unsigned cut; /* how much listings may still tell */
	bool cutting;
	const char *locked;
};

struct fault_writer {
	struct store_writer base;
	struct store_fault *fault;
	struct store_writer *inner;
};

struct fault_reader {
	struct store_reader base;
	struct store_fault *fault;
	struct store_reader *inner;
};

static struct store_fault *fault_of(struct store *s)
{
	return (struct store_fault *)s;
}

/* Count one call; is it the one? */
static bool fault_count(struct store_fault *f, enum store_fault_op op)
{
	pthread_mutex_lock(&f->lock);
	f->calls[op]++;
	if (op != FAULT_REMOVE && op != FAULT_SWEEP)
		f->calls[FAULT_ANY]++;
	bool hit = f->at && !f->hit && (op == f->op || f->op == FAULT_ANY) && f->calls[f->op] == f->at;
	f->hit = f->hit || hit;
	pthread_mutex_unlock(&f->lock);
	return hit;
}

static enum status fault_error(struct error *err)
{
	return error_sys(err, ST_FAILED, ERR_STORE, EIO, "injected fault");
}

/* Do the call, or fail instead, or do it and fail. */
#define FAULT(f, op_, call)                                           \
	do {                                                          \
		bool hit = fault_count(f, op_);                       \
		if (hit && !(f)->afterwards)                          \
			return fault_error(err);                      \
		enum status st_ = (call);                             \
		return hit && !st_ ? fault_error(err) : st_;          \
	} while (0)

static void fault_wait_gate(struct store_fault *f)
{
	pthread_mutex_lock(&f->lock);
	f->held++;
	pthread_cond_broadcast(&f->changed);
	while (f->gate && (f->patient || !run_cancelled(f->base.run)))
		pthread_cond_wait(&f->changed, &f->lock);
	f->held--;
	pthread_mutex_unlock(&f->lock);
}

static enum status fault_writer_write(struct store_writer *sw, const void *data, size_t len, struct error *err)
{
	struct fault_writer *w = (struct fault_writer *)sw;
	fault_wait_gate(w->fault);
	FAULT(w->fault, FAULT_WRITE, w->inner->ops->write(w->inner, data, len, err));
}

static enum status fault_writer_commit(struct store_writer *sw, struct error *err)
{
	struct fault_writer *w = (struct fault_writer *)sw;
	FAULT(w->fault, FAULT_COMMIT, w->inner->ops->commit(w->inner, err));
}

static void fault_writer_free(struct store_writer *sw)
{
	store_writer_free(((struct fault_writer *)sw)->inner);
	free(sw);
}

static const struct store_writer_ops fault_writer_ops = { fault_writer_write, fault_writer_commit, fault_writer_free };

static enum status fault_create_inner(struct store_fault *f, const char *key, struct store_writer **ret, struct error *err)
{
	struct fault_writer *w = calloc(1, sizeof *w);
	if (!w)
		return error_oom(err);
	enum status st = f->inner->ops->create(f->inner, key, &w->inner, err);
	if (st) {
		free(w);
		return st;
	}
	w->base.ops = &fault_writer_ops;
	w->fault = f;
	*ret = &w->base;
	return ST_OK;
}

static enum status fault_create(struct store *s, const char *key, struct store_writer **ret, struct error *err)
{
	struct store_fault *f = fault_of(s);
	struct store_writer *w = NULL;
	bool hit = fault_count(f, FAULT_CREATE);
	if (hit && !f->afterwards)
		return fault_error(err);
	enum status st = fault_create_inner(f, key, &w, err);
	if (st)
		return st;
	if (hit) {
		store_writer_free(w);
		return fault_error(err);
	}
	*ret = w;
	return ST_OK;
}

static enum status fault_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	struct store *in = fault_of(s)->inner;
	FAULT(fault_of(s), FAULT_PUT, in->ops->put(in, key, data, len, if_absent, err));
}

static enum status fault_reader_read(struct store_reader *sr, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct fault_reader *r = (struct fault_reader *)sr;
	FAULT(r->fault, FAULT_READ, r->inner->ops->read(r->inner, data, cap, ret_n, err));
}

static void fault_reader_free(struct store_reader *sr)
{
	store_reader_free(((struct fault_reader *)sr)->inner);
	free(sr);
}

static const struct store_reader_ops fault_reader_ops = { fault_reader_read, fault_reader_free };

static enum status fault_open_inner(struct store_fault *f, const char *key, uint64_t offset, uint64_t len,
                                    struct store_reader **ret, struct error *err)
{
	struct fault_reader *r = calloc(1, sizeof *r);
	if (!r)
		return error_oom(err);
	enum status st = f->inner->ops->open(f->inner, key, offset, len, &r->inner, err);
	if (st) {
		free(r);
		return st;
	}
	r->base.ops = &fault_reader_ops;
	r->fault = f;
	*ret = &r->base;
	return ST_OK;
}

static enum status fault_open(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret,
                              struct error *err)
{
	if (fault_count(fault_of(s), FAULT_OPEN))
		return fault_error(err);
	return fault_open_inner(fault_of(s), key, offset, len, ret, err);
}

static enum status fault_stat(struct store *s, const char *key, uint64_t *ret_size, struct error *err)
{
	struct store *in = fault_of(s)->inner;
	FAULT(fault_of(s), FAULT_STAT, in->ops->stat(in, key, ret_size, err));
}

struct fault_listing {
	store_list_fn *fn;
	store_folder_fn *folder;
	void *arg;
	unsigned *left; /* NULL: all */
};

static bool fault_may_tell(struct fault_listing *l)
{
	return !l->left || (*l->left && (*l->left)--);
}

static bool fault_list_one(void *arg, const struct store_object *o)
{
	struct fault_listing *l = arg;
	return fault_may_tell(l) && l->fn(l->arg, o);
}

static bool fault_folder_one(void *arg, const char *folder)
{
	struct fault_listing *l = arg;
	return fault_may_tell(l) && l->folder(l->arg, folder);
}

static enum status fault_list_cut(struct store_fault *f, const char *prefix, struct fault_listing *l, struct error *err)
{
	struct store *in = f->inner;
	l->left = f->cutting ? &f->cut : NULL;
	enum status st = l->folder ? in->ops->folders(in, prefix, fault_folder_one, l, err) : in->ops->list(in, prefix, fault_list_one, l, err);
	return st || !f->cutting || f->cut ? st : fault_error(err);
}

static enum status fault_list(struct store *s, const char *prefix, store_list_fn *fn, void *arg, struct error *err)
{
	struct fault_listing l = { .fn = fn, .arg = arg };
	FAULT(fault_of(s), FAULT_LIST, fault_list_cut(fault_of(s), prefix, &l, err));
}

static enum status fault_folders(struct store *s, const char *prefix, store_folder_fn *fn, void *arg, struct error *err)
{
	struct fault_listing l = { .folder = fn, .arg = arg };
	FAULT(fault_of(s), FAULT_LIST, fault_list_cut(fault_of(s), prefix, &l, err));
}

static enum status fault_remove(struct store *s, const char *key, struct error *err)
{
	struct store *in = fault_of(s)->inner;
	if (fault_of(s)->locked && strstr(key, fault_of(s)->locked))
		return error_sys(err, ST_FAILED, ERR_STORE, EPERM, "%s is locked", key);
	FAULT(fault_of(s), FAULT_REMOVE, in->ops->remove(in, key, err));
}

static enum status fault_sweep(struct store *s, const char *prefix, int64_t age_ms, unsigned *ret_removed, struct error *err)
{
	struct store *in = fault_of(s)->inner;
	FAULT(fault_of(s), FAULT_SWEEP, in->ops->sweep(in, prefix, age_ms, ret_removed, err));
}

static void fault_cancelled(void *arg)
{
	struct store_fault *f = arg;
	pthread_mutex_lock(&f->lock);
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void fault_free(struct store *s)
{
	struct store_fault *f = fault_of(s);
	run_hook_del(s->run, &f->hook);
	store_free(f->inner);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

struct store *store_fault_new(struct store *inner, struct run *run, struct store_fault **ret)
{
	struct store_fault *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->ops = (struct store_ops){
		.features = inner->ops->features, .create = fault_create, .put = fault_put, .open = fault_open, .stat = fault_stat,
		.list = fault_list, .folders = fault_folders, .remove = fault_remove, .sweep = fault_sweep, .free = fault_free,
	};
	f->base = (struct store){ .ops = &f->ops, .run = run };
	f->inner = inner;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->hook = (struct run_hook){ .fn = fault_cancelled, .arg = f };
	run_hook_add(run, &f->hook);
	if (ret)
		*ret = f;
	return &f->base;
}

void store_fault_at(struct store_fault *f, enum store_fault_op op, unsigned n, bool afterwards)
{
	pthread_mutex_lock(&f->lock);
	for (int i = 0; i < FAULT_OPS; i++)
		f->calls[i] = 0;
	f->op = op;
	f->at = n;
	f->afterwards = afterwards;
	f->hit = false;
	pthread_mutex_unlock(&f->lock);
}

unsigned store_fault_calls(const struct store_fault *f, enum store_fault_op op)
{
	return f->calls[op];
}

bool store_fault_hit(const struct store_fault *f)
{
	return f->hit;
}

void store_fault_hold(struct store_fault *f, bool patient)
{
	pthread_mutex_lock(&f->lock);
	f->gate = true;
	f->patient = patient;
	pthread_mutex_unlock(&f->lock);
}

void store_fault_release(struct store_fault *f)
{
	pthread_mutex_lock(&f->lock);
	f->gate = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

bool store_fault_wait_held(struct store_fault *f, unsigned n)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	pthread_mutex_lock(&f->lock);
	int late = 0;
	while (f->held < n && !late)
		late = pthread_cond_timedwait(&f->changed, &f->lock, &until);
	bool came = f->held >= n;
	pthread_mutex_unlock(&f->lock);
	return came;
}

void store_fault_cut(struct store_fault *f, unsigned n)
{
	f->cutting = n > 0;
	f->cut = n;
}

void store_fault_lock(struct store_fault *f, const char *part)
{
	f->locked = part;
}
