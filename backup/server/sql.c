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

/* Called for every text cell of a dump: runs without a special byte are copied whole. */
void sql_bytes(struct buf *b, const char *s, size_t len)
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

void sql_string(struct buf *b, const char *s)
{
	sql_bytes(b, s, strlen(s));
}
