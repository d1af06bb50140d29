/* SPDX-License-Identifier: Apache-2.0 */
/* work: the library's option structs, from the command line. */
#pragma once

#include "config.h"
#include "slackwater/snapshot.h"
#include "slackwater/store.h"

struct window_options work_window_options(const struct config *c);
/* Texts stay the command line's. */
struct store_options work_store_options(const struct config *c);
/* Reads --tables-from-file. What it fills is freed by work_engine_options_free, also after a failure. */
enum status work_engine_options(const struct config *c, struct engine_options *ret, struct error *err);
void work_engine_options_free(struct engine_options *o);
/* One schema.table a line; blank lines and lines that start with '#' do not count. */
enum status work_parse_tables(const char *text, const char *name, struct strlist *ret, struct error *err);
