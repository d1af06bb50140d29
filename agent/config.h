/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what the command line said, as plain values, and the tables of options that fill it. Every verb's options write
 * into the same struct; a verb reads its own. Turned into the library's option structs by connection, sources and the verbs.
 */
#pragma once

#include "log.h"
#include "options.h"

#define CONFIG_CONTROL_SOCKET "/run/slackwater/control.sock"

enum config_verify { CONFIG_VERIFY_FULL, CONFIG_VERIFY_ENTRY };

struct config {
	/* connection */
	const char *defaults_file, *defaults_extra_file, *defaults_group_suffix;
	bool no_defaults;
	const char *host, *user, *socket;
	unsigned port; /* 0 = not given */
	bool ask_password;
	int ssl_mode; /* enum ssl_mode less one; -1 = not given */
	const char *ssl_ca, *ssl_cert, *ssl_key;
	bool get_server_public_key;
	int64_t connect_timeout_ms;
	/* repository */
	const char *to, *from, *instance, *id, *to_dir;
	/* object storage */
	const char *s3_endpoint, *s3_region, *s3_ca, *s3_storage_class, *s3_sse, *s3_sse_kms_key, *s3_object_lock, *s3_tags;
	bool s3_path_style, s3_virtual_host, s3_content_md5, s3_unsigned_payload;
	unsigned s3_parallel;
	uint64_t s3_part_bytes, upload_limit; /* upload_limit 0 = none */
	int64_t s3_timeout_ms, s3_retry_ms;
	/* keeping; 0 = no such rule */
	unsigned keep_last, keep_daily, keep_weekly, keep_monthly;
	int64_t keep_within_ms;
	const char *reason;
	bool all;
	/* status; watch_ms 0 = once */
	int64_t watch_ms;
	const char *error_log;
	/* encryption */
	struct strlist recipients, identities;
	bool ask_passphrase;
	const char *out;
	/* window; on_deadline is an enum on_deadline */
	int64_t pause_budget_ms, deadline_ms, max_pause_ms;
	int on_deadline;
	bool no_guard, group_member;
	/* what outlives a run */
	const char *state_dir; /* NULL = the default */
	int64_t wait_lock_ms;
	/* what is dumped or unpacked, and how; ddl, nontransactional and json_types are of the enums of those names (ddl_mode) */
	struct strlist include, exclude;
	const char *tables_from_file;
	bool users;
	int nontransactional, json_types, ddl;
	int64_t ddl_max_wait_ms;
	uint64_t max_history, chunk_bytes;
	unsigned threads, shards, zstd_level; /* threads, shards: 0 = choose */
	/* seeding; source_ssl_mode as ssl_mode above, verify is an enum config_verify */
	struct strlist source;
	const char *source_user, *source_ssl_ca, *source_ssl_cert, *source_ssl_key, *source_public_key;
	int source_ssl_mode;
	bool from_replica, standalone, replace, no_start, dry_run, keep_redo_log;
	const char *checksum;
	int verify;
	int64_t catch_up_timeout_ms;
	/* proof by restoring */
	bool restore, keep_scratch;
	const char *server_binary, *scratch_dir, *scratch_user;
	uint64_t scratch_memory;
	unsigned scratch_nice;
	struct strlist scratch_options;
	/* the agent */
	const char *control_socket, *snapshot;
	bool wait;
	/* listing; newest 0 = all */
	bool brief;
	unsigned newest;
	/* recovery */
	bool apply;
	int64_t recover_deadline_ms;
	/* output; log_level is an enum log_level, -1 = the verb's own */
	bool json, help, version;
	int log_level;
	const char *log_file;
	/* the agent; file_only goes with config_file */
	const char *config_file;
	bool file_only;
	unsigned events_fd; /* 0 = none */
};

void config_init(struct config *c); /* the defaults */
void config_free(struct config *c);
/* threads as given, else the number of CPUs, at most 4. */
unsigned config_threads(const struct config *c);

extern const struct option_group config_connection, config_to, config_from, config_to_dir, config_choice, config_encryption, config_decryption, config_keygen, config_s3, config_s3_write,
	config_status, config_window, config_data,
	config_state, config_lock,
	config_rules, config_pin, config_copy,
	config_files, config_proof,
	config_recovery, config_finish, config_agent, config_file_only, config_control, config_wait, config_list,
	config_work, config_readers, config_sources, config_seeding, config_output;
