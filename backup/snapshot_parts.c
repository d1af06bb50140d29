/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_parts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/anchor.h"
#include "catalog/seal.h"
#include "stream/names.h"
#include "stream/objects.h"

enum {
	SNAPSHOT_SHARDS_MAX = 4,
	SNAPSHOT_PREFIX_MAX = 1024,
	SNAPSHOT_JSON_MAX = 64 << 20 /* a checkpoint with very many worker rows or a set with very many intervals */
};
/* Unfinished files of a directory: those of a run that is still alive are locked. An object store has only their age to go by. */
static const int64_t snapshot_sweep_age_ms = 24 * 3600 * 1000;

void snapshot_begin(struct snapshot *s, struct run *run)
{
	event_recorder_init(&s->recorder, run->events);
	run->events = &s->recorder.base;
	s->started_ms = run_wall_ms(run);
	s->prefix = BUF_INIT(SNAPSHOT_PREFIX_MAX);
	s->window = s->o->window;
}

enum status snapshot_preflight(struct snapshot *s, struct run *run, struct error *err)
{
	enum status st = window_preflight(&s->o->server, &s->window, run, &s->preflight, err);
	if (!st)
		st = engine_logical_new(&s->o->server, &s->o->engine, &s->engine, err);
	if (!st)
		st = s->engine->ops->probe(s->engine, run, err);
	if (!st && (s->engine->ops->features & ENGINE_TRANSACTIONAL_VIEW))
		s->window.refuse_prepared = true;
	return st;
}

enum status snapshot_claim(struct snapshot *s, struct run *run, struct error *err)
{
	if (!s->window.state_dir)
		return ST_OK;
	struct claim_how how = { s->window.state_dir, s->o->wait_lock_ms, s->window.no_guard };
	return claim_take(&how, &s->o->server, &s->preflight->server, run, &s->claim, err);
}

/* The name by which people ask for it: the host as they typed it where that says anything, else the server's own. */
static enum status snapshot_instance(struct snapshot *s, char **ret, struct error *err)
{
	struct buf name = BUF_INIT(512);
	const struct server_info *server = &s->preflight->server;
	if (s->o->instance)
		buf_adds(&name, s->o->instance);
	else
		buf_addf(&name, "%s_%u", conn_options_local(&s->o->server) ? server->hostname : s->o->server.host, server->port);
	enum status st = buf_check(&name, "the instance name", err);
	if (!st && !(*ret = buf_take(&name)))
		st = error_oom(err);
	buf_free(&name);
	return st;
}

static unsigned snapshot_shards(const struct snapshot *s)
{
	if (s->sequential)
		return 1;
	if (s->o->shards)
		return s->o->shards;
	return s->o->engine.threads < SNAPSHOT_SHARDS_MAX ? s->o->engine.threads : SNAPSHOT_SHARDS_MAX;
}

/*
 * What dead runs have left of this instance. A host that may write but not remove is a good idea and takes backups all the same: whatever goes wrong
 * here is only told.
 */
static void snapshot_sweep(struct snapshot *s, struct run *run)
{
	struct buf below = BUF_INIT(SNAPSHOT_PREFIX_MAX);
	struct catalog_swept swept = { 0 };
	struct error err = ERROR_INIT;
	unsigned removed = 0;
	int64_t age_ms = s->store->ops->features & STORE_LOCAL ? snapshot_sweep_age_ms : catalog_sweep_age_ms;
	catalog_instance_key(s->manifest->instance, &below);
	buf_addc(&below, '/');
	enum status st = buf_check(&below, "the instance name", &err);
	if (!st)
		st = s->store->ops->sweep(s->store, below.data, age_ms, &removed, &err);
	if (!st)
		st = catalog_sweep(s->store, s->manifest->instance, catalog_sweep_age_ms, &swept, &err);
	if (removed || swept.removed)
		event_info(run->events, "store", "removed %u unfinished files and %u objects that dead runs had left", removed, swept.removed);
	if (st && !run_cancelled(run))
		event_warning(run->events, "store", "what dead runs have left is still there: %s", err.message);
	buf_free(&below);
}

/* A pipe is encrypted as a whole, its manifest too; in a store the manifest stays readable, and is sealed. */
static enum status snapshot_seal(struct snapshot *s, struct error *err)
{
	if (!s->o->recipients || s->sequential)
		return ST_OK;
	const struct strlist *names = age_recipients_names(s->o->recipients);
	enum status st = manifest_new_seal_key(s->manifest, err);
	return st ? st : strlist_add_all(&s->manifest->encrypted_for, names, err);
}

