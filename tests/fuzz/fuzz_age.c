/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age: any bytes as a file, against one key. Besides memory: a header is the same header however much of what follows is there; what is read at an offset is
 * what is read from front to back, and the one succeeds where the other does. The corpus holds whole files for the key, so that what is changed
 * behind their headers is reached.
 */
#include "fuzz.h"
#include "slackwater/age.h"
#include "store_bytes.h"
#include "stream/age_armor.h"
#include "stream/age_header.h"
#include "unseal.h"

enum { FUZZ_MAX = 8 << 20, FUZZ_BLOCK = 64 * 1024 };

/* Made for this test. */
static const char identity[] = "AGE-SECRET-KEY-1D862NAL8AG0YLCF96D5LC8NESYVRKG4FNGT6A7755XE0XNH2DENQAQKGEE";

static void fuzz_header(const char *text, size_t len)
{
	struct age_header whole = { 0 }, part = { 0 };
	struct error err;
	bool is_whole = false, part_whole = false;
	if (age_header_parse(text, len, true, &whole, &is_whole, &err) == ST_OK) {
		fuzz_require(is_whole && whole.size <= len && whole.covered < whole.size && whole.n > 0);
		for (size_t cut = 0; cut <= whole.size; cut += 1 + whole.size / 16) {
			enum status st = age_header_parse(text, cut, false, &part, &part_whole, &err);
			fuzz_require(st == ST_OK && part_whole == (cut == whole.size));
			age_header_free(&part);
		}
	}
	age_header_free(&whole);
}

static enum status read_at(struct store_bytes *b, struct age_keyring *k, uint64_t offset, uint64_t len, struct buf *out)
{
	struct store_reader *r = NULL;
	struct error err;
	enum status st = age_reader_at(&b->base, "it", b->len, k, offset, len, &r, &err);
	for (size_t n = 1; !st && n;) {
		buf_reserve(out, FUZZ_BLOCK);
		fuzz_require(!out->bad);
		st = r->ops->read(r, out->data + out->len, FUZZ_BLOCK, &n, &err);
		if (!st)
			out->len += n;
	}
	store_reader_free(r);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_bytes b;
	struct buf clear = BUF_INIT(FUZZ_MAX), at = BUF_INIT(FUZZ_MAX), slice = BUF_INIT(FUZZ_MAX);
	struct age_keyring *k = NULL;
	struct error err;
	store_bytes_init(&b, (const char *)data, size);
	fuzz_header((const char *)data, size);
	fuzz_require(age_keyring_new(&k, &err) == ST_OK && age_keyring_add(k, identity, &err) == ST_OK);
	enum status whole = unseal_whole(k, "it", data, size, &clear, &err);
	fuzz_require(whole == ST_OK || err.kind == ERR_SNAPSHOT);
	if (!age_armor_begins((const char *)data, size)) {
		enum status ranged = read_at(&b, k, 0, FUZZ_MAX / 2, &at);
		fuzz_require((whole == ST_OK) == (ranged == ST_OK));
		if (!whole)
			fuzz_require(at.len == clear.len && !memcmp(buf_str(&at), buf_str(&clear), at.len));
		if (!whole && clear.len > 1) {
			size_t from = (size_t)data[size - 1] * 257 % clear.len, len = 1 + (size_t)data[size / 2] * 509 % clear.len;
			fuzz_require(read_at(&b, k, from, len, &slice) == ST_OK);
			fuzz_require(slice.len == (len < clear.len - from ? len : clear.len - from) && !memcmp(slice.data, clear.data + from, slice.len));
		}
	}
	age_keyring_free(k);
	buf_free(&clear);
	buf_free(&at);
	buf_free(&slice);
	return 0;
}
