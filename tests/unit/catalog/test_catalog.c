/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sample.h"
#include "slackwater/jsonx.h"
#include "store_fault.h"

struct repository {
	struct scratch *scratch;
	struct store *store;
	struct store_fault *fault;
};

static int setup(void **state)
{
	struct repository *r = calloc(1, sizeof *r);
	struct store *inner;
	struct error err;
	void *scratch = NULL;
	if (!r || scratch_setup(&scratch))
		return -1;
	r->scratch = scratch;
	*state = r;
	if (store_open(scratch_path(r->scratch, "r"), STORE_WRITE, NULL, &r->scratch->run, &inner, &err))
		return -1;
	r->store = store_fault_new(inner, &r->scratch->run, &r->fault);
	store_fault_at(r->fault, FAULT_ANY, 0, false);
	return 0;
}

static int teardown(void **state)
{
	struct repository *r = *state;
	void *scratch = r->scratch;
	store_free(r->store);
	free(r);
	return scratch_teardown(&scratch);
}

static struct manifest *manifest_of(const char *instance, const char *id)
{
	struct manifest *m = sample_manifest();
	free(m->instance);
	m->instance = strdup(instance);
	snprintf(m->id, sizeof m->id, "%s", id);
	return m;
}

static void publish(struct repository *r, const char *instance, const char *id)
{
	bool stay;
	struct manifest *m = manifest_of(instance, id);
	struct error err;
	OK(catalog_publish(r->store, m, &stay, &err));
	manifest_free(m);
}

static void put(struct repository *r, const char *key, const char *text)
{
	struct error err;
	OK(r->store->ops->put(r->store, key, text, strlen(text), false, &err));
}

static void find(struct repository *r, const char *instance, const char *id, const char *expected)
{
	struct manifest *m;
	struct error err;
	OK(catalog_find(r->store, instance, id, &m, &err));
	assert_string_equal(m->id, expected);
	manifest_free(m);
}

#define ID(n) "20261120T13370" #n "Z-00000" #n

static void test_find(void **state)
{
	struct repository *r = *state;
	struct manifest *m;
	struct error err;
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, NULL, NULL, &m, &err));
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db1", "latest", &m, &err));
	publish(r, "db1", ID(2));
	publish(r, "db1", ID(1));
	find(r, NULL, NULL, ID(2));
	find(r, NULL, "latest", ID(2));
	find(r, "db1", NULL, ID(2));
	find(r, "db1", ID(1), ID(1));
	find(r, NULL, ID(1), ID(1));
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, NULL, ID(3), &m, &err));
	assert_non_null(strstr(err.message, ID(3)));
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db", NULL, &m, &err)); /* not a prefix of a name: the name */
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db1", "../../x", &m, &err));
	publish(r, "db2", ID(3));
	publish(r, "db1.example/odd name", ID(4));
	FAILS(ERR_USAGE, catalog_find(r->store, NULL, "latest", &m, &err));
	assert_non_null(strstr(err.message, "3 instances: db1, db1.example/odd name, db2"));
	assert_non_null(strstr(err.hint, "--instance"));
	find(r, "db1", "latest", ID(2));
	find(r, "db2", "latest", ID(3));
	find(r, "db1.example/odd name", "latest", ID(4));
	find(r, NULL, ID(3), ID(3)); /* only one has it */
	publish(r, "db1", ID(3));
	FAILS(ERR_USAGE, catalog_find(r->store, NULL, ID(3), &m, &err));
}

