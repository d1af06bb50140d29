/* SPDX-License-Identifier: Apache-2.0 */
#include "output_json.h"

#include "exitcode.h"

enum { OUTPUT_JSON_MAX = 64 << 20 };

enum status output_json_set(json_t **doc, const char *member, json_t *value, struct error *err)
{
	if (!*doc)
		*doc = json_object();
	/* json_object_set_new drops the value when it fails, and fails on NULL */
	return json_object_set_new(*doc, member, value) ? error_oom(err) : ST_OK;
}

static enum status set_all(json_t **doc, const struct jsonx_member *member, size_t n, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; i < n; i++)
		if (st)
			json_decref(member[i].value);
		else
			st = output_json_set(doc, member[i].name, member[i].value, err);
	return st;
}

#define SET_ALL(doc, members, err) set_all(doc, members, sizeof(members) / sizeof((members)[0]), err)

json_t *output_json_time(int64_t wall_ms)
{
	char text[32];
	run_format_time(wall_ms, text);
	return json_string(text);
}

json_t *output_json_time_or_null(int64_t wall_ms)
{
	return wall_ms > 0 ? output_json_time(wall_ms) : json_null();
}

enum status output_json_checkpoint(json_t **doc, const struct checkpoint *cp, struct error *err)
{
	return output_json_set(doc, "checkpoint", checkpoint_to_json(cp), err);
}

enum status output_json_backup(json_t **doc, const struct manifest *m, const struct checkpoint *cp, const char *to,
                               int64_t elapsed_ms, struct error *err)
{
	const struct jsonx_member member[] = {
		{ "id", json_string(m->id) },
		{ "instance", jsonx_text(m->instance) },
		{ "to", jsonx_text(to) },
		{ "taken", output_json_time(m->taken_ms) },
		{ "pause_ms", json_integer(m->pause_ms) },
		{ "wait_ms", json_integer(m->wait_ms) },
		{ "in_flight_ms", json_integer(m->in_flight_ms) },
		{ "ddl_wait_ms", json_integer(m->ddl_wait_ms) },
		{ "tables", jsonx_count(m->tables) },
		{ "nontransactional_tables", jsonx_count(m->nontransactional_tables) },
		{ "history_max", jsonx_count(m->history_max) },
		{ "rows", jsonx_count(m->rows) },
		{ "bytes", jsonx_count(m->bytes) },
		{ "bytes_stored", jsonx_count(m->bytes_stored) },
		{ "elapsed_ms", json_integer(elapsed_ms) },
		{ "partial", json_boolean(m->partial) },
		{ "encrypted_for", jsonx_from_strlist(&m->encrypted_for) },
		{ "warnings", jsonx_from_strlist(&m->warnings) },
		{ "notes", jsonx_from_strlist(&m->notes) },
		{ "checkpoint", checkpoint_to_json(cp) },
	};
	return SET_ALL(doc, member, err);
}

