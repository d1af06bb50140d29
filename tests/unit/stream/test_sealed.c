/* SPDX-License-Identifier: Apache-2.0 */
/* An encrypted snapshot: what can be done without its key, with it, with a wrong one; and what somebody who can write to the store may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keys.h"
#include "sample.h"
#include "slackwater/fs.h"
#include "slackwater/stored.h"
#include "store_fault.h"
#include "stream/names.h"
#include "stream/objects.h"

#define PREFIX SAMPLE_INSTANCE "/" SAMPLE_ID "/"

static struct sample_spec spec = { .entries = 60, .shards = 3, .largest = 40000 };

static struct store *open_store(struct scratch *t, const char *name)
{
	struct error err = ERROR_INIT;
	struct store *s = NULL;
	OK(store_open(scratch_path(t, name), STORE_WRITE, NULL, &t->run, &s, &err));
	return s;
}

static void check_restore(struct scratch *t, struct store *s, const struct manifest *m)
{
	struct error err = ERROR_INIT;
	OK(snapshot_restore(s, m, scratch_path(t, "out"), 3, &t->run, &err));
	sample_check_dir(&spec, scratch_path(t, "out"));
	OK(fs_remove_tree(scratch_path(t, "out"), &err));
}

static void check_entries(struct store *s, const struct manifest *m)
{
	struct error err = ERROR_INIT;
	struct stream_index ix = { 0 };
	OK(stream_index_read(s, PREFIX, &m->objects, &ix, &err));
	assert_int_equal(ix.n, spec.entries + 1);
	for (unsigned i = 0; i < spec.entries; i++) {
		struct buf wanted = BUF_INIT(SIZE_MAX / 2), got = BUF_INIT(1 << 20);
		char name[256];
		sample_name(i, name);
		sample_data(&spec, i, &wanted);
		OK(stream_entry_read(s, PREFIX, &m->objects, stream_index_find(&ix, name), &got, &err));
		assert_int_equal(got.len, wanted.len);
		assert_memory_equal(buf_str(&got), buf_str(&wanted), wanted.len);
		buf_free(&wanted);
		buf_free(&got);
	}
	stream_index_free(&ix);
}

static void test_with_and_without_the_key(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store *s = open_store(t, "r");
	struct manifest *m = NULL;
	struct verify_report r;
	struct stream_index ix = { 0 };
	struct keys k, other;
	keys_new(&k);
	keys_new(&other);
	spec.recipients = k.to;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	OK(catalog_find(s, NULL, NULL, &m, &err));
	assert_true(manifest_encrypted(m));
	assert_string_equal(m->encrypted_for.item[0], k.recipient.data);
	assert_int_equal(m->objects.n, 2 * spec.shards + 1);
	for (size_t i = 0; i < m->objects.n; i++)
		assert_true(names_sealed(m->objects.item[i].key));

	OK(snapshot_verify(s, m, 3, &t->run, &r, &err)); /* the digests, by anybody */
	assert_true(r.digests_only && r.objects == m->objects.n && r.entries == 0);
	FAILS(ERR_USAGE, snapshot_restore(s, m, scratch_path(t, "out"), 3, &t->run, &err));
	assert_non_null(strstr(err.hint, "--identity"));
	FAILS(ERR_USAGE, stream_index_read(s, PREFIX, &m->objects, &ix, &err));
	FAILS(ERR_USAGE, catalog_authenticate(s, m, &err));

	m->objects.keyring = other.ring;
	FAILS(ERR_SNAPSHOT, snapshot_verify(s, m, 3, &t->run, &r, &err));
	assert_non_null(strstr(err.message, "no key given opens it"));
	assert_int_equal(err.sys_errno, ENOKEY);
	FAILS(ERR_SNAPSHOT, snapshot_restore(s, m, scratch_path(t, "out"), 3, &t->run, &err));
	assert_int_equal(access(scratch_path(t, "out"), F_OK), -1);

	m->objects.keyring = k.ring;
	OK(snapshot_verify(s, m, 3, &t->run, &r, &err));
	assert_true(!r.digests_only && r.entries == spec.entries + 1);
	check_restore(t, s, m);
	check_entries(s, m);
	manifest_free(m);
	keys_free(&k);
	keys_free(&other);
	store_free(s);
}

