/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid_parts: what a GTID set is made of. Private to backup/server. Parts are sorted by uuid and tag; a part is never without
 * intervals; intervals are sorted, disjoint and not adjacent, so that equal sets are equal byte by byte.
 */
#pragma once

#include "slackwater/gtid.h"

struct gtid_interval { int64_t first, last; };

struct gtid_intervals {
	struct gtid_interval *item;
	size_t n, cap;
};

enum { GTID_TAG_MAX = 32 };

struct gtid_key {
	unsigned char uuid[16];
	char tag[GTID_TAG_MAX + 1]; /* "" = none */
};

struct gtid_part {
	struct gtid_key key;
	struct gtid_intervals iv;
};

struct gtid_set {
	struct gtid_part *part;
	size_t n, cap;
};

/* The decimal number, not more than max, that *at begins with; moves *at behind it. false: there is none. */
bool gtid_number(const char **at, uint64_t max, uint64_t *ret);

/* Appends without keeping any order; NULL = out of memory. The pointer is valid until the next append. */
struct gtid_part *gtid_set_append(struct gtid_set *s, const struct gtid_key *key);
/* Sorts, merges and makes canonical what was appended; false = out of memory. Each part must have an interval. */
bool gtid_set_normalise(struct gtid_set *s);

/* The appending ones return false when out of memory. a or b may be NULL, which is an empty list. */
bool gtid_intervals_append(struct gtid_intervals *l, int64_t first, int64_t last);
bool gtid_intervals_append_all(struct gtid_intervals *l, const struct gtid_intervals *more);
void gtid_intervals_normalise(struct gtid_intervals *l);
bool gtid_intervals_union(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out);
bool gtid_intervals_subtract(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out);
bool gtid_intervals_intersect(const struct gtid_intervals *a, const struct gtid_intervals *b, struct gtid_intervals *out);
bool gtid_intervals_contain(const struct gtid_intervals *l, const struct gtid_intervals *part);
