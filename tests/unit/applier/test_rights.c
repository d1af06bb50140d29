/* SPDX-License-Identifier: Apache-2.0 */
/* Rights have other names from version to version; a GRANT that is advised must be one that the server knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "applier/preflight.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_right_to_look) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
