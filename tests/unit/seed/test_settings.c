/* SPDX-License-Identifier: Apache-2.0 */
/* What servers that no lab has say of their settings before they are seeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bare_run.h"
#include "fake_conn.h"
#include "seed/settings.h"

static void says(struct conn *c, const char *variable, const char *value)
{
	char sql[160], rows[160];
	snprintf(sql, sizeof sql, "SELECT @@GLOBAL.%s", variable);
	fake_conn_expect(c, sql);
	if (!value) {
		fake_conn_error(c, 1193, "Unknown system variable");
		return;
	}
	snprintf(rows, sizeof rows, "v\n%s\n", value);
	fake_conn_rows(c, rows);
}

/* A target of MariaDB 12, where @@read_only is a word (MDEV-36425). */
static enum status seed_into(const char *read_only, struct seed_report *report, struct error *err)
{
	struct seed_options o = { .target = { .host = "elsewhere" } };
	struct checkpoint cp = { .server = { .flavor = FLAVOR_MARIADB, .version = 120101, .server_id = 1 } };
	struct seed_job j = { .o = &o, .run = &bare_run, .report = report, .cp = &cp };
	j.target = fake_conn_new(&bare_run, FLAVOR_MARIADB, 120101);
	j.target->server.server_id = 2;
	says(j.target, "wsrep_on", "0");
	says(j.target, "replica_skip_errors", NULL);
	says(j.target, "slave_skip_errors", "OFF");
	says(j.target, "replica_exec_mode", NULL);
	says(j.target, "slave_exec_mode", "STRICT");
	says(j.target, "super_read_only", NULL);
	says(j.target, "read_only", read_only);
	if (strcmp(read_only, "NO_LOCK_NO_ADMIN") != 0) {
		says(j.target, "log_bin", "1");
		says(j.target, "slave_parallel_threads", "4");
	}
	enum status st = seed_settings_target(&j, err);
	conn_free(j.target);
	return st;
}

static void read_only_may_be_a_word(void **state)
{
	(void)state;
	static const struct { const char *read_only; bool refused; size_t warnings; } given[] = {
		{ "OFF", false, 1 }, { "0", false, 1 }, { "ON", false, 0 }, { "NO_LOCK", false, 0 }, { "NO_LOCK_NO_ADMIN", true, 0 },
	};
	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
		struct seed_report report = { 0 };
		struct error err = ERROR_INIT;
		assert_int_equal(seed_into(given[i].read_only, &report, &err) != ST_OK, given[i].refused);
		assert_int_equal(report.warnings.n, given[i].warnings);
		if (given[i].refused)
			assert_int_equal(err.kind, ERR_SEED_REFUSED);
		strlist_free(&report.warnings);
		strlist_free(&report.not_carried);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(read_only_may_be_a_word) };
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
