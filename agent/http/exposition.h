/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exposition: Prometheus' text format 0.0.4, line by line. A family's HELP and TYPE are written with its first sample, so that one without samples
 * leaves nothing. Failures are kept in the buffer.
 */
#pragma once

#include "slackwater/buf.h"

struct exposition {
	struct buf *out;
	const char *name, *type, *help;
	int begun;
};

void exposition_family(struct exposition *e, const char *name, const char *type, const char *help);
/* labels: as exposition_label makes them, "" or NULL = none. A suffix ("_sum") may be NULL. */
void exposition_sample(struct exposition *e, const char *suffix, const char *labels, double value);
/* ,NAME="VALUE" with backslash, quote and newline escaped, the comma only when something stands before it; NULL as "". */
void exposition_label(struct buf *labels, const char *name, const char *value);
