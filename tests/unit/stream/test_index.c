/* SPDX-License-Identifier: Apache-2.0 */
/* Indexes whose digests are right and whose contents are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "slackwater/stream.h"
#include "stream/names.h"

#define D "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ENTRY(name, offset, size) "{\"name\":\"" name "\",\"offset\":" offset ",\"size\":" size ",\"raw_bytes\":1,\"rows\":2,\"sha256\":\"" D "\"}"
#define PART(shard, entries) "{\"format\":1,\"shard\":\"" shard "\",\"entries\":[" entries "]}"
#define ONE(entries) PART("shard-0000.tar", entries)

/* Read it as the only index of a snapshot with two shards of 10000 bytes. */
static enum status read_index(struct scratch *t, const char *const *part, size_t parts, struct stream_index *ix, struct error *err)
{
	struct stream_object object[6] = { { .key = "shard-0000.tar", .size = 10000 }, { .key = "shard-0001.tar", .size = 10000 } };
	struct stream_objects objects = { .item = object, .n = 2 + parts };
	struct store *s = NULL;
	scratch_ok(store_open(scratch_path(t, "r"), STORE_WRITE, NULL, &t->run, &s, err), err, __FILE__, __LINE__);
	for (size_t i = 0; i < parts; i++) {
		struct stream_object *o = &object[2 + i];
		char key[80];
		names_index((unsigned)i, o->key);
		snprintf(key, sizeof key, "i/x/%s", o->key);
		o->size = strlen(part[i]);
		digest_of(part[i], strlen(part[i]), o->sha256, err);
		scratch_ok(s->ops->put(s, key, part[i], strlen(part[i]), false, err), err, __FILE__, __LINE__);
	}
	enum status st = stream_index_read(s, "i/x/", &objects, ix, err);
	store_free(s);
	return st;
}

