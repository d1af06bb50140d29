/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "slackwater/optfile.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/optfile-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	struct error err;
	return fs_remove_tree(dir, &err) ? -1 : 0;
}

/* The full path, in one of a few places that the next calls use again. */
static const char *at(const char *name)
{
	static char path[8][256];
	static unsigned next;
	char *p = path[next++ % 8];
	snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(at(name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static struct optfile *read_only(const char *name)
{
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	if (optfile_read(&f, at(name), NULL, &err))
		fail_msg("%s", err.message);
	return f;
}

static struct optfile *read_text(const char *text)
{
	put("a.cnf", text, 0600);
	return read_only("a.cnf");
}

static void assert_refused(const char *text, const char *message)
{
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	put("a.cnf", text, 0600);
	assert_int_equal(optfile_read(&f, at("a.cnf"), NULL, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	if (!strstr(err.message, message))
		fail_msg("'%s' does not say '%s'", err.message, message);
}

static void test_values(void **state)
{
	(void)state;
	static const struct { const char *line, *value; } cases[] = {
		{ "k=v", "v" },
		{ "  k  =  v  ", "v" },
		{ "k", "" },
		{ "k=", "" },
		{ "k = 'quoted value' ", "quoted value" },
		{ "k=\"it's\"", "it's" },
		{ "k='unbalanced", "'unbalanced" },
		{ "k=a\\sb\\tc\\nd\\\\e", "a b\tc\nd\\e" },
		{ "k='with \\'quote\\' inside'", "with 'quote' inside" },
		{ "k=\\q", "\\q" },
		{ "k=v # comment", "v" },
		{ "k=v#comment", "v" },
		{ "k='v#no comment'", "v#no comment" },
		{ "k=\"v#no\" # comment", "v#no" },
		{ "k=v;not a comment", "v;not a comment" },
		{ "k=a=b", "a=b" },
		{ "k=v\r", "v" },
		{ "k=\xc3\xa4", "\xc3\xa4" },
		{ "k   # only a name", "" },
		{ "loose-k=v", "v" },
		{ "loose_k=v", "v" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		snprintf(text, sizeof text, "[client]\n%s\n", cases[i].line);
		struct optfile *f = read_text(text);
		const char *value = optfile_get(f, "client", "k");
		if (!value || strcmp(value, cases[i].value) != 0)
			fail_msg("%s gives '%s'", cases[i].line, value ? value : "nothing");
		optfile_free(f);
	}
}

static void test_groups(void **state)
{
	(void)state;
	struct optfile *f = read_text("\xef\xbb\xbf# c\n; c\n\n[client]\nuser=a\nssl_ca=/x\n[ slackwater ]\nuser=b\n"
	                              "[client-extra]\nuser=c\n[client]\nuser=d");
	assert_string_equal(optfile_get(f, "client", "user"), "d");
	assert_string_equal(optfile_get(f, "slackwater", "user"), "b");
	assert_string_equal(optfile_get(f, "client-extra", "user"), "c");
	assert_string_equal(optfile_get(f, "client", "ssl-ca"), "/x");
	assert_string_equal(optfile_get(f, "client", "ssl_ca"), "/x");
	assert_null(optfile_get(f, "client", "ssl"));
	assert_null(optfile_get(f, "client", "ssl-ca-path"));
	assert_null(optfile_get(f, "mysqld", "user"));
	optfile_free(f);
}

static void test_malformed(void **state)
{
	(void)state;
	assert_refused("user=a\n", "line 1: an option before the first [group]");
	assert_refused("[client]\n=a\n", "line 2: a value without a name");
	assert_refused("[client\nuser=a\n", "line 1: a group without its ']'");
	assert_refused("[client]\n!unknown x\n", "line 2: an unknown directive");
	assert_refused("!include\n", "unknown directive");
	assert_refused("!include /nonexistent/x.cnf\n", "/nonexistent/x.cnf");
	assert_refused("!includedir /nonexistent\n", "/nonexistent");
}

static void test_include(void **state)
{
	(void)state;
	char text[512];
	assert_int_equal(mkdir(at("d"), 0700), 0);
	put("d/10-b.cnf", "[client]\nuser=b\nhost=hb\n", 0600);
	put("d/20-c.cnf", "[client]\nuser=c\n", 0600);
	put("d/ignored.cnf.bak", "[client]\nuser=bak\n", 0600);
	put("one.cnf", "[client]\npassword=one\nport=1\n", 0600);
	snprintf(text, sizeof text, "[client]\nport=2\n!include %s\n!includedir %s\nsocket=/after\n", at("one.cnf"), at("d"));
	struct optfile *f = read_text(text);
	assert_string_equal(optfile_get(f, "client", "user"), "c");
	assert_string_equal(optfile_get(f, "client", "host"), "hb");
	assert_string_equal(optfile_get(f, "client", "port"), "1");
	assert_string_equal(optfile_get(f, "client", "password"), "one");
	assert_string_equal(optfile_get(f, "client", "socket"), "/after");
	optfile_free(f);
}

/* It is given up at its maximum, not read for ever. */
static void test_without_end(void **state)
{
	(void)state;
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	alarm(20);
	assert_int_equal(optfile_read(&f, "/dev/zero", NULL, &err), ST_FAILED);
	alarm(0);
	assert_non_null(strstr(err.message, "/dev/zero is larger than"));
}

static void test_include_of_itself(void **state)
{
	(void)state;
	char text[256];
	snprintf(text, sizeof text, "!include %s\n", at("a.cnf"));
	assert_refused(text, "too many files that include each other");
}

static void test_world_writable(void **state)
{
	(void)state;
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	char text[256];
	put("open.cnf", "[client]\npassword=hunter2\n", 0602);
	assert_int_equal(optfile_read(&f, at("open.cnf"), NULL, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, "may be written by anybody"));
	assert_null(strstr(err.message, "hunter2"));
	assert_non_null(strstr(err.hint, "chmod o-w"));
	snprintf(text, sizeof text, "!include %s\n", at("open.cnf"));
	assert_refused(text, "open.cnf may be written by anybody");
}

static void test_missing(void **state)
{
	(void)state;
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	assert_int_equal(optfile_read(&f, at("none.cnf"), NULL, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(optfile_read(&f, NULL, at("none.cnf"), &err), ST_FAILED);
	assert_int_equal(optfile_read(&f, dir, NULL, &err), ST_FAILED);
	assert_non_null(strstr(err.message, "is a directory"));
	assert_null(f);
}

/* The user's own file is read last, and need not be there. */
static void test_home_and_extra(void **state)
{
	(void)state;
	struct optfile *f = NULL;
	struct error err = ERROR_INIT;
	char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
	put("extra.cnf", "[test-group]\nuser=extra\nhost=extra\n", 0600);
	assert_int_equal(setenv("HOME", dir, 1), 0);
	assert_int_equal(optfile_read(&f, NULL, at("extra.cnf"), &err), ST_OK);
	assert_string_equal(optfile_get(f, "test-group", "user"), "extra");
	optfile_free(f);
	put(".my.cnf", "[test-group]\nuser=home\n", 0600);
	assert_int_equal(optfile_read(&f, NULL, at("extra.cnf"), &err), ST_OK);
	assert_string_equal(optfile_get(f, "test-group", "user"), "home");
	assert_string_equal(optfile_get(f, "test-group", "host"), "extra");
	optfile_free(f);
	/* With a file of its own nothing else is read. */
	assert_int_equal(optfile_read(&f, at("extra.cnf"), NULL, &err), ST_OK);
	assert_string_equal(optfile_get(f, "test-group", "user"), "extra");
	optfile_free(f);
	if (home)
		setenv("HOME", home, 1);
	free(home);
}

static void test_apply(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct conn_options o = { .user = strdup("given") };
	struct optfile *f = read_text("[client]\nhost=h\nport=3307\nuser=u\npassword='p#w'\nsocket=/s\nssl-mode=verify_ca\nssl-ca=/ca\n"
	                              "ssl_cert=/cert\nssl-key=/key\nget-server-public-key\n[slackwater]\nhost=later\nport=1\n");
	assert_int_equal(optfile_apply(f, "client", &o, &err), ST_OK);
	assert_int_equal(optfile_apply(f, "slackwater", &o, &err), ST_OK);
	assert_int_equal(optfile_apply(f, "absent", &o, &err), ST_OK);
	assert_string_equal(o.user, "given");
	assert_string_equal(o.host, "h");
	assert_int_equal(o.port, 3307);
	assert_string_equal(o.password, "p#w");
	assert_string_equal(o.socket, "/s");
	assert_int_equal(o.ssl_mode, SSL_VERIFY_CA);
	assert_string_equal(o.ssl_ca, "/ca");
	assert_string_equal(o.ssl_cert, "/cert");
	assert_string_equal(o.ssl_key, "/key");
	assert_true(o.get_server_public_key);
	struct conn_options copy;
	assert_int_equal(conn_options_copy(&copy, &o, &err), ST_OK);
	assert_string_equal(copy.password, "p#w");
	assert_ptr_not_equal(copy.password, o.password);
	assert_int_equal(copy.ssl_mode, SSL_VERIFY_CA);
	conn_options_free(&copy);
	conn_options_free(&o);
	assert_null(o.password);
	conn_options_free(&o);
	optfile_free(f);
}

static void test_apply_tls(void **state)
{
	(void)state;
	static const struct { const char *lines; enum ssl_mode mode; } cases[] = {
		{ "", SSL_DEFAULT },
		{ "ssl-mode=DISABLED", SSL_DISABLED },
		{ "ssl-mode=PREFERRED", SSL_PREFERRED },
		{ "ssl-mode=Required", SSL_REQUIRED },
		{ "ssl_mode=VERIFY_IDENTITY", SSL_VERIFY_IDENTITY },
		{ "ssl", SSL_REQUIRED },
		{ "ssl=1", SSL_REQUIRED },
		{ "ssl=0", SSL_DISABLED },
		{ "ssl=OFF", SSL_DISABLED },
		{ "skip-ssl", SSL_DISABLED },
		{ "skip_ssl=0", SSL_DEFAULT },
		{ "ssl-verify-server-cert", SSL_VERIFY_IDENTITY },
		{ "ssl-verify-server-cert=0", SSL_DEFAULT },
		{ "ssl\nssl-verify-server-cert=ON", SSL_VERIFY_IDENTITY },
		{ "skip-ssl\nssl-verify-server-cert", SSL_VERIFY_IDENTITY },
		{ "ssl\nssl-mode=VERIFY_CA", SSL_VERIFY_CA },
		{ "ssl\nssl-ca=/ca", SSL_VERIFY_CA },
		{ "skip-ssl\nssl-ca=/ca", SSL_DISABLED },
		{ "ssl-ca=/ca\nssl-mode=REQUIRED", SSL_REQUIRED },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		struct conn_options o = { 0 };
		struct error err = ERROR_INIT;
		snprintf(text, sizeof text, "[client]\n%s\n", cases[i].lines);
		struct optfile *f = read_text(text);
		assert_int_equal(optfile_apply(f, "client", &o, &err), ST_OK);
		if (o.ssl_mode != cases[i].mode)
			fail_msg("%s gives mode %d", cases[i].lines, (int)o.ssl_mode);
		conn_options_free(&o);
		optfile_free(f);
	}
}

/* An authority that was named nearer is asked, whatever a file says. */
static void test_a_named_ca_is_asked(void **state)
{
	(void)state;
	static const struct { const char *lines; enum ssl_mode mode; } cases[] = {
		{ "", SSL_DEFAULT },
		{ "skip-ssl", SSL_DEFAULT },
		{ "ssl=0", SSL_DEFAULT },
		{ "ssl-mode=DISABLED", SSL_DEFAULT },
		{ "ssl-mode=PREFERRED", SSL_DEFAULT },
		{ "ssl", SSL_VERIFY_CA },
		{ "ssl-mode=REQUIRED", SSL_VERIFY_CA },
		{ "ssl-verify-server-cert", SSL_VERIFY_IDENTITY },
		{ "ssl-mode=VERIFY_IDENTITY", SSL_VERIFY_IDENTITY },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[256];
		struct conn_options o = { .ssl_ca = strdup("/named") };
		struct error err = ERROR_INIT;
		snprintf(text, sizeof text, "[client]\nssl-ca=/other\n%s\n", cases[i].lines);
		struct optfile *f = read_text(text);
		assert_int_equal(optfile_apply(f, "client", &o, &err), ST_OK);
		if (o.ssl_mode != cases[i].mode)
			fail_msg("%s gives mode %d", cases[i].lines, (int)o.ssl_mode);
		assert_string_equal(o.ssl_ca, "/named");
		conn_options_free(&o);
		optfile_free(f);
	}
}

static void assert_apply_refused(const char *text)
{
	struct conn_options o = { 0 };
	struct error err = ERROR_INIT;
	struct optfile *f = read_text(text);
	assert_int_equal(optfile_apply(f, "client", &o, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, ":2: [client] "));
	conn_options_free(&o);
	optfile_free(f);
}

static void test_apply_refused(void **state)
{
	(void)state;
	assert_apply_refused("[client]\nssl-mode=YES\n");
	assert_apply_refused("[client]\nport=65536\n");
	assert_apply_refused("[client]\nport=-1\n");
	assert_apply_refused("[client]\nport=33x\n");
	assert_apply_refused("[client]\nport=\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_include, setup, teardown),
		cmocka_unit_test_setup_teardown(test_include_of_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_world_writable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_and_extra, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apply_tls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_named_ca_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apply_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
