/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/dialect.h"

#include <string.h>

/* What stands behind the backslash; 0 = the byte needs none. 0x1a ends input for the plain client on Windows. */
static const unsigned char sql_escape[256] = {
	[0] = '0', ['\n'] = 'n', ['\r'] = 'r', [0x1a] = 'Z', ['\''] = '\'', ['\\'] = '\\',
};

void sql_ident(struct buf *b, const char *name)
{
	buf_addc(b, '`');
	for (const char *tick; (tick = strchr(name, '`')); name = tick + 1) {
		buf_add(b, name, (size_t)(tick - name) + 1);
		buf_addc(b, '`');
	}
	buf_adds(b, name);
	buf_addc(b, '`');
}

void sql_qualified(struct buf *b, const char *schema, const char *name)
{
	sql_ident(b, schema);
	buf_addc(b, '.');
	sql_ident(b, name);
}

enum { SQL_SHORT = 4096 };

/* Room for the worst case is there. */
static void sql_short_bytes(struct buf *b, const char *s, size_t len)
{
	char *to = b->data + b->len;
	*to++ = '\'';
	for (const char *end = s + len; s < end; s++) {
		unsigned char special = sql_escape[(unsigned char)*s];
		if (special)
			*to++ = '\\';
		*to++ = special ? (char)special : *s;
	}
	*to++ = '\'';
	*to = '\0';
	b->len = (size_t)(to - b->data);
}

/* Runs without a special byte are copied whole; no more room is asked for than is needed. */
static void sql_long_bytes(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;
	buf_addc(b, '\'');
	while (s < end) {
		const char *p = s;
		while (p < end && !sql_escape[(unsigned char)*p])
			p++;
		buf_add(b, s, (size_t)(p - s));
		if (p < end) {
			char two[2] = { '\\', (char)sql_escape[(unsigned char)*p++] };
			buf_add(b, two, sizeof two);
		}
		s = p;
	}
	buf_addc(b, '\'');
}

/* Called for every text cell of a dump. */
void sql_bytes(struct buf *b, const char *s, size_t len)
{
	size_t worst = 2 * len + 2;
	bool brief = len <= SQL_SHORT && !b->bad && worst <= b->max && b->len <= b->max - worst;
	if (brief)
		buf_reserve(b, worst);
	if (brief && !b->bad)
		sql_short_bytes(b, s, len);
	else
		sql_long_bytes(b, s, len);
}

void sql_string(struct buf *b, const char *s)
{
	sql_bytes(b, s, strlen(s));
}

void sql_account(struct buf *b, const char *user, const char *host)
{
	sql_string(b, user);
	buf_addc(b, '@');
	sql_string(b, host);
}
