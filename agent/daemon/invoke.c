/* SPDX-License-Identifier: Apache-2.0 */
#include "invoke.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A person's run may hold the instance for a moment: that is no failure of ours. */
#define INVOKE_WAIT_LOCK "--wait-lock=1m"

static const char *const kinds[RUN_KINDS] = { "backup", "expire", "proof", "list" };

const char *run_kind_name(enum run_kind k)
{
	return kinds[k];
}

enum run_kind run_kind_find(const char *name)
{
	enum run_kind k = RUN_BACKUP;
	while (k < RUN_LIST && strcmp(kinds[k], name) != 0)
		k++;
	return k == RUN_LIST ? RUN_BACKUP : k;
}

static enum status add_words(struct strlist *to, const char *const *word, struct error *err)
{
	enum status st = ST_OK;
	for (; !st && *word; word++)
		st = strlist_add(to, *word, err);
	return st;
}

/* Later ones win: what is settled for all runs comes first, what must not be otherwise last. */
static enum status about_the_store(const struct settings *s, const struct settings_snapshot *n, const char *url_option, struct strlist *ret,
                                   struct error *err)
{
	const struct settings_store *store = &s->store[n->store];
	enum status st = strlist_add_all(ret, &store->options, err);
	if (!st)
		st = strlist_addf(ret, err, "--%s=%s", url_option, store->url);
	return st ? st : strlist_addf(ret, err, "--instance=%s", s->instance[n->instance].name);
}

static enum status backup(const struct settings *s, const struct settings_snapshot *n, struct strlist *ret, struct error *err)
{
	static const char *const first[] = { "slackwater", "backup", INVOKE_WAIT_LOCK, NULL };
	enum status st = add_words(ret, first, err);
	if (!st)
		st = strlist_add_all(ret, &s->instance[n->instance].options, err);
	if (!st)
		st = strlist_add_all(ret, &n->options, err);
	if (!st)
		st = about_the_store(s, n, "to", ret, err);
	return st ? st : strlist_addf(ret, err, "--state-dir=%s", s->agent.state_dir);
}

static enum status expire(const struct settings *s, const struct settings_snapshot *n, struct strlist *ret, struct error *err)
{
	static const char *const first[] = { "slackwater", "expire", NULL };
	enum status st = add_words(ret, first, err);
	if (!st)
		st = strlist_add_all(ret, &n->retention, err);
	return st ? st : about_the_store(s, n, "from", ret, err);
}

static enum status proof(const struct settings *s, const struct settings_snapshot *n, struct strlist *ret, struct error *err)
{
	static const char *const first[] = { "slackwater", "verify", "--restore", NULL };
	enum status st = add_words(ret, first, err);
	if (!st)
		st = strlist_add_all(ret, &n->proof_options, err);
	if (!st)
		st = about_the_store(s, n, "from", ret, err);
	/* comparing stops an applier as well */
	return st ? st : strlist_addf(ret, err, "--state-dir=%s", s->agent.state_dir);
}

static enum status list(const struct settings *s, const struct settings_snapshot *n, unsigned newest, struct strlist *ret, struct error *err)
{
	static const char *const first[] = { "slackwater", "list", "--brief", NULL };
	enum status st = add_words(ret, first, err);
	if (!st)
		st = strlist_addf(ret, err, "--newest=%u", newest);
	return st ? st : about_the_store(s, n, "from", ret, err);
}

enum status invoke_words(const struct settings *s, size_t snapshot, enum run_kind kind, unsigned newest, struct strlist *ret,
                          struct error *err)
{
	static const char *const last[] = { "--json", "--events-fd=3", NULL };
	const struct settings_snapshot *n = &s->snapshot[snapshot];
	enum status st = kind == RUN_BACKUP ? backup(s, n, ret, err) : kind == RUN_EXPIRE ? expire(s, n, ret, err)
	                 : kind == RUN_PROOF ? proof(s, n, ret, err) : list(s, n, newest, ret, err);
	if (!st)
		st = add_words(ret, last, err);
	/* a listing every few minutes is nothing that a log is read for */
	int level = kind == RUN_LIST && s->agent.log_level == LOG_LEVEL_INFO ? LOG_LEVEL_WARNING : s->agent.log_level;
	return st ? st : strlist_addf(ret, err, "--log-level=%s", log_level_name((enum log_level)level));
}

static bool named(const char *variable, const char *name)
{
	size_t len = strlen(name);
	return !strncmp(variable, name, len) && variable[len] == '=';
}

/* Between us and whoever started us. */
static bool is_ours_alone(const char *variable)
{
	static const char *const names[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "INVOCATION_ID" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (named(variable, names[i]))
			return true;
	return false;
}

static bool given(const struct strlist *l, const char *variable)
{
	size_t len = strcspn(variable, "=") + 1;
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp(l->item[i], variable, len))
			return true;
	return false;
}

enum status invoke_environment(const struct settings *s, size_t snapshot, struct strlist *ret, struct error *err)
{
	const struct strlist *of_store = &s->store[s->snapshot[snapshot].store].environment;
	enum status st = ST_OK;
	for (char **variable = environ; !st && *variable; variable++)
		if (!is_ours_alone(*variable) && !given(of_store, *variable))
			st = strlist_add(ret, *variable, err);
	return st ? st : strlist_add_all(ret, of_store, err);
}

static enum status pass_on(const char *name, const char *otherwise, struct strlist *ret, struct error *err)
{
	const char *value = getenv(name);
	value = value ? value : otherwise;
	return value ? strlist_addf(ret, err, "%s=%s", name, value) : ST_OK;
}

enum status invoke_hook_environment(const struct invoke_hook *h, struct strlist *ret, struct error *err)
{
	const struct { const char *name, *value; } variable[] = {
		{ "HOOK", h->hook },       { "SNAPSHOT", h->snapshot }, { "INSTANCE", h->instance }, { "RUN", h->run },
		{ "KIND", h->kind },       { "TRIGGER", h->trigger },   { "URL", h->url },           { "STATUS", h->status },
		{ "ERROR", h->error },     { "HINT", h->hint },         { "ID", h->id },
	};
	enum status st = pass_on("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ret, err);
	if (!st)
		st = pass_on("HOME", "/", ret, err);
	if (!st)
		st = pass_on("LANG", NULL, ret, err);
	if (!st)
		st = pass_on("TZ", NULL, ret, err);
	if (!st)
		st = pass_on("TMPDIR", NULL, ret, err);
	for (size_t i = 0; !st && i < sizeof variable / sizeof variable[0]; i++)
		if (variable[i].value && *variable[i].value)
			st = strlist_addf(ret, err, "SLACKWATER_%s=%s", variable[i].name, variable[i].value);
	if (!st && h->exit >= 0)
		st = strlist_addf(ret, err, "SLACKWATER_EXIT=%d", h->exit);
	return st;
}
