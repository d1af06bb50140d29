/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_config: `check --config FILE`: everything that can be known before the first run. First the file and what it names (ERR_USAGE); when
 * that is in order each instance as `check` does it, what each snapshot would capture, and each store: reachable, listable, writable as far as
 * that is known without writing (ERR_PREFLIGHT). Touches no server and no repository.
 */
#pragma once

#include "app.h"

/* Fills app's text or document, whatever is returned. */
enum status check_config(struct app *app, struct error *err);
