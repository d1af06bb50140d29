/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_keys.h"

#include <stdlib.h>
#include <string.h>

#include "slackwater/fs.h"
#include "stream/age_bech32.h"

enum { KEYS_FILE_MAX = 1 << 20, KEYS_LINE_MAX = 1024, KEYS_RECIPIENTS_MAX = 1000, KEYS_RECIPIENT = 62 };

enum status age_recipients_new(struct age_recipients **ret, struct error *err)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? ST_OK : error_oom(err);
}

static void keys_forget(char *text)
{
	if (text)
		age_crypto_wipe(text, strlen(text));
	free(text);
}

void age_recipients_free(struct age_recipients *r)
{
	if (!r)
		return;
	keys_forget(r->passphrase);
	strlist_free(&r->names);
	free(r->item);
	free(r);
}

const struct strlist *age_recipients_names(const struct age_recipients *r)
{
	return &r->names;
}

static bool keys_begins(const char *text, const char *word)
{
	return strncasecmp(text, word, strlen(word)) == 0;
}

/* A secret key that was given for a public one is not repeated. */
static enum status keys_bad_recipient(const char *text, struct error *err)
{
	if (keys_begins(text, AGE_SECRET_WORD "1")) {
		error_set(err, ST_FAILED, ERR_USAGE, "a secret key was given as a recipient");
		error_hint(err, "it has been seen by others: make a new one with slackwater keygen, and give its public key, age1...");
		return ST_FAILED;
	}
	error_set(err, ST_FAILED, ERR_USAGE, "\"%.100s\" is not a recipient of the kind age1... (%d characters)", text, KEYS_RECIPIENT);
	if (strlen(text) == KEYS_RECIPIENT)
		error_hint(err, "its checksum does not match: mistyped?");
	else
		error_hint(err, "slackwater keygen makes one; keys of plugins, of SSH and hybrid ones are not supported");
	return ST_FAILED;
}

static enum status recipients_add_one(struct age_recipients *r, const char *text, struct error *err)
{
	struct age_public p;
	if (!age_bech32_decode(text, AGE_PUBLIC_WORD, p.key))
		return keys_bad_recipient(text, err);
	if (strlist_has(&r->names, text))
		return ST_OK;
	if (r->passphrase)
		return error_set(err, ST_FAILED, ERR_USAGE, "a passphrase cannot be combined with recipients");
	if (r->n >= KEYS_RECIPIENTS_MAX)
		return error_set(err, ST_FAILED, ERR_USAGE, "more than %d recipients", KEYS_RECIPIENTS_MAX);
	struct age_public *item = realloc(r->item, (r->n + 1) * sizeof *item);
	if (!item)
		return error_oom(err);
	r->item = item;
	r->item[r->n++] = p;
	return strlist_add(&r->names, text, err);
}

typedef enum status keys_line_fn(void *arg, const char *line, struct error *err);

/* Each line that says something, without blanks around it. */
static enum status keys_lines(const char *path, bool secret, keys_line_fn *fn, void *arg, struct error *err)
{
	struct buf text = BUF_INIT(KEYS_FILE_MAX);
	text.secret = secret;
	unsigned number = 0, said = 0;
	enum status st = fs_read_file(path, &text, err);
	if (st && err)
		err->kind = ERR_USAGE;
	for (char *line = text.data, *next; !st && line && *line; line = next) {
		size_t len = strcspn(line, "\n");
		next = line + len + (line[len] != '\0');
		number++;
		line += strspn(line, " \t");
		len = strcspn(line, "\r\n");
		while (len && strchr(" \t", line[len - 1]))
			len--;
		line[len] = '\0';
		if (!*line || *line == '#')
			continue;
		said++;
		if ((st = fn(arg, line, err)))
			error_prefix(err, "%s, line %u", path, number);
	}
	if (!st && !said)
		st = error_set(err, ST_FAILED, ERR_USAGE, "%s holds no key", path);
	buf_free(&text);
	return st;
}

static enum status recipients_line(void *arg, const char *line, struct error *err)
{
	return recipients_add_one(arg, line, err);
}

enum status age_recipients_add(struct age_recipients *r, const char *text, struct error *err)
{
	if (keys_begins(text, AGE_PUBLIC_WORD "1") || keys_begins(text, AGE_SECRET_WORD "1"))
		return recipients_add_one(r, text, err);
	return keys_lines(text, false, recipients_line, r, err);
}

