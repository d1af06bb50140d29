/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One line, whatever a server put into its message. */
static void error_flatten(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ')
			*s = ' ';
}

static void error_fill(struct error *e, enum status st, enum error_kind kind, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void error_fill(struct error *e, enum status st, enum error_kind kind, const char *fmt, va_list ap)
{
	/* Put together first: the arguments may point into *e. */
	char message[sizeof e->message];
	vsnprintf(message, sizeof message, fmt, ap);
	error_flatten(message);
	*e = (struct error){ .status = st, .kind = kind };
	memcpy(e->message, message, sizeof message);
}

enum status error_set(struct error *e, enum status st, enum error_kind kind, const char *fmt, ...)
{
	if (!e)
		return st;
	va_list ap;
	va_start(ap, fmt);
	error_fill(e, st, kind, fmt, ap);
	va_end(ap);
	return st;
}

static const char *error_sys_hint(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
		return "free some space or choose another place, then run it again";
	case EACCES:
	case EPERM:
		return "the user running slackwater needs rights on it";
	case EROFS:
		return "it is mounted read-only, or for this service alone: what a unit of systemd may write to, its ReadWritePaths= names";
	case ENOENT:
		return "check the path";
	case ENOTDIR:
		return "something else is where a directory has to be: check the path";
	case EIO:
	case ESTALE:
		return "the kernel's log says more (dmesg)";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files (ulimit -n)";
	case EPIPE:
		return "the reader at the other end of the pipe has gone";
	default:
		return "";
	}
}

enum status error_sys(struct error *e, enum status st, enum error_kind kind, int sys_errno, const char *fmt, ...)
{
	if (!e)
		return st;
	va_list ap;
	va_start(ap, fmt);
	error_fill(e, st, kind, fmt, ap);
	va_end(ap);
	char text[128];
	size_t used = strlen(e->message);
	snprintf(e->message + used, sizeof e->message - used, ": %s", strerror_r(sys_errno, text, sizeof text));
	e->sys_errno = sys_errno;
	snprintf(e->hint, sizeof e->hint, "%s", error_sys_hint(sys_errno));
	return st;
}

enum status error_oom(struct error *e)
{
	return error_set(e, ST_FATAL, ERR_UNEXPECTED, "out of memory");
}

enum status error_hint(struct error *e, const char *fmt, ...)
{
	if (!e)
		return ST_FAILED;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	error_flatten(e->hint);
	return e->status;
}

enum status error_prefix(struct error *e, const char *fmt, ...)
{
	if (!e)
		return ST_FAILED;
	char message[sizeof e->message];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof message, fmt, ap);
	va_end(ap);
	size_t used = strlen(message);
	snprintf(message + used, sizeof message - used, ": %s", e->message);
	error_flatten(message);
	memcpy(e->message, message, sizeof message);
	return e->status;
}
