/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prompt.h"
#include "text.h"

enum { CONNECTION_TEXT_MAX = 1024, CONNECTION_PORT = 3306 };

enum status connection_copy(char **slot, const char *value, struct error *err)
{
	if (!value)
		return ST_OK;
	char *copy = strdup(value);
	if (!copy)
		return error_oom(err);
	free(*slot);
	*slot = copy;
	return ST_OK;
}

static void warn_readable(const char *path, struct event_sink *events)
{
	struct stat sb;
	if (path && !stat(path, &sb) && (sb.st_mode & (S_IRGRP | S_IROTH)))
		event_warning(events, "options", "%s can be read by others; if it holds a password: chmod 600", path);
}

enum status connection_files(const struct config *c, struct event_sink *events, struct optfile **ret, struct error *err)
{
	*ret = NULL;
	if (c->no_defaults && (c->defaults_file || c->defaults_extra_file))
		return error_set(err, ST_FAILED, ERR_USAGE, "--no-defaults and --defaults-%s contradict each other",
		                 c->defaults_file ? "file" : "extra-file");
	if (c->defaults_file && c->defaults_extra_file)
		return error_set(err, ST_FAILED, ERR_USAGE,
		                 "--defaults-file means that file alone; --defaults-extra-file cannot be given with it");
	if (c->no_defaults)
		return ST_OK;
	warn_readable(c->defaults_file, events);
	warn_readable(c->defaults_extra_file, events);
	return optfile_read(ret, c->defaults_file, c->defaults_extra_file, err);
}

static bool same_key(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
			return false;
	return !*a && !*b;
}

static enum status check_key(const char *group, const char *key, const char *file, unsigned line, struct error *err)
{
	static const char *const known[] = {
		"host", "port", "user", "password", "socket", "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "get-server-public-key",
		"ssl", "skip-ssl", "ssl-verify-server-cert",
	};
	const char *similar = NULL;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (same_key(key, known[i]))
			return ST_OK;
		similar = text_nearer(key, known[i], similar);
	}
	error_set(err, ST_FAILED, ERR_USAGE, "%s:%u: [%s] has an unknown key: %.60s", file, line, group, key);
	if (similar)
		error_hint(err, "did you mean %s?", similar);
	else
		error_hint(err, "it holds how to log in: host, port, user, password, socket, ssl-...; everything else belongs on the command line");
	return ST_FAILED;
}

enum status connection_check_group(const struct optfile *files, const char *group, struct error *err)
{
	enum status st = ST_OK;
	const char *key, *file;
	unsigned line;
	for (size_t i = 0; !st && (key = optfile_key(files, group, i, &file, &line)); i++)
		st = check_key(group, key, file, line, err);
	return st;
}

static enum status apply(const struct optfile *files, const char *group, struct conn_options *o, struct error *err)
{
	bool ours = !strncmp(group, "slackwater", strlen("slackwater"));
	enum status st = ours ? connection_check_group(files, group, err) : ST_OK;
	return st ? st : optfile_apply(files, group, o, err);
}

enum status connection_apply_group(const struct config *c, const struct optfile *files, const char *group,
                                   struct conn_options *o, struct error *err)
{
	struct buf name = BUF_INIT(CONNECTION_TEXT_MAX);
	enum status st = ST_OK;
	if (!files)
		return ST_OK;
	if (c->defaults_group_suffix) {
		buf_addf(&name, "%s%s", group, c->defaults_group_suffix);
		st = buf_check(&name, "the option group's name", err);
		if (!st)
			st = apply(files, name.data, o, err);
	}
	if (!st)
		st = apply(files, group, o, err);
	buf_free(&name);
	return st;
}

static enum status from_command_line(const struct config *c, struct conn_options *o, struct error *err)
{
	enum status st = connection_copy(&o->host, c->host, err);
	if (!st && c->socket && !c->host)
		st = connection_copy(&o->host, "localhost", err);
	if (!st)
		st = connection_copy(&o->user, c->user, err);
	if (!st)
		st = connection_copy(&o->socket, c->socket, err);
	if (!st)
		st = connection_copy(&o->ssl_ca, c->ssl_ca, err);
	if (!st)
		st = connection_copy(&o->ssl_cert, c->ssl_cert, err);
	if (!st)
		st = connection_copy(&o->ssl_key, c->ssl_key, err);
	if (!st)
		st = connection_copy(&o->password, getenv("SLACKWATER_PASSWORD"), err);
	o->port = c->port;
	o->ssl_mode = (enum ssl_mode)(c->ssl_mode + 1);
	o->get_server_public_key = c->get_server_public_key;
	o->connect_timeout_s = (unsigned)((c->connect_timeout_ms + 999) / 1000);
	return st;
}

static enum status settle_transport(const struct config *c, struct conn_options *o, struct error *err)
{
	if (!conn_options_local(o) || !c->port || c->socket)
		return ST_OK;
	free(o->socket);
	o->socket = NULL;
	return connection_copy(&o->host, "127.0.0.1", err);
}

/* As "db1:3306" is written elsewhere. */
static enum status check_host(const char *host, struct error *err)
{
	const char *colon = host ? strchr(host, ':') : NULL;
	if (!colon || colon == host || strchr(colon + 1, ':') || strchr(host, ','))
		return ST_OK; /* a name, or an IPv6 address */
	error_set(err, ST_FAILED, ERR_USAGE, "\"%.200s\" is no host", host);
	return error_hint(err, "the port is given with --port: --host %.*s --port %.10s", (int)(colon - host), host, colon[1] ? colon + 1 : "3306");
}

