/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_json: results as JSON documents. Each function sets *doc (one reference, the caller's) to a new object or adds to it; out of memory
 * is the only failure. The members are part of the interface: they may grow, never change.
 */
#pragma once

#include "slackwater/jsonx.h"
#include "slackwater/retention.h"
#include "slackwater/seed.h"
#include "slackwater/snapshot.h"
#include "slackwater/stored.h"

enum status output_json_backup(json_t **doc, const struct manifest *m, const struct checkpoint *cp, const char *to,
                               int64_t elapsed_ms, struct error *err);
enum status output_json_check(json_t **doc, const struct preflight *p, const struct error *verdict, struct error *err);
enum status output_json_manifest(json_t **doc, const char *member, const struct manifest *m, struct error *err);
/* Of it what a list shows, under the names it has there. */
enum status output_json_brief(json_t **doc, const char *member, const struct manifest *m, struct error *err);
/* "pin": {reason, pinned}, or null. */
enum status output_json_pin(json_t **doc, const struct pin *p, struct error *err);
enum status output_json_checkpoint(json_t **doc, const struct checkpoint *cp, struct error *err);
enum status output_json_verify(json_t **doc, const struct manifest *m, const struct verify_report *r, int64_t elapsed_ms,
                               struct error *err);
enum status output_json_restore(json_t **doc, const struct manifest *m, const char *dir, uint64_t left_out,
                                int64_t elapsed_ms, struct error *err);
enum status output_json_seed(json_t **doc, const struct seed_report *r, int64_t elapsed_ms, struct error *err);
/* {"error": {kind, code, message, hint}} added to *doc; failure->kind ERR_NONE adds nothing. */
enum status output_json_error(json_t **doc, const struct error *failure, int code, struct error *err);

/* doc.member = value, whose reference is taken in every case; a NULL value is the out of memory of whoever made it. */
enum status output_json_set(json_t **doc, const char *member, json_t *value, struct error *err);
/* What a server says of itself; NULL = out of memory. */
json_t *output_json_server(const struct server_info *s);
/* As "2026-11-20T13:37:01.123Z". */
json_t *output_json_time(int64_t wall_ms);
json_t *output_json_time_or_null(int64_t wall_ms); /* 0: there was none */
