/* SPDX-License-Identifier: Apache-2.0 */
/* journal_parts: what journal.c and journal_finish.c share. */
#pragma once

#include "slackwater/journal.h"

/* ERR_STORE when it cannot be read or understood. */
enum status journal_read(const char *path, struct journal_record *ret, struct error *err);
/* Durably; a missing one is fine. */
enum status journal_remove(const char *path, const char *dir, struct error *err);
enum status journal_endpoint(const struct conn_options *o, char **ret, struct error *err);
/* Unix time, good to a second or two. */
enum status journal_server_start(struct conn *c, int64_t *ret_s, struct error *err);
