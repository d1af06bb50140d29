/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_conn.h"
#include "observe/distance.h"

#define U "11fe335e-e9cd-11f1-8219-02fc00000001"
#define V "22fe335e-e9cd-11f1-8219-02fc00000001"

static int64_t by_gtid(const char *received, const char *executed)
{
	struct error err = ERROR_INIT;
	int64_t n = -7;
	assert_int_equal(distance_gtid(received, executed, &n, &err), ST_OK);
	return n;
}

static void test_gtid(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	int64_t n = -7;
	assert_int_equal(by_gtid(U ":1-321", U ":1-287:289-296"), 26);
	assert_int_equal(by_gtid(U ":1-10", U ":1-10," V ":1-3"), 0);
	assert_int_equal(by_gtid(NULL, NULL), 0);
	assert_int_equal(by_gtid(U ":5-6", NULL), 2);
	assert_int_not_equal(distance_gtid("nonsense", "", &n, &err), ST_OK);
	assert_int_equal(n, -7);
}

static int64_t by_domain(const char *received, const char *executed)
{
	struct error err = ERROR_INIT;
	int64_t n = -7;
	assert_int_equal(distance_mariadb(received, executed, &n, &err), ST_OK);
	return n;
}

static void test_mariadb(void **state)
{
	(void)state;
	assert_int_equal(by_domain("1-100-140,0-100-140", "0-100-123,1-100-126"), 17 + 14);
	assert_int_equal(by_domain("0-100-123", "0-100-123,1-100-126"), 0);
	assert_int_equal(by_domain("2-1-5", "0-100-123"), 5);
	assert_int_equal(by_domain("0-1-5", "0-1-9"), 0); /* the receiver connected anew, further back */
	assert_int_equal(by_domain("", "0-100-123"), OBSERVE_UNKNOWN);
}

static void test_positions(void **state)
{
	(void)state;
	int64_t files, bytes;
	distance_positions("binlog.000007", 1000, "binlog.000007", 5000, &files, &bytes);
	assert_int_equal(files, 0);
	assert_int_equal(bytes, 4000);
	distance_positions("binlog.999999", 1000, "binlog.1000002", 5, &files, &bytes);
	assert_int_equal(files, 3);
	assert_int_equal(bytes, OBSERVE_UNKNOWN);
	distance_positions("binlog.000007", 1000, "other.000009", 5000, &files, &bytes); /* the source was changed */
	assert_int_equal(files, OBSERVE_UNKNOWN);
	distance_positions(NULL, 0, "binlog.000001", 4, &files, &bytes);
	assert_int_equal(files, OBSERVE_UNKNOWN);
	assert_int_equal(bytes, OBSERVE_UNKNOWN);
}

/* ---- bitmaps of a running applier; figures as 5.6.24 had them while one worker was held ---- */

#define HEAD                                                                                                               \
	"Id\tRelay_log_name\tRelay_log_pos\tMaster_log_name\tMaster_log_pos\tCheckpoint_master_log_name\t"                      \
	"Checkpoint_master_log_pos\tCheckpoint_seqno\tCheckpoint_group_bitmap\tlow_file\tlow_pos\n"
#define ROW(id, pos, checkpoint, seqno, bits)                                                                              \
	id "\t./relay.000002\t9\tbinlog.000001\t" pos "\tbinlog.000001\t" checkpoint "\t" seqno "\t" bits "\tbinlog.000001\t157738\n"

static struct distance_bitmaps read_rows(const char *text)
{
	struct run run;
	struct error err = ERROR_INIT;
	struct rows *r = NULL;
	struct distance_bitmaps b = { 0 };
	bool more = true;
	assert_int_equal(run_init(&run, NULL, NULL, NULL, &err), ST_OK);
	struct conn *c = fake_conn_new(&run, FLAVOR_MYSQL, 50624);
	fake_conn_expect(c, "SELECT rows");
	fake_conn_rows(c, text);
	assert_int_equal(conn_query(c, "SELECT rows", &r, &err), ST_OK);
	while (!rows_next(r, &more, &err) && more)
		assert_int_equal(distance_bitmaps_add(&b, r, "", &err), ST_OK);
	rows_free(r);
	conn_free(c);
	run_destroy(&run);
	return b;
}

static int64_t count(const char *text, char **ret_text)
{
	struct error err = ERROR_INIT;
	struct distance_bitmaps b = read_rows(text);
	int64_t n = -7;
	*ret_text = NULL;
	assert_int_equal(distance_bitmaps_end(&b, &n, ret_text, &err), ST_OK);
	distance_bitmaps_free(&b);
	return n;
}

static void test_bitmaps(void **state)
{
	(void)state;
	char *text;
	/* groups 2, 4 and 5, 6 of the frame; the stale row of worker 1 and worker 4 at the mark itself say nothing */
	assert_int_equal(count(HEAD ROW("1", "143037", "8618", "163", "FF") ROW("2", "485226", "157738", "4", "1A00")
	                       ROW("3", "498737", "157738", "5", "2000") ROW("4", "157738", "156471", "2", "07"), &text), 2);
	assert_string_equal(text, "group 1, 3 of the 6 behind the low-water mark");
	free(text);
	assert_int_equal(count(HEAD ROW("1", "143037", "8618", "163", "FF"), &text), 0);
	assert_null(text);
	assert_int_equal(count(HEAD, &text), 0);
	assert_null(text);
	/* a frame that begins earlier: how many groups lie between is not known */
	assert_int_equal(count(HEAD ROW("2", "485226", "156471", "4", "1A00"), &text), OBSERVE_UNKNOWN);
	assert_non_null(strstr(text, "cannot be counted"));
	free(text);
	/* a row that contradicts itself */
	assert_int_equal(count(HEAD ROW("2", "485226", "157738", "4000", "1A00"), &text), OBSERVE_UNKNOWN);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gtid),
		cmocka_unit_test(test_mariadb),
		cmocka_unit_test(test_positions),
		cmocka_unit_test(test_bitmaps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
