/* SPDX-License-Identifier: Apache-2.0 */
/* What server programs say of themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proof/binary.h"

static void versions(void **state)
{
	(void)state;
	static const struct { const char *text; enum flavor flavor; unsigned version; const char *version_text; } known[] = {
		{ "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)\n", FLAVOR_MARIADB, 101119, "10.11.19-MariaDB-0+deb12u1" },
		{ "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))\n", FLAVOR_MYSQL, 90704, "9.7.4-2" },
		{ "/x/mysqld  Ver 5.6.24-72.2 for Linux on x86_64 (Percona Server)", FLAVOR_MYSQL, 50624, "5.6.24-72.2" },
		{ "mysqld  Ver 8.0.36\n", FLAVOR_MYSQL, 80036, "8.0.36" },
		/* what a wrapper says before */
		{ "entering\nmysqld  Ver 8.4.3 for Linux\n", FLAVOR_MYSQL, 80403, "8.4.3" },
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct server_info s = { .version = 0 };
		assert_true(proof_binary_parse(known[i].text, &s));
		assert_int_equal(s.flavor, known[i].flavor);
		assert_int_equal(s.version, known[i].version);
		assert_string_equal(s.version_text, known[i].version_text);
	}
}

static void others(void **state)
{
	(void)state;
	static const char *const unknown[] = { "", "true (GNU coreutils) 9.1\n", "mysqld  Ver ", "mysqld  Ver x.y.z", "mysqld Ver 8.0", "a Ver 8.0.123 b" };
	struct server_info s;
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
		if (proof_binary_parse(unknown[i], &s))
			fail_msg("\"%s\" was taken for a server", unknown[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(versions), cmocka_unit_test(others) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
