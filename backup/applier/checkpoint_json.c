/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint.json, both ways, from one table of members per object: what is written is what is read.
 */
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "slackwater/jsonx.h"
#include "slackwater/slot.h"

enum { CHECKPOINT_FORMAT = 1 };

enum kind { K_TEXT, K_CHARS, K_U64, K_I64, K_UINT, K_BOOL, K_DOUBLE, K_JSON, K_LIST, K_MODE, K_COORDINATES, K_FLAVOR };

struct member {
	const char *key;
	enum kind kind;
	size_t offset;
	size_t size; /* of the member; what K_CHARS may hold */
};

#define MEMBER(type, key, kind, name) { key, kind, offsetof(struct type, name), sizeof(((struct type *)0)->name) }
#define END { NULL, K_TEXT, 0, 0 }

static const struct member server_members[] = {
	MEMBER(server_info, "flavor", K_FLAVOR, flavor),
	MEMBER(server_info, "version", K_UINT, version),
	MEMBER(server_info, "version_text", K_CHARS, version_text),
	MEMBER(server_info, "comment", K_CHARS, comment),
	MEMBER(server_info, "hostname", K_CHARS, hostname),
	MEMBER(server_info, "port", K_UINT, port),
	MEMBER(server_info, "server_id", K_U64, server_id),
	MEMBER(server_info, "uuid", K_CHARS, uuid),
	MEMBER(server_info, "identity", K_CHARS, identity),
	END
};

static const struct member checkpoint_members[] = {
	MEMBER(checkpoint, "taken_ms", K_I64, taken_ms),
	MEMBER(checkpoint, "gtid_mode", K_TEXT, gtid_mode),
	MEMBER(checkpoint, "gtid_executed", K_TEXT, gtid_executed),
	MEMBER(checkpoint, "gtid_purged", K_TEXT, gtid_purged),
	MEMBER(checkpoint, "gtid_slave_pos", K_TEXT, gtid_slave_pos),
	MEMBER(checkpoint, "gtid_binlog_pos", K_TEXT, gtid_binlog_pos),
	MEMBER(checkpoint, "gtid_current_pos", K_TEXT, gtid_current_pos),
	MEMBER(checkpoint, "log_bin", K_BOOL, log_bin),
	MEMBER(checkpoint, "log_replica_updates", K_BOOL, log_replica_updates),
	MEMBER(checkpoint, "binlog_file", K_TEXT, binlog_file),
	MEMBER(checkpoint, "binlog_pos", K_U64, binlog_pos),
	MEMBER(checkpoint, "proof", K_LIST, proof),
	MEMBER(checkpoint, "warnings", K_LIST, warnings),
	MEMBER(checkpoint, "pause_ms", K_I64, pause_ms),
	MEMBER(checkpoint, "wait_ms", K_I64, wait_ms),
	MEMBER(checkpoint, "in_flight_ms", K_I64, in_flight_ms),
	MEMBER(checkpoint, "gap_rounds", K_UINT, gap_rounds),
	END
};

static const struct member channel_members[] = {
	MEMBER(checkpoint_channel, "name", K_TEXT, name),
	MEMBER(checkpoint_channel, "mode", K_MODE, mode),
	MEMBER(checkpoint_channel, "was_running", K_BOOL, was_running),
	MEMBER(checkpoint_channel, "io_running", K_BOOL, io_running),
	MEMBER(checkpoint_channel, "workers", K_UINT, workers),
	MEMBER(checkpoint_channel, "commit_order", K_BOOL, commit_order),
	MEMBER(checkpoint_channel, "source_host", K_TEXT, source_host),
	MEMBER(checkpoint_channel, "source_port", K_UINT, source_port),
	MEMBER(checkpoint_channel, "source_uuid", K_TEXT, source_uuid),
	MEMBER(checkpoint_channel, "source_server_id", K_U64, source_server_id),
	MEMBER(checkpoint_channel, "coordinates", K_COORDINATES, coordinates),
	MEMBER(checkpoint_channel, "coordinates_why", K_TEXT, coordinates_why),
	MEMBER(checkpoint_channel, "exec_file", K_TEXT, exec_file),
	MEMBER(checkpoint_channel, "exec_pos", K_U64, exec_pos),
	MEMBER(checkpoint_channel, "relay_file", K_TEXT, relay_file),
	MEMBER(checkpoint_channel, "relay_pos", K_U64, relay_pos),
	MEMBER(checkpoint_channel, "read_file", K_TEXT, read_file),
	MEMBER(checkpoint_channel, "read_pos", K_U64, read_pos),
	MEMBER(checkpoint_channel, "auto_position", K_BOOL, auto_position),
	MEMBER(checkpoint_channel, "using_gtid", K_TEXT, using_gtid),
	MEMBER(checkpoint_channel, "received_set", K_TEXT, received_set),
	MEMBER(checkpoint_channel, "lwm_file", K_TEXT, lwm_file),
	MEMBER(checkpoint_channel, "lwm_pos", K_U64, lwm_pos),
	MEMBER(checkpoint_channel, "worker_rows", K_JSON, worker_rows),
	MEMBER(checkpoint_channel, "filters", K_JSON, filters),
	MEMBER(checkpoint_channel, "delay_s", K_I64, delay_s),
	MEMBER(checkpoint_channel, "privilege_checks_user", K_TEXT, privilege_checks_user),
	MEMBER(checkpoint_channel, "require_row_format", K_BOOL, require_row_format),
	MEMBER(checkpoint_channel, "gtid_only", K_BOOL, gtid_only),
	MEMBER(checkpoint_channel, "assign_gtids", K_TEXT, assign_gtids),
	MEMBER(checkpoint_channel, "heartbeat_s", K_DOUBLE, heartbeat_s),
	MEMBER(checkpoint_channel, "proof", K_LIST, proof),
	END
};

