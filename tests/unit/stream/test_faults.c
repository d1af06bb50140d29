/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that fail, stall, or lose an answer: nothing is left that could be taken for a snapshot, nothing hangs, memory stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample.h"
#include "slackwater/stored.h"
#include "store/pipe.h"
#include "store_fault.h"
#include "stream/budget.h"

static struct store *new_store(struct scratch *t, struct store_fault **ret)
{
	struct error err;
	struct store *inner = NULL;
	OK(store_open(scratch_path(t, "r"), STORE_WRITE, NULL, &t->run, &inner, &err));
	return store_fault_new(inner, &t->run, ret);
}

/* Whatever call of the store fails, and whether it did what it was asked or not. */
static void every_call(struct scratch *t, enum store_fault_op op, bool afterwards)
{
	const struct sample_spec spec = { .entries = 30, .shards = 3, .largest = 3000 };
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	unsigned n = 0, published = 0;
	for (bool hit = true; hit;) {
		struct error err = ERROR_INIT;
		struct manifest *m = NULL;
		struct catalog c = { 0 };
		store_fault_at(f, op, ++n, afterwards);
		enum status st = sample_write(&spec, s, &t->run, NULL, &err);
		hit = store_fault_hit(f);
		if (hit) {
			scratch_fails(st, &err, ERR_STORE, __FILE__, __LINE__);
			assert_int_equal(err.sys_errno, EIO);
		} else {
			scratch_ok(st, &err, __FILE__, __LINE__);
		}
		store_fault_at(f, op, 0, false);
		OK(catalog_list(s, NULL, &c, &err));
		if (c.n) { /* then it is whole, whatever the store said */
			struct verify_report r;
			OK(catalog_find(s, NULL, "latest", &m, &err));
			OK(snapshot_verify(s, m, 2, &t->run, &r, &err));
			manifest_free(m);
			published++;
			assert_true(!hit || afterwards);
		} else if (op != FAULT_ANY && op != FAULT_PUT && op != FAULT_STAT) {
			/* While the stream is still the writer's, its own failures leave nothing. What fails later is for the one who publishes. */
			assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
		}
		catalog_free(&c);
		struct catalog_swept swept;
		OK(s->ops->remove(s, SAMPLE_INSTANCE "/manifests/" SAMPLE_ID ".json", &err));
		OK(catalog_sweep(s, NULL, -100000LL * 365 * 86400 * 1000, &swept, &err));
		assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	}
	assert_true(n > 1 && published >= 1);
	store_free(s);
}

static void test_every_create_fails(void **state)
{
	every_call(*state, FAULT_CREATE, false);
	every_call(*state, FAULT_CREATE, true);
}

static void test_every_write_fails(void **state)
{
	every_call(*state, FAULT_WRITE, false);
	every_call(*state, FAULT_WRITE, true);
}

static void test_every_commit_fails(void **state)
{
	every_call(*state, FAULT_COMMIT, false);
	every_call(*state, FAULT_COMMIT, true);
}

static void test_every_put_fails(void **state)
{
	every_call(*state, FAULT_PUT, false);
	every_call(*state, FAULT_PUT, true);
}

static void test_any_call_fails(void **state)
{
	every_call(*state, FAULT_ANY, false);
	every_call(*state, FAULT_ANY, true);
}

/* Reading: whichever call fails, the error comes out, and a restore leaves nothing. */
static void test_every_read_fails(void **state)
{
	struct scratch *t = *state;
	const struct sample_spec spec = { .entries = 30, .shards = 3, .largest = 3000 };
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct manifest *m;
	struct error err = ERROR_INIT;
	OK(sample_write(&spec, s, &t->run, &m, &err));
	unsigned n = 0;
	for (bool hit = true; hit;) {
		struct verify_report r;
		store_fault_at(f, FAULT_ANY, ++n, false);
		enum status st = snapshot_verify(s, m, 2, &t->run, &r, &err);
		hit = store_fault_hit(f);
		if (hit)
			scratch_fails(st, &err, ERR_STORE, __FILE__, __LINE__);
		store_fault_at(f, FAULT_ANY, n, false);
		st = snapshot_restore(s, m, scratch_path(t, "out"), 2, &t->run, &err);
		if (store_fault_hit(f)) {
			scratch_fails(st, &err, ERR_STORE, __FILE__, __LINE__);
			assert_int_equal(access(scratch_path(t, "out"), F_OK), -1);
			assert_int_equal(access(scratch_path(t, "out.part"), F_OK), -1);
		}
	}
	assert_true(n > 10);
	sample_check_dir(&spec, scratch_path(t, "out"));
	manifest_free(m);
	store_free(s);
}

