/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and files round the ends of chunks: whole, in pieces, at any offset; and whatever is done to them is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "scratch.h"
#include "slackwater/age.h"
#include "slackwater/fs.h"
#include "store_bytes.h"
#include "store_fault.h"
#include "stream/sink_age.h"
#include "stream/sink_buf.h"
#include "unseal.h"

enum { CHUNK = 65536, ROOM = 8 << 20 };

static const size_t sizes[] = { 0, 1, 2, 511, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK, 200000 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static uint32_t next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 8;
}

static struct buf make(size_t len)
{
	struct buf b = BUF_INIT(ROOM);
	uint32_t x = (uint32_t)len + 1;
	buf_reserve(&b, len);
	for (size_t i = 0; i < len; i++)
		buf_addc(&b, (char)next(&x));
	return b;
}

/* Written in pieces of all sizes, it is the same; read back whole. */
static void test_round_trip(void **state)
{
	static const size_t pieces[] = { 1000, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK };
	struct error err = ERROR_INIT;
	struct keys k;
	(void)state;
	keys_new(&k);
	for (size_t i = 0; i < SIZES; i++)
		for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
			struct buf clear = make(sizes[i]), sealed = BUF_INIT(ROOM), back = BUF_INIT(ROOM);
			struct sink *kept, *s;
			OK(sink_buf_new(&sealed, &kept, &err));
			OK(sink_age_new(k.to, kept, &s, &err));
			for (size_t at = 0; at < clear.len; at += pieces[p])
				OK(sink_write(s, clear.data + at, clear.len - at < pieces[p] ? clear.len - at : pieces[p], &err));
			OK(sink_end(s, &err));
			sink_free(s);
			size_t chunks = sizes[i] ? (sizes[i] + CHUNK - 1) / CHUNK : 1;
			assert_int_equal(sealed.len, 168 + 16 + sizes[i] + 16 * chunks); /* a header for one key, the nonce, the tags */
			OK(unseal_whole(k.ring, "it", sealed.data, sealed.len, &back, &err));
			assert_int_equal(back.len, clear.len);
			assert_memory_equal(buf_str(&back), buf_str(&clear), clear.len);
			buf_free(&clear);
			buf_free(&sealed);
			buf_free(&back);
		}
	keys_free(&k);
}

static enum status read_at(struct store *s, const char *key, uint64_t size, struct age_keyring *ring, uint64_t offset, uint64_t len,
                           struct buf *ret, struct error *err)
{
	struct store_reader *r = NULL;
	uint32_t x = (uint32_t)(offset + len);
	buf_clear(ret);
	enum status st = age_reader_at(s, key, size, ring, offset, len, &r, err);
	for (size_t n = 1; !st && n;) {
		size_t want = 1 + next(&x) % 100000;
		buf_reserve(ret, want);
		st = r->ops->read(r, ret->data + ret->len, want, &n, err);
		if (!st)
			ret->len += n;
	}
	store_reader_free(r);
	return st;
}

static struct store *fault_store(struct scratch *t, struct store_fault **f)
{
	struct error err = ERROR_INIT;
	struct store *s = NULL;
	OK(store_open(scratch_path(t, "r"), STORE_WRITE, NULL, &t->run, &s, &err));
	return store_fault_new(s, &t->run, f);
}

static void check_slice(struct store *s, const char *key, uint64_t stored, struct age_keyring *ring, const struct buf *clear,
                        uint64_t offset, uint64_t len)
{
	struct error err = ERROR_INIT;
	struct buf got = BUF_INIT(ROOM);
	OK(read_at(s, key, stored, ring, offset, len, &got, &err));
	uint64_t there = offset < clear->len ? clear->len - offset : 0, wanted = len < there ? len : there;
	assert_int_equal(got.len, wanted);
	if (wanted)
		assert_memory_equal(got.data, clear->data + offset, wanted);
	buf_free(&got);
}

