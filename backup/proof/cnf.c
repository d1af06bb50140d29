/* SPDX-License-Identifier: Apache-2.0 */
#include "cnf.h"

#include <inttypes.h>
#include <string.h>

enum { CNF_POOL_MIN = 32 << 20, CNF_LOG_MIN = 32 << 20 };

bool proof_cnf_path(const char *path)
{
	return *path == '/' && !path[strcspn(path, "#'\"\\\n\r")];
}

/* ---- what a person may not change ---- */

static bool cnf_same(const char *name, size_t len, const char *other)
{
	if (len != strlen(other))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((name[i] == '-' ? '_' : name[i]) != other[i])
			return false;
	return true;
}

static bool cnf_any(const char *name, size_t len, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cnf_same(name, len, list[i]))
			return true;
	return false;
}

/* A path that leads out of the scratch directory; those that a server only reads from may. */
static bool cnf_leads_out(const char *name, size_t len, const char *value)
{
	static const char *const read_only[] = { "basedir", "plugin_dir", "lc_messages_dir", "character_sets_dir" };
	if (*value != '=' || cnf_any(name, len, read_only, sizeof read_only / sizeof read_only[0]))
		return false;
	value += 1 + strspn(value + 1, " \t\"'");
	return *value == '/' || *value == '~' || strstr(value, "..");
}

