/* SPDX-License-Identifier: Apache-2.0 */
/* What was put can be had back: by the index, from front to back, with GNU tar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "slackwater/fs.h"
#include "slackwater/stored.h"
#include "stream/untar.h"

#define PREFIX SAMPLE_INSTANCE "/" SAMPLE_ID "/"
extern char **environ;

static struct store *new_store(struct scratch *t, const char *name)
{
	struct error err;
	struct store *s = NULL;
	OK(store_open(scratch_path(t, name), STORE_WRITE, NULL, &t->run, &s, &err));
	return s;
}

static unsigned entry_number(const char *name, unsigned entries)
{
	for (unsigned i = 0; i < entries; i++) {
		char candidate[256];
		sample_name(i, candidate);
		if (strcmp(candidate, name) == 0)
			return i;
	}
	return UINT32_MAX;
}

static void check_entry(const struct sample_spec *spec, const char *name, const struct buf *data)
{
	if (strcmp(name, "checkpoint.json") == 0)
		return;
	struct buf wanted = BUF_INIT(SIZE_MAX / 2);
	unsigned i = entry_number(name, spec->entries);
	assert_int_not_equal(i, UINT32_MAX);
	sample_data(spec, i, &wanted);
	assert_int_equal(wanted.len, data->len);
	assert_memory_equal(buf_str(&wanted), buf_str(data), wanted.len);
	buf_free(&wanted);
}

static void test_by_index(void **state)
{
	struct scratch *t = *state;
	const struct sample_spec spec = { .entries = 1000, .shards = 5, .largest = 20000 };
	struct store *s = new_store(t, "r");
	struct manifest *m = NULL;
	struct stream_index ix = { 0 };
	struct error err;
	OK(sample_write(&spec, s, &t->run, &m, &err));
	OK(stream_index_read(s, PREFIX, &m->objects, &ix, &err));
	assert_int_equal(ix.n, 1001);
	unsigned shards = 0, entries = 0;
	for (size_t i = 0; i < m->objects.n; i++) {
		uint64_t size;
		char key[200];
		snprintf(key, sizeof key, PREFIX "%s", m->objects.item[i].key);
		OK(s->ops->stat(s, key, &size, &err));
		assert_int_equal(size, m->objects.item[i].size);
		OK(stream_object_verify(s, PREFIX, &m->objects.item[i], NULL, NULL, &err));
		shards += strncmp(m->objects.item[i].key, "shard-", 6) == 0;
		entries += (unsigned)m->objects.item[i].entries;
	}
	assert_int_equal(shards, 5);
	assert_int_equal(entries, 1001);
	assert_string_equal(ix.item[0].name, "checkpoint.json"); /* what must come first is first */
	for (size_t i = ix.n; i-- > 0;) { /* in any order */
		struct buf data = BUF_INIT(SIZE_MAX / 2);
		const struct stream_index_entry *e = &ix.item[i];
		assert_ptr_equal(stream_index_find(&ix, e->name), e);
		OK(stream_entry_read(s, PREFIX, &m->objects, e, &data, &err));
		check_entry(&spec, e->name, &data);
		assert_int_equal(e->offset % 512, 0);
		if (strcmp(e->name, "checkpoint.json") != 0) {
			assert_int_equal(e->raw_bytes, e->size * 3);
			assert_int_equal(e->rows, entry_number(e->name, spec.entries));
		}
		buf_free(&data);
	}
	assert_null(stream_index_find(&ix, "nothing"));
	stream_index_free(&ix);
	manifest_free(m);
	store_free(s);
}

/* Every entry of a shard as it comes; returns how many. */
static unsigned read_through(struct store *s, const char *key, const struct sample_spec *spec)
{
	struct store_reader *from;
	struct untar *u = NULL;
	const char *name;
	uint64_t size;
	unsigned seen = 0;
	struct error err;
	OK(s->ops->open(s, key, 0, 0, &from, &err));
	OK(untar_new(from, &u, &err));
	for (OK(untar_next(u, &name, &size, &err)); name; OK(untar_next(u, &name, &size, &err))) {
		struct buf data = BUF_INIT(1 << 20);
		const void *piece;
		for (size_t n = 1; n;) {
			OK(untar_data(u, &piece, &n, &err));
			buf_add(&data, piece, n);
		}
		assert_int_equal(data.len, size);
		check_entry(spec, name, &data);
		buf_free(&data);
		seen++;
	}
	OK(untar_drain(u, &err));
	untar_free(u);
	store_reader_free(from);
	return seen;
}

