/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>
#include <string.h>

#include "catalog/id.h"
#include "slackwater/jsonx.h"

enum { RECORD_KEY_MAX = 1024, RECORD_MAX = 1 << 20, RECORD_FORMAT = 1 };

static const char proven_tail[] = ".proof.json", tried_tail[] = ".trial.json";
static const char *const result_names[] = { "failed", "restored", "proven" };

const char *proof_result_name(enum proof_result r)
{
	return result_names[r];
}

/* ---- JSON ---- */

static json_t *record_text(const char *s)
{
	return jsonx_text_or_null(*s ? s : NULL);
}

json_t *proof_record_to_json(const struct proof_record *r)
{
	char at[32];
	run_format_time(r->at_ms, at);
	const struct jsonx_member member[] = {
		{ "format", json_integer(RECORD_FORMAT) },
		{ "result", json_string(proof_result_name(r->result)) },
		{ "at", r->at_ms ? json_string(at) : json_null() },
		{ "at_ms", json_integer(r->at_ms) },
		{ "elapsed_ms", json_integer(r->elapsed_ms) },
		{ "server_version", record_text(r->server) },
		{ "source", record_text(r->source) },
		{ "tables", jsonx_count(r->tables) },
		{ "rows", jsonx_count(r->rows) },
		{ "bytes", jsonx_count(r->bytes) },
		{ "load_ms", json_integer(r->load_ms) },
		{ "catch_up_ms", json_integer(r->catch_up_ms) },
		{ "transactions", jsonx_count(r->transactions) },
		{ "compared_with", record_text(r->compared_with) },
		{ "compared_tables", jsonx_count(r->compared) },
		{ "reason", record_text(r->reason) },
	};
	return JSONX_MAKE(member);
}

static void record_get(const json_t *doc, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%s", jsonx_str_or(doc, name, ""));
}

enum status proof_record_read(const char *text, size_t len, struct proof_record *ret, struct error *err)
{
	json_t *doc = NULL;
	enum status st = jsonx_parse(text, len, "the record of a proof", &doc, err);
	if (st)
		return st;
	const char *result = jsonx_str_or(doc, "result", "");
	*ret = (struct proof_record){
		.result = !strcmp(result, "proven") ? PROOF_PROVEN : !strcmp(result, "restored") ? PROOF_RESTORED : PROOF_FAILED,
		.at_ms = (int64_t)jsonx_u64_or(doc, "at_ms", 0),
		.elapsed_ms = (int64_t)jsonx_u64_or(doc, "elapsed_ms", 0),
		.tables = jsonx_u64_or(doc, "tables", 0),
		.rows = jsonx_u64_or(doc, "rows", 0),
		.bytes = jsonx_u64_or(doc, "bytes", 0),
		.load_ms = (int64_t)jsonx_u64_or(doc, "load_ms", 0),
		.catch_up_ms = (int64_t)jsonx_u64_or(doc, "catch_up_ms", 0),
		.transactions = jsonx_u64_or(doc, "transactions", 0),
		.compared = jsonx_u64_or(doc, "compared_tables", 0),
	};
	record_get(doc, "server_version", ret->server, sizeof ret->server);
	record_get(doc, "source", ret->source, sizeof ret->source);
	record_get(doc, "compared_with", ret->compared_with, sizeof ret->compared_with);
	record_get(doc, "reason", ret->reason, sizeof ret->reason);
	json_decref(doc);
	return ST_OK;
}

/* ---- beside the manifest ---- */

/* *ret_there false: there is none. One that cannot be read is one all the same. */
static enum status record_fetch(struct store *s, const char *instance, const char *id, const char *tail, bool *ret_there,
                                struct proof_record *ret, struct error *err)
{
	struct buf key = BUF_INIT(RECORD_KEY_MAX), text = BUF_INIT(RECORD_MAX);
	struct error mine = ERROR_INIT;
	*ret = (struct proof_record){ .at_ms = 0 };
	enum status st = id_key(instance, id, tail, &key, &mine);
	if (!st)
		st = store_get(s, key.data, &text, &mine);
	bool none = st && store_missing(&mine);
	if (!st)
		st = proof_record_read(buf_str(&text), text.len, ret, &mine);
	if (st && mine.kind == ERR_SNAPSHOT)
		st = ST_OK;
	if (st && err)
		*err = mine;
	*ret_there = !none;
	buf_free(&key);
	buf_free(&text);
	return st;
}

enum status proof_get(struct store *s, const char *instance, const char *id, struct proof_standing *ret, struct error *err)
{
	struct proof_standing p = { .proven = false };
	enum status st = record_fetch(s, instance, id, proven_tail, &p.proven, &p.proof, err);
	p.proof.result = PROOF_PROVEN; /* that is what the name says */
	if (!st)
		st = record_fetch(s, instance, id, tried_tail, &p.tried, &p.trial, err);
	if (!st)
		*ret = p;
	return st;
}

static enum status record_drop(struct store *s, const char *instance, const char *id, const char *tail, struct error *err)
{
	struct buf key = BUF_INIT(RECORD_KEY_MAX);
	enum status st = id_key(instance, id, tail, &key, err);
	if (!st)
		st = s->ops->remove(s, key.data, err);
	buf_free(&key);
	return st;
}

enum status proof_record_put(struct store *s, const char *instance, const char *id, const struct proof_record *r, bool damaged, struct error *err)
{
	struct buf key = BUF_INIT(RECORD_KEY_MAX), text = BUF_INIT(RECORD_MAX);
	bool proven = r->result == PROOF_PROVEN;
	json_t *doc = proof_record_to_json(r);
	enum status st = doc ? jsonx_dump(doc, &text, err) : error_oom(err);
	if (!st)
		st = id_key(instance, id, proven ? proven_tail : tried_tail, &key, err);
	if (!st)
		st = s->ops->put(s, key.data, text.data, text.len, false, err);
	if (!st)
		st = id_check_beside(s, instance, id, key.data, err);
	if (!st && (proven || damaged))
		st = record_drop(s, instance, id, proven ? tried_tail : proven_tail, err);
	json_decref(doc);
	buf_free(&key);
	buf_free(&text);
	return st;
}
