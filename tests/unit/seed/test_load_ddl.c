/* SPDX-License-Identifier: Apache-2.0 */
/* Which indexes wait until the rows are in, from literal texts of SHOW CREATE TABLE, among them names and comments that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/logical/load_ddl.h"

struct split { struct buf create, tail; };

static struct split split(const char *sql, bool keep_all)
{
	struct load_ddl d;
	struct error err = ERROR_INIT;
	struct split s = { BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
	assert_int_equal(load_ddl_parse(sql, strlen(sql), &d, &err), ST_OK);
	load_ddl_split(&d, keep_all, &s.create, &s.tail);
	load_ddl_free(&d);
	return s;
}

static void check(const char *sql, const char *create, const char *tail)
{
	struct split s = split(sql, false);
	assert_string_equal(buf_str(&s.create), create);
	assert_string_equal(buf_str(&s.tail), tail);
	buf_free(&s.create);
	buf_free(&s.tail);
}

static void test_plain_table(void **state)
{
	(void)state;
	check("CREATE TABLE `sbtest1` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `k` int NOT NULL DEFAULT '0',\n"
	      "  `c` char(120) NOT NULL DEFAULT '',\n  PRIMARY KEY (`id`),\n  KEY `k_1` (`k`)\n) ENGINE=InnoDB AUTO_INCREMENT=100001 DEFAULT CHARSET=utf8mb4",
	      "CREATE TABLE `sbtest1` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `k` int NOT NULL DEFAULT '0',\n"
	      "  `c` char(120) NOT NULL DEFAULT '',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=100001 DEFAULT CHARSET=utf8mb4",
	      "ADD KEY `k_1` (`k`)");
}

static void test_several_keep_their_words(void **state)
{
	(void)state;
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(20) DEFAULT NULL,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `u` (`b`(10)) USING BTREE,\n"
	      "  KEY `i` (`b`,`a` DESC) /*!80000 INVISIBLE */ COMMENT 'x, KEY `y` (`z`)'\n) ENGINE=InnoDB",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(20) DEFAULT NULL,\n  PRIMARY KEY (`a`)\n) ENGINE=InnoDB",
	      "ADD UNIQUE KEY `u` (`b`(10)) USING BTREE, ADD KEY `i` (`b`,`a` DESC) /*!80000 INVISIBLE */ COMMENT 'x, KEY `y` (`z`)'");
}

/* Nothing inside quotes counts, whatever it looks like. */
static void test_names_and_comments_lie(void **state)
{
	(void)state;
	const char *nasty = "CREATE TABLE `t``(,\n  KEY ``k`` (` (\n  `),\n  PRIMARY KEY (` int NOT NULL COMMENT 'it''s \\'),\\n  KEY `q` (`q`)',\n"
	                    "  `KEY` enum('a,b','c)','d''',');\n') DEFAULT ');',\n  `AUTO_INCREMENT` int DEFAULT NULL COMMENT 'AUTO_INCREMENT',\n"
	                    "  PRIMARY KEY (`),\n  PRIMARY KEY (`),\n  KEY `a``b, KEY (` (`KEY`)\n) ENGINE=InnoDB COMMENT='ENGINE=MyISAM, FOREIGN KEY'";
	struct split s = split(nasty, false);
	assert_string_equal(buf_str(&s.tail), "ADD KEY `a``b, KEY (` (`KEY`)");
	assert_non_null(strstr(buf_str(&s.create), "  PRIMARY KEY (`),\n  PRIMARY KEY (`)\n) ENGINE=InnoDB COMMENT='ENGINE=MyISAM, FOREIGN KEY'"));
	assert_non_null(strstr(buf_str(&s.create), "`KEY` enum('a,b','c)','d''',');\n') DEFAULT ');',"));
	buf_free(&s.create);
	buf_free(&s.tail);
}

static void unchanged(const char *sql)
{
	check(sql, sql, "");
}

