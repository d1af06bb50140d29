/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "catalog/id.h"
#include "catalog/instance.h"
#include "sample.h"

static void add_object(struct manifest *m, const char *key, uint64_t size, uint64_t entries)
{
	struct error err;
	m->objects.item = realloc(m->objects.item, (m->objects.n + 1) * sizeof *m->objects.item);
	struct stream_object *o = &m->objects.item[m->objects.n++];
	*o = (struct stream_object){ .size = size, .entries = entries, .raw_bytes = entries * 9, .rows = entries * 7 };
	snprintf(o->key, sizeof o->key, "%s", key);
	OK(digest_of(key, strlen(key), o->sha256, &err));
}

static struct manifest *full_manifest(void)
{
	struct manifest *m = sample_manifest();
	add_object(m, "shard-0000.tar", 1ull << 40, 12);
	add_object(m, "index-0000.json", 1234, 0);
	add_object(m, "checkpoint.json", 99, 0);
	assert_int_equal(strlist_add(&m->notes, "statistics of `a`.`b`", NULL), ST_OK);
	return m;
}

static void test_there_and_back(void **state)
{
	(void)state;
	struct manifest *m = full_manifest(), *n = NULL;
	struct buf text = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	struct error err;
	OK(manifest_write(m, &text, &err));
	OK(manifest_read(text.data, text.len, &n, &err));
	OK(manifest_write(n, &again, &err));
	assert_string_equal(text.data, again.data);
	assert_string_equal(n->id, m->id);
	assert_string_equal(n->instance, m->instance);
	assert_string_equal(n->tool, m->tool);
	assert_string_equal(n->engine, m->engine);
	assert_string_equal(n->layout, m->layout);
	assert_string_equal(n->server_version, m->server_version);
	assert_string_equal(n->server_flavor, m->server_flavor);
	assert_string_equal(n->server_identity, m->server_identity);
	assert_string_equal(n->server_hostname, m->server_hostname);
	assert_int_equal(n->server_port, 3306);
	assert_int_equal(n->server_id, 4294967295);
	assert_int_equal(n->started_ms, m->started_ms);
	assert_int_equal(n->taken_ms, m->taken_ms);
	assert_int_equal(n->finished_ms, m->finished_ms);
	assert_int_equal(n->pause_ms, 12);
	assert_int_equal(n->wait_ms, 345);
	assert_int_equal(n->in_flight_ms, -1);
	assert_int_equal(n->ddl_wait_ms, 7);
	assert_int_equal(n->rows, m->rows);
	assert_int_equal(n->bytes, m->bytes);
	assert_int_equal(n->bytes_stored, m->bytes_stored);
	assert_int_equal(n->tables, m->tables);
	assert_int_equal(n->largest_statement, m->largest_statement);
	assert_int_equal(n->nontransactional_tables, 2);
	assert_int_equal(n->notes.n, 1);
	assert_string_equal(n->notes.item[0], m->notes.item[0]);
	assert_int_equal(n->history_max, 4711);
	assert_true(n->partial && n->users);
	assert_string_equal(n->partial_why.item[0], "--exclude");
	assert_string_equal(n->warnings.item[0], m->warnings.item[0]);
	assert_int_equal(n->objects.n, 3);
	assert_memory_equal(n->objects.item, m->objects.item, 3 * sizeof *m->objects.item);
	assert_non_null(strstr(text.data, "\"taken\": \"2026-11-20T13:37:02.345Z\""));
	manifest_free(m);
	manifest_free(n);
	buf_free(&text);
	buf_free(&again);
	manifest_free(NULL);
}

static void test_any_change_is_found(void **state)
{
	(void)state;
	struct manifest *m = full_manifest(), *n = NULL;
	struct buf text = BUF_INIT(1 << 20);
	struct error err;
	OK(manifest_write(m, &text, &err));
	for (size_t i = 0; i < text.len; i++) {
		for (int bit = 1; bit < 256; bit <<= 3) {
			text.data[i] = (char)(text.data[i] ^ bit);
			FAILS(ERR_SNAPSHOT, manifest_read(text.data, text.len, &n, &err));
			text.data[i] = (char)(text.data[i] ^ bit);
		}
		FAILS(ERR_SNAPSHOT, manifest_read(text.data, i, &n, &err)); /* cut off */
	}
	buf_addc(&text, '\n');
	FAILS(ERR_SNAPSHOT, manifest_read(text.data, text.len, &n, &err));
	FAILS(ERR_SNAPSHOT, manifest_read("", 0, &n, &err));
	OK(manifest_read(text.data, text.len - 1, &n, &err));
	manifest_free(n);
	manifest_free(m);
	buf_free(&text);
}

