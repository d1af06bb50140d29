/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of S3: any bytes as a page of a listing, as a list of unfinished uploads and as an error. A page that is taken has all its texts inside
 * itself and is the same when it is read again; one that was cut is not taken. What an error says is short and fit for a terminal.
 */
#include "fuzz.h"
#include "store/s3/answer.h"
#include "store/s3/listing.h"

enum { FUZZ_MAX = 1 << 20 };

static enum status fuzz_page(struct listing_page *p, const uint8_t *data, size_t size)
{
	struct client_call call = { .a = { .status = 200, .body = BUF_INIT(FUZZ_MAX) }, .arg = p };
	struct error err;
	buf_add(&call.a.body, data, size);
	enum status st = listing_read(&call, &err);
	fuzz_require(st == ST_OK || (st == ST_RETRY && err.kind == ERR_STORE));
	client_done(&call);
	return st;
}

static void fuzz_item(const struct listing_page *p, size_t offset)
{
	fuzz_require(offset < p->text.len);
	fuzz_require(strlen(listing_text(p, offset)) < p->text.len - offset);
}

/* Behind the end of the root nothing but blanks may come, unless there are comments and the like. */
static size_t fuzz_end(const uint8_t *data, size_t size)
{
	while (size && memchr(" \t\r\n", data[size - 1], 4))
		size--;
	return size;
}

static bool fuzz_plain(const uint8_t *data, size_t size)
{
	for (size_t i = 1; i < size; i++)
		if (data[i - 1] == '<' && (data[i] == '!' || (data[i] == '?' && i > 8)))
			return false;
	return true;
}

static void fuzz_listing(const char *root, const char *item, const uint8_t *data, size_t size)
{
	struct listing_page p, again, cut;
	listing_page_init(&p, root, item);
	listing_page_init(&again, root, item);
	listing_page_init(&cut, root, item);
	if (fuzz_page(&p, data, size) == ST_OK) {
		for (size_t i = 0; i < p.n; i++) {
			fuzz_item(&p, p.item[i].key);
			fuzz_item(&p, p.item[i].id);
		}
		fuzz_require(!p.truncated || p.next.len);
		fuzz_require(fuzz_page(&again, data, size) == ST_OK && fuzz_page(&again, data, size) == ST_OK);
		fuzz_require(again.n == p.n && again.text.len == p.text.len && memcmp(again.text.data, p.text.data, p.text.len) == 0);
		size_t end = fuzz_end(data, size);
		for (size_t less = 1; fuzz_plain(data, size) && less < end; less = less * 2 + 1)
			fuzz_require(fuzz_page(&cut, data, end - less) == ST_RETRY);
	}
	listing_page_free(&p);
	listing_page_free(&again);
	listing_page_free(&cut);
}

static void fuzz_word(const char *text, size_t cap)
{
	const char *end = memchr(text, '\0', cap);
	fuzz_require(end != NULL);
	for (; text < end; text++)
		fuzz_require((unsigned char)*text >= ' ' && *text != 0x7f);
}

static enum status fuzz_check(struct client_call *call, struct error *err)
{
	(void)call;
	return error_set(err, ST_RETRY, ERR_STORE, "none");
}

static void fuzz_error(long status, const char *method, const uint8_t *data, size_t size)
{
	struct client_call call = { .method = method, .check = fuzz_check, .a = { .status = status, .body = BUF_INIT(FUZZ_MAX) } };
	struct error err;
	buf_add(&call.a.body, data, size);
	enum answer_class class = answer_classify(&call);
	fuzz_require(class < ANSWER_CLASSES);
	if (status == 200)
		fuzz_require(answer_check_body(&call, 0, &class, &err) != ST_OK && (class == ANSWER_FINAL || class == ANSWER_AGAIN));
	fuzz_word(call.code, sizeof call.code);
	fuzz_word(call.text, sizeof call.text);
	fuzz_word(call.region, sizeof call.region);
	client_done(&call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= FUZZ_MAX)
		return 0;
	fuzz_listing("ListBucketResult", "Contents", data, size);
	fuzz_listing("ListMultipartUploadsResult", "Upload", data, size);
	fuzz_error(200, "POST", data, size);
	fuzz_error(400, "GET", data, size);
	fuzz_error(403, "HEAD", data, size);
	fuzz_error(503, "PUT", data, size);
	return 0;
}