/* One bit anywhere is found without the key, by a digest, and with it; and a restore leaves nothing. */
/* Another letter, and a letter of base64 still: the header stays well-formed. */
static void change_letter(const char *path, long at)
{
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	int c = fgetc(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_not_equal(fputc(c == 'k' ? 'm' : 'k', f), EOF);
	assert_int_equal(fclose(f), 0);
}

static void test_damage(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store *s = open_store(t, "r");
	struct manifest *m = NULL;
	struct verify_report r;
	struct keys k;
	keys_new(&k);
	spec.recipients = k.to;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	OK(catalog_find(s, NULL, NULL, &m, &err));
	for (size_t i = 0; i < m->objects.n; i++) {
		char path[200];
		snprintf(path, sizeof path, "r/" PREFIX "%s", m->objects.item[i].key);
		for (unsigned n = 0; n < 6; n++) {
			int64_t at = (int64_t)(m->objects.item[i].size * n / 6);
			scratch_flip(scratch_path(t, path), at);
			m->objects.keyring = NULL;
			FAILS(ERR_SNAPSHOT, snapshot_verify(s, m, 2, &t->run, &r, &err));
			m->objects.keyring = k.ring;
			FAILS(ERR_SNAPSHOT, snapshot_verify(s, m, 2, &t->run, &r, &err));
			FAILS(ERR_SNAPSHOT, snapshot_restore(s, m, scratch_path(t, "out"), 2, &t->run, &err));
			assert_int_equal(access(scratch_path(t, "out"), F_OK), -1);
			scratch_flip(scratch_path(t, path), at);
		}
	}
	check_restore(t, s, m);
	/* A wrapped key that was damaged is not taken for a wrong key of ours. */
	m->objects.keyring = k.ring;
	change_letter(scratch_path(t, "r/" PREFIX "checkpoint.json.age"), 90);
	FAILS(ERR_SNAPSHOT, catalog_authenticate(s, m, &err));
	assert_non_null(strstr(err.message, "its digest is not the manifest's"));
	assert_int_not_equal(err.sys_errno, ENOKEY);
	manifest_free(m);
	keys_free(&k);
	store_free(s);
}

static void copy_object(struct store *from, struct store *to, const char *name)
{
	struct error err = ERROR_INIT;
	struct buf data = BUF_INIT(64 << 20);
	char key[200];
	snprintf(key, sizeof key, PREFIX "%s", name);
	OK(store_get(from, key, &data, &err));
	OK(to->ops->put(to, key, buf_str(&data), data.len, false, &err));
	buf_free(&data);
}

/* Put the manifest anew, as somebody does who has no key: sealed with one of his own, or with the seal that it had. */
static void forge(struct store *s, struct manifest *m, bool own_key)
{
	struct error err = ERROR_INIT;
	struct buf json = BUF_INIT(1 << 20);
	if (own_key)
		OK(manifest_new_seal_key(m, &err));
	OK(manifest_write(m, &json, &err));
	OK(s->ops->put(s, SAMPLE_INSTANCE "/manifests/" SAMPLE_ID ".json", json.data, json.len, false, &err));
	buf_free(&json);
}

/* Two snapshots for the same key: every object opens in the place of the other's, and every digest can be put right. The seal cannot. */
static void test_mixing(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store *s = open_store(t, "r"), *elsewhere = open_store(t, "elsewhere");
	struct manifest *m = NULL, *theirs = NULL, *again = NULL;
	struct verify_report r;
	struct keys k;
	keys_new(&k);
	spec.recipients = k.to;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	OK(sample_write(&spec, elsewhere, &t->run, NULL, &err));
	OK(catalog_find(elsewhere, NULL, NULL, &theirs, &err));
	for (size_t i = 0; i < theirs->objects.n; i++) {
		struct stream_object *o = &theirs->objects.item[i], kept;
		OK(catalog_find(s, NULL, NULL, &m, &err));
		struct stream_object *mine = (struct stream_object *)(uintptr_t)objects_find(&m->objects, o->key);
		char path[200];
		snprintf(path, sizeof path, PREFIX "%s", o->key);
		struct buf own = BUF_INIT(64 << 20), manifest = BUF_INIT(1 << 20);
		OK(store_get(s, path, &own, &err));
		OK(store_get(s, SAMPLE_INSTANCE "/manifests/" SAMPLE_ID ".json", &manifest, &err));
		kept = *mine;
		copy_object(elsewhere, s, o->key);
		m->objects.keyring = k.ring;
		FAILS(ERR_SNAPSHOT, snapshot_verify(s, m, 2, &t->run, &r, &err)); /* the digest is another's */
		memcpy(mine->sha256, o->sha256, sizeof mine->sha256);
		mine->size = o->size;
		forge(s, m, true);
		manifest_free(m);
		OK(catalog_find(s, NULL, NULL, &again, &err));
		OK(snapshot_verify(s, again, 2, &t->run, &r, &err)); /* all digests are right */
		again->objects.keyring = k.ring;
		FAILS(ERR_SNAPSHOT, snapshot_verify(s, again, 2, &t->run, &r, &err));
		assert_non_null(strstr(err.message, "HMAC is wrong"));
		FAILS(ERR_SNAPSHOT, snapshot_restore(s, again, scratch_path(t, "out"), 2, &t->run, &err));
		struct checkpoint *cp = NULL;
		FAILS(ERR_SNAPSHOT, catalog_checkpoint(s, again, &cp, &err)); /* which is what a seed reads first */
		manifest_free(again);
		OK(s->ops->put(s, path, own.data, own.len, false, &err));
		OK(s->ops->put(s, SAMPLE_INSTANCE "/manifests/" SAMPLE_ID ".json", manifest.data, manifest.len, false, &err));
		assert_int_equal(kept.size, own.len);
		buf_free(&own);
		buf_free(&manifest);
	}
	OK(catalog_find(s, NULL, NULL, &m, &err));
	forge(s, m, false); /* as it was: the same bytes */
	OK(catalog_find(s, NULL, NULL, &again, &err));
	again->objects.keyring = k.ring;
	OK(snapshot_verify(s, again, 2, &t->run, &r, &err));
	manifest_free(again);
	manifest_free(m);
	manifest_free(theirs);
	keys_free(&k);
	store_free(s);
	store_free(elsewhere);
}

/* A manifest without its seal, or with an object in clear among the encrypted ones, is damaged whatever its digest says. */
static void test_manifests_that_are_not_taken(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store *s = open_store(t, "r");
	struct manifest *m = NULL, *bad = NULL;
	struct buf json = BUF_INIT(1 << 20);
	struct keys k;
	keys_new(&k);
	spec.recipients = k.to;
	OK(sample_write(&spec, s, &t->run, NULL, &err));
	OK(catalog_find(s, NULL, NULL, &m, &err));
	OK(manifest_new_seal_key(m, &err));
	m->objects.item[0].key[strlen(m->objects.item[0].key) - 4] = '\0';
	OK(manifest_write(m, &json, &err));
	FAILS(ERR_SNAPSHOT, manifest_read(json.data, json.len, &bad, &err));
	assert_non_null(strstr(err.message, "is not encrypted, unlike the snapshot"));
	strlist_free(&m->encrypted_for);
	buf_clear(&json);
	OK(manifest_write(m, &json, &err));
	FAILS(ERR_SNAPSHOT, manifest_read(json.data, json.len, &bad, &err));
	assert_non_null(strstr(err.message, "is encrypted, unlike the snapshot"));
	manifest_free(m);
	buf_free(&json);
	keys_free(&k);
	store_free(s);
}

static enum status unpack(struct scratch *t, const char *file, struct age_keyring *ring, struct error *err)
{
	int fd;
	struct store *pipe = sample_open_pipe(file, &t->run, &fd);
	enum status st = snapshot_unpack_stream(pipe, ring, scratch_path(t, "out"), &t->run, NULL, err);
	store_free(pipe);
	close(fd);
	return st;
}

/* Through a pipe the tar is encrypted as a whole. */
static void test_pipe(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct buf whole = BUF_INIT(64 << 20);
	const char *file = scratch_path(t, "stream.age"), *cut = scratch_path(t, "cut.age");
	struct keys k, other;
	keys_new(&k);
	keys_new(&other);
	spec.recipients = k.to;
	struct sample_spec one = spec;
	one.shards = 1;
	sample_write_pipe(&one, &t->run, file);
	OK(fs_read_file(file, &whole, &err));
	assert_memory_equal(whole.data, "age-encryption.org/v1\n", 22);
	OK(unpack(t, file, k.ring, &err));
	sample_check_dir(&spec, scratch_path(t, "out"));
	OK(fs_remove_tree(scratch_path(t, "out"), &err));
	FAILS(ERR_USAGE, unpack(t, file, NULL, &err));
	FAILS(ERR_SNAPSHOT, unpack(t, file, other.ring, &err));
	for (size_t len = 0; len < whole.len; len += len < 300 ? 37 : 39989) {
		scratch_write(cut, whole.data, len);
		FAILS(ERR_SNAPSHOT, unpack(t, cut, k.ring, &err));
		assert_int_equal(access(scratch_path(t, "out"), F_OK), -1);
		assert_int_equal(access(scratch_path(t, "out.part"), F_OK), -1);
	}
	scratch_write(cut, whole.data, whole.len);
	scratch_flip(cut, -1);
	FAILS(ERR_SNAPSHOT, unpack(t, cut, k.ring, &err)); /* the tar has ended before it: the last tag counts all the same */

	int fd;
	struct store *pipe = sample_open_pipe(file, &t->run, &fd), *spooled;
	struct manifest *m = NULL;
	OK(snapshot_spool_stream(pipe, k.ring, scratch_path(t, "spool"), &t->run, &err));
	store_free(pipe);
	close(fd);
	spooled = open_store(t, "spool");
	OK(catalog_find(spooled, NULL, NULL, &m, &err));
	assert_false(manifest_encrypted(m));
	check_restore(t, spooled, m);
	manifest_free(m);
	store_free(spooled);
	buf_free(&whole);
	keys_free(&k);
	keys_free(&other);
}

/* Whichever call of the store fails, the error comes out, nothing is half published, and a restore leaves nothing. */
static void test_every_call_fails(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store_fault *f;
	struct store *s = store_fault_new(open_store(t, "r"), &t->run, &f);
	struct manifest *m = NULL;
	struct keys k;
	keys_new(&k);
	const struct sample_spec sealed = { .entries = 12, .shards = 2, .largest = 3000, .recipients = k.to };
	bool hit = true;
	for (unsigned n = 1; hit; n++) {
		struct catalog c = { 0 };
		store_fault_at(f, FAULT_ANY, n, false);
		enum status st = sample_write(&sealed, s, &t->run, NULL, &err);
		hit = store_fault_hit(f);
		store_fault_at(f, FAULT_ANY, 0, false);
		OK(catalog_list(s, NULL, &c, &err));
		assert_int_equal(c.n, hit ? 0 : 1);
		catalog_free(&c);
		assert_int_equal(st == ST_OK, !hit);
	}
	OK(catalog_find(s, NULL, NULL, &m, &err));
	m->objects.keyring = k.ring;
	hit = true;
	for (unsigned n = 1; hit; n++) {
		struct verify_report r;
		store_fault_at(f, FAULT_ANY, n, false);
		enum status st = snapshot_verify(s, m, 2, &t->run, &r, &err);
		hit = store_fault_hit(f);
		if (hit)
			scratch_fails(st, &err, ERR_STORE, __FILE__, __LINE__);
		else
			scratch_ok(st, &err, __FILE__, __LINE__);
	}
	manifest_free(m);
	keys_free(&k);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_with_and_without_the_key, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_damage, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_mixing, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_manifests_that_are_not_taken, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_pipe, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_every_call_fails, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
