/* SPDX-License-Identifier: Apache-2.0 */
/* The manual, the guide and the helps say what the tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmd.h"
#include "exitcode.h"
#include "help.h"
#include "slackwater/fs.h"

static struct buf read_file(const char *name)
{
	char path[1024];
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(1 << 20);
	snprintf(path, sizeof path, "%s/%s", SLACKWATER_TOP, name);
	if (fs_read_file(path, &text, &err))
		fail_msg("%s", err.message);
	return text;
}

static void the_manual_has_every_option(void **state)
{
	(void)state;
	struct buf page = read_file("packaging/man/slackwater.1");
	for (size_t v = 0; cmd_verbs[v]; v++) {
		char verb[64];
		snprintf(verb, sizeof verb, "\n.Cm %s\n", cmd_verbs[v]->name);
		assert_non_null(strstr(buf_str(&page), verb));
		for (const struct option_group *const *g = cmd_verbs[v]->groups; *g; g++)
			for (size_t i = 0; i < (*g)->n; i++) {
				const struct option *o = &(*g)->option[i];
				char fl[64];
				snprintf(fl, sizeof fl, "Fl -%s", o->name);
				const char *at = strstr(buf_str(&page), fl);
				while (at && strchr("-abcdefghijklmnopqrstuvwxyz", at[strlen(fl)]) && at[strlen(fl)])
					at = strstr(at + 1, fl); /* a longer name that begins so */
				if (!at && o->type != OPTION_REFUSED)
					fail_msg("the manual lacks --%s of %s", o->name, cmd_verbs[v]->name);
			}
	}
	buf_free(&page);
}

static void exit_codes_agree(void **state)
{
	(void)state;
	size_t n;
	const struct exitcode *code = exitcode_table(&n);
	struct buf page = read_file("packaging/man/slackwater.1"), guide = read_file("agent/OPERATING.md"), help = BUF_INIT(1 << 16);
	help_program(&help);
	for (size_t i = 0; i + 1 < n; i++) {
		char item[128], row[128], line[256];
		snprintf(item, sizeof item, "\n.It %d\n", code[i].code);
		snprintf(row, sizeof row, "\n| exit %d | ", code[i].code);
		snprintf(line, sizeof line, "%d  %s\n", code[i].code, code[i].meaning);
		assert_non_null(strstr(buf_str(&page), item));
		assert_non_null(strstr(buf_str(&guide), row));
		assert_non_null(strstr(buf_str(&help), line));
	}
	buf_free(&page);
	buf_free(&guide);
	buf_free(&help);
}

/* Every verb has what its help needs, and no line is wider than a terminal. */
static void helps_are_whole(void **state)
{
	(void)state;
	for (size_t v = 0; cmd_verbs[v]; v++) {
		struct buf out = BUF_INIT(1 << 16);
		help_verb(cmd_verbs[v], &out);
		assert_non_null(strstr(buf_str(&out), "usage: slackwater "));
		assert_non_null(strstr(buf_str(&out), "\nExample\n"));
		size_t lines = 0;
		for (const char *line = buf_str(&out); line && *line; lines++) {
			if (strcspn(line, "\n") > 80)
				fail_msg("too wide: %.100s", line);
			line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
		}
		assert_in_range(lines, 10, 160);
		assert_ptr_equal(help_find_verb(cmd_verbs[v]->name), cmd_verbs[v]);
		buf_free(&out);
	}
	assert_null(help_find_verb("no-such-verb"));
}

static void mistyped_verbs_and_options_of_others(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	assert_int_equal(help_unknown_verb("bakup", &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.hint, "did you mean backup?"));
	help_unknown_verb("forget", &err);
	assert_string_equal(err.hint, "did you mean expire?");
	help_unknown_verb("load", &err);
	assert_string_equal(err.hint, "did you mean seed?");
	help_unknown_verb("--verison", &err);
	assert_string_equal(err.message, "unknown option --verison");
	assert_string_equal(err.hint, "did you mean --version?");
	help_unknown_verb("frobnicate", &err);
	assert_non_null(strstr(err.hint, "--help"));
	help_unknown_verb("--to", &err);
	assert_non_null(strstr(err.message, "verb comes first"));
	err = ERROR_INIT;
	error_set(&err, ST_FAILED, ERR_USAGE, "unknown option --to");
	help_option_of_others(&cmd_list, "to", &err);
	assert_string_equal(err.hint, "it is an option of backup, copy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_option),
		cmocka_unit_test(exit_codes_agree),
		cmocka_unit_test(helps_are_whole),
		cmocka_unit_test(mistyped_verbs_and_options_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