/* Both are what somebody types who is in a hurry. */
static void test_an_instance_in_the_wrong_place(void **state)
{
	struct repository *r = *state;
	struct store *inside;
	struct manifest *m;
	struct catalog c;
	struct error err;
	publish(r, "db1", ID(1));
	publish(r, "db2", ID(2));
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, NULL, "db2", &m, &err));
	assert_string_equal(err.hint, "db2 is an instance: --instance db2");
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, NULL, "db3", &m, &err));
	assert_null(strstr(err.hint, "--instance"));

	OK(store_open(scratch_path(r->scratch, "r/db1"), STORE_READ, NULL, &r->scratch->run, &inside, &err));
	FAILS(ERR_USAGE, catalog_list(inside, NULL, &c, &err));
	assert_non_null(strstr(err.hint, "--instance"));
	FAILS(ERR_USAGE, catalog_find(inside, NULL, NULL, &m, &err));
	store_free(inside);

	put(r, "empty/manifests/stray", "");
	OK(store_open(scratch_path(r->scratch, "r/empty"), STORE_READ, NULL, &r->scratch->run, &inside, &err));
	OK(catalog_list(inside, NULL, &c, &err)); /* no manifest there */
	assert_int_equal(c.n, 0);
	store_free(inside);
}

static void test_many_instances_are_not_all_named(void **state)
{
	struct repository *r = *state;
	struct manifest *m;
	struct error err;
	for (int i = 0; i < 30; i++) {
		char name[100];
		snprintf(name, sizeof name, "an_instance_with_a_rather_long_name_%02d.example.com_3306", i);
		publish(r, name, ID(1));
	}
	FAILS(ERR_USAGE, catalog_find(r->store, NULL, NULL, &m, &err));
	assert_non_null(strstr(err.message, "30 instances: an_instance"));
	assert_non_null(strstr(err.message, ", ..."));
}

static void test_list(void **state)
{
	struct repository *r = *state;
	struct catalog c;
	struct error err;
	publish(r, "a", ID(2));
	publish(r, "a", ID(1));
	publish(r, "a-b", ID(3)); /* as a key before "a/", as a name behind "a" */
	publish(r, "manifests", ID(4));
	put(r, "a/manifests/" ID(1) ".pin", "");
	put(r, "a/manifests/" ID(2) ".proof.json", "{}");
	put(r, "a-b/manifests/" ID(3) ".trial.json", "{}"); /* which proves nothing */
	put(r, "a/manifests/" ID(3) ".pin", ""); /* of none */
	put(r, "a/manifests/strange.json", "{}");
	put(r, "a/manifests/" ID(5) ".json.bak", "{}");
	put(r, "a/" ID(7) "/shard-0000.tar", "x"); /* without a manifest: no snapshot */
	put(r, "a/" ID(7) "/manifests/" ID(8) ".json", "x");
	put(r, "stray", "x");
	store_fault_at(r->fault, FAULT_ANY, 0, false);
	OK(catalog_list(r->store, NULL, &c, &err));
	assert_int_equal(store_fault_calls(r->fault, FAULT_LIST), 4); /* which instances, and the manifests of each of the three */
	assert_int_equal(store_fault_calls(r->fault, FAULT_OPEN), 0);
	assert_int_equal(c.n, 4);
	static const struct { const char *instance, *id; bool pinned, proven, tried; } expected[] = {
		{ "a", ID(1), true, false, false }, { "a", ID(2), false, true, false }, { "a-b", ID(3), false, false, true }, { "manifests", ID(4), false, false, false },
	};
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(c.item[i].instance, expected[i].instance);
		assert_string_equal(c.item[i].id, expected[i].id);
		assert_int_equal(c.item[i].pinned, expected[i].pinned);
		assert_int_equal(c.item[i].proven, expected[i].proven);
		assert_int_equal(c.item[i].tried, expected[i].tried);
		assert_true(c.item[i].size > 500);
	}
	catalog_free(&c);
	OK(catalog_list(r->store, "a", &c, &err));
	assert_int_equal(c.n, 2);
	catalog_free(&c);
	OK(catalog_list(r->store, "nobody", &c, &err));
	assert_int_equal(c.n, 0);
	catalog_free(&c);
	store_fault_at(r->fault, FAULT_LIST, 1, false);
	FAILS(ERR_STORE, catalog_list(r->store, NULL, &c, &err));
}

