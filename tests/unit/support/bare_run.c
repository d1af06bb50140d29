/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_run.h"

struct run bare_run;

int bare_run_setup(void **state)
{
	(void)state;
	return run_init(&bare_run, NULL, NULL, NULL, NULL) ? -1 : 0;
}

int bare_run_teardown(void **state)
{
	(void)state;
	run_destroy(&bare_run);
	return 0;
}