/* Every piece between two of the places where something begins or ends, and a thousand at random: what a ranged read gives is that slice. */
static void test_any_piece(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct store_fault *f;
	struct store *s = fault_store(t, &f);
	struct keys k;
	keys_new(&k);
	for (size_t i = 0; i < SIZES; i++) {
		struct buf clear = make(sizes[i]), sealed = BUF_INIT(ROOM);
		char key[32];
		uint32_t x = 7;
		snprintf(key, sizeof key, "a/file-%zu", i);
		OK(age_seal(k.to, buf_str(&clear), clear.len, &sealed, &err));
		OK(s->ops->put(s, key, sealed.data, sealed.len, false, &err));
		for (size_t a = 0; a < SIZES; a++)
			for (size_t b = 0; b < SIZES; b++)
				if (sizes[b] > sizes[a])
					check_slice(s, key, sealed.len, k.ring, &clear, sizes[a], sizes[b] - sizes[a]);
		for (unsigned n = 0; n < 100; n++)
			check_slice(s, key, sealed.len, k.ring, &clear, next(&x) % (sizes[i] + 10), 1 + next(&x) % (sizes[i] + 10));
		/* The header was read once; a piece costs one get. */
		store_fault_at(f, FAULT_OPEN, 0, false);
		check_slice(s, key, sealed.len, k.ring, &clear, 0, 1);
		assert_int_equal(store_fault_calls(f, FAULT_OPEN), 1);
		buf_free(&clear);
		buf_free(&sealed);
	}
	keys_free(&k);
	store_free(s);
}

/* Read it whole, and as a piece of an object: both fail, and what came before the failure is sound. */
static void check_found(const struct keys *k, const struct buf *clear, const char *sealed, size_t len)
{
	struct error err = ERROR_INIT;
	struct buf got = BUF_INIT(ROOM), piece = BUF_INIT(ROOM);
	struct age_keyring *fresh;
	FAILS(ERR_SNAPSHOT, unseal_whole(k->ring, "it", sealed, len, &got, &err));
	assert_true(got.len <= clear->len);
	if (got.len)
		assert_memory_equal(got.data, clear->data, got.len);
	buf_free(&got);
	struct store_bytes s;
	store_bytes_init(&s, sealed, len);
	OK(age_keyring_new(&fresh, &err));
	OK(age_keyring_add(fresh, k->identity.data, &err));
	FAILS(ERR_SNAPSHOT, read_at(&s.base, "hurt", len, fresh, 0, clear->len, &piece, &err));
	age_keyring_free(fresh);
	buf_free(&piece);
}

static void test_damage_is_found(void **state)
{
	struct error err = ERROR_INIT;
	struct keys k;
	(void)state;
	keys_new(&k);
	struct buf clear = make(2 * CHUNK + 100), sealed = BUF_INIT(ROOM);
	OK(age_seal(k.to, clear.data, clear.len, &sealed, &err));
	size_t body = sealed.len - (2 * CHUNK + 100 + 3 * 16), chunk = CHUNK + 16;
	/* one bit of every byte of header, nonce, and round the ends of the chunks */
	for (size_t at = 0; at < sealed.len; at++) {
		size_t in = at < body ? 0 : (at - body) % chunk;
		if (at >= body && in > 20 && in < chunk - 20 && at % 9973)
			continue;
		sealed.data[at] = (char)(sealed.data[at] ^ 4);
		check_found(&k, &clear, sealed.data, sealed.len);
		sealed.data[at] = (char)(sealed.data[at] ^ 4);
	}
	/* cut off anywhere; the ends of chunks among the places */
	for (size_t len = 0; len < sealed.len; len += len < body + 40 ? 1 : 997)
		check_found(&k, &clear, sealed.data, len);
	for (size_t n = 0; n < 3; n++)
		check_found(&k, &clear, sealed.data, body + n * chunk);
	/* two chunks changed places; something follows */
	struct buf other = BUF_INIT(ROOM);
	buf_add(&other, sealed.data, body);
	buf_add(&other, sealed.data + body + chunk, chunk);
	buf_add(&other, sealed.data + body, chunk);
	buf_add(&other, sealed.data + body + 2 * chunk, sealed.len - body - 2 * chunk);
	check_found(&k, &clear, other.data, other.len);
	buf_clear(&other);
	buf_add(&other, sealed.data, sealed.len);
	buf_addc(&other, 'x');
	check_found(&k, &clear, other.data, other.len);
	/* whole, but the store has another size than the manifest: found at the first opening, whichever piece is asked for */
	struct buf piece = BUF_INIT(ROOM);
	struct store_bytes s;
	store_bytes_init(&s, other.data, other.len);
	FAILS(ERR_SNAPSHOT, read_at(&s.base, "longer", sealed.len, k.ring, 0, 10, &piece, &err));
	store_bytes_init(&s, sealed.data, sealed.len - 1);
	FAILS(ERR_SNAPSHOT, read_at(&s.base, "shorter", sealed.len, k.ring, 0, 10, &piece, &err));
	store_bytes_init(&s, sealed.data, sealed.len);
	OK(read_at(&s.base, "right", sealed.len, k.ring, 0, 10, &piece, &err));
	buf_free(&piece);
	buf_free(&other);
	buf_free(&clear);
	buf_free(&sealed);
	keys_free(&k);
}

