/* SPDX-License-Identifier: Apache-2.0 */
/* What servers of many versions say of themselves in SHOW GLOBAL VARIABLES. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "applier/instance.h"
#include "bare_run.h"
#include "fake_conn.h"

static struct instance of(unsigned version, const char *variables)
{
	struct instance in = { 0 };
	struct error err = ERROR_INIT;
	struct conn *c = fake_conn_new(&bare_run, FLAVOR_MYSQL, version);
	fake_conn_expect_prefix(c, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('gtid_mode',");
	fake_conn_rows(c, variables);
	fake_conn_expect_prefix(c, "SELECT COUNT(*) FROM performance_schema.replication_group_members");
	fake_conn_rows(c, "n\n0\n");
	assert_int_equal(instance_read(c, &in, &err), ST_OK);
	conn_free(c);
	return in;
}

#define COMMON "Variable_name\tValue\ngtid_mode\tOFF\nlog_bin\tON\nperformance_schema\tON\n"

/* 8.3 has no master_info_repository and no relay_log_info_repository any more: tables are all there is. */
static void where_the_applier_keeps_its_metadata(void **state)
{
	(void)state;
	struct { unsigned version; const char *variables; bool tables; } given[] = {
		{ 50744, COMMON "master_info_repository\tFILE\nrelay_log_info_repository\tFILE\nslave_parallel_workers\t4\n", false },
		{ 50744, COMMON "master_info_repository\tTABLE\nrelay_log_info_repository\tTABLE\nslave_parallel_workers\t4\n", true },
		{ 80036, COMMON "master_info_repository\tTABLE\nrelay_log_info_repository\tTABLE\nreplica_parallel_workers\t4\nslave_parallel_workers\t4\n", true },
		{ 80036, COMMON "master_info_repository\tFILE\nrelay_log_info_repository\tFILE\nreplica_parallel_workers\t4\nslave_parallel_workers\t4\n", false },
		{ 80300, COMMON "replica_parallel_workers\t4\nslave_parallel_workers\t4\n", true },
		{ 80400, COMMON "replica_parallel_workers\t4\n", true },
	};
	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
		struct instance in = of(given[i].version, given[i].variables);
		assert_int_equal(in.tables, given[i].tables);
		assert_int_equal(in.workers, 4);
		instance_free(&in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(where_the_applier_keeps_its_metadata) };
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
