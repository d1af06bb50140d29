/* SPDX-License-Identifier: Apache-2.0 */
/* strlist: an array of owned strings. free(NULL-ish) is fine: a zeroed list is an empty one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slackwater/error.h"

struct strlist {
	char **item;
	size_t n, cap;
};

enum status strlist_add(struct strlist *l, const char *s, struct error *err);
enum status strlist_addf(struct strlist *l, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum status strlist_add_all(struct strlist *l, const struct strlist *from, struct error *err);
bool strlist_has(const struct strlist *l, const char *s);
void strlist_sort(struct strlist *l); /* bytewise */
bool strlist_has_sorted(const struct strlist *l, const char *s); /* of one that is sorted */
void strlist_free(struct strlist *l);
void strlist_wipe(struct strlist *l); /* the same of secrets: zeroed first */
