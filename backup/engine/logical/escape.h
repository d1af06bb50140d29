/* SPDX-License-Identifier: Apache-2.0 */
/* escape: bytes of a value into the text of a statement; the hottest loop of a dump. */
#pragma once

#include <stddef.h>

/* Room that escape_string may write past what it returns. */
#define ESCAPE_SLACK 16

/*
 * The inside of a single-quoted string, backslash escapes for NUL, newline, carriage return, Ctrl-Z, backslash and the single quote. out has room for
 * 2 * n + ESCAPE_SLACK bytes. Returns the end of what was written.
 */
char *escape_string(char *out, const char *in, size_t n);
/* 2 * n hexadecimal digits, nothing else. */
char *escape_hex(char *out, const char *in, size_t n);
