/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: one link of the chain that a shard's bytes pass, from the tar to the store. Each link owns the next one. A link is used by one thread
 * at a time. A concrete link has struct sink as its first member and sets every slot.
 */
#pragma once

#include <stddef.h>

#include "slackwater/error.h"

struct sink;

struct sink_ops {
	enum status (*write)(struct sink *s, const void *data, size_t len, struct error *err);
	/* Nothing follows: hand on what was held back, then end the next. The last link commits. Then only free. */
	enum status (*end)(struct sink *s, struct error *err);
	/* Of this link alone, not the next. Without end: abort, nothing is left behind. */
	void (*free)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
	struct sink *next; /* NULL for the last */
};

enum status sink_write(struct sink *s, const void *data, size_t len, struct error *err);
enum status sink_end(struct sink *s, struct error *err);
void sink_free(struct sink *s); /* the whole chain from s on; NULL is fine */