static void test_damaged_manifest(void **state)
{
	struct repository *r = *state;
	struct manifest *m;
	struct error err;
	publish(r, "db1", ID(1));
	publish(r, "db1", ID(2));
	scratch_flip(scratch_path(r->scratch, "r/db1/manifests/" ID(2) ".json"), 100);
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db1", "latest", &m, &err));
	assert_non_null(strstr(err.message, "db1/manifests/" ID(2) ".json"));
	find(r, "db1", ID(1), ID(1));
	/* A sound manifest under the name of another. */
	assert_int_equal(rename(scratch_path(r->scratch, "r/db1/manifests/" ID(1) ".json"),
	                        scratch_path(r->scratch, "r/db1/manifests/" ID(2) ".json")), 0);
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db1", "latest", &m, &err));
	assert_non_null(strstr(err.message, "manifest of " ID(1)));
	assert_int_equal(rename(scratch_path(r->scratch, "r/db1"), scratch_path(r->scratch, "r/db2")), 0);
	assert_int_equal(rename(scratch_path(r->scratch, "r/db2/manifests/" ID(2) ".json"),
	                        scratch_path(r->scratch, "r/db2/manifests/" ID(1) ".json")), 0);
	FAILS(ERR_SNAPSHOT, catalog_find(r->store, "db2", ID(1), &m, &err));
}

static void test_publish(void **state)
{
	bool stay;
	struct repository *r = *state;
	struct manifest *m = manifest_of("db1", ID(1)), *other = manifest_of("db1", ID(1));
	struct error err;
	other->rows++;
	OK(catalog_publish(r->store, m, &stay, &err));
	FAILS(ERR_STORE, catalog_publish(r->store, other, &stay, &err)); /* never replaced */
	assert_int_equal(err.sys_errno, EEXIST);
	assert_true(stay); /* what it names is not ours to remove */
	OK(catalog_publish(r->store, m, &stay, &err)); /* the very same: our own, whose answer had got lost */
	struct manifest *there;
	OK(catalog_find(r->store, NULL, NULL, &there, &err));
	assert_int_equal(there->rows, m->rows);
	manifest_free(there);

	/* What it vouches for must be there. */
	free(m->objects.item);
	m->objects.item = calloc(1, sizeof *m->objects.item);
	m->objects.n = 1;
	m->objects.item[0] = (struct stream_object){ .key = "shard-0000.tar", .size = 4 };
	OK(digest_of("data", 4, m->objects.item[0].sha256, &err));
	snprintf(m->id, sizeof m->id, ID(2));
	FAILS(ERR_STORE, catalog_publish(r->store, m, &stay, &err));
	assert_non_null(strstr(err.message, "shard-0000.tar"));
	put(r, "db1/" ID(2) "/shard-0000.tar", "dat");
	FAILS(ERR_STORE, catalog_publish(r->store, m, &stay, &err));
	put(r, "db1/" ID(2) "/shard-0000.tar", "data");
	OK(catalog_publish(r->store, m, &stay, &err));
	find(r, NULL, "latest", ID(2));
	manifest_free(m);
	manifest_free(other);
}

static enum status cannot_remove(struct store *s, const char *key, struct error *err)
{
	(void)s;
	return error_set(err, ST_FAILED, ERR_STORE, "%s cannot be removed", key);
}

/* A put that was done and reported as failed: objects may be removed only when the manifest has gone. */
static void test_publish_that_is_not_known(void **state)
{
	bool stay;
	struct repository *r = *state;
	struct manifest *m = manifest_of("db1", ID(1));
	struct error err;
	uint64_t size;
	store_fault_at(r->fault, FAULT_PUT, 1, true);
	FAILS(ERR_STORE, catalog_publish(r->store, m, &stay, &err));
	assert_false(stay);
	FAILS(ERR_SNAPSHOT, r->store->ops->stat(r->store, "db1/manifests/" ID(1) ".json", &size, &err));

	const struct store_ops *before = r->store->ops;
	struct store_ops stuck = *before;
	stuck.remove = cannot_remove;
	r->store->ops = &stuck;
	store_fault_at(r->fault, FAULT_PUT, 1, true);
	FAILS(ERR_STORE, catalog_publish(r->store, m, &stay, &err));
	assert_true(stay);
	assert_int_equal(err.sys_errno, EIO);
	assert_non_null(strstr(err.hint, "db1/manifests/" ID(1) ".json"));
	r->store->ops = before;
	OK(r->store->ops->stat(r->store, "db1/manifests/" ID(1) ".json", &size, &err));
	manifest_free(m);
}

