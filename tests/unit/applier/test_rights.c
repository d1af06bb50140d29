/* SPDX-License-Identifier: Apache-2.0 */
/* Rights have other names from version to version; a GRANT that is advised must be one that the server knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "applier/preflight.h"
#include "bare_run.h"
#include "fake_conn.h"

static const char *right(enum flavor flavor, unsigned version)
{
	return rights_to_look(&(struct server_info){ .flavor = flavor, .version = version });
}

static void test_right_to_look(void **state)
{
	(void)state;
	assert_string_equal(right(FLAVOR_MYSQL, 50624), "REPLICATION CLIENT");
	assert_string_equal(right(FLAVOR_MYSQL, 90704), "REPLICATION CLIENT");
	assert_string_equal(right(FLAVOR_MARIADB, 100501), "REPLICATION CLIENT");
	assert_string_equal(right(FLAVOR_MARIADB, 100502), "REPLICATION SLAVE ADMIN");
	assert_string_equal(right(FLAVOR_MARIADB, 100508), "REPLICATION SLAVE ADMIN");
	assert_string_equal(right(FLAVOR_MARIADB, 100509), "SLAVE MONITOR");
	assert_string_equal(right(FLAVOR_MARIADB, 110402), "SLAVE MONITOR");
}

/* Whether an account with this grant may stop an applier; if not, what it is said to lack. */
static bool may_stop(enum flavor flavor, unsigned version, const char *grant, struct error *err)
{
	char rows[200];
	struct channel one = { .cp = { .name = "" } };
	struct channels ch = { .item = &one, .n = 1 };
	struct conn *c = fake_conn_new(&bare_run, flavor, version);
	struct instance in = { .server = c->server };
	snprintf(rows, sizeof rows, "Grants for a@%%\nGRANT %s ON *.* TO `a`@`%%`\n", grant);
	fake_conn_expect(c, "SHOW GRANTS");
	fake_conn_rows(c, rows);
	*err = ERROR_INIT;
	fake_conn_expect(c, "SELECT CURRENT_USER()");
	fake_conn_any_times(c);
	fake_conn_rows(c, "u\na@%\n");
	enum status st = rights_check_channels(c, &in, &ch, err);
	conn_free(c);
	return !st;
}

static void test_right_to_stop(void **state)
{
	(void)state;
	struct error err;
	assert_true(may_stop(FLAVOR_MYSQL, 50744, "SUPER", &err));
	assert_true(may_stop(FLAVOR_MYSQL, 80036, "SUPER", &err));
	assert_true(may_stop(FLAVOR_MYSQL, 80036, "BACKUP_ADMIN,REPLICATION_SLAVE_ADMIN", &err));
	assert_true(may_stop(FLAVOR_MARIADB, 100501, "SUPER", &err));
	assert_true(may_stop(FLAVOR_MARIADB, 100623, "PROCESS, SUPER", &err));
	assert_true(may_stop(FLAVOR_MARIADB, 101119, "PROCESS, REPLICATION SLAVE ADMIN", &err));
	assert_true(may_stop(FLAVOR_MARIADB, 110809, "ALL PRIVILEGES", &err));
	assert_true(may_stop(FLAVOR_MARIADB, 101119, "PROCESS, SUPER", &err));
	/* From 11.0 on SUPER does not hold it. */
	assert_false(may_stop(FLAVOR_MARIADB, 110001, "PROCESS, SUPER", &err));
	assert_string_equal(err.message, "the account a@% lacks: REPLICATION SLAVE ADMIN");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_right_to_look), cmocka_unit_test(test_right_to_stop) };
	return cmocka_run_group_tests(tests, bare_run_setup, bare_run_teardown);
}
