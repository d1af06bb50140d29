/* SPDX-License-Identifier: Apache-2.0 */
/* A stored snapshot with something wrong: always found, always exit 8, never half a restore. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"
#include "slackwater/fs.h"
#include "slackwater/stored.h"
#include "stream/unpack.h"

#define PREFIX SAMPLE_INSTANCE "/" SAMPLE_ID "/"

struct stored {
	struct scratch *scratch;
	struct store *store;
	struct manifest *m;
};

static const struct sample_spec spec = { .entries = 40, .shards = 2, .largest = 4000 };

static int setup(void **state)
{
	struct stored *s = calloc(1, sizeof *s);
	struct error err;
	void *scratch = NULL;
	if (!s || scratch_setup(&scratch))
		return -1;
	s->scratch = scratch;
	*state = s;
	return store_open(scratch_path(s->scratch, "r"), STORE_WRITE, NULL, &s->scratch->run, &s->store, &err) ||
	       sample_write(&spec, s->store, &s->scratch->run, &s->m, &err);
}

static int teardown(void **state)
{
	struct stored *s = *state;
	void *scratch = s->scratch;
	manifest_free(s->m);
	store_free(s->store);
	free(s);
	return scratch_teardown(&scratch);
}

static void check_sound(struct stored *s)
{
	struct error err;
	struct verify_report r;
	OK(snapshot_verify(s->store, s->m, 3, &s->scratch->run, &r, &err));
	assert_int_equal(r.objects, s->m->objects.n);
	assert_int_equal(r.entries, spec.entries + 1);
	OK(snapshot_restore(s->store, s->m, scratch_path(s->scratch, "sound"), 3, &s->scratch->run, &err));
	sample_check_dir(&spec, scratch_path(s->scratch, "sound"));
	OK(fs_remove_tree(scratch_path(s->scratch, "sound"), &err));
}

static void check_damaged(struct stored *s)
{
	struct error err;
	struct verify_report r;
	FAILS(ERR_SNAPSHOT, snapshot_verify(s->store, s->m, 3, &s->scratch->run, &r, &err));
	FAILS(ERR_SNAPSHOT, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "out"), 3, &s->scratch->run, &err));
	assert_int_equal(scratch_count(s->scratch->dir), scratch_count(scratch_path(s->scratch, "r")) + 1);
}

static const char *object_path(struct stored *s, size_t i)
{
	char name[200];
	snprintf(name, sizeof name, "r/" PREFIX "%s", s->m->objects.item[i].key);
	return scratch_path(s->scratch, name);
}

static void test_sound(void **state)
{
	check_sound(*state);
}

static void test_a_flipped_bit_anywhere(void **state)
{
	struct stored *s = *state;
	for (size_t i = 0; i < s->m->objects.n; i++) {
		const struct stream_object *o = &s->m->objects.item[i];
		/* A prime step meets headers, data, padding and the end. */
		for (uint64_t at = 0; at < o->size; at += o->size > 10000 ? 2521 : 37) {
			scratch_flip(object_path(s, i), (int64_t)at);
			check_damaged(s);
			scratch_flip(object_path(s, i), (int64_t)at);
		}
		scratch_flip(object_path(s, i), -1);
		check_damaged(s);
		scratch_flip(object_path(s, i), -1);
	}
	check_sound(s);
}

static void test_cut_off_anywhere(void **state)
{
	struct stored *s = *state;
	for (size_t i = 0; i < s->m->objects.n; i++) {
		const struct stream_object *o = &s->m->objects.item[i];
		struct buf whole = BUF_INIT(1 << 24);
		struct error err;
		OK(fs_read_file(object_path(s, i), &whole, &err));
		assert_int_equal(whole.len, o->size);
		for (uint64_t len = 0; len < o->size; len += o->size > 10000 ? 3571 : 113) {
			scratch_write(object_path(s, i), whole.data, len);
			check_damaged(s);
		}
		scratch_write(object_path(s, i), whole.data, whole.len - 1);
		check_damaged(s);
		buf_addc(&whole, '\0'); /* one byte too many */
		scratch_write(object_path(s, i), whole.data, whole.len);
		check_damaged(s);
		scratch_write(object_path(s, i), whole.data, whole.len - 1);
		buf_free(&whole);
	}
	check_sound(s);
}

