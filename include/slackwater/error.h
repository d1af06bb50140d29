/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error: how every fallible call says what went wrong.
 *
 * A fallible function returns an enum status and, unless it is ST_OK, has filled the struct error it was given. The status
 * grades what the caller may do next; the kind says what sort of trouble it is and is mapped to the process's exit code by
 * one table in agent/exitcode.c. Outputs named ret_* are written on ST_OK only.
 *
 * An error owns nothing: it is a plain value, may be copied and needs no free. Messages never contain a secret and are
 * one line, without a full stop. Library code never prints.
 */
#pragma once

#include <stdbool.h>

/* Graded: a retry may help at once, this attempt failed, the process cannot sensibly go on. */
enum status { ST_OK = 0, ST_RETRY, ST_FAILED, ST_FATAL };

enum error_kind {
	ERR_NONE = 0,
	ERR_UNEXPECTED,   /* exit 1: a defect, out of memory, something the operating system refused */
	ERR_USAGE,        /* exit 2 */
	ERR_PREFLIGHT,    /* exit 3: refused, or cannot log in; nothing was touched */
	ERR_NO_QUIET,     /* exit 4: no quiet moment before the deadline; the applier as it was found */
	ERR_APPLIER,      /* exit 5: applier broken, or a gap that cannot be closed */
	ERR_INCONSISTENT, /* exit 6: consistency not provable (other writers, DDL retries exhausted) */
	ERR_STORE,        /* exit 7: store, transfer or local disk */
	ERR_SNAPSHOT,     /* exit 8: snapshot missing or damaged */
	ERR_SEED_REFUSED, /* exit 9: seeding refused before a byte was loaded */
	ERR_NOT_PROVEN,   /* exit 10: the seeded replica was not proven */
	ERR_BUSY,         /* exit 11: another run holds this instance */
	ERR_SERVER,       /* exit 12: server lost, or a statement failed midway */
	ERR_INTERRUPTED   /* exit 128 + signal */
};

struct error {
	enum status status;
	enum error_kind kind;
	int sys_errno;      /* errno, 0 if none was involved */
	unsigned my_errno;  /* server or client library error number, 0 if none */
	char message[1024];
	char hint[512];     /* what to do about it; may be empty */
};

#define ERROR_INIT ((struct error){ .status = ST_OK })

/* Fill e (replacing what was there) and return st. e may be NULL. */
enum status error_set(struct error *e, enum status st, enum error_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same from errno, whose text is appended: "MESSAGE: No space left on device". ENOSPC, EACCES, EROFS ... get a hint. */
enum status error_sys(struct error *e, enum status st, enum error_kind kind, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Out of memory, as every allocation failure reports it. */
enum status error_oom(struct error *e);

/* Set the hint of an error that has been filled. Returns e->status; of no error, as the next one does, ST_FAILED. */
enum status error_hint(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "FMT: " in front of the message; returns e->status. */
enum status error_prefix(struct error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