json_t *output_json_server(const struct server_info *s)
{
	const struct jsonx_member member[] = {
		{ "flavor", json_string(s->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql") },
		{ "version", jsonx_text(s->version_text) },
		{ "comment", jsonx_text(s->comment) },
		{ "hostname", jsonx_text(s->hostname) },
		{ "port", json_integer(s->port) },
		{ "server_id", jsonx_count(s->server_id) },
		{ "identity", jsonx_text(s->identity) },
	};
	return JSONX_MAKE(member);
}

enum status output_json_check(json_t **doc, const struct preflight *p, const struct error *verdict, struct error *err)
{
	const struct jsonx_member member[] = {
		{ "ready", json_boolean(verdict->kind == ERR_NONE) },
		{ "server", output_json_server(&p->server) },
		{ "gap_transactions", jsonx_count(p->gap_transactions) },
		{ "gap_unknown", json_boolean(p->gap_unknown) },
		{ "gaps", jsonx_from_strlist(&p->gaps) },
		{ "notes", jsonx_from_strlist(&p->notes) },
		{ "warnings", jsonx_from_strlist(&p->warnings) },
		{ "state", p->state ? checkpoint_to_json(p->state) : json_null() },
	};
	return SET_ALL(doc, member, err);
}

enum status output_json_manifest(json_t **doc, const char *name, const struct manifest *m, struct error *err)
{
	struct buf text = BUF_INIT(OUTPUT_JSON_MAX);
	json_t *manifest = NULL;
	enum status st = manifest_write(m, &text, err);
	if (!st)
		st = jsonx_parse(buf_str(&text), text.len, "the manifest", &manifest, err);
	if (!st)
		st = output_json_set(doc, name, manifest, err);
	buf_free(&text);
	return st;
}

enum status output_json_brief(json_t **doc, const char *name, const struct manifest *m, struct error *err)
{
	const struct jsonx_member member[] = {
		{ "engine", jsonx_text(m->engine) },
		{ "server_version", jsonx_text(m->server_version) },
		{ "started", output_json_time(m->started_ms) },
		{ "started_ms", json_integer(m->started_ms) },
		{ "taken", output_json_time(m->taken_ms) },
		{ "taken_ms", json_integer(m->taken_ms) },
		{ "finished", output_json_time(m->finished_ms) },
		{ "finished_ms", json_integer(m->finished_ms) },
		{ "pause_ms", json_integer(m->pause_ms) },
		{ "wait_ms", json_integer(m->wait_ms) },
		{ "in_flight_ms", json_integer(m->in_flight_ms) },
		{ "rows", jsonx_count(m->rows) },
		{ "bytes", jsonx_count(m->bytes) },
		{ "bytes_stored", jsonx_count(m->bytes_stored) },
		{ "partial", json_boolean(m->partial) },
		{ "encrypted_for", jsonx_from_strlist(&m->encrypted_for) },
	};
	return output_json_set(doc, name, JSONX_MAKE(member), err);
}

enum status output_json_pin(json_t **doc, const struct pin *p, struct error *err)
{
	if (!p->reason)
		return output_json_set(doc, "pin", json_null(), err);
	const struct jsonx_member member[] = {
		{ "reason", jsonx_text(p->reason) },
		{ "pinned", output_json_time_or_null(p->pinned_ms) },
	};
	return output_json_set(doc, "pin", JSONX_MAKE(member), err);
}

enum status output_json_verify(json_t **doc, const struct manifest *m, const struct verify_report *r, int64_t elapsed_ms,
                               struct error *err)
{
	const struct jsonx_member member[] = {
		{ "id", json_string(m->id) },
		{ "instance", jsonx_text(m->instance) },
		{ "verified", json_true() },
		{ "objects", jsonx_count(r->objects) },
		{ "entries", jsonx_count(r->entries) },
		{ "bytes", jsonx_count(r->bytes) },
		{ "digests_only", json_boolean(r->digests_only) },
		{ "elapsed_ms", json_integer(elapsed_ms) },
	};
	return SET_ALL(doc, member, err);
}

enum status output_json_restore(json_t **doc, const struct manifest *m, const char *dir, uint64_t left_out, int64_t elapsed_ms,
                                struct error *err)
{
	const struct jsonx_member member[] = {
		{ "id", json_string(m->id) },
		{ "instance", jsonx_text(m->instance) },
		{ "to_dir", jsonx_text(dir) },
		{ "left_out", jsonx_count(left_out) },
		{ "tables", jsonx_count(m->tables) },
		{ "rows", jsonx_count(m->rows) },
		{ "elapsed_ms", json_integer(elapsed_ms) },
	};
	return SET_ALL(doc, member, err);
}

enum status output_json_seed(json_t **doc, const struct seed_report *r, int64_t elapsed_ms, struct error *err)
{
	const struct jsonx_member member[] = {
		{ "id", json_string(r->id) },
		{ "tables", jsonx_count(r->load.tables) },
		{ "rows", jsonx_count(r->load.rows) },
		{ "bytes", jsonx_count(r->load.bytes) },
		{ "load_ms", json_integer(r->load.elapsed_ms) },
		{ "catch_up_ms", json_integer(r->catch_up_ms) },
		{ "backlog", jsonx_count(r->backlog) },
		{ "checksum_tables", jsonx_count(r->checksum_tables) },
		{ "statements", jsonx_from_strlist(&r->statements) },
		{ "held", jsonx_from_strlist(&r->held) },
		{ "not_carried", jsonx_from_strlist(&r->not_carried) },
		{ "warnings", jsonx_from_strlist(&r->warnings) },
		{ "elapsed_ms", json_integer(elapsed_ms) },
	};
	return SET_ALL(doc, member, err);
}

enum status output_json_error(json_t **doc, const struct error *failure, int code, struct error *err)
{
	if (failure->kind == ERR_NONE)
		return ST_OK;
	const struct jsonx_member member[] = {
		{ "kind", json_string(exitcode_find(failure->kind)->name) },
		{ "code", json_integer(code) },
		{ "mysql_errno", json_integer((json_int_t)failure->my_errno) },
		{ "message", jsonx_text(failure->message) },
		{ "hint", jsonx_text(failure->hint) },
	};
	return output_json_set(doc, "error", JSONX_MAKE(member), err);
}
