/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binary.h"
#include "child.h"
#include "cnf.h"
#include "owner.h"
#include "slackwater/fs.h"

enum {
	START_INIT_MS = 600000,    /* an idle I/O class waits for everybody else */
	START_WAIT_MS = 600000,
	START_POLL_MS = 200,
	START_GRACE_MS = 60000,
	START_DYING_MS = 10000,    /* from a lost connection to the end of its process, at most */
	START_SQL_MAX = 32 << 20,
	START_LOG_MAX = 4 << 20,
	START_WORDS = 400          /* of an error log, in a message */
};

/* ---- who we are there ---- */

static enum status start_random(void *out, size_t n, struct error *err)
{
	if (getrandom(out, n, 0) != (ssize_t)n)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "no random numbers");
	return ST_OK;
}

static enum status start_hex(const char *prefix, size_t bytes, char **ret, struct error *err)
{
	unsigned char raw[16];
	struct buf text = BUF_INIT(128);
	enum status st = start_random(raw, bytes, err);
	buf_adds(&text, prefix);
	for (size_t i = 0; i < bytes; i++)
		buf_addf(&text, "%02x", raw[i]);
	if (!st && !(*ret = buf_take(&text)))
		st = error_oom(err);
	buf_free(&text);
	return st;
}

/* An account of its own, of a name that no snapshot has: root's comes with the snapshot, password and all. */
static enum status start_login(struct proof_job *j, struct error *err)
{
	struct conn_options *o = &j->login;
	struct buf path = BUF_INIT(PROOF_PATH);
	buf_addf(&path, "%s/s", j->scratch.files);
	o->socket = buf_take(&path);
	o->host = strdup("localhost");
	enum status st = o->socket && o->host ? start_hex("slackwater_", 6, &o->user, err) : error_oom(err);
	return st ? st : start_hex("", 16, &o->password, err);
}

/* ---- its option files ---- */

