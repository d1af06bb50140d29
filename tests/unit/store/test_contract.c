/* SPDX-License-Identifier: Apache-2.0 */
/* What store.h promises, held against every store there is. A new store is one line in `stores`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "slackwater/store.h"
#include "store_fault.h"

struct subject {
	struct scratch *scratch;
	struct store *store;
};

static enum status open_dir(struct scratch *s, struct store **ret, struct error *err)
{
	return store_open(scratch_path(s, "repository"), STORE_WRITE, NULL, &s->run, ret, err);
}

static enum status open_dir_url(struct scratch *s, struct store **ret, struct error *err)
{
	char url[600];
	snprintf(url, sizeof url, "file://%s", scratch_path(s, "another"));
	return store_open(url, STORE_WRITE, NULL, &s->run, ret, err);
}

static enum status open_wrapped(struct scratch *s, struct store **ret, struct error *err)
{
	struct store *inner;
	enum status st = open_dir(s, &inner, err);
	if (!st)
		*ret = store_fault_new(inner, &s->run, NULL);
	return st;
}

/* A prefix of its own for each test: object stores have no scratch directory. */
static enum status open_s3(const char *variable, struct scratch *s, struct store **ret, struct error *err)
{
	static unsigned n;
	char url[600];
	struct store_options o = { .s3 = { .endpoint = getenv(variable), .retry_ms = 20000 } };
	snprintf(url, sizeof url, "s3://contract/%ld-%lld/%u+ \xc3\xa4", (long)getpid(), (long long)scratch_now_ms(), ++n);
	return store_open(url, STORE_WRITE, &o, &s->run, ret, err);
}

static enum status open_ceph(struct scratch *s, struct store **ret, struct error *err)
{
	return open_s3("SLACKWATER_TEST_CEPH", s, ret, err);
}

static enum status open_swift(struct scratch *s, struct store **ret, struct error *err)
{
	setenv("AWS_ACCESS_KEY_ID", getenv("SLACKWATER_TEST_SWIFT_KEY"), 1);
	return open_s3("SLACKWATER_TEST_SWIFT", s, ret, err);
}

static enum status open_ceph_wrapped(struct scratch *s, struct store **ret, struct error *err)
{
	struct store *inner;
	enum status st = open_ceph(s, &inner, err);
	if (!st)
		*ret = store_fault_new(inner, &s->run, NULL);
	return st;
}

/* needs: an environment variable that names a server, which tests/integration/test_s3.py starts. */
static const struct { const char *name; enum status (*open)(struct scratch *s, struct store **ret, struct error *err); const char *needs; } stores[] = {
	{ "directory", open_dir, NULL },
	{ "directory by URL", open_dir_url, NULL },
	{ "directory behind the fault wrapper", open_wrapped, NULL },
	{ "S3 on Ceph", open_ceph, "SLACKWATER_TEST_CEPH" },
	{ "S3 on Ceph behind the fault wrapper", open_ceph_wrapped, "SLACKWATER_TEST_CEPH" },
	{ "S3 on Swift", open_swift, "SLACKWATER_TEST_SWIFT" },
};

static size_t current; /* the store that the group of tests is run on */

static int setup(void **state)
{
	struct subject *s = calloc(1, sizeof *s);
	struct error err;
	void *scratch = NULL;
	if (!s || scratch_setup(&scratch))
		return -1;
	s->scratch = scratch;
	*state = s;
	enum status st = stores[current].open(s->scratch, &s->store, &err);
	if (st)
		print_error("%s (%s)\n", err.message, err.hint);
	return st != ST_OK;
}

static int teardown(void **state)
{
	struct subject *s = *state;
	void *scratch = s->scratch;
	store_free(s->store);
	free(s);
	return scratch_teardown(&scratch);
}

static void put(struct store *s, const char *key, const char *text)
{
	struct error err;
	OK(s->ops->put(s, key, text, strlen(text), false, &err));
}

static const char *get(struct store *s, const char *key)
{
	static char text[4096];
	struct error err;
	struct buf b = BUF_INIT(sizeof text - 1);
	OK(store_get(s, key, &b, &err));
	memcpy(text, buf_str(&b), b.len + 1);
	buf_free(&b);
	return text;
}

