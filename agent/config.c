/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <unistd.h>

enum { CONFIG_THREADS_DEFAULT_MAX = 4, CONFIG_THREADS_MAX = 64, CONFIG_SHARDS_MAX = 64, CONFIG_DAY_MS = 86400000 };

void config_init(struct config *c)
{
	*c = (struct config){
		.ssl_mode = -1,
		.connect_timeout_ms = 10000,
		.pause_budget_ms = 500,
		.deadline_ms = 600000,
		.max_pause_ms = 60000,
		.users = true,
		.ddl_max_wait_ms = 60000,
		.chunk_bytes = 16 << 20,
		.zstd_level = 1,
		.source_ssl_mode = -1,
		.catch_up_timeout_ms = 3600000,
		.log_level = -1,
	};
}

void config_free(struct config *c)
{
	strlist_free(&c->include);
	strlist_free(&c->exclude);
	strlist_free(&c->source);
}

unsigned config_threads(const struct config *c)
{
	if (c->threads)
		return c->threads;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (cpus < 1)
		return 1;
	return cpus < CONFIG_THREADS_DEFAULT_MAX ? (unsigned)cpus : CONFIG_THREADS_DEFAULT_MAX;
}

/* Orders as in the enums they stand for. */
static const char *const ssl_modes[] = { "DEFAULT", "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY", NULL };
static const char *const on_deadlines[] = { "give-up", "stop", NULL };
static const char *const ddl_modes[] = { "hold", "retry", NULL };
static const char *const nontransactional[] = { "copy", "refuse", "skip", NULL };
static const char *const verify_modes[] = { "full", "entry", NULL };
static const char *const log_levels[] = { "debug", "info", "warning", "error", NULL };

#define AT(member) offsetof(struct config, member)
#define GROUP(title_, array) { .title = (title_), .option = (array), .n = sizeof(array) / sizeof((array)[0]) }

static const struct option connection[] = {
	{ "defaults-file", 0, OPTION_TEXT, "FILE", "read this option file and no other", AT(defaults_file), 0, 0, NULL },
	{ "defaults-extra-file", 0, OPTION_TEXT, "FILE", "read this one too, before ~/.my.cnf", AT(defaults_extra_file), 0, 0, NULL },
	{ "defaults-group-suffix", 0, OPTION_TEXT, "S", "read groups [clientS] and [slackwaterS] too", AT(defaults_group_suffix), 0, 0, NULL },
	{ "no-defaults", 0, OPTION_FLAG, NULL, "read no option file", AT(no_defaults), 0, 0, NULL },
	{ "host", 'h', OPTION_TEXT, "HOST", "server; localhost means its socket", AT(host), 0, 0, NULL },
	{ "port", 'P', OPTION_NUMBER, "N", "TCP port; without a host 127.0.0.1 is meant", AT(port), 1, 65535, NULL },
	{ "user", 'u', OPTION_TEXT, "NAME", "account", AT(user), 0, 0, NULL },
	{ "socket", 'S', OPTION_TEXT, "PATH", "socket of a local server", AT(socket), 0, 0, NULL },
	{ "password", 'p', OPTION_PASSWORD, NULL, "ask for the password (or SLACKWATER_PASSWORD, or an option file)", AT(ask_password), 0, 0, NULL },
	{ "ssl-mode", 0, OPTION_CHOICE, "MODE", "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY; without it TLS is used over TCP where the server offers it", AT(ssl_mode), 0, 0, ssl_modes },
	{ "ssl-ca", 0, OPTION_TEXT, "FILE", "certificate authorities", AT(ssl_ca), 0, 0, NULL },
	{ "ssl-cert", 0, OPTION_TEXT, "FILE", "client certificate", AT(ssl_cert), 0, 0, NULL },
	{ "ssl-key", 0, OPTION_TEXT, "FILE", "its key", AT(ssl_key), 0, 0, NULL },
	{ "get-server-public-key", 0, OPTION_FLAG, NULL, "fetch the server's RSA key for caching_sha2_password without TLS", AT(get_server_public_key), 0, 0, NULL },
	{ "connect-timeout", 0, OPTION_DURATION, "D", "for each login", AT(connect_timeout_ms), 1000, CONFIG_DAY_MS, NULL },
};
const struct option_group config_connection = GROUP("Connection", connection);

