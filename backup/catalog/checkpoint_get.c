/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "catalog/seal.h"
#include "slackwater/catalog.h"
#include "slackwater/jsonx.h"
#include "stream/names.h"
#include "stream/object_read.h"
#include "stream/objects.h"

enum { CHECKPOINT_KEY_MAX = 1024, CHECKPOINT_MAX = 64 << 20 };

static enum status checkpoint_get_text(struct store *s, const struct manifest *m, struct buf *text, struct error *err)
{
	char name[64] = NAMES_CHECKPOINT_JSON;
	if (manifest_encrypted(m))
		names_seal(name);
	const struct stream_object *o = objects_find(&m->objects, name);
	struct buf prefix = BUF_INIT(CHECKPOINT_KEY_MAX);
	if (!o)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the manifest of %s names no checkpoint", m->id);
	catalog_prefix(m, &prefix);
	enum status st = buf_check(&prefix, "the snapshot's prefix", err);
	if (!st)
		st = object_read_text(s, prefix.data, o, m->objects.keyring, text, err);
	buf_free(&prefix);
	return st;
}

static enum status checkpoint_get_document(struct store *s, const struct manifest *m, json_t **ret, struct error *err)
{
	struct buf text = BUF_INIT(CHECKPOINT_MAX);
	json_t *doc = NULL;
	text.secret = manifest_encrypted(m); /* it holds the key of the seal */
	enum status st = checkpoint_get_text(s, m, &text, err);
	if (!st)
		st = jsonx_parse(buf_str(&text), text.len, NAMES_CHECKPOINT_JSON, &doc, err);
	if (!st && manifest_encrypted(m))
		st = seal_check(m, doc, err);
	if (st)
		json_decref(doc);
	else
		*ret = doc;
	buf_free(&text);
	return st;
}

enum status catalog_authenticate(struct store *s, const struct manifest *m, struct error *err)
{
	json_t *doc = NULL;
	enum status st = manifest_encrypted(m) ? checkpoint_get_document(s, m, &doc, err) : ST_OK;
	json_decref(doc);
	return st;
}

enum status catalog_checkpoint(struct store *s, const struct manifest *m, struct checkpoint **ret, struct error *err)
{
	json_t *doc = NULL;
	enum status st = checkpoint_get_document(s, m, &doc, err);
	if (!st)
		st = checkpoint_from_json(doc, ret, err);
	json_decref(doc);
	return st;
}
