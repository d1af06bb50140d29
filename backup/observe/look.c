/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/look.h"

#include <stdlib.h>
#include <string.h>

enum status look_refused(struct look *l, const struct error *why, const char *what, const char *right, struct error *err)
{
	if (why->my_errno == CONN_ERROR_NO_TEXT)
		return strlist_addf(&l->o->notes, err, "%s: not shown while some session runs a statement whose bytes are no UTF-8", what);
	if (why->kind == ERR_PREFLIGHT && !l->c->lost)
		return strlist_addf(&l->o->notes, err, "%s: not shown, the account lacks %s", what, right);
	if (err)
		*err = *why;
	return why->status;
}

struct observed_channel *look_channel(const struct observation *o, const char *name)
{
	for (size_t i = 0; i < o->nchannels; i++) {
		if (strcmp(o->channel[i].name, name ? name : "") == 0)
			return &o->channel[i];
	}
	return NULL;
}

struct observed_worker *look_add_worker(struct observed_worker **list, size_t *n, struct error *err)
{
	struct observed_worker *grown = reallocarray(*list, *n + 1, sizeof *grown);
	if (!grown) {
		error_oom(err);
		return NULL;
	}
	*list = grown;
	grown[*n] = (struct observed_worker){
		.id = OBSERVE_UNKNOWN, .age_ms = OBSERVE_UNKNOWN, .age_max_ms = OBSERVE_UNKNOWN, .lag_ms = OBSERVE_UNKNOWN,
		.size_bytes = OBSERVE_UNKNOWN, .done_bytes = OBSERVE_UNKNOWN, .retries = OBSERVE_UNKNOWN,
	};
	return &grown[(*n)++];
}

enum status look_text(char **slot, const char *s, size_t max, struct error *err)
{
	free(*slot);
	*slot = NULL;
	if (!s || !*s)
		return ST_OK;
	size_t n = strnlen(s, max + 1);
	if (n > max)
		for (n = max; n && ((unsigned char)s[n] & 0xC0) == 0x80;)
			n--;
	*slot = strndup(s, n);
	return *slot ? ST_OK : error_oom(err);
}

int64_t look_number(const struct rows *r, const char *col)
{
	const char *s = rows_get(r, col);
	if (!s || !*s)
		return OBSERVE_UNKNOWN;
	int64_t n = strtoll(s, NULL, 10);
	return n < 0 ? 0 : n; /* an age by a clock that was set back, or the source's that is ahead */
}
