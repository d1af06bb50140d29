/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with the agent's HTTP: every door, from both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "http/access.h"

#define TOKEN "0123456789abcdef"
#define JSON "application/json"

static struct error err;

static struct access_rules with_token(void)
{
	struct access_rules r = { .has_token = true };
	assert_int_equal(digest_of(TOKEN, strlen(TOKEN), r.token_digest, &err), ST_OK);
	return r;
}

static unsigned check(struct access_rules rules, struct access_request req)
{
	err = ERROR_INIT;
	unsigned status = access_check(&rules, &req, &err);
	if (status) { /* who is refused learns why, and what would help */
		assert_int_equal(err.status, ST_FAILED);
		assert_true(*err.message && *err.hint);
		assert_null(strstr(err.message, TOKEN));
	}
	return status;
}

static void reading(void **state)
{
	(void)state;
	const struct access_rules loopback = { .check_host = true }, token = with_token();
	assert_int_equal(check(loopback, (struct access_request){ .need = ACCESS_READ, .host = "127.0.0.1:9877" }), 0);
	assert_int_equal(check(loopback, (struct access_request){ .need = ACCESS_OPEN, .host = "evil.example" }), 0);
	assert_int_equal(check(token, (struct access_request){ .need = ACCESS_OPEN }), 0);
	assert_int_equal(check(token, (struct access_request){ .need = ACCESS_READ }), 401);
	assert_int_equal(check(token, (struct access_request){ .need = ACCESS_READ, .authorization = "Bearer " TOKEN }), 0);
	assert_int_equal(check(token, (struct access_request){ .need = ACCESS_READ, .authorization = "bearer  " TOKEN }), 0);
}

static void wrong_tokens(void **state)
{
	(void)state;
	static const char *const wrong[] = { "", "Bearer", "Bearer ", "Bearer x", "Bearer " TOKEN "x", "Bearer 0123456789abcde", "Basic " TOKEN, TOKEN,
		                             "Bearer" TOKEN, "Bearer " TOKEN " ", "Bearer " TOKEN "," TOKEN };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(check(with_token(), (struct access_request){ .need = ACCESS_READ, .authorization = wrong[i] }), 401);
}

static void hosts_of_loopback(void **state)
{
	(void)state;
	static const struct { const char *host; unsigned status; } host[] = {
		{ "localhost", 0 },        { "LocalHost:9877", 0 },      { "127.0.0.1", 0 },         { "127.200.3.4:1", 0 },
		{ "[::1]", 0 },            { "[::1]:9877", 0 },          { NULL, 0 }, /* HTTP/1.0, which no browser speaks */
		{ "", 403 },               { "evil.example", 403 },      { "127.0.0.1.evil", 403 },  { "localhost.evil", 403 },
		{ "[::2]", 403 },          { "[::1", 403 },              { "128.0.0.1", 403 },       { "0.0.0.0", 403 },
		{ "127.1", 403 },          { "2130706433", 403 },        { "[", 403 },               { "[127.0.0.1]", 403 },
	};
	const struct access_rules loopback = { .check_host = true };
	for (size_t i = 0; i < sizeof host / sizeof host[0]; i++)
		assert_int_equal(check(loopback, (struct access_request){ .need = ACCESS_READ, .host = host[i].host }), host[i].status);
	char longest[400];
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(check(loopback, (struct access_request){ .need = ACCESS_READ, .host = longest }), 403);
}

static void commands(void **state)
{
	(void)state;
	const struct access_rules loopback = { .check_host = true }, control = { .control = true };
	assert_int_equal(check(loopback, (struct access_request){ .need = ACCESS_COMMAND, .host = "localhost", .content_type = JSON }), 403);
	assert_int_equal(check(control, (struct access_request){ .need = ACCESS_COMMAND, .content_type = JSON }), 0);
	assert_int_equal(check(control, (struct access_request){ .need = ACCESS_COMMAND }), 415);
	static const struct { const char *origin, *site, *type; unsigned status; } sent[] = {
		{ NULL, NULL, JSON, 0 },
		{ NULL, NULL, JSON "; charset=utf-8", 0 },
		{ "https://db2.example", "same-origin", JSON, 0 },
		{ "http://db2.example", NULL, JSON, 0 },
		{ NULL, "none", JSON, 0 },
		{ NULL, NULL, NULL, 415 },
		{ NULL, NULL, "text/plain", 415 },
		{ NULL, NULL, JSON "p", 415 },
		{ NULL, NULL, "text/plain; " JSON, 415 },
		{ "https://evil.example", NULL, JSON, 403 },
		{ "https://db2.example.evil", NULL, JSON, 403 },
		{ "null", NULL, JSON, 403 },
		{ "", NULL, JSON, 403 },
		{ NULL, "cross-site", JSON, 403 },
		{ NULL, "same-site", JSON, 403 },
		{ "https://db2.example", "cross-site", JSON, 403 },
	};
	for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++) {
		const struct access_request req = { .need = ACCESS_COMMAND, .authorization = "Bearer " TOKEN, .host = "db2.example",
			                            .origin = sent[i].origin, .fetch_site = sent[i].site, .content_type = sent[i].type };
		if (check(with_token(), req) != sent[i].status)
			fail_msg("origin %s, site %s, type %s: %s", sent[i].origin, sent[i].site, sent[i].type, err.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reading),
		cmocka_unit_test(wrong_tokens),
		cmocka_unit_test(hosts_of_loopback),
		cmocka_unit_test(commands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
