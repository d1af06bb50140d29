/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer against the published vectors, which tests/lab/install.sh fetches. S3 takes paths as they are, so the cases of normalize-path
 * (get-relative, get-relative-relative, get-slash, get-slash-dot-slash, get-slash-pointless-dot, get-slashes) are left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "slackwater/digest.h"
#include "store/s3/sigv4.h"

enum { PAIRS_MAX = 16, CASES = 22 };

static json_t *vectors(void)
{
	const char *cache = getenv("SLACKWATER_LAB_CACHE");
	char path[1024];
	snprintf(path, sizeof path, "%s/sigv4/index.json", cache ? cache : "/var/cache/slackwater-lab");
	return json_load_file(path, 0, NULL);
}

static const char *text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool normalizes(const json_t *all, const char *name)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(json_object_get(all, "tests"), "normalizePath"), i, one)
		if (strcmp(text(one, "name"), name) == 0)
			return true;
	return false;
}

static size_t split_query(char *query, struct sigv4_pair *out)
{
	size_t n = 0;
	char *rest = query;
	for (char *item; *query && n < PAIRS_MAX && (item = strsep(&rest, "&"));) {
		char *value = item;
		const char *name = strsep(&value, "=");
		out[n++] = (struct sigv4_pair){ name, value };
	}
	return n;
}

static size_t headers(const json_t *request, bool length_too, struct sigv4_pair *out)
{
	size_t i, n = 0;
	json_t *h;
	json_array_foreach(json_object_get(request, "headers"), i, h) {
		const char *name = json_string_value(json_array_get(h, 0));
		if (length_too || strcmp(name, "Content-Length") != 0)
			out[n++] = (struct sigv4_pair){ name, json_string_value(json_array_get(h, 1)) };
	}
	return n;
}

static const char *header(const struct sigv4_request *rq, const char *name)
{
	for (size_t i = 0; i < rq->nheader; i++)
		if (strcmp(rq->header[i].name, name) == 0)
			return rq->header[i].value;
	return NULL;
}

static void check_case(const json_t *all, const json_t *one)
{
	struct error err = ERROR_INIT;
	const json_t *request = json_object_get(one, "request"), *config = json_object_get(all, "config");
	struct sigv4_pair query[PAIRS_MAX], header_[PAIRS_MAX];
	char payload[DIGEST_HEX], *raw = strdup(text(request, "query"));
	struct buf canonical = BUF_INIT(1 << 16), to_sign = BUF_INIT(1 << 16), authorization = BUF_INIT(1 << 16);
	OK(digest_of(text(request, "body"), strlen(text(request, "body")), payload, &err));
	struct sigv4_request rq = {
		.method = text(request, "method"), .path = text(request, "path"), .query = query, .nquery = split_query(raw, query),
		.header = header_, .nheader = headers(request, true, header_), .payload = payload,
	};
	struct sigv4_scope scope = {
		text(config, "accessKeyId"), text(config, "secretAccessKey"), header(&rq, "X-Amz-Date"), text(config, "region"), text(config, "service"),
	};
	print_message("          %s\n", text(one, "name"));
	OK(sigv4_canonical(&rq, &canonical, &err));
	assert_string_equal(canonical.data, text(one, "creq"));
	/* The three parts of this case are of three different requests (charset=utf8 or utf-8, with Content-Length or without). */
	if (strcmp(text(one, "name"), "post-x-www-form-urlencoded-parameters") == 0)
		goto out;
	/* And one has Content-Length in its canonical request, and not in what is signed. */
	rq.nheader = headers(request, false, header_);
	buf_clear(&canonical);
	OK(sigv4_canonical(&rq, &canonical, &err));
	OK(sigv4_string_to_sign(canonical.data, &scope, &to_sign, &err));
	assert_string_equal(to_sign.data, text(one, "sts"));
	OK(sigv4_sign(&rq, &scope, &authorization, &err));
	assert_string_equal(authorization.data, text(one, "authz"));
out:
	buf_free(&canonical);
	buf_free(&to_sign);
	buf_free(&authorization);
	free(raw);
}

static void test_published_vectors(void **state)
{
	(void)state;
	json_t *all = vectors(), *one;
	size_t i, n = 0;
	if (!all) {
		print_message("the vectors are not here: tests/lab/install.sh fetches them\n");
		skip();
	}
	json_array_foreach(json_object_get(json_object_get(all, "tests"), "all"), i, one) {
		if (normalizes(all, text(one, "name")))
			continue;
		check_case(all, one);
		n++;
	}
	assert_int_equal(n, CASES);
	json_decref(all);
}

static void test_encoding(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(1000);
	sigv4_encode("/b/a b+c%20/\xc3\xa4~-._*'()", false, &b);
	assert_string_equal(buf_str(&b), "/b/a%20b%2Bc%2520/%C3%A4~-._%2A%27%28%29");
	buf_clear(&b);
	sigv4_encode("a/b", true, &b);
	assert_string_equal(buf_str(&b), "a%2Fb");
	buf_free(&b);
}

/* By name and then by value, both encoded; a name that begins another comes first; "name=" where there is no value. */
static void test_query_order(void **state)
{
	(void)state;
	struct error err;
	struct buf b = BUF_INIT(1000);
	const struct sigv4_pair q[] = { { "uploads", NULL }, { "a-b", "1" }, { "a", "2" }, { "a", "10" }, { "a b", "" }, { "B", "=&" } };
	OK(sigv4_query(q, sizeof q / sizeof q[0], &b, &err));
	assert_string_equal(buf_str(&b), "B=%3D%26&a=10&a=2&a%20b=&a-b=1&uploads=");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_vectors), cmocka_unit_test(test_encoding), cmocka_unit_test(test_query_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
