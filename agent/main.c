/* SPDX-License-Identifier: Apache-2.0 */
/* main: chooses the verb. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "exitcode.h"
#include "help.h"

enum { MAIN_HELP_MAX = 64 << 10 };

static int print(void (*text)(struct buf *out))
{
	struct buf out = BUF_INIT(MAIN_HELP_MAX);
	text(&out);
	int bad = fputs(buf_str(&out), stdout) < 0 || fflush(stdout);
	buf_free(&out);
	return bad ? exitcode_of(ERR_STORE, 0) : 0;
}

static bool asks_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "help") || !strcmp(word, "-?") || !strcmp(word, "-h");
}

static bool asks_version(const char *word)
{
	return !strcmp(word, "--version") || !strcmp(word, "version") || !strcmp(word, "-V");
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	signals_harden();
	if (argc < 2) {
		error_set(&err, ST_FAILED, ERR_USAGE, "no verb given");
		error_hint(&err, "slackwater --help lists them");
		return app_refuse(NULL, &err, false);
	}
	/* "help backup" is "backup --help" */
	if (asks_help(argv[1]) && argc > 2 && help_find_verb(argv[2])) {
		char ask[] = "--help", *asking[] = { ask };
		return app_main(help_find_verb(argv[2]), 1, asking);
	}
	if (asks_help(argv[1]) && argc == 2)
		return print(help_program);
	if (asks_version(argv[1]))
		return print(help_version);
	const char *word = asks_help(argv[1]) ? argv[2] : argv[1];
	const struct verb *verb = help_find_verb(word);
	if (!verb) {
		help_unknown_verb(word, &err);
		return app_refuse(NULL, &err, app_json_asked(argc, argv));
	}
	return app_main(verb, argc - 2, argv + 2);
}
