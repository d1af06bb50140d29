/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid: the algebra of MySQL GTID sets (tags included: uuid:1-5:tag:7-9) and of MariaDB GTID positions. Pure, no server.
 * Interval ends are inclusive in text, as the server prints them; 1 <= n <= INT64_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "slackwater/buf.h"

struct gtid_set;

enum status gtid_set_new(struct gtid_set **ret, struct error *err);
/* Blanks and newlines as the server prints them are fine; "" is the empty set. A malformed text is ST_FAILED/ERR_UNEXPECTED naming it. */
enum status gtid_set_parse(const char *text, struct gtid_set **ret, struct error *err);
enum status gtid_set_copy(const struct gtid_set *s, struct gtid_set **ret, struct error *err);
void gtid_set_free(struct gtid_set *s);
void gtid_set_format(const struct gtid_set *s, struct buf *out); /* canonical: sorted, one line, no blanks */
enum status gtid_set_text(const struct gtid_set *s, char **ret, struct error *err); /* the same as a text of its own */
enum status gtid_set_add_set(struct gtid_set *s, const struct gtid_set *other, struct error *err);
enum status gtid_set_subtract(struct gtid_set *s, const struct gtid_set *other, struct error *err);
enum status gtid_set_intersect(struct gtid_set *s, const struct gtid_set *other, struct error *err);
bool gtid_set_contains(const struct gtid_set *s, const struct gtid_set *other); /* other is a subset of s */
bool gtid_set_equal(const struct gtid_set *a, const struct gtid_set *b);
bool gtid_set_empty(const struct gtid_set *s);
uint64_t gtid_set_count(const struct gtid_set *s); /* saturates at UINT64_MAX */
/*
 * Holes: for each uuid (and tag) in s, what lies below its highest number and is missing (facts/servers 2). "*ret" is their set.
 */
enum status gtid_set_holes(const struct gtid_set *s, struct gtid_set **ret, struct error *err);

/* MariaDB: one position = the last GTID of each domain. */
struct gtid_triple { uint32_t domain, server; uint64_t seq; };
struct gtid_pos {
	struct gtid_triple *item; /* sorted by domain (and by server where text had several of one domain) */
	size_t n;
};

enum status gtid_pos_parse(const char *text, struct gtid_pos *ret, struct error *err);
void gtid_pos_free(struct gtid_pos *p);
void gtid_pos_format(const struct gtid_pos *p, struct buf *out);
const struct gtid_triple *gtid_pos_domain(const struct gtid_pos *p, uint32_t domain); /* NULL = none */
/* a has everything of b: every domain of b is in a with seq >= b's. */
bool gtid_pos_reached(const struct gtid_pos *a, const struct gtid_pos *b);
bool gtid_pos_equal(const struct gtid_pos *a, const struct gtid_pos *b);
