/* SPDX-License-Identifier: Apache-2.0 */
/* exitcode: the one table from the kind of an error to the process's exit code. The codes are fixed: scripts rely on them. */
#pragma once

#include <stddef.h>

#include "slackwater/error.h"

struct exitcode {
	enum error_kind kind;
	int code;            /* ERR_INTERRUPTED: 128, the signal's number is added */
	const char *name;    /* in JSON and logs */
	const char *meaning; /* in --help */
};

/* Ordered by kind, one for each. */
const struct exitcode *exitcode_table(size_t *ret_n);
/* Never NULL: a kind out of range is ERR_UNEXPECTED. */
const struct exitcode *exitcode_find(enum error_kind kind);
/* signo: the signal that cancelled the run, 0 = none. */
int exitcode_of(enum error_kind kind, int signo);
/*
 * A path or an address of the configuration cannot be used, errno says why: ERR_USAGE is a mistake in it, after which a service manager does not try
 * again; ERR_BUSY and ERR_STORE are of the moment, a network that is not up yet, a disk that is full or not mounted.
 */
enum error_kind exitcode_of_place(int reason);
