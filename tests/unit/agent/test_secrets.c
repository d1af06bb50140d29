/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener needs from files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "http/secrets.h"
#include "scratch.h"

#define TOKEN "0123456789abcdef"

static const char *file(struct scratch *s, const char *name, const char *text)
{
	const char *path = scratch_path(s, name);
	scratch_write(path, text, strlen(text));
	return path;
}

static void none_is_fine(void **state)
{
	(void)state;
	struct secrets s;
	struct error err = ERROR_INIT;
	OK(secrets_read(NULL, NULL, NULL, &s, &err));
	assert_false(s.has_token);
	assert_int_equal(s.cert.len, 0);
	secrets_free(&s);
}

static void a_token(void **state)
{
	struct secrets s, again;
	struct error err = ERROR_INIT;
	char digest[DIGEST_HEX];
	OK(digest_of(TOKEN, strlen(TOKEN), digest, &err));
	OK(secrets_read(file(*state, "token", TOKEN " \r\n\n"), NULL, NULL, &s, &err));
	assert_true(s.has_token);
	assert_string_equal(s.token_digest, digest);
	OK(secrets_read(file(*state, "token", TOKEN), NULL, NULL, &again, &err));
	assert_true(secrets_same(&s, &again));
	secrets_free(&again);
	OK(secrets_read(file(*state, "token", TOKEN "0"), NULL, NULL, &again, &err));
	assert_false(secrets_same(&s, &again));
	secrets_free(&again);
	OK(secrets_read(NULL, NULL, NULL, &again, &err));
	assert_false(secrets_same(&s, &again));
	secrets_free(&again);
	secrets_free(&s);
}

static void a_certificate(void **state)
{
	struct secrets s, again;
	struct error err = ERROR_INIT;
	const char *key = file(*state, "key", "KEY"), *cert = file(*state, "cert", "CERT");
	OK(secrets_read(NULL, cert, key, &s, &err));
	assert_memory_equal(s.cert.data, "CERT", 4);
	assert_true(s.key.secret);
	file(*state, "cert", "CER2"); /* renewed in its place */
	OK(secrets_read(NULL, cert, key, &again, &err));
	assert_false(secrets_same(&s, &again));
	secrets_free(&again);
	secrets_free(&s);
}

static void what_cannot_be_used(void **state)
{
	struct secrets s;
	struct error err = ERROR_INIT;
	const char *full = file(*state, "full", "PEM"), *empty = file(*state, "empty", "\n"), *nothing = file(*state, "nothing", ""),
	           *absent = scratch_path(*state, "absent");
	FAILS(ERR_STORE, secrets_read(absent, NULL, NULL, &s, &err));
	FAILS(ERR_USAGE, secrets_read(empty, NULL, NULL, &s, &err));
	FAILS(ERR_USAGE, secrets_read(full, NULL, NULL, &s, &err)); /* too short */
	assert_non_null(strstr(err.message, "shorter than 16"));
	FAILS(ERR_STORE, secrets_read(NULL, full, absent, &s, &err));
	FAILS(ERR_USAGE, secrets_read(NULL, full, nothing, &s, &err));
	FAILS(ERR_USAGE, secrets_read(NULL, full, NULL, &s, &err));
	FAILS(ERR_USAGE, secrets_read(NULL, NULL, full, &s, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_fine),
		cmocka_unit_test_setup_teardown(a_token, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(a_certificate, scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_used, scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
