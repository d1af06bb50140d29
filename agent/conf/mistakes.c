/* SPDX-License-Identifier: Apache-2.0 */
#include "mistakes.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text.h"
#include "slackwater/array.h"

enum { MISTAKES_TEXT_MAX = 4096 };

void mistakes_free(struct mistakes *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->item[i].text);
	free(m->item);
	strlist_free(&m->files);
	*m = (struct mistakes){ 0 };
}

void mistakes_file(struct mistakes *m, const char *file)
{
	struct error ignored;
	if (strlist_add(&m->files, file, &ignored))
		m->no_memory = true;
}

static size_t file_number(const struct mistakes *m, const char *file)
{
	for (size_t i = 0; file && i < m->files.n; i++)
		if (!strcmp(m->files.item[i], file))
			return i + 1;
	return 0;
}

/* text is taken */
static void keep(struct mistakes *m, const char *file, unsigned line, char *text)
{
	struct mistake *all = array_room(m->item, m->n, &m->cap, sizeof *all);
	if (all)
		m->item = all;
	if (!all || !text) {
		m->no_memory = true;
		free(text);
		return;
	}
	m->item[m->n] = (struct mistake){ .text = text, .file = file_number(m, file), .order = m->n, .line = line };
	m->n++;
}

static void add(struct mistakes *m, const char *file, unsigned line, const char *hint, const char *text)
{
	struct buf out = BUF_INIT(MISTAKES_TEXT_MAX);
	if (file)
		text_add(&out, file);
	if (file && line)
		buf_addf(&out, ":%u: ", line);
	else if (file)
		buf_adds(&out, ": ");
	text_add(&out, text);
	if (hint && *hint) {
		buf_adds(&out, " (");
		text_add(&out, hint);
		buf_addc(&out, ')');
	}
	keep(m, file, line, buf_take(&out));
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

static int by_place(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;
	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

enum status mistakes_verdict(struct mistakes *m, struct error *err)
{
	if (m->no_memory)
		return error_oom(err);
	if (!m->n)
		return ST_OK;
	qsort(m->item, m->n, sizeof *m->item, by_place);
	if (m->n == 1)
		return error_set(err, ST_FAILED, ERR_USAGE, "%s", m->item[0].text);
	error_set(err, ST_FAILED, ERR_USAGE, "%.800s, and %zu more mistake%s", m->item[0].text, m->n - 1, m->n > 2 ? "s" : "");
	return error_hint(err, "slackwater check --config FILE names them all");
}
