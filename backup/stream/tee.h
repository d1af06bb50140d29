/* SPDX-License-Identifier: Apache-2.0 */
/* tee: a reader in front of another one, that copies what passes into a sink and reports how much it was. */
#pragma once

#include "slackwater/store.h"
#include "stream/sink.h"

/* next and copy (which may be NULL) stay the caller's and must outlive it. Progress goes to run's events as that of area. */
enum status tee_new(struct store_reader *next, struct sink *copy, struct run *run, const char *area, struct store_reader **ret,
                    struct error *err);
