/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_read: one figure out of a part of the view. A path names members, with dots between them ("last.result.pause_ms"). false: the view does
 * not have it (absent, null, another type), and *ret is left alone. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

bool metrics_read_number(const json_t *of, const char *path, double *ret);
bool metrics_read_ms(const json_t *of, const char *path, double *ret);        /* in seconds */
bool metrics_read_time(const json_t *of, const char *path, double *ret);      /* seconds since the epoch */
bool metrics_read_truth(const json_t *of, const char *path, double *ret);
bool metrics_read_present(const json_t *of, const char *path, double *ret);   /* 1 unless it is null */
bool metrics_read_absent(const json_t *of, const char *path, double *ret);    /* 1 when it is null */
bool metrics_read_size(const json_t *of, const char *path, double *ret);      /* of a list */
bool metrics_read_succeeded(const json_t *of, const char *path, double *ret); /* of a run's state */
bool metrics_read_rate(const json_t *of, const char *path, double *ret);      /* bytes a second, of a run's result */

/* Of a channel. */
bool metrics_read_lag(const json_t *of, const char *path, double *ret);
bool metrics_read_busy(const json_t *of, const char *path, double *ret);      /* workers that say true to the member `path` */
bool metrics_read_oldest(const json_t *of, const char *path, double *ret);
bool metrics_read_committed(const json_t *of, const char *path, double *ret); /* a member of waits, while it counts since the applier's start */
bool metrics_read_waits(const json_t *of, const char *path, double *ret);     /* path: a reason */
bool metrics_read_wait_time(const json_t *of, const char *path, double *ret);
bool metrics_read_wait_share(const json_t *of, const char *path, double *ret);

/* Of a repository's snapshots. */
bool metrics_read_proven(const json_t *of, const char *path, double *ret);
bool metrics_read_stored(const json_t *of, const char *path, double *ret);
bool metrics_read_newest(const json_t *of, const char *path, double *ret);
bool metrics_read_oldest_kept(const json_t *of, const char *path, double *ret);

/* NULL = not known. Owned by the view, or static. */
const char *metrics_state_of(const json_t *of, const char *path);
const char *metrics_state_of_thread(const json_t *of, const char *path);
