/* SPDX-License-Identifier: Apache-2.0 */
/* listings: what is in the repositories, one child (`list`) for each repository and instance, every list_ms and after every change. */
#pragma once

#include "core.h"

/* For c->settings; what is known of those that stay is kept. Nothing has changed after a failure. */
enum status listings_build(struct core *c, struct error *err);
void listings_free(struct core *c);
void listings_want(struct core *c, const char *store, const char *instance);
void listings_start(struct core *c); /* those whose time has come */
void listings_stuck(struct core *c, const struct task *t); /* of any task that runs: a listing that takes too long is shown as failed before it has ended */
void listings_ended(struct core *c, struct task *t);
int64_t listings_wait_ms(const struct core *c); /* -1 = nothing to wait for */
/* NULL = there is none. */
const struct listing *listings_find(const struct core *c, const char *store, const char *instance);
