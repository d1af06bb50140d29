/* SPDX-License-Identifier: Apache-2.0 */
#include "mistakes.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../text.h"

enum { MISTAKES_TEXT_MAX = 4096 };

static void add(struct mistakes *m, const char *file, unsigned line, const char *hint, const char *text)
{
	struct buf out = BUF_INIT(MISTAKES_TEXT_MAX);
	struct error ignored;
	if (file && line)
		buf_addf(&out, "%s:%u: ", file, line);
	else if (file)
		buf_addf(&out, "%s: ", file);
	text_add(&out, text);
	if (hint && *hint) {
		buf_adds(&out, " (");
		text_add(&out, hint);
		buf_addc(&out, ')');
	}
	if (out.bad || strlist_add(&m->list, buf_str(&out), &ignored))
		m->no_memory = true;
	buf_free(&out);
}

void mistakes_add(struct mistakes *m, const char *file, unsigned line, const char *hint, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	add(m, file, line, hint, text);
}

static void without_dashes(char *text)
{
	char *to = text;
	bool begins = true;
	for (const char *from = text; *from; begins = strchr(" (\"", *from) != NULL, from++) {
		if (begins && from[0] == '-' && from[1] == '-' && islower((unsigned char)from[2]))
			from += 2;
		*to++ = *from;
	}
	*to = '\0';
}

void mistakes_error(struct mistakes *m, const char *file, unsigned line, const struct error *e)
{
	struct error plain = *e;
	without_dashes(plain.message);
	without_dashes(plain.hint);
	add(m, file, line, plain.hint, plain.message);
}

enum status mistakes_verdict(const struct mistakes *m, struct error *err)
{
	if (m->no_memory)
		return error_oom(err);
	if (!m->list.n)
		return ST_OK;
	if (m->list.n == 1)
		return error_set(err, ST_FAILED, ERR_USAGE, "%s", m->list.item[0]);
	error_set(err, ST_FAILED, ERR_USAGE, "%.800s, and %zu more mistake%s", m->list.item[0], m->list.n - 1, m->list.n > 2 ? "s" : "");
	error_hint(err, "slackwater check --config FILE names them all");
	return ST_FAILED;
}
