/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: the bytes as they are, which must not pass without a right digest; and with a right one put behind them, which makes the reader look at
 * what is in them. What it takes is written and read to the same again.
 */
#include "fuzz.h"
#include "slackwater/catalog.h"

enum { FUZZ_MAX = 64 << 20 };

static void fuzz_again(const struct manifest *m)
{
	struct buf text = BUF_INIT(FUZZ_MAX), again = BUF_INIT(FUZZ_MAX), prefix = BUF_INIT(FUZZ_MAX);
	struct manifest *n = NULL;
	struct error err;
	fuzz_require(*m->id && m->instance && m->tool && m->layout && m->server_identity && m->server_hostname);
	fuzz_require(manifest_write(m, &text, &err) == ST_OK);
	fuzz_require(manifest_read(buf_str(&text), text.len, &n, &err) == ST_OK);
	fuzz_require(manifest_write(n, &again, &err) == ST_OK);
	fuzz_require(text.len == again.len && memcmp(buf_str(&text), buf_str(&again), text.len) == 0);
	fuzz_require(strcmp(m->id, n->id) == 0 && m->objects.n == n->objects.n && manifest_encrypted(m) == manifest_encrypted(n));
	catalog_prefix(m, &prefix);
	fuzz_require(!prefix.bad && prefix.len && prefix.data[prefix.len - 1] == '/' && prefix.data[0] != '/');
	manifest_free(n);
	buf_free(&prefix);
	buf_free(&text);
	buf_free(&again);
}

static void fuzz_read(const char *text, size_t len)
{
	struct manifest *m = NULL;
	struct error err;
	enum status st = manifest_read(text, len, &m, &err);
	fuzz_require(st == ST_OK || (err.kind == ERR_SNAPSHOT && !m));
	if (m)
		fuzz_again(m);
	manifest_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT(FUZZ_MAX);
	char sha256[DIGEST_HEX], *raw = fuzz_text(data, size);
	struct error err;
	fuzz_read(raw, size);
	buf_add(&text, data, size);
	fuzz_require(digest_of(data, size, sha256, &err) == ST_OK);
	buf_addf(&text, "  \"sha256\": \"%s\"\n}\n", sha256);
	fuzz_require(!text.bad);
	fuzz_read(text.data, text.len);
	buf_free(&text);
	free(raw);
	return 0;
}
