/* SPDX-License-Identifier: Apache-2.0 */
/* Expiring, pinning and copying, over a directory behind a wrapper that fails. */
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

#include "catalog/remove.h"
#include "sample.h"
#include "slackwater/retention.h"
#include "slackwater/stored.h"
#include "store_fault.h"

struct repository {
	struct scratch *scratch;
	struct store *store, *other;
	struct store_fault *fault, *other_fault;
};

/* 2027-01-01, so that whatever lies there is long past, and old enough to be swept. */
static int64_t late_now(void *arg)
{
	(void)arg;
	return clock_system.now_ms(NULL);
}
static int64_t late_wall(void *arg)
{
	(void)arg;
	return INT64_C(1798761600000);
}
static void late_wait(void *arg, int fd, int64_t wait_ms)
{
	(void)arg;
	clock_system.wait(NULL, fd, wait_ms);
}
static const struct clock_ops late_clock = { late_now, late_wall, late_wait };

static struct store *open_store(struct repository *r, const char *name, struct store_fault **fault)
{
	struct store *inner;
	struct error err;
	if (store_open(scratch_path(r->scratch, name), STORE_WRITE, NULL, &r->scratch->run, &inner, &err))
		return NULL;
	return store_fault_new(inner, &r->scratch->run, fault);
}

static int setup(void **state)
{
	struct repository *r = calloc(1, sizeof *r);
	void *scratch = NULL;
	if (!r || scratch_setup(&scratch))
		return -1;
	r->scratch = scratch;
	r->scratch->run.clock = &late_clock;
	*state = r;
	r->store = open_store(r, "r", &r->fault);
	r->other = open_store(r, "other", &r->other_fault);
	return r->store && r->other ? 0 : -1;
}

static int teardown(void **state)
{
	struct repository *r = *state;
	void *scratch = r->scratch;
	store_free(r->store);
	store_free(r->other);
	free(r);
	return scratch_teardown(&scratch);
}

static void put(struct store *s, const char *key, const char *text)
{
	struct error err;
	OK(s->ops->put(s, key, text, strlen(text), false, &err));
}

static bool there(struct store *s, const char *key)
{
	struct error err;
	uint64_t size;
	return s->ops->stat(s, key, &size, &err) == ST_OK;
}

#define DAY(n) "202610" n "T010000Z-0000" n
static const char *const days[] = { DAY("01"), DAY("02"), DAY("03"), DAY("04"), DAY("05") };
enum { DAYS = sizeof days / sizeof days[0] };

static void add_object(struct store *s, struct manifest *m, const char *name, const char *text)
{
	struct buf key = BUF_INIT(200);
	struct error err;
	m->objects.item = realloc(m->objects.item, (m->objects.n + 1) * sizeof *m->objects.item);
	struct stream_object *o = &m->objects.item[m->objects.n++];
	*o = (struct stream_object){ .size = strlen(text) };
	snprintf(o->key, sizeof o->key, "%s", name);
	OK(digest_of(text, strlen(text), o->sha256, &err));
	catalog_prefix(m, &key);
	buf_adds(&key, name);
	put(s, key.data, text);
	buf_free(&key);
}

static void publish(struct repository *r, const char *instance, const char *id)
{
	struct manifest *m = sample_manifest();
	struct error err;
	free(m->instance);
	m->instance = strdup(instance);
	m->partial = false;
	snprintf(m->id, sizeof m->id, "%s", id);
	add_object(r->store, m, "shard-0000.tar", "what is in the shard");
	add_object(r->store, m, "index-0000.json", "{}");
	add_object(r->store, m, "base.stream", "an object of a kind that is not known yet");
	bool stay;
	OK(catalog_publish(r->store, m, &stay, &err));
	manifest_free(m);
}

static void publish_days(struct repository *r, const char *instance)
{
	for (size_t i = 0; i < DAYS; i++)
		publish(r, instance, days[i]);
}

