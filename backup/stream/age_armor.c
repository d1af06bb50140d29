/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/age_armor.h"

#include <stdlib.h>
#include <string.h>

#include "stream/age_base64.h"

#define ARMOR_END "-----END AGE ENCRYPTED FILE-----"
enum { ARMOR_BLOCK = 4096, ARMOR_COLUMNS = 64, ARMOR_LINE_BYTES = 48, ARMOR_LINE_MAX = 80, ARMOR_BLANKS_MAX = 1024 };

enum armor_state { ARMOR_BEFORE, ARMOR_INSIDE, ARMOR_LAST, ARMOR_OVER };

struct armor {
	struct store_reader base;
	struct store_reader *next;
	enum armor_state state;
	char block[ARMOR_BLOCK];
	size_t at, n;
	char line[ARMOR_LINE_MAX + 1];
	size_t blanks;
	unsigned char out[ARMOR_LINE_BYTES];
	size_t out_at, out_n;
};

static enum status armor_bad(const char *why, struct error *err)
{
	return error_set(err, ST_FAILED, ERR_SNAPSHOT, "malformed armor: %s", why);
}

/* *ret < 0 at the end. */
static enum status armor_char(struct armor *a, int *ret, struct error *err)
{
	if (a->at == a->n) {
		a->at = a->n = 0;
		enum status st = a->next->ops->read(a->next, a->block, sizeof a->block, &a->n, err);
		if (st)
			return st;
	}
	*ret = a->at < a->n ? (unsigned char)a->block[a->at++] : -1;
	return ST_OK;
}

/* The next line into a->line, without its end, which is LF, CRLF or that of the file. *ret_any false: there is none. */
static enum status armor_line(struct armor *a, bool *ret_any, struct error *err)
{
	size_t n = 0;
	int c = 0;
	*ret_any = false;
	for (;;) {
		enum status st = armor_char(a, &c, err);
		if (st)
			return st;
		if (c < 0 || c == '\n')
			break;
		*ret_any = true;
		if (n == ARMOR_LINE_MAX)
			return armor_bad("a line is too long", err);
		a->line[n++] = (char)c;
	}
	*ret_any = *ret_any || c == '\n';
	if (n && a->line[n - 1] == '\r')
		n--;
	a->line[n] = '\0';
	/* A NUL would hide what follows it. */
	return strlen(a->line) == n ? ST_OK : armor_bad("it holds a NUL", err);
}

static bool armor_blank(const char *line)
{
	return line[strspn(line, " \t\r\v\f")] == '\0';
}

static enum status armor_begin(struct armor *a, struct error *err)
{
	bool any = true;
	do {
		enum status st = armor_line(a, &any, err);
		if (st)
			return st;
		a->blanks += strlen(a->line) + 1;
	} while (any && armor_blank(a->line) && a->blanks <= ARMOR_BLANKS_MAX);
	if (strcmp(a->line, AGE_ARMOR_BEGIN) != 0)
		return armor_bad("it does not begin with its first line", err);
	a->state = ARMOR_INSIDE;
	return ST_OK;
}

static enum status armor_over(struct armor *a, struct error *err)
{
	int c = 0;
	a->state = ARMOR_OVER;
	for (size_t n = 0; n <= ARMOR_BLANKS_MAX; n++) {
		enum status st = armor_char(a, &c, err);
		if (st || c < 0)
			return st;
		if (!strchr(" \t\r\n\v\f", c))
			return armor_bad("something follows its last line", err);
	}
	return armor_bad("too many blanks follow its last line", err);
}

static enum status armor_decode(struct armor *a, struct error *err)
{
	size_t len = strlen(a->line), digits = len;
	while (digits && len - digits < 2 && a->line[digits - 1] == '=')
		digits--;
	if (!len || len > ARMOR_COLUMNS || len % 4 || !age_base64_decode(a->line, digits, a->out, sizeof a->out, &a->out_n))
		return armor_bad("a line is not what it may be", err);
	a->out_at = 0;
	if (a->out_n < ARMOR_LINE_BYTES)
		a->state = ARMOR_LAST;
	return ST_OK;
}

static enum status armor_step(struct armor *a, struct error *err)
{
	bool any = false;
	if (a->state == ARMOR_BEFORE)
		return armor_begin(a, err);
	enum status st = armor_line(a, &any, err);
	if (st)
		return st;
	if (!any)
		return armor_bad("it is cut off", err);
	if (strcmp(a->line, ARMOR_END) == 0)
		return armor_over(a, err);
	return a->state == ARMOR_LAST ? armor_bad("something follows its last line of data", err) : armor_decode(a, err);
}

static enum status armor_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct armor *a = (struct armor *)r;
	size_t n = 0;
	while (n < cap) {
		if (a->out_at < a->out_n) {
			size_t piece = a->out_n - a->out_at < cap - n ? a->out_n - a->out_at : cap - n;
			memcpy((char *)data + n, a->out + a->out_at, piece);
			a->out_at += piece;
			n += piece;
			continue;
		}
		if (a->state == ARMOR_OVER)
			break;
		enum status st = armor_step(a, err);
		if (st)
			return st;
	}
	*ret_n = n;
	return ST_OK;
}

static void armor_free(struct store_reader *r)
{
	free(r);
}

static const struct store_reader_ops armor_ops = { armor_read, armor_free };

enum status age_armor_new(struct store_reader *next, struct store_reader **ret, struct error *err)
{
	struct armor *a = calloc(1, sizeof *a);
	if (!a)
		return error_oom(err);
	a->base = (struct store_reader){ &armor_ops };
	a->next = next;
	*ret = &a->base;
	return ST_OK;
}

bool age_armor_begins(const char *text, size_t len)
{
	size_t at = 0, magic = strlen(AGE_ARMOR_BEGIN);
	while (at < len && memchr(" \t\r\n\v\f", text[at], 6))
		at++;
	return len - at >= magic && memcmp(text + at, AGE_ARMOR_BEGIN, magic) == 0;
}