enum status snapshot_open(struct snapshot *s, struct run *run, struct error *err)
{
	s->manifest = calloc(1, sizeof *s->manifest);
	if (!s->manifest)
		return error_oom(err);
	enum status st = snapshot_instance(s, &s->manifest->instance, err);
	if (!st)
		st = catalog_new_id(s->started_ms, s->manifest->id, err);
	if (!st)
		st = run_child(&s->store_run, run, err);
	if (!st)
		st = anchor_open(s->o->window.state_dir, s->o->to, &s->o->store, &s->store_run, &s->store, err);
	if (st)
		return st;
	s->sequential = s->store->ops->features & STORE_SEQUENTIAL;
	s->shards = snapshot_shards(s);
	st = snapshot_seal(s, err);
	if (st)
		return st;
	catalog_prefix(s->manifest, &s->prefix);
	st = buf_check(&s->prefix, "the snapshot's prefix", err);
	if (!st && !s->sequential)
		snapshot_sweep(s, run);
	return st;
}

/* What the manifest of an encrypted snapshot cannot hold: the key of its seal, and warnings and notes, which may name tables. */
static bool snapshot_add_hidden(const struct snapshot *s, json_t *doc)
{
	json_t *warnings = json_object_get(doc, "warnings");
	bool done = json_object_set_new(doc, SEAL_KEY_MEMBER, jsonx_secret(s->manifest->seal_key)) == 0;
	for (size_t i = 0; done && i < s->recorder.warnings.n; i++)
		if (!strlist_has(&s->checkpoint->warnings, s->recorder.warnings.item[i]))
			done = json_array_append_new(warnings, jsonx_text(s->recorder.warnings.item[i])) == 0;
	return done && json_object_set_new(doc, "notes", jsonx_from_strlist(&s->recorder.notes)) == 0;
}

/* hidden: of the object that is encrypted, not of the entry, which is unpacked with the others. */
static enum status snapshot_checkpoint_text(const struct snapshot *s, bool hidden, struct buf *out, struct error *err)
{
	json_t *doc = checkpoint_to_json(s->checkpoint);
	if (!doc || (hidden && !snapshot_add_hidden(s, doc))) {
		json_decref(doc);
		return error_oom(err);
	}
	enum status st = jsonx_dump(doc, out, err);
	json_decref(doc);
	return st;
}

enum status snapshot_put_checkpoint(struct snapshot *s, struct error *err)
{
	struct buf json = BUF_INIT(SNAPSHOT_JSON_MAX);
	enum status st = snapshot_checkpoint_text(s, false, &json, err);
	if (!st)
		st = stream_writer_put_text(s->writer, 0, NAMES_CHECKPOINT_JSON, &json, err);
	buf_free(&json);
	return st;
}

void snapshot_drop_attempt(struct snapshot *s)
{
	if (s->sequential) /* whose reader may not take anything any more, and which cannot be started over */
		run_cancel(&s->store_run, SIGTERM);
	stream_writer_free(s->writer);
	s->writer = NULL;
	checkpoint_free(s->checkpoint);
	s->checkpoint = NULL;
	stream_objects_free(&s->manifest->objects);
}

static enum status snapshot_partial(struct snapshot *s, struct error *err)
{
	const struct engine_options *e = &s->o->engine;
	const struct { bool is; const char *why; } part[] = {
		{ e->include.n > 0, "--include" },
		{ e->exclude.n > 0, "--exclude" },
		{ e->tables.n > 0, "--tables-from-file" },
		{ !e->users, "--no-users" },
		{ e->nontransactional == NONTRANSACTIONAL_SKIP, "--nontransactional skip" },
	};
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < sizeof part / sizeof part[0]; i++)
		if (part[i].is)
			st = strlist_add(&s->manifest->partial_why, part[i].why, err);
	s->manifest->partial = s->manifest->partial_why.n > 0;
	return st;
}

/* The text is replaced by what it is encrypted. */
static enum status snapshot_seal_text(const struct snapshot *s, struct buf *text, struct error *err)
{
	struct buf sealed = BUF_INIT(2 * SNAPSHOT_JSON_MAX);
	enum status st = age_seal(s->o->recipients, text->data, text->len, &sealed, err);
	buf_free(text);
	if (st)
		buf_free(&sealed);
	else
		*text = sealed;
	return st;
}