static size_t snapshots(struct store *s, const char *instance)
{
	struct catalog c;
	struct error err;
	OK(catalog_list(s, instance, &c, &err));
	size_t n = c.n;
	catalog_free(&c);
	return n;
}

static struct expire_options keep_last(unsigned n)
{
	return (struct expire_options){ .rules.last = n, .threads = 3 };
}

static void test_expire(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(2);
	struct expire_report report;
	struct error err;
	publish_days(r, "db1");
	publish(r, "db2", days[0]);
	put(r->store, "db1/manifests/" DAY("01") ".proof.json", "{}");
	put(r->store, "db1/manifests/README", "ours, not yours");
	put(r->store, "db1/" DAY("02") "/notes.txt", "ours, not yours");
	put(r->store, "db1/manifests/" DAY("02") ".json.orig", "{}");
	put(r->store, "stray", "x");

	o.dry_run = true;
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.n, 6);
	assert_int_equal(report.item[0].fate, EXPIRE_KEPT);
	assert_int_equal(report.item[0].keep, KEEP_PROVEN);
	assert_int_equal(report.item[1].fate, EXPIRE_EXPIRED);
	assert_int_equal(report.item[2].fate, EXPIRE_EXPIRED);
	assert_int_equal(report.item[4].keep, KEEP_NEWEST | KEEP_LAST);
	assert_int_equal(report.item[5].keep, KEEP_NEWEST | KEEP_LAST);
	assert_string_equal(report.item[5].instance, "db2");
	assert_int_equal(report.bytes, 0);
	expire_free(&report);
	assert_int_equal(snapshots(r->store, NULL), 6);

	o.dry_run = false;
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[1].fate, EXPIRE_REMOVED);
	assert_int_equal(report.item[2].fate, EXPIRE_REMOVED);
	assert_true(report.item[1].bytes > 0 && report.bytes == 2 * report.item[1].bytes);
	expire_free(&report);
	assert_int_equal(snapshots(r->store, NULL), 4);
	assert_false(there(r->store, "db1/" DAY("03") "/shard-0000.tar"));
	assert_false(there(r->store, "db1/" DAY("03") "/base.stream"));
	assert_int_equal(scratch_count(scratch_path(r->scratch, "r/db1/" DAY("03"))), 0);
	assert_true(there(r->store, "db1/" DAY("01") "/base.stream"));
	assert_true(there(r->store, "db1/manifests/README"));
	assert_true(there(r->store, "db1/manifests/" DAY("02") ".json.orig"));
	assert_true(there(r->store, "db1/" DAY("02") "/notes.txt"));
	assert_true(there(r->store, "stray"));
	/* Once more: there is nothing left to do. */
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.n, 4);
	assert_int_equal(report.bytes, 0);
	expire_free(&report);
}

/* What another program has begun in the same bucket, and not finished, is its own. */
static void test_uploads_of_others(void **state)
{
	static const char mine[] = "r/db1/.slackwater-tmp-12-0123456789abcdef", also[] = "r/db2/.slackwater-tmp-12-0123456789abcdef", theirs[] = "r/theirs/.slackwater-tmp-12-0123456789abcdef";
	struct repository *r = *state;
	struct expire_options o = { .rules = { .last = 1 }, .threads = 1 };
	struct expire_report report;
	struct error err;
	publish(r, "db1", days[0]);
	publish(r, "db1", days[1]);
	publish(r, "db2", days[0]);
	mkdir(scratch_path(r->scratch, "r/theirs"), 0700);
	scratch_write(scratch_path(r->scratch, mine), "x", 1);
	scratch_write(scratch_path(r->scratch, also), "x", 1);
	scratch_write(scratch_path(r->scratch, theirs), "x", 1);
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.swept_uploads, 2);
	expire_free(&report);
	struct stat sb;
	assert_int_equal(stat(scratch_path(r->scratch, mine), &sb), -1);
	assert_int_equal(stat(scratch_path(r->scratch, also), &sb), -1);
	assert_int_equal(stat(scratch_path(r->scratch, theirs), &sb), 0);
}