static void test_from_front_to_back(void **state)
{
	struct scratch *t = *state;
	const struct sample_spec spec = { .entries = 200, .shards = 2, .largest = 20000 };
	struct store *s = new_store(t, "r");
	struct error err;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	unsigned seen = read_through(s, PREFIX "shard-0000.tar", &spec);
	assert_int_equal(seen + read_through(s, PREFIX "shard-0001.tar", &spec), 201);
	store_free(s);
}

static int run_tar(const char *dir, const char *tar, const char *what)
{
	char *argv[] = { (char *)"tar", (char *)what, (char *)tar, (char *)"-C", (char *)dir, NULL };
	pid_t pid;
	int status = -1;
	assert_int_equal(posix_spawnp(&pid, "tar", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_gnu_tar_reads_it(void **state)
{
	struct scratch *t = *state;
	const struct sample_spec spec = { .entries = 100, .shards = 3, .largest = 20000 };
	struct store *s = new_store(t, "r");
	struct error err;
	struct stat sb;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	mkdir(scratch_path(t, "out"), 0700);
	for (int i = 0; i < 3; i++) {
		char name[100];
		snprintf(name, sizeof name, "r/" PREFIX "shard-%04d.tar", i);
		assert_int_equal(run_tar(scratch_path(t, "out"), scratch_path(t, name), "-xf"), 0);
	}
	sample_check_dir(&spec, scratch_path(t, "out"));
	assert_int_equal(stat(scratch_path(t, "out/metadata"), &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0600);
	store_free(s);
}

static int64_t frozen(void *arg)
{
	(void)arg;
	return 1795181821000;
}

static void no_wait(void *arg, int fd, int64_t ms)
{
	(void)arg;
	(void)fd;
	(void)ms;
}

/* The same entries at the same moment are the same bytes. */
static void test_deterministic(void **state)
{
	struct scratch *t = *state;
	static const struct clock_ops clock = { frozen, frozen, no_wait };
	const struct sample_spec spec = { .entries = 50, .shards = 1, .largest = 5000 };
	struct error err;
	struct run run;
	struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
	OK(run_init(&run, &clock, NULL, NULL, &err));
	sample_write_pipe(&spec, &run, scratch_path(t, "one"));
	sample_write_pipe(&spec, &run, scratch_path(t, "two"));
	OK(fs_read_file(scratch_path(t, "one"), &first, &err));
	OK(fs_read_file(scratch_path(t, "two"), &second, &err));
	assert_int_equal(first.len, second.len);
	assert_memory_equal(first.data, second.data, first.len);
	buf_free(&first);
	buf_free(&second);
	run_destroy(&run);
}

static enum status put(struct stream_writer *w, int shard, const char *name, size_t len, struct error *err)
{
	struct stream_entry e = { .name = strdup(name), .data = BUF_INIT(1 << 20) };
	for (size_t i = 0; i < len; i++)
		buf_addc(&e.data, 'x');
	enum status st = stream_writer_put(w, shard, &e, err);
	assert_null(e.name);
	assert_null(e.data.data);
	return st;
}

static void test_only_shards_with_entries(void **state)
{
	struct scratch *t = *state;
	struct store *s = new_store(t, "r");
	struct stream_options o = { .shards = 4 };
	struct stream_objects objects;
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	OK(stream_writer_finish(w, &objects, &err));
	assert_int_equal(objects.n, 0);
	stream_writer_free(w);
	assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	OK(put(w, 2, "a", 10, &err));
	OK(put(w, 2, "b", 0, &err));
	OK(stream_writer_finish(w, &objects, &err));
	assert_int_equal(objects.n, 2);
	assert_string_equal(objects.item[0].key, "shard-0002.tar");
	assert_string_equal(objects.item[1].key, "index-0002.json");
	assert_int_equal(stream_writer_stored(w), objects.item[0].size + objects.item[1].size);
	FAILS(ERR_UNEXPECTED, put(w, 0, "late", 1, &err));
	stream_objects_free(&objects);
	stream_writer_free(w);
	store_free(s);
}

/* Equal entries make equal shards, as long as all of them keep up. */
static void test_shards_are_balanced(void **state)
{
	struct scratch *t = *state;
	struct store *s = new_store(t, "r");
	struct stream_options o = { .shards = 4 };
	struct stream_objects objects;
	struct stream_writer *w;
	struct error err;
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	for (int i = 0; i < 400; i++) {
		char name[20];
		snprintf(name, sizeof name, "e%d", i);
		OK(put(w, -1, name, 1000, &err));
	}
	OK(stream_writer_finish(w, &objects, &err));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(objects.item[i].entries, 100);
	stream_objects_free(&objects);
	stream_writer_free(w);
	store_free(s);
}

static void test_names(void **state)
{
	struct scratch *t = *state;
	struct store *s = new_store(t, "r");
	struct stream_options o = { .shards = 1 };
	struct stream_writer *w;
	struct error err;
	char longest[257];
	memset(longest, 'x', 256);
	longest[256] = '\0';
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/x", ".hidden", "a b", "a\n", "\xc3\xa4", "manifest.json", "index-0000.json", "index-12345.json" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		FAILS(ERR_UNEXPECTED, put(w, 0, bad[i], 1, &err));
	FAILS(ERR_UNEXPECTED, put(w, 0, longest, 1, &err));
	OK(put(w, 0, longest + 1, 1, &err));
	OK(put(w, 0, "once", 1, &err));
	FAILS(ERR_UNEXPECTED, put(w, 0, "once", 1, &err));
	FAILS(ERR_UNEXPECTED, put(w, 1, "no-such-shard", 1, &err));
	struct stream_entry e = { .name = strdup("too-large"), .data = BUF_INIT(2) };
	buf_adds(&e.data, "xyz");
	FAILS(ERR_UNEXPECTED, stream_writer_put(w, 0, &e, &err));
	stream_writer_free(w);
	assert_int_equal(scratch_count(scratch_path(t, "r")), 0);
	o.shards = 0;
	FAILS(ERR_USAGE, stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	o.shards = 1000;
	FAILS(ERR_USAGE, stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	store_free(s);
}

/* More entries than one part of the index holds: several objects, each of bounded size. */
static void test_index_in_parts(void **state)
{
	struct scratch *t = *state;
	struct store *s = new_store(t, "r");
	struct stream_options o = { .shards = 2 };
	struct stream_objects objects;
	struct stream_index ix;
	struct stream_writer *w;
	struct error err;
	enum { N = 60000 };
	OK(stream_writer_open(s, "i/x/", &o, &t->run, &w, &err));
	for (int i = 0; i < N; i++) {
		char name[100];
		snprintf(name, sizeof name, "schema.table_with_a_long_name.%09d.sql.zst", i);
		OK(put(w, i % 2, name, 1, &err));
	}
	OK(stream_writer_finish(w, &objects, &err));
	stream_writer_free(w);
	assert_in_range(objects.n, 2 + 6, 2 + 8);
	for (size_t i = 2; i < objects.n; i++)
		assert_in_range(objects.item[i].size, 1, 3 << 20);
	OK(stream_index_read(s, "i/x/", &objects, &ix, &err));
	assert_int_equal(ix.n, N);
	for (size_t i = 1; i < ix.n; i++)
		assert_true(ix.item[i - 1].shard < ix.item[i].shard || ix.item[i - 1].offset < ix.item[i].offset);
	stream_index_free(&ix);
	stream_objects_free(&objects);
	store_free(s);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_by_index), IN_SCRATCH(test_from_front_to_back), IN_SCRATCH(test_gnu_tar_reads_it),
		IN_SCRATCH(test_deterministic), IN_SCRATCH(test_only_shards_with_entries), IN_SCRATCH(test_shards_are_balanced),
		IN_SCRATCH(test_names), IN_SCRATCH(test_index_in_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
