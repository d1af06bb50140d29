/* SPDX-License-Identifier: Apache-2.0 */
/* units: sizes, durations, counts and times as people write and read them. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define UNITS_TEXT 48

/*
 * "16M", "16MiB", "1.5G", "4096": bytes; K M G T are powers of 1024, as the servers' own variables have them.
 * false: not a size, or too large; *ret is then unchanged.
 */
bool units_parse_size(const char *text, uint64_t *ret);
/*
 * "500ms", "30s", "10m", "1h", "2d", "1h30m", "1.5s": milliseconds. A number needs its unit, except 0: whether 500 means
 * milliseconds or seconds is not ours to guess.
 */
bool units_parse_duration(const char *text, int64_t *ret_ms);

void units_size(uint64_t bytes, char out[UNITS_TEXT]);           /* "945.2 MiB" */
void units_rate(double bytes_per_s, char out[UNITS_TEXT]);       /* "85.1 MiB/s" */
void units_duration(int64_t ms, char out[UNITS_TEXT]);           /* "14 ms", "21.4 s", "3 min 20 s", "1 h 05 min" */
void units_count(uint64_t n, char out[UNITS_TEXT]);              /* "4,000,000" */
void units_time(int64_t wall_ms, char out[UNITS_TEXT]);          /* "2026-11-20 13:37:01", UTC */
/* What the parsers above take, shortest form: "16M", "10m". */
void units_size_option(uint64_t bytes, char out[UNITS_TEXT]);
void units_duration_option(int64_t ms, char out[UNITS_TEXT]);
