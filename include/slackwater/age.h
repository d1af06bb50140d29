/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age: encryption in the published format age-encryption.org/v1, on OpenSSL's primitives. Knows files and keys, nothing of snapshots.
 *
 * Who writes has recipients: public keys (age1...), or one passphrase. Who reads has a keyring: identities (AGE-SECRET-KEY-1...) and passphrases.
 * A file is a header, in which a fresh file key is wrapped for each recipient, and the payload in chunks of 64 KiB, each sealed by itself and the
 * last one marked as such: any of them can be read alone, none can be left out unseen.
 *
 * Secrets are zeroed when they are freed, and are in no message. What is wrong with a key that somebody gave is ERR_USAGE; what is wrong with a
 * file, or a key that does not open it, is ERR_SNAPSHOT; the latter with sys_errno ENOKEY.
 */
#pragma once

#include "slackwater/store.h"
#include "slackwater/strlist.h"

/* ---- writing ---- */

struct age_recipients;

enum status age_recipients_new(struct age_recipients **ret, struct error *err);
void age_recipients_free(struct age_recipients *r); /* NULL is fine */
/* "age1...", or the path of a file with one of them on each line, blank lines and lines that begin with # apart. */
enum status age_recipients_add(struct age_recipients *r, const char *text, struct error *err);
/* By itself: the format has no file that both a passphrase and a key open. */
enum status age_recipients_passphrase(struct age_recipients *r, const char *passphrase, struct error *err);
/* Each as "age1...", or "passphrase": what may be shown of them. */
const struct strlist *age_recipients_names(const struct age_recipients *r);

/* A whole file at once, appended to out. */
enum status age_seal(const struct age_recipients *to, const void *data, size_t len, struct buf *out, struct error *err);

/* ---- reading ---- */

/* Used by any number of threads once nothing is added to it any more. Keeps what it has opened by the object's key: one keyring, one store. */
struct age_keyring;

enum status age_keyring_new(struct age_keyring **ret, struct error *err);
void age_keyring_free(struct age_keyring *k); /* NULL is fine */
/* A file as slackwater keygen and age-keygen write them: identities, blank lines, lines that begin with #. */
enum status age_keyring_add_file(struct age_keyring *k, const char *path, struct error *err);
enum status age_keyring_add(struct age_keyring *k, const char *identity, struct error *err);
enum status age_keyring_passphrase(struct age_keyring *k, const char *passphrase, struct error *err);

/*
 * From front to back: a reader of the clear text before `next`, which stays the caller's and must outlive it. Armored input (PEM-like text) is
 * read as well. Memory for three chunks. `what` names the file in messages and is copied. k NULL: ERR_USAGE, nobody has given a key.
 */
enum status age_reader_new(struct store_reader *next, struct age_keyring *k, const char *what, struct store_reader **ret, struct error *err);
/* The same if what comes is such a file; else a reader that hands on what comes as it is. */
enum status age_reader_detect(struct store_reader *next, struct age_keyring *k, const char *what, struct store_reader **ret,
                              struct error *err);
/*
 * len > 0 bytes of the clear text from offset: gets the chunks that hold them and no more. size is what the object has to have in the store. At the first
 * opening of a key its header and its last chunk are read too: an object that was cut off, or goes on, is ERR_SNAPSHOT from the start.
 * What the header said is kept in the keyring. Reading beyond the end of the clear text is a short read.
 */
enum status age_reader_at(struct store *store, const char *key, uint64_t size, struct age_keyring *k, uint64_t offset, uint64_t len,
                          struct store_reader **ret, struct error *err);

/* ---- keys ---- */

/* A new pair; identity should be a secret buf. Both without a newline. */
enum status age_keygen(struct buf *identity, struct buf *recipient, struct error *err);
