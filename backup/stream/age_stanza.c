/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_stanza.h"

#include <errno.h>
#include <string.h>

#include "stream/age_base64.h"
#include "stream/age_keys.h"

enum {
	STANZA_SALT = 16,
	STANZA_LOG_N = 18,     /* 256 MiB and about a second */
	STANZA_LOG_N_MAX = 20  /* of what is read: 1 GiB; whoever can write a file must not decide on more */
};
static const char stanza_x25519[] = "age-encryption.org/v1/X25519";
static const char stanza_scrypt[] = "age-encryption.org/v1/scrypt";
static const unsigned char stanza_nonce[AGE_CHUNK_NONCE]; /* each wrapping key is used once */

static enum status stanza_wrap(const unsigned char key[AGE_KEY], const unsigned char file_key[AGE_FILE_KEY],
                               unsigned char ret[AGE_WRAPPED], struct error *err)
{
	struct age_aead *a = NULL;
	enum status st = age_aead_new(key, &a, err);
	if (!st)
		st = age_aead_seal(a, stanza_nonce, file_key, AGE_FILE_KEY, ret, err);
	age_aead_free(a);
	return st;
}

static enum status stanza_unwrap(const unsigned char key[AGE_KEY], const unsigned char body[AGE_WRAPPED],
                                 unsigned char ret[AGE_FILE_KEY], bool *ret_fits, struct error *err)
{
	struct age_aead *a = NULL;
	enum status st = age_aead_new(key, &a, err);
	if (!st)
		*ret_fits = age_aead_open(a, stanza_nonce, body, AGE_WRAPPED, ret);
	age_aead_free(a);
	return st;
}

/* Both sides come to it: from the share and the recipient's key. */
static enum status stanza_x25519_key(const unsigned char secret[AGE_KEY], const unsigned char peer[AGE_KEY],
                                     const unsigned char share[AGE_KEY], const unsigned char recipient[AGE_KEY],
                                     unsigned char ret[AGE_KEY], bool *ret_sound, struct error *err)
{
	unsigned char common[AGE_KEY], salt[2 * AGE_KEY];
	memcpy(salt, share, AGE_KEY);
	memcpy(salt + AGE_KEY, recipient, AGE_KEY);
	enum status st = age_crypto_agree(secret, peer, common, ret_sound, err);
	if (!st && *ret_sound)
		st = age_crypto_hkdf(common, sizeof common, salt, sizeof salt, stanza_x25519, ret, err);
	age_crypto_wipe(common, sizeof common);
	return st;
}

static enum status stanza_scrypt_key(const char *passphrase, const unsigned char salt[STANZA_SALT], unsigned log_n,
                                     unsigned char ret[AGE_KEY], struct error *err)
{
	unsigned char labelled[sizeof stanza_scrypt - 1 + STANZA_SALT];
	memcpy(labelled, stanza_scrypt, sizeof stanza_scrypt - 1);
	memcpy(labelled + sizeof stanza_scrypt - 1, salt, STANZA_SALT);
	return age_crypto_scrypt(passphrase, labelled, sizeof labelled, log_n, ret, err);
}

/* ---- writing ---- */

static enum status stanza_add_x25519(const struct age_public *to, const unsigned char file_key[AGE_FILE_KEY], struct buf *out,
                                     struct error *err)
{
	unsigned char secret[AGE_KEY], share[AGE_KEY], key[AGE_KEY], body[AGE_WRAPPED];
	struct buf args = BUF_INIT(128);
	bool sound = true;
	enum status st = age_crypto_random(secret, sizeof secret, err);
	if (!st)
		st = age_crypto_public(secret, share, err);
	if (!st)
		st = stanza_x25519_key(secret, to->key, share, to->key, key, &sound, err);
	if (!st && !sound)
		st = error_set(err, ST_FAILED, ERR_USAGE, "a recipient is no key that anybody can have the secret of");
	if (!st)
		st = stanza_wrap(key, file_key, body, err);
	if (!st) {
		buf_adds(&args, "X25519 ");
		age_base64_encode(share, sizeof share, &args);
		st = buf_check(&args, "a stanza", err);
	}
	if (!st)
		age_header_stanza(out, args.data, body, sizeof body);
	age_crypto_wipe(secret, sizeof secret);
	age_crypto_wipe(key, sizeof key);
	buf_free(&args);
	return st;
}

