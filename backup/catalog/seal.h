/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: what binds an encrypted snapshot together. Its manifest can be read by anybody, so that it is listed and its digests checked without a key.
 * The member hmac_sha256, on the line before the digest, is the HMAC of all bytes before that line; the key, random and of this snapshot
 * alone, is in checkpoint.json, which is encrypted. It shows alteration and mixing to whoever can read the checkpoint. It does not say
 * who made the snapshot: for that, the public key is enough.
 */
#pragma once

#include "slackwater/catalog.h"
#include "slackwater/jsonx.h"

#define SEAL_KEY_MEMBER "manifest_key"

json_t *seal_describe(const struct manifest *m); /* the member "encryption"; NULL: out of memory */
/* Append the line of the seal of what out holds from start on. */
enum status seal_write(const struct manifest *m, size_t start, struct buf *out, struct error *err);
/* From the manifest's text into m; that all objects, or none, are encrypted is checked too. */
enum status seal_read(const json_t *doc, const char *text, size_t len, struct manifest *m, struct error *err);
/* checkpoint: the document of checkpoint.json. */
enum status seal_check(const struct manifest *m, const json_t *checkpoint, struct error *err);
void seal_free(struct manifest *m);
