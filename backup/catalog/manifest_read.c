/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "catalog/seal.h"
#include "slackwater/jsonx.h"
#include "stream/names.h"
#include "stream/objects.h"

/* What follows the bytes that were summed up: two blanks, "sha256": "<64 digits>", newline, brace, newline. */
static const char manifest_head[] = "  \"sha256\": \"";
static const char manifest_tail[] = "\"\n}\n";

static enum status manifest_damaged(const char *why, struct error *err)
{
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "damaged manifest: %s", why);
	error_hint(err, "use another snapshot; `slackwater list` shows them");
	return ST_FAILED;
}

static enum status manifest_check_digest(const char *text, size_t len, struct error *err)
{
	size_t head = strlen(manifest_head), tail = strlen(manifest_tail), line = head + 64 + tail;
	char sha256[DIGEST_HEX];
	if (len <= line || text[len - line - 1] != '\n' || memcmp(text + len - line, manifest_head, head) != 0 ||
	    memcmp(text + len - tail, manifest_tail, tail) != 0)
		return manifest_damaged("it does not end in its digest", err);
	enum status st = digest_of(text, len - line, sha256, err);
	if (!st && memcmp(text + len - tail - 64, sha256, 64) != 0)
		st = manifest_damaged("its digest is wrong", err);
	return st;
}

static enum status manifest_text(const json_t *doc, const char *key, char **ret, struct error *err)
{
	const char *text = NULL;
	enum status st = jsonx_str(doc, key, &text, err);
	if (!st && !(*ret = strdup(text)))
		st = error_oom(err);
	return st;
}

/*
 * What a reader decides by is mandatory. What only informs is not: a version may leave it out, or not have known it yet, and then it is "" or
 * 0 or empty, which stands for "not known". One that is there has to be what it should be.
 */
static enum status manifest_text_or(const json_t *doc, const char *key, char **ret, struct error *err)
{
	if (json_object_get(doc, key))
		return manifest_text(doc, key, ret, err);
	return (*ret = strdup("")) ? ST_OK : error_oom(err);
}

static enum status manifest_u64_or(const json_t *doc, const char *key, uint64_t *ret, struct error *err)
{
	return json_object_get(doc, key) ? jsonx_u64(doc, key, ret, err) : ST_OK;
}

static enum status manifest_list_or(const json_t *doc, const char *key, struct strlist *ret, struct error *err)
{
	return json_object_get(doc, key) ? jsonx_strlist(doc, key, ret, err) : ST_OK;
}

static enum status manifest_ms(const json_t *doc, const char *key, bool optional, int64_t *ret, struct error *err)
{
	const json_t *v = json_object_get(doc, key);
	if (!v && optional)
		return ST_OK;
	if (!json_is_integer(v))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "member \"%s\" is missing or not a whole number", key);
	*ret = json_integer_value(v);
	return ST_OK;
}

static enum status manifest_object(const json_t *doc, struct stream_objects *ret, struct error *err)
{
	struct stream_object o = { 0 };
	const char *key = NULL, *sha256 = NULL;
	enum status st = jsonx_str(doc, "key", &key, err);
	if (!st)
		st = jsonx_u64(doc, "size", &o.size, err);
	if (!st)
		st = jsonx_str(doc, "sha256", &sha256, err);
	if (st)
		return st;
	if (!names_entry_valid(key) || strlen(key) >= sizeof o.key || objects_find(ret, key))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "\"%.60s\" is no object's name, or there twice", key);
	if (!names_sha256_valid(sha256))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the digest of %s is not one", key);
	memcpy(o.key, key, strlen(key) + 1);
	memcpy(o.sha256, sha256, sizeof o.sha256);
	o.entries = jsonx_u64_or(doc, "entries", 0);
	o.raw_bytes = jsonx_u64_or(doc, "raw_bytes", 0);
	o.rows = jsonx_u64_or(doc, "rows", 0);
	return objects_add(ret, &o, err);
}

static enum status manifest_objects(const json_t *doc, struct stream_objects *ret, struct error *err)
{
	json_t *list = NULL;
	enum status st = jsonx_array(doc, "objects", &list, err);
	for (size_t i = 0; !st && i < json_array_size(list); i++)
		st = manifest_object(json_array_get(list, i), ret, err);
	return st;
}

