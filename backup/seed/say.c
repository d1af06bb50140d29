/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "job.h"

enum status seed_refuse(struct error *err, const char *hint, const char *fmt, ...)
{
	char message[sizeof err->message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	error_set(err, ST_FAILED, ERR_SEED_REFUSED, "%s", message);
	error_hint(err, "%s", hint);
	return ST_FAILED;
}

void seed_midway(struct error *err)
{
	struct error was = *err; /* a hint is not put together from itself */
	if (err->kind == ERR_PREFLIGHT || err->kind == ERR_SEED_REFUSED)
		err->kind = ERR_SERVER;
	error_hint(err, "%s%sthe target is marked incomplete: seed it again with --replace", was.hint, was.hint[0] ? "; " : "");
}

void seed_warn(struct seed_job *j, const char *fmt, ...)
{
	char text[1024];
	struct error ignored;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	event_warning(j->run->events, "seed", "%s", text);
	(void)strlist_add(&j->report->warnings, text, &ignored);
}

bool seed_is_mariadb(const struct seed_job *j)
{
	return j->target->server.flavor == FLAVOR_MARIADB;
}
