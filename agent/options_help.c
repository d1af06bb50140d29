/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "slackwater/units.h"

enum { HELP_COLUMN = 27, HELP_WIDTH = 80 };

/* The default as it would be typed; "" when there is none worth showing (nothing set, or chosen at run time). */
static void default_text(const struct option *o, const void *defaults, char out[UNITS_TEXT])
{
	const void *slot = (const char *)defaults + o->offset;
	out[0] = '\0';
	if (o->type == OPTION_SIZE && *(const uint64_t *)slot)
		units_size_option(*(const uint64_t *)slot, out);
	else if (o->type == OPTION_DURATION && *(const int64_t *)slot > 0)
		units_duration_option(*(const int64_t *)slot, out);
	else if (o->type == OPTION_NUMBER && *(const unsigned *)slot)
		snprintf(out, UNITS_TEXT, "%u", *(const unsigned *)slot);
	else if (o->type == OPTION_CHOICE && *(const int *)slot >= 0)
		snprintf(out, UNITS_TEXT, "%s", o->choices[*(const int *)slot]);
}

void options_wrap(struct buf *out, const char *text, size_t indent)
{
	size_t column = indent;
	while (*text) {
		size_t len = strcspn(text, " \n");
		if (column + 1 + len > HELP_WIDTH && column > indent) {
			buf_addf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, len);
		column += len;
		text += len + strspn(text + len, " \n");
	}
	buf_addc(out, '\n');
}

static void option_help(const struct option *o, const void *defaults, struct buf *out)
{
	char left[64], value[UNITS_TEXT];
	struct buf text = BUF_INIT(1024);
	snprintf(left, sizeof left, "  %c%c%c --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
	         o->letter ? ',' : ' ', o->name, o->value ? " " : "", o->value ? o->value : "");
	default_text(o, defaults, value);
	buf_adds(&text, o->help);
	if (value[0])
		buf_addf(&text, " (default %s)", value);
	buf_adds(out, left);
	if (strlen(left) + 2 > HELP_COLUMN)
		buf_addf(out, "\n%*s", HELP_COLUMN, "");
	else
		buf_addf(out, "%*s", (int)(HELP_COLUMN - strlen(left)), "");
	options_wrap(out, buf_str(&text), HELP_COLUMN);
	buf_free(&text);
}

void options_help(const struct option_group *const *groups, const void *defaults, struct buf *out)
{
	for (; *groups; groups++) {
		buf_addf(out, "\n%s\n", (*groups)->title);
		for (size_t i = 0; i < (*groups)->n; i++)
			if ((*groups)->option[i].type != OPTION_REFUSED)
				option_help(&(*groups)->option[i], defaults, out);
	}
}
