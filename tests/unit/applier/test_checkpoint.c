/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.json both ways, and the texts beside the data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "scratch.h"
#include "slackwater/jsonx.h"

/* Every member set, each to something of its own. */
static void fill_channel(struct checkpoint_channel *ch)
{
	struct error err = ERROR_INIT;
	*ch = (struct checkpoint_channel){
		.name = strdup("odd'n\"me"), .mode = MODE_MYSQL_AUTO, .was_running = true, .io_running = true, .workers = 4,
		.commit_order = true, .source_host = strdup("db1"), .source_port = 3307, .source_uuid = strdup("u-1"),
		.source_server_id = 4294967295u, .coordinates = COORDINATES_STALE, .coordinates_why = strdup("because"),
		.exec_file = strdup("binlog.000009"), .exec_pos = 5000000000u, .relay_file = strdup("relay.000002"), .relay_pos = 7,
		.read_file = strdup("binlog.000010"), .read_pos = 8, .auto_position = true, .using_gtid = strdup("Slave_Pos"),
		.received_set = strdup("u-1:1-9"), .lwm_file = strdup("binlog.000008"), .lwm_pos = 9,
		.worker_rows = json_pack("[{s:s}]", "Id", "1"), .filters = json_pack("{s:s}", "Replicate_Do_DB", "a"), .delay_s = 3600,
		.privilege_checks_user = strdup("'u'@'%'"), .require_row_format = true, .gtid_only = true,
		.assign_gtids = strdup("LOCAL"), .heartbeat_s = 12.5,
	};
	OK(strlist_add(&ch->proof, "a line", &err));
	OK(strlist_add(&ch->proof, "another \xff one", &err)); /* a server's message need not be UTF-8 */
}

static struct checkpoint *full(void)
{
	struct error err = ERROR_INIT;
	struct checkpoint *cp = calloc(1, sizeof *cp);
	*cp = (struct checkpoint){
		.server = { .flavor = FLAVOR_MYSQL, .version = 90704, .version_text = "9.7.4", .comment = "c", .hostname = "h",
		            .port = 3306, .server_id = 7, .uuid = "u-2", .identity = "u-2" },
		.taken_ms = 1795187563724, .gtid_mode = strdup("ON"), .gtid_executed = strdup("u-1:1-5,\nu-2:1"),
		.gtid_purged = strdup(""), .log_bin = true, .log_replica_updates = true, .binlog_file = strdup("own.000003"),
		.binlog_pos = 197, .nchannels = 1, .pause_ms = 12, .wait_ms = 34, .in_flight_ms = 56, .gap_rounds = 2,
	};
	cp->channel = calloc(1, sizeof *cp->channel);
	fill_channel(&cp->channel[0]);
	OK(strlist_add(&cp->proof, "the counter stood still", &err));
	OK(strlist_add(&cp->warnings, "read_only is OFF", &err));
	OK(strlist_add(&cp->notes, "statistics of `a`.`b`", &err));
	return cp;
}

static char *dump(const struct checkpoint *cp)
{
	struct buf b = BUF_INIT(1u << 20);
	struct error err = ERROR_INIT;
	json_t *doc = checkpoint_to_json(cp);
	assert_non_null(doc);
	OK(jsonx_dump(doc, &b, &err));
	json_decref(doc);
	return buf_take(&b);
}