enum status age_recipients_passphrase(struct age_recipients *r, const char *passphrase, struct error *err)
{
	if (r->n || r->passphrase)
		return error_set(err, ST_FAILED, ERR_USAGE, "a passphrase cannot be combined with recipients");
	if (!*passphrase)
		return error_set(err, ST_FAILED, ERR_USAGE, "an empty passphrase protects nothing");
	if (!(r->passphrase = strdup(passphrase)))
		return error_oom(err);
	return strlist_add(&r->names, "passphrase", err);
}

enum status age_keyring_new(struct age_keyring **ret, struct error *err)
{
	struct age_keyring *k = calloc(1, sizeof *k);
	if (!k)
		return error_oom(err);
	pthread_mutex_init(&k->lock, NULL);
	*ret = k;
	return ST_OK;
}

void age_keys_forget(struct age_opened *o)
{
	age_crypto_wipe(o->payload, sizeof o->payload);
	free(o->key);
	free(o);
}

void age_keyring_free(struct age_keyring *k)
{
	if (!k)
		return;
	while (k->opened) {
		struct age_opened *o = k->opened;
		k->opened = o->next;
		age_keys_forget(o);
	}
	if (k->item)
		age_crypto_wipe(k->item, k->n * sizeof *k->item);
	free(k->item);
	strlist_wipe(&k->passphrases);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* realloc() would leave the secrets behind in the old block. */
static enum status keyring_grow(struct age_keyring *k, const struct age_identity *id, struct error *err)
{
	struct age_identity *item = calloc(k->n + 1, sizeof *item);
	if (!item)
		return error_oom(err);
	if (k->n)
		memcpy(item, k->item, k->n * sizeof *item);
	item[k->n] = *id;
	if (k->item)
		age_crypto_wipe(k->item, k->n * sizeof *item);
	free(k->item);
	k->item = item;
	k->n++;
	return ST_OK;
}

static enum status keys_bad_identity(const char *text, struct error *err)
{
	bool sealed = keys_begins(text, "age-encryption.org/") || keys_begins(text, "-----BEGIN AGE");
	if (sealed) {
		error_set(err, ST_FAILED, ERR_USAGE, "the identity file is encrypted itself");
		error_hint(err, "decrypt it first: age -d, into a file that only you can read");
	} else if (keys_begins(text, AGE_PUBLIC_WORD "1")) {
		error_set(err, ST_FAILED, ERR_USAGE, "a public key was given as an identity");
		error_hint(err, "the file that slackwater keygen or age-keygen wrote holds the secret one, AGE-SECRET-KEY-1...");
	} else {
		error_set(err, ST_FAILED, ERR_USAGE, "not an identity of the kind AGE-SECRET-KEY-1..., or mistyped");
		error_hint(err, "keys of plugins, of SSH and hybrid ones are not supported");
	}
	return ST_FAILED;
}

enum status age_keyring_add(struct age_keyring *k, const char *identity, struct error *err)
{
	struct age_identity id;
	if (!age_bech32_decode(identity, AGE_SECRET_WORD, id.secret))
		return keys_bad_identity(identity, err);
	enum status st = age_crypto_public(id.secret, id.public, err);
	if (!st)
		st = keyring_grow(k, &id, err);
	age_crypto_wipe(&id, sizeof id);
	return st;
}

static enum status keyring_line(void *arg, const char *line, struct error *err)
{
	return age_keyring_add(arg, line, err);
}

enum status age_keyring_add_file(struct age_keyring *k, const char *path, struct error *err)
{
	return keys_lines(path, true, keyring_line, k, err);
}

enum status age_keyring_passphrase(struct age_keyring *k, const char *passphrase, struct error *err)
{
	return strlist_add(&k->passphrases, passphrase, err);
}

enum status age_keys_missing(const char *what, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "%s is encrypted, and no key was given", what);
	error_hint(err, "give the file of the key with --identity, or the passphrase in SLACKWATER_PASSPHRASE");
	return ST_FAILED;
}

enum status age_keygen(struct buf *identity, struct buf *recipient, struct error *err)
{
	unsigned char secret[AGE_KEY], public[AGE_KEY];
	enum status st = age_crypto_random(secret, sizeof secret, err);
	if (!st)
		st = age_crypto_public(secret, public, err);
	if (!st) {
		age_bech32_encode(AGE_SECRET_WORD, secret, true, identity);
		age_bech32_encode(AGE_PUBLIC_WORD, public, false, recipient);
		st = buf_check(identity, "the key", err);
	}
	if (!st)
		st = buf_check(recipient, "the key", err);
	age_crypto_wipe(secret, sizeof secret);
	return st;
}