static bool collect(void *arg, const struct store_object *o)
{
	char *out = arg;
	snprintf(out + strlen(out), 4096 - strlen(out), "%s%s", *out ? " " : "", o->key);
	assert_true(o->modified_ms > 1600000000000);
	return true;
}

static const char *list(struct store *s, const char *prefix)
{
	static char keys[4096];
	struct error err;
	keys[0] = '\0';
	OK(s->ops->list(s, prefix, collect, keys, &err));
	return keys;
}

static void test_visible_when_committed(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct store_writer *w;
	struct error err;
	uint64_t size;
	OK(s->ops->create(s, "a/b/object", &w, &err));
	OK(w->ops->write(w, "one ", 4, &err));
	OK(w->ops->write(w, "two", 3, &err));
	assert_string_equal(list(s, ""), "");
	FAILS(ERR_SNAPSHOT, s->ops->stat(s, "a/b/object", &size, &err));
	assert_int_equal(err.sys_errno, ENOENT);
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	assert_string_equal(list(s, ""), "a/b/object");
	assert_string_equal(get(s, "a/b/object"), "one two");
	OK(s->ops->stat(s, "a/b/object", &size, &err));
	assert_int_equal(size, 7);
}

static void test_abort_leaves_nothing(void **state)
{
	struct subject *t = *state;
	struct store *s = t->store;
	struct store_writer *w;
	struct error err;
	size_t before = scratch_count(t->scratch->dir);
	OK(s->ops->create(s, "a/b/object", &w, &err));
	OK(w->ops->write(w, "lost", 4, &err));
	store_writer_free(w);
	assert_string_equal(list(s, ""), "");
	assert_int_equal(scratch_count(t->scratch->dir), before);
}

static void test_empty_object(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	struct store_writer *w;
	uint64_t size = 7;
	OK(s->ops->create(s, "empty", &w, &err));
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	OK(s->ops->stat(s, "empty", &size, &err));
	assert_int_equal(size, 0);
	assert_string_equal(get(s, "empty"), "");
	OK(s->ops->put(s, "empty2", "", 0, true, &err));
	assert_string_equal(list(s, ""), "empty empty2");
}

static void test_put_if_absent(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	OK(s->ops->put(s, "m/1.json", "first", 5, true, &err));
	if (!(s->ops->features & STORE_IF_ABSENT))
		skip();
	FAILS(ERR_STORE, s->ops->put(s, "m/1.json", "second", 6, true, &err));
	assert_int_equal(err.sys_errno, EEXIST);
	assert_string_equal(get(s, "m/1.json"), "first");
	put(s, "m/1.json", "third");
	assert_string_equal(get(s, "m/1.json"), "third");
	assert_string_equal(list(s, ""), "m/1.json");
}

static void read_range(struct store *s, uint64_t offset, uint64_t len, const char *expected)
{
	struct error err;
	struct store_reader *r;
	char text[64];
	size_t have = 0, n = 1;
	OK(s->ops->open(s, "range", offset, len, &r, &err));
	while (n) {
		OK(r->ops->read(r, text + have, 3, &n, &err));
		have += n;
	}
	OK(r->ops->read(r, text + have, 3, &n, &err));
	assert_int_equal(n, 0);
	text[have] = '\0';
	assert_string_equal(text, expected);
	store_reader_free(r);
}

static void test_ranges(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	put(s, "range", "0123456789");
	read_range(s, 0, 0, "0123456789");
	read_range(s, 4, 0, "456789");
	read_range(s, 4, 3, "456");
	read_range(s, 8, 100, "89");
	read_range(s, 10, 1, "");
	read_range(s, 1000, 5, "");
}

enum { LARGE = (17 << 20) + 5, LARGE_BLOCK = 99991 };

static void write_large(struct store *s, const char *key, const char *data, struct store_writer **ret)
{
	struct error err;
	OK(s->ops->create(s, key, ret, &err));
	for (size_t at = 0; at < LARGE; at += LARGE_BLOCK)
		OK((*ret)->ops->write(*ret, data + at, LARGE - at < LARGE_BLOCK ? LARGE - at : LARGE_BLOCK, &err));
}