static void test_checkpoint(void **state)
{
	struct repository *r = *state;
	struct manifest *m = manifest_of("db1", ID(1));
	struct checkpoint *cp = calloc(1, sizeof *cp), *back = NULL;
	struct buf text = BUF_INIT(1 << 20);
	struct error err;
	FAILS(ERR_SNAPSHOT, catalog_checkpoint(r->store, m, &back, &err)); /* the manifest names none */
	cp->gtid_executed = strdup("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
	json_t *doc = checkpoint_to_json(cp);
	OK(jsonx_dump(doc, &text, &err));
	json_decref(doc);
	m->objects.item = calloc(1, sizeof *m->objects.item);
	m->objects.n = 1;
	m->objects.item[0] = (struct stream_object){ .key = "checkpoint.json", .size = text.len };
	OK(digest_of(text.data, text.len, m->objects.item[0].sha256, &err));
	FAILS(ERR_SNAPSHOT, catalog_checkpoint(r->store, m, &back, &err)); /* it is not there */
	put(r, "db1/" ID(1) "/checkpoint.json", text.data);
	OK(catalog_checkpoint(r->store, m, &back, &err));
	assert_string_equal(back->gtid_executed, cp->gtid_executed);
	checkpoint_free(back);
	scratch_flip(scratch_path(r->scratch, "r/db1/" ID(1) "/checkpoint.json"), 20);
	FAILS(ERR_SNAPSHOT, catalog_checkpoint(r->store, m, &back, &err));
	assert_non_null(strstr(err.message, "damaged"));
	put(r, "db1/" ID(1) "/checkpoint.json", "{}");
	m->objects.item[0].size = 2;
	OK(digest_of("{}", 2, m->objects.item[0].sha256, &err));
	FAILS(ERR_SNAPSHOT, catalog_checkpoint(r->store, m, &back, &err)); /* the right digest of nonsense */
	checkpoint_free(cp);
	manifest_free(m);
	buf_free(&text);
}

static void test_sweep(void **state)
{
	struct repository *r = *state;
	struct error err;
	struct catalog_swept swept = { 99, 99 };
	struct manifest *m;
	put(r, "db1/" ID(1) "/shard-0000.tar", "x"); /* published */
	publish(r, "db1", ID(1));
	put(r, "db1/" ID(2) "/shard-0000.tar", "x"); /* debris */
	put(r, "db1/" ID(2) "/index-0000.json", "x");
	put(r, "db1/manifests/" ID(2) ".proof.json", "{}");
	put(r, "db1/manifests/" ID(2) ".trial.json", "{}");
	put(r, "db1/" ID(2) "/notes.txt", "x"); /* somebody else's */
	put(r, "db1/" ID(5) "/shard-0000.tar", "x"); /* what it is nobody knows, but somebody wants it kept */
	put(r, "db1/manifests/" ID(5) ".pin", "");
	put(r, "db2/" ID(3) "/shard-0000.tar", "x"); /* another's debris */
	put(r, "db1/20991120T133701Z-000004/shard-0000.tar", "x"); /* from a clock that was wrong, or is */
	put(r, "db1/something/else", "x");
	put(r, "stray", "x");
	/* The ids are of 2026; older than a century nothing is. */
	OK(catalog_sweep(r->store, NULL, 100LL * 365 * 86400 * 1000, &swept, &err));
	assert_int_equal(swept.removed, 0);
	struct timespec old[2] = { { .tv_sec = 1700000000 }, { .tv_sec = 1700000000 } };
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(r->scratch, "r/db1/" ID(2) "/shard-0000.tar"), old, 0), 0);
	OK(catalog_sweep(r->store, "db1", 3600 * 1000, &swept, &err));
	assert_int_equal(swept.removed, 0); /* the index is young: the run may be alive */
	assert_int_equal(utimensat(AT_FDCWD, scratch_path(r->scratch, "r/db1/" ID(2) "/index-0000.json"), old, 0), 0);
	OK(catalog_sweep(r->store, "db3", 3600 * 1000, &swept, &err));
	assert_int_equal(swept.removed, 0);
	/* The id is of the future or of the past, depending on when this test is run: both count, so go far ahead. */
	OK(catalog_sweep(r->store, "db1", -30LL * 365 * 86400 * 1000, &swept, &err));
	assert_int_equal(swept.removed, 4);
	assert_int_equal(swept.held, 0);
	OK(catalog_find(r->store, "db1", "latest", &m, &err));
	manifest_free(m);
	uint64_t size;
	OK(r->store->ops->stat(r->store, "db1/" ID(1) "/shard-0000.tar", &size, &err));
	OK(r->store->ops->stat(r->store, "db2/" ID(3) "/shard-0000.tar", &size, &err));
	OK(r->store->ops->stat(r->store, "db1/20991120T133701Z-000004/shard-0000.tar", &size, &err));
	OK(r->store->ops->stat(r->store, "db1/something/else", &size, &err));
	OK(r->store->ops->stat(r->store, "db1/" ID(2) "/notes.txt", &size, &err));
	OK(r->store->ops->stat(r->store, "db1/" ID(5) "/shard-0000.tar", &size, &err));
	FAILS(ERR_SNAPSHOT, r->store->ops->stat(r->store, "db1/" ID(2) "/shard-0000.tar", &size, &err));
	FAILS(ERR_SNAPSHOT, r->store->ops->stat(r->store, "db1/manifests/" ID(2) ".proof.json", &size, &err));
	OK(catalog_sweep(r->store, NULL, -30LL * 365 * 86400 * 1000, &swept, &err));
	assert_int_equal(swept.removed, 1);
}