static enum status put(struct stream_writer *w, const char *name, size_t len, struct error *err)
{
	struct stream_entry e = { .name = strdup(name), .data = BUF_INIT(64 << 20) };
	buf_reserve(&e.data, len);
	memset(e.data.data, 'x', len);
	e.data.len = len;
	e.data.data[len] = '\0';
	return stream_writer_put(w, -1, &e, err);
}

struct putter {
	struct stream_writer *w;
	unsigned entries;
	size_t size;
	char tag;
	_Atomic uint64_t accepted;
	enum status st;
	struct error err;
};

static void *put_all(void *arg)
{
	struct putter *p = arg;
	for (unsigned i = 0; i < p->entries && !p->st; i++) {
		char name[64];
		snprintf(name, sizeof name, "%c%u", p->tag, i);
		p->st = put(p->w, name, p->size, &p->err);
		if (!p->st)
			atomic_fetch_add(&p->accepted, p->size);
	}
	return NULL;
}

/* Wait for a condition; the deadline is for a test that fails. */
#define WAIT_FOR(cond) \
	for (int64_t until_ = scratch_now_ms() + 10000; !(cond) && scratch_now_ms() < until_;) sched_yield()

static void test_back_pressure(void **state)
{
	struct scratch *t = *state;
	enum { BOUND = 1 << 20, SIZE = 100000, PUTTERS = 3, FIT = BOUND / (SIZE + 500) };
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 2, .queue_bytes = BOUND };
	struct stream_objects objects;
	struct stream_writer *w;
	struct error err;
	struct putter p[PUTTERS];
	pthread_t id[PUTTERS];
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	store_fault_hold(f, false); /* the store stands still */
	for (int i = 0; i < PUTTERS; i++) {
		p[i] = (struct putter){ .w = w, .entries = 20, .size = SIZE, .tag = (char)('a' + i) };
		assert_int_equal(pthread_create(&id[i], NULL, put_all, &p[i]), 0);
	}
#define ACCEPTED (p[0].accepted + p[1].accepted + p[2].accepted)
	WAIT_FOR(ACCEPTED == FIT * SIZE);
	assert_int_equal(ACCEPTED, FIT * SIZE);
	assert_true(store_fault_wait_held(f, 2));
	/* All of them have asked for more, or will in no time; none gets it. */
	for (int64_t until = scratch_now_ms() + 30; scratch_now_ms() < until;)
		assert_true(ACCEPTED <= BOUND);
	assert_int_equal(stream_writer_stored(w), 0);
	store_fault_release(f);
	for (int i = 0; i < PUTTERS; i++) {
		pthread_join(id[i], NULL);
		scratch_ok(p[i].st, &p[i].err, __FILE__, __LINE__);
	}
	OK(stream_writer_finish(w, &objects, &err));
	assert_int_equal(objects.item[0].entries + objects.item[1].entries, 60);
	stream_objects_free(&objects);
	stream_writer_free(w);
	store_free(s);
}

/* One shard stands still (its first entry is a giant that the store does not take): the others get what comes. */
static void test_a_shard_that_falls_behind(void **state)
{
	struct scratch *t = *state;
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 2, .queue_bytes = 1 << 20 };
	struct stream_objects objects;
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	store_fault_hold(f, false);
	struct stream_entry e = { .name = strdup("giant"), .data = BUF_INIT(1 << 20) };
	for (int i = 0; i < 600000; i++)
		buf_addc(&e.data, 'x');
	OK(stream_writer_put(w, 0, &e, &err));
	for (int i = 0; i < 20; i++) {
		char name[20];
		snprintf(name, sizeof name, "e%d", i);
		OK(put(w, name, 10000, &err));
	}
	store_fault_release(f);
	OK(stream_writer_finish(w, &objects, &err));
	assert_int_equal(objects.item[0].entries, 1);
	assert_int_equal(objects.item[1].entries, 20);
	stream_objects_free(&objects);
	stream_writer_free(w);
	store_free(s);
}