static void test_one_instance(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	publish_days(r, "db1");
	publish_days(r, "db10");
	put(r->store, "db1/manifests/" DAY("03") ".proof.json", "{}");
	o.instance = "db1";
	OK(catalog_expire(r->store, &o, &report, &err));
	expire_free(&report);
	assert_int_equal(snapshots(r->store, "db1"), 2);
	assert_int_equal(snapshots(r->store, "db10"), 5);
	o.instance = "db"; /* mistyped in a crontab: not to be taken for "nothing to do" */
	FAILS(ERR_SNAPSHOT, catalog_expire(r->store, &o, &report, &err));
	expire_free(&report);
	o = (struct expire_options){ 0 };
	FAILS(ERR_USAGE, catalog_expire(r->store, &o, &report, &err));
}

/* A listing that breaks off, and a manifest that cannot be read: nothing may be concluded, and nothing goes. */
static void test_half_a_listing(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	publish_days(r, "db1");
	put(r->store, "db1/manifests/" DAY("05") ".proof.json", "{}");
	for (unsigned n = 1; n <= 1 + DAYS + 1; n++) { /* the instance, its manifests, a proof */
		store_fault_cut(r->fault, n);
		FAILS(ERR_STORE, catalog_expire(r->store, &o, &report, &err));
		expire_free(&report);
		assert_int_equal(store_fault_calls(r->fault, FAULT_REMOVE), 0);
	}
	store_fault_cut(r->fault, 0);
	unsigned reads = 0;
	for (unsigned n = 1; n <= DAYS; n++, reads++) {
		store_fault_at(r->fault, FAULT_OPEN, n, false);
		FAILS(ERR_STORE, catalog_expire(r->store, &o, &report, &err));
		expire_free(&report);
		assert_int_equal(store_fault_calls(r->fault, FAULT_REMOVE), 0);
	}
	assert_int_equal(reads, DAYS);
	assert_int_equal(snapshots(r->store, NULL), DAYS);
	store_fault_at(r->fault, FAULT_ANY, 0, false);
	OK(catalog_expire(r->store, &o, &report, &err));
	expire_free(&report);
	assert_int_equal(snapshots(r->store, NULL), 1);
}

/* Every snapshot that is listed has all of its objects. */
static size_t whole_snapshots(struct store *s)
{
	struct catalog c;
	struct error err;
	OK(catalog_list(s, NULL, &c, &err));
	size_t n = c.n;
	for (size_t i = 0; i < c.n; i++) {
		struct manifest *m;
		struct buf prefix = BUF_INIT(200);
		OK(catalog_load(s, &c.item[i], &m, NULL, &err));
		catalog_prefix(m, &prefix);
		for (size_t k = 0; k < m->objects.n; k++)
			OK(stream_object_verify(s, prefix.data, &m->objects.item[k], NULL, NULL, &err));
		buf_free(&prefix);
		manifest_free(m);
	}
	catalog_free(&c);
	return n;
}