static void test_an_object_is_missing_or_swapped(void **state)
{
	struct stored *s = *state;
	for (size_t i = 0; i < s->m->objects.n; i++) {
		const char *path = object_path(s, i), *aside = scratch_path(s->scratch, "r/aside");
		assert_int_equal(rename(path, aside), 0);
		check_damaged(s);
		assert_int_equal(rename(aside, path), 0);
	}
	const char *first = object_path(s, 0), *second = object_path(s, 1), *aside = scratch_path(s->scratch, "r/aside");
	assert_int_equal(rename(first, aside) | rename(second, first) | rename(aside, second), 0);
	check_damaged(s);
}

static void test_an_entry_names_itself(void **state)
{
	struct stored *s = *state;
	struct stream_index ix;
	struct error err;
	OK(stream_index_read(s->store, PREFIX, &s->m->objects, &ix, &err));
	for (size_t i = 0; i < ix.n; i++) {
		const struct stream_index_entry *e = &ix.item[i];
		struct buf data = BUF_INIT(1 << 20), small = BUF_INIT(e->size ? e->size - 1 : 0);
		char key[64];
		snprintf(key, sizeof key, "r/" PREFIX "shard-%04u.tar", e->shard);
		if (!e->size)
			continue;
		scratch_flip(scratch_path(s->scratch, key), (int64_t)(e->offset + e->size - 1));
		FAILS(ERR_SNAPSHOT, stream_entry_read(s->store, PREFIX, &s->m->objects, e, &data, &err));
		assert_non_null(strstr(err.message, e->name));
		assert_int_equal(data.len, 0);
		struct verify_report r;
		FAILS(ERR_SNAPSHOT, snapshot_verify(s->store, s->m, 3, &s->scratch->run, &r, &err));
		assert_non_null(strstr(err.message, e->name));
		scratch_flip(scratch_path(s->scratch, key), (int64_t)(e->offset + e->size - 1));
		OK(stream_entry_read(s->store, PREFIX, &s->m->objects, e, &data, &err));
		FAILS(ERR_UNEXPECTED, stream_entry_read(s->store, PREFIX, &s->m->objects, e, &small, &err));
		buf_free(&data);
		buf_free(&small);
	}
	stream_index_free(&ix);
}

/* Index and shard agree, the manifest knows of another entry. */
static void test_an_entry_is_not_indexed(void **state)
{
	struct stored *s = *state;
	s->m->objects.item[0].entries++;
	check_damaged(s);
}

/* Whatever hands names to it: nothing gets out of the directory. */
static void test_unpacking_stays_inside(void **state)
{
	struct stored *s = *state;
	struct unpack_dir *d;
	struct unpack u;
	struct error err;
	OK(unpack_dir_open(scratch_path(s->scratch, "out"), &d, &err));
	unpack_init(&u, d, &s->scratch->run);
	static const char *const bad[] = { "../x", "/tmp/slackwater-x", "a/b", "..", ".hidden", "" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		FAILS(ERR_SNAPSHOT, u.base.ops->begin(&u.base, bad[i], 1, &err));
	OK(u.base.ops->begin(&u.base, "once", 0, &err));
	OK(u.base.ops->end(&u.base, &err));
	FAILS(ERR_SNAPSHOT, u.base.ops->begin(&u.base, "once", 0, &err));
	assert_int_equal(scratch_count(scratch_path(s->scratch, "out.part")), 1);
	unpack_end(&u);
	unpack_dir_free(d);
	assert_int_equal(access(scratch_path(s->scratch, "out.part"), F_OK), -1);
}

static void test_a_pipes_manifest_in_a_store(void **state)
{
	struct stored *s = *state;
	free(s->m->layout);
	s->m->layout = strdup("pipe");
	check_damaged(s);
}

static void test_restore_where(void **state)
{
	struct stored *s = *state;
	struct run *run = &s->scratch->run;
	struct error err;
	struct stat sb, after;
	const char *dir = scratch_path(s->scratch, "deep/er/out");
	char slash[600];
	OK(snapshot_restore(s->store, s->m, dir, 1, run, &err)); /* makes what is missing above it */
	sample_check_dir(&spec, dir);
	assert_int_equal(stat(dir, &sb), 0);
	assert_int_equal(sb.st_mode & 07777, 0700);
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, dir, 1, run, &err)); /* not empty now */
	sample_check_dir(&spec, dir);

	/* An empty directory stays the directory that it is: it may be a mount point, or have rights of its own. */
	const char *empty = scratch_path(s->scratch, "empty");
	assert_int_equal(mkdir(empty, 0755) | mkdir(scratch_path(s->scratch, "empty/lost+found"), 0700) | stat(empty, &sb), 0);
	snprintf(slash, sizeof slash, "%s//", empty);
	OK(snapshot_restore(s->store, s->m, slash, 2, run, &err));
	assert_int_equal(rmdir(scratch_path(s->scratch, "empty/lost+found")), 0);
	sample_check_dir(&spec, empty);
	assert_int_equal(stat(empty, &after), 0);
	assert_int_equal(sb.st_ino, after.st_ino);
	assert_int_equal(sb.st_mode, after.st_mode);

	/* Somebody else is at it. */
	assert_int_equal(mkdir(scratch_path(s->scratch, "busy.part"), 0700), 0);
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "busy"), 1, run, &err));
	assert_non_null(strstr(err.message, "busy.part"));
	assert_int_equal(mkdir(scratch_path(s->scratch, "busy2"), 0700) | mkdir(scratch_path(s->scratch, "busy2/.slackwater-part"), 0700), 0);
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "busy2"), 1, run, &err));
	assert_non_null(strstr(err.message, ".slackwater-part"));

	scratch_write(scratch_path(s->scratch, "file"), "x", 1);
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "file"), 1, run, &err));
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, "", 1, run, &err));
	FAILS(ERR_USAGE, snapshot_restore(s->store, s->m, "/", 1, run, &err));
	FAILS(ERR_STORE, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "file/below"), 1, run, &err));
}