static void test_a_giant_passes_alone(void **state)
{
	struct scratch *t = *state;
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 2, .queue_bytes = 1000 };
	struct stream_objects objects;
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	OK(put(w, "small", 10, &err));
	OK(put(w, "giant", 10 << 20, &err));
	OK(put(w, "small2", 10, &err));
	OK(stream_writer_finish(w, &objects, &err));
	stream_objects_free(&objects);
	stream_writer_free(w);
	store_free(s);
}

/* The store stands still, and may not even hear of the cancel: whoever puts is let go at once, and all of it once the store moves.
 * own: what is cancelled is the putter's own run. */
static void cancel_while_stalled(struct scratch *t, bool patient, bool own)
{
	struct run part;
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 2, .queue_bytes = 1 << 20 };
	struct stream_objects objects = { 0 };
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	OK(run_child(&part, &t->run, &err));
	stream_writer_heed(w, &part);
	struct putter p = { .w = w, .entries = 100, .size = 100000, .tag = 'a' };
	pthread_t id;
	store_fault_hold(f, patient);
	assert_int_equal(pthread_create(&id, NULL, put_all, &p), 0);
	assert_true(store_fault_wait_held(f, 1));
	WAIT_FOR(p.accepted >= 500000);
	run_cancel(own ? &part : &t->run, SIGTERM);
	pthread_join(id, NULL);
	scratch_fails(p.st, &p.err, ERR_INTERRUPTED, __FILE__, __LINE__);
	store_fault_release(f);
	stream_writer_heed(w, NULL);
	run_destroy(&part);
	if (!own)
		FAILS(ERR_INTERRUPTED, stream_writer_finish(w, &objects, &err));
	stream_writer_free(w);
	assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	store_free(s);
}

static void test_cancel_while_the_store_stands_still(void **state)
{
	cancel_while_stalled(*state, false, false);
}

static void test_cancel_and_the_store_does_not_hear(void **state)
{
	cancel_while_stalled(*state, true, false);
}

static void test_what_is_put_is_given_up(void **state)
{
	cancel_while_stalled(*state, true, true);
}

static void test_free_without_finish(void **state)
{
	struct scratch *t = *state;
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 3, .queue_bytes = 1 << 20 };
	struct stream_writer *w;
	struct error err;
	for (unsigned entries = 0; entries < 8; entries++) {
		OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
		for (unsigned i = 0; i < entries; i++) {
			char name[20];
			snprintf(name, sizeof name, "e%u", i);
			OK(put(w, name, 50000, &err));
		}
		stream_writer_free(w);
		assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	}
	stream_writer_free(NULL);
	store_free(s);
}

static void test_finish_after_cancel(void **state)
{
	struct scratch *t = *state;
	struct store_fault *f;
	struct store *s = new_store(t, &f);
	struct stream_options o = { .shards = 1 };
	struct stream_objects objects = { 0 };
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	OK(put(w, "a", 100, &err));
	run_cancel(&t->run, SIGINT);
	FAILS(ERR_INTERRUPTED, put(w, "b", 100, &err));
	FAILS(ERR_INTERRUPTED, stream_writer_finish(w, &objects, &err));
	stream_writer_free(w);
	assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	/* Opened when all is over already. */
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	FAILS(ERR_INTERRUPTED, put(w, "a", 100, &err));
	stream_writer_free(w);
	store_free(s);
}

/* The other side of a pipe goes away after n bytes, wherever that is. */
static void *read_some(void *arg)
{
	const int *fd_and_bytes = arg;
	char block[4096];
	for (int left = fd_and_bytes[1]; left > 0;) {
		ssize_t n = read(fd_and_bytes[0], block, left < 4096 ? (size_t)left : 4096);
		if (n <= 0)
			break;
		left -= (int)n;
	}
	close(fd_and_bytes[0]);
	return NULL;
}