static enum status ask_password(const struct run *run, struct conn_options *o, struct error *err)
{
	struct buf text = BUF_INIT(CONNECTION_TEXT_MAX);
	struct passwd *me = o->user ? NULL : getpwuid(geteuid());
	buf_addf(&text, "Password of %s at %s: ", o->user ? o->user : me ? me->pw_name : "you",
	         o->host && *o->host ? o->host : "localhost");
	char *password = NULL;
	enum status st = buf_check(&text, "the question for the password", err);
	if (!st)
		st = prompt_password(text.data, run, &password, err);
	buf_free(&text);
	if (st)
		return st;
	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	free(o->password);
	o->password = password;
	return ST_OK;
}

enum status connection_options(const struct config *c, const struct optfile *files, const struct run *run,
                               struct conn_options *ret, struct error *err)
{
	struct conn_options o = { .host = NULL };
	enum status st = from_command_line(c, &o, err);
	if (!st)
		st = connection_apply_group(c, files, "slackwater", &o, err);
	if (!st)
		st = connection_apply_group(c, files, "client", &o, err);
	if (!st)
		st = check_host(o.host, err);
	if (!st)
		st = settle_transport(c, &o, err);
	if (!st && c->ask_password)
		st = ask_password(run, &o, err);
	if (!st)
		*ret = o;
	else
		conn_options_free(&o);
	return st;
}

static enum status bad_address(const char *text, const char *what, const char *why, struct error *err)
{
	/* Somebody may have written user:password@host as in a URL. */
	if (strchr(text, '@')) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s is HOST[:PORT], without an account", what);
		return error_hint(err, "give the account by its own option, the password by an option file or the environment");
	}
	error_set(err, ST_FAILED, ERR_USAGE, "%s: \"%.200s\" %s", what, text, why);
	return error_hint(err, "write HOST, HOST:PORT or [IPV6]:PORT");
}

static bool parse_port(const char *text, unsigned *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || v < 1 || v > 65535)
		return false;
	*ret = (unsigned)v;
	return true;
}

enum status connection_address(const char *text, const char *what, char **ret_host, unsigned *ret_port, struct error *err)
{
	const char *host = text, *rest;
	size_t len;
	unsigned port = 0;
	if (strchr(text, '@'))
		return bad_address(text, what, "", err);
	if (*text == '[') {
		host = text + 1;
		len = strcspn(host, "]");
		if (host[len] != ']')
			return bad_address(text, what, "lacks the closing bracket", err);
		rest = host + len + 1;
	} else {
		len = strcspn(text, ":");
		rest = text + len;
		if (*rest && strchr(rest + 1, ':'))
			return bad_address(text, what, "has several colons; an IPv6 address goes in brackets", err);
	}
	if (!len)
		return bad_address(text, what, "has no host", err);
	if (*rest && (*rest != ':' || !parse_port(rest + 1, &port)))
		return bad_address(text, what, "has no valid port", err);
	char *copy = strndup(host, len);
	if (!copy)
		return error_oom(err);
	*ret_host = copy;
	*ret_port = port;
	return ST_OK;
}

/* What neither the command line nor [slackwater-checksum] says is as for the target. */
static enum status inherit(struct conn_options *o, const struct conn_options *base, struct error *err)
{
	enum status st = ST_OK;
	bool own_ca = o->ssl_ca; /* asks for verification: a target that is reached without TLS is another thing */
	if (!o->user && !o->password) {
		st = connection_copy(&o->user, base->user, err);
		if (!st)
			st = connection_copy(&o->password, base->password, err);
	}
	if (!st && !o->ssl_ca)
		st = connection_copy(&o->ssl_ca, base->ssl_ca, err);
	if (!st && !o->ssl_cert)
		st = connection_copy(&o->ssl_cert, base->ssl_cert, err);
	if (!st && !o->ssl_key)
		st = connection_copy(&o->ssl_key, base->ssl_key, err);
	if (o->ssl_mode == SSL_DEFAULT && (!own_ca || base->ssl_mode > SSL_VERIFY_CA))
		o->ssl_mode = base->ssl_mode;
	o->get_server_public_key = o->get_server_public_key || base->get_server_public_key;
	o->connect_timeout_s = base->connect_timeout_s;
	return st;
}

const struct conn_names connection_elsewhere_names = {
	"check user and password: the group [slackwater-checksum] of an option file",
	"check the address after --checksum, and that the server is up",
	"the group [slackwater-checksum] of an option file",
};

enum status connection_elsewhere(const char *where, const struct config *c, const struct optfile *files,
                                 const struct conn_options *base, struct conn_options *ret, struct error *err)
{
	struct conn_options o = { .names = &connection_elsewhere_names };
	enum status st = connection_address(where, "--checksum", &o.host, &o.port, err);
	if (!st && !o.port)
		o.port = CONNECTION_PORT;
	/* localhost would be the target's own socket; an address was asked for */
	if (!st && !strcmp(o.host, "localhost"))
		st = connection_copy(&o.host, "127.0.0.1", err);
	if (!st)
		st = connection_apply_group(c, files, "slackwater-checksum", &o, err);
	if (!st)
		st = inherit(&o, base, err);
	if (!st)
		*ret = o;
	else
		conn_options_free(&o);
	return st;
}

enum status connection_of_instance(const struct strlist *options, struct event_sink *events, const struct run *run, struct config *ret_config,
                                   struct conn_options *ret, struct error *err)
{
	static const struct option_group *const groups[] = { &config_connection, &config_status, NULL };
	struct options_rest rest;
	struct optfile *files = NULL;
	struct config own, *c = ret_config ? ret_config : &own;
	config_init(c);
	enum status st = options_parse(groups, (int)options->n, options->item, c, &rest, err);
	if (!st)
		st = connection_files(c, events, &files, err);
	if (!st)
		st = connection_options(c, files, run, ret, err);
	optfile_free(files);
	if (!ret_config)
		config_free(&own);
	return st;
}