static const char *const coordinates_names[] = {
	[COORDINATES_PROVEN] = "proven", [COORDINATES_STALE] = "stale", [COORDINATES_UNAVAILABLE] = "unavailable",
};
static const char *const flavor_names[] = { [FLAVOR_MYSQL] = "mysql", [FLAVOR_MARIADB] = "mariadb" };

#define AT(base, m, type) (*(type *)(void *)((char *)(base) + (m)->offset))
#define AT_CONST(base, m, type) (*(const type *)(const void *)((const char *)(base) + (m)->offset))

static json_t *value_of(const void *base, const struct member *m)
{
	switch (m->kind) {
	case K_TEXT: {
		const char *s = AT_CONST(base, m, char *);
		return s ? jsonx_text(s) : json_null();
	}
	case K_CHARS: return jsonx_text((const char *)base + m->offset);
	case K_U64: return json_integer((json_int_t)AT_CONST(base, m, uint64_t));
	case K_I64: return json_integer((json_int_t)AT_CONST(base, m, int64_t));
	case K_UINT: return json_integer((json_int_t)AT_CONST(base, m, unsigned));
	case K_BOOL: return json_boolean(AT_CONST(base, m, bool));
	case K_DOUBLE: return json_real(AT_CONST(base, m, double));
	case K_JSON: {
		const json_t *v = AT_CONST(base, m, json_t *);
		return v ? json_deep_copy(v) : json_null();
	}
	case K_LIST: return jsonx_from_strlist(&AT_CONST(base, m, struct strlist));
	case K_MODE: return json_string(checkpoint_mode_name(AT_CONST(base, m, enum applier_mode)));
	case K_COORDINATES: return json_string(coordinates_names[AT_CONST(base, m, enum coordinates)]);
	case K_FLAVOR: return json_string(flavor_names[AT_CONST(base, m, enum flavor)]);
	}
	return NULL;
}

