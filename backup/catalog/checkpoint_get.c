/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "slackwater/catalog.h"
#include "slackwater/jsonx.h"
#include "stream/names.h"
#include "stream/objects.h"

enum { CHECKPOINT_KEY_MAX = 1024, CHECKPOINT_MAX = 64 << 20 };

static enum status checkpoint_get_text(struct store *s, const struct manifest *m, struct buf *text, struct error *err)
{
	const struct stream_object *o = objects_find(&m->objects, NAMES_CHECKPOINT_JSON);
	struct buf key = BUF_INIT(CHECKPOINT_KEY_MAX);
	char sha256[DIGEST_HEX];
	if (!o)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the manifest of %s names no checkpoint", m->id);
	catalog_prefix(m, &key);
	buf_adds(&key, o->key);
	enum status st = buf_check(&key, "a key", err);
	if (!st)
		st = store_get(s, key.data, text, err);
	if (!st)
		st = digest_of(buf_str(text), text->len, sha256, err);
	if (!st && (text->len != o->size || strcmp(sha256, o->sha256) != 0))
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s is damaged: its digest is not the manifest's", key.data);
	buf_free(&key);
	return st;
}

enum status catalog_checkpoint(struct store *s, const struct manifest *m, struct checkpoint **ret, struct error *err)
{
	struct buf text = BUF_INIT(CHECKPOINT_MAX);
	json_t *doc = NULL;
	enum status st = checkpoint_get_text(s, m, &text, err);
	if (!st)
		st = jsonx_parse(buf_str(&text), text.len, NAMES_CHECKPOINT_JSON, &doc, err);
	if (!st)
		st = checkpoint_from_json(doc, ret, err);
	json_decref(doc);
	buf_free(&text);
	return st;
}