static enum status stanza_add_scrypt(const char *passphrase, const unsigned char file_key[AGE_FILE_KEY], struct buf *out,
                                     struct error *err)
{
	unsigned char salt[STANZA_SALT], key[AGE_KEY], body[AGE_WRAPPED];
	struct buf args = BUF_INIT(128);
	enum status st = age_crypto_random(salt, sizeof salt, err);
	if (!st)
		st = stanza_scrypt_key(passphrase, salt, STANZA_LOG_N, key, err);
	if (!st)
		st = stanza_wrap(key, file_key, body, err);
	if (!st) {
		buf_adds(&args, "scrypt ");
		age_base64_encode(salt, sizeof salt, &args);
		buf_addf(&args, " %d", STANZA_LOG_N);
		st = buf_check(&args, "a stanza", err);
	}
	if (!st)
		age_header_stanza(out, args.data, body, sizeof body);
	age_crypto_wipe(key, sizeof key);
	buf_free(&args);
	return st;
}

static enum status stanza_header(const struct age_recipients *to, const unsigned char file_key[AGE_FILE_KEY], struct buf *out,
                                 struct error *err)
{
	unsigned char mac_key[AGE_KEY];
	struct buf header = BUF_INIT(AGE_HEADER_MAX);
	enum status st = ST_OK;
	age_header_begin(&header);
	if (to->passphrase)
		st = stanza_add_scrypt(to->passphrase, file_key, &header, err);
	for (size_t i = 0; !st && i < to->n; i++)
		st = stanza_add_x25519(&to->item[i], file_key, &header, err);
	if (!st)
		st = age_crypto_hkdf(file_key, AGE_FILE_KEY, NULL, 0, "header", mac_key, err);
	if (!st)
		st = age_header_end(&header, mac_key, err);
	if (!st)
		buf_add(out, header.data, header.len);
	age_crypto_wipe(mac_key, sizeof mac_key);
	buf_free(&header);
	return st ? st : buf_check(out, "the header", err);
}

enum status age_stanza_begin(const struct age_recipients *to, struct buf *out, unsigned char ret[AGE_KEY], struct error *err)
{
	unsigned char file_key[AGE_FILE_KEY], nonce[AGE_NONCE];
	if (!to->names.n)
		return error_set(err, ST_FAILED, ERR_USAGE, "there is nobody to encrypt for");
	enum status st = age_crypto_random(file_key, sizeof file_key, err);
	if (!st)
		st = age_crypto_random(nonce, sizeof nonce, err);
	if (!st)
		st = stanza_header(to, file_key, out, err);
	if (!st)
		st = age_crypto_hkdf(file_key, sizeof file_key, nonce, sizeof nonce, "payload", ret, err);
	if (!st) {
		buf_add(out, nonce, sizeof nonce);
		st = buf_check(out, "the header", err);
	}
	age_crypto_wipe(file_key, sizeof file_key);
	return st;
}

/* ---- reading ---- */

struct stanza_opening {
	const struct age_keyring *keyring;
	unsigned char file_key[AGE_FILE_KEY];
	bool found;
};

static enum status stanza_try_x25519(struct stanza_opening *o, const struct age_stanza *s, struct error *err)
{
	unsigned char share[AGE_KEY], key[AGE_KEY];
	size_t len = 0, n = 0;
	const char *word = age_stanza_word(s, 1, &len);
	if (!word || age_stanza_word(s, 2, &n) || !age_base64_decode(word, len, share, sizeof share, &n) || n != sizeof share)
		return age_header_bad(err, "the share of an X25519 stanza is not what it may be");
	if (s->body_len != AGE_WRAPPED)
		return age_header_bad(err, "the body of an X25519 stanza has %zu bytes", s->body_len);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < o->keyring->n; i++) {
		const struct age_identity *id = &o->keyring->item[i];
		bool sound = true, fits = false;
		unsigned char file_key[AGE_FILE_KEY];
		st = stanza_x25519_key(id->secret, share, share, id->public, key, &sound, err);
		if (!st && !sound)
			st = age_header_bad(err, "the share of an X25519 stanza is of low order");
		if (!st)
			st = stanza_unwrap(key, s->body, file_key, &fits, err);
		if (fits && !o->found)
			memcpy(o->file_key, file_key, sizeof file_key);
		o->found = o->found || fits;
		age_crypto_wipe(file_key, sizeof file_key);
	}
	age_crypto_wipe(key, sizeof key);
	return st;
}

