/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead run has written down is done by the next one, unless somebody else has decided otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applier/journal_parts.h"
#include "fake_conn.h"
#include "scratch.h"
#include "slackwater/claim.h"
#include "slackwater/fs.h"
#include "slackwater/journal.h"

FAKE_CONN_DEFINE_OPEN

#define STATUS "SHOW REPLICA STATUS"
#define ROW(running, no) "Channel_Name\tReplica_SQL_Running\tLast_SQL_Errno\tLast_SQL_Error\n" "it's\t" running "\t" no "\tDuplicate entry\n"

static const struct conn_options tcp = { .host = (char *)"db2", .port = 3307 };
static const char *const channels[] = { "it's" };

static void started_at(struct conn *c, const char *now, const char *up)
{
	char rows[64];
	fake_conn_expect(c, "SELECT UNIX_TIMESTAMP()");
	snprintf(rows, sizeof rows, "n\n%s\n", now);
	fake_conn_rows(c, rows);
	fake_conn_expect(c, "SHOW GLOBAL STATUS LIKE 'Uptime'");
	snprintf(rows, sizeof rows, "Variable_name\tValue\nUptime\t%s\n", up);
	fake_conn_rows(c, rows);
}

static struct conn *server(struct scratch *s, const char *uuid)
{
	struct conn *c = fake_conn_new(&s->run, FLAVOR_MYSQL, 90704);
	snprintf(c->server.identity, sizeof c->server.identity, "%s", uuid);
	return c;
}

/* A run that stopped the channel of server A, started at 1000, and died. */
static void dies(struct scratch *s, bool guarded)
{
	struct error err = ERROR_INIT;
	struct journal *j = NULL;
	struct conn *c = server(s, "A");
	started_at(c, "5000", "4000");
	OK(journal_new(scratch_path(s, "state"), &tcp, c, &j, &err));
	OK(journal_write(j, channels, 1, guarded, 2000, &err));
	journal_free(j);
	conn_free(c);
}

static void status(struct conn *c, const char *row)
{
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, row);
}

static void finish(struct scratch *s, struct conn *c, struct journal_report *r)
{
	struct error err = ERROR_INIT;
	fake_conn_queue(c);
	OK(journal_finish(scratch_path(s, "state"), &tcp, &s->run, r, &err));
	fake_conn_check_queue();
}

static void test_nothing_open_nothing_asked(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal_report r;
	OK(journal_finish(scratch_path(s, "state"), &tcp, &s->run, &r, &err)); /* no connection was queued */
	assert_int_equal(r.found, 0);
}

static void test_written_and_closed(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal *j = NULL;
	struct conn *c = server(s, "A");
	started_at(c, "5000", "4000");
	OK(journal_new(scratch_path(s, "state"), &tcp, c, &j, &err));
	assert_int_equal(scratch_count(scratch_path(s, "state")), 0);
	OK(journal_close(j, &err));
	OK(journal_write(j, channels, 1, true, 2000, &err));
	assert_int_equal(scratch_count(scratch_path(s, "state")), 1);
	OK(journal_write(j, channels, 1, true, 2000, &err));
	assert_int_equal(scratch_count(scratch_path(s, "state")), 1);
	OK(journal_close(j, &err));
	assert_int_equal(scratch_count(scratch_path(s, "state")), 0);
	journal_free(j);
	conn_free(c);
}

/* The server was started anew (at 9000) with skip_replica_start: its switch is gone, the channel stands. */
static void test_server_restarted(void **state)
{
	struct scratch *s = *state;
	struct journal_report r;
	dies(s, true);
	struct conn *c = server(s, "A");
	started_at(c, "9100", "100");
	status(c, ROW("No", "0"));
	fake_conn_expect(c, "START REPLICA SQL_THREAD FOR CHANNEL 'it\\'s'");
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, ROW("Yes", "0"));
	fake_conn_any_times(c);
	finish(s, c, &r);
	assert_int_equal(r.found, 1);
	assert_int_equal(r.started.n, 1);
	assert_int_equal(r.left.n, 0);
	assert_int_equal(scratch_count(scratch_path(s, "state")), 1); /* the lock's file; the journal is gone */
	journal_report_free(&r);
}

