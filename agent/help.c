/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <mysql.h>
#include <string.h>

#include "cmd.h"
#include "exitcode.h"
#include "others.h"
#include "text.h"

void help_program(struct buf *out)
{
	size_t n;
	const struct exitcode *code = exitcode_table(&n);
	buf_adds(out,
	         "slackwater: backup-consistent snapshots of MySQL and MariaDB replicas\n"
	         "\n"
	         "usage: slackwater VERB [OPTIONS]\n"
	         "\n"
	         "Brings the parallel applier to a proven, gap-free stillness of milliseconds,\n"
	         "fixes a snapshot there, lets the applier go on, and writes the data with the\n"
	         "applier's checkpoint to a repository, from which a new replica is seeded that\n"
	         "resumes exactly there. Nothing on the server is ever killed.\n"
	         "\n"
	         "Verbs\n");
	for (size_t i = 0; cmd_verbs[i]; i++)
		buf_addf(out, "  %-10s %s\n", cmd_verbs[i]->name, cmd_verbs[i]->summary);
	buf_adds(out, "\nslackwater VERB --help describes one of them, slackwater --version the program.\n\nExit codes\n");
	for (size_t i = 0; i + 1 < n; i++)
		buf_addf(out, "  %5d  %s\n", code[i].code, code[i].meaning);
	buf_addf(out, "  128+n  %s\n", code[n - 1].meaning);
	buf_adds(out,
	         "\nExample\n"
	         "  slackwater check  --defaults-file=/root/replica.cnf\n"
	         "  slackwater backup --defaults-file=/root/replica.cnf --to file:///backup\n"
	         "  slackwater seed   --defaults-file=/root/new.cnf --from file:///backup \\\n"
	         "      --source db1:3306 --source-user repl\n");
}

void help_verb(const struct verb *v, struct buf *out)
{
	struct config defaults;
	config_init(&defaults);
	defaults.log_level = (int)v->log_level;
	buf_addf(out, "usage: slackwater %s ", v->name);
	options_wrap(out, v->synopsis, strlen("usage: slackwater ") + strlen(v->name) + 1);
	buf_addc(out, '\n');
	options_wrap(out, v->about, 0);
	options_help(v->groups, &defaults, out);
	buf_addf(out, "\nExample\n%s", v->example);
	config_free(&defaults);
}

void help_version(struct buf *out)
{
#ifdef MARIADB_PACKAGE_VERSION
	const char *library = "MariaDB Connector/C";
#else
	const char *library = "libmysqlclient";
#endif
	buf_addf(out, "slackwater %s\n%s %s\nApache License 2.0; no warranty\n", SLACKWATER_VERSION, library, mysql_get_client_info());
}

const struct verb *help_find_verb(const char *name)
{
	for (size_t i = 0; cmd_verbs[i]; i++)
		if (!strcmp(cmd_verbs[i]->name, name))
			return cmd_verbs[i];
	return NULL;
}

enum status help_unknown_verb(const char *name, struct error *err)
{
	const char *usual = others_verb(name);
	const char *best = usual;
	for (size_t i = 0; !usual && cmd_verbs[i]; i++)
		best = text_nearer(name, cmd_verbs[i]->name, best);
	const char *own = *name == '-' ? text_nearer(name, "--help", text_nearer(name, "--version", NULL)) : NULL;
	if (own) {
		error_set(err, ST_FAILED, ERR_USAGE, "unknown option %.40s", name);
		return error_hint(err, "did you mean %s?", own);
	}
	if (*name == '-')
		error_set(err, ST_FAILED, ERR_USAGE, "the verb comes first: slackwater VERB [OPTIONS]");
	else
		error_set(err, ST_FAILED, ERR_USAGE, "unknown verb \"%.40s\"", name);
	if (best)
		error_hint(err, "did you mean %s?", best);
	else
		error_hint(err, "slackwater --help lists the verbs");
	return ST_FAILED;
}

void help_option_of_others(const struct verb *v, const char *option, struct error *err)
{
	struct buf list = BUF_INIT(200);
	for (size_t i = 0; cmd_verbs[i]; i++)
		if (cmd_verbs[i] != v && options_find(cmd_verbs[i]->groups, option))
			buf_addf(&list, "%s%s", list.len ? ", " : "", cmd_verbs[i]->name);
	if (list.len && *err->hint)
		error_hint(err, "it is an option of %s; %.300s", buf_str(&list), err->hint);
	else if (list.len)
		error_hint(err, "it is an option of %s", buf_str(&list));
	else if (!*err->hint)
		error_hint(err, "slackwater %s --help lists the options", v->name);
	buf_free(&list);
}
