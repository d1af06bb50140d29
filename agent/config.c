/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <unistd.h>

enum { CONFIG_THREADS_DEFAULT_MAX = 4, CONFIG_THREADS_MAX = 64, CONFIG_SHARDS_MAX = 64, CONFIG_DAY_MS = 86400000,
       CONFIG_KEEP_MAX = 100000, CONFIG_FD_MAX = 1023 };

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
		.s3_parallel = 4,
		.s3_part_bytes = 8 << 20,
		.s3_timeout_ms = 30000,
		.s3_retry_ms = 300000,
		.zstd_level = 1,
		.source_ssl_mode = -1,
		.catch_up_timeout_ms = 3600000,
		.scratch_memory = 1 << 30,
		.scratch_nice = 10,
		.recover_deadline_ms = 600000,
		.log_level = -1,
	};
}

void config_free(struct config *c)
{
	strlist_free(&c->include);
	strlist_free(&c->exclude);
	strlist_free(&c->source);
	strlist_free(&c->scratch_options);
	strlist_free(&c->recipients);
	strlist_free(&c->identities);
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

/* Orders as in the enums they stand for; of enum ssl_mode without its first, SSL_DEFAULT. */
static const char *const ssl_modes[] = { "DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY", NULL };
static const char *const on_deadlines[] = { "give-up", "stop", NULL };
static const char *const ddl_modes[] = { "hold", "retry", NULL };
static const char *const nontransactional[] = { "copy", "refuse", "skip", NULL };
static const char *const json_types[] = { "warn", "refuse", NULL };
static const char *const verify_modes[] = { "full", "entry", NULL };

#define AT(member) offsetof(struct config, member)
#define FLAG(name, member, help) { name, 0, OPTION_FLAG, NULL, AT(member), 0, 0, NULL, help }
#define TEXT(name, value, member, help) { name, 0, OPTION_TEXT, value, AT(member), 0, 0, NULL, help }
#define LIST(name, value, member, help) { name, 0, OPTION_LIST, value, AT(member), 0, 0, NULL, help }
#define CHOICE(name, value, member, words, help) { name, 0, OPTION_CHOICE, value, AT(member), 0, 0, words, help }
#define DURATION(name, member, min, max, help) { name, 0, OPTION_DURATION, "D", AT(member), min, max, NULL, help }
#define NUMBER(name, member, min, max, help) { name, 0, OPTION_NUMBER, "N", AT(member), min, max, NULL, help }
#define GROUP(title_, array) { .title = (title_), .option = (array), .n = sizeof(array) / sizeof((array)[0]) }

static const struct option connection[] = {
	TEXT("defaults-file", "FILE", defaults_file, "read this option file and no other"),
	TEXT("defaults-extra-file", "FILE", defaults_extra_file, "read this one too, before ~/.my.cnf"),
	TEXT("defaults-group-suffix", "S", defaults_group_suffix, "read groups [clientS] and [slackwaterS] too"),
	FLAG("no-defaults", no_defaults, "read no option file"),
	{ "host", 'h', OPTION_TEXT, "HOST", AT(host), 0, 0, NULL,
	  "server host; localhost means its socket" },
	{ "port", 'P', OPTION_NUMBER, "N", AT(port), 1, 65535, NULL,
	  "TCP port; without --host: of 127.0.0.1" },
	{ "user", 'u', OPTION_TEXT, "NAME", AT(user), 0, 0, NULL,
	  "account" },
	{ "socket", 'S', OPTION_TEXT, "PATH", AT(socket), 0, 0, NULL,
	  "socket of a local server" },
	{ "password", 'p', OPTION_PASSWORD, NULL, AT(ask_password), 0, 0, NULL,
	  "ask for the password (or SLACKWATER_PASSWORD, or an option file)" },
	CHOICE("ssl-mode", "MODE", ssl_mode, ssl_modes,
	  "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY (default: TLS over TCP where the server offers it)"),
	TEXT("ssl-ca", "FILE", ssl_ca, "certificate authorities"),
	TEXT("ssl-cert", "FILE", ssl_cert, "client certificate"),
	TEXT("ssl-key", "FILE", ssl_key, "its key"),
	FLAG("get-server-public-key", get_server_public_key,
	  "fetch the server's RSA key for caching_sha2_password without TLS"),
	DURATION("connect-timeout", connect_timeout_ms, 1000, CONFIG_DAY_MS, "timeout of each login"),
};
const struct option_group config_connection = GROUP("Connection", connection);

/* For verbs that log in to other servers than one of CONNECTION. */
static const struct option files[] = {
	TEXT("defaults-file", "FILE", defaults_file, "read this option file and no other"),
	TEXT("defaults-extra-file", "FILE", defaults_extra_file, "read this one too, before ~/.my.cnf"),
	TEXT("defaults-group-suffix", "S", defaults_group_suffix, "read groups with this behind their names too"),
	FLAG("no-defaults", no_defaults, "read no option file"),
};
const struct option_group config_files = GROUP("Option files (--restore)", files);

static const struct option to[] = {
	TEXT("to", "URL", to, "repository: file:///DIR, a path, s3://BUCKET/PREFIX, or - for a pipe"),
	TEXT("instance", "NAME", instance, "name of this server in the repository (default: HOST_PORT)"),
};
const struct option_group config_to = GROUP("Destination", to);

static const struct option from[] = {
	TEXT("from", "URL", from, "repository: file:///DIR, a path, or s3://BUCKET/PREFIX; - reads one snapshot from a pipe"),
	TEXT("instance", "NAME", instance, "only this instance; needed when the repository has several"),
};
const struct option_group config_from = GROUP("Snapshot", from);

static const struct option to_dir[] = {
	TEXT("to-dir", "DIR", to_dir, "directory to unpack into; it must be absent or empty"),
};
const struct option_group config_to_dir = GROUP("Destination", to_dir);

static const struct option choice[] = {
	LIST("include", "P", include, "only schemas or schema.tables that match (* and ?); repeatable"),
	LIST("exclude", "P", exclude, "leave out those that match; repeatable"),
	TEXT("tables-from-file", "FILE", tables_from_file, "only these tables, one schema.table per line"),
};
const struct option_group config_choice = GROUP("What is unpacked", choice);

static const struct option rules[] = {
	NUMBER("keep-last", keep_last, 1, CONFIG_KEEP_MAX, "keep the newest N"),
	NUMBER("keep-daily", keep_daily, 1, CONFIG_KEEP_MAX, "keep the newest of each of the last N days (UTC) that have one"),
	NUMBER("keep-weekly", keep_weekly, 1, CONFIG_KEEP_MAX, "the newest of each of the last N ISO weeks"),
	NUMBER("keep-monthly", keep_monthly, 1, CONFIG_KEEP_MAX, "the newest of each of the last N months"),
	DURATION("keep-within", keep_within_ms, 1000, 36500 * (uint64_t)CONFIG_DAY_MS,
	  "keep all that are at most this much older than the newest"),
	FLAG("dry-run", dry_run, "show what would be removed; remove nothing"),
};
const struct option_group config_rules = GROUP("What is kept", rules);

static const struct option pin[] = {
	TEXT("reason", "TEXT", reason, "why it is pinned"),
};
const struct option_group config_pin = GROUP("Pin", pin);

static const struct option copy[] = {
	TEXT("to", "URL", to, "the other repository; a missing directory is created"),
	FLAG("all", all, "every snapshot that is not there yet"),
	NUMBER("threads", threads, 1, CONFIG_THREADS_MAX, "objects in parallel (default: CPUs of this host, at most 4)"),
};
const struct option_group config_copy = GROUP("Copy", copy);

static const struct option status[] = {
	{ "watch", 0, OPTION_INTERVAL, "[D]", AT(watch_ms), 100, CONFIG_DAY_MS, NULL,
	  "refresh every D until interrupted; without D every second" },
	TEXT("error-log", "FILE", error_log,
	  "error log of the server, for what the applier waited for (5.6 and 5.7 write it nowhere else)"),
};
const struct option_group config_status = GROUP("Status", status);
static const struct option encryption[] = {
	LIST("recipient", "age1...|FILE", recipients, "encrypt for this public key, or those in a file; repeatable"),
	{ "passphrase", 0, OPTION_PASSWORD, NULL, AT(ask_passphrase), 0, 0, NULL,
	  "encrypt with a passphrase instead: SLACKWATER_PASSPHRASE, or ask" },
};
const struct option_group config_encryption = GROUP("Encryption", encryption);

static const struct option decryption[] = {
	LIST("identity", "FILE", identities, "secret keys that open an encrypted snapshot; repeatable"),
	{ "passphrase", 0, OPTION_PASSWORD, NULL, AT(ask_passphrase), 0, 0, NULL,
	  "ask for the passphrase that opens it (or SLACKWATER_PASSPHRASE)" },
};
const struct option_group config_decryption = GROUP("Decryption", decryption);

static const struct option keygen[] = {
	{ "out", 'o', OPTION_TEXT, "FILE", AT(out), 0, 0, NULL,
	  "write the secret key here; the file must not exist" },
};
const struct option_group config_keygen = GROUP("Key", keygen);

static const struct option s3[] = {
	TEXT("s3-endpoint", "URL", s3_endpoint, "server (default: AWS_ENDPOINT_URL_S3, or AWS itself)"),
	TEXT("s3-region", "NAME", s3_region, "region (default: AWS_REGION, the profile's, or us-east-1)"),
	FLAG("s3-path-style", s3_path_style, "use https://HOST/BUCKET/... (the default for servers other than AWS)"),
	FLAG("s3-virtual-host", s3_virtual_host, "use https://BUCKET.HOST/... (the default for AWS)"),
	TEXT("s3-ca", "FILE", s3_ca, "certificate authorities (default: AWS_CA_BUNDLE, or the system's)"),
	NUMBER("s3-parallel", s3_parallel, 1, 64, "parts transferred at once"),
	{ "s3-part-size", 0, OPTION_SIZE, "B", AT(s3_part_bytes), 5 << 20, 1 << 30, NULL,
	  "size of a part; larger in very large objects" },
	DURATION("s3-timeout", s3_timeout_ms, 1000, CONFIG_DAY_MS, "a transfer stalled this long is restarted"),
	DURATION("s3-retry", s3_retry_ms, 0, CONFIG_DAY_MS, "how long a failing request is retried"),
	{ "s3-secret-key", 0, OPTION_REFUSED, NULL, 0, 0, 0, NULL,
	  "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a profile in ~/.aws/credentials (AWS_PROFILE names it)" },
};
const struct option_group config_s3 = GROUP("Object storage (s3://)", s3);

static const struct option s3_write[] = {
	{ "upload-limit", 0, OPTION_SIZE, "B", AT(upload_limit), 64 << 10, 0, NULL,
	  "send no more than this per second (default: no limit)" },
	TEXT("s3-storage-class", "NAME", s3_storage_class, "storage class (default: the bucket's)"),
	TEXT("s3-sse", "KIND", s3_sse, "server-side encryption: AES256, aws:kms, aws:kms:dsse"),
	TEXT("s3-sse-kms-key", "ID", s3_sse_kms_key, "key for aws:kms (default: the account's own)"),
	TEXT("s3-object-lock", "MODE:D", s3_object_lock, "lock objects for so long: governance:30d, compliance:12h"),
	TEXT("s3-tags", "N=V,...", s3_tags, "tags of each object, at most 10"),
	FLAG("s3-unsigned-payload", s3_unsigned_payload, "do not hash the payload for the signature; https only"),
	FLAG("s3-content-md5", s3_content_md5, "send Content-MD5 even when nothing is locked"),
};
const struct option_group config_s3_write = GROUP("Writing to object storage", s3_write);

static const struct option window[] = {
	DURATION("pause-budget", pause_budget_ms, 0, CONFIG_DAY_MS,
	  "stop the applier only while everything in flight is younger than this"),
	DURATION("deadline", deadline_ms, 0, 30 * (uint64_t)CONFIG_DAY_MS, "longest wait for a quiet moment"),
	CHOICE("on-deadline", "W", on_deadline, on_deadlines,
	  "give-up: leave the applier alone, exit 4; stop: stop it anyway"),
	DURATION("max-pause", max_pause_ms, 2000, CONFIG_DAY_MS,
	  "the server itself restarts the applier after this if slackwater vanishes; a stop that takes longer cannot be undone"),
	FLAG("no-guard", no_guard,
	  "no dead-man's switch, for proxies that refuse multi-statements or GET_LOCK"),
	FLAG("group-member", group_member,
	  "accept a member of a replication group: only its other channels are stopped, and the group must not write meanwhile"),
};
const struct option_group config_window = GROUP("The applier's pause", window);

static const struct option state[] = {
	TEXT("state-dir", "DIR", state_dir,
	  "directory of the journal and the lock (default: /var/lib/slackwater; not root: ~/.local/state/slackwater)"),
};
const struct option_group config_state = GROUP("State", state);

static const struct option lock[] = {
	DURATION("wait-lock", wait_lock_ms, 0, 30 * (uint64_t)CONFIG_DAY_MS,
	  "how long to wait for another run on this server (default: not at all, exit 11)"),
};
const struct option_group config_lock = GROUP("One run at a time", lock);

static const struct option data[] = {
	LIST("include", "P", include, "only schemas or schema.tables that match (* and ?); repeatable"),
	LIST("exclude", "P", exclude, "leave out those that match; repeatable"),
	TEXT("tables-from-file", "FILE", tables_from_file, "only these tables, one schema.table per line"),
	{ "no-users", 0, OPTION_CLEAR, NULL, AT(users), 0, 0, NULL,
	  "leave out accounts, roles and grants" },
	CHOICE("nontransactional", "W", nontransactional, nontransactional,
	  "tables without read views (MyISAM ...): copy while the applier is stopped, refuse, or skip"),
	CHOICE("json-types", "W", json_types, json_types,
	  "types in MySQL's JSON that are lost as text (decimals, dates): warn, or refuse"),
};
const struct option_group config_data = GROUP("What is dumped", data);

static const struct option work[] = {
	NUMBER("threads", threads, 1, CONFIG_THREADS_MAX, "parallel sessions (default: CPUs of this host, at most 4)"),
	{ "chunk-size", 0, OPTION_SIZE, "B", AT(chunk_bytes), 64 << 10, 1 << 30, NULL,
	  "SQL text per piece, before compression" },
	NUMBER("shards", shards, 1, CONFIG_SHARDS_MAX, "objects written in parallel (default: as --threads, at most 4)"),
	NUMBER("zstd-level", zstd_level, 1, 19, "compression, 1 to 19"),
	CHOICE("ddl", "W", ddl, ddl_modes,
	  "hold: replicated DDL waits for the dump; retry: it does not, and the dump starts over"),
	DURATION("ddl-max-wait", ddl_max_wait_ms, 0, CONFIG_DAY_MS,
	  "longest that replicated DDL is held up; then the dump starts over"),
	{ "max-history", 0, OPTION_COUNT, "N", AT(max_history), 0, 0, NULL,
	  "give up when InnoDB's history list grows longer (default: never)" },
};
const struct option_group config_work = GROUP("How it is dumped", work);

static const struct option readers[] = {
	NUMBER("threads", threads, 1, CONFIG_THREADS_MAX, "in parallel (default: CPUs of this host, at most 4)"),
};
const struct option_group config_readers = GROUP("Work", readers);

static const struct option sources[] = {
	LIST("source", "[CH=]HOST[:PORT]", source, "replicate from here; repeatable, one per channel; IPv6 in brackets"),
	TEXT("source-user", "NAME", source_user,
	  "replication account; its password comes from SLACKWATER_SOURCE_PASSWORD or [slackwater-source] in an option file"),
	{ "source-password", 0, OPTION_REFUSED, NULL, 0, 0, 0, NULL,
	  "set SLACKWATER_SOURCE_PASSWORD, or put password=... into the group [slackwater-source] of an option file with "
	  "mode 0600" },
	CHOICE("source-ssl-mode", "MODE", source_ssl_mode, ssl_modes, "as --ssl-mode, between replica and source"),
	TEXT("source-ssl-ca", "FILE", source_ssl_ca, "certificate authorities, a file on the seeded server's host"),
	TEXT("source-ssl-cert", "FILE", source_ssl_cert, "client certificate, likewise"),
	TEXT("source-ssl-key", "FILE", source_ssl_key, "its key, likewise"),
	TEXT("source-public-key", "get|PATH", source_public_key,
	  "the source's RSA key for caching_sha2_password without TLS: fetch it, or read a file"),
	FLAG("from-replica", from_replica, "the source is the snapshotted replica itself, not its source"),
};
const struct option_group config_sources = GROUP("Source", sources);

static const struct option seeding[] = {
	FLAG("standalone", standalone, "load without a source, when every other server is lost: it replicates from nothing and can be the source of others"),
	FLAG("replace", replace, "take over a former replica or a failed load: its data are dropped"),
	FLAG("dry-run", dry_run, "run every check that needs no load, then exit"),
	FLAG("no-start", no_start, "load, and print the statements that configure replication instead of running them"),
	CHOICE("verify", "W", verify, verify_modes,
	  "full: check every digest before the first statement; entry: each one just before it is applied"),
	TEXT("checksum", "HOST[:PORT]", checksum, "compare the seed with the snapshotted replica, table by table"),
	DURATION("catch-up-timeout", catch_up_timeout_ms, 0, 30 * (uint64_t)CONFIG_DAY_MS,
	  "longest wait for the seed to catch up"),
	FLAG("keep-redo-log", keep_redo_log, "leave InnoDB's redo log on while loading"),
	NUMBER("threads", threads, 1, CONFIG_THREADS_MAX, "parallel sessions (default: CPUs of this host, at most 4)"),
};
const struct option_group config_seeding = GROUP("Seeding", seeding);

static const struct option proof[] = {
	FLAG("restore", restore,
	  "prove the snapshot: load it into a scratch server, let that catch up with --source, and remove it"),
	TEXT("checksum", "HOST[:PORT]", checksum, "compare the scratch server with the snapshotted replica, table by table"),
	DURATION("catch-up-timeout", catch_up_timeout_ms, 0, 30 * (uint64_t)CONFIG_DAY_MS,
	  "longest wait for the scratch server to catch up"),
	TEXT("server-binary", "PATH", server_binary,
	  "program of the scratch server, or a wrapper for it (default: mariadbd or mysqld in PATH)"),
	TEXT("scratch-dir", "DIR", scratch_dir, "where its directory is created (default: $TMPDIR or /var/tmp)"),
	{ "scratch-memory", 0, OPTION_SIZE, "B", AT(scratch_memory), 256 << 20, 0, NULL, "memory it may use; a quarter is the buffer pool" },
	NUMBER("scratch-nice", scratch_nice, 0, 19, "its niceness, with the idle I/O class; 0: unchanged"),
	TEXT("scratch-user", "NAME", scratch_user, "user it runs as when started by root (default: mysql)"),
	LIST("scratch-option", "NAME=VALUE", scratch_options, "setting for its option file; repeatable"),
	FLAG("keep-scratch", keep_scratch, "keep its directory for inspection"),
};
const struct option_group config_proof = GROUP("Proof by restoring", proof);

static const struct option recovery[] = {
	FLAG("apply", apply, "repair what is surely safe, without asking; otherwise it only offers to start a stopped applier"),
	DURATION("deadline", recover_deadline_ms, 0, 30 * (uint64_t)CONFIG_DAY_MS, "longest wait for a gap to close"),
	FLAG("no-guard", no_guard, "no lock on the server that keeps other hosts' runs off, for proxies that refuse GET_LOCK"),
};
const struct option_group config_recovery = GROUP("Recovery", recovery);

static const struct option finish[] = {
	TEXT("config", "FILE", config_file,
	  "only finish, on every instance of this agent's configuration, what dead runs have left open"),
};
const struct option_group config_finish = GROUP("After the agent", finish);

static const struct option agent[] = {
	TEXT("config", "FILE", config_file, "the agent's configuration"),
};
const struct option_group config_agent = GROUP("Agent", agent);

static const struct option file_only[] = {
	FLAG("file-only", file_only, "with --config: only the file and what it names on this host; ask no server and no store"),
};
const struct option_group config_file_only = GROUP("Check", file_only);

static const struct option control[] = {
	TEXT("config", "FILE", config_file, "the agent's configuration, which names its control socket"),
	TEXT("control-socket", "PATH", control_socket, "control socket of the agent (without either: " CONFIG_CONTROL_SOCKET ")"),
};
const struct option_group config_control = GROUP("Agent", control);

static const struct option waiting[] = {
	FLAG("wait", wait, "wait for the run to end, and exit with its code"),
};
const struct option_group config_wait = GROUP("Run", waiting);

static const struct option list[] = {
	NUMBER("newest", newest, 1, CONFIG_KEEP_MAX, "only the newest N of each instance (default: all)"),
	FLAG("brief", brief, "leave objects, warnings and notes out of the manifests in JSON"),
};
const struct option_group config_list = GROUP("List", list);

static const struct option output[] = {
	FLAG("json", json, "one JSON document on standard output at the end"),
	CHOICE("log-level", "L", log_level, log_level_names, "debug, info, warning or error"),
	TEXT("log-file", "FILE", log_file, "append the log to this file instead of standard error"),
	NUMBER("events-fd", events_fd, 3, CONFIG_FD_MAX, "write states and progress as JSON lines to this descriptor, for programs"),
	{ "help", '?', OPTION_FLAG, NULL, AT(help), 0, 0, NULL,
	  "this text" },
	{ "version", 'V', OPTION_FLAG, NULL, AT(version), 0, 0, NULL,
	  "version and licence" },
};
const struct option_group config_output = GROUP("Output", output);