/* Whichever removal fails, or succeeds and says that it failed: what is listed is whole, and the next run ends the work. */
static void every_removal_fails(struct repository *r, bool afterwards)
{
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	unsigned n = 1, failed = 0;
	for (bool hit = true; hit; n++) {
		publish_days(r, "db1");
		for (size_t i = 0; i < DAYS; i++) {
			char record[100];
			snprintf(record, sizeof record, "db1/manifests/%s.proof.json", days[i]);
			put(r->store, record, "{}");
			snprintf(record, sizeof record, "db1/manifests/%s.trial.json", days[i]);
			put(r->store, record, "{}");
		}
		store_fault_at(r->fault, FAULT_REMOVE, n, afterwards);
		enum status st = catalog_expire(r->store, &o, &report, &err);
		hit = store_fault_hit(r->fault);
		assert_true(hit == (st != ST_OK));
		failed += st != ST_OK;
		assert_true(report.n == DAYS && report.item[DAYS - 1].fate == EXPIRE_KEPT);
		expire_free(&report);
		store_fault_at(r->fault, FAULT_ANY, 0, false);
		assert_true(whole_snapshots(r->store) >= 1);
		OK(catalog_expire(r->store, &o, &report, &err));
		assert_true(report.item[report.n - 1].fate == EXPIRE_KEPT);
		expire_free(&report);
		assert_int_equal(whole_snapshots(r->store), 1);
		/* One snapshot: two directories and the instance's, three objects, the manifest, its proof and its trial. But an object of a kind that nobody
		 * knows is left of a snapshot that nobody can ask any more. */
		assert_in_range(scratch_count(scratch_path(r->scratch, "r")), 9, 11);
		OK(r->store->ops->remove(r->store, "db1/" DAY("01") "/base.stream", &err));
		OK(r->store->ops->remove(r->store, "db1/" DAY("02") "/base.stream", &err));
		OK(r->store->ops->remove(r->store, "db1/" DAY("03") "/base.stream", &err));
		OK(r->store->ops->remove(r->store, "db1/" DAY("04") "/base.stream", &err));
		assert_int_equal(scratch_count(scratch_path(r->scratch, "r")), 9);
	}
	assert_int_equal(failed, 4 * 6); /* a manifest, a proof, a trial and three objects of each */
}

static void test_every_removal_fails(void **state)
{
	every_removal_fails(*state, false);
	every_removal_fails(*state, true);
}

/* Object Lock: what the store holds is reported and left, and everything else goes. */
static void test_held_by_the_store(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	publish_days(r, "db1");
	store_fault_lock(r->fault, "manifests/" DAY("02") ".json");
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[0].fate, EXPIRE_REMOVED);
	assert_int_equal(report.item[1].fate, EXPIRE_HELD);
	assert_int_equal(report.item[2].fate, EXPIRE_REMOVED);
	assert_int_equal(report.held_objects, 0);
	expire_free(&report);
	assert_int_equal(whole_snapshots(r->store), 2);

	publish_days(r, "db1");
	store_fault_lock(r->fault, DAY("03") "/shard");
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[2].fate, EXPIRE_REMOVED);
	assert_int_equal(report.held_objects, 1);
	expire_free(&report);
	assert_int_equal(whole_snapshots(r->store), 1);
	assert_true(there(r->store, "db1/" DAY("03") "/shard-0000.tar"));
	/* As long as it is held it is told of; then it is swept. */
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.held_objects, 1);
	expire_free(&report);
	store_fault_lock(r->fault, NULL);
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.held_objects, 0);
	assert_int_equal(report.swept_objects, 1);
	expire_free(&report);
	assert_false(there(r->store, "db1/" DAY("03") "/shard-0000.tar"));
}

static void test_damaged_ones_stay(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	publish_days(r, "db1");
	scratch_flip(scratch_path(r->scratch, "r/db1/manifests/" DAY("05") ".json"), 100);
	scratch_flip(scratch_path(r->scratch, "r/db1/manifests/" DAY("01") ".json"), 100);
	publish(r, "db1", "20261399T010000Z-000009"); /* looks like an id */
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[0].keep, KEEP_DAMAGED);
	assert_int_equal(report.item[3].keep, KEEP_NEWEST | KEEP_LAST);
	assert_int_equal(report.item[4].keep, KEEP_DAMAGED);
	assert_int_equal(report.item[5].keep, KEEP_DAMAGED);
	assert_int_equal(report.item[1].fate, EXPIRE_REMOVED);
	expire_free(&report);
	assert_int_equal(snapshots(r->store, NULL), 4);
}

