/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/seal.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/hex.h"
#include "stream/age_crypto.h"
#include "stream/names.h"

enum { SEAL_KEY = 32, SEAL_HEX = 64, SEAL_TEXT_MAX = 64 << 20 };

static const char seal_format[] = "age-encryption.org/v1";
/* The two last lines: that of the seal, that of the digest with the closing brace. */
static const char seal_head[] = "  \"hmac_sha256\": \"";
static const char seal_tail[] = "\",\n";
static const char seal_digest[] = "  \"sha256\": \"\"\n}\n";

bool manifest_encrypted(const struct manifest *m)
{
	return m->encrypted_for.n > 0;
}

void seal_free(struct manifest *m)
{
	if (m->seal_key)
		age_crypto_wipe(m->seal_key, strlen(m->seal_key));
	free(m->seal_key);
	buf_free(&m->sealed);
}

static bool seal_bytes(const char *hex, unsigned char ret[SEAL_KEY])
{
	if (!names_sha256_valid(hex))
		return false;
	for (size_t i = 0; i < SEAL_KEY; i++)
		ret[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return true;
}

enum status manifest_new_seal_key(struct manifest *m, struct error *err)
{
	unsigned char key[SEAL_KEY];
	enum status st = age_crypto_random(key, sizeof key, err);
	if (!st && !(m->seal_key = malloc(SEAL_HEX + 1)))
		st = error_oom(err);
	if (!st)
		hex_encode(key, sizeof key, m->seal_key);
	age_crypto_wipe(key, sizeof key);
	return st;
}

json_t *seal_describe(const struct manifest *m)
{
	json_t *doc = json_object();
	if (json_object_set_new(doc, "format", json_string(seal_format)) == 0 &&
	    json_object_set_new(doc, "recipients", jsonx_from_strlist(&m->encrypted_for)) == 0)
		return doc;
	json_decref(doc);
	return NULL;
}

static enum status seal_of(const char *key_hex, const char *text, size_t len, char ret[DIGEST_HEX], struct error *err)
{
	unsigned char key[SEAL_KEY], mac[SEAL_KEY];
	if (!seal_bytes(key_hex, key))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the checkpoint holds no key of the manifest");
	enum status st = age_crypto_hmac(key, sizeof key, text, len, mac, err);
	if (!st)
		hex_encode(mac, sizeof mac, ret);
	age_crypto_wipe(key, sizeof key);
	return st;
}

enum status seal_write(const struct manifest *m, size_t start, struct buf *out, struct error *err)
{
	char seal[DIGEST_HEX];
	enum status st = ST_OK;
	if (m->seal_key) {
		st = seal_of(m->seal_key, out->data + start, out->len - start, seal, err);
	} else if (m->sealed.data) {
		/* One that was read: nobody but the checkpoint has the key, so it stays what it was. */
		out->len = start;
		buf_add(out, m->sealed.data, m->sealed.len);
		memcpy(seal, m->seal, sizeof seal);
	} else {
		st = error_set(err, ST_FAILED, ERR_UNEXPECTED, "the manifest of an encrypted snapshot has no key to seal it");
	}
	if (st)
		return st;
	buf_addf(out, "%s%s%s", seal_head, seal, seal_tail);
	return buf_check(out, "the manifest", err);
}

/* All or none: nothing may be slipped in that no key is needed for. */
static enum status seal_check_objects(const struct manifest *m, struct error *err)
{
	for (size_t i = 0; i < m->objects.n; i++)
		if (names_sealed(m->objects.item[i].key) != manifest_encrypted(m))
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "damaged manifest: %s is%s encrypted, unlike the snapshot",
			                 m->objects.item[i].key, manifest_encrypted(m) ? " not" : "");
	return ST_OK;
}

static enum status seal_read_line(const char *text, size_t len, struct manifest *m, struct error *err)
{
	size_t head = strlen(seal_head), tail = strlen(seal_tail), line = head + SEAL_HEX + tail, after = strlen(seal_digest) + SEAL_HEX;
	const char *at = len > line + after ? text + len - after - line : NULL;
	if (!at || at[-1] != '\n' || memcmp(at, seal_head, head) != 0 || memcmp(at + head + SEAL_HEX, seal_tail, tail) != 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "damaged manifest: it is that of an encrypted snapshot, and has no seal");
	memcpy(m->seal, at + head, SEAL_HEX);
	m->seal[SEAL_HEX] = '\0';
	m->sealed = BUF_INIT(SEAL_TEXT_MAX);
	buf_add(&m->sealed, text, (size_t)(at - text));
	return buf_check(&m->sealed, "the manifest", err);
}

enum status seal_read(const json_t *doc, const char *text, size_t len, struct manifest *m, struct error *err)
{
	json_t *encryption = NULL;
	const char *format = NULL;
	if (!json_object_get(doc, "encryption"))
		return seal_check_objects(m, err);
	enum status st = jsonx_object(doc, "encryption", &encryption, err);
	if (!st)
		st = jsonx_str(encryption, "format", &format, err);
	if (!st && strcmp(format, seal_format) != 0)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "encryption \"%.60s\" is not known to this version", format);
	if (!st)
		st = jsonx_strlist(encryption, "recipients", &m->encrypted_for, err);
	if (!st && !m->encrypted_for.n)
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "damaged manifest: it is encrypted for nobody");
	if (!st)
		st = seal_check_objects(m, err);
	return st ? st : seal_read_line(text, len, m, err);
}

enum status seal_check(const struct manifest *m, const json_t *checkpoint, struct error *err)
{
	const char *key = NULL;
	char seal[DIGEST_HEX];
	enum status st = jsonx_str(checkpoint, SEAL_KEY_MEMBER, &key, err);
	if (!st)
		st = seal_of(key, buf_str(&m->sealed), m->sealed.len, seal, err);
	if (!st && !age_crypto_equal(seal, m->seal, SEAL_HEX)) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "the manifest of %s was altered, or its checkpoint is that of another snapshot: its HMAC is wrong",
		               m->id);
		error_hint(err, "somebody who can write to the repository has changed it: use another snapshot, and find out who");
	}
	return st;
}
