/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of members per object: what is written to checkpoint.json is what is read from it, copied and freed.
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

enum kind { K_TEXT, K_CHARS, K_U64, K_I64, K_UINT, K_BOOL, K_DOUBLE, K_JSON, K_LIST, K_NAME };

struct member {
	const char *key;
	enum kind kind;
	size_t offset;
	size_t size; /* of the member; what K_CHARS may hold */
	const char *const *names; /* of a K_NAME, which is an enum; NULL behind the last */
};

static const char *const mode_names[] = {
	[MODE_MYSQL_AUTO] = "mysql-auto-position",
	[MODE_MYSQL_GTID] = "mysql-gtid",
	[MODE_MYSQL_ASSIGNED] = "mysql-assigned-gtids",
	[MODE_MYSQL_POSITION] = "mysql-position",
	[MODE_MARIADB_GTID] = "mariadb-gtid",
	[MODE_MARIADB_POSITION] = "mariadb-position",
	NULL,
};
static const char *const coordinates_names[] = {
	[COORDINATES_PROVEN] = "proven", [COORDINATES_STALE] = "stale", [COORDINATES_UNAVAILABLE] = "unavailable", NULL,
};
static const char *const flavor_names[] = { [FLAVOR_MYSQL] = "mysql", [FLAVOR_MARIADB] = "mariadb", NULL };

#define MEMBER(type, key, kind, name) { key, kind, offsetof(struct type, name), sizeof(((struct type *)0)->name), NULL }
#define NAMED(type, key, names, name) { key, K_NAME, offsetof(struct type, name), sizeof(((struct type *)0)->name), names }
#define END { NULL, K_TEXT, 0, 0, NULL }

static const struct member server_members[] = {
	NAMED(server_info, "flavor", flavor_names, flavor),
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
	NAMED(checkpoint_channel, "mode", mode_names, mode),
	MEMBER(checkpoint_channel, "was_running", K_BOOL, was_running),
	MEMBER(checkpoint_channel, "io_running", K_BOOL, io_running),
	MEMBER(checkpoint_channel, "workers", K_UINT, workers),
	MEMBER(checkpoint_channel, "commit_order", K_BOOL, commit_order),
	MEMBER(checkpoint_channel, "source_host", K_TEXT, source_host),
	MEMBER(checkpoint_channel, "source_port", K_UINT, source_port),
	MEMBER(checkpoint_channel, "source_uuid", K_TEXT, source_uuid),
	MEMBER(checkpoint_channel, "source_server_id", K_U64, source_server_id),
	NAMED(checkpoint_channel, "coordinates", coordinates_names, coordinates),
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

#define AT(base, m, type) (*(type *)(void *)((char *)(base) + (m)->offset))
#define AT_CONST(base, m, type) (*(const type *)(const void *)((const char *)(base) + (m)->offset))

const char *checkpoint_mode_name(enum applier_mode m)
{
	return mode_names[m];
}

const char *checkpoint_coordinates_name(enum coordinates c)
{
	return coordinates_names[c];
}

static bool is_owned(const struct member *m)
{
	return m->kind == K_TEXT || m->kind == K_JSON || m->kind == K_LIST;
}

static void clear(void *base, const struct member *m)
{
	for (; m->key; m++) {
		if (m->kind == K_TEXT)
			free(AT(base, m, char *));
		else if (m->kind == K_JSON)
			json_decref(AT(base, m, json_t *));
		else if (m->kind == K_LIST)
			strlist_free(&AT(base, m, struct strlist));
	}
}

void checkpoint_channel_clear(struct checkpoint_channel *ch)
{
	clear(ch, channel_members);
	*ch = (struct checkpoint_channel){ 0 };
}

static enum status copy_member(void *base, const void *from, const struct member *m, struct error *err)
{
	if (m->kind == K_TEXT)
		return slot_set(&AT(base, m, char *), AT_CONST(from, m, char *), err);
	if (m->kind == K_LIST)
		return strlist_add_all(&AT(base, m, struct strlist), &AT_CONST(from, m, struct strlist), err);
	const json_t *v = AT_CONST(from, m, json_t *);
	AT(base, m, json_t *) = json_deep_copy(v);
	return v && !AT(base, m, json_t *) ? error_oom(err) : ST_OK;
}

enum status checkpoint_channel_copy(struct checkpoint_channel *ret, const struct checkpoint_channel *from,
                                    struct error *err)
{
	enum status st = ST_OK;
	*ret = *from;
	for (const struct member *m = channel_members; m->key; m++)
		if (is_owned(m))
			memset((char *)ret + m->offset, 0, m->size);
	for (const struct member *m = channel_members; !st && m->key; m++)
		if (is_owned(m))
			st = copy_member(ret, from, m, err);
	return st;
}

void checkpoint_free(struct checkpoint *cp)
{
	if (!cp)
		return;
	for (size_t i = 0; i < cp->nchannels; i++)
		checkpoint_channel_clear(&cp->channel[i]);
	free(cp->channel);
	clear(cp, checkpoint_members);
	strlist_free(&cp->notes);
	free(cp);
}

static json_t *value_of(const void *base, const struct member *m)
{
	switch (m->kind) {
	case K_TEXT: return jsonx_text_or_null(AT_CONST(base, m, char *));
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
	case K_NAME: return json_string(m->names[AT_CONST(base, m, unsigned)]);
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
	for (size_t i = 0; a && i < cp->nchannels; i++)
		a = jsonx_append(a, object_of(&cp->channel[i], channel_members));
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

static enum status read_name(void *base, const struct member *m, const json_t *v, struct error *err)
{
	_Static_assert(sizeof(enum applier_mode) == sizeof(unsigned) && sizeof(enum coordinates) == sizeof(unsigned) &&
	               sizeof(enum flavor) == sizeof(unsigned), "an enum is an unsigned");
	const char *s = json_string_value(v);
	for (unsigned i = 0; s && m->names[i]; i++)
		if (strcmp(m->names[i], s) == 0) {
			AT(base, m, unsigned) = i;
			return ST_OK;
		}
	return bad(m, "a word known here", err);
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
	case K_NAME: return read_name(base, m, v, err);
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