/* The manifest names checkpoint.json with its digest, so that it can be neither lost nor swapped; a pipe has it as an entry only. */
static enum status snapshot_add_checkpoint_object(struct snapshot *s, struct error *err)
{
	struct stream_object o = { .key = NAMES_CHECKPOINT_JSON };
	struct buf json = BUF_INIT(SNAPSHOT_JSON_MAX), key = BUF_INIT(SNAPSHOT_PREFIX_MAX);
	const char *seal_key = s->manifest->seal_key;
	json.secret = seal_key != NULL;
	enum status st = snapshot_checkpoint_text(s, seal_key != NULL, &json, err);
	if (!st && seal_key) {
		names_seal(o.key);
		st = snapshot_seal_text(s, &json, err);
	}
	o.size = json.len;
	if (!st)
		st = digest_of(json.data, json.len, o.sha256, err);
	buf_addf(&key, "%s%s", buf_str(&s->prefix), o.key);
	if (!st)
		st = buf_check(&key, "the checkpoint's key", err);
	if (!st)
		st = objects_add(&s->manifest->objects, &o, err);
	if (!st && !s->sequential)
		st = s->store->ops->put(s->store, key.data, json.data, json.len, false, err);
	buf_free(&json);
	buf_free(&key);
	return st;
}

static enum status snapshot_describe_server(struct manifest *m, const struct server_info *server, struct error *err)
{
	m->server_version = strdup(server->version_text);
	m->server_flavor = strdup(server->flavor == FLAVOR_MARIADB ? "mariadb" : "mysql");
	m->server_identity = strdup(server->identity);
	m->server_hostname = strdup(server->hostname);
	m->server_port = server->port;
	m->server_id = server->server_id;
	return m->server_version && m->server_flavor && m->server_identity && m->server_hostname ? ST_OK : error_oom(err);
}

enum status snapshot_describe(struct snapshot *s, struct run *run, struct error *err)
{
	struct manifest *m = s->manifest;
	const struct checkpoint *cp = s->checkpoint;
	struct engine_report r = { 0 };
	s->engine->ops->report(s->engine, &r);

	m->format = 1;
	m->tool = strdup("slackwater " SLACKWATER_VERSION);
	m->engine = strdup(s->engine->ops->name);
	m->layout = strdup(s->sequential ? "pipe" : "store");
	if (!m->tool || !m->engine || !m->layout)
		return error_oom(err);
	m->started_ms = s->started_ms;
	m->taken_ms = cp->taken_ms;
	m->pause_ms = cp->pause_ms;
	m->wait_ms = cp->wait_ms;
	m->in_flight_ms = cp->in_flight_ms;
	m->ddl_wait_ms = r.ddl_wait_ms;
	m->rows = r.rows;
	m->bytes = r.bytes;
	m->bytes_stored = stream_writer_stored(s->writer);
	m->tables = r.tables;
	m->largest_statement = r.largest_statement;
	m->nontransactional_tables = r.nontransactional_tables;
	m->history_max = r.history_max;
	m->users = s->o->engine.users;

	enum status st = snapshot_describe_server(m, &cp->server, err);
	if (!st)
		st = snapshot_partial(s, err);
	if (!st)
		st = snapshot_add_checkpoint_object(s, err);
	if (!st)
		st = strlist_add_all(&m->warnings, &s->recorder.warnings, err);
	if (!st)
		st = strlist_add_all(&m->notes, &s->recorder.notes, err);
	m->finished_ms = run_wall_ms(run);
	return st;
}

enum status snapshot_publish(struct snapshot *s, struct error *err)
{
	enum status st = ST_OK;
	if (!s->sequential) {
		st = catalog_publish(s->store, s->manifest, &s->keep, err);
		if (!st)
			anchor_set(s->o->window.state_dir, s->o->to, s->store);
		return st;
	}
	struct buf json = BUF_INIT(SNAPSHOT_JSON_MAX);
	st = manifest_write(s->manifest, &json, err);
	if (!st)
		st = stream_writer_last(s->writer, "manifest.json", &json, err);
	buf_free(&json);
	return st;
}

/* What stream_writer_free does not know of. A failure here leaves an orphan without a manifest, which is not a snapshot. */
static void snapshot_remove_unpublished(struct snapshot *s)
{
	struct buf key = BUF_INIT(SNAPSHOT_PREFIX_MAX);
	struct error ignored;
	for (size_t i = 0; i < s->manifest->objects.n; i++) {
		buf_clear(&key);
		buf_addf(&key, "%s%s", buf_str(&s->prefix), s->manifest->objects.item[i].key);
		(void)s->store->ops->remove(s->store, buf_str(&key), &ignored);
	}
	buf_free(&key);
}

void snapshot_end(struct snapshot *s, struct run *run)
{
	/* Published: the manifest was handed out. */
	if (s->manifest && s->store && !s->sequential && !s->keep)
		snapshot_remove_unpublished(s);
	stream_writer_free(s->writer);
	engine_free(s->engine);
	store_free(s->store);
	run_destroy(&s->store_run);
	manifest_free(s->manifest);
	checkpoint_free(s->checkpoint);
	preflight_free(s->preflight);
	claim_free(s->claim);
	buf_free(&s->prefix);
	run->events = s->recorder.next;
	event_recorder_free(&s->recorder);
}
