/* SPDX-License-Identifier: Apache-2.0 */
#include "stepping.h"

int64_t stepping_ms = 1000;

static int64_t stepping_now(void *arg)
{
	(void)arg;
	return stepping_ms;
}

static void stepping_wait(void *arg, int fd, int64_t ms)
{
	(void)arg;
	(void)fd;
	stepping_ms += ms;
}

const struct clock_ops stepping = { stepping_now, stepping_now, stepping_wait };
