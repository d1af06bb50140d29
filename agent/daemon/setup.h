/* SPDX-License-Identifier: Apache-2.0 */
/* setup: how the agent comes up from its configuration, takes a new one, and goes down. */
#pragma once

#include "core.h"

/* Configuration, lock, memory, sockets, observers, in this order. Each mistake in the configuration is a line of the log. */
enum status setup_begin(struct core *c, struct error *err);
/*
 * Whether a reload would be taken; what a command is answered, for a reload may have to close the very connection it came by.
 */
enum status setup_check(struct core *c, struct error *err);
/*
 * The file is read again: all of it takes effect, or nothing does and the view says why. Runs go on as they began. state-dir cannot be changed
 * so; the log file is opened anew, so that it can be rotated.
 */
enum status setup_reload(struct core *c, struct error *err);
/* Copes with whatever setup_begin has come to. No task is left. */
void setup_end(struct core *c);