enum status proof_cnf_check(const char *setting, struct error *err)
{
	static const char *const ours[] = {
		"datadir", "socket", "pid_file", "tmpdir", "slave_load_tmpdir", "replica_load_tmpdir", "log_error", "init_file", "server_id", "user",
		"port", "bind_address", "skip_networking", "event_scheduler", "skip_grant_tables", "innodb_data_home_dir", "innodb_data_file_path",
		"innodb_temp_data_file_path", "innodb_temp_tablespaces_dir", "innodb_log_group_home_dir", "innodb_undo_directory", "innodb_tmpdir",
		"innodb_doublewrite_dir", "innodb_directories", "innodb_redo_log_archive_dirs", "aria_log_dir_path", "log_bin", "log_bin_index",
		"log_basename", "relay_log", "relay_log_index", "relay_log_info_file", "master_info_file", "general_log_file", "slow_query_log_file",
		"log_slow_query_file", "binlog_directory",
	};
	size_t len = strcspn(setting, "=");
	if (!len || setting[strcspn(setting, "\n\r")] || strspn(setting, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") < len)
		return error_set(err, ST_FAILED, ERR_USAGE, "--scratch-option \"%.100s\" is not NAME=VALUE", setting);
	const char *name = strncmp(setting, "loose", 5) ? setting : setting + 6;
	size_t n = (size_t)(setting + len - name);
	if (setting + len <= name)
		return ST_OK;
	if (cnf_any(name, n, ours, sizeof ours / sizeof ours[0]))
		return error_set(err, ST_FAILED, ERR_USAGE, "--scratch-option cannot set %.*s: the scratch server lives in its own directory, "
		                 "apart from the network", (int)n, name);
	if (cnf_leads_out(name, n, setting + len))
		return error_set(err, ST_FAILED, ERR_USAGE, "--scratch-option cannot set %.*s to a path: the scratch server lives in its own directory",
		                 (int)n, name);
	return ST_OK;
}

/* ---- the file ---- */

static uint64_t cnf_at_least(uint64_t value, uint64_t least)
{
	return value > least ? value : least;
}

static void cnf_place(const struct proof_cnf *c, struct buf *b)
{
	buf_addf(b, "datadir = %s/data\ntmpdir = %s/tmp\nsocket = %s/s\npid_file = %s/pid\nlog_error = %s/error.log\n", c->files, c->files, c->files,
	         c->files, c->files);
	buf_adds(b, "skip_networking = ON\nevent_scheduler = OFF\nskip_name_resolve = ON\n");
	if (c->flavor == FLAVOR_MYSQL)
		buf_adds(b, "secure_file_priv = NULL\nloose_mysqlx = OFF\n");
	if (c->run_as)
		buf_addf(b, "user = %s\n", c->run_as);
}

static void cnf_memory(const struct proof_cnf *c, struct buf *b)
{
	uint64_t pool = cnf_at_least(c->memory_bytes / 4, CNF_POOL_MIN), log = cnf_at_least(pool / 2, CNF_LOG_MIN);
	buf_addf(b, "innodb_buffer_pool_size = %" PRIu64 "\n", pool);
	if (c->flavor == FLAVOR_MYSQL && c->version >= 80030)
		buf_addf(b, "innodb_redo_log_capacity = %" PRIu64 "\n", log);
	else
		buf_addf(b, "innodb_log_file_size = %" PRIu64 "\n", log);
	buf_addf(b, "max_connections = %u\ntable_open_cache = 400\ntable_definition_cache = 400\nkey_buffer_size = 8M\n", 32 + 2 * c->threads);
}

/* An initialisation has to leave its pages behind, so it shuts down as ever. */
static void cnf_speed(const struct proof_cnf *c, struct buf *b)
{
	if (c->init_file)
		buf_adds(b, "loose_innodb_fast_shutdown = 2\n");
	buf_adds(b, "innodb_flush_log_at_trx_commit = 0\ninnodb_doublewrite = OFF\nsync_binlog = 0\n"
	            "loose_innodb_buffer_pool_dump_at_shutdown = OFF\nloose_innodb_buffer_pool_load_at_startup = OFF\n");
}

static void cnf_flavour(const struct proof_cnf *c, struct buf *b)
{
	if (c->flavor == FLAVOR_MARIADB) {
		buf_addf(b, "slave_parallel_threads = %u\nskip_slave_start = ON\n", c->threads);
		return;
	}
	buf_addf(b, "loose_skip_replica_start = ON\nloose_skip_slave_start = ON\nloose_replica_max_allowed_packet = 1G\n"
	            "loose_auto_generate_certs = OFF\nloose_sha256_password_auto_generate_rsa_keys = OFF\n"
	            "loose_caching_sha2_password_auto_generate_rsa_keys = OFF\n%s = %u\n",
	         c->version >= 80026 ? "replica_parallel_workers" : "slave_parallel_workers", c->threads);
	if (c->gtid_mode && *c->gtid_mode)
		buf_addf(b, "gtid_mode = %s\nenforce_gtid_consistency = %s\n", c->gtid_mode, strcmp(c->gtid_mode, "OFF") ? "ON" : "OFF");
}

/* Without a binary log (none is the default up to MySQL 5.7): nobody replicates from it, and a catch-up would write everything twice. */
static void cnf_replica(const struct proof_cnf *c, struct buf *b)
{
	if (c->flavor == FLAVOR_MARIADB || c->version >= 80000)
		buf_adds(b, "skip_log_bin\n");
	buf_adds(b, "relay_log = relay\nrelay_log_space_limit = 1G\nread_only = ON\nmax_allowed_packet = 1G\nloose_slave_max_allowed_packet = 1G\n");
	buf_addf(b, "server_id = %" PRIu32 "\nreport_host = slackwater-scratch\n", c->server_id);
	cnf_flavour(c, b);
	if (c->init_file)
		buf_addf(b, "init_file = %s\n", c->init_file);
}

static void cnf_list(const struct strlist *l, struct buf *b)
{
	for (size_t i = 0; l && i < l->n; i++)
		buf_addf(b, "%s\n", l->item[i]);
}

enum status proof_cnf_write(const struct proof_cnf *c, struct buf *ret, struct error *err)
{
	ret->secret = 1;
	buf_adds(ret, "# Made by slackwater for one scratch server, which goes with it.\n[mysqld]\n");
	cnf_place(c, ret);
	cnf_memory(c, ret);
	cnf_speed(c, ret);
	if (c->init_file)
		cnf_replica(c, ret);
	cnf_list(c->mirrored, ret);
	cnf_list(c->settings, ret);
	if (c->init_file)
		buf_addf(ret, "[client]\nsocket = %s/s\nuser = %s\npassword = %s\n", c->files, c->user, c->password);
	return buf_check(ret, "the scratch server's option file", err);
}
