/* SPDX-License-Identifier: Apache-2.0 */
/* hex: bytes as hexadecimal digits, and one in a percent-encoded text. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

int hex_digit(char c); /* 0 to 15, in either case; -1: it is none */
/* n bytes as 2 * n lower-case digits and a NUL. */
void hex_encode(const void *data, size_t n, char *ret);
/* The byte that a "%XX" at the beginning of a NUL-terminated text stands for; -1: there is none. */
int hex_percent(const char *text);