static void test_what_stays(void **state)
{
	(void)state;
	/* not InnoDB */
	unchanged("CREATE TABLE `t` (\n  `a` int,\n  PRIMARY KEY (`a`),\n  KEY `k` (`a`)\n) ENGINE=MyISAM COMMENT='ENGINE=InnoDB'");
	/* foreign keys */
	unchanged("CREATE TABLE `t` (\n  `a` int,\n  PRIMARY KEY (`a`),\n  KEY `k` (`a`),\n  CONSTRAINT `c` FOREIGN KEY (`a`) REFERENCES `p` (`x`) ON DELETE CASCADE\n) ENGINE=InnoDB");
	/* system-versioned */
	unchanged("CREATE TABLE `t` (\n  `a` int,\n  `s` timestamp(6) GENERATED ALWAYS AS ROW START,\n  `e` timestamp(6) GENERATED ALWAYS AS ROW END,\n"
	          "  PRIMARY KEY (`a`,`e`),\n  KEY `k` (`a`),\n  PERIOD FOR SYSTEM_TIME (`s`, `e`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 WITH SYSTEM VERSIONING");
	/* not understood to its end */
	unchanged("CREATE TABLE `t` (\n  `a` int,\n  PRIMARY KEY (`a`),\n  KEY `k` (`a`)\n");
	unchanged("CREATE TABLE `t` (\n  `a` int COMMENT 'open");
	unchanged("CREATE TABLE `t` LIKE `u`");
	unchanged("/*!40101 SET NAMES utf8mb4*/");
	unchanged("CREATE TABLE t (a int, KEY (a)) ENGINE=InnoDB");
}

/* As MySQL 9.7.4, MariaDB 10.11.19 and 10.5.23 show it [run]; not what only a comment or a name says. */
static void test_encrypted(void **state)
{
	(void)state;
	static const struct { const char *tail; bool encrypted; } cases[] = {
		{ " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 /*!80016 ENCRYPTION='Y' */", true },
		{ " ENGINE=InnoDB ENCRYPTION='y'", true },
		{ " ENGINE=InnoDB DEFAULT CHARSET=latin1 `ENCRYPTED`='YES' `ENCRYPTION_KEY_ID`='4'", true },
		{ " ENGINE=InnoDB `encrypted`=yes", true },
		{ " ENGINE=InnoDB `ENCRYPTION_KEY_ID`=4 `ENCRYPTED`=YES", true },
		{ " ENGINE=InnoDB /*!80016 ENCRYPTION='N' */", false },
		{ " ENGINE=InnoDB `ENCRYPTED`='NO' `ENCRYPTION_KEY_ID`='4'", false },
		{ " ENGINE=InnoDB COMMENT='ENCRYPTION=''Y'' `ENCRYPTED`=YES'", false },
		{ " ENGINE=InnoDB COMMENT='open `", false },
		{ " ENGINE=InnoDB", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct load_ddl d = { 0 };
		char sql[256];
		snprintf(sql, sizeof sql, "CREATE TABLE `t` (\n  `ENCRYPTED` int DEFAULT 'YES',\n  `ENCRYPTION` int\n)%s", cases[i].tail);
		assert_int_equal(load_ddl_parse(sql, strlen(sql), &d, NULL), ST_OK);
		assert_int_equal(d.encrypted, cases[i].encrypted);
		load_ddl_free(&d);
	}
}

static void test_special_indexes_stay(void **state)
{
	(void)state;
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` text,\n  `g` geometry NOT NULL /*!80003 SRID 4326 */,\n  PRIMARY KEY (`a`),\n"
	      "  KEY `expr` ((lower(`b`))),\n  KEY `mixed` (`a`,(`a` + 1)),\n  SPATIAL KEY `s` (`g`),\n  KEY `plain` (`a`),\n"
	      "  FULLTEXT KEY `f` (`b`) /*!50100 WITH PARSER `ngram` */ \n) ENGINE=InnoDB",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` text,\n  `g` geometry NOT NULL /*!80003 SRID 4326 */,\n  PRIMARY KEY (`a`),\n"
	      "  KEY `expr` ((lower(`b`))),\n  KEY `mixed` (`a`,(`a` + 1)),\n  SPATIAL KEY `s` (`g`),\n"
	      "  FULLTEXT KEY `f` (`b`) /*!50100 WITH PARSER `ngram` */\n) ENGINE=InnoDB",
	      "ADD KEY `plain` (`a`)");
}

/* Those that wait come last in the table that is made: none of them may stand before one that stays. */
static void test_the_order_of_indexes_is_kept(void **state)
{
	(void)state;
	static const char *const stays[] = { "KEY `expr` ((lower(`b`)))", "SPATIAL KEY `s` (`g`)", "KEY `n` (`n`)" };
	for (size_t i = 0; i < sizeof stays / sizeof stays[0]; i++) {
		char sql[1000], create[1000];
		snprintf(sql, sizeof sql, "CREATE TABLE `t` (\n  `n` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  KEY `one` (`a`),\n  %s,\n  KEY `two` (`a`)\n) ENGINE=InnoDB", stays[i]);
		snprintf(create, sizeof create, "CREATE TABLE `t` (\n  `n` int NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  KEY `one` (`a`),\n  %s\n) ENGINE=InnoDB", stays[i]);
		check(sql, create, "ADD KEY `two` (`a`)");
	}
}