/* The switch was set and the server is the same: it has started the channel. One that is stopped now was stopped by somebody. */
static void test_left_to_whoever_stopped_it(void **state)
{
	struct scratch *s = *state;
	struct journal_report r;
	dies(s, true);
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8000"); /* a second off is no restart */
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, ROW("No", "0"));
	fake_conn_any_times(c);
	finish(s, c, &r);
	assert_int_equal(r.started.n, 0);
	assert_int_equal(r.left.n, 1);
	assert_non_null(strstr(r.left.item[0], "somebody has stopped it since"));
	assert_int_equal(scratch_count(scratch_path(s, "state")), 1);
	journal_report_free(&r);
}

static void test_the_switch_did_it(void **state)
{
	struct scratch *s = *state;
	struct journal_report r;
	dies(s, true);
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8000");
	status(c, ROW("No", "0")); /* about to go off */
	status(c, ROW("Yes", "0"));
	finish(s, c, &r);
	assert_int_equal(r.running.n, 1);
	assert_int_equal(r.left.n, 0);
	journal_report_free(&r);
}

/* RESET REPLICA ALL by somebody, since: there is nothing to start, and no reason to keep the journal. */
static void test_the_channel_is_gone(void **state)
{
	struct scratch *s = *state;
	for (int guarded = 0; guarded < 2; guarded++) {
		struct journal_report r;
		dies(s, guarded);
		struct conn *c = server(s, "A");
		started_at(c, "9001", "8001");
		status(c, "Channel_Name\tReplica_SQL_Running\tLast_SQL_Errno\tLast_SQL_Error\n" "another\tYes\t0\t\n");
		finish(s, c, &r);
		assert_int_equal(r.found, 1);
		assert_int_equal(r.started.n + r.running.n, 0);
		assert_int_equal(r.left.n, 1);
		assert_string_equal(r.left.item[0], "channel 'it's' is not there any more");
		assert_int_equal(r.kept, 0);
		journal_report_free(&r);
	}
}

/* Without a switch nobody else could have started it. */
static void test_without_a_switch(void **state)
{
	struct scratch *s = *state;
	struct journal_report r;
	dies(s, false);
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8001");
	status(c, ROW("No", "0"));
	fake_conn_expect_prefix(c, "START REPLICA SQL_THREAD");
	fake_conn_expect(c, STATUS);
	fake_conn_rows(c, ROW("Yes", "0"));
	fake_conn_any_times(c);
	finish(s, c, &r);
	assert_int_equal(r.started.n, 1);
	journal_report_free(&r);
}

static void test_an_error_is_for_a_person(void **state)
{
	struct scratch *s = *state;
	struct journal_report r;
	dies(s, false);
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8001");
	status(c, ROW("No", "1062"));
	finish(s, c, &r);
	assert_int_equal(r.left.n, 1);
	assert_non_null(strstr(r.left.item[0], "1062"));
	journal_report_free(&r);
}

/* It stops again at once: the journal stays, the verb fails. */
static void test_cannot_be_started(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal_report r;
	dies(s, false);
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8001");
	status(c, ROW("No", "0"));
	fake_conn_expect_prefix(c, "START REPLICA SQL_THREAD");
	status(c, ROW("No", "1032"));
	fake_conn_queue(c);
	FAILS(ERR_APPLIER, journal_finish(scratch_path(s, "state"), &tcp, &s->run, &r, &err));
	assert_non_null(strstr(err.message, "THE APPLIER IS STOPPED"));
	assert_non_null(strstr(err.message, "could not be started: the applier stopped again, with error 1032"));
	assert_int_equal(r.kept, 1);
	assert_int_equal(scratch_count(scratch_path(s, "state")), 2);
	journal_report_free(&r);
}