static enum status manifest_identity(const json_t *doc, struct manifest *m, struct error *err)
{
	const char *id = NULL;
	enum status st = jsonx_str(doc, "id", &id, err);
	if (!st && !id_valid(id, strlen(id)))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "\"%.40s\" is no id", id);
	if (!st)
		memcpy(m->id, id, strlen(id) + 1);
	if (!st)
		st = manifest_text(doc, "instance", &m->instance, err);
	if (!st)
		st = manifest_text_or(doc, "tool", &m->tool, err);
	if (!st)
		st = manifest_text(doc, "engine", &m->engine, err);
	if (!st)
		st = manifest_text(doc, "layout", &m->layout, err);
	if (!st && strcmp(m->layout, "store") != 0 && strcmp(m->layout, "pipe") != 0)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "layout \"%.40s\" is not known to this version", m->layout);
	return st;
}

static enum status manifest_server(const json_t *doc, struct manifest *m, struct error *err)
{
	json_t *server = NULL;
	uint64_t port = 0;
	enum status st = jsonx_object(doc, "server", &server, err);
	if (!st)
		st = manifest_text(server, "flavor", &m->server_flavor, err);
	if (!st)
		st = manifest_text(server, "version", &m->server_version, err);
	if (!st)
		st = manifest_text(server, "identity", &m->server_identity, err);
	if (!st)
		st = manifest_text_or(server, "hostname", &m->server_hostname, err);
	if (!st)
		st = manifest_u64_or(server, "port", &port, err);
	if (!st)
		st = manifest_u64_or(server, "server_id", &m->server_id, err);
	m->server_port = port <= 65535 ? (unsigned)port : 0;
	return st;
}

static enum status manifest_figures(const json_t *doc, struct manifest *m, struct error *err)
{
	const struct { const char *key; int64_t *to; bool optional; } ms[] = {
		{ "started_ms", &m->started_ms, false }, { "taken_ms", &m->taken_ms, false }, { "finished_ms", &m->finished_ms, false },
		{ "pause_ms", &m->pause_ms, true }, { "wait_ms", &m->wait_ms, true }, { "in_flight_ms", &m->in_flight_ms, true },
		{ "ddl_wait_ms", &m->ddl_wait_ms, true },
	};
	const struct { const char *key; uint64_t *to; } figure[] = {
		{ "rows", &m->rows }, { "bytes", &m->bytes }, { "bytes_stored", &m->bytes_stored }, { "tables", &m->tables },
		{ "largest_statement", &m->largest_statement }, { "nontransactional_tables", &m->nontransactional_tables },
		{ "history_max", &m->history_max },
	};
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < sizeof ms / sizeof ms[0]; i++)
		st = manifest_ms(doc, ms[i].key, ms[i].optional, ms[i].to, err);
	for (size_t i = 0; !st && i < sizeof figure / sizeof figure[0]; i++)
		st = manifest_u64_or(doc, figure[i].key, figure[i].to, err);
	if (!st)
		st = jsonx_bool(doc, "partial", &m->partial, err);
	if (!st)
		st = manifest_list_or(doc, "partial_why", &m->partial_why, err);
	if (!st)
		st = jsonx_bool(doc, "users", &m->users, err);
	if (!st)
		st = manifest_list_or(doc, "warnings", &m->warnings, err);
	if (!st)
		st = manifest_list_or(doc, "notes", &m->notes, err);
	return st;
}

static enum status manifest_format(const json_t *doc, struct manifest *m, struct error *err)
{
	uint64_t format = 0;
	enum status st = jsonx_u64(doc, "format", &format, err);
	if (st || format == 1) {
		m->format = 1;
		return st;
	}
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "the snapshot has format %llu, this version knows format 1", (unsigned long long)format);
	error_hint(err, "read it with the version that wrote it, or a newer one");
	return ST_FAILED;
}

enum status manifest_read(const char *text, size_t len, struct manifest **ret, struct error *err)
{
	json_t *doc = NULL;
	enum status st = manifest_check_digest(text, len, err);
	if (!st)
		st = jsonx_parse(text, len, "the manifest", &doc, err);
	if (st)
		return st;
	struct manifest *m = calloc(1, sizeof *m);
	if (!m)
		st = error_oom(err);
	if (!st)
		st = manifest_format(doc, m, err);
	if (!st)
		st = manifest_identity(doc, m, err);
	if (!st)
		st = manifest_server(doc, m, err);
	if (!st)
		st = manifest_figures(doc, m, err);
	if (!st)
		st = manifest_objects(doc, &m->objects, err);
	if (!st)
		st = seal_read(doc, text, len, m, err);
	json_decref(doc);
	if (st)
		manifest_free(m);
	else
		*ret = m;
	return st;
}