static void test_round_trip(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct checkpoint *cp = full(), *again = NULL;
	char *text = dump(cp);
	json_t *doc = NULL;
	OK(jsonx_parse(text, strlen(text), "checkpoint.json", &doc, &err));
	OK(checkpoint_from_json(doc, &again, &err));
	char *text2 = dump(again);
	assert_string_equal(text, text2);
	assert_null(strstr(text, "assword"));
	const struct checkpoint_channel *ch = &again->channel[0];
	assert_string_equal(ch->name, "odd'n\"me");
	assert_int_equal(ch->mode, MODE_MYSQL_AUTO);
	assert_int_equal(ch->coordinates, COORDINATES_STALE);
	assert_int_equal(ch->source_server_id, 4294967295u);
	assert_true(ch->exec_pos == 5000000000u);
	assert_true(ch->heartbeat_s == 12.5);
	assert_int_equal(ch->delay_s, 3600);
	assert_true(ch->gtid_only && ch->require_row_format && ch->was_running);
	assert_int_equal(ch->proof.n, 2);
	assert_string_equal(json_string_value(json_object_get(ch->filters, "Replicate_Do_DB")), "a");
	assert_int_equal(json_array_size(ch->worker_rows), 1);
	assert_string_equal(again->gtid_executed, "u-1:1-5,\nu-2:1");
	assert_string_equal(again->gtid_purged, "");
	assert_null(again->gtid_slave_pos);
	assert_int_equal(again->server.version, 90704);
	assert_string_equal(again->server.identity, "u-2");
	assert_int_equal(again->gap_rounds, 2);
	assert_string_equal(again->notes.item[0], "statistics of `a`.`b`");
	assert_true(again->taken_ms == 1795187563724);
	json_decref(doc);
	free(text);
	free(text2);
	checkpoint_free(cp);
	checkpoint_free(again);
}

static void refused(json_t *doc)
{
	struct error err = ERROR_INIT;
	struct checkpoint *cp = NULL;
	FAILS(ERR_SNAPSHOT, checkpoint_from_json(doc, &cp, &err));
	assert_null(cp);
	json_decref(doc);
}

static void test_modes(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct checkpoint *cp = full(), *again = NULL;
	for (int i = MODE_MYSQL_AUTO; i <= MODE_MARIADB_POSITION; i++) {
		cp->channel[0].mode = (enum applier_mode)i;
		json_t *doc = checkpoint_to_json(cp);
		OK(checkpoint_from_json(doc, &again, &err));
		assert_int_equal(again->channel[0].mode, i);
		checkpoint_free(again);
		json_object_set_new(json_array_get(json_object_get(doc, "channels"), 0), "mode", json_string("mysql"));
		refused(doc);
	}
	checkpoint_free(cp);
}