/* One or two digits, no zero in front. */
static bool stanza_log_n(const char *word, size_t len, unsigned *ret)
{
	unsigned n = 0;
	if (!len || len > 2 || word[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		n = n * 10 + (unsigned)(word[i] - '0');
	}
	*ret = n;
	return true;
}

static enum status stanza_try_scrypt(struct stanza_opening *o, const struct age_stanza *s, struct error *err)
{
	unsigned char salt[STANZA_SALT], key[AGE_KEY];
	size_t salt_len = 0, factor_len = 0, n = 0;
	unsigned log_n = 0;
	const char *word = age_stanza_word(s, 1, &salt_len), *factor = age_stanza_word(s, 2, &factor_len);
	if (!word || !factor || age_stanza_word(s, 3, &n) || !age_base64_decode(word, salt_len, salt, sizeof salt, &n) || n != sizeof salt)
		return age_header_bad(err, "the salt of a scrypt stanza is not what it may be");
	if (s->body_len != AGE_WRAPPED)
		return age_header_bad(err, "the body of a scrypt stanza has %zu bytes", s->body_len);
	if (!stanza_log_n(factor, factor_len, &log_n))
		return age_header_bad(err, "the work factor of a scrypt stanza is not what it may be");
	if (log_n > STANZA_LOG_N_MAX)
		return age_header_bad(err, "the work factor of a scrypt stanza is %u, at most %d is accepted", log_n, STANZA_LOG_N_MAX);
	enum status st = ST_OK;
	for (size_t i = 0; !st && !o->found && i < o->keyring->passphrases.n; i++) {
		st = stanza_scrypt_key(o->keyring->passphrases.item[i], salt, log_n, key, err);
		if (!st)
			st = stanza_unwrap(key, s->body, o->file_key, &o->found, err);
	}
	age_crypto_wipe(key, sizeof key);
	return st;
}

static enum status stanza_no_match(const struct age_keyring *k, const char *what, bool scrypt, struct error *err)
{
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s: no key given opens it", what);
	if (scrypt && !k->passphrases.n)
		error_hint(err, "it was encrypted with a passphrase: set SLACKWATER_PASSPHRASE, or give --passphrase to be asked");
	else if (scrypt)
		error_hint(err, "the passphrase is wrong");
	else
		error_hint(err, "give the identity of one of its recipients with --identity; `slackwater info` shows whom it was encrypted for");
	if (err)
		err->sys_errno = ENOKEY;
	return ST_FAILED;
}

static enum status stanza_find(struct stanza_opening *o, const char *what, const struct age_header *h, struct error *err)
{
	enum status st = ST_OK;
	bool scrypt = false;
	for (size_t i = 0; !st && i < h->n; i++) {
		const struct age_stanza *s = &h->stanza[i];
		if (age_stanza_is(s, "X25519")) {
			st = stanza_try_x25519(o, s, err);
		} else if (age_stanza_is(s, "scrypt")) {
			scrypt = true;
			/* Else whoever knows the passphrase could not be sure that nobody else reads it. */
			st = h->n > 1 ? age_header_bad(err, "a scrypt stanza is not alone") : stanza_try_scrypt(o, s, err);
		}
	}
	return st || o->found ? st : stanza_no_match(o->keyring, what, scrypt, err);
}

enum status age_stanza_open(const struct age_keyring *k, const char *what, const struct age_header *h, const char *text,
                            const unsigned char nonce[AGE_NONCE], unsigned char ret[AGE_KEY], struct error *err)
{
	struct stanza_opening o = { .keyring = k };
	unsigned char mac_key[AGE_KEY], mac[AGE_KEY];
	enum status st = stanza_find(&o, what, h, err);
	if (!st)
		st = age_crypto_hkdf(o.file_key, sizeof o.file_key, NULL, 0, "header", mac_key, err);
	if (!st)
		st = age_crypto_hmac(mac_key, sizeof mac_key, text, h->covered, mac, err);
	if (!st && !age_crypto_equal(mac, h->mac, sizeof mac)) {
		st = error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s: the age header was altered: its HMAC is wrong", what);
		error_hint(err, "use another snapshot; `slackwater verify` shows what else is damaged");
	}
	if (!st)
		st = age_crypto_hkdf(o.file_key, sizeof o.file_key, nonce, AGE_NONCE, "payload", ret, err);
	age_crypto_wipe(&o, sizeof o);
	age_crypto_wipe(mac_key, sizeof mac_key);
	return st;
}