static void test_bad(void **state)
{
	struct scratch *t = *state;
	static const struct { const char *text, *why; } bad[] = {
		{ "", "JSON" }, { "[]", "object" }, { "{}", "format" }, { ONE("7"), "name" }, { ONE("{}"), "name" }, { ONE("null"), "name" },
		{ "{\"format\":2,\"shard\":\"shard-0000.tar\",\"entries\":[]}", "format 2" },
		{ "{\"format\":1,\"format\":1,\"shard\":\"shard-0000.tar\",\"entries\":[]}", "duplicate" },
		{ "{\"format\":1,\"shard\":\"shard-0000.tar\"}", "entries" },
		{ PART("shard-0009.tar", ENTRY("a", "512", "1")), "not in the manifest" },
		{ PART("../shard-0000.tar", ENTRY("a", "512", "1")), "name of a shard" },
		{ PART("shard-00000.tar", ENTRY("a", "512", "1")), "name of a shard" },
		{ PART("shard-1.tar", ENTRY("a", "512", "1")), "name of a shard" },
		{ ONE(ENTRY("../a", "512", "1")), "name of an entry" }, { ONE(ENTRY("a/b", "512", "1")), "name of an entry" },
		{ ONE(ENTRY("/a", "512", "1")), "name of an entry" }, { ONE(ENTRY("", "512", "1")), "name of an entry" },
		{ ONE(ENTRY(".a", "512", "1")), "name of an entry" }, { ONE(ENTRY("a\\u0000b", "512", "1")), "JSON" },
		{ ONE(ENTRY("manifest.json", "512", "1")), "name of an entry" },
		{ ONE(ENTRY("a", "-1", "1")), "offset" }, { ONE(ENTRY("a", "1.5", "1")), "offset" }, { ONE(ENTRY("a", "\"1\"", "1")), "offset" },
		{ ONE(ENTRY("a", "99999999999999999999", "1")), "JSON" },
		{ ONE(ENTRY("a", "9223372036854775807", "9223372036854775807")), "beyond the end" },
		{ ONE(ENTRY("a", "9999", "2")), "beyond the end" }, { ONE(ENTRY("a", "10001", "0")), "beyond the end" },
		{ ONE(ENTRY("a", "512", "100") "," ENTRY("b", "600", "1")), "overlap" },
		{ ONE(ENTRY("a", "512", "1") "," ENTRY("a", "1024", "1")), "twice" },
		{ "{\"format\":1,\"shard\":\"shard-0000.tar\",\"entries\":[{\"name\":\"a\",\"offset\":1,\"size\":1,\"raw_bytes\":1,\"rows\":1,\"sha256\":\"xyz\"}]}", "digest" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct stream_index ix;
		struct error err = ERROR_INIT;
		FAILS(ERR_SNAPSHOT, read_index(t, &bad[i].text, 1, &ix, &err));
		if (!strstr(err.message, bad[i].why))
			fail_msg("case %zu: \"%s\" is not in: %s", i, bad[i].why, err.message);
	}
}

static void test_parts_in_any_order(void **state)
{
	struct scratch *t = *state;
	static const char *const part[] = {
		PART("shard-0001.tar", ENTRY("d", "512", "1") "," ENTRY("c", "4096", "0")), PART("shard-0000.tar", ENTRY("b", "2048", "1")),
		PART("shard-0000.tar", ENTRY("a", "512", "100")),
	};
	struct stream_index ix;
	struct error err;
	OK(read_index(t, part, 3, &ix, &err));
	assert_int_equal(ix.n, 4);
	static const char *const order[] = { "a", "b", "d", "c" };
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(ix.item[i].name, order[i]);
		assert_ptr_equal(stream_index_find(&ix, order[i]), &ix.item[i]);
	}
	assert_int_equal(stream_index_find(&ix, "a")->size, 100);
	assert_int_equal(stream_index_find(&ix, "d")->shard, 1);
	assert_int_equal(stream_index_find(&ix, "d")->raw_bytes, 1);
	assert_int_equal(stream_index_find(&ix, "d")->rows, 2);
	assert_null(stream_index_find(&ix, "e"));
	assert_null(stream_index_find(&ix, ""));
	stream_index_free(&ix);
	assert_null(stream_index_find(&ix, "a"));
	OK(read_index(t, NULL, 0, &ix, &err)); /* nothing at all */
	assert_int_equal(ix.n, 0);
	stream_index_free(&ix);
}

/* Two entries of one name in two shards are two files of one name. */
static void test_twice_in_two_shards(void **state)
{
	struct scratch *t = *state;
	static const char *const part[] = { PART("shard-0000.tar", ENTRY("a", "512", "1")), PART("shard-0001.tar", ENTRY("a", "512", "1")) };
	struct stream_index ix;
	struct error err;
	FAILS(ERR_SNAPSHOT, read_index(t, part, 2, &ix, &err));
	assert_non_null(strstr(err.message, "twice"));
}

static void test_names(void **state)
{
	(void)state;
	unsigned n = 99;
	assert_int_equal(names_object("shard-0007.tar", &n), NAMES_SHARD);
	assert_int_equal(n, 7);
	assert_int_equal(names_object("index-12345.json", &n), NAMES_INDEX);
	assert_int_equal(n, 12345);
	assert_int_equal(names_object("checkpoint.json", NULL), NAMES_CHECKPOINT);
	static const char *const other[] = { "shard-007.tar", "shard-0007.tarx", "shard-00007.tar", "shard-.tar", "xshard-0007.tar", "index-0001.tar", "" };
	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
		assert_int_equal(names_object(other[i], NULL), NAMES_OTHER);
	char name[64];
	names_shard(3, name);
	assert_string_equal(name, "shard-0003.tar");
	names_index(123456, name);
	assert_string_equal(name, "index-123456.json");
	assert_true(names_sha256_valid(D));
	assert_false(names_sha256_valid(D "0"));
	assert_false(names_sha256_valid("ABC"));
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_bad), IN_SCRATCH(test_parts_in_any_order), IN_SCRATCH(test_twice_in_two_shards), cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
