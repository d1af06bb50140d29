/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_types: MySQL's JSON holds decimals, dates, times and bytes, which JSON's text has no words for: JSON_OBJECT('d', CURRENT_DATE) reads as a string, and
 * comes back as one; DECIMAL comes back as a DOUBLE. A dump by text cannot carry that, but it can say so. The text tells decimals by what no
 * DOUBLE is printed as (1.50), at no cost; strings that look like a date or bytes make the server compare the document with what its own text would
 * make of it. What escapes is a DECIMAL that is printed as a DOUBLE of that value would be (1.5). MariaDB's JSON is text.
 */
#pragma once

#include "inventory.h"

enum {
	JSON_SCAN_LOST = 1, /* holds what its text does not tell */
	JSON_SCAN_ASK = 2   /* may hold it: the server knows */
};
/* Of a document as MySQL prints it, a set of the two. */
unsigned json_types_scan(const char *text, size_t len);
/* How many rows of t, in the range that `where` is ("" = all), do not equal what is made of their text. */
enum status json_types_ask(struct conn *c, const struct table *t, const char *where, uint64_t *ret, struct error *err);
/*
 * ERR_PREFLIGHT by t's name, when such rows may not be: by option, or because t has no key: replication finds its rows by all they hold, and in a seed of
 * this snapshot would not find these (1032 [run 9.7.4]).
 */
enum status json_types_check(const struct table *t, enum json_types option, struct error *err);
