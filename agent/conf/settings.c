/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../http/listen.h"
#include "../objectstore.h"
#include "../work.h"
#include "inspect.h"
#include "section.h"
#include "slackwater/claim.h"
#include "slackwater/slot.h"
#include "snapshots.h"

enum { SETTINGS_PATH_MAX = 4096 };

/* What a section has gathered becomes the settings'. */
static void move_list(struct strlist *from, struct strlist *to)
{
	*to = *from;
	*from = (struct strlist){ 0 };
}

static size_t count(const struct sections *all, enum known_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++)
		n += all->item[i].kind == kind;
	return n;
}

/* ---- [agent] ---- */

static void agent_mistake(const struct section *s, const char *key, struct mistakes *m, const char *text, const char *hint)
{
	struct error why = ERROR_INIT;
	error_set(&why, ST_FAILED, ERR_USAGE, "%s", text);
	error_hint(&why, "%s", hint);
	section_mistake(s, key, m, &why);
}

static void check_listen(const struct section *s, const struct known_agent *a, struct mistakes *m)
{
	bool loopback = false;
	if (!a->listen) {
		if (a->tls_cert || a->tls_key)
			agent_mistake(s, a->tls_cert ? "tls-cert" : "tls-key", m, "there is a certificate, but nothing to listen on", "listen = ADDRESS:PORT");
		return;
	}
	if (!a->tls_cert != !a->tls_key)
		agent_mistake(s, a->tls_cert ? "tls-cert" : "tls-key", m, "tls-cert and tls-key need each other", "");
	if (!strncmp(a->listen, "unix:", 5)) {
		if (a->listen[5] != '/')
			agent_mistake(s, "listen", m, "unix: is followed by an absolute path", "unix:/run/slackwater/http.sock");
		return;
	}
	/* no names: they would have to be looked up at the start, when there may be no network yet */
	if (!listen_understands(a->listen, &loopback))
		agent_mistake(s, "listen", m, "listen is no address and port", "127.0.0.1:9877, [::1]:9877, 0.0.0.0:9877 or unix:/PATH; no names");
	else if (!a->token_file && !loopback)
		agent_mistake(s, "listen", m, "without token-file HTTP is for this host only",
		              "listen on 127.0.0.1 or [::1], or give a token-file, and tls-cert or a proxy that has one");
}

static enum status fill_paths(const struct known_agent *from, struct settings_agent *to, struct error *err)
{
	char path[SETTINGS_PATH_MAX];
	enum status st = from->state_dir ? slot_set(&to->state_dir, from->state_dir, err) : claim_default_dir(&to->state_dir, err);
	if (st)
		return st;
	/* Where the default directory is not root's the socket cannot be in /run either. */
	if (!from->state_dir && strcmp(to->state_dir, "/var/lib/slackwater") != 0)
		snprintf(path, sizeof path, "%s/control.sock", to->state_dir);
	else
		snprintf(path, sizeof path, "/run/slackwater/control.sock");
	return slot_set(&to->control_socket, from->control_socket ? from->control_socket : path, err);
}

static enum status fill_agent(const struct section *s, struct settings_agent *to, struct mistakes *m, struct error *err)
{
	const struct known_agent *from = &s->own.agent;
	struct { char **to; const char *from; } const text[] = {
		{ &to->control_group, from->control_group }, { &to->listen, from->listen },   { &to->token_file, from->token_file },
		{ &to->tls_cert, from->tls_cert },           { &to->tls_key, from->tls_key }, { &to->log_file, from->log_file },
	};
	to->log_level = (enum log_level)from->log_level;
	to->poll_ms = from->poll_ms;
	to->list_ms = from->list_ms;
	to->proof_age_ms = from->proof_age_ms;
	to->stop_ms = from->stop_ms;
	to->history = from->history;
	check_listen(s, from, m);
	enum status st = fill_paths(from, to, err);
	for (size_t i = 0; i < sizeof text / sizeof text[0] && !st; i++)
		st = slot_set(text[i].to, text[i].from, err);
	return st;
}

/* ---- [instance] and [store] ---- */

static enum status fill_instance(struct section *s, struct settings_instance *to, struct error *err)
{
	move_list(&s->option[KNOWN_CONNECTION], &to->options);
	return slot_set(&to->name, s->lines->name, err);
}

/* What only an object store understands. */
static void check_object_keys(const struct section *s, struct mistakes *m)
{
	static const char *const own[] = { "profile", "credentials-file", "aws-config-file" };
	const char *url = s->own.store.url;
	for (size_t i = 0; i < s->lines->n; i++) {
		const char *key = s->lines->entry[i].key;
		enum known_for takes;
		struct error why = ERROR_INIT;
		const struct option *o = known_find(s->kind, key, &takes);
		if (o && takes != KNOWN_OWN && objectstore_fits(o, "url", url, &why))
			section_mistake(s, key, m, &why);
	}
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (section_entry(s, own[i]) && strncmp(url, "s3://", 5) != 0) {
			char text[80];
			snprintf(text, sizeof text, "%s is for s3://, and url is a directory: it would do nothing", own[i]);
			agent_mistake(s, own[i], m, text, "");
		}
}

static void check_store(const struct section *s, struct mistakes *m)
{
	const char *url = s->own.store.url;
	struct store_options options = work_store_options(&s->config);
	struct error why = ERROR_INIT;
	if (!url && section_entry(s, "url"))
		return; /* told already */
	if (!url)
		agent_mistake(s, "", m, "the store has no url", "url = file:///DIR or s3://BUCKET/PREFIX");
	else if (!strcmp(url, "-"))
		agent_mistake(s, "url", m, "a pipe is no repository", "url = file:///DIR or s3://BUCKET/PREFIX");
	else if (*url != '/' && !strstr(url, "://"))
		agent_mistake(s, "url", m, "url is an absolute path, or begins with file:// or s3://", "");
	else if (store_check_url(url, &options, &why))
		section_mistake(s, "url", m, &why);
	else
		check_object_keys(s, m);
}