/* Each member missing, and each of another type, is an error that names it: nothing is made up. */
static void test_damaged(void **state)
{
	(void)state;
	struct checkpoint *cp = full();
	json_t *doc = checkpoint_to_json(cp);
	const char *key;
	json_t *value;
	json_object_foreach(doc, key, value) {
		json_t *damaged = json_deep_copy(doc);
		if (strcmp(key, "taken") == 0) { /* for people: taken_ms counts */
			json_decref(damaged);
			continue;
		}
		json_object_del(damaged, key);
		if (strcmp(key, "notes") == 0) /* only an encrypted snapshot has them here */
			json_decref(damaged);
		else
			refused(damaged);
		damaged = json_deep_copy(doc);
		json_object_set_new(damaged, key, json_real(0.5));
		refused(damaged);
	}
	json_t *channel = json_array_get(json_object_get(doc, "channels"), 0);
	json_object_foreach(channel, key, value) {
		json_t *damaged = json_deep_copy(doc);
		json_object_del(json_array_get(json_object_get(damaged, "channels"), 0), key);
		refused(damaged);
		if (strcmp(key, "heartbeat_s") == 0)
			continue;
		damaged = json_deep_copy(doc);
		json_object_set_new(json_array_get(json_object_get(damaged, "channels"), 0), key, json_real(0.5));
		refused(damaged);
	}
	json_t *later = json_deep_copy(doc);
	json_object_set_new(later, "format", json_integer(2));
	refused(later);
	json_t *negative = json_deep_copy(doc);
	json_object_set_new(negative, "binlog_pos", json_integer(-1));
	refused(negative);
	json_t *longer = json_deep_copy(doc);
	char name[300];
	memset(name, 'h', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	json_object_set_new(json_object_get(longer, "server"), "hostname", json_string(name));
	refused(longer);
	json_decref(doc);
	checkpoint_free(cp);
}

static void texts(struct checkpoint *cp, const char *slave, const char *binlog)
{
	struct buf a = BUF_INIT(4096), b = BUF_INIT(4096);
	checkpoint_slave_info(cp, &a);
	checkpoint_binlog_info(cp, &b);
	assert_string_equal(buf_str(&a), slave);
	assert_string_equal(buf_str(&b), binlog);
	buf_free(&a);
	buf_free(&b);
}

static void test_texts_mysql(void **state)
{
	(void)state;
	struct checkpoint *cp = full();
	texts(cp,
	      "SET GLOBAL gtid_purged='u-1:1-5,u-2:1';\n"
	      "CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION=1 FOR CHANNEL 'odd\\'n\"me';\n",
	      "own.000003\t197\tu-1:1-5,u-2:1\n");
	cp->channel[0].auto_position = false;
	texts(cp, "SET GLOBAL gtid_purged='u-1:1-5,u-2:1';\n", "own.000003\t197\tu-1:1-5,u-2:1\n"); /* stale: not said */
	cp->channel[0].coordinates = COORDINATES_PROVEN;
	cp->server.version = 50744;
	free(cp->gtid_executed);
	cp->gtid_executed = NULL;
	texts(cp, "CHANGE MASTER TO MASTER_LOG_FILE='binlog.000009', MASTER_LOG_POS=5000000000 FOR CHANNEL 'odd\\'n\"me';\n",
	      "own.000003\t197\n");
	free(cp->channel[0].name);
	cp->channel[0].name = strdup("");
	free(cp->binlog_file);
	cp->binlog_file = NULL;
	texts(cp, "CHANGE MASTER TO MASTER_LOG_FILE='binlog.000009', MASTER_LOG_POS=5000000000;\n", "");
	checkpoint_free(cp);
}

static void test_texts_mariadb(void **state)
{
	(void)state;
	struct checkpoint *cp = full();
	cp->server.flavor = FLAVOR_MARIADB;
	cp->gtid_slave_pos = strdup("0-1-5,7-1-9");
	cp->gtid_binlog_pos = strdup("0-1-5");
	cp->channel[0].mode = MODE_MARIADB_GTID;
	texts(cp,
	      "SET GLOBAL gtid_slave_pos='0-1-5,7-1-9';\n"
	      "CHANGE MASTER 'odd\\'n\"me' TO master_use_gtid = slave_pos;\n",
	      "own.000003\t197\t0-1-5\n");
	cp->channel[0].mode = MODE_MARIADB_POSITION;
	cp->channel[0].coordinates = COORDINATES_PROVEN;
	texts(cp,
	      "SET GLOBAL gtid_slave_pos='0-1-5,7-1-9';\n"
	      "CHANGE MASTER 'odd\\'n\"me' TO MASTER_LOG_FILE='binlog.000009', MASTER_LOG_POS=5000000000;\n",
	      "own.000003\t197\t0-1-5\n");
	checkpoint_free(cp);
	struct checkpoint *none = calloc(1, sizeof *none); /* no replica, no binary log: nothing to say */
	texts(none, "", "");
	checkpoint_free(none);
}

static void test_copy(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct checkpoint *cp = full(), *other = full();
	struct checkpoint_channel copy = { 0 };
	OK(checkpoint_channel_copy(&copy, &cp->channel[0], &err));
	checkpoint_channel_clear(&other->channel[0]);
	other->channel[0] = copy;
	char *a = dump(cp), *b = dump(other);
	assert_string_equal(a, b);
	free(a);
	free(b);
	checkpoint_free(cp); /* nothing is shared */
	checkpoint_free(other);
	checkpoint_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_modes),         cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_texts_mysql), cmocka_unit_test(test_texts_mariadb), cmocka_unit_test(test_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
