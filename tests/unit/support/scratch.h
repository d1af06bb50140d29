/* SPDX-License-Identifier: Apache-2.0 */
/* scratch: a directory and a run for one test. Use scratch_setup and scratch_teardown as a cmocka test's fixtures; *state is the scratch. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "slackwater/run.h"

struct scratch {
	char dir[64];
	struct run run;
	struct strlist paths; /* what scratch_path has given out */
};

int scratch_setup(void **state);
int scratch_teardown(void **state);

/* "DIR/name"; lives as long as the scratch. */
const char *scratch_path(struct scratch *s, const char *name);
size_t scratch_count(const char *dir); /* files and directories below dir, 0 when it is not there */
void scratch_write(const char *path, const void *data, size_t len);
/* Change one bit of the byte at offset; offset < 0 counts from the end. */
void scratch_flip(const char *path, int64_t offset);
int64_t scratch_now_ms(void);

/* The call succeeds, or the test fails with its error. */
void scratch_ok(enum status st, const struct error *err, const char *file, int line);
#define OK(call) scratch_ok((call), &err, __FILE__, __LINE__)
/* The call fails with that kind of error and has said why: itself, not another one before it. */
void scratch_fails(enum status st, const struct error *err, enum error_kind kind, const char *file, int line);
#define FAILS(kind, call) (err = ERROR_INIT, scratch_fails((call), &err, kind, __FILE__, __LINE__))
