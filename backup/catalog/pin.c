/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/retention.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/id.h"
#include "slackwater/jsonx.h"

enum { PIN_KEY_MAX = 1024, PIN_MAX = 64 << 10 };

void pin_free(struct pin *p)
{
	free(p->reason);
	*p = (struct pin){ 0 };
}

static enum status pin_text(int64_t now_ms, const char *reason, struct buf *out, struct error *err)
{
	char pinned[32];
	json_t *doc = json_object();
	run_format_time(now_ms, pinned);
	bool bad = json_object_set_new(doc, "format", json_integer(1)) || json_object_set_new(doc, "pinned", json_string(pinned)) ||
	           json_object_set_new(doc, "pinned_ms", json_integer(now_ms)) || json_object_set_new(doc, "reason", jsonx_text(reason));
	enum status st = bad ? error_oom(err) : jsonx_dump(doc, out, err);
	json_decref(doc);
	return st;
}

enum status pin_put(struct store *s, const char *instance, const char *id, const char *reason, struct error *err)
{
	struct buf key = BUF_INIT(PIN_KEY_MAX), text = BUF_INIT(PIN_MAX);
	enum status st = id_key(instance, id, ".pin", &key, err);
	if (!st)
		st = pin_text(run_wall_ms(s->run), reason, &text, err);
	if (!st)
		st = s->ops->put(s, key.data, text.data, text.len, false, err);
	if (!st)
		st = id_check_beside(s, instance, id, key.data, err);
	buf_free(&key);
	buf_free(&text);
	return st;
}

enum status pin_remove(struct store *s, const char *instance, const char *id, struct error *err)
{
	struct buf key = BUF_INIT(PIN_KEY_MAX);
	enum status st = id_key(instance, id, ".pin", &key, err);
	if (!st)
		st = s->ops->remove(s, key.data, err);
	buf_free(&key);
	return st;
}

/* Whatever stands in it, it is a pin. */
static enum status pin_read(const struct buf *text, struct pin *ret, struct error *err)
{
	struct error ignored;
	json_t *doc = NULL;
	if (text->len && jsonx_parse(text->data, text->len, "the pin", &doc, &ignored) && ignored.kind != ERR_SNAPSHOT) {
		*err = ignored;
		return ignored.status;
	}
	ret->reason = strdup(doc ? jsonx_str_or(doc, "reason", "") : "");
	ret->pinned_ms = doc ? (int64_t)jsonx_u64_or(doc, "pinned_ms", 0) : 0;
	json_decref(doc);
	return ret->reason ? ST_OK : error_oom(err);
}

enum status pin_get(struct store *s, const char *instance, const char *id, struct pin *ret, struct error *err)
{
	struct buf key = BUF_INIT(PIN_KEY_MAX), text = BUF_INIT(PIN_MAX);
	struct error mine = ERROR_INIT;
	struct pin p = { 0 };
	enum status st = id_key(instance, id, ".pin", &key, &mine);
	if (!st)
		st = store_get(s, key.data, &text, &mine);
	bool none = st && store_missing(&mine);
	if (st && mine.kind == ERR_SNAPSHOT) {
		buf_clear(&text); /* none, or one that is far too large to be ours */
		st = ST_OK;
	}
	if (!st && !none)
		st = pin_read(&text, &p, &mine);
	buf_free(&key);
	buf_free(&text);
	if (st && err)
		*err = mine;
	if (!st)
		*ret = p;
	return st;
}
