/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_header.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/age_base64.h"

enum { HEADER_COLUMNS = 64, HEADER_LINE_BYTES = 48, HEADER_MAC_DIGITS = 43 };

enum status age_header_bad(struct error *err, const char *fmt, ...)
{
	char why[256];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "malformed age header: %s", why);
	error_hint(err, "it is no age file, or was altered; use another snapshot");
	return ST_FAILED;
}

struct header_text {
	const char *at, *end;
	bool partial; /* the last line asked for is not whole yet */
};

/* The next line without its newline, NULL when it is not there. */
static const char *header_line(struct header_text *t, size_t *ret_len)
{
	const char *line = t->at, *newline = memchr(line, '\n', (size_t)(t->end - line));
	if (!newline) {
		t->partial = true;
		return NULL;
	}
	*ret_len = (size_t)(newline - line);
	t->at = newline + 1;
	return line;
}

/* One or more printable characters each, one blank between them. */
static bool header_words_valid(const char *text, size_t len)
{
	bool between = true;
	for (size_t i = 0; i < len; i++) {
		bool blank = text[i] == ' ';
		if (blank ? between : text[i] < 33 || text[i] > 126)
			return false;
		between = blank;
	}
	return !between;
}

static enum status header_body(struct header_text *t, struct age_stanza *s, struct error *err)
{
	for (size_t len = HEADER_COLUMNS; len == HEADER_COLUMNS;) {
		unsigned char piece[HEADER_LINE_BYTES];
		size_t n = 0, room = s->body_len < sizeof s->body ? sizeof s->body - s->body_len : 0;
		const char *line = header_line(t, &len);
		if (!line)
			return ST_OK;
		if (len > HEADER_COLUMNS || !age_base64_decode(line, len, piece, sizeof piece, &n))
			return age_header_bad(err, "a line of a stanza is not what it may be");
		if (room)
			memcpy(s->body + s->body_len, piece, n < room ? n : room);
		s->body_len += n;
	}
	return ST_OK;
}

static enum status header_stanza(struct header_text *t, struct age_header *h, const char *line, size_t len, struct error *err)
{
	struct age_stanza s = { .args = line + 3, .args_len = len - 3 };
	if (!header_words_valid(s.args, s.args_len))
		return age_header_bad(err, "the arguments of a stanza are not what they may be");
	enum status st = header_body(t, &s, err);
	if (st || t->partial)
		return st;
	struct age_stanza *more = realloc(h->stanza, (h->n + 1) * sizeof *more);
	if (!more)
		return error_oom(err);
	h->stanza = more;
	h->stanza[h->n++] = s;
	return ST_OK;
}

static enum status header_mac(struct age_header *h, const char *text, const char *line, size_t len, struct error *err)
{
	size_t n = 0;
	if (len != 4 + HEADER_MAC_DIGITS || line[3] != ' ' || !age_base64_decode(line + 4, len - 4, h->mac, sizeof h->mac, &n) ||
	    n != sizeof h->mac)
		return age_header_bad(err, "its last line is not what it may be");
	if (!h->n)
		return age_header_bad(err, "it has no stanza");
	h->covered = (size_t)(line + 3 - text);
	h->size = (size_t)(line + len + 1 - text);
	return ST_OK;
}

static enum status header_read(struct header_text *t, struct age_header *h, struct error *err)
{
	const char *text = t->at;
	size_t len, magic = strlen(AGE_HEADER_MAGIC), have = (size_t)(t->end - t->at);
	if (memcmp(text, AGE_HEADER_MAGIC, have < magic ? have : magic) != 0)
		return age_header_bad(err, "its first line is not that of version 1");
	for (const char *line = header_line(t, &len); line && !h->size;) {
		enum status st = ST_OK;
		line = header_line(t, &len);
		if (!line)
			break;
		if (len >= 3 && memcmp(line, "-> ", 3) == 0)
			st = header_stanza(t, h, line, len, err);
		else if (len >= 3 && memcmp(line, "---", 3) == 0)
			st = header_mac(h, text, line, len, err);
		else
			st = age_header_bad(err, "there is a line that is neither a stanza nor the last");
		if (st)
			return st;
		if (t->partial)
			break;
	}
	return ST_OK;
}

enum status age_header_parse(const char *text, size_t len, bool ended, struct age_header *ret, bool *ret_whole, struct error *err)
{
	struct age_header h = { 0 };
	struct header_text t = { .at = text, .end = text + len };
	enum status st = header_read(&t, &h, err);
	if (!st && t.partial && (ended || len >= AGE_HEADER_MAX))
		st = age_header_bad(err, ended ? "it is cut off" : "it does not end");
	*ret_whole = !st && !t.partial;
	if (*ret_whole)
		*ret = h;
	else
		age_header_free(&h);
	return st;
}

void age_header_free(struct age_header *h)
{
	free(h->stanza);
	*h = (struct age_header){ 0 };
}

const char *age_stanza_word(const struct age_stanza *s, unsigned i, size_t *ret_len)
{
	const char *word = s->args, *end = s->args + s->args_len;
	for (;; i--) {
		const char *blank = memchr(word, ' ', (size_t)(end - word));
		if (!i) {
			*ret_len = (size_t)((blank ? blank : end) - word);
			return word;
		}
		if (!blank)
			return NULL;
		word = blank + 1;
	}
}

bool age_stanza_is(const struct age_stanza *s, const char *type)
{
	size_t len;
	const char *word = age_stanza_word(s, 0, &len);
	return len == strlen(type) && memcmp(word, type, len) == 0;
}

void age_header_begin(struct buf *out)
{
	buf_adds(out, AGE_HEADER_MAGIC);
}

void age_header_stanza(struct buf *out, const char *args, const unsigned char *body, size_t len)
{
	buf_addf(out, "-> %s\n", args);
	for (; len >= HEADER_LINE_BYTES; body += HEADER_LINE_BYTES, len -= HEADER_LINE_BYTES) {
		age_base64_encode(body, HEADER_LINE_BYTES, out);
		buf_addc(out, '\n');
	}
	/* The line that ends it is shorter than the others, be it empty. */
	age_base64_encode(body, len, out);
	buf_addc(out, '\n');
}

enum status age_header_end(struct buf *out, const unsigned char mac_key[AGE_KEY], struct error *err)
{
	unsigned char mac[AGE_KEY];
	buf_adds(out, "---");
	enum status st = buf_check(out, "the header", err);
	if (!st)
		st = age_crypto_hmac(mac_key, AGE_KEY, out->data, out->len, mac, err);
	if (st)
		return st;
	buf_addc(out, ' ');
	age_base64_encode(mac, sizeof mac, out);
	buf_addc(out, '\n');
	return buf_check(out, "the header", err);
}
