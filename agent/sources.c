/* SPDX-License-Identifier: Apache-2.0 */
#include "sources.h"

#include <stdlib.h>
#include <string.h>

#include "connection.h"

enum { SOURCES_GROUP_MAX = 1024, SOURCES_PORT = 3306 };
static const char common_group[] = "slackwater-source";

const struct conn_names sources_names = {
	"check user and password: --source-user, SLACKWATER_SOURCE_PASSWORD, or the group [slackwater-source] of an option file",
	"check the address after --source, and that the server is up",
	"the group [slackwater-source] of an option file",
};

/* "CHANNEL=HOST:PORT": no host has a '=', a channel's name may. */
static enum status parse(const char *text, struct seed_source *s, struct error *err)
{
	const char *equals = strrchr(text, '='), *address = equals ? equals + 1 : text;
	s->channel = equals ? strndup(text, (size_t)(equals - text)) : strdup("");
	if (!s->channel)
		return error_oom(err);
	enum status st = connection_address(address, "--source", &s->login.host, &s->login.port, err);
	/* a group's port belongs to the group's host, not to another one */
	if (!st && !s->login.port)
		s->login.port = SOURCES_PORT;
	return st;
}

static enum status from_command_line(const struct config *c, struct seed_source *s, struct error *err)
{
	struct conn_options *o = &s->login;
	const struct { char **slot; const char *value; } text[] = {
		{ &o->user, c->source_user },       { &o->password, getenv("SLACKWATER_SOURCE_PASSWORD") },
		{ &o->ssl_ca, c->source_ssl_ca },   { &o->ssl_cert, c->source_ssl_cert },
		{ &o->ssl_key, c->source_ssl_key },
	};
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < sizeof text / sizeof text[0]; i++)
		if (!*text[i].slot)
			st = connection_copy(text[i].slot, text[i].value, err);
	if (o->ssl_mode == SSL_DEFAULT && c->source_ssl_mode >= 0)
		o->ssl_mode = (enum ssl_mode)(c->source_ssl_mode + 1);
	if (!st && c->source_public_key && strcmp(c->source_public_key, "get") != 0)
		st = connection_copy(&s->public_key_path, c->source_public_key, err);
	if (c->source_public_key && !s->public_key_path)
		s->get_public_key = true;
	return st;
}

static enum status complete(const struct config *c, const struct optfile *files, struct seed_source *s, struct error *err)
{
	struct buf own = BUF_INIT(SOURCES_GROUP_MAX);
	enum status st = ST_OK;
	s->login.names = &sources_names;
	if (files && *s->channel) {
		buf_addf(&own, "%s %s", common_group, s->channel);
		st = buf_check(&own, "the option group of a channel", err);
		if (!st)
			st = connection_check_group(files, own.data, err);
		if (!st)
			st = optfile_apply(files, own.data, &s->login, err);
	}
	if (!st)
		st = from_command_line(c, s, err);
	if (!st)
		st = connection_apply_group(c, files, common_group, &s->login, err);
	buf_free(&own);
	if (st)
		return st;
	if (s->login.get_server_public_key && !s->public_key_path)
		s->get_public_key = true;
	if (!s->login.port)
		s->login.port = SOURCES_PORT;
	if (s->login.user)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "no replication account for source %s", s->login.host);
	return error_hint(err, "give --source-user, or user=... in the group [%s] of an option file", common_group);
}

static enum status unique(const struct seed_source *s, size_t n, struct error *err)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (!strcmp(s[i].channel, s[j].channel)) {
				error_set(err, ST_FAILED, ERR_USAGE, "two sources for %s%.100s", *s[i].channel ? "channel " : "the default channel",
				          s[i].channel);
				return error_hint(err, "with several sources each is written --source CHANNEL=HOST:PORT");
			}
	return ST_OK;
}

/* The one source that only an option file names. */
static enum status from_group(const struct config *c, const struct optfile *files, struct seed_source *s, struct error *err)
{
	struct conn_options named = { .host = NULL };
	enum status st = connection_apply_group(c, files, common_group, &named, err);
	if (!st && !named.host) {
		error_set(err, ST_FAILED, ERR_USAGE, "no source to replicate from");
		error_hint(err, "give --source HOST:PORT, or host=... in the group [%s] of an option file; --standalone if every other server is lost",
		           common_group);
		st = ST_FAILED;
	}
	if (!st)
		st = connection_copy(&s->channel, "", err);
	if (!st)
		st = connection_copy(&s->login.host, named.host, err);
	s->login.port = named.port;
	conn_options_free(&named);
	return st;
}

enum status sources_named(const struct config *c, const struct optfile *files, bool *ret, struct error *err)
{
	struct conn_options named = { .host = NULL };
	enum status st = c->source.n ? ST_OK : connection_apply_group(c, files, common_group, &named, err);
	if (!st)
		*ret = c->source.n || named.host;
	conn_options_free(&named);
	return st;
}

enum status sources_read(const struct config *c, const struct optfile *files, struct seed_source **ret, size_t *ret_n,
                         struct error *err)
{
	size_t n = c->source.n ? c->source.n : 1;
	struct seed_source *s = calloc(n, sizeof *s);
	if (!s)
		return error_oom(err);
	enum status st = ST_OK;
	if (!c->source.n)
		st = from_group(c, files, &s[0], err);
	for (size_t i = 0; !st && i < c->source.n; i++)
		st = parse(c->source.item[i], &s[i], err);
	for (size_t i = 0; !st && i < n; i++)
		st = complete(c, files, &s[i], err);
	if (!st)
		st = unique(s, n, err);
	if (st) {
		sources_free(s, n);
		return st;
	}
	*ret = s;
	*ret_n = n;
	return ST_OK;
}

void sources_free(struct seed_source *source, size_t n)
{
	for (size_t i = 0; source && i < n; i++)
		seed_source_free(&source[i]);
	free(source);
}
