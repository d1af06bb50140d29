/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/fs.h"

enum { WORK_TABLES_MAX = 64 << 20 };

struct window_options work_window_options(const struct config *c)
{
	return (struct window_options){
		.pause_budget_ms = c->pause_budget_ms,
		.deadline_ms = c->deadline_ms,
		.max_pause_ms = c->max_pause_ms,
		.on_deadline = (enum on_deadline)c->on_deadline,
		.no_guard = c->no_guard,
		.group_member = c->group_member,
	};
}

struct store_options work_store_options(const struct config *c)
{
	return (struct store_options){
		.s3 = {
			.endpoint = c->s3_endpoint,
			.region = c->s3_region,
			.style = c->s3_path_style ? S3_STYLE_PATH : c->s3_virtual_host ? S3_STYLE_VIRTUAL_HOST : S3_STYLE_AUTO,
			.ca = c->s3_ca,
			.storage_class = c->s3_storage_class,
			.sse = c->s3_sse,
			.sse_key = c->s3_sse_kms_key,
			.object_lock = c->s3_object_lock,
			.tags = c->s3_tags,
			.parallel = c->s3_parallel,
			.part_bytes = c->s3_part_bytes,
			.content_md5 = c->s3_content_md5,
			.unsigned_payload = c->s3_unsigned_payload,
			.stall_ms = c->s3_timeout_ms,
			.retry_ms = c->s3_retry_ms,
		},
		.upload_limit = c->upload_limit,
	};
}

static enum status add_table(const char *line, size_t len, const char *name, size_t number, struct strlist *ret,
                             struct error *err)
{
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (!len || *line == '#')
		return ST_OK;
	const char *dot = memchr(line, '.', len);
	if (!dot || dot == line || dot == line + len - 1) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s, line %zu: not a schema.table", name, number);
		return error_hint(err, "one schema.table a line, without quotes; lines that start with # are comments");
	}
	return strlist_addf(ret, err, "%.*s", (int)len, line);
}

enum status work_parse_tables(const char *text, const char *name, struct strlist *ret, struct error *err)
{
	enum status st = ST_OK;
	for (size_t number = 1; !st && *text; number++) {
		size_t len = strcspn(text, "\n");
		st = add_table(text, len, name, number, ret, err);
		text += len + (text[len] == '\n');
	}
	return st;
}

static enum status read_tables(const char *path, struct strlist *ret, struct error *err)
{
	struct buf text = BUF_INIT(WORK_TABLES_MAX);
	enum status st = fs_read_file(path, &text, err);
	if (st)
		err->kind = ERR_USAGE; /* a wrong name on the command line, not a failing disk */
	else
		st = work_parse_tables(buf_str(&text), path, ret, err);
	buf_free(&text);
	if (!st && !ret->n)
		st = error_set(err, ST_FAILED, ERR_USAGE, "%s names no table", path);
	strlist_sort(ret);
	return st;
}

enum status work_engine_options(const struct config *c, struct engine_options *ret, struct error *err)
{
	*ret = (struct engine_options){
		.threads = config_threads(c),
		.chunk_bytes = c->chunk_bytes,
		.zstd_level = (int)c->zstd_level,
		.ddl = (enum ddl_mode)c->ddl,
		.ddl_max_wait_ms = c->ddl_max_wait_ms,
		.nontransactional = (enum nontransactional)c->nontransactional,
		.json_types = (enum json_types)c->json_types,
		.users = c->users,
		.max_history = c->max_history,
	};
	enum status st = strlist_add_all(&ret->include, &c->include, err);
	if (!st)
		st = strlist_add_all(&ret->exclude, &c->exclude, err);
	if (!st && c->tables_from_file)
		st = read_tables(c->tables_from_file, &ret->tables, err);
	return st;
}

void work_engine_options_free(struct engine_options *o)
{
	strlist_free(&o->include);
	strlist_free(&o->exclude);
	strlist_free(&o->tables);
}