/* Another server answers at the same place now: said, and nothing else. One of another place is nobody's business here. */
static void test_another_server(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal_report r;
	const struct conn_options elsewhere = { .host = (char *)"db9" };
	dies(s, true);
	finish(s, server(s, "B"), &r);
	assert_int_equal(r.found, 0);
	assert_int_equal(r.foreign.n, 1);
	assert_int_equal(r.kept, 1);
	assert_non_null(strstr(r.foreign.item[0], "server that was here before (A)"));
	journal_report_free(&r);
	fake_conn_queue(server(s, "B"));
	OK(journal_finish(scratch_path(s, "state"), &elsewhere, &s->run, &r, &err));
	assert_int_equal(r.foreign.n, 0);
	assert_int_equal(r.kept, 0); /* the journal of one server is no alarm of all others */
	journal_report_free(&r);
}

static void reached(const char *host, unsigned port, const char *socket, const char *expected)
{
	const struct conn_options o = { .host = (char *)host, .port = port, .socket = (char *)socket };
	struct error err = ERROR_INIT;
	char *endpoint = NULL;
	OK(journal_endpoint(&o, &endpoint, &err));
	assert_string_equal(endpoint, expected);
	free(endpoint);
}

static void test_endpoints(void **state)
{
	(void)state;
	reached("db2", 3307, NULL, "tcp db2:3307");
	reached("db2", 0, "/run/a.sock", "tcp db2:3306");
	reached("localhost", 3307, "/run/a.sock", "unix /run/a.sock");
	reached("", 3307, "/run/a.sock", "unix /run/a.sock");
	reached(NULL, 0, "/run/b.sock", "unix /run/b.sock");
	reached(NULL, 0, NULL, "unix ");
}

/* A run that is alive has its own journal in order. flock is by open file, so a claim of this process stands for it. */
static void test_a_living_run(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal_report r;
	struct claim *living = NULL, *second = NULL;
	dies(s, true);
	struct conn *c = server(s, "A");
	OK(claim_take_local(scratch_path(s, "state"), &c->server, &living, &err));
	FAILS(ERR_BUSY, claim_take_local(scratch_path(s, "state"), &c->server, &second, &err));
	char pid[32];
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_non_null(strstr(err.message, pid));
	finish(s, c, &r);
	assert_int_equal(r.found, 0);
	assert_true(r.alive);
	claim_free(living);
	struct conn *again = server(s, "A");
	OK(claim_take_local(scratch_path(s, "state"), &again->server, &second, &err));
	claim_free(second);
	conn_free(again);
	journal_report_free(&r);
}

/* Waiting for a run on this host, the session for the server's lock is kept alive: it would be ended after a minute of silence. */
static void test_waits_for_a_living_run(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct claim *living = NULL, *second = NULL;
	struct conn *c = server(s, "A");
	OK(claim_take_local(scratch_path(s, "state"), &c->server, &living, &err));
	fake_conn_expect(c, "SET SESSION wait_timeout = 60");
	fake_conn_expect(c, "DO 0");
	fake_conn_expect(c, "DO 0");
	fake_conn_any_times(c);
	struct server_info about = c->server;
	struct claim_how how = { .state_dir = scratch_path(s, "state"), .wait_ms = 300 };
	fake_conn_queue(c);
	FAILS(ERR_BUSY, claim_take(&how, &tcp, &about, &s->run, &second, &err));
	fake_conn_check_queue();
	claim_free(living);
}

/* A proxy that knows no GET_LOCK: an error, unless whoever asks has said that he does without. Other errors are errors in any case. */
static void test_a_server_without_named_locks(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	static const struct { bool without; unsigned my_errno; bool taken; } cases[] = { { false, 1064, false }, { true, 1064, true }, { true, 1317, false } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct claim *claim = NULL;
		struct conn *c = server(s, "A");
		struct claim_how how = { .state_dir = scratch_path(s, "state"), .no_named_lock = cases[i].without };
		struct server_info about = c->server;
		fake_conn_expect(c, "SET SESSION wait_timeout = 60");
		fake_conn_expect_prefix(c, "SELECT IFNULL(GET_LOCK('slackwater.instance.");
		fake_conn_error(c, cases[i].my_errno, "refused");
		fake_conn_queue(c);
		enum status st = claim_take(&how, &tcp, &about, &s->run, &claim, &err);
		assert_int_equal(st == ST_OK, cases[i].taken);
		assert_int_equal(claim != NULL, cases[i].taken);
		if (!cases[i].without) {
			assert_int_equal(err.kind, ERR_PREFLIGHT);
			assert_non_null(strstr(err.hint, "--no-guard"));
		}
		fake_conn_check_queue();
		claim_free(claim);
	}
}