static const struct option to[] = {
	{ "to", 0, OPTION_TEXT, "URL", "repository: file:///DIR, a path, or - for a pipe", AT(to), 0, 0, NULL },
	{ "instance", 0, OPTION_TEXT, "NAME", "name of this server in the repository; HOST_PORT if not given", AT(instance), 0, 0, NULL },
};
const struct option_group config_to = GROUP("Destination", to);

static const struct option from[] = {
	{ "from", 0, OPTION_TEXT, "URL", "repository: file:///DIR or a path; - for a pipe where a snapshot is read", AT(from), 0, 0, NULL },
	{ "instance", 0, OPTION_TEXT, "NAME", "only this instance; needed when the repository has several", AT(instance), 0, 0, NULL },
};
const struct option_group config_from = GROUP("Snapshot", from);

static const struct option to_dir[] = {
	{ "to-dir", 0, OPTION_TEXT, "DIR", "directory to unpack into; it must be absent or empty", AT(to_dir), 0, 0, NULL },
};
const struct option_group config_to_dir = GROUP("Destination", to_dir);

static const struct option window[] = {
	{ "pause-budget", 0, OPTION_DURATION, "D", "stop the applier only while everything in flight is younger than this", AT(pause_budget_ms), 0, CONFIG_DAY_MS, NULL },
	{ "deadline", 0, OPTION_DURATION, "D", "longest wait for a quiet moment", AT(deadline_ms), 0, 30 * (uint64_t)CONFIG_DAY_MS, NULL },
	{ "on-deadline", 0, OPTION_CHOICE, "W", "give-up: leave the applier alone, exit 4; stop: stop it all the same", AT(on_deadline), 0, 0, on_deadlines },
	{ "max-pause", 0, OPTION_DURATION, "D", "the server itself restarts the applier after this if we vanish", AT(max_pause_ms), 2000, CONFIG_DAY_MS, NULL },
};
const struct option_group config_window = GROUP("The applier's pause", window);

static const struct option data[] = {
	{ "include", 0, OPTION_LIST, "P", "only schemas or schema.tables that match (* and ?); repeatable", AT(include), 0, 0, NULL },
	{ "exclude", 0, OPTION_LIST, "P", "not those that match; repeatable", AT(exclude), 0, 0, NULL },
	{ "tables-from-file", 0, OPTION_TEXT, "FILE", "only these tables, one schema.table a line", AT(tables_from_file), 0, 0, NULL },
	{ "no-users", 0, OPTION_CLEAR, NULL, "leave out accounts, roles and grants", AT(users), 0, 0, NULL },
	{ "nontransactional", 0, OPTION_CHOICE, "W", "tables without read views (MyISAM ...): copy while the applier is still, refuse, or skip", AT(nontransactional), 0, 0, nontransactional },
};
const struct option_group config_data = GROUP("What is dumped", data);

static const struct option work[] = {
	{ "threads", 0, OPTION_NUMBER, "N", "parallel sessions (default: CPUs of this host, at most 4)", AT(threads), 1, CONFIG_THREADS_MAX, NULL },
	{ "chunk-size", 0, OPTION_SIZE, "B", "SQL text per piece, before compression", AT(chunk_bytes), 64 << 10, 1 << 30, NULL },
	{ "shards", 0, OPTION_NUMBER, "N", "objects written in parallel (default: as threads, at most 4)", AT(shards), 1, CONFIG_SHARDS_MAX, NULL },
	{ "zstd-level", 0, OPTION_NUMBER, "N", "compression, 1 to 19", AT(zstd_level), 1, 19, NULL },
	{ "ddl", 0, OPTION_CHOICE, "W", "hold: a replicated DDL waits for the dump; retry: it does not, and the dump starts over", AT(ddl), 0, 0, ddl_modes },
	{ "ddl-max-wait", 0, OPTION_DURATION, "D", "longest that a replicated DDL is held up; then the dump starts over", AT(ddl_max_wait_ms), 0, CONFIG_DAY_MS, NULL },
	{ "max-history", 0, OPTION_COUNT, "N", "give up when InnoDB's history list grows longer (default: never)", AT(max_history), 0, 0, NULL },
};
const struct option_group config_work = GROUP("How it is dumped", work);

