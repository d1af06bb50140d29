/* SPDX-License-Identifier: Apache-2.0 */
#include "binary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "seed/versions.h"

enum { BINARY_ANSWER = 4 << 20, BINARY_MYSQL_MIN = 50706 /* --initialize */ };

/* ---- what it is ---- */

bool proof_binary_parse(const char *text, struct server_info *ret)
{
	const char *at = strstr(text, " Ver "), *end;
	char *rest;
	if (!at)
		return false;
	at += strlen(" Ver ");
	end = at + strcspn(at, " \n");
	unsigned long part[3] = { 0, 0, 0 };
	const char *p = at;
	for (size_t i = 0; i < 3; i++) {
		if (*p < '0' || *p > '9')
			return false;
		part[i] = strtoul(p, &rest, 10);
		p = rest + (*rest == '.');
		if (part[i] > 99)
			return false;
	}
	size_t len = (size_t)(end - at);
	*ret = (struct server_info){ .version = (unsigned)(part[0] * 10000 + part[1] * 100 + part[2]) };
	if (len >= sizeof ret->version_text)
		return false;
	memcpy(ret->version_text, at, len);
	ret->flavor = strstr(ret->version_text, "MariaDB") ? FLAVOR_MARIADB : FLAVOR_MYSQL;
	return true;
}

static enum status binary_look(struct proof_job *j, const char *path, struct error *err)
{
	struct buf text = BUF_INIT(BINARY_ANSWER);
	const char *const argv[] = { path, "--no-defaults", "--version", NULL };
	enum status st = proof_child_ask(argv, j->run, &text, err);
	if (!st && !proof_binary_parse(buf_str(&text), &j->binary.server))
		st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s is no server program: it says \"%.*s\" of itself", path,
		               (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
	snprintf(j->binary.path, sizeof j->binary.path, "%s", path);
	buf_free(&text);
	return st;
}

/* ---- where it is ---- */

static bool binary_in(const char *dir, size_t len, const char *name, char ret[PROOF_PATH])
{
	return len && len < PROOF_PATH - 64 && snprintf(ret, PROOF_PATH, "%.*s/%s", (int)len, dir, name) > 0 && !access(ret, X_OK);
}

static bool binary_search(const char *name, char ret[PROOF_PATH])
{
	static const char customary[] = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/mysql/bin";
	const char *const lists[] = { getenv("PATH"), customary };
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		for (const char *p = lists[i]; p && *p;) {
			size_t len = strcspn(p, ":");
			if (*p == '/' && binary_in(p, len, name, ret))
				return true;
			p += len + (p[len] == ':');
		}
	return false;
}

static enum status binary_find(struct proof_job *j, struct error *err)
{
	bool mariadb = j->cp->server.flavor == FLAVOR_MARIADB;
	char path[PROOF_PATH];
	if (j->o->binary)
		return binary_look(j, j->o->binary, err);
	if ((mariadb && binary_search("mariadbd", path)) || binary_search("mysqld", path))
		return binary_look(j, path, err);
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "there is no %s here to load the snapshot into", mariadb ? "mariadbd" : "mysqld");
	error_hint(err, "install a server (it need not run), or give --server-binary PATH");
	return ST_FAILED;
}

enum status proof_binary_choose(struct proof_job *j, struct error *err)
{
	enum status st = binary_find(j, err);
	if (st)
		return st;
	const struct server_info *s = &j->binary.server;
	st = seed_versions_check(&j->cp->server, "the snapshotted server", s, err);
	if (st) {
		err->kind = ERR_PREFLIGHT;
		error_prefix(err, "%s", j->binary.path);
		error_hint(err, "give --server-binary PATH: a %s of the series of %s", j->cp->server.flavor == FLAVOR_MARIADB ? "mariadbd" : "mysqld",
		           j->cp->server.version_text);
		return st;
	}
	if (s->flavor == FLAVOR_MYSQL && s->version < BINARY_MYSQL_MIN) {
		error_set(err, ST_FAILED, ERR_PREFLIGHT, "a scratch server of MySQL %s is not supported: it has no --initialize", s->version_text);
		error_hint(err, "give --server-binary a mysqld of 5.7, which can load it as well");
		return ST_FAILED;
	}
	event_info(j->run->events, "proof", "scratch server: %s, %s %s", j->binary.path, proof_is_mariadb(j) ? "MariaDB" : "MySQL", s->version_text);
	return ST_OK;
}

/* ---- its share directory ---- */

/* The value of a variable in the table that stands at the end of `--verbose --help`. */
static bool binary_variable(const char *help, const char *name, char ret[PROOF_PATH])
{
	size_t len = strlen(name);
	for (const char *line = help; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || line[len] != ' ')
			continue;
		const char *value = line + len + strspn(line + len, " ");
		size_t n = strcspn(value, "\n");
		if (*value != '/' || n >= PROOF_PATH - 64)
			return false;
		snprintf(ret, PROOF_PATH, "%.*s", (int)n, value);
		return true;
	}
	return false;
}

static bool binary_has_tables(const char *dir, const char *below, char ret[PROOF_PATH])
{
	char file[PROOF_PATH + 64];
	snprintf(ret, PROOF_PATH, "%.*s%s", PROOF_PATH - 64, dir, below);
	snprintf(file, sizeof file, "%s/mysql_system_tables.sql", ret);
	if (!access(file, R_OK))
		return true;
	snprintf(file, sizeof file, "%s/mariadb_system_tables.sql", ret);
	return !access(file, R_OK);
}

enum status proof_binary_share(struct proof_job *j, char ret[PROOF_PATH], struct error *err)
{
	static const struct { const char *variable, *below; } places[] = {
		{ "character-sets-dir", "/.." }, { "lc-messages-dir", "" },      { "basedir", "/share" },
		{ "basedir", "/share/mysql" },   { "basedir", "/share/mariadb" }, { "basedir", "/scripts" },
	};
	struct buf help = BUF_INIT(BINARY_ANSWER);
	char dir[PROOF_PATH];
	const char *const argv[] = { j->binary.path, "--no-defaults", "--verbose", "--help", NULL };
	enum status st = proof_child_ask(argv, j->run, &help, err);
	bool found = false;
	for (size_t i = 0; !st && !found && i < sizeof places / sizeof places[0]; i++)
		found = binary_variable(buf_str(&help), places[i].variable, dir) && binary_has_tables(dir, places[i].below, ret);
	buf_free(&help);
	if (st || found)
		return st;
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "the SQL that makes the system tables of %s is not found", j->binary.path);
	error_hint(err, "mysql_system_tables.sql comes with the server's package, in its share directory");
	return ST_FAILED;
}
