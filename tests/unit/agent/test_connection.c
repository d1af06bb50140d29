/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "connection.h"
#include "slackwater/fs.h"
#include "sources.h"

static char path[] = "/tmp/slackwater-options-XXXXXX";
static struct config config;
static struct error err;
static struct optfile *files;

/* An option file with this text, and a configuration that names it. */
static void begin(const char *text)
{
	config_init(&config);
	config.defaults_file = path;
	err = ERROR_INIT;
	assert_int_equal(fs_write_file_atomic(path, text, strlen(text), 0600, &err), ST_OK);
	assert_int_equal(connection_files(&config, NULL, &files, &err), ST_OK);
}

static void end(void)
{
	optfile_free(files);
	files = NULL;
	config_free(&config);
}

static struct conn_options options(void)
{
	struct conn_options o = { .host = NULL };
	if (connection_options(&config, files, NULL, &o, &err))
		fail_msg("%s", err.message);
	return o;
}

static void addresses_are_read(void **state)
{
	(void)state;
	static const struct { const char *text, *host; unsigned port; } good[] = {
		{ "db1", "db1", 0 },           { "db1:3307", "db1", 3307 }, { "[::1]", "::1", 0 }, { "[fe80::1]:65535", "fe80::1", 65535 },
		{ "10.0.0.1:1", "10.0.0.1", 1 },
	};
	static const char *const bad[] = { "", ":3306", "db1:", "db1:0", "db1:65536", "db1:33x", "::1", "[::1", "[::1]3306", "[]:1", "db1:-1" };
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		char *host = NULL;
		unsigned port = 77;
		assert_int_equal(connection_address(good[i].text, "--source", &host, &port, &err), ST_OK);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
		free(host);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char *host = NULL;
		unsigned port = 77;
		assert_int_equal(connection_address(bad[i], "--source", &host, &port, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_null(host);
	}
	char *host = NULL;
	unsigned port;
	assert_int_equal(connection_address("repl:Hunter2@db1:3306", "--source", &host, &port, &err), ST_FAILED);
	assert_null(strstr(err.message, "Hunter2"));
}

static void nearer_places_win(void **state)
{
	(void)state;
	begin("[client]\nuser=c\nhost=ch\nport=1\npassword=cp\n[slackwater]\nuser=s\nport=2\n[slackwater_x]\nport=3\n[client_x]\nhost=cxh\n");
	struct conn_options o = options();
	assert_string_equal(o.user, "s");
	assert_string_equal(o.host, "ch");
	assert_int_equal(o.port, 2);
	assert_string_equal(o.password, "cp");
	conn_options_free(&o);

	config.defaults_group_suffix = "_x";
	config.user = "me";
	setenv("SLACKWATER_PASSWORD", "from env", 1);
	o = options();
	assert_string_equal(o.user, "me");
	assert_string_equal(o.host, "cxh");
	assert_int_equal(o.port, 3);
	assert_string_equal(o.password, "from env");
	conn_options_free(&o);
	unsetenv("SLACKWATER_PASSWORD");
	end();
}

/* A port means TCP, a socket means the local server: never another server than the one that was meant. */
static void port_and_socket_say_where(void **state)
{
	(void)state;
	begin("[client]\nsocket=/run/default.sock\n");
	config.port = 3307;
	struct conn_options o = options();
	assert_string_equal(o.host, "127.0.0.1");
	assert_null(o.socket);
	conn_options_free(&o);
	config.host = "localhost";
	o = options();
	assert_string_equal(o.host, "127.0.0.1");
	conn_options_free(&o);
	config.host = "LocalHost"; /* a login by this name goes to the socket as well */
	o = options();
	assert_string_equal(o.host, "127.0.0.1");
	conn_options_free(&o);
	config.host = "db2";
	o = options();
	assert_string_equal(o.host, "db2");
	conn_options_free(&o);
	end();

	begin("[client]\nhost=far\n");
	config.socket = "/run/mine.sock";
	o = options();
	assert_string_equal(o.host, "localhost");
	assert_string_equal(o.socket, "/run/mine.sock");
	conn_options_free(&o);
	end();
}

static void contradictions_are_refused(void **state)
{
	(void)state;
	struct optfile *f = NULL;
	config_init(&config);
	config.no_defaults = true;
	config.defaults_file = path;
	assert_int_equal(connection_files(&config, NULL, &f, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	config.no_defaults = false;
	config.defaults_extra_file = path;
	assert_int_equal(connection_files(&config, NULL, &f, &err), ST_FAILED);
	config.defaults_extra_file = NULL;
	config.defaults_file = "/nowhere/at/all.cnf";
	assert_int_equal(connection_files(&config, NULL, &f, &err), ST_FAILED);
	assert_non_null(strstr(err.message, "/nowhere/at/all.cnf"));
}

/* "db1:3306" is written elsewhere; a name it can only be with an IPv6 address. */
static void a_port_is_no_part_of_the_host(void **state)
{
	(void)state;
	static const char *const good[] = { "db1", "::1", "fe80::1" };
	begin("");
	config.host = "127.0.0.1:3307";
	assert_int_equal(connection_options(&config, files, NULL, &(struct conn_options){ .host = NULL }, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.hint, "the port is given with --port: --host 127.0.0.1 --port 3307");
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		config.host = good[i];
		struct conn_options o = options();
		assert_string_equal(o.host, good[i]);
		conn_options_free(&o);
	}
	end();
}

/* A mistyped key must not be passed over in silence in a group that is ours alone. */
static void unknown_keys_of_our_groups_are_refused(void **state)
{
	(void)state;
	struct conn_options o = { .host = NULL };
	begin("[client]\nprompt=mysql>\n[slackwater]\nloose-colour=red\nssl_mode=DISABLED\nskip-ssl\n");
	o = options();
	conn_options_free(&o);
	end();
	begin("[slackwater]\npasword=Hunter2\n");
	assert_int_equal(connection_options(&config, files, NULL, &o, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.message, ":2: [slackwater] has an unknown key: pasword"));
	assert_int_equal(*err.message, '/');
	assert_non_null(strstr(err.hint, "did you mean password?"));
	assert_null(strstr(err.message, "Hunter2"));
	end();
	begin("[slackwater_x]\nthreads=4\n");
	o = options();
	conn_options_free(&o);
	config.defaults_group_suffix = "_x";
	assert_int_equal(connection_options(&config, files, NULL, &o, &err), ST_FAILED);
	assert_non_null(strstr(err.hint, "command line"));
	end();
}

struct seeds { struct seed_source *source; size_t n; };

static enum status sources(struct seeds *s, const char *a, const char *b)
{
	strlist_free(&config.source);
	*s = (struct seeds){ .n = 0 };
	if (a)
		assert_int_equal(strlist_add(&config.source, a, &err), ST_OK);
	if (b)
		assert_int_equal(strlist_add(&config.source, b, &err), ST_OK);
	return sources_read(&config, files, &s->source, &s->n, &err);
}

static void sources_are_completed(void **state)
{
	(void)state;
	struct seeds s;
	begin("[slackwater-source]\nuser=repl\npassword=common\nhost=db0\nport=3300\nssl-mode=REQUIRED\n"
	      "[slackwater-source ch2]\nuser=repl2\npassword=own\n");
	assert_int_equal(sources(&s, NULL, NULL), ST_OK);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.source[0].channel, "");
	assert_ptr_equal(s.source[0].login.names, &sources_names);
	assert_string_equal(s.source[0].login.host, "db0");
	assert_int_equal(s.source[0].login.port, 3300);
	assert_string_equal(s.source[0].login.user, "repl");
	assert_int_equal(s.source[0].login.ssl_mode, SSL_REQUIRED);
	sources_free(s.source, s.n);

	config.source_user = "cli";
	config.source_public_key = "get";
	setenv("SLACKWATER_SOURCE_PASSWORD", "env", 1);
	assert_int_equal(sources(&s, "a=b=db1:3307", "ch2=[::1]"), ST_OK);
	unsetenv("SLACKWATER_SOURCE_PASSWORD");
	assert_int_equal(s.n, 2);
	assert_string_equal(s.source[0].channel, "a=b");
	assert_string_equal(s.source[0].login.host, "db1");
	assert_int_equal(s.source[0].login.port, 3307);
	assert_string_equal(s.source[0].login.user, "cli");
	assert_string_equal(s.source[0].login.password, "env");
	assert_true(s.source[0].get_public_key);
	assert_string_equal(s.source[1].login.host, "::1");
	assert_string_equal(s.source[1].login.user, "repl2");
	assert_string_equal(s.source[1].login.password, "own");
	sources_free(s.source, s.n);

	config.source_public_key = "/etc/key.pem";
	assert_int_equal(sources(&s, "db1", NULL), ST_OK);
	assert_false(s.source[0].get_public_key);
	assert_string_equal(s.source[0].public_key_path, "/etc/key.pem");
	sources_free(s.source, s.n);
	end();
}

static void a_port_of_the_group_goes_with_its_host_only(void **state)
{
	(void)state;
	struct seeds s;
	begin("[slackwater-source]\nuser=repl\nhost=db0\nport=3300\n");
	assert_int_equal(sources(&s, "db1", NULL), ST_OK);
	assert_string_equal(s.source[0].login.host, "db1");
	assert_int_equal(s.source[0].login.port, 3306);
	sources_free(s.source, s.n);
	end();
}

static void bad_sources_are_refused(void **state)
{
	(void)state;
	struct seeds s;
	begin("[client]\nuser=x\n");
	assert_int_equal(sources(&s, NULL, NULL), ST_FAILED);
	assert_non_null(strstr(err.message, "no source"));
	assert_non_null(strstr(err.hint, "--standalone"));
	assert_int_equal(sources(&s, "db1", NULL), ST_FAILED);
	assert_non_null(strstr(err.message, "no replication account"));
	config.source_user = "repl";
	assert_int_equal(sources(&s, "db1", "db2"), ST_FAILED);
	assert_non_null(strstr(err.message, "default channel"));
	assert_int_equal(sources(&s, "c=db1", "c=db2"), ST_FAILED);
	assert_non_null(strstr(err.message, "channel c"));
	assert_int_equal(sources(&s, "c=", NULL), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(sources(&s, "c=db1", "db2"), ST_OK);
	sources_free(s.source, s.n);
	end();
}

static void the_checksum_server_inherits_the_account(void **state)
{
	(void)state;
	begin("[client]\nuser=root\npassword=rp\nssl-mode=REQUIRED\n");
	struct conn_options o = options(), there = { .host = NULL };
	assert_int_equal(connection_elsewhere("db2:3307", &config, files, &o, &there, &err), ST_OK);
	assert_string_equal(there.host, "db2");
	assert_ptr_equal(there.names, &connection_elsewhere_names);
	assert_int_equal(there.port, 3307);
	assert_string_equal(there.user, "root");
	assert_string_equal(there.password, "rp");
	assert_int_equal(there.ssl_mode, SSL_REQUIRED);
	conn_options_free(&there);
	conn_options_free(&o);
	end();

	begin("[client]\nuser=root\npassword=rp\n[slackwater-checksum]\nuser=backup\npassword=bp\n");
	o = options();
	assert_int_equal(connection_elsewhere("localhost", &config, files, &o, &there, &err), ST_OK);
	assert_string_equal(there.host, "127.0.0.1");
	assert_string_equal(there.user, "backup");
	assert_string_equal(there.password, "bp");
	conn_options_free(&there);
	conn_options_free(&o);
	end();
}

static int make_file(void **state)
{
	(void)state;
	unsetenv("SLACKWATER_PASSWORD");
	unsetenv("SLACKWATER_SOURCE_PASSWORD");
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(nearer_places_win),
		cmocka_unit_test(port_and_socket_say_where),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(a_port_is_no_part_of_the_host),
		cmocka_unit_test(unknown_keys_of_our_groups_are_refused),
		cmocka_unit_test(sources_are_completed),
		cmocka_unit_test(a_port_of_the_group_goes_with_its_host_only),
		cmocka_unit_test(bad_sources_are_refused),
		cmocka_unit_test(the_checksum_server_inherits_the_account),
	};
	return cmocka_run_group_tests(tests, make_file, remove_file);
}