/* Ours, readable by the server. */
static enum status start_write(const struct proof_job *j, const char *name, const struct buf *text, char ret[PROOF_PATH], struct error *err)
{
	const struct proof_scratch *s = &j->scratch;
	snprintf(ret, PROOF_PATH, "%s/%s", s->top, name);
	int fd = open(ret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create %s", ret);
	enum status st = fs_write_all(fd, text->data, text->len, ret, err);
	if (!st && s->drop && (fchown(fd, 0, s->gid) || fchmod(fd, 0640)))
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot let %s read %s", s->user, ret);
	close(fd);
	return st;
}

static enum status start_account(struct proof_job *j, char ret[PROOF_PATH], struct error *err)
{
	struct buf sql = BUF_INIT(4096);
	const struct conn_options *o = &j->login;
	sql.secret = 1;
	/* One statement a line: that is how an init_file is read. */
	buf_addf(&sql, "SET SESSION sql_log_bin = 0;\nCREATE USER IF NOT EXISTS '%s'@'localhost' IDENTIFIED BY '%s';\n", o->user, o->password);
	buf_addf(&sql, "GRANT ALL PRIVILEGES ON *.* TO '%s'@'localhost' WITH GRANT OPTION;\n", o->user);
	/* Which ALL does not hold, and root has: it is among the accounts of a snapshot. */
	buf_addf(&sql, "GRANT PROXY ON ''@'%s' TO '%s'@'localhost' WITH GRANT OPTION;\n", proof_is_mariadb(j) ? "%" : "", o->user);
	enum status st = buf_check(&sql, "the scratch server's account", err);
	if (!st)
		st = start_write(j, "account.sql", &sql, ret, err);
	buf_free(&sql);
	return st;
}

static enum status start_cnf(struct proof_job *j, const char *name, const char *init_file, char ret[PROOF_PATH], struct error *err)
{
	struct buf text = BUF_INIT(1 << 20);
	uint32_t id = 0;
	enum status st = start_random(&id, sizeof id, err);
	const struct proof_cnf c = {
		.flavor = j->binary.server.flavor, .version = j->binary.server.version, .files = j->scratch.files, .init_file = init_file,
		.run_as = *j->scratch.user && !j->scratch.drop ? j->scratch.user : NULL, .memory_bytes = j->o->memory_bytes,
		.threads = j->o->threads, .server_id = id | (uint32_t)1 << 31, .gtid_mode = j->cp->gtid_mode, .mirrored = &j->mirrored,
		.settings = j->o->settings, .user = j->login.user, .password = j->login.password,
	};
	if (!st)
		st = proof_cnf_write(&c, &text, err);
	if (!st)
		st = start_write(j, name, &text, ret, err);
	buf_free(&text);
	return st;
}

/* ---- its last words ---- */

/* A line of its error log that says ERROR, else of what it printed: the first, which brings others with it, or the last; "" when there is none. */
static void start_words(const struct proof_job *j, bool first, char out[START_WORDS])
{
	static const char *const logs[] = { "error.log", "output" };
	*out = '\0';
	for (size_t i = 0; !*out && i < sizeof logs / sizeof logs[0]; i++) {
		char path[PROOF_PATH + 16];
		struct buf text = BUF_INIT(START_LOG_MAX);
		struct error ignored;
		snprintf(path, sizeof path, "%s/%s", i ? j->scratch.top : j->scratch.files, logs[i]);
		(void)fs_read_file(path, &text, &ignored);
		const char *found = NULL;
		for (const char *p = buf_str(&text); (p = strstr(p, "[ERROR]")) && !(first && found); p++)
			if (!strstr(p, "Aborting") || strcspn(p, "\n") > strlen("[ERROR] Aborting "))
				found = p;
		if (found)
			snprintf(out, START_WORDS, "%.*s", (int)strcspn(found, "\n"), found);
		buf_free(&text);
	}
}

static enum status start_failed(struct proof_job *j, const char *what, struct error *err)
{
	char how[64], words[START_WORDS];
	proof_child_describe(&j->server, how);
	start_words(j, true, words);
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s: %s %s%s%s", what, j->binary.path, how, *words ? ": " : "", words);
	error_hint(err, "--keep-scratch leaves its logs; --scratch-option gives it a setting, --scratch-memory more memory; a profile of AppArmor or "
	                "SELinux may keep it from %s", j->o->dir ? j->o->dir : "the scratch directory");
	return ST_FAILED;
}

/* Its connections are lost before its process has quite gone. */
static bool start_gone(struct proof_job *j, bool lost)
{
	struct error ignored;
	int64_t limit = run_now_ms(j->run) + (lost ? START_DYING_MS : 0);
	while (proof_child_alive(&j->server))
		if (run_now_ms(j->run) >= limit || run_sleep_ms(j->run, START_POLL_MS, &ignored))
			return false;
	return true;
}

void proof_start_explain(struct proof_job *j, struct error *err)
{
	char how[64], words[START_WORDS];
	bool lost = err->my_errno >= 2000 && err->my_errno < 3000; /* what the client library says, not a server */
	if (err->kind == ERR_INTERRUPTED || !start_gone(j, lost))
		return;
	proof_child_describe(&j->server, how);
	start_words(j, false, words);
	error_set(err, ST_FAILED, ERR_NOT_PROVEN, "the scratch server %s by itself%s%s", how, *words ? ": " : "", words);
	error_hint(err, "is --scratch-memory enough for it, and the disk? --keep-scratch leaves its logs");
}

/* ---- initialising ---- */

static enum status start_spawn(struct proof_job *j, const char *const *argv, int in, struct error *err)
{
	char path[PROOF_PATH];
	snprintf(path, sizeof path, "%s/output", j->scratch.top);
	int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create %s", path);
	const struct proof_spawn s = { .argv = argv, .in = in, .out = out, .keep = j->scratch.lock, .as = &j->scratch,
		                       .memory_bytes = j->o->memory_bytes, .nice = j->o->nice };
	enum status st = proof_child_start(&j->server, &s, err);
	close(out);
	return st ? st : proof_owner_write(j->scratch.top, j->server.pid, err);
}

static enum status start_init_run(struct proof_job *j, const char *const *argv, int in, struct error *err)
{
	enum status st = start_spawn(j, argv, in, err);
	if (!st)
		st = proof_child_wait(&j->server, j->run, START_INIT_MS, "the scratch server's initialisation", err);
	if (!st && j->server.status)
		st = start_failed(j, "the scratch server cannot be initialised", err);
	return st;
}

static bool start_add_sql(const char *share, const char *name, struct buf *sql, enum status *st, struct error *err)
{
	static const char *const prefix[] = { "mariadb_", "mysql_", "" };
	char path[PROOF_PATH + 128];
	for (size_t i = 0; i < sizeof prefix / sizeof prefix[0]; i++) {
		snprintf(path, sizeof path, "%s/%s%s", share, prefix[i], name);
		if (access(path, R_OK))
			continue;
		*st = fs_read_file(path, sql, err);
		buf_addc(sql, '\n');
		return true;
	}
	return false;
}

/* What mariadb-install-db feeds to a server: the files that this series has, in that order. Help texts apart. */
static enum status start_mariadb_sql(const char *share, struct buf *sql, struct error *err)
{
	static const struct { const char *name; bool needed; } file[] = {
		{ "system_tables.sql", true }, { "performance_tables.sql", false }, { "system_tables_data.sql", true },
		{ "maria_add_gis_sp_bootstrap.sql", false }, { "sys_schema.sql", false },
	};
	enum status st = ST_OK;
	buf_adds(sql, "create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n");
	for (size_t i = 0; !st && i < sizeof file / sizeof file[0]; i++)
		if (!start_add_sql(share, file[i].name, sql, &st, err) && file[i].needed)
			st = error_set(err, ST_FAILED, ERR_PREFLIGHT, "%s lacks mysql_%s", share, file[i].name);
	return st ? st : buf_check(sql, "the SQL of the system tables", err);
}

static enum status start_init_mariadb(struct proof_job *j, const char *defaults, struct error *err)
{
	const char *const argv[] = { j->binary.path, defaults, "--bootstrap", NULL };
	char share[PROOF_PATH], path[PROOF_PATH];
	struct buf sql = BUF_INIT(START_SQL_MAX);
	int in = -1;
	snprintf(path, sizeof path, "%s/data", j->scratch.files);
	if (mkdir(path, 0700) || (j->scratch.drop && lchown(path, j->scratch.uid, j->scratch.gid)))
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot make %s", path);
	enum status st = proof_binary_share(j, share, err);
	if (!st)
		st = start_mariadb_sql(share, &sql, err);
	if (!st)
		st = start_write(j, "system.sql", &sql, path, err);
	if (!st && (in = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot open %s", path);
	if (!st)
		st = start_init_run(j, argv, in, err);
	if (in >= 0)
		close(in);
	buf_free(&sql);
	return st;
}

static enum status start_init(struct proof_job *j, struct error *err)
{
	char path[PROOF_PATH], defaults[PROOF_PATH + 32];
	enum status st = start_cnf(j, "init.cnf", NULL, path, err);
	if (st)
		return st;
	snprintf(defaults, sizeof defaults, "--defaults-file=%s", path);
	if (proof_is_mariadb(j))
		return start_init_mariadb(j, defaults, err);
	const char *const argv[] = { j->binary.path, defaults, "--initialize-insecure", NULL };
	return start_init_run(j, argv, -1, err);
}

/* ---- running ---- */

static enum status start_wait(struct proof_job *j, struct error *err)
{
	int64_t limit = run_now_ms(j->run) + START_WAIT_MS;
	for (;;) {
		struct conn *c = NULL;
		struct error why = ERROR_INIT;
		enum status st = conn_open(&c, &j->login, 0, j->run, &why);
		conn_free(c);
		if (!st)
			return ST_OK;
		if (!proof_child_alive(&j->server))
			return start_failed(j, "the scratch server does not start", err);
		if (run_now_ms(j->run) > limit)
			return error_set(err, ST_FAILED, ERR_PREFLIGHT, "the scratch server does not answer: %s", why.message);
		st = run_sleep_ms(j->run, START_POLL_MS, err);
		if (st)
			return st;
	}
}

enum status proof_start(struct proof_job *j, struct error *err)
{
	char path[PROOF_PATH], account[PROOF_PATH], defaults[PROOF_PATH + 32];
	enum status st = start_login(j, err);
	if (!st)
		st = start_init(j, err);
	if (!st)
		st = start_account(j, account, err);
	if (!st)
		st = start_cnf(j, "my.cnf", account, path, err);
	if (st)
		return st;
	snprintf(defaults, sizeof defaults, "--defaults-file=%s", path);
	const char *const argv[] = { j->binary.path, defaults, NULL };
	st = start_spawn(j, argv, -1, err);
	return st ? st : start_wait(j, err);
}

void proof_start_end(struct proof_job *j)
{
	proof_child_end(&j->server, j->run, START_GRACE_MS);
}