static void test_pipe_breaks(void **state)
{
	struct scratch *t = *state;
	const struct sample_spec spec = { .entries = 60, .shards = 1, .largest = 30000 };
	for (int bytes = 0; bytes < 200000; bytes += 39119) {
		struct store *s;
		struct error err;
		pthread_t id;
		int fd[2], arg[2];
		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		arg[0] = fd[0];
		arg[1] = bytes;
		assert_int_equal(pthread_create(&id, NULL, read_some, arg), 0);
		OK(pipe_open(fd[1], STORE_WRITE, &t->run, &s, &err));
		FAILS(ERR_STORE, sample_write(&spec, s, &t->run, NULL, &err));
		assert_int_equal(err.sys_errno, EPIPE);
		pthread_join(id, NULL);
		store_free(s);
		close(fd[1]);
	}
}

struct taker {
	struct budget *b;
	unsigned seed, rounds;
	uint64_t largest;
};

static void *take_and_give(void *arg)
{
	struct taker *t = arg;
	for (unsigned i = 0; i < t->rounds; i++) {
		t->seed = t->seed * 1664525 + 1013904223;
		uint64_t n = 1 + (t->seed >> 8) % t->largest;
		if (!budget_take(t->b, n))
			return NULL;
		budget_give(t->b, n);
	}
	return NULL;
}

static void test_budget(void **state)
{
	(void)state;
	struct budget b;
	struct taker t[4];
	pthread_t id[4];
	budget_init(&b, 1000);
	for (unsigned i = 0; i < 4; i++) {
		t[i] = (struct taker){ &b, i, 2000, 700 };
		assert_int_equal(pthread_create(&id[i], NULL, take_and_give, &t[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(id[i], NULL);
	assert_int_equal(b.used, 0);
	assert_in_range(b.peak, 1, 1000);
	assert_true(budget_take(&b, 5000)); /* larger than the bound, but alone */
	budget_give(&b, 5000);
	budget_close(&b);
	assert_false(budget_take(&b, 1));
	budget_destroy(&b);
}

struct queuer {
	struct budget *b;
	uint64_t bytes;
	atomic_int *served;
	int place;
};

static void *queue_up(void *arg)
{
	struct queuer *q = arg;
	if (budget_take(q->b, q->bytes)) {
		q->place = atomic_fetch_add(q->served, 1);
		budget_give(q->b, q->bytes);
	}
	return NULL;
}

static uint64_t tickets(struct budget *b)
{
	pthread_mutex_lock(&b->lock);
	uint64_t n = b->next_ticket;
	pthread_mutex_unlock(&b->lock);
	return n;
}

/* Who asks for much is not overtaken for ever by those who ask for little. */
static void test_budget_keeps_the_queue(void **state)
{
	(void)state;
	struct budget b;
	atomic_int served = 0;
	pthread_t id[2];
	budget_init(&b, 1000);
	assert_true(budget_take(&b, 500));
	struct queuer large = { &b, 1000, &served, -1 }, small = { &b, 10, &served, -1 };
	assert_int_equal(pthread_create(&id[0], NULL, queue_up, &large), 0);
	WAIT_FOR(tickets(&b) == 2);
	assert_int_equal(pthread_create(&id[1], NULL, queue_up, &small), 0);
	WAIT_FOR(tickets(&b) == 3);
	budget_give(&b, 500);
	pthread_join(id[0], NULL);
	pthread_join(id[1], NULL);
	assert_int_equal(large.place, 0);
	assert_int_equal(small.place, 1);
	budget_destroy(&b);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_every_create_fails), IN_SCRATCH(test_every_write_fails), IN_SCRATCH(test_every_commit_fails),
		IN_SCRATCH(test_every_put_fails), IN_SCRATCH(test_any_call_fails), IN_SCRATCH(test_every_read_fails),
		IN_SCRATCH(test_back_pressure), IN_SCRATCH(test_a_shard_that_falls_behind), IN_SCRATCH(test_a_giant_passes_alone), IN_SCRATCH(test_cancel_while_the_store_stands_still),
		IN_SCRATCH(test_cancel_and_the_store_does_not_hear), IN_SCRATCH(test_what_is_put_is_given_up),
		IN_SCRATCH(test_free_without_finish), IN_SCRATCH(test_finish_after_cancel), IN_SCRATCH(test_pipe_breaks),
		cmocka_unit_test(test_budget), cmocka_unit_test(test_budget_keeps_the_queue),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