static void test_several_recipients(void **state)
{
	struct error err = ERROR_INIT;
	struct keys k[3];
	struct buf sealed = BUF_INIT(ROOM), back = BUF_INIT(ROOM);
	(void)state;
	for (size_t i = 0; i < 3; i++)
		keys_new(&k[i]);
	OK(age_recipients_add(k[0].to, k[1].recipient.data, &err));
	OK(age_recipients_add(k[0].to, k[1].recipient.data, &err)); /* twice is once */
	assert_int_equal(age_recipients_names(k[0].to)->n, 2);
	OK(age_seal(k[0].to, "text", 4, &sealed, &err));
	for (size_t i = 0; i < 2; i++) {
		buf_clear(&back);
		OK(unseal_whole(k[i].ring, "it", sealed.data, sealed.len, &back, &err));
		assert_string_equal(back.data, "text");
	}
	FAILS(ERR_SNAPSHOT, unseal_whole(k[2].ring, "the file", sealed.data, sealed.len, &back, &err));
	assert_non_null(strstr(err.message, "the file: no key given opens it"));
	assert_non_null(strstr(err.hint, "--identity"));
	FAILS(ERR_USAGE, unseal_whole(NULL, "the file", sealed.data, sealed.len, &back, &err));
	for (size_t i = 0; i < 3; i++)
		keys_free(&k[i]);
	buf_free(&sealed);
	buf_free(&back);
}

static void test_passphrase(void **state)
{
	struct error err = ERROR_INIT;
	struct age_recipients *to;
	struct age_keyring *right, *wrong;
	struct keys k;
	struct buf sealed = BUF_INIT(ROOM), back = BUF_INIT(ROOM);
	(void)state;
	keys_new(&k);
	OK(age_recipients_new(&to, &err));
	FAILS(ERR_USAGE, age_seal(to, "x", 1, &sealed, &err)); /* for nobody */
	FAILS(ERR_USAGE, age_recipients_passphrase(to, "", &err));
	OK(age_recipients_passphrase(to, "slack water", &err));
	FAILS(ERR_USAGE, age_recipients_add(to, k.recipient.data, &err));
	FAILS(ERR_USAGE, age_recipients_passphrase(k.to, "slack water", &err));
	assert_string_equal(age_recipients_names(to)->item[0], "passphrase");
	OK(age_seal(to, "text", 4, &sealed, &err));
	OK(age_keyring_new(&right, &err));
	OK(age_keyring_passphrase(right, "slack water", &err));
	OK(age_keyring_new(&wrong, &err));
	OK(age_keyring_passphrase(wrong, "slack Water", &err));
	OK(unseal_whole(right, "it", sealed.data, sealed.len, &back, &err));
	assert_string_equal(back.data, "text");
	FAILS(ERR_SNAPSHOT, unseal_whole(wrong, "it", sealed.data, sealed.len, &back, &err));
	assert_non_null(strstr(err.hint, "wrong"));
	FAILS(ERR_SNAPSHOT, unseal_whole(k.ring, "it", sealed.data, sealed.len, &back, &err));
	assert_non_null(strstr(err.hint, "SLACKWATER_PASSPHRASE"));
	age_keyring_free(right);
	age_keyring_free(wrong);
	age_recipients_free(to);
	keys_free(&k);
	buf_free(&sealed);
	buf_free(&back);
}

