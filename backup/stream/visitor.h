/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visitor: who looks at, or keeps, the entries of a snapshot while it is read from front to back. For each entry begin, data as often as needed, end. An entry's
 * digest may turn out wrong after its end was called (never before all of its data were handed over): what was kept must not
 * be used until the whole reading has succeeded.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "slackwater/buf.h"

struct visitor;

struct visitor_ops {
	enum status (*begin)(struct visitor *v, const char *name, uint64_t size, struct error *err);
	enum status (*data)(struct visitor *v, const void *data, size_t len, struct error *err);
	enum status (*end)(struct visitor *v, struct error *err);
	/* A part of the index passed; only where it comes between the entries (sequence). */
	enum status (*index)(struct visitor *v, const char *name, const struct buf *json, struct error *err);
};

struct visitor { const struct visitor_ops *ops; };

extern const struct visitor_ops visitor_idle_ops; /* looks at nothing */
enum status visitor_idle_index(struct visitor *v, const char *name, const struct buf *json, struct error *err);
