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

#include "conf/settings.h"
#include "conf/words.h"
#include "slackwater/fs.h"

static char dir[64];

static const char *path_of(const char *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	struct error err = ERROR_INIT;
	if (fs_write_file_atomic(path_of(name), text, strlen(text), 0640, &err))
		fail_msg("%s", err.message);
}

static int make_dir(void **state)
{
	struct error err = ERROR_INIT;
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/slackwater-settings-XXXXXX");
	return !mkdtemp(dir) || fs_mkdirs(path_of("conf.d"), 0700, &err);
}

static int remove_dir(void **state)
{
	struct error err = ERROR_INIT;
	(void)state;
	return fs_remove_tree(dir, &err) != ST_OK;
}

static struct settings *good(const char *text)
{
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	write_file("main.conf", text);
	if (settings_read(path_of("main.conf"), &s, &mistakes, &err))
		fail_msg("%s", err.message);
	assert_int_equal(mistakes.n, 0);
	strlist_free(&mistakes);
	return s;
}

/* Each mistake of the text, "main.conf:LINE: ..." or the like, in the order of the lines. */
static void bad(const char *text, const char *const *expected)
{
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	write_file("main.conf", text);
	assert_int_equal(settings_read(path_of("main.conf"), &s, &mistakes, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_null(s);
	size_t n = 0, skip = strlen(dir) + 1;
	for (; expected[n]; n++) {
		const char *told = n < mistakes.n ? mistakes.item[n] : "";
		const char *from = !strncmp(told, dir, skip - 1) ? told + skip : told;
		if (strcmp(from, expected[n]) != 0)
			fail_msg("mistake %zu is\n  %s, expected\n  %s", n, from, expected[n]);
	}
	if (mistakes.n != n)
		fail_msg("one more mistake: %s", mistakes.item[n]);
	assert_non_null(strstr(err.message, mistakes.item[0]));
	strlist_free(&mistakes);
}
#define BAD(text, ...) bad(text, (const char *const[]){ __VA_ARGS__, NULL })

static void list_is(const struct strlist *l, const char *const *expected)
{
	size_t n = 0;
	for (; expected[n]; n++) {
		assert_true(n < l->n);
		assert_string_equal(l->item[n], expected[n]);
	}
	assert_int_equal(l->n, n);
}
#define LIST_IS(l, ...) list_is(l, (const char *const[]){ __VA_ARGS__, NULL })

static const char small[] =
	"[instance db2]\n"
	"defaults-file = /etc/slackwater/db2.cnf\n"
	"[store s]\n"
	"url = file:///backup\n";

static void a_whole_file_is_read(void **state)
{
	(void)state;
	struct settings *s = good(
		"\xEF\xBB\xBF# the agent\n"
		"[agent]\n"
		"  state-dir = /var/lib/sw   ; a comment\r\n"
		"listen: [::1]:9877\n"
		"log_level = debug\n"
		"poll-interval = 5s\n"
		"history = 7\n"
		"\n"
		"[ instance db2 ]\n"
		"defaults-file = '/etc/slackwater/db2.cnf'\n"
		"host = 10.0.0.2\n"
		"get-server-public-key = yes\n"
		"no-defaults = no\n"
		"[instance db3] # another\n"
		"socket = /run/mysqld/mysqld.sock\n"
		"[store local]\n"
		"url = /backup\n"
		"[store s3]\n"
		"url = s3://bucket/prefix\n"
		"s3-endpoint = https://minio:9000\n"
		"s3-region = eu-1\n"
		"s3-path-style = on\n"
		"upload-limit = 20M\n"
		"profile = backup\n"
		"credentials-file = /etc/slackwater/credentials\n"
		"[snapshot nightly]\n"
		"instance = db3\n"
		"store = s3\n"
		"schedule = \"30 2 * * *\"\n"
		"timezone = Europe/Berlin\n"
		"jitter = 10m\n"
		"not-before = 22:00\n"
		"not-after = 05:30\n"
		"max-lag = 5m\n"
		"catch-up = no\n"
		"retries = 0\n"
		"min-interval = 6h\n"
		"pause-budget = 250ms\n"
		"no-users = yes\n"
		"no-guard = no\n"
		"include = shop.*\n"
		"include = crm\n"
		"recipient = age1qqqq\n"
		"keep-daily = 7\n"
		"keep-within = 2d\n"
		"proof-schedule = @weekly\n"
		"proof-identity = /etc/slackwater/key\n"
		"run-before = /usr/bin/env \"A B=c\" 'd e' f\\ g\n"
		"run-before = last\n"
		"run-timeout = 5m\n");
	assert_string_equal(s->agent.state_dir, "/var/lib/sw");
	assert_string_equal(s->agent.control_socket, "/run/slackwater/control.sock");
	assert_string_equal(s->agent.listen, "[::1]:9877");
	assert_int_equal(s->agent.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(s->agent.poll_ms, 5000);
	assert_int_equal(s->agent.list_ms, 300000);
	assert_int_equal(s->agent.history, 7);
	assert_null(s->agent.token_file);
	assert_int_equal(s->ninstances, 2);
	assert_string_equal(s->instance[0].name, "db2");
	LIST_IS(&s->instance[0].options, "--defaults-file=/etc/slackwater/db2.cnf", "--host=10.0.0.2", "--get-server-public-key");
	assert_int_equal(s->nstores, 2);
	LIST_IS(&s->store[1].options, "--s3-endpoint=https://minio:9000", "--s3-region=eu-1", "--s3-path-style");
	LIST_IS(&s->store[1].environment, "AWS_PROFILE=backup", "AWS_SHARED_CREDENTIALS_FILE=/etc/slackwater/credentials");
	assert_int_equal(s->store[0].environment.n, 0);
	assert_int_equal(s->nsnapshots, 1);
	const struct settings_snapshot *n = &s->snapshot[0];
	assert_string_equal(n->name, "nightly");
	assert_string_equal(n->engine, "logical");
	assert_int_equal(n->instance, 1);
	assert_int_equal(n->store, 1);
	LIST_IS(&n->options, "--upload-limit=20M", "--pause-budget=250ms", "--no-users", "--include=shop.*", "--include=crm", "--recipient=age1qqqq");
	LIST_IS(&n->retention, "--keep-daily=7", "--keep-within=2d");
	LIST_IS(&n->proof_options, "--identity=/etc/slackwater/key");
	LIST_IS(&n->before, "/usr/bin/env", "A B=c", "d e", "f g", "last");
	assert_int_equal(n->after.n + n->failure.n, 0);
	assert_int_equal(n->hook_ms, 300000);
	assert_string_equal(n->schedule_text, "30 2 * * *");
	assert_string_equal(n->proof_text, "@weekly");
	const struct plan_rules *r = &n->rules;
	assert_true(r->schedule == &n->schedule && r->zone == n->zone && !r->catch_up && r->seed != n->proof_rules.seed);
	assert_true(r->not_before == 22 * 60 && r->not_after == 5 * 60 + 30 && r->jitter_ms == 600000 && r->max_lag_ms == 300000);
	assert_true(r->retries == 0 && r->retry_ms == 300000 && r->retry_max_ms == 3600000 && r->min_interval_ms == 21600000);
	assert_true(n->proof_rules.schedule == &n->proof && n->proof_rules.not_before == PLAN_UNKNOWN && !n->proof_rules.max_lag_ms);
	/* 02:30 in Berlin */
	assert_int_equal(schedule_next(r->schedule, r->zone, 1767225600), 1767225600 + 5400);
	settings_free(s);
	settings_free(NULL);
}

static void little_is_needed(void **state)
{
	(void)state;
	char text[500];
	snprintf(text, sizeof text, "%s[snapshot n]\n", small);
	struct settings *s = good(text);
	assert_true(s->snapshot[0].instance == 0 && s->snapshot[0].store == 0 && !s->snapshot[0].schedule_text && !s->snapshot[0].rules.schedule);
	assert_true(s->snapshot[0].rules.catch_up && !s->snapshot[0].retention.n && !s->agent.listen && *s->agent.state_dir == '/');
	assert_string_equal(s->snapshot[0].zone_name, "UTC");
	settings_free(s);
	s = good("[instance db2]\n");
	assert_true(s->ninstances == 1 && !s->nsnapshots);
	settings_free(s);
}

static void forms_that_are_wrong(void **state)
{
	(void)state;
	BAD("key = 1\n[instance db2]\nhost\n[instance]\n[store a b]\nurl = /a\n[]\nurl = /b\n[what\nx=1\n[store x] y\n = 3\n[agent x]\n[stor z]\n",
	    "main.conf:1: key stands before the first [section]",
	    "main.conf:3: neither [SECTION] nor KEY = VALUE",
	    "main.conf:4: [instance] has no name: [instance NAME]",
	    "main.conf:5: \"a b\" cannot be a name (letters, digits, '.', '_' and '-', at most 64, the first a letter or digit)",
	    "main.conf:7: the section has no name",
	    "main.conf:9: a section is written [KIND NAME], and nothing behind it",
	    "main.conf:11: a section is written [KIND NAME], and nothing behind it",
	    "main.conf:13: [agent] has no name of its own",
	    "main.conf:14: there is no section [stor] (did you mean [store]?)");
	char twice[200];
	snprintf(twice, sizeof twice, "main.conf:5: [instance db2] stands in %s/main.conf:1 already", dir);
	BAD("[instance db2]\nhost = a\nHost = b\nport=1\n[instance db2]\nhost = c\n[instance db3]\n=3\n",
	    "main.conf:3: host stands in line 2 already", twice, "main.conf:8: there is no key in front of the value");
}

static void keys_that_are_wrong(void **state)
{
	(void)state;
	BAD("[agent]\nlisten-adress = x\nlog-level = debgu\nhistory = 0\npoll-interval = 10\nlist-interval =\nlog-file = agent.log\n"
	    "pause-budget = 1s\n[instance db2]\npassword = x\nsocket = run.sock\nget-server-public-key = perhaps\nto = /x\n",
	    "main.conf:2: [agent] has no key \"listen-adress\"",
	    "main.conf:3: log-level cannot be \"debgu\" (did you mean debug? It is one of: debug, info, warning, error)",
	    "main.conf:4: history is at least 1",
	    "main.conf:5: poll-interval: \"10\" is not a duration (durations need their unit: 500ms, 30s, 10m, 1h, 1h30m)",
	    "main.conf:6: list-interval has an empty value (leave the option out, or give it a value)",
	    "main.conf:7: log-file is an absolute path, not \"agent.log\"",
	    "main.conf:8: [agent] has no key \"pause-budget\" (it belongs into [snapshot NAME])",
	    "main.conf:10: password: no secret stands in this file (put it into the option file that defaults-file names, with mode 0600)",
	    "main.conf:11: socket is an absolute path, not \"run.sock\"",
	    "main.conf:12: get-server-public-key is yes or no",
	    "main.conf:13: to is set by the agent itself (a repository is a [store NAME]; [snapshot NAME] says store = NAME)");
	BAD("[instance db2]\n[store s]\nurl = s3://b\ns3-secret-key = x\ns3-parallel = 65\nurll = y\n[snapshot n]\npause-bugdet = 1s\njson = yes\n"
	    "passphrase = geheim\nhost = x\nproof-from = /x\nschedul = x\ndry-run = yes\nstate-dir = /x\n",
	    "main.conf:4: s3-secret-key: no secret stands in this file (set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile in "
	    "~/.aws/credentials (AWS_PROFILE names it))",
	    "main.conf:5: s3-parallel is at most 64",
	    "main.conf:6: [store NAME] has no key \"urll\" (did you mean url?)",
	    "main.conf:8: [snapshot NAME] has no key \"pause-bugdet\" (did you mean pause-budget?)",
	    "main.conf:9: json is set by the agent itself",
	    "main.conf:10: passphrase: no secret stands in this file (a snapshot is encrypted for a recipient, which needs no secret here)",
	    "main.conf:11: [snapshot NAME] has no key \"host\" (it belongs into [instance NAME])",
	    "main.conf:12: proof-from is set by the agent itself (it is the snapshot's own store)",
	    "main.conf:13: [snapshot NAME] has no key \"schedul\" (did you mean schedule?)",
	    "main.conf:14: dry-run is set by the agent itself",
	    "main.conf:15: [snapshot NAME] has no key \"state-dir\" (it belongs into [agent])");
}

static void snapshots_that_are_wrong(void **state)
{
	(void)state;
	BAD("[instance db2]\n[instance db3]\n[store s]\nurl = /a\n[store t]\n[store u]\nurl = -\n[store v]\nurl = backup\n[store w]\nurl = ftp://x\n"
	    "[snapshot a]\ninstance = db4\nstore = s\nschedule = 60 2 * * *\ntimezone = Europe/Berln\n"
	    "[snapshot b]\nstore = s\ninstance = db2\nnot-before = 25:00\nnot-after = 7\nretry-delay = 2h\nrun-before = backup.sh 'x\nrun-after = x/y\n"
	    "run-on-failure = /bin/sh -c 'x' | y\n"
	    "[snapshot c]\nschedule = 0 0 30 2 *\nnot-before = 2:00\nnot-after = 02:00\n",
	    "main.conf:5: the store has no url (url = file:///DIR or s3://BUCKET/PREFIX)",
	    "main.conf:7: a pipe is no repository (url = file:///DIR or s3://BUCKET/PREFIX)",
	    "main.conf:9: url is an absolute path, or begins with file:// or s3://",
	    "main.conf:11: ftp://x is not a store this version knows (a directory (file:///backups, or the plain path), s3://BUCKET/PREFIX, or - for a pipe)",
	    "main.conf:13: there is no [instance db4] (did you mean db3?)",
	    "main.conf:15: minute \"60\": there is something that may not stand there (minute: *, numbers (0 to 59), ranges as 1-5, lists as 1,15, and steps as */2 or "
	    "0-20/5)",
	    "main.conf:16: there is no time zone \"Europe/Berln\" on this host (names are those of /usr/share/zoneinfo, as in Europe/Berlin; or UTC, or local)",
	    "main.conf:20: not-before is a time of the day, not \"25:00\" (as in 22:30)",
	    "main.conf:21: not-after is a time of the day, not \"7\" (as in 22:30)",
	    "main.conf:22: retry-max-delay is less than retry-delay",
	    "main.conf:23: a quotation mark ' is not closed",
	    "main.conf:24: run-after: the program \"x/y\" is no absolute path (no PATH is searched, and no shell reads it)",
	    "main.conf:25: | stands outside quotes, and no shell reads this (write a script, and name it here)",
	    "main.conf:26: there are several [instance NAME]: instance = NAME says which",
	    "main.conf:26: there are several [store NAME]: store = NAME says which",
	    "main.conf:27: schedule \"0 0 30 2 *\" is never due (no month that is named has the day that is named)",
	    "main.conf:29: not-before and not-after are the same: it could never start");
	BAD("[instance a]\n[store s]\nurl = /a\n[snapshot x]\nkeep-last = 3\n[snapshot y]\nkeep-last = 4\n",
	    "main.conf:6: [snapshot x] has keep- rules of its own for the same instance and store (let one of them have them, or use two stores)");
	BAD("[snapshot x]\n", "main.conf: it names no instance ([instance NAME] says which replica is looked after, [snapshot NAME] what is done and when)",
	    "main.conf:1: there is no [instance NAME]", "main.conf:1: there is no [store NAME]");
	BAD("", "main.conf: it names no instance ([instance NAME] says which replica is looked after, [snapshot NAME] what is done and when)");
}

/* A directory can do nothing of what s3-... asks for, and a key that is dropped in silence is worse than none. */
static void stores_that_cannot_do_it(void **state)
{
	(void)state;
	BAD("[instance a]\n[store s]\nurl = /a\ns3-object-lock = compliance:30d\nupload-limit = 20M\ns3-parallel = 4\nprofile = x\n"
	    "[store t]\nurl = file:///b\ns3_path_style = yes\n[snapshot n]\nstore = s\n",
	    "main.conf:4: s3-object-lock is for s3://, and url is a directory: nothing would be locked",
	    "main.conf:5: upload-limit is for s3://, and url is a directory: nothing would be slowed down",
	    "main.conf:6: s3-parallel is for s3://, and url is a directory: it would do nothing",
	    "main.conf:7: profile is for s3://, and url is a directory: it would do nothing",
	    "main.conf:10: s3-path-style is for s3://, and url is a directory: it would do nothing");
	BAD("[instance a]\n[store s]\nurl = /a\n[snapshot n]\nparallel = 4\ndatabases = shop\n",
	    "main.conf:5: [snapshot NAME] has no key \"parallel\" (did you mean threads?)",
	    "main.conf:6: [snapshot NAME] has no key \"databases\" (did you mean include?)");
}

#define RECIPIENT "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"

static void proofs_that_could_open_nothing(void **state)
{
	(void)state;
	static const char text[] = "[instance a]\n[store s]\nurl = /a\n[snapshot n]\nrecipient = " RECIPIENT "\nproof-schedule = @weekly\n";
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	char expected[300];
	write_file("main.conf", text);
	assert_int_equal(settings_inspect(path_of("main.conf"), &s, &mistakes, &err), ST_FAILED);
	assert_int_equal(mistakes.n, 1);
	snprintf(expected, sizeof expected, "%s:6: its snapshots are encrypted and there is no proof-identity: no proof could open them "
	         "(proof-identity = FILE names their secret key)", path_of("main.conf"));
	assert_string_equal(mistakes.item[0], expected);
	strlist_free(&mistakes);
	settings_free(good(text)); /* snapshots are taken all the same */
}

static void http_that_is_wrong(void **state)
{
	(void)state;
#define HTTP(keys, ...) BAD("[instance a]\n[agent]\n" keys, __VA_ARGS__)
	HTTP("listen = 0.0.0.0:9877\n",
	     "main.conf:3: without token-file HTTP is for this host only (listen on 127.0.0.1 or [::1], or give a token-file, and tls-cert or a proxy that has one)");
	HTTP("listen = localhost:9877\n",
	     "main.conf:3: listen is no address and port (127.0.0.1:9877, [::1]:9877, 0.0.0.0:9877 or unix:/PATH; no names)");
	HTTP("listen = unix:run\ntls-cert = /x\n", "main.conf:3: unix: is followed by an absolute path (unix:/run/slackwater/http.sock)",
	     "main.conf:4: tls-cert and tls-key need each other");
	HTTP("tls-key = /x\n", "main.conf:3: there is a certificate, but nothing to listen on (listen = ADDRESS:PORT)");
	static const char *const right[] = { "127.0.0.1:9877", "127.9.9.9:0", "[::1]:65535", "unix:/run/x" };
	static const char *const wrong[] = { "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:9877", "[::1]9877", "[127.0.0.1]:1", ":9877", "127.0.0.1:1x" };
	char text[200];
	for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
		snprintf(text, sizeof text, "[instance a]\n[agent]\nlisten = %s\n", right[i]);
		settings_free(good(text));
	}
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		snprintf(text, sizeof text, "[instance a]\n[agent]\nlisten = %s\n", wrong[i]);
		BAD(text, "main.conf:3: listen is no address and port (127.0.0.1:9877, [::1]:9877, 0.0.0.0:9877 or unix:/PATH; no names)");
	}
}

static void files_are_included(void **state)
{
	(void)state;
	write_file("conf.d/20-b.conf", "[snapshot b]\n");
	write_file("conf.d/10-a.conf", "# first\n[snapshot a]\n");
	write_file("conf.d/30-c.conf.bak", "nonsense\n");
	write_file("conf.d/.hidden.conf", "nonsense\n");
	char text[500];
	snprintf(text, sizeof text, "include = conf.d\n%s", small);
	struct settings *s = good(text);
	assert_int_equal(s->nsnapshots, 2);
	assert_string_equal(s->snapshot[0].name, "a");
	assert_string_equal(s->snapshot[1].name, "b");
	settings_free(s);
	snprintf(text, sizeof text, "[agent]\ninclude = %s/conf.d\n%s[snapshot n]\ninclude = shop.*\n", dir, small);
	s = good(text);
	assert_int_equal(s->nsnapshots, 3);
	settings_free(s);
	write_file("conf.d/20-b.conf", "key = 1\n[snapshot a]\n[snapshot b]\nx = 1\n[agent]\ninclude = y\n");
	snprintf(text, sizeof text, "include = conf.d\ninclude = z\n%s", small);
	char twice[200];
	snprintf(twice, sizeof twice, "conf.d/20-b.conf:2: [snapshot a] stands in %s/conf.d/10-a.conf:2 already", dir);
	BAD(text, "main.conf:2: include stands in line 1 already",
	    "conf.d/20-b.conf:1: key stands before the first [section]",
	    twice, "conf.d/20-b.conf:4: [snapshot NAME] has no key \"x\"", "conf.d/20-b.conf:6: a file that is included includes nothing itself");
	write_file("conf.d/20-b.conf", "");
	snprintf(text, sizeof text, "include = none\n%s", small);
	snprintf(twice, sizeof twice, "main.conf:1: cannot read the directory %s/none: No such file or directory (check the path)", dir);
	BAD(text, twice);
}

static void the_environment_wins(void **state)
{
	(void)state;
	setenv("SLACKWATER_LISTEN", "127.0.0.1:1", 1);
	setenv("SLACKWATER_STATE_DIR", "/elsewhere", 1);
	setenv("SLACKWATER_HISTORY", "", 1);
	struct settings *s = good("[agent]\nlisten = 127.0.0.1:2\n[instance a]\n");
	assert_string_equal(s->agent.listen, "127.0.0.1:1");
	assert_string_equal(s->agent.state_dir, "/elsewhere");
	assert_int_equal(s->agent.history, 200);
	settings_free(s);
	setenv("SLACKWATER_HISTORY", "many", 1);
	BAD("[instance a]\n", "SLACKWATER_HISTORY: history: \"many\" is not a whole number (digits alone, without a sign)");
	unsetenv("SLACKWATER_LISTEN");
	unsetenv("SLACKWATER_STATE_DIR");
	unsetenv("SLACKWATER_HISTORY");
}

static void files_that_are_wrong(void **state)
{
	(void)state;
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	assert_int_equal(settings_read("/no/such/file", &s, &mistakes, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(mistakes.n, 1);
	assert_string_equal(mistakes.item[0], "cannot open /no/such/file: No such file or directory (check the path)");
	strlist_free(&mistakes);
	assert_int_equal(settings_read("/no/such/file", &s, NULL, &err), ST_FAILED);

	/* the longest line, and one byte more */
	char text[400] = "[instance a]\nhost = ";
	memset(text + strlen(text), 'x', 191);
	s = good(text);
	assert_int_equal(strlen(s->instance[0].options.item[0]), strlen("--host=") + 191);
	settings_free(s);
	snprintf(text + strlen(text), 20, "x\nport = 1\n");
	BAD(text, "main.conf:2: the line has 199 bytes, at most 198 are read (a list, and the words of a command, may be written in several lines with the "
	          "same key)");

	write_file("main.conf", "[instance a]\n");
	assert_int_equal(chmod(path_of("main.conf"), 0666), 0);
	assert_int_equal(settings_read(path_of("main.conf"), &s, &mistakes, &err), ST_FAILED);
	assert_non_null(strstr(mistakes.item[0], "main.conf: every user of this host may write it (chmod o-w)"));
	strlist_free(&mistakes);
}

/* That is a mistake of whoever wrote it, not want of memory. */
static void too_many_sections(void **state)
{
	(void)state;
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(1 << 18);
	for (int i = 0; i <= 10000; i++)
		buf_adds(&text, "[instance a]\n");
	write_file("main.conf", buf_str(&text));
	assert_int_equal(settings_read(path_of("main.conf"), &s, &mistakes, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_int_equal(mistakes.n, 10000);
	assert_non_null(strstr(mistakes.item[9999], "main.conf:10001: there are more than 10000 sections"));
	strlist_free(&mistakes);
	buf_free(&text);
}

/* Whatever a file holds: mistakes or settings, never a crash; and a long line does not become two. */
static void random_files(void **state)
{
	(void)state;
	static const char *const pieces[] = { "[", "]", "[agent]\n", "[store s]\n", "[instance i]\n", "[snapshot s]\n", "schedule", "=", ":", "\n", " ", ";", "#",
		                                  "include", "url", "/x", "\"", "'", "listen", "0 2 * * *", "yes", "\r\n", "\t", "\xff", "proof-", "keep-last", "3",
		                                  "run-before = /bin/true 'a\n", "-", "--json", "%s", "not-before", "12:30", "x" };
	unsigned seed = 5;
	for (int i = 0; i < 2000; i++) {
		struct buf text = BUF_INIT(1 << 16);
		for (int n = rand_r(&seed) % 60; n > 0; n--)
			buf_adds(&text, pieces[(size_t)rand_r(&seed) % (sizeof pieces / sizeof pieces[0])]);
		FILE *f = fopen(path_of("main.conf"), "w");
		assert_non_null(f);
		fputs(buf_str(&text), f);
		fclose(f);
		struct settings *s = NULL;
		struct strlist mistakes = { 0 };
		struct error err = ERROR_INIT;
		enum status st = settings_read(path_of("main.conf"), &s, &mistakes, &err);
		assert_true(st ? err.kind == ERR_USAGE && mistakes.n && !s : s && !mistakes.n);
		settings_free(s);
		strlist_free(&mistakes);
		buf_free(&text);
	}
}

static void words_are_split(void **state)
{
	(void)state;
	static const struct { const char *text; const char *word[5]; } good_words[] = {
		{ "", { NULL } },
		{ " \t ", { NULL } },
		{ "/bin/a  b\tc ", { "/bin/a", "b", "c" } },
		{ "/bin/a '' \"\"", { "/bin/a", "", "" } },
		{ "a'b c'd", { "ab cd" } },
		{ "\"a \\\"b\\\" \\\\ \\n 'c'\"", { "a \"b\" \\ \\n 'c'" } },
		{ "'a \\ b'", { "a \\ b" } },
		{ "a\\ b \\| $HOME ~ * #x {y}", { "a b", "|", "$HOME", "~", "*" } },
		{ "'|' \"&\"", { "|", "&" } },
	};
	static const char *const bad_words[] = { "'", "a \"b", "a\\", "a | b", "a & b", "a > b", "a < b", "a; b", "`a`", "\"a\\\"" };
	for (size_t i = 0; i < sizeof good_words / sizeof good_words[0]; i++) {
		struct strlist l = { 0 };
		struct error err = ERROR_INIT;
		assert_int_equal(words_split(good_words[i].text, &l, &err), ST_OK);
		for (size_t k = 0; k < 5 && good_words[i].word[k]; k++) {
			assert_true(k < l.n);
			assert_string_equal(l.item[k], good_words[i].word[k]);
		}
		strlist_free(&l);
	}
	for (size_t i = 0; i < sizeof bad_words / sizeof bad_words[0]; i++) {
		struct strlist l = { 0 };
		struct error err = ERROR_INIT;
		assert_int_equal(words_split(bad_words[i], &l, &err), ST_FAILED);
		assert_int_equal(err.kind, ERR_USAGE);
		strlist_free(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_file_is_read),
		cmocka_unit_test(little_is_needed),
		cmocka_unit_test(forms_that_are_wrong),
		cmocka_unit_test(keys_that_are_wrong),
		cmocka_unit_test(snapshots_that_are_wrong),
		cmocka_unit_test(stores_that_cannot_do_it),
		cmocka_unit_test(proofs_that_could_open_nothing),
		cmocka_unit_test(http_that_is_wrong),
		cmocka_unit_test(files_are_included),
		cmocka_unit_test(the_environment_wins),
		cmocka_unit_test(files_that_are_wrong),
		cmocka_unit_test(too_many_sections),
		cmocka_unit_test(random_files),
		cmocka_unit_test(words_are_split),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
