/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/fs.h"
#include "slackwater/snapshot.h"

static char dir[] = "/tmp/slackwater-test-XXXXXX";
static struct run run;

static int setup(void **state)
{
	(void)state;
	struct error err;
	return !mkdtemp(dir) || run_init(&run, NULL, NULL, NULL, &err);
}

static int teardown(void **state)
{
	(void)state;
	struct error err;
	run_destroy(&run);
	return (int)fs_remove_tree(dir, &err);
}

static void ok(enum status st, const struct error *err)
{
	if (st)
		fail_msg("%s (%s)", err->message, err->hint);
}

static void put(struct stream_writer *w, const char *name, const char *text)
{
	struct error err;
	struct stream_entry e = { .name = strdup(name), .data = BUF_INIT(1 << 20), .raw_bytes = 7, .rows = 3 };
	buf_adds(&e.data, text);
	ok(stream_writer_put(w, -1, &e, &err), &err);
	assert_null(e.name);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct error err;
	struct store *store;
	struct stream_writer *w;
	struct stream_options o = { .shards = 3 };
	ok(store_open(dir, STORE_WRITE, &run, &store, &err), &err);
	ok(stream_writer_open(store, "i/x/", &o, &run, &w, &err), &err);
	for (int i = 0; i < 100; i++) {
		char name[64];
		snprintf(name, sizeof name, "db.table.%05d.sql", i);
		put(w, name, name);
	}
	struct stream_objects objects;
	ok(stream_writer_finish(w, &objects, &err), &err);
	stream_writer_free(w);
	struct stream_index ix;
	ok(stream_index_read(store, "i/x/", &objects, &ix, &err), &err);
	assert_int_equal(ix.n, 100);
	for (size_t i = 0; i < ix.n; i++) {
		struct buf text = BUF_INIT(1 << 20);
		ok(stream_entry_read(store, "i/x/", stream_index_find(&ix, ix.item[i].name), &text, &err), &err);
		assert_string_equal(buf_str(&text), ix.item[i].name);
		buf_free(&text);
	}
	stream_index_free(&ix);
	stream_objects_free(&objects);
	store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip) };
	return cmocka_run_group_tests(tests, setup, teardown);
}