static void read_large(struct store *s, const char *key, const char *data, uint64_t offset, uint64_t len)
{
	struct error err;
	struct store_reader *r;
	static char block[LARGE_BLOCK];
	uint64_t at = offset, end = len ? offset + len : LARGE;
	OK(s->ops->open(s, key, offset, len, &r, &err));
	for (size_t n = 1; n;) {
		OK(r->ops->read(r, block, sizeof block, &n, &err));
		assert_true(n <= end - at);
		assert_memory_equal(block, data + at, n);
		at += n;
	}
	assert_int_equal(at, end);
	store_reader_free(r);
}

/* Larger than what any store keeps in one piece; half of it read, and half of another written, leaves nothing behind. */
static void test_large_object(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	struct store_writer *w;
	struct store_reader *r;
	char *data = malloc(LARGE), byte;
	uint64_t size = 0, lot = 42;
	unsigned removed = 99;
	size_t n;
	assert_non_null(data);
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)((lot = lot * 6364136223846793005u + 1442695040888963407u) >> 56);
	write_large(s, "large", data, &w);
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	OK(s->ops->stat(s, "large", &size, &err));
	assert_int_equal(size, LARGE);
	read_large(s, "large", data, 0, 0);
	read_large(s, "large", data, (8 << 20) - 3, 9 << 20);
	read_large(s, "large", data, LARGE - 1, 0);
	OK(s->ops->open(s, "large", 0, 0, &r, &err));
	OK(r->ops->read(r, &byte, 1, &n, &err));
	store_reader_free(r);
	write_large(s, "lost", data, &w);
	store_writer_free(w);
	assert_string_equal(list(s, ""), "large");
	OK(s->ops->sweep(s, "", 0, &removed, &err));
	assert_int_equal(removed, 0);
	free(data);
}

static void test_missing(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	struct store_reader *r;
	struct buf b = BUF_INIT(100);
	uint64_t size;
	put(s, "there/object", "x");
	static const char *const missing[] = { "nothing", "no/thing", "there/nothing", "there/nothing/at.all", "there/object/below", "there" };
	for (size_t i = 0; i < 6; i++) {
		FAILS(ERR_SNAPSHOT, s->ops->open(s, missing[i], 0, 0, &r, &err));
		assert_int_equal(err.sys_errno, ENOENT);
		FAILS(ERR_SNAPSHOT, s->ops->stat(s, missing[i], &size, &err));
		assert_int_equal(err.sys_errno, ENOENT);
		FAILS(ERR_SNAPSHOT, store_get(s, missing[i], &b, &err));
		OK(s->ops->remove(s, missing[i], &err));
	}
	assert_string_equal(list(s, ""), "there/object");
}

static void test_get_is_bounded(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	struct buf exact = BUF_INIT(10), small = BUF_INIT(9);
	put(s, "ten", "0123456789");
	OK(store_get(s, "ten", &exact, &err));
	assert_string_equal(buf_str(&exact), "0123456789");
	FAILS(ERR_SNAPSHOT, store_get(s, "ten", &small, &err));
	buf_free(&exact);
	buf_free(&small);
}

static void test_list(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	static const char *const keys[] = { "b", "a/x", "a.b", "a/y/z", "a0", "a-b/x", "a%20b/c", "A", "a/x.json", "ab/c" };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		put(s, keys[i], "");
	/* bytewise: % - . / 0-9 A-Z a-z */
	assert_string_equal(list(s, ""), "A a%20b/c a-b/x a.b a/x a/x.json a/y/z a0 ab/c b");
	assert_string_equal(list(s, "a"), "a%20b/c a-b/x a.b a/x a/x.json a/y/z a0 ab/c");
	assert_string_equal(list(s, "a/"), "a/x a/x.json a/y/z");
	assert_string_equal(list(s, "a/x"), "a/x a/x.json");
	assert_string_equal(list(s, "a/y"), "a/y/z");
	assert_string_equal(list(s, "a/y/z"), "a/y/z");
	assert_string_equal(list(s, "a%2"), "a%20b/c");
	assert_string_equal(list(s, "a/y/z/"), "");
	assert_string_equal(list(s, "nothing/here"), "");
	assert_string_equal(list(s, "ax"), "");
}

