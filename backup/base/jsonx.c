/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/jsonx.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

/*
 * jansson calls it a syntax error when it gets no memory in the middle of a text. A snapshot must not be given up for that: what it allocates with
 * takes note of a failure. And of an encrypted snapshot's checkpoint it makes copies wherever it likes, with the key of the manifest's seal in
 * them: whatever it gives back is zeroed, by the size that the C library has given it.
 */
static json_malloc_t jsonx_inner;
static json_free_t jsonx_inner_free;
static pthread_once_t jsonx_once = PTHREAD_ONCE_INIT;
static _Thread_local bool jsonx_no_memory;

static void *jsonx_malloc(size_t n)
{
	void *p = jsonx_inner(n);
	jsonx_no_memory = jsonx_no_memory || !p;
	return p;
}

static void jsonx_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	jsonx_inner_free(p);
}

static void jsonx_watch_memory(void)
{
	json_get_alloc_funcs(&jsonx_inner, &jsonx_inner_free);
	json_set_alloc_funcs(jsonx_malloc, jsonx_free);
}

json_t *jsonx_secret(const char *text)
{
	pthread_once(&jsonx_once, jsonx_watch_memory);
	return json_string(text);
}

enum status jsonx_parse(const char *text, size_t len, const char *what, json_t **ret, struct error *err)
{
	json_error_t je;
	pthread_once(&jsonx_once, jsonx_watch_memory);
	jsonx_no_memory = false;
	json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!doc && jsonx_no_memory)
		return error_oom(err);
	if (!doc)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is not valid JSON: line %d: %s", what, je.line, je.text);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is not a JSON object", what);
	}
	*ret = doc;
	return ST_OK;
}

static enum status jsonx_bad(const char *key, const char *type, struct error *err)
{
	return error_set(err, ST_FAILED, ERR_SNAPSHOT, "member \"%s\" is missing or not %s", key, type);
}

enum status jsonx_str(const json_t *obj, const char *key, const char **ret, struct error *err)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_string(v))
		return jsonx_bad(key, "a string", err);
	*ret = json_string_value(v);
	return ST_OK;
}

enum status jsonx_u64(const json_t *obj, const char *key, uint64_t *ret, struct error *err)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return jsonx_bad(key, "a whole number", err);
	*ret = (uint64_t)json_integer_value(v);
	return ST_OK;
}

enum status jsonx_bool(const json_t *obj, const char *key, bool *ret, struct error *err)
{
	const json_t *v = json_object_get(obj, key);
	if (!json_is_boolean(v))
		return jsonx_bad(key, "true or false", err);
	*ret = json_is_true(v);
	return ST_OK;
}

enum status jsonx_array(const json_t *obj, const char *key, json_t **ret, struct error *err)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_array(v))
		return jsonx_bad(key, "an array", err);
	*ret = v;
	return ST_OK;
}

enum status jsonx_object(const json_t *obj, const char *key, json_t **ret, struct error *err)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_object(v))
		return jsonx_bad(key, "an object", err);
	*ret = v;
	return ST_OK;
}

enum status jsonx_strlist(const json_t *obj, const char *key, struct strlist *ret, struct error *err)
{
	json_t *list = NULL;
	enum status st = jsonx_array(obj, key, &list, err);
	struct strlist out = { 0 };
	for (size_t i = 0; !st && i < json_array_size(list); i++) {
		const json_t *v = json_array_get(list, i);
		st = json_is_string(v) ? strlist_add(&out, json_string_value(v), err) : jsonx_bad(key, "an array of strings", err);
	}
	if (st) {
		strlist_free(&out);
		return st;
	}
	*ret = out;
	return ST_OK;
}

const char *jsonx_str_or(const json_t *obj, const char *key, const char *fallback)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_string(v) ? json_string_value(v) : fallback;
}

uint64_t jsonx_u64_or(const json_t *obj, const char *key, uint64_t fallback)
{
	const json_t *v = json_object_get(obj, key);
	return json_is_integer(v) && json_integer_value(v) >= 0 ? (uint64_t)json_integer_value(v) : fallback;
}

json_t *jsonx_append(json_t *list, json_t *v)
{
	if (json_array_append_new(list, v) == 0) /* takes the value when it fails, too */
		return list;
	json_decref(list);
	return NULL;
}

json_t *jsonx_from_strlist(const struct strlist *l)
{
	json_t *a = json_array();
	for (size_t i = 0; a && i < l->n; i++)
		a = jsonx_append(a, jsonx_text(l->item[i]));
	return a;
}

/* Length of the well-formed UTF-8 sequence at s, 0 if it is none. */
static size_t jsonx_utf8(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : (s[0] & 0xf8) == 0xf0 ? 4 : 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((n == 2 && s[0] < 0xc2) || (n == 3 && s[0] == 0xe0 && s[1] < 0xa0) || (n == 3 && s[0] == 0xed && s[1] > 0x9f) ||
	    (n == 4 && ((s[0] == 0xf0 && s[1] < 0x90) || s[0] > 0xf4 || (s[0] == 0xf4 && s[1] > 0x8f))))
		return 0;
	return n;
}

json_t *jsonx_text(const char *s)
{
	json_t *v = json_string(s);
	if (v)
		return v;
	struct buf b = BUF_INIT(SIZE_MAX / 4);
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		size_t n = jsonx_utf8(p);
		if (n)
			buf_add(&b, p, n);
		else
			buf_adds(&b, "\xef\xbf\xbd");
		p += n ? n : 1;
	}
	v = b.bad ? NULL : json_string(buf_str(&b));
	buf_free(&b);
	return v;
}

json_t *jsonx_text_or_null(const char *s)
{
	return s ? jsonx_text(s) : json_null();
}

json_t *jsonx_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *jsonx_or_null(json_t *v)
{
	return v ? json_incref(v) : json_null();
}

json_t *jsonx_make(const struct jsonx_member *member, size_t n)
{
	json_t *doc = json_object();
	bool bad = !doc;
	for (size_t i = 0; i < n; i++)
		bad = json_object_set_new(doc, member[i].name, member[i].value) || bad; /* takes the value when it fails, too */
	if (!bad)
		return doc;
	json_decref(doc);
	return NULL;
}

static enum status dump(const json_t *doc, size_t flags, struct buf *out, struct error *err)
{
	pthread_once(&jsonx_once, jsonx_watch_memory);
	jsonx_no_memory = false;
	char *text = json_dumps(doc, flags | JSON_SORT_KEYS);
	if (text && jsonx_no_memory) { /* jansson does not look whether there was room for a name, and goes on without it [run 2.14] */
		free(text);
		text = NULL;
	}
	if (!text)
		return error_oom(err);
	buf_adds(out, text);
	buf_addc(out, '\n');
	free(text);
	return buf_check(out, "the JSON document", err);
}

enum status jsonx_dump(const json_t *doc, struct buf *out, struct error *err)
{
	return dump(doc, JSON_INDENT(2), out, err);
}

enum status jsonx_dump_line(const json_t *doc, struct buf *out, struct error *err)
{
	return dump(doc, JSON_COMPACT, out, err);
}