static void test_without_a_primary_key_unique_stays(void **state)
{
	(void)state;
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  UNIQUE KEY `u` (`a`),\n  KEY `k` (`a`)\n) ENGINE=InnoDB",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  UNIQUE KEY `u` (`a`)\n) ENGINE=InnoDB", "ADD KEY `k` (`a`)");
}

/* The index that AUTO_INCREMENT lives on stays, and with it all unique ones: their order decides what REPLACE hits. */
static void test_auto_increment_keeps_its_index(void **state)
{
	(void)state;
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` bigint NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `u` (`a`),\n"
	      "  UNIQUE KEY `n` (`n`),\n  KEY `an` (`a`,`n`)\n) ENGINE=InnoDB",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` bigint NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  UNIQUE KEY `u` (`a`),\n"
	      "  UNIQUE KEY `n` (`n`)\n) ENGINE=InnoDB",
	      "ADD KEY `an` (`a`,`n`)");
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` bigint NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  KEY `n` (`n`),\n  KEY `k` (`a`)\n) ENGINE=InnoDB",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `n` bigint NOT NULL AUTO_INCREMENT,\n  PRIMARY KEY (`a`),\n  KEY `n` (`n`)\n) ENGINE=InnoDB",
	      "ADD KEY `k` (`a`)");
}

static void test_checks_and_partitions_are_kept(void **state)
{
	(void)state;
	check("CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(9) GENERATED ALWAYS AS (concat(`a`,_utf8mb4'),')) VIRTUAL,\n  PRIMARY KEY (`a`),\n  KEY `k` (`b`),\n"
	      "  CONSTRAINT `KEY` CHECK ((`a` > 0) and (`a` <> 7))\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4\n/*!50100 PARTITION BY RANGE (`a`)\n"
	      "(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,\n PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */",
	      "CREATE TABLE `t` (\n  `a` int NOT NULL,\n  `b` varchar(9) GENERATED ALWAYS AS (concat(`a`,_utf8mb4'),')) VIRTUAL,\n  PRIMARY KEY (`a`),\n"
	      "  CONSTRAINT `KEY` CHECK ((`a` > 0) and (`a` <> 7))\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4\n/*!50100 PARTITION BY RANGE (`a`)\n"
	      "(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,\n PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */",
	      "ADD KEY `k` (`b`)");
}

static void test_referred_table_keeps_all(void **state)
{
	(void)state;
	const char *sql = "CREATE TABLE `p` (\n  `a` int NOT NULL,\n  `x` int,\n  PRIMARY KEY (`a`),\n  KEY `x` (`x`)\n) ENGINE=InnoDB";
	struct split s = split(sql, true);
	assert_string_equal(buf_str(&s.create), sql);
	assert_int_equal(s.tail.len, 0);
	buf_free(&s.create);
	buf_free(&s.tail);
}

static void test_summary(void **state)
{
	(void)state;
	const char *sql = "CREATE TABLE IF NOT EXISTS `d`.`t` (\n  `a` int,\n  KEY `k` (`a`),\n  CONSTRAINT `x` FOREIGN KEY (`a`) REFERENCES `other``s`.`p.q` (`id`),\n"
	                  "  CONSTRAINT `REFERENCES ``no``` FOREIGN KEY (`a`) REFERENCES `own` (`id`)\n) ENGINE=InnoDB";
	struct load_ddl d;
	struct error err = ERROR_INIT;
	assert_int_equal(load_ddl_parse(sql, strlen(sql), &d, &err), ST_OK);
	assert_true(d.has_foreign_keys);
	assert_string_equal(d.engine, "InnoDB");
	assert_int_equal(d.parents.n, 2);
	assert_string_equal(d.parents.item[0], "other`s.p.q");
	assert_string_equal(d.parents.item[1], ".own");
	load_ddl_free(&d);

	const char *keyed = "CREATE TABLE `t` (\n  `a` int,\n  UNIQUE KEY `k` ((`a` + 1))\n) ENGINE=Aria";
	assert_int_equal(load_ddl_parse(keyed, strlen(keyed), &d, &err), ST_OK);
	assert_string_equal(d.engine, "Aria");
	load_ddl_free(&d);
}

