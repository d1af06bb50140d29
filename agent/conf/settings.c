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
#include "snapshots.h"

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

static void check_listen(const struct section *s, const struct settings_agent *a, struct mistakes *m)
{
	bool loopback = false;
	if (!a->listen) {
		if (a->tls_cert || a->tls_key)
			section_wrong(s, a->tls_cert ? "tls-cert" : "tls-key", m, "listen = ADDRESS:PORT", "there is a certificate, but nothing to listen on");
		return;
	}
	if (!a->tls_cert != !a->tls_key)
		section_wrong(s, a->tls_cert ? "tls-cert" : "tls-key", m, "", "tls-cert and tls-key need each other");
	if (!strncmp(a->listen, "unix:", 5)) {
		if (a->listen[5] != '/')
			section_wrong(s, "listen", m, "unix:/run/slackwater/http.sock", "unix: is followed by an absolute path");
		return;
	}
	/* no names: they would have to be looked up at the start, when there may be no network yet */
	if (!listen_understands(a->listen, &loopback))
		section_wrong(s, "listen", m, "127.0.0.1:9877, [::1]:9877, 0.0.0.0:9877 or unix:/PATH; no names", "listen is no address and port");
	else if (!a->token_file && !loopback)
		section_wrong(s, "listen", m, "listen on 127.0.0.1 or [::1], or give a token-file, and tls-cert or a proxy that has one",
		              "without token-file HTTP is for this host only");
}

static enum status default_paths(struct settings *s, struct error *err)
{
	struct settings_agent *a = &s->agent;
	bool own_dir = a->state_dir;
	enum status st = own_dir ? ST_OK : claim_default_dir(&s->default_dir, err);
	if (st)
		return st;
	a->state_dir = own_dir ? a->state_dir : s->default_dir;
	if (a->control_socket)
		return ST_OK;
	/* Where the default directory is not root's the socket cannot be in /run either. */
	bool below = !own_dir && strcmp(a->state_dir, "/var/lib/slackwater") != 0;
	if (below && asprintf(&s->default_socket, "%s/control.sock", a->state_dir) < 0) {
		s->default_socket = NULL;
		return error_oom(err);
	}
	a->control_socket = below ? s->default_socket : CONFIG_CONTROL_SOCKET;
	return ST_OK;
}

static enum status fill_agent(const struct section *from, struct settings *s, struct mistakes *m, struct error *err)
{
	s->agent = from->own.agent;
	check_listen(from, &s->agent, m);
	return default_paths(s, err);
}

/* ---- [instance] and [store] ---- */

static void fill_instance(struct section *s, struct settings_instance *to)
{
	to->name = s->lines->name;
	move_list(&s->option[KNOWN_CONNECTION], &to->options);
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
		if (section_entry(s, own[i]) && strncmp(url, "s3://", 5) != 0)
			section_wrong(s, own[i], m, "", "%s is for s3://, and url is a directory: it would do nothing", own[i]);
}

static void check_store(const struct section *s, struct mistakes *m)
{
	const char *url = s->own.store.url;
	struct store_options options = work_store_options(&s->config);
	struct error why = ERROR_INIT;
	if (!url && section_entry(s, "url"))
		return; /* told already */
	if (!url)
		section_wrong(s, "", m, "url = file:///DIR or s3://BUCKET/PREFIX", "the store has no url");
	else if (!strcmp(url, "-"))
		section_wrong(s, "url", m, "url = file:///DIR or s3://BUCKET/PREFIX", "a pipe is no repository");
	else if (*url != '/' && !strstr(url, "://"))
		section_wrong(s, "url", m, "", "url is an absolute path, or begins with file:// or s3://");
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
	enum status st = ST_OK;
	check_store(s, m);
	to->name = s->lines->name;
	to->url = from->url;
	move_list(&s->option[KNOWN_STORE], &to->options);
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
		st = fill_agent(all->agent, s, m, err);
	for (size_t i = 0; i < all->n && !st; i++) {
		struct section *it = &all->item[i];
		if (it->kind == KNOWN_INSTANCE)
			fill_instance(it, &s->instance[s->ninstances++]);
		else if (it->kind == KNOWN_STORE_SECTION)
			st = fill_store(it, &s->store[s->nstores++], m, err);
	}
	if (!st)
		st = snapshots_fill(all, s, m, err);
	return st;
}

static enum status read_file(const char *file, bool inspect, struct settings *s, struct mistakes *m, struct error *err)
{
	struct sections all = { 0 };
	s->lines = calloc(1, sizeof *s->lines);
	enum status st = s->lines ? lines_read(file, s->lines, m, err) : error_oom(err);
	if (st)
		return st;
	s->file = s->lines->file[0];
	st = sections_read(s->lines, &all, m, err);
	/* An agent of nothing is one whose file was cut off rather than one that was meant. */
	if (!st && !m->n && !count(&all, KNOWN_INSTANCE))
		mistakes_add(m, file, 0, "[instance NAME] says which replica is looked after, [snapshot NAME] what is done and when", "it names no instance");
	if (!st)
		st = fill(&all, s, m, err);
	if (!st && inspect)
		inspect_sections(&all, m);
	sections_free(&all);
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
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->ninstances; i++)
		strlist_free(&s->instance[i].options);
	for (size_t i = 0; i < s->nstores; i++) {
		strlist_free(&s->store[i].options);
		strlist_free(&s->store[i].environment);
	}
	for (size_t i = 0; i < s->nsnapshots; i++)
		free_snapshot(&s->snapshot[i]);
	free(s->instance);
	free(s->store);
	free(s->snapshot);
	free(s->default_dir);
	free(s->default_socket);
	if (s->lines)
		lines_free(s->lines);
	free(s->lines);
	free(s);
}