static bool collect_folder(void *arg, const char *folder)
{
	char *out = arg;
	snprintf(out + strlen(out), 4096 - strlen(out), "%s%s", *out ? " " : "", folder);
	return true;
}

static const char *folders(struct store *s, const char *prefix)
{
	static char found[4096];
	struct error err;
	found[0] = '\0';
	OK(s->ops->folders(s, prefix, collect_folder, found, &err));
	return found;
}

static bool stop_at_once(void *arg, const char *folder)
{
	(void)folder;
	return ++*(int *)arg < 1;
}

static void test_folders(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	static const char *const keys[] = { "b", "a/x", "a.b", "a/y/z", "a0/1", "a-b/x", "a%20b/c", "A", "a/x.json", "a/w/1", "a/y/a" };
	struct error err;
	int seen = 0;
	assert_string_equal(folders(s, ""), "");
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		put(s, keys[i], "");
	assert_string_equal(folders(s, ""), "a%20b/ a-b/ a/ a0/");
	assert_string_equal(folders(s, "a/"), "a/w/ a/y/");
	assert_string_equal(folders(s, "a"), "a%20b/ a-b/ a/ a0/");
	assert_string_equal(folders(s, "a/y"), "a/y/");
	assert_string_equal(folders(s, "a/x"), "");
	assert_string_equal(folders(s, "a/y/"), "");
	assert_string_equal(folders(s, "nothing/here/"), "");
	FAILS(ERR_STORE, s->ops->folders(s, "../", collect_folder, NULL, &err));
	OK(s->ops->folders(s, "", stop_at_once, &seen, &err));
	assert_int_equal(seen, 1);
}

/* Each is told once, however much there is in it. */
static void test_many_folders(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct buf expected = BUF_INIT(4096);
	char key[64];
	for (unsigned i = 0; i < 40; i++) {
		for (unsigned n = 0; n < 3; n++) {
			snprintf(key, sizeof key, "i%02u/%u", i, n);
			put(s, key, "");
		}
		buf_addf(&expected, "%si%02u/", i ? " " : "", i);
	}
	assert_string_equal(folders(s, ""), buf_str(&expected));
	buf_free(&expected);
}

static bool stop_after_two(void *arg, const struct store_object *o)
{
	(void)o;
	return ++*(int *)arg < 2;
}

static void test_list_stops(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	int seen = 0;
	put(s, "a/1", "");
	put(s, "a/2", "");
	put(s, "b/3", "");
	put(s, "c", "");
	OK(s->ops->list(s, "", stop_after_two, &seen, &err));
	assert_int_equal(seen, 2);
}

static void test_remove(void **state)
{
	struct subject *t = *state;
	struct store *s = t->store;
	struct error err;
	size_t before = scratch_count(t->scratch->dir);
	put(s, "a/b/c", "x");
	put(s, "a/d", "x");
	OK(s->ops->remove(s, "a/b/c", &err));
	assert_string_equal(list(s, ""), "a/d");
	OK(s->ops->remove(s, "a/d", &err));
	assert_string_equal(list(s, ""), "");
	assert_int_equal(scratch_count(t->scratch->dir), before);
}

static void test_bad_keys(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	static const char *const bad[] = {
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.hidden", "a b", "a\nb", "a%", "a%2",
		"a%zz", "a\\b", "\xc3\xa4", "a*", "a:b", ".slackwater-tmp-1-0123456789abcdef",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct error err;
		struct store_writer *w;
		struct store_reader *r;
		uint64_t size;
		FAILS(ERR_STORE, s->ops->create(s, bad[i], &w, &err));
		FAILS(ERR_STORE, s->ops->put(s, bad[i], "x", 1, false, &err));
		FAILS(ERR_STORE, s->ops->open(s, bad[i], 0, 0, &r, &err));
		FAILS(ERR_STORE, s->ops->stat(s, bad[i], &size, &err));
		FAILS(ERR_STORE, s->ops->remove(s, bad[i], &err));
	}
	assert_string_equal(list(s, ""), "");
}

