/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/optfile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "optfile_parts.h"
#include "slackwater/array.h"

bool optfile_add(struct optfile *f, const struct optfile_span *group, const struct optfile_span *key, const char *value,
                 bool loose, size_t file, unsigned line)
{
	struct optfile_option *option = array_room(f->option, f->n, &f->cap, sizeof *option);
	if (!option)
		return false;
	f->option = option;
	struct optfile_option *o = &f->option[f->n];
	*o = (struct optfile_option){ .group = strndup(group->s, group->len), .key = strndup(key->s, key->len),
		                      .value = strdup(value), .loose = loose, .file = file, .line = line };
	f->n++; /* counted in any case, so that what was allocated is freed */
	return o->group && o->key && o->value;
}

void optfile_free(struct optfile *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct optfile_option *o = &f->option[i];
		if (o->value)
			explicit_bzero(o->value, strlen(o->value));
		free(o->group);
		free(o->key);
		free(o->value);
	}
	free(f->option);
	strlist_free(&f->files);
	free(f);
}

static bool optfile_same_key(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return false;
	return !*a && !*b;
}

/* The place of the last one, SIZE_MAX = none. */
static size_t optfile_find(const struct optfile *f, const char *group, const char *key)
{
	for (size_t i = f->n; i-- > 0;)
		if (strcmp(f->option[i].group, group) == 0 && optfile_same_key(f->option[i].key, key))
			return i;
	return SIZE_MAX;
}

const char *optfile_get(const struct optfile *f, const char *group, const char *key)
{
	size_t i = optfile_find(f, group, key);
	return i == SIZE_MAX ? NULL : f->option[i].value;
}

const char *optfile_key(const struct optfile *f, const char *group, size_t i, const char **ret_file, unsigned *ret_line)
{
	for (size_t o = 0; o < f->n; o++)
		if (!f->option[o].loose && strcmp(f->option[o].group, group) == 0 && i-- == 0) {
			*ret_file = f->files.item[f->option[o].file];
			*ret_line = f->option[o].line;
			return f->option[o].key;
		}
	return NULL;
}

static bool optfile_ssl_mode(const char *name, enum ssl_mode *ret)
{
	static const struct { const char *name; enum ssl_mode mode; } modes[] = {
		{ "DISABLED", SSL_DISABLED },   { "PREFERRED", SSL_PREFERRED },
		{ "REQUIRED", SSL_REQUIRED },   { "VERIFY_CA", SSL_VERIFY_CA },
		{ "VERIFY_IDENTITY", SSL_VERIFY_IDENTITY },
	};
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (strcasecmp(modes[i].name, name) == 0) {
			*ret = modes[i].mode;
			return true;
		}
	return false;
}

static bool optfile_is_on(const char *value)
{
	return strcmp(value, "0") != 0 && strcasecmp(value, "off") != 0 && strcasecmp(value, "false") != 0;
}

static enum status optfile_text(const struct optfile *f, const char *group, const char *key, char **to,
                                struct error *err)
{
	const char *value = *to ? NULL : optfile_get(f, group, key);
	if (value && !(*to = strdup(value)))
		return error_oom(err);
	return ST_OK;
}

static enum status optfile_refuse(const struct optfile *f, size_t i, const char *what, struct error *err)
{
	const struct optfile_option *o = &f->option[i];
	return error_set(err, ST_FAILED, ERR_USAGE, "%s:%u: [%s] %s=%.40s is no %s", f->files.item[o->file], o->line, o->group, o->key, o->value, what);
}

static enum status optfile_port(const struct optfile *f, const char *group, unsigned *to, struct error *err)
{
	size_t i = *to ? SIZE_MAX : optfile_find(f, group, "port");
	if (i == SIZE_MAX)
		return ST_OK;
	char *end = NULL;
	const char *value = f->option[i].value;
	unsigned long n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || n > 65535)
		return optfile_refuse(f, i, "port", err);
	*to = (unsigned)n;
	return ST_OK;
}

/*
 * ssl-mode decides where it stands. Else MariaDB's three switches: where they contradict each other the one that asks for more holds,
 * so that a mistake ends in a refused connection and not in a plain one.
 */
static enum status optfile_tls_mode(const struct optfile *f, const char *group, bool ca, enum ssl_mode *to, struct error *err)
{
	size_t mode = optfile_find(f, group, "ssl-mode");
	const char *verify = optfile_get(f, group, "ssl-verify-server-cert");
	const char *ssl = optfile_get(f, group, "ssl"), *skip = optfile_get(f, group, "skip-ssl");
	if (mode != SIZE_MAX) {
		if (optfile_ssl_mode(f->option[mode].value, to))
			return ST_OK;
		optfile_refuse(f, mode, "TLS mode", err);
		return error_hint(err, "one of DISABLED, PREFERRED, REQUIRED, VERIFY_CA, VERIFY_IDENTITY");
	}
	if (verify && optfile_is_on(verify))
		*to = SSL_VERIFY_IDENTITY;
	else if (ssl && optfile_is_on(ssl))
		*to = ca ? SSL_VERIFY_CA : SSL_REQUIRED; /* an authority is named to be asked */
	else if (ssl || (skip && optfile_is_on(skip)))
		*to = SSL_DISABLED;
	return ST_OK;
}

/* nearer_ca: an authority was named where more counts than here. That asks for verification, and no group further off takes it back. */
static enum status optfile_tls(const struct optfile *f, const char *group, bool nearer_ca, struct conn_options *o, struct error *err)
{
	enum ssl_mode mode = SSL_DEFAULT;
	if (o->ssl_mode != SSL_DEFAULT)
		return ST_OK;
	enum status st = optfile_tls_mode(f, group, o->ssl_ca, &mode, err);
	if (!st && nearer_ca && mode < SSL_VERIFY_CA)
		mode = mode == SSL_REQUIRED ? SSL_VERIFY_CA : SSL_DEFAULT;
	if (!st)
		o->ssl_mode = mode;
	return st;
}

enum status optfile_apply(const struct optfile *f, const char *group, struct conn_options *o, struct error *err)
{
	const struct { const char *key; char **to; } texts[] = {
		{ "host", &o->host },     { "user", &o->user },         { "password", &o->password }, { "socket", &o->socket },
		{ "ssl-ca", &o->ssl_ca }, { "ssl-cert", &o->ssl_cert }, { "ssl-key", &o->ssl_key },
	};
	enum status st = ST_OK;
	bool nearer_ca = o->ssl_ca;
	for (size_t i = 0; !st && i < sizeof texts / sizeof texts[0]; i++)
		st = optfile_text(f, group, texts[i].key, texts[i].to, err);
	if (!st)
		st = optfile_port(f, group, &o->port, err);
	if (!st)
		st = optfile_tls(f, group, nearer_ca, o, err);
	const char *key = optfile_get(f, group, "get-server-public-key");
	if (!st && key && optfile_is_on(key))
		o->get_server_public_key = true;
	return st;
}
