/* SPDX-License-Identifier: Apache-2.0 */
/* completion: a script for the shell, printed from the same tables that parse the command line. */
#include <string.h>

#include "cmd.h"
#include "output_json.h"

static const struct option_group *const completion_groups[] = { &config_output, NULL };

/* What may follow an option, as the script names it; NULL when nothing has to, or when it is one of its words. */
static const char *value_kind(const struct option *o)
{
	if (o->type == OPTION_FLAG || o->type == OPTION_CLEAR || o->type == OPTION_PASSWORD || o->type == OPTION_REFUSED ||
	    o->type == OPTION_INTERVAL || o->type == OPTION_CHOICE || !o->value)
		return NULL;
	if (strstr(o->value, "FILE") || strstr(o->value, "PATH"))
		return "file";
	if (strstr(o->value, "DIR") || strstr(o->value, "URL"))
		return "directory";
	return "nothing";
}

static void add_pattern(const struct option *o, bool first, struct buf *out)
{
	buf_adds(out, first ? "\t\t" : "|");
	if (o->letter)
		buf_addf(out, "-%c|", o->letter);
	buf_addf(out, "--%s", o->name);
}

static void add_kind(const struct verb *v, const char *kind, struct buf *out)
{
	bool first = true;
	for (const struct option_group *const *g = v->groups; *g; g++)
		for (size_t i = 0; i < (*g)->n; i++) {
			const char *is = value_kind(&(*g)->option[i]);
			if (!is || strcmp(is, kind) != 0)
				continue;
			add_pattern(&(*g)->option[i], first, out);
			first = false;
		}
	if (!first)
		buf_addf(out, ") what=%s ;;\n", kind);
}

static void add_choices(const struct verb *v, struct buf *out)
{
	for (const struct option_group *const *g = v->groups; *g; g++)
		for (size_t i = 0; i < (*g)->n; i++) {
			const struct option *o = &(*g)->option[i];
			if (o->type != OPTION_CHOICE)
				continue;
			add_pattern(o, true, out);
			buf_adds(out, ") words=\"");
			for (size_t w = 0; o->choices[w]; w++)
				buf_addf(out, "%s%s", w ? " " : "", o->choices[w]);
			buf_adds(out, "\" ;;\n");
		}
}

static void add_verb(const struct verb *v, struct buf *out)
{
	buf_addf(out, "\t%s)\n\t\twords=\"%s", v->name, v == &cmd_completion ? "bash" : v->takes_id ? "latest" : "");
	for (const struct option_group *const *g = v->groups; *g; g++)
		for (size_t i = 0; i < (*g)->n; i++)
			if ((*g)->option[i].type != OPTION_REFUSED)
				buf_addf(out, " --%s", (*g)->option[i].name);
	buf_adds(out, "\"\n\t\tcase $option in\n");
	add_kind(v, "file", out);
	add_kind(v, "directory", out);
	add_kind(v, "nothing", out);
	add_choices(v, out);
	buf_adds(out, "\t\tesac ;;\n");
}

static void add_script(struct buf *out)
{
	buf_adds(out,
	         "# bash completion for slackwater " SLACKWATER_VERSION ", as `slackwater completion bash` prints it.\n"
	         "_slackwater()\n"
	         "{\n"
	         "\tlocal verb=${COMP_WORDS[1]} word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} verbs words= what=words\n"
	         "\tverbs=\"");
	for (size_t i = 0; cmd_verbs[i]; i++)
		buf_addf(out, "%s%s", i ? " " : "", cmd_verbs[i]->name);
	buf_adds(out,
	         "\"\n"
	         "\tCOMPREPLY=()\n"
	         "\tif [ \"$COMP_CWORD\" -le 1 ]; then\n"
	         "\t\tverb= words=\"$verbs help --help --version\"\n"
	         "\t# --name=VALUE comes as three words\n"
	         "\telif [ \"$word\" = = ]; then\n"
	         "\t\tword=\n"
	         "\telif [ \"$option\" = = ]; then\n"
	         "\t\toption=${COMP_WORDS[COMP_CWORD-2]}\n"
	         "\tfi\n"
	         "\tcase $verb in\n"
	         "\thelp|--help) words=$verbs ;;\n");
	for (size_t i = 0; cmd_verbs[i]; i++)
		add_verb(cmd_verbs[i], out);
	buf_adds(out,
	         "\tesac\n"
	         "\tcase $what in\n"
	         "\tfile) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\") ;;\n"
	         "\tdirectory) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$word\") ;;\n"
	         "\twords) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\") ;;\n"
	         "\tesac\n"
	         "}\n"
	         "complete -F _slackwater slackwater\n");
}

static enum status completion_run(struct app *app, struct error *err)
{
	const char *shell = app->config.id;
	if (!shell || strcmp(shell, "bash") != 0) {
		if (!shell)
			error_set(err, ST_FAILED, ERR_USAGE, "name the shell");
		else
			error_set(err, ST_FAILED, ERR_USAGE, "there is no completion for %.40s, only for bash", shell);
		return error_hint(err, "source <(slackwater completion bash)");
	}
	add_script(&app->text);
	return app->config.json ? output_json_set(&app->doc, "script", jsonx_text(buf_str(&app->text)), err) : ST_OK;
}

const struct verb cmd_completion = {
	.name = "completion",
	.summary = "print a script that completes the command line",
	.synopsis = "bash",
	.about = "Prints a script that makes bash complete verbs, options and their values with Tab. The Debian package installs it.",
	.example = "  source <(slackwater completion bash)\n",
	.groups = completion_groups,
	.takes_id = true,
	.log_level = LOG_LEVEL_ERROR,
	.run = completion_run,
};
