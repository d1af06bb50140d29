/* SPDX-License-Identifier: Apache-2.0 */
#include "exposition.h"

#include <math.h>

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help)
{
	e->name = name;
	e->type = type;
	e->help = help;
	e->begun = 0;
}

void exposition_label(struct buf *labels, const char *name, const char *value)
{
	buf_addf(labels, "%s%s=\"", labels->len ? "," : "", name);
	for (const char *c = value ? value : ""; *c; c++) {
		if (*c == '\\' || *c == '"')
			buf_addc(labels, '\\');
		if (*c == '\n')
			buf_adds(labels, "\\n");
		else
			buf_addc(labels, *c);
	}
	buf_addc(labels, '"');
}

void exposition_sample(struct exposition *e, const char *suffix, const char *labels, double value)
{
	if (!e->begun)
		buf_addf(e->out, "# HELP %s %s\n# TYPE %s %s\n", e->name, e->help, e->name, e->type);
	e->begun = 1;
	buf_addf(e->out, "%s%s", e->name, suffix ? suffix : "");
	if (labels && *labels)
		buf_addf(e->out, "{%s}", labels);
	/* fifteen digits are all that a number in JSON keeps, and give milliseconds of an epoch exactly */
	if (isfinite(value))
		buf_addf(e->out, " %.15g\n", value);
	else
		buf_addf(e->out, " %s\n", isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
}