static void test_cancel(void **state)
{
	struct subject *t = *state;
	struct store *s = t->store;
	struct error err;
	struct store_writer *w, *other;
	struct store_reader *r;
	char byte;
	size_t n;
	put(s, "old/object", "x");
	OK(s->ops->open(s, "old/object", 0, 0, &r, &err));
	OK(s->ops->create(s, "new/object", &w, &err));
	OK(w->ops->write(w, "x", 1, &err));
	run_cancel(&t->scratch->run, 15);
	FAILS(ERR_INTERRUPTED, w->ops->write(w, "x", 1, &err));
	FAILS(ERR_INTERRUPTED, w->ops->commit(w, &err));
	FAILS(ERR_INTERRUPTED, r->ops->read(r, &byte, 1, &n, &err));
	FAILS(ERR_INTERRUPTED, s->ops->create(s, "other", &other, &err));
	FAILS(ERR_INTERRUPTED, s->ops->put(s, "other", "x", 1, false, &err));
	store_reader_free(r);
	store_writer_free(w);
	OK(s->ops->remove(s, "old/object", &err)); /* tidying up has to be possible */
}

/* Only age tells whether an upload in an object store is alive; one that was ended under its writer is said to be gone. A directory has locks. */
static void test_sweep_of_what_looks_dead(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	bool ages = stores[current].needs != NULL;
	struct error err;
	struct store_writer *w;
	unsigned removed = 99;
	char *data = calloc(1, LARGE);
	assert_non_null(data);
	write_large(s, "i/object", data, &w);
	OK(s->ops->sweep(s, "j/", 0, &removed, &err));
	assert_int_equal(removed, 0);
	OK(s->ops->sweep(s, "i/", 3600 * 1000, &removed, &err));
	assert_int_equal(removed, 0);
	OK(s->ops->sweep(s, "i/", -3600 * 1000, &removed, &err));
	assert_int_equal(removed, ages);
	if (ages)
		FAILS(ERR_STORE, w->ops->commit(w, &err));
	else
		OK(w->ops->commit(w, &err));
	store_writer_free(w);
	assert_string_equal(list(s, ""), ages ? "" : "i/object");
	free(data);
}

struct racer {
	struct store *store;
	pthread_barrier_t *start;
	unsigned number, won, lost, rounds;
};

static void *race_put(void *arg)
{
	struct racer *r = arg;
	for (int round = 0; round < 50; round++) {
		char key[64], text[16];
		struct error err = ERROR_INIT;
		snprintf(key, sizeof key, "race/%d/manifest.json", round);
		snprintf(text, sizeof text, "%u", r->number);
		pthread_barrier_wait(r->start);
		enum status st = r->store->ops->put(r->store, key, text, strlen(text), true, &err);
		r->won += st == ST_OK;
		r->lost += st != ST_OK && err.kind == ERR_STORE && err.sys_errno == EEXIST;
	}
	return NULL;
}