/* Give a document that somebody has edited the digest that it then needs. */
static enum status read_edited(const char *text, const char *from, const char *to, struct error *err)
{
	struct buf b = BUF_INIT(1 << 20);
	struct manifest *m = NULL;
	char sha256[DIGEST_HEX];
	const char *at = strstr(text, from), *last = strstr(text, "  \"sha256\": \"");
	for (const char *p = last; p; p = strstr(p + 1, "\n  \"sha256\": \""))
		last = *p == '\n' ? p + 1 : p;
	assert_non_null(at);
	buf_add(&b, text, (size_t)(at - text));
	buf_adds(&b, to);
	buf_add(&b, at + strlen(from), (size_t)(last - at) - strlen(from));
	enum status st = digest_of(b.data, b.len, sha256, err);
	buf_addf(&b, "  \"sha256\": \"%s\"\n}\n", sha256);
	if (!st)
		st = manifest_read(b.data, b.len, &m, err);
	manifest_free(m);
	buf_free(&b);
	return st;
}

static void test_edited_with_the_right_digest(void **state)
{
	(void)state;
	struct manifest *m = full_manifest();
	struct buf text = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	static const struct { const char *from, *to, *why; } bad[] = {
		{ "\"format\": 1", "\"format\": 2", "format 2" },
		{ "\"format\": 1", "\"formt\": 1", "format" },
		{ "\"id\": \"2026", "\"id\": \"x026", "no id" },
		{ "\"id\": \"" SAMPLE_ID, "\"id\": \"../../x", "no id" },
		{ "\"layout\": \"store\"", "\"layout\": \"tape\"", "layout" },
		{ "\"key\": \"shard-0000.tar\"", "\"key\": \"../shard-0000.tar\"", "object" },
		{ "\"key\": \"shard-0000.tar\"", "\"key\": \"/etc/passwd\"", "object" },
		{ "\"key\": \"shard-0000.tar\"", "\"key\": \"checkpoint.json\"", "twice" },
		{ "\"size\": 1234", "\"size\": -1234", "size" },
		{ "\"size\": 1234", "\"size\": \"1234\"", "size" },
		{ "\"users\": true", "\"users\": 1", "users" },
		{ "\"objects\": [", "\"objects\": 7, \"x\": [", "objects" },
		{ "\"warnings\": [", "\"warnings\": [7, ", "warnings" },
		{ "\"server\": {", "\"server\": 7, \"x\": {", "server" },
		{ "\"rows\": 1000000", "\"rows\": 1000000, \"rows\": 5", "duplicate" },
		{ "\"rows\": 1000000", "\"rows\": 1e6", "rows" },
	};
	OK(manifest_write(m, &text, &err));
	OK(read_edited(text.data, "\"tool\": \"slackwater test\"", "\"tool\": \"slackwater 9.9\", \"new\": [1]", &err)); /* unknown members are fine */
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		FAILS(ERR_SNAPSHOT, read_edited(text.data, bad[i].from, bad[i].to, &err));
		if (!strstr(err.message, bad[i].why))
			fail_msg("case %zu: \"%s\" is not in: %s", i, bad[i].why, err.message);
	}
	manifest_free(m);
	buf_free(&text);
}

/* FORMAT.md says which members may be missing: what only informs. What decides must be there. */
static void test_members_that_are_missing(void **state)
{
	(void)state;
	static const struct { const char *member; bool optional; } all[] = {
		{ "tool", true }, { "hostname", true }, { "port", true }, { "server_id", true }, { "pause_ms", true }, { "wait_ms", true },
		{ "in_flight_ms", true }, { "ddl_wait_ms", true }, { "rows", true }, { "bytes", true }, { "bytes_stored", true }, { "tables", true },
		{ "largest_statement", true }, { "nontransactional_tables", true }, { "history_max", true }, { "partial_why", true }, { "warnings", true }, { "notes", true },
		{ "format", false }, { "id", false }, { "instance", false }, { "engine", false }, { "layout", false }, { "server", false },
		{ "flavor", false }, { "version", false }, { "identity", false }, { "started_ms", false }, { "taken_ms", false }, { "finished_ms", false },
		{ "partial", false }, { "users", false }, { "objects", false }, { "key", false }, { "size", false },
	};
	struct manifest *m = full_manifest();
	struct buf text = BUF_INIT(1 << 20);
	struct error err = ERROR_INIT;
	OK(manifest_write(m, &text, &err));
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		char from[64], to[64];
		snprintf(from, sizeof from, "\"%s\": ", all[i].member);
		snprintf(to, sizeof to, "\"x_%s\": ", all[i].member);
		if (all[i].optional)
			OK(read_edited(text.data, from, to, &err));
		else
			FAILS(ERR_SNAPSHOT, read_edited(text.data, from, to, &err));
	}
	manifest_free(m);
	buf_free(&text);
}

