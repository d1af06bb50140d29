/* SPDX-License-Identifier: Apache-2.0 */
/* store_bytes: one object in memory, under any key, as a store that can be opened and nothing else. */
#pragma once

#include "slackwater/store.h"

struct store_bytes {
	struct store base;
	const char *data;
	size_t len;
};

/* data must outlive it. There is nothing to free. */
void store_bytes_init(struct store_bytes *s, const char *data, size_t len);