static void test_ten_thousand(void **state)
{
	struct repository *r = *state;
	struct catalog c;
	struct manifest *m;
	struct error err;
	char key[100];
	enum { N = 10000 };
	for (int i = 0; i < N; i++) {
		snprintf(key, sizeof key, "db%d/manifests/20%02d%02d%02dT%02d%02d%02dZ-%06x.json", i % 4, i / 1000, i / 100 % 10 + 1, i % 28 + 1, i % 24, i % 60,
		         i / 7 % 60, i);
		put(r, key, "{}");
	}
	publish(r, "db1", "20991231T235959Z-ffffff");
	store_fault_at(r->fault, FAULT_ANY, 0, false);
	int64_t start = scratch_now_ms();
	OK(catalog_list(r->store, NULL, &c, &err));
	int64_t all = scratch_now_ms() - start;
	assert_int_equal(c.n, N + 1);
	for (size_t i = 1; i < c.n; i++)
		assert_true(strcmp(c.item[i - 1].instance, c.item[i].instance) < 0 || strcmp(c.item[i - 1].id, c.item[i].id) < 0);
	catalog_free(&c);
	start = scratch_now_ms();
	OK(catalog_find(r->store, "db1", "latest", &m, &err));
	print_message("10,000 manifests: listed in %d ms, latest of 2,500 found in %d ms\n", (int)all, (int)(scratch_now_ms() - start));
	assert_string_equal(m->id, "20991231T235959Z-ffffff");
	manifest_free(m);
	assert_int_equal(store_fault_calls(r->fault, FAULT_OPEN), 1); /* none but the one that was wanted */
	assert_int_equal(store_fault_calls(r->fault, FAULT_LIST), 1 + 4 + 1);
	assert_true(all < 5000);
}

#define REPOSITORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REPOSITORY(test_find), REPOSITORY(test_an_instance_in_the_wrong_place), REPOSITORY(test_many_instances_are_not_all_named), REPOSITORY(test_list),
		REPOSITORY(test_damaged_manifest), REPOSITORY(test_publish), REPOSITORY(test_publish_that_is_not_known),
		REPOSITORY(test_checkpoint), REPOSITORY(test_sweep), REPOSITORY(test_ten_thousand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