static void test_damaged(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal_report r;
	dies(s, true);
	scratch_write(scratch_path(s, "state/0123456789abcdef.journal"), "{", 1); /* somebody else's: no reason to stop */
	struct conn *c = server(s, "A");
	started_at(c, "9001", "8001");
	status(c, ROW("Yes", "0"));
	finish(s, c, &r);
	assert_int_equal(r.running.n, 1);
	assert_int_equal(r.kept, 0);
	journal_report_free(&r);

	struct buf path = BUF_INIT(4096);
	dies(s, true);
	buf_addf(&path, "%s/559aead08264d579.journal", scratch_path(s, "state")); /* SHA-256 of "A" */
	scratch_write(buf_str(&path), "{}", 2);
	fake_conn_queue(server(s, "A"));
	FAILS(ERR_STORE, journal_finish(scratch_path(s, "state"), &tcp, &s->run, &r, &err));
	assert_non_null(strstr(err.message, "559aead08264d579.journal"));
	journal_report_free(&r);
	buf_free(&path);
}

static void test_no_place(void **state)
{
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct journal *j = NULL;
	scratch_write(scratch_path(s, "file"), "x", 1);
	struct conn *c = server(s, "A");
	FAILS(ERR_STORE, journal_new(scratch_path(s, "file/state"), &tcp, c, &j, &err));
	assert_non_null(strstr(err.hint, "--state-dir"));
	conn_free(c);
}

static void owned_by(const char *path, uid_t uid)
{
	struct stat sb;
	assert_int_equal(stat(path, &sb), 0);
	assert_int_equal(sb.st_uid, uid);
	assert_int_equal(sb.st_gid, uid);
	assert_int_equal(sb.st_mode & 0777, 0600);
}

/* What root does by hand does not lock the agent out of its own state directory. */
static void test_root_beside_the_agent(void **state)
{
	enum { AGENT = 4321 };
	struct scratch *s = *state;
	struct error err = ERROR_INIT;
	struct claim *claim = NULL;
	const char *dir = scratch_path(s, "state"), *lock = scratch_path(s, "state/559aead08264d579.lock"), *other = scratch_path(s, "root's");
	if (geteuid() != 0) {
		print_message("only root can give files away\n");
		skip();
	}
	struct conn *c = server(s, "A");
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chown(dir, AGENT, AGENT), 0);
	OK(claim_take_local(dir, &c->server, &claim, &err));
	claim_free(claim);
	dies(s, true);
	owned_by(lock, AGENT);
	owned_by(scratch_path(s, "state/559aead08264d579.journal"), AGENT);

	assert_int_equal(unlink(lock), 0); /* the agent's user puts a file of root's in its place, to be given it */
	scratch_write(other, "x", 1);
	assert_int_equal(chmod(other, 0600), 0);
	assert_int_equal(link(other, lock), 0);
	OK(claim_take_local(dir, &c->server, &claim, &err));
	claim_free(claim);
	owned_by(other, 0);
	conn_free(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_nothing_open_nothing_asked), T(test_written_and_closed), T(test_server_restarted), T(test_left_to_whoever_stopped_it),
		T(test_the_switch_did_it), T(test_the_channel_is_gone), T(test_without_a_switch), T(test_an_error_is_for_a_person), T(test_cannot_be_started),
		T(test_another_server), T(test_a_living_run), T(test_waits_for_a_living_run), T(test_a_server_without_named_locks), T(test_damaged), T(test_no_place),
		T(test_root_beside_the_agent), cmocka_unit_test(test_endpoints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