static void test_pins(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct pin p = { 0 };
	struct error err;
	publish_days(r, "db1");
	OK(pin_get(r->store, "db1", days[0], &p, &err));
	assert_null(p.reason);
	OK(pin_put(r->store, "db1", days[0], "for the auditors", &err));
	OK(pin_put(r->store, "db1", days[0], "before the \"upgrade\"", &err)); /* the second one counts */
	OK(pin_get(r->store, "db1", days[0], &p, &err));
	assert_string_equal(p.reason, "before the \"upgrade\"");
	assert_int_equal(p.pinned_ms, late_wall(NULL));
	pin_free(&p);
	put(r->store, "db1/manifests/" DAY("02") ".pin", ""); /* made by hand */
	put(r->store, "db1/manifests/" DAY("03") ".pin", "because I say so");
	for (int i = 1; i < 3; i++) {
		OK(pin_get(r->store, "db1", days[i], &p, &err));
		assert_string_equal(p.reason, "");
		pin_free(&p);
	}
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[0].keep, KEEP_PINNED);
	assert_int_equal(report.item[1].keep, KEEP_PINNED);
	expire_free(&report);
	assert_int_equal(whole_snapshots(r->store), 4);
	FAILS(ERR_SNAPSHOT, pin_put(r->store, "db1", days[3], "", &err)); /* that one has gone */
	assert_false(there(r->store, "db1/manifests/" DAY("04") ".pin"));
	OK(pin_remove(r->store, "db1", days[0], &err));
	OK(pin_remove(r->store, "db1", days[0], &err));
	OK(catalog_expire(r->store, &o, &report, &err));
	expire_free(&report);
	assert_int_equal(whole_snapshots(r->store), 3);
	store_fault_at(r->fault, FAULT_OPEN, 1, false);
	FAILS(ERR_STORE, pin_get(r->store, "db1", days[1], &p, &err));
}

/* Somebody who comes between two calls. */
static const struct store_ops *real;
static const char *when, *then_put, *then_remove;

static enum status between_remove(struct store *s, const char *key, struct error *err)
{
	enum status st = real->remove(s, key, err);
	if (when && strstr(key, when)) {
		when = NULL;
		st = real->put(s, then_put, "", 0, false, err);
	}
	return st;
}

static enum status between_put(struct store *s, const char *key, const void *data, size_t len, bool if_absent, struct error *err)
{
	enum status st = real->put(s, key, data, len, if_absent, err);
	if (when && strstr(key, when)) {
		when = NULL;
		st = real->remove(s, then_remove, err);
	}
	return st;
}

/* A pin and an expire at the same moment: either the pin is refused or the snapshot stays. */
static void test_pin_against_expire(void **state)
{
	struct repository *r = *state;
	struct expire_options o = keep_last(1);
	struct expire_report report;
	struct error err;
	struct store_ops between = *r->store->ops;
	real = r->store->ops;
	between.remove = between_remove;
	between.put = between_put;
	r->store->ops = &between;

	publish_days(r, "db1");
	when = DAY("02") ".json";
	then_put = "db1/manifests/" DAY("02") ".pin";
	OK(catalog_expire(r->store, &o, &report, &err));
	assert_int_equal(report.item[1].keep, KEEP_PINNED);
	assert_int_equal(report.item[1].fate, EXPIRE_KEPT);
	assert_int_equal(report.item[2].fate, EXPIRE_REMOVED);
	expire_free(&report);
	assert_int_equal(whole_snapshots(r->store), 2);

	when = DAY("05") ".pin";
	then_remove = "db1/manifests/" DAY("05") ".json";
	FAILS(ERR_SNAPSHOT, pin_put(r->store, "db1", days[4], "too late", &err));
	assert_false(there(r->store, "db1/manifests/" DAY("05") ".pin"));
	r->store->ops = real;
}

static struct catalog_item item_of(char *instance, const char *id)
{
	struct catalog_item it = { .instance = instance };
	snprintf(it.id, sizeof it.id, "%s", id);
	return it;
}

