/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonx: reading JSON that somebody may have damaged, on top of jansson. A missing or mistyped member is
 * ST_FAILED/ERR_SNAPSHOT and names the member. Strings returned are owned by the document.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "slackwater/buf.h"
#include "slackwater/error.h"
#include "slackwater/strlist.h"

/* Not JSON, or no object: ERR_SNAPSHOT. No memory for it says nothing about it: ERR_UNEXPECTED. */
enum status jsonx_parse(const char *text, size_t len, const char *what, json_t **ret, struct error *err);
enum status jsonx_str(const json_t *obj, const char *key, const char **ret, struct error *err);
enum status jsonx_u64(const json_t *obj, const char *key, uint64_t *ret, struct error *err);
enum status jsonx_bool(const json_t *obj, const char *key, bool *ret, struct error *err);
enum status jsonx_array(const json_t *obj, const char *key, json_t **ret, struct error *err);
enum status jsonx_object(const json_t *obj, const char *key, json_t **ret, struct error *err);
enum status jsonx_strlist(const json_t *obj, const char *key, struct strlist *ret, struct error *err);
const char *jsonx_str_or(const json_t *obj, const char *key, const char *fallback);
uint64_t jsonx_u64_or(const json_t *obj, const char *key, uint64_t fallback);

/* A string whose memory is zeroed when it is given back, as is all of a document that jsonx_parse has read. */
json_t *jsonx_secret(const char *text);
json_t *jsonx_from_strlist(const struct strlist *l); /* NULL = out of memory */
/* Bytes that are not UTF-8 become U+FFFD, so that a message from a server can always be put into JSON. */
json_t *jsonx_text(const char *s);
json_t *jsonx_text_or_null(const char *s); /* s NULL: null */
json_t *jsonx_count(uint64_t n);           /* more than JSON can hold is the most it can */
json_t *jsonx_append(json_t *list, json_t *v); /* list with v, which it takes, behind its last; NULL, and both given back, when one is or memory runs out */
json_t *jsonx_or_null(json_t *v);          /* another reference to v; v NULL: null */

struct jsonx_member {
	const char *name;
	json_t *value;
};
/* A new object of these members. NULL when one of the values is, or memory runs out. Takes the values in every case. */
json_t *jsonx_make(const struct jsonx_member *member, size_t n);
#define JSONX_MAKE(members) jsonx_make(members, sizeof(members) / sizeof((members)[0]))
/* Sorted keys, two blanks of indent, a final newline. */
enum status jsonx_dump(const json_t *doc, struct buf *out, struct error *err);
enum status jsonx_dump_line(const json_t *doc, struct buf *out, struct error *err); /* the same in one line */
