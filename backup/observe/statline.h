/* SPDX-License-Identifier: Apache-2.0 */
/* statline: the line that a parallel applier writes into the error log about itself, every two minutes at most. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statline {
	char channel[256];   /* "" = default channel, or a server without channels */
	char logged_at[40];  /* the line's own time, as written; "" in front of which there was none */
	/* since the last line, then since the applier started; -1 = this version does not say it */
	int64_t elapsed_s;
	int64_t events, overruns, queue_full, queue_memory;
	int64_t dependency_ns, no_worker_count, no_worker_ns;
};

/*
 * line need not end after len bytes. false: it is another line. Known wordings: 5.6 ("slept when Workers occupied"), 5.7 and 8.0
 * ("clock conflicts", slave), 8.0.26+ and 8.4 (replica).
 */
bool statline_parse(const char *line, size_t len, struct statline *ret);
/* Figures of the time between two lines of one channel: now becomes the difference. false: the applier was started anew between. */
bool statline_subtract(struct statline *now, const struct statline *before);