static void test_if_absent_race(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	if (!(s->ops->features & STORE_IF_ABSENT))
		skip();
	enum { N = 4 };
	pthread_barrier_t start;
	pthread_t id[N];
	struct racer racer[N];
	unsigned won = 0, lost = 0;
	pthread_barrier_init(&start, NULL, N);
	for (unsigned i = 0; i < N; i++) {
		racer[i] = (struct racer){ s, &start, i, 0, 0, 0 };
		assert_int_equal(pthread_create(&id[i], NULL, race_put, &racer[i]), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		pthread_join(id[i], NULL);
		won += racer[i].won;
		lost += racer[i].lost;
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(won, 50);
	assert_int_equal(lost, 50 * (N - 1));
}

/* Directories come and go under each other's feet. */
static void *race_directories(void *arg)
{
	struct racer *r = arg;
	for (unsigned round = 0; round < r->rounds; round++) {
		struct error err = ERROR_INIT;
		struct store_writer *w = NULL;
		char key[64];
		snprintf(key, sizeof key, "x/y/z/%u-%u", r->number, round);
		enum status st = r->store->ops->create(r->store, key, &w, &err);
		if (!st)
			st = w->ops->write(w, "x", 1, &err);
		if (!st && round % 2)
			st = w->ops->commit(w, &err);
		store_writer_free(w);
		if (!st)
			st = r->store->ops->remove(r->store, key, &err);
		if (st)
			print_error("%s\n", err.message);
		r->lost += st != ST_OK;
	}
	return NULL;
}

static void test_directories_come_and_go(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	enum { N = 4 };
	pthread_t id[N];
	struct racer racer[N];
	for (unsigned i = 0; i < N; i++) {
		racer[i] = (struct racer){ s, NULL, i, 0, 0, stores[current].needs ? 20 : 300 };
		assert_int_equal(pthread_create(&id[i], NULL, race_directories, &racer[i]), 0);
	}
	for (unsigned i = 0; i < N; i++) {
		pthread_join(id[i], NULL);
		assert_int_equal(racer[i].lost, 0);
	}
	assert_string_equal(list(s, ""), "");
}

static void test_sweep_spares_the_living(void **state)
{
	struct store *s = ((struct subject *)*state)->store;
	struct error err;
	struct store_writer *w;
	unsigned removed = 99;
	put(s, "i/done", "x");
	OK(s->ops->create(s, "i/object", &w, &err));
	OK(w->ops->write(w, "x", 1, &err));
	OK(s->ops->sweep(s, "i/", 3600 * 1000, &removed, &err));
	assert_int_equal(removed, 0);
	OK(w->ops->commit(w, &err));
	store_writer_free(w);
	OK(s->ops->sweep(s, "", 0, &removed, &err));
	assert_int_equal(removed, 0);
	assert_string_equal(list(s, ""), "i/done i/object");
}

/* Not a test but half of one: another process does the same at the same time, and each says which names it won. */
static int race_processes(const char *url)
{
	struct scratch *t = NULL;
	struct error err = ERROR_INIT;
	struct store *s;
	void *state = NULL;
	char pid[32];
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	struct store_options o = { .s3 = { .endpoint = getenv("SLACKWATER_TEST_CEPH") } };
	if (scratch_setup(&state))
		return 1;
	t = state;
	if (store_open(url, STORE_WRITE, &o, &t->run, &s, &err))
		return 1;
	for (int round = 0; round < 50; round++) {
		char key[64];
		snprintf(key, sizeof key, "race/%d/manifest.json", round);
		enum status st = s->ops->put(s, key, pid, strlen(pid), true, &err);
		if (st && err.sys_errno != EEXIST)
			return 1;
		printf("%s %s\n", st ? "lost" : "won", key);
	}
	store_free(s);
	return scratch_teardown(&state);
}

#define ON_STORE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STORE(test_visible_when_committed), ON_STORE(test_abort_leaves_nothing), ON_STORE(test_empty_object),
		ON_STORE(test_put_if_absent), ON_STORE(test_ranges), ON_STORE(test_large_object), ON_STORE(test_missing), ON_STORE(test_get_is_bounded),
		ON_STORE(test_list), ON_STORE(test_list_stops), ON_STORE(test_folders), ON_STORE(test_many_folders), ON_STORE(test_remove), ON_STORE(test_bad_keys), ON_STORE(test_cancel),
		ON_STORE(test_if_absent_race), ON_STORE(test_directories_come_and_go), ON_STORE(test_sweep_spares_the_living), ON_STORE(test_sweep_of_what_looks_dead),
	};
	int failed = 0;
	if (getenv("SLACKWATER_TEST_RACE"))
		return race_processes(getenv("SLACKWATER_TEST_RACE"));
	for (current = 0; current < sizeof stores / sizeof stores[0]; current++)
		if (!stores[current].needs || getenv(stores[current].needs))
			failed += cmocka_run_group_tests_name(stores[current].name, tests, NULL, NULL);
	return failed;
}
