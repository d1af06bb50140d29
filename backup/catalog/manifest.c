/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/seal.h"
#include "slackwater/jsonx.h"

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	free(m->instance);
	free(m->tool);
	free(m->engine);
	free(m->layout);
	free(m->server_version);
	free(m->server_flavor);
	free(m->server_identity);
	free(m->server_hostname);
	strlist_free(&m->partial_why);
	stream_objects_free(&m->objects);
	strlist_free(&m->encrypted_for);
	seal_free(m);
	strlist_free(&m->warnings);
	strlist_free(&m->notes);
	free(m);
}

/* Members that jansson refuses (out of memory, text that is no UTF-8) leave the document without them: `bad` keeps that. */
struct manifest_out {
	json_t *doc;
	bool bad;
};

static void out_member(struct manifest_out *o, const char *key, json_t *value)
{
	if (json_object_set_new(o->doc, key, value) != 0)
		o->bad = true;
}

static void out_text(struct manifest_out *o, const char *key, const char *text)
{
	out_member(o, key, jsonx_text(text ? text : ""));
}

static void out_number(struct manifest_out *o, const char *key, uint64_t n)
{
	out_member(o, key, n > INT64_MAX ? NULL : json_integer((json_int_t)n));
}

static void out_time(struct manifest_out *o, const char *key, const char *key_ms, int64_t ms)
{
	char text[32];
	run_format_time(ms, text);
	out_text(o, key, text);
	out_member(o, key_ms, json_integer(ms));
}

static json_t *manifest_objects(const struct stream_objects *l)
{
	struct manifest_out o = { json_array(), false };
	for (size_t i = 0; o.doc && i < l->n; i++) {
		const struct stream_object *ob = &l->item[i];
		struct manifest_out one = { json_object(), false };
		out_text(&one, "key", ob->key);
		out_number(&one, "size", ob->size);
		out_text(&one, "sha256", ob->sha256);
		if (ob->entries) {
			out_number(&one, "entries", ob->entries);
			out_number(&one, "raw_bytes", ob->raw_bytes);
			out_number(&one, "rows", ob->rows);
		}
		o.bad = json_array_append_new(o.doc, one.doc) != 0 || one.bad || o.bad;
	}
	if (o.bad) {
		json_decref(o.doc);
		return NULL;
	}
	return o.doc;
}

static json_t *manifest_server(const struct manifest *m)
{
	struct manifest_out o = { json_object(), false };
	out_text(&o, "flavor", m->server_flavor);
	out_text(&o, "version", m->server_version);
	out_text(&o, "identity", m->server_identity);
	out_text(&o, "hostname", m->server_hostname);
	out_number(&o, "port", m->server_port);
	out_number(&o, "server_id", m->server_id);
	if (o.bad) {
		json_decref(o.doc);
		return NULL;
	}
	return o.doc;
}

static void manifest_figures(const struct manifest *m, struct manifest_out *o)
{
	out_time(o, "started", "started_ms", m->started_ms);
	out_time(o, "taken", "taken_ms", m->taken_ms);
	out_time(o, "finished", "finished_ms", m->finished_ms);
	out_member(o, "pause_ms", json_integer(m->pause_ms));
	out_member(o, "wait_ms", json_integer(m->wait_ms));
	out_member(o, "in_flight_ms", json_integer(m->in_flight_ms));
	out_member(o, "ddl_wait_ms", json_integer(m->ddl_wait_ms));
	out_number(o, "rows", m->rows);
	out_number(o, "bytes", m->bytes);
	out_number(o, "bytes_stored", m->bytes_stored);
	out_number(o, "tables", m->tables);
	out_number(o, "largest_statement", m->largest_statement);
	out_number(o, "nontransactional_tables", m->nontransactional_tables);
	out_number(o, "history_max", m->history_max);
}

static json_t *manifest_document(const struct manifest *m)
{
	struct manifest_out o = { json_object(), false };
	out_number(&o, "format", m->format);
	out_text(&o, "id", m->id);
	out_text(&o, "instance", m->instance);
	out_text(&o, "tool", m->tool);
	out_text(&o, "engine", m->engine);
	out_text(&o, "layout", m->layout);
	out_member(&o, "server", manifest_server(m));
	manifest_figures(m, &o);
	out_member(&o, "partial", json_boolean(m->partial));
	out_member(&o, "partial_why", jsonx_from_strlist(&m->partial_why));
	out_member(&o, "users", json_boolean(m->users));
	out_member(&o, "objects", manifest_objects(&m->objects));
	if (manifest_encrypted(m))
		out_member(&o, "encryption", seal_describe(m));
	/* Either may name a table, or show a statement. */
	out_member(&o, "warnings", manifest_encrypted(m) ? json_array() : jsonx_from_strlist(&m->warnings));
	out_member(&o, "notes", manifest_encrypted(m) ? json_array() : jsonx_from_strlist(&m->notes));
	if (o.bad) {
		json_decref(o.doc);
		return NULL;
	}
	return o.doc;
}

static enum status manifest_members(const struct manifest *m, struct buf *out, struct error *err)
{
	json_t *doc = manifest_document(m);
	if (!doc)
		return error_oom(err);
	enum status st = jsonx_dump(doc, out, err);
	json_decref(doc);
	return st;
}

/*
 * The last member is the digest of every byte before its line, so that it can be checked with the tools at hand:
 * `head -n -2 ID.json | sha256sum`.
 */
enum status manifest_write(const struct manifest *m, struct buf *out, struct error *err)
{
	json_t *instance = jsonx_text(m->instance);
	if (!instance)
		return error_oom(err);
	bool exact = strcmp(json_string_value(instance), m->instance) == 0;
	json_decref(instance);
	if (!exact)
		return error_set(err, ST_FAILED, ERR_USAGE, "the instance's name is not UTF-8");
	size_t start = out->len;
	char sha256[DIGEST_HEX];
	enum status st = manifest_members(m, out, err);
	if (st)
		return st;
	out->len -= strlen("\n}\n");
	buf_adds(out, ",\n");
	st = buf_check(out, "the manifest", err);
	if (!st && manifest_encrypted(m))
		st = seal_write(m, start, out, err);
	if (!st)
		st = digest_of(out->data + start, out->len - start, sha256, err);
	if (st)
		return st;
	buf_addf(out, "  \"sha256\": \"%s\"\n}\n", sha256);
	return buf_check(out, "the manifest", err);
}
