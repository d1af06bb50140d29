/* SPDX-License-Identifier: Apache-2.0 */
/* main: chooses the verb. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "exitcode.h"
#include "help.h"

static int main_print(void (*text)(struct buf *out))
{
	struct buf out = BUF_INIT(64 << 10);
	text(&out);
	bool bad = fputs(buf_str(&out), stdout) == EOF || fflush(stdout) == EOF;
	buf_free(&out);
	return bad ? exitcode_of(ERR_STORE, 0) : 0;
}

static int main_refuse(const char *word, int argc, char *const *argv)
{
	struct error err = ERROR_INIT;
	if (word)
		(void)help_unknown_verb(word, &err);
	else {
		error_set(&err, ST_FAILED, ERR_USAGE, "what shall be done is missing");
		error_hint(&err, "slackwater --help lists the verbs");
	}
	return app_refuse(NULL, &err, app_json_asked(argc, argv));
}

int main(int argc, char **argv)
{
	signals_harden();
	const char *word = argc > 1 ? argv[1] : NULL;
	if (word && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (strcmp(word, "help") == 0 && argc == 2)))
		return main_print(help_program);
	if (word && (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0))
		return main_print(help_version);
	/* "help backup" is "backup --help". */
	if (word && strcmp(word, "help") == 0) {
		const struct verb *v = help_find_verb(argv[2]);
		return v ? app_main(v, 1, (char *[]){ "--help", NULL }) : main_refuse(argv[2], argc, argv);
	}
	const struct verb *verb = word ? help_find_verb(word) : NULL;
	return verb ? app_main(verb, argc - 2, argv + 2) : main_refuse(word, argc, argv);
}
