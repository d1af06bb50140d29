/* SPDX-License-Identifier: Apache-2.0 */
/* orders: what people command (http/backend.h), carried out by the daemon's thread. */
#pragma once

#include "core.h"

/* *ret is the caller's. Names that are not known, and commands that mean nothing now, are ERR_USAGE or ERR_BUSY. "reload" is not among them. */
enum status orders_carry_out(struct core *c, const json_t *request, json_t **ret, struct error *err);