static const struct option readers[] = {
	{ "threads", 0, OPTION_NUMBER, "N", "in parallel (default: CPUs of this host, at most 4)", AT(threads), 1, CONFIG_THREADS_MAX, NULL },
};
const struct option_group config_readers = GROUP("Work", readers);

static const struct option sources[] = {
	{ "source", 0, OPTION_LIST, "[CH=]HOST[:PORT]", "replicate from here; repeatable, one per channel; IPv6 in brackets", AT(source), 0, 0, NULL },
	{ "source-user", 0, OPTION_TEXT, "NAME", "replication account; its password is asked of SLACKWATER_SOURCE_PASSWORD or [slackwater-source] in an option file", AT(source_user), 0, 0, NULL },
	{ "source-password", 0, OPTION_REFUSED, NULL, "set SLACKWATER_SOURCE_PASSWORD, or put password=... into the group [slackwater-source] of an option file with mode 0600", 0, 0, 0, NULL },
	{ "source-ssl-mode", 0, OPTION_CHOICE, "MODE", "as --ssl-mode, between replica and source", AT(source_ssl_mode), 0, 0, ssl_modes },
	{ "source-ssl-ca", 0, OPTION_TEXT, "FILE", "on the seeded server's host", AT(source_ssl_ca), 0, 0, NULL },
	{ "source-ssl-cert", 0, OPTION_TEXT, "FILE", "likewise", AT(source_ssl_cert), 0, 0, NULL },
	{ "source-ssl-key", 0, OPTION_TEXT, "FILE", "likewise", AT(source_ssl_key), 0, 0, NULL },
	{ "source-public-key", 0, OPTION_TEXT, "get|PATH", "caching_sha2_password without TLS: fetch the source's RSA key, or a file", AT(source_public_key), 0, 0, NULL },
	{ "from-replica", 0, OPTION_FLAG, NULL, "the source is the snapshotted replica itself, not its source", AT(from_replica), 0, 0, NULL },
};
const struct option_group config_sources = GROUP("Source", sources);

static const struct option seeding[] = {
	{ "replace", 0, OPTION_FLAG, NULL, "take over a server that has been a replica, or a load that failed: its data are dropped", AT(replace), 0, 0, NULL },
	{ "dry-run", 0, OPTION_FLAG, NULL, "do every check that needs no load, then end", AT(dry_run), 0, 0, NULL },
	{ "no-start", 0, OPTION_FLAG, NULL, "load, and print the statements that configure replication instead of running them", AT(no_start), 0, 0, NULL },
	{ "verify", 0, OPTION_CHOICE, "W", "full: check every digest before the first statement; entry: each just before it is applied", AT(verify), 0, 0, verify_modes },
	{ "checksum", 0, OPTION_TEXT, "HOST[:PORT]", "compare the seed table by table with the snapshotted replica", AT(checksum), 0, 0, NULL },
	{ "catch-up-timeout", 0, OPTION_DURATION, "D", "longest wait until the seed has caught up", AT(catch_up_timeout_ms), 0, 30 * (uint64_t)CONFIG_DAY_MS, NULL },
	{ "keep-redo-log", 0, OPTION_FLAG, NULL, "do not switch InnoDB's redo log off while loading", AT(keep_redo_log), 0, 0, NULL },
	{ "threads", 0, OPTION_NUMBER, "N", "parallel sessions (default: CPUs of this host, at most 4)", AT(threads), 1, CONFIG_THREADS_MAX, NULL },
};
const struct option_group config_seeding = GROUP("Seeding", seeding);

static const struct option output[] = {
	{ "json", 0, OPTION_FLAG, NULL, "one JSON document on standard output at the end", AT(json), 0, 0, NULL },
	{ "log-level", 0, OPTION_CHOICE, "L", "debug, info, warning or error", AT(log_level), 0, 0, log_levels },
	{ "log-file", 0, OPTION_TEXT, "FILE", "append the log here instead of standard error", AT(log_file), 0, 0, NULL },
	{ "help", '?', OPTION_FLAG, NULL, "this text", AT(help), 0, 0, NULL },
	{ "version", 'V', OPTION_FLAG, NULL, "version and licence", AT(version), 0, 0, NULL },
};
const struct option_group config_output = GROUP("Output", output);