static void bare(const char *columns, const char *want)
{
	struct load_ddl d;
	struct error err = ERROR_INIT;
	struct buf sql = BUF_INIT(4096), name = BUF_INIT(1024);
	buf_addf(&sql, "CREATE TABLE `t` (\n  %s\n) ENGINE=InnoDB DEFAULT CHARSET=latin1", columns);
	assert_int_equal(load_ddl_parse(buf_str(&sql), sql.len, &d, &err), ST_OK);
	assert_int_equal(load_ddl_bare_timestamp(&d, &name), want != NULL);
	assert_string_equal(buf_str(&name), want ? want : "");
	load_ddl_free(&d);
	buf_free(&sql);
	buf_free(&name);
}

/* Only what explicit_defaults_for_timestamp = ON has made has no default of its own. */
static void test_timestamps_without_a_default(void **state)
{
	(void)state;
	bare("`id` int(11) NOT NULL,\n  `a` timestamp NOT NULL", "a");
	bare("`a` timestamp NULL DEFAULT NULL,\n  `b``c` timestamp(3) NOT NULL COMMENT 'no DEFAULT here',\n  PRIMARY KEY (`b``c`)", "b`c");
	bare("`a` timestamp NOT NULL ON UPDATE CURRENT_TIMESTAMP", "a");
	bare("`a` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,\n  `b` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00'", NULL);
	bare("`a` timestamp NULL,\n  `b` datetime NOT NULL,\n  `timestamp` int(11) NOT NULL,\n  KEY `timestamp` (`b`)", NULL);
	bare("`a` int(11) DEFAULT NULL,\n  `s` timestamp(6) GENERATED ALWAYS AS ROW START,\n  `g` timestamp GENERATED ALWAYS AS (from_unixtime(`a`)) STORED NOT NULL", NULL);
}

static void check_event(const char *sql, bool understood, bool changed, const char *out)
{
	struct buf b = BUF_INIT(1 << 20);
	bool is_changed = false;
	assert_int_equal(load_ddl_disable_event(sql, strlen(sql), &b, &is_changed), understood);
	if (understood) {
		assert_int_equal(is_changed, changed);
		assert_string_equal(buf_str(&b), out);
	}
	buf_free(&b);
}

static void test_events_do_not_run_here(void **state)
{
	(void)state;
	check_event("CREATE DEFINER=`EVENT ON COMPLETION PRESERVE ENABLE`@`%` EVENT `e` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION NOT PRESERVE ENABLE COMMENT 'ENABLE' DO select 'ON COMPLETION PRESERVE ENABLE'",
	            true, true,
	            "CREATE DEFINER=`EVENT ON COMPLETION PRESERVE ENABLE`@`%` EVENT `e` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION NOT PRESERVE DISABLE ON SLAVE COMMENT 'ENABLE' DO select 'ON COMPLETION PRESERVE ENABLE'");
	const char *off = "CREATE DEFINER=`r`@`h` EVENT `e` ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE ON SLAVE DO begin end";
	check_event(off, true, false, off);
	check_event("CREATE DEFINER=`r`@`h` PROCEDURE `EVENT`() select 1", false, false, "");
	/* What speaks of events is none; what is one and is not understood is no procedure either. */
	check_event("CREATE DEFINER=`r`@`h` PROCEDURE `p`() ALTER EVENT e ON COMPLETION PRESERVE ENABLE", false, false, "");
	static const char *const events[] = { "CREATE EVENT e", "CREATE DEFINER=`r`@`h` EVENT `e` ON SCHEDULE", "create definer = `role` event e" };
	static const char *const others[] = { "", "CREATE", "CREATE DEFINER=`r`@`h` PROCEDURE `p`() ALTER EVENT e ON COMPLETION PRESERVE ENABLE",
		                              "CREATE DEFINER=`x EVENT`@`h` FUNCTION `f`()", "SET EVENT", "CREATE DEFINER EVENT", "CREATE EVENTS" };
	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
		assert_true(load_ddl_is_event(events[i], strlen(events[i])));
		check_event(events[i], false, false, "");
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(load_ddl_is_event(others[i], strlen(others[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_table),
		cmocka_unit_test(test_several_keep_their_words),
		cmocka_unit_test(test_names_and_comments_lie),
		cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_encrypted),
		cmocka_unit_test(test_special_indexes_stay),
		cmocka_unit_test(test_the_order_of_indexes_is_kept),
		cmocka_unit_test(test_without_a_primary_key_unique_stays),
		cmocka_unit_test(test_auto_increment_keeps_its_index),
		cmocka_unit_test(test_checks_and_partitions_are_kept),
		cmocka_unit_test(test_referred_table_keeps_all),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_timestamps_without_a_default),
		cmocka_unit_test(test_events_do_not_run_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
