/* SPDX-License-Identifier: Apache-2.0 */
/* age_stanza: from keys to a file's key and back: what recipients and identities do with the stanzas of a header. */
#pragma once

#include "slackwater/age.h"
#include "stream/age_header.h"

/* A new file for these recipients: its header and its nonce are appended to out, *ret is the key of its payload. */
enum status age_stanza_begin(const struct age_recipients *to, struct buf *out, unsigned char ret[AGE_KEY], struct error *err);
/* text is what h was parsed from. No key fits: ERR_SNAPSHOT with a hint. */
enum status age_stanza_open(const struct age_keyring *k, const char *what, const struct age_header *h, const char *text,
                            const unsigned char nonce[AGE_NONCE], unsigned char ret[AGE_KEY], struct error *err);
