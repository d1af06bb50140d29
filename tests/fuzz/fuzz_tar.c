/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untar: any bytes as a stream of entries. What is told is a file's name and nothing else, its data have the announced size, and the entries of
 * a tar that is sound, written by our own writer, are read as the same again.
 */
#include "fuzz.h"
#include "store_bytes.h"
#include "stream/names.h"
#include "stream/sink_buf.h"
#include "stream/tar.h"
#include "stream/untar.h"

enum { FUZZ_MAX = 16 << 20, ENTRY_MAX = 1 << 20 };

struct seen {
	struct buf all;   /* names and data, one after the other */
	struct tar *tar;  /* where they are written again; NULL: nowhere */
	bool too_large;
};

static enum status fuzz_entry(struct untar *u, const char *name, uint64_t size, struct seen *s, struct error *err)
{
	struct buf data = BUF_INIT(ENTRY_MAX);
	const void *piece;
	uint64_t offset;
	size_t n = 1;
	enum status st = ST_OK;
	fuzz_require(names_entry_valid(name));
	buf_addf(&s->all, "%s:%llu:", name, (unsigned long long)size);
	if (size > ENTRY_MAX) {
		s->too_large = true;
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "too large");
	}
	while (!st && n) {
		st = untar_data(u, &piece, &n, err);
		if (!st)
			buf_add(&data, piece, n);
		fuzz_require(!data.bad && data.len <= size);
	}
	fuzz_require(st || data.len == size);
	buf_add(&s->all, buf_str(&data), data.len);
	if (!st && s->tar)
		fuzz_require(tar_add(s->tar, name, buf_str(&data), data.len, &offset, err) == ST_OK);
	buf_free(&data);
	return st;
}

static enum status fuzz_read(const char *data, size_t size, struct seen *s)
{
	struct store_bytes b;
	struct store_reader *r = NULL;
	struct untar *u = NULL;
	struct error err;
	const char *name = "";
	uint64_t entry = 0;
	store_bytes_init(&b, data, size);
	fuzz_require(b.base.ops->open(&b.base, "it", 0, 0, &r, &err) == ST_OK);
	enum status st = untar_new(r, &u, &err);
	while (!st && name) {
		st = untar_next(u, &name, &entry, &err);
		fuzz_require(st || untar_position(u) <= size);
		if (!st && name)
			st = fuzz_entry(u, name, entry, s, &err);
	}
	if (!st)
		st = untar_drain(u, &err);
	fuzz_require(st == ST_OK || err.kind == ERR_SNAPSHOT);
	untar_free(u);
	store_reader_free(r);
	return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(FUZZ_MAX);
	struct seen first = { .all = BUF_INIT(FUZZ_MAX) }, again = { .all = BUF_INIT(FUZZ_MAX) };
	struct sink *sink = NULL;
	struct error err;
	fuzz_require(sink_buf_new(&out, &sink, &err) == ST_OK && tar_new(sink, 0, &first.tar, &err) == ST_OK);
	if (fuzz_read((const char *)data, size, &first) == ST_OK) {
		fuzz_require(tar_end(first.tar, &err) == ST_OK && !out.bad);
		fuzz_require(fuzz_read(buf_str(&out), out.len, &again) == ST_OK);
		fuzz_require(first.all.len == again.all.len && memcmp(buf_str(&first.all), buf_str(&again.all), again.all.len) == 0);
	}
	tar_free(first.tar);
	sink_free(sink);
	buf_free(&out);
	buf_free(&first.all);
	buf_free(&again.all);
	return 0;
}
