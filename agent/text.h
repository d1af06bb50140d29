/* SPDX-License-Identifier: Apache-2.0 */
/* text: strings from servers and files on their way to a terminal or a log. Whatever they hold, no control sequence gets through. */
#pragma once

#include <stddef.h>

#include "slackwater/buf.h"
#include "slackwater/units.h"

/* Bytes of the printable UTF-8 character at s; 0 when it is a control character (C1 too) or not valid UTF-8. s is not at its NUL. */
size_t text_char(const char *s);
/* Columns on a terminal, counting every character as one. */
size_t text_width(const char *s);
/* Appended with everything unprintable as '?'; NULL as "". */
void text_add(struct buf *b, const char *s);
/* "1 table", "4,000 tables": word is of one, of others an 's' follows it. */
void text_count(uint64_t n, const char *word, char out[UNITS_TEXT]);
/* Edit distance of two words, case ignored; a swap of neighbours counts as one. At most 63 characters of each are looked at. */
unsigned text_distance(const char *a, const char *b);
/* Near enough to ask "did you mean". */
bool text_similar(const char *typed, const char *known);
/* known, when it is near enough for that and best (NULL = none so far) is not nearer; else best. */
const char *text_nearer(const char *typed, const char *known, const char *best);
