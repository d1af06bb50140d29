/* SPDX-License-Identifier: Apache-2.0 */
/* output_text: results for people: aligned, sizes and times readable, times in UTC. Everything is appended to out, which the caller checks. */
#pragma once

#include "slackwater/seed.h"
#include "slackwater/snapshot.h"
#include "slackwater/stored.h"

/* "label         value", the value printf-style; unprintable characters become '?'. */
void output_text_line(struct buf *out, const char *label, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A heading and its items, one a line; nothing at all when the list is empty. */
void output_text_list(struct buf *out, const char *title, const struct strlist *items);
/* A GTID set, one UUID or domain a line. */
void output_text_set(struct buf *out, const char *label, const char *set);

void output_text_backup(struct buf *out, const struct manifest *m, const struct checkpoint *cp, const char *to,
                        int64_t elapsed_ms);
void output_text_manifest(struct buf *out, const struct manifest *m);
void output_text_verify(struct buf *out, const struct manifest *m, const struct verify_report *r, int64_t elapsed_ms);
void output_text_restore(struct buf *out, const struct manifest *m, const char *dir, uint64_t left_out, int64_t elapsed_ms);
void output_text_seed(struct buf *out, const struct seed_options *o, const struct seed_report *r, int64_t elapsed_ms);
