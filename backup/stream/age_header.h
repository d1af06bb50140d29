/* SPDX-License-Identifier: Apache-2.0 */
/*
 * age_header: the text in front of the payload, as strictly as the format demands: one way to write a thing and no other. What it has to
 * say to a key is in age_stanza.
 */
#pragma once

#include <stdbool.h>

#include "slackwater/buf.h"
#include "stream/age_crypto.h"

enum {
	AGE_HEADER_MAX = 1 << 20,
	AGE_STANZA_BODY = 48 /* of a body's bytes, what is kept: the bodies that we know have 32 */
};

struct age_stanza {
	const char *args;  /* behind "-> "; borrowed from the header's text */
	size_t args_len;
	unsigned char body[AGE_STANZA_BODY];
	size_t body_len;   /* may be larger than what is kept of it */
};

struct age_header {
	struct age_stanza *stanza;
	size_t n;
	size_t covered;    /* so many bytes from the beginning are under the mac */
	unsigned char mac[AGE_KEY];
	size_t size;       /* of the header; the payload's nonce follows */
};

#define AGE_HEADER_MAGIC "age-encryption.org/v1\n"

/*
 * text: the beginning of a file, all of it where `ended`. *ret_whole false: it is right so far, but goes on. ERR_SNAPSHOT: malformed.
 * ret borrows text, and is set only when the header is whole; age_header_free frees the rest.
 */
enum status age_header_parse(const char *text, size_t len, bool ended, struct age_header *ret, bool *ret_whole, struct error *err);
void age_header_free(struct age_header *h);

/* The i-th word of a stanza, 0 being its type; NULL when there are not so many. */
const char *age_stanza_word(const struct age_stanza *s, unsigned i, size_t *ret_len);
bool age_stanza_is(const struct age_stanza *s, const char *type);

void age_header_begin(struct buf *out);
void age_header_stanza(struct buf *out, const char *args, const unsigned char *body, size_t len);
/* The line of the mac, which is over all that is in out. */
enum status age_header_end(struct buf *out, const unsigned char mac_key[AGE_KEY], struct error *err);

enum status age_header_bad(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
