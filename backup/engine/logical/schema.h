/* SPDX-License-Identifier: Apache-2.0 */
/* schema: the files of definitions, and `metadata`. */
#pragma once

#include "plan.h"

/* Everything but rows and `metadata`. */
enum status schema_put(const struct inventory *inv, struct stream_writer *w, struct error *err);
/* Last of all, when the rows have been counted. */
enum status schema_put_metadata(const struct inventory *inv, const struct plan *p, bool users, struct stream_writer *w, struct error *err);