static void test_damaged_into_an_empty_directory(void **state)
{
	struct stored *s = *state;
	struct error err;
	const char *empty = scratch_path(s->scratch, "empty");
	assert_int_equal(mkdir(empty, 0755), 0);
	scratch_flip(object_path(s, 0), 600);
	FAILS(ERR_SNAPSHOT, snapshot_restore(s->store, s->m, empty, 2, &s->scratch->run, &err));
	assert_int_equal(scratch_count(empty), 0);
	assert_int_equal(access(empty, F_OK), 0);
}

static void test_cancelled(void **state)
{
	struct stored *s = *state;
	struct error err;
	struct verify_report r;
	run_cancel(&s->scratch->run, 15);
	FAILS(ERR_INTERRUPTED, snapshot_verify(s->store, s->m, 2, &s->scratch->run, &r, &err));
	FAILS(ERR_INTERRUPTED, snapshot_restore(s->store, s->m, scratch_path(s->scratch, "out"), 2, &s->scratch->run, &err));
	assert_int_equal(scratch_count(s->scratch->dir), scratch_count(scratch_path(s->scratch, "r")) + 1);
}

struct progress {
	struct event_sink base;
	_Atomic uint64_t last, total, calls;
};

static void note_progress(struct event_sink *self, const struct event *ev)
{
	struct progress *p = (struct progress *)self;
	assert_int_equal(ev->kind, EVENT_PROGRESS);
	assert_string_equal(ev->area, "verify");
	if (ev->bytes_done > p->last)
		p->last = ev->bytes_done;
	p->total = ev->bytes_total;
	p->calls++;
}

static void test_progress(void **state)
{
	struct stored *s = *state;
	struct error err;
	struct verify_report r;
	struct progress p = { .base = { note_progress } };
	s->scratch->run.events = &p.base;
	OK(snapshot_verify(s->store, s->m, 2, &s->scratch->run, &r, &err));
	s->scratch->run.events = NULL;
	assert_int_equal(p.last, p.total);
	assert_int_equal(p.total, r.bytes);
	assert_true(p.calls >= s->m->objects.n);
}

#define STORED(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORED(test_sound), STORED(test_a_flipped_bit_anywhere), STORED(test_cut_off_anywhere),
		STORED(test_an_object_is_missing_or_swapped), STORED(test_an_entry_names_itself), STORED(test_an_entry_is_not_indexed),
		STORED(test_unpacking_stays_inside), STORED(test_a_pipes_manifest_in_a_store),
		STORED(test_restore_where), STORED(test_damaged_into_an_empty_directory), STORED(test_cancelled), STORED(test_progress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