static enum status fill_store(struct section *s, struct settings_store *to, struct mistakes *m, struct error *err)
{
	const struct known_store *from = &s->own.store;
	const struct { const char *name, *value; } variable[] = {
		{ "AWS_PROFILE", from->profile }, { "AWS_SHARED_CREDENTIALS_FILE", from->credentials_file }, { "AWS_CONFIG_FILE", from->aws_config_file },
	};
	check_store(s, m);
	move_list(&s->option[KNOWN_STORE], &to->options);
	enum status st = slot_set(&to->name, s->lines->name, err);
	if (!st)
		st = slot_set(&to->url, from->url, err);
	for (size_t i = 0; i < sizeof variable / sizeof variable[0] && !st; i++)
		if (variable[i].value)
			st = strlist_addf(&to->environment, err, "%s=%s", variable[i].name, variable[i].value);
	return st;
}

/* ---- all of it ---- */

static enum status make_room(const struct sections *all, struct settings *s, struct error *err)
{
	s->instance = calloc(count(all, KNOWN_INSTANCE) + 1, sizeof *s->instance);
	s->store = calloc(count(all, KNOWN_STORE_SECTION) + 1, sizeof *s->store);
	s->snapshot = calloc(count(all, KNOWN_SNAPSHOT) + 1, sizeof *s->snapshot);
	return s->instance && s->store && s->snapshot ? ST_OK : error_oom(err);
}

static enum status fill(struct sections *all, struct settings *s, struct mistakes *m, struct error *err)
{
	enum status st = make_room(all, s, err);
	if (!st)
		st = fill_agent(all->agent, &s->agent, m, err);
	for (size_t i = 0; i < all->n && !st; i++) {
		struct section *it = &all->item[i];
		if (it->kind == KNOWN_INSTANCE)
			st = fill_instance(it, &s->instance[s->ninstances++], err);
		else if (it->kind == KNOWN_STORE_SECTION)
			st = fill_store(it, &s->store[s->nstores++], m, err);
	}
	if (!st)
		st = snapshots_fill(all, s, m, err);
	return st;
}

static enum status read_file(const char *file, bool inspect, struct settings *s, struct mistakes *m, struct error *err)
{
	struct lines lines;
	struct sections all = { 0 };
	enum status st = slot_set(&s->file, file, err);
	if (!st)
		st = lines_read(file, &lines, m, err);
	if (st)
		return st;
	st = sections_read(&lines, &all, m, err);
	/* An agent of nothing is one whose file was cut off rather than one that was meant. */
	if (!st && !m->n && !count(&all, KNOWN_INSTANCE))
		mistakes_add(m, file, 0, "[instance NAME] says which replica is looked after, [snapshot NAME] what is done and when", "it names no instance");
	if (!st)
		st = fill(&all, s, m, err);
	if (!st && inspect)
		inspect_sections(&all, m);
	sections_free(&all);
	lines_free(&lines);
	return st ? st : mistakes_verdict(m, err);
}

static enum status list_mistakes(const struct mistakes *m, struct strlist *ret, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < m->n && !st; i++)
		st = strlist_add(ret, m->item[i].text, err);
	return st;
}

static enum status read_settings(const char *file, bool inspect, struct settings **ret, struct strlist *mistakes, struct error *err)
{
	struct mistakes m = { 0 };
	struct settings *s = calloc(1, sizeof *s);
	struct error late = ERROR_INIT;
	enum status st = s ? read_file(file, inspect, s, &m, err) : error_oom(err);
	if (mistakes && list_mistakes(&m, mistakes, &late)) {
		*err = late;
		st = ST_FAILED;
	}
	mistakes_free(&m);
	if (st)
		settings_free(s);
	else
		*ret = s;
	return st;
}

enum status settings_read(const char *file, struct settings **ret, struct strlist *mistakes, struct error *err)
{
	return read_settings(file, false, ret, mistakes, err);
}

enum status settings_inspect(const char *file, struct settings **ret, struct strlist *mistakes, struct error *err)
{
	return read_settings(file, true, ret, mistakes, err);
}

static void free_snapshot(struct settings_snapshot *s)
{
	struct strlist *list[] = { &s->options, &s->retention, &s->proof_options, &s->before, &s->after, &s->failure };
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		strlist_free(list[i]);
	zone_free(s->zone);
	free(s->name);
	free(s->engine);
	free(s->schedule_text);
	free(s->zone_name);
	free(s->proof_text);
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	char *text[] = { s->agent.state_dir, s->agent.control_socket, s->agent.control_group, s->agent.listen, s->agent.token_file,
		             s->agent.tls_cert, s->agent.tls_key, s->agent.log_file, s->file };
	for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
		free(text[i]);
	for (size_t i = 0; i < s->ninstances; i++) {
		free(s->instance[i].name);
		strlist_free(&s->instance[i].options);
	}
	for (size_t i = 0; i < s->nstores; i++) {
		free(s->store[i].name);
		free(s->store[i].url);
		strlist_free(&s->store[i].options);
		strlist_free(&s->store[i].environment);
	}
	for (size_t i = 0; i < s->nsnapshots; i++)
		free_snapshot(&s->snapshot[i]);
	free(s->instance);
	free(s->store);
	free(s->snapshot);
	free(s);
}
