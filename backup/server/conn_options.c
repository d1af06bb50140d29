/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "slackwater/conn.h"
#include "slackwater/slot.h"

static const size_t conn_options_texts[] = {
	offsetof(struct conn_options, host),     offsetof(struct conn_options, user),    offsetof(struct conn_options, socket),
	offsetof(struct conn_options, password), offsetof(struct conn_options, ssl_ca), offsetof(struct conn_options, ssl_cert),
	offsetof(struct conn_options, ssl_key),
};
enum { CONN_OPTIONS_TEXTS = sizeof conn_options_texts / sizeof conn_options_texts[0] };

static char **conn_options_text(struct conn_options *o, size_t i)
{
	return (char **)(void *)((char *)o + conn_options_texts[i]);
}

enum status conn_options_copy(struct conn_options *ret, const struct conn_options *from, struct error *err)
{
	struct conn_options o = *from; /* the numbers; every text is replaced */
	enum status st = ST_OK;
	for (size_t i = 0; i < CONN_OPTIONS_TEXTS; i++) {
		char **text = conn_options_text(&o, i);
		const char *theirs = *text;
		*text = NULL;
		if (!st)
			st = slot_set(text, theirs, err);
	}
	if (st)
		conn_options_free(&o);
	else
		*ret = o;
	return st;
}

void conn_options_free(struct conn_options *o)
{
	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	for (size_t i = 0; i < CONN_OPTIONS_TEXTS; i++)
		free(*conn_options_text(o, i));
	*o = (struct conn_options){ 0 };
}

bool conn_options_local(const struct conn_options *o)
{
	return !o->host || !*o->host || strcasecmp(o->host, "localhost") == 0;
}