static void same_text(struct repository *r, const char *key)
{
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	struct error err;
	OK(store_get(r->store, key, &a, &err));
	OK(store_get(r->other, key, &b, &err));
	assert_int_equal(a.len, b.len);
	assert_memory_equal(buf_str(&a), buf_str(&b), a.len);
	buf_free(&a);
	buf_free(&b);
}

static void test_copy(void **state)
{
	struct repository *r = *state;
	char instance[] = "odd name";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	publish(r, instance, days[0]);
	put(r->store, "odd%20name/manifests/" DAY("01") ".pin", "");
	put(r->store, "odd%20name/manifests/" DAY("01") ".proof.json", "{}");
	OK(snapshot_copy(r->store, r->other, &it, 2, &r->scratch->run, &c, &err));
	assert_int_equal(c.objects, 3);
	assert_false(c.was_there);
	assert_int_equal(whole_snapshots(r->other), 1);
	same_text(r, "odd%20name/manifests/" DAY("01") ".json");
	same_text(r, "odd%20name/manifests/" DAY("01") ".proof.json");
	assert_false(there(r->other, "odd%20name/manifests/" DAY("01") ".pin"));
	OK(snapshot_copy(r->store, r->other, &it, 2, &r->scratch->run, &c, &err));
	assert_true(c.was_there && c.objects == 0 && c.bytes == 0);
	/* An object that was lost there comes again. */
	OK(r->other->ops->remove(r->other, "odd%20name/" DAY("01") "/shard-0000.tar", &err));
	OK(snapshot_copy(r->store, r->other, &it, 2, &r->scratch->run, &c, &err));
	assert_true(!c.was_there && c.objects == 1);
	assert_int_equal(whole_snapshots(r->other), 1);
	/* Another of the same id is not replaced. */
	scratch_flip(scratch_path(r->scratch, "other/odd%20name/manifests/" DAY("01") ".json"), 100);
	FAILS(ERR_STORE, snapshot_copy(r->store, r->other, &it, 2, &r->scratch->run, &c, &err));
	assert_int_equal(err.sys_errno, EEXIST);
	it = item_of(instance, days[1]);
	FAILS(ERR_SNAPSHOT, snapshot_copy(r->store, r->other, &it, 2, &r->scratch->run, &c, &err));
}

static void test_copy_of_a_damaged_one(void **state)
{
	struct repository *r = *state;
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	publish(r, instance, days[0]);
	scratch_flip(scratch_path(r->scratch, "r/db1/" DAY("01") "/shard-0000.tar"), 3);
	FAILS(ERR_SNAPSHOT, snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	assert_non_null(strstr(err.message, "shard-0000.tar"));
	assert_int_equal(snapshots(r->other, NULL), 0);
	assert_false(there(r->other, "db1/" DAY("01") "/shard-0000.tar"));
}

/* Interrupted at whichever call, on either side: no manifest, and the next one goes on from there. */
static void copy_fails_at(struct repository *r, struct store_fault *fault, bool afterwards)
{
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	unsigned n = 1, failed = 0, helped = 0;
	for (bool hit = true; hit; n++) {
		OK(r->other->ops->remove(r->other, "db1/manifests/" DAY("01") ".json", &err));
		OK(r->other->ops->remove(r->other, "db1/" DAY("01") "/shard-0000.tar", &err));
		OK(r->other->ops->remove(r->other, "db1/" DAY("01") "/index-0000.json", &err));
		OK(r->other->ops->remove(r->other, "db1/" DAY("01") "/base.stream", &err));
		assert_int_equal(scratch_count(scratch_path(r->scratch, "other")), 0);
		store_fault_at(fault, FAULT_ANY, n, afterwards);
		enum status st = snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err);
		hit = store_fault_hit(fault);
		failed += st != ST_OK;
		store_fault_at(fault, FAULT_ANY, 0, false);
		(void)whole_snapshots(r->other);
		OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
		helped += c.objects < 3;
		assert_int_equal(whole_snapshots(r->other), 1);
	}
	assert_true(failed >= 5 && helped >= 2);
}