/* Any slip of the pen is found; no message repeats a secret. */
static void test_keys(void **state)
{
	struct error err = ERROR_INIT;
	struct keys k, fresh;
	(void)state;
	keys_new(&k);
	keys_new(&fresh);
	assert_int_equal(k.recipient.len, 62);
	assert_int_equal(k.identity.len, 74);
	assert_memory_equal(k.identity.data, "AGE-SECRET-KEY-1", 16);
	for (size_t i = 0; i < k.recipient.len; i++) {
		char was = k.recipient.data[i];
		k.recipient.data[i] = was == 'q' ? 'p' : 'q';
		FAILS(ERR_USAGE, age_recipients_add(fresh.to, k.recipient.data, &err));
		assert_true(i < 4 || strstr(err.hint, "its checksum does not match: mistyped?")); /* the first four say that it is one */
		k.recipient.data[i] = was;
	}
	for (size_t i = 0; i < k.identity.len; i++) {
		char was = k.identity.data[i];
		k.identity.data[i] = was == 'Q' ? 'P' : 'Q';
		FAILS(ERR_USAGE, age_keyring_add(fresh.ring, k.identity.data, &err));
		assert_null(strstr(err.message, k.identity.data + 20));
		k.identity.data[i] = was;
	}
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, k.identity.data, &err));
	assert_null(strstr(err.message, k.identity.data + 16));
	FAILS(ERR_USAGE, age_keyring_add(fresh.ring, k.recipient.data, &err));
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, "age1", &err));
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, "age1yubikey1qqqqqqq", &err));
	/* Bits that belong to no byte of the key are zero, though the checksum be right. */
	OK(age_recipients_add(fresh.to, "age1r23clxd5mzfsh79vn6pg0kaytjeq8w4ur23clxd5mzfsh79vn6psewe5ut", &err));
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, "age1r23clxd5mzfsh79vn6pg0kaytjeq8w4ur23clxd5mzfsh79vn6p3ycdppe", &err));
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, "age1r23clxd5mzfsh79vn6pg0kaytjeq8w4ur23clxd5mzfsh79vn6pc86aczk", &err));
	size_t letter = 4 + strcspn(k.recipient.data + 4, "acdefghjklmnpqrstuvwxyz");
	assert_true(letter < k.recipient.len);
	k.recipient.data[letter] = (char)(k.recipient.data[letter] & ~32); /* mixed case */
	FAILS(ERR_USAGE, age_recipients_add(fresh.to, k.recipient.data, &err));
	keys_free(&k);
	keys_free(&fresh);
}

static void test_key_files(void **state)
{
	struct scratch *t = *state;
	struct error err = ERROR_INIT;
	struct keys k, empty;
	struct buf text = BUF_INIT(1000), sealed = BUF_INIT(ROOM), back = BUF_INIT(ROOM);
	const char *path = scratch_path(t, "keys");
	keys_new(&k);
	keys_new(&empty);
	buf_addf(&text, "# created: today\r\n\n   \n# public key: %s\n%s", k.recipient.data, k.identity.data);
	scratch_write(path, text.data, text.len);
	OK(age_keyring_add_file(empty.ring, path, &err));
	OK(age_seal(k.to, "text", 4, &sealed, &err));
	OK(unseal_whole(empty.ring, "it", sealed.data, sealed.len, &back, &err));
	FAILS(ERR_USAGE, age_recipients_add(empty.to, path, &err)); /* it holds the secret one */
	assert_non_null(strstr(err.message, "line 5"));
	buf_clear(&text);
	buf_addf(&text, "%s\r\n#\n\t%s \n", k.recipient.data, empty.recipient.data);
	scratch_write(path, text.data, text.len);
	OK(age_recipients_add(empty.to, path, &err));
	assert_int_equal(age_recipients_names(empty.to)->n, 2);
	FAILS(ERR_USAGE, age_keyring_add_file(empty.ring, path, &err));
	scratch_write(path, "# nothing\n", 10);
	FAILS(ERR_USAGE, age_keyring_add_file(empty.ring, path, &err));
	FAILS(ERR_USAGE, age_keyring_add_file(empty.ring, scratch_path(t, "absent"), &err));
	FAILS(ERR_USAGE, age_recipients_add(empty.to, scratch_path(t, "absent"), &err));
	scratch_write(path, sealed.data, sealed.len);
	FAILS(ERR_USAGE, age_keyring_add_file(empty.ring, path, &err));
	assert_non_null(strstr(err.message, "encrypted itself"));
	keys_free(&k);
	keys_free(&empty);
	buf_free(&text);
	buf_free(&sealed);
	buf_free(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test_setup_teardown(test_any_piece, scratch_setup, scratch_teardown),
		cmocka_unit_test(test_damage_is_found),
		cmocka_unit_test(test_several_recipients),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_keys),
		cmocka_unit_test_setup_teardown(test_key_files, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