/* As FORMAT.md says: anybody can check a manifest with the tools at hand. */
static void test_checked_by_sha256sum(void **state)
{
	struct scratch *t = *state;
	struct manifest *m = full_manifest();
	struct buf text = BUF_INIT(1 << 20);
	struct error err;
	extern char **environ;
	char *argv[] = { (char *)"sh", (char *)"-c",
		         (char *)"test \"$(head -n -2 \"$0\" | sha256sum | cut -c1-64)\" = \"$(tail -n 2 \"$0\" | grep -o '[0-9a-f]\\{64\\}')\"",
		         (char *)scratch_path(t, "m.json"), NULL };
	pid_t pid;
	int status = -1;
	OK(manifest_write(m, &text, &err));
	scratch_write(scratch_path(t, "m.json"), text.data, text.len);
	assert_int_equal(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	manifest_free(m);
	buf_free(&text);
}

static void test_text_that_is_no_utf8(void **state)
{
	(void)state;
	struct manifest *m = full_manifest(), *n;
	struct buf text = BUF_INIT(1 << 20);
	struct error err;
	strlist_add(&m->warnings, "bytes \xff\xfe from a server", NULL);
	OK(manifest_write(m, &text, &err));
	OK(manifest_read(text.data, text.len, &n, &err));
	assert_string_equal(n->warnings.item[1], "bytes \xef\xbf\xbd\xef\xbf\xbd from a server");
	manifest_free(n);
	buf_clear(&text);
	memcpy(m->instance, "\xff", 1); /* what names the snapshot must come back exactly */
	FAILS(ERR_USAGE, manifest_write(m, &text, &err));
	manifest_free(m);
	buf_free(&text);
}

static void test_ids(void **state)
{
	(void)state;
	char a[CATALOG_ID], b[CATALOG_ID];
	struct error err;
	OK(catalog_new_id(1795181821999, a, &err));
	OK(catalog_new_id(1795181822000, b, &err));
	assert_memory_equal(a, "20261120T133701Z-", 17);
	assert_true(strcmp(a, b) < 0);
	assert_true(id_valid(a, strlen(a)));
	for (int ms = 1; ms < 1000; ms++) { /* two backups of one second sort as they were begun */
		OK(catalog_new_id(1795181821000 + ms - 1, a, &err));
		OK(catalog_new_id(1795181821000 + ms, b, &err));
		assert_true(strcmp(a, b) < 0);
	}
	OK(catalog_new_id(1795181821999, a, &err));
	unsigned same = 0;
	for (int i = 0; i < 100; i++) {
		OK(catalog_new_id(1795181821999, b, &err));
		same += strcmp(a, b) == 0;
	}
	assert_true(same < 3);
	static const char *const bad[] = { "", "latest", "20261120T133701Z-9f3a1", "20261120T133701Z-9f3a1cc", "20261120T133701Z-9f3a1g", "20261120X133701Z-9f3a1c", "../../../../etc/passwd0" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(id_valid(bad[i], strlen(bad[i])));
}

static void test_instance_keys(void **state)
{
	(void)state;
	static const struct { const char *name, *key; } pair[] = {
		{ "db1_3306", "db1_3306" }, { "db1.example.com_3306", "db1.example.com_3306" }, { ".hidden", "%2Ehidden" }, { "..", "%2E." },
		{ "a/b", "a%2Fb" }, { "../x", "%2E.%2Fx" }, { "100%", "100%25" }, { "\xc3\xa4 b", "%C3%A4%20b" }, { "[::1]_3306", "%5B%3A%3A1%5D_3306" },
		{ "", "%00" }, { "a\nb", "a%0Ab" }, { "%41", "%2541" }, { "manifests", "manifests" },
	};
	for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++) {
		struct buf key = BUF_INIT(200), name = BUF_INIT(200);
		catalog_instance_key(pair[i].name, &key);
		assert_string_equal(buf_str(&key), pair[i].key);
		instance_name(key.data, key.len, &name);
		assert_string_equal(buf_str(&name), pair[i].name);
		buf_free(&key);
		buf_free(&name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_any_change_is_found),
		cmocka_unit_test(test_edited_with_the_right_digest), cmocka_unit_test(test_members_that_are_missing),
		cmocka_unit_test(test_text_that_is_no_utf8), cmocka_unit_test(test_ids),
		cmocka_unit_test_setup_teardown(test_checked_by_sha256sum, scratch_setup, scratch_teardown), cmocka_unit_test(test_instance_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
