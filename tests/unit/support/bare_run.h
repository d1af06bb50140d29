/* SPDX-License-Identifier: Apache-2.0 */
/* A run that says nothing and is never cancelled, for a program's tests that need no directory (scratch.h has both). */
#pragma once

#include "slackwater/run.h"

extern struct run bare_run;

/* For cmocka_run_group_tests. */
int bare_run_setup(void **state);
int bare_run_teardown(void **state);