static json_t *object_of(const void *base, const struct member *m)
{
	json_t *o = json_object();
	for (; o && m->key; m++) {
		if (json_object_set_new(o, m->key, value_of(base, m))) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

static json_t *channels_of(const struct checkpoint *cp)
{
	json_t *a = json_array();
	for (size_t i = 0; a && i < cp->nchannels; i++) {
		if (json_array_append_new(a, object_of(&cp->channel[i], channel_members))) {
			json_decref(a);
			a = NULL;
		}
	}
	return a;
}

json_t *checkpoint_to_json(const struct checkpoint *cp)
{
	char taken[32];
	json_t *o = object_of(cp, checkpoint_members);
	if (!o)
		return NULL;
	run_format_time(cp->taken_ms, taken);
	if (json_object_set_new(o, "format", json_integer(CHECKPOINT_FORMAT)) ||
	    json_object_set_new(o, "taken", json_string(taken)) ||
	    json_object_set_new(o, "server", object_of(&cp->server, server_members)) ||
	    json_object_set_new(o, "channels", channels_of(cp)) ||
	    (cp->notes.n && json_object_set_new(o, "notes", jsonx_from_strlist(&cp->notes)))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static enum status bad(const struct member *m, const char *type, struct error *err)
{
	return error_set(err, ST_FAILED, ERR_SNAPSHOT, "checkpoint: member \"%s\" is not %s", m->key, type);
}

static enum status name_index(const json_t *v, const char *const *names, size_t n, const struct member *m, size_t *ret,
                              struct error *err)
{
	const char *s = json_string_value(v);
	for (size_t i = 0; s && i < n; i++) {
		if (strcmp(names[i], s) == 0) {
			*ret = i;
			return ST_OK;
		}
	}
	return bad(m, "a word known here", err);
}

static enum status read_name(void *base, const struct member *m, const json_t *v, struct error *err)
{
	size_t i = 0;
	if (m->kind == K_MODE) {
		if (!json_is_string(v) || !checkpoint_mode_from_name(json_string_value(v), &AT(base, m, enum applier_mode)))
			return bad(m, "a mode known here", err);
	} else if (m->kind == K_FLAVOR) {
		if (name_index(v, flavor_names, 2, m, &i, err))
			return ST_FAILED;
		AT(base, m, enum flavor) = (enum flavor)i;
	} else {
		if (name_index(v, coordinates_names, 3, m, &i, err))
			return ST_FAILED;
		AT(base, m, enum coordinates) = (enum coordinates)i;
	}
	return ST_OK;
}

static enum status read_text(void *base, const struct member *m, const json_t *v, struct error *err)
{
	const char *s = json_string_value(v);
	if (m->kind == K_TEXT)
		return !s && !json_is_null(v) ? bad(m, "a string", err) : slot_set(&AT(base, m, char *), s, err);
	if (!s || strlen(s) >= m->size)
		return bad(m, "a string of the right size", err);
	memcpy((char *)base + m->offset, s, strlen(s) + 1);
	return ST_OK;
}

static enum status read_number(void *base, const struct member *m, const json_t *v, struct error *err)
{
	json_int_t n = json_integer_value(v);
	if (m->kind == K_DOUBLE) {
		if (!json_is_number(v))
			return bad(m, "a number", err);
		AT(base, m, double) = json_number_value(v);
		return ST_OK;
	}
	if (!json_is_integer(v) || (n < 0 && m->kind != K_I64) || (n > UINT_MAX && m->kind == K_UINT))
		return bad(m, "a whole number", err);
	if (m->kind == K_UINT)
		AT(base, m, unsigned) = (unsigned)n;
	else if (m->kind == K_U64)
		AT(base, m, uint64_t) = (uint64_t)n;
	else
		AT(base, m, int64_t) = (int64_t)n;
	return ST_OK;
}

static enum status read_json(void *base, const struct member *m, const json_t *v, struct error *err)
{
	if (json_is_null(v))
		return ST_OK;
	if (!json_is_object(v) && !json_is_array(v))
		return bad(m, "an object or array", err);
	json_t *copy = json_deep_copy(v);
	if (!copy)
		return error_oom(err);
	json_decref(AT(base, m, json_t *));
	AT(base, m, json_t *) = copy;
	return ST_OK;
}

static enum status read_member(void *base, const struct member *m, const json_t *obj, struct error *err)
{
	const json_t *v = json_object_get(obj, m->key);
	if (!v)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "checkpoint: member \"%s\" is missing", m->key);
	switch (m->kind) {
	case K_TEXT:
	case K_CHARS: return read_text(base, m, v, err);
	case K_U64:
	case K_I64:
	case K_UINT:
	case K_DOUBLE: return read_number(base, m, v, err);
	case K_BOOL:
		if (!json_is_boolean(v))
			return bad(m, "true or false", err);
		AT(base, m, bool) = json_is_true(v);
		return ST_OK;
	case K_JSON: return read_json(base, m, v, err);
	case K_LIST: return jsonx_strlist(obj, m->key, &AT(base, m, struct strlist), err);
	case K_MODE:
	case K_COORDINATES:
	case K_FLAVOR: return read_name(base, m, v, err);
	}
	return bad(m, "known", err);
}

static enum status read_object(void *base, const struct member *m, const json_t *obj, struct error *err)
{
	enum status st = ST_OK;
	for (; !st && m->key; m++)
		st = read_member(base, m, obj, err);
	return st;
}

static enum status read_channels(struct checkpoint *cp, const json_t *array, struct error *err)
{
	size_t n = json_array_size(array);
	enum status st = ST_OK;
	if (n && !(cp->channel = calloc(n, sizeof *cp->channel)))
		return error_oom(err);
	for (; !st && cp->nchannels < n; cp->nchannels++) {
		const json_t *obj = json_array_get(array, cp->nchannels);
		if (!json_is_object(obj))
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "checkpoint: a channel is not an object");
		st = read_object(&cp->channel[cp->nchannels], channel_members, obj, err);
	}
	return st;
}

enum status checkpoint_from_json(const json_t *doc, struct checkpoint **ret, struct error *err)
{
	json_t *server = NULL, *channels = NULL;
	uint64_t format = 0;
	struct checkpoint *cp = calloc(1, sizeof *cp);
	if (!cp)
		return error_oom(err);
	enum status st = jsonx_u64(doc, "format", &format, err);
	if (!st && format != CHECKPOINT_FORMAT) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "checkpoint format %llu is not known here",
		               (unsigned long long)format);
		error_hint(err, "use the version of slackwater that wrote it, or a later one");
		if (err)
			err->sys_errno = ENOTSUP;
	}
	if (!st)
		st = jsonx_object(doc, "server", &server, err);
	if (!st)
		st = jsonx_array(doc, "channels", &channels, err);
	if (!st)
		st = read_object(&cp->server, server_members, server, err);
	if (!st)
		st = read_object(cp, checkpoint_members, doc, err);
	if (!st)
		st = read_channels(cp, channels, err);
	if (!st && json_object_get(doc, "notes"))
		st = jsonx_strlist(doc, "notes", &cp->notes, err);
	if (st)
		checkpoint_free(cp);
	else
		*ret = cp;
	return st;
}
