/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finish: what dead runs left open, on every instance of an agent's configuration. Takes the configuration's file, hands each instance to the
 * journal (slackwater/journal.h); must never stop anything or look further. An instance that cannot be helped does not keep the others from it.
 */
#pragma once

#include "app.h"

/*
 * Nothing open: no connection is made. A run that is alive is waited for, wait_lock_ms at most. The error is that of the first instance that failed;
 * text and doc say what became of each.
 */
enum status finish_all(struct app *app, const char *config_file, struct error *err);
