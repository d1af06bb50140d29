/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age: any bytes as a file, against one key. Besides memory: a header is the same header however much of what follows is there; what is read at an offset is
 * what is read from front to back, and the one succeeds where the other does. The corpus holds whole files for the key, so that what is changed
 * behind their headers is reached.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/age.h"
#include "stream/age_armor.h"
#include "stream/age_header.h"

enum { FUZZ_MAX = 8 << 20, FUZZ_BLOCK = 64 * 1024 };

/* Made for this test. */
static const char identity[] = "AGE-SECRET-KEY-1D862NAL8AG0YLCF96D5LC8NESYVRKG4FNGT6A7755XE0XNH2DENQAQKGEE";

struct bytes {
	struct store store;
	const uint8_t *data;
	size_t len;
};

struct bytes_reader {
	struct store_reader base;
	const uint8_t *at;
	size_t left;
};

static void require(int true_)
{
	if (!true_)
		abort();
}

static enum status reader_read(struct store_reader *base, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct bytes_reader *r = (struct bytes_reader *)base;
	size_t n = r->left < cap ? r->left : cap;
	(void)err;
	memcpy(data, r->at, n);
	r->at += n;
	r->left -= n;
	*ret_n = n;
	return ST_OK;
}

static void reader_free(struct store_reader *base)
{
	free(base);
}

static const struct store_reader_ops reader_ops = { reader_read, reader_free };

static enum status bytes_open(struct store *s, const char *key, uint64_t offset, uint64_t len, struct store_reader **ret, struct error *err)
{
	struct bytes *b = (struct bytes *)s;
	struct bytes_reader *r = calloc(1, sizeof *r);
	(void)key;
	if (!r)
		return error_oom(err);
	size_t from = offset < b->len ? (size_t)offset : b->len;
	*r = (struct bytes_reader){ { &reader_ops }, b->data + from, b->len - from };
	if (len && r->left > len)
		r->left = (size_t)len;
	*ret = &r->base;
	return ST_OK;
}

static const struct store_ops bytes_ops = { .open = bytes_open };

static void fuzz_header(const char *text, size_t len)
{
	struct age_header whole = { 0 }, part = { 0 };
	struct error err;
	bool is_whole = false, part_whole = false;
	if (age_header_parse(text, len, true, &whole, &is_whole, &err) == ST_OK) {
		require(is_whole && whole.size <= len && whole.covered < whole.size && whole.n > 0);
		for (size_t cut = 0; cut <= whole.size; cut += 1 + whole.size / 16) {
			enum status st = age_header_parse(text, cut, false, &part, &part_whole, &err);
			require(st == ST_OK && part_whole == (cut == whole.size));
			age_header_free(&part);
		}
	}
	age_header_free(&whole);
}

static enum status read_at(struct bytes *b, struct age_keyring *k, uint64_t offset, uint64_t len, struct buf *out)
{
	struct store_reader *r = NULL;
	struct error err;
	enum status st = age_reader_at(&b->store, "it", b->len, k, offset, len, &r, &err);
	for (size_t n = 1; !st && n;) {
		buf_reserve(out, FUZZ_BLOCK);
		require(!out->bad);
		st = r->ops->read(r, out->data + out->len, FUZZ_BLOCK, &n, &err);
		if (!st)
			out->len += n;
	}
	store_reader_free(r);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { .store = { .ops = &bytes_ops }, .data = data, .len = size };
	struct buf clear = BUF_INIT(FUZZ_MAX), at = BUF_INIT(FUZZ_MAX), slice = BUF_INIT(FUZZ_MAX);
	struct age_keyring *k = NULL;
	struct error err;
	fuzz_header((const char *)data, size);
	require(age_keyring_new(&k, &err) == ST_OK && age_keyring_add(k, identity, &err) == ST_OK);
	enum status whole = age_unseal(k, "it", data, size, &clear, &err);
	require(whole == ST_OK || err.kind == ERR_SNAPSHOT);
	if (!age_armor_begins((const char *)data, size)) {
		enum status ranged = read_at(&b, k, 0, FUZZ_MAX / 2, &at);
		require((whole == ST_OK) == (ranged == ST_OK));
		if (!whole)
			require(at.len == clear.len && !memcmp(buf_str(&at), buf_str(&clear), at.len));
		if (!whole && clear.len > 1) {
			size_t from = (size_t)data[size - 1] * 257 % clear.len, len = 1 + (size_t)data[size / 2] * 509 % clear.len;
			require(read_at(&b, k, from, len, &slice) == ST_OK);
			require(slice.len == (len < clear.len - from ? len : clear.len - from) && !memcmp(slice.data, clear.data + from, slice.len));
		}
	}
	age_keyring_free(k);
	buf_free(&clear);
	buf_free(&at);
	buf_free(&slice);
	return 0;
}
