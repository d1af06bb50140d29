/* SPDX-License-Identifier: Apache-2.0 */
/* The window as the stories see it. */
#include "applier/quiesce.h"

const struct window_options window_defaults = {
	.pause_budget_ms = 500,
	.deadline_ms = 600000,
	.max_pause_ms = 60000,
	.on_deadline = ON_DEADLINE_GIVE_UP,
	.refuse_prepared = true,
};

enum status window_run(const struct conn_options *o, const struct window_options *w, const struct window_capture *capture,
                       struct run *run, struct checkpoint **ret_cp, struct error *err)
{
	struct quiesce q = { .o = o, .w = w, .capture = capture, .run = run };
	enum status st = quiesce_open(&q, err);
	if (!st)
		st = quiesce_run(&q, err);
	if (!st) {
		*ret_cp = q.cp;
		q.cp = NULL;
	}
	quiesce_close(&q);
	return st;
}