static void test_copy_goes_on(void **state)
{
	struct repository *r = *state;
	publish(r, "db1", days[0]);
	copy_fails_at(r, r->fault, false);
	copy_fails_at(r, r->other_fault, false);
	copy_fails_at(r, r->other_fault, true);
}

/* Interrupted at whichever call when the manifest was there before: it still is. */
static void copy_again_fails_at(struct repository *r, bool afterwards)
{
	static const char manifest[] = "db1/manifests/" DAY("01") ".json";
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	unsigned failed = 0;
	bool hit = true;
	for (unsigned n = 1; hit; n++) {
		OK(r->other->ops->remove(r->other, "db1/" DAY("01") "/shard-0000.tar", &err));
		store_fault_at(r->other_fault, FAULT_ANY, n, afterwards);
		failed += snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err) != ST_OK;
		hit = store_fault_hit(r->other_fault);
		store_fault_at(r->other_fault, FAULT_ANY, 0, false);
		same_text(r, manifest);
	}
	assert_true(failed >= 5);
	OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	assert_int_equal(whole_snapshots(r->other), 1);
}

static void test_copy_again_loses_nothing(void **state)
{
	struct repository *r = *state;
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	publish(r, "db1", days[0]);
	OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	copy_again_fails_at(r, false);
	copy_again_fails_at(r, true);
}

/* Where a trial found it damaged it is mended, and not called proven because it was so elsewhere. */
static void test_copy_over_one_that_failed(void **state)
{
	static const char proof[] = "db1/manifests/" DAY("01") ".proof.json", trial[] = "db1/manifests/" DAY("01") ".trial.json";
	struct repository *r = *state;
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	publish(r, "db1", days[0]);
	put(r->store, proof, "{}");
	OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	assert_true(there(r->other, proof));
	OK(r->other->ops->remove(r->other, proof, &err));
	put(r->other, trial, "{}");
	scratch_flip(scratch_path(r->scratch, "other/db1/" DAY("01") "/shard-0000.tar"), 3);
	OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	assert_int_equal(c.objects, 1);
	assert_int_equal(whole_snapshots(r->other), 1);
	assert_false(there(r->other, proof));
	OK(r->other->ops->remove(r->other, trial, &err));
	OK(snapshot_copy(r->store, r->other, &it, 1, &r->scratch->run, &c, &err));
	assert_true(there(r->other, proof));
}

/* An object that was cut off or altered at the destination is no reason to leave it so. */
static void test_copy_over_debris(void **state)
{
	struct repository *r = *state;
	char instance[] = "db1";
	struct catalog_item it = item_of(instance, days[0]);
	struct copy_report c;
	struct error err;
	publish(r, instance, days[0]);
	put(r->other, "db1/" DAY("01") "/shard-0000.tar", "what is in the SHARD"); /* as long, but not the same */
	put(r->other, "db1/" DAY("01") "/index-0000.json", "{");
	OK(snapshot_copy(r->store, r->other, &it, 4, &r->scratch->run, &c, &err));
	assert_int_equal(c.objects, 3);
	assert_int_equal(whole_snapshots(r->other), 1);
}

#define REPOSITORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REPOSITORY(test_expire), REPOSITORY(test_uploads_of_others), REPOSITORY(test_one_instance), REPOSITORY(test_half_a_listing), REPOSITORY(test_every_removal_fails),
		REPOSITORY(test_held_by_the_store), REPOSITORY(test_damaged_ones_stay), REPOSITORY(test_pins), REPOSITORY(test_pin_against_expire),
		REPOSITORY(test_copy), REPOSITORY(test_copy_of_a_damaged_one), REPOSITORY(test_copy_goes_on), REPOSITORY(test_copy_over_debris),
		REPOSITORY(test_copy_again_loses_nothing), REPOSITORY(test_copy_over_one_that_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
