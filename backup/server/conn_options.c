/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "slackwater/conn.h"

static bool conn_options_dup(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

enum status conn_options_copy(struct conn_options *ret, const struct conn_options *from, struct error *err)
{
	struct conn_options o = *from; /* the numbers; every string is replaced */
	bool ok = conn_options_dup(&o.host, from->host);
	ok = conn_options_dup(&o.user, from->user) && ok;
	ok = conn_options_dup(&o.socket, from->socket) && ok;
	ok = conn_options_dup(&o.password, from->password) && ok;
	ok = conn_options_dup(&o.ssl_ca, from->ssl_ca) && ok;
	ok = conn_options_dup(&o.ssl_cert, from->ssl_cert) && ok;
	ok = conn_options_dup(&o.ssl_key, from->ssl_key) && ok;
	if (!ok) {
		conn_options_free(&o);
		return error_oom(err);
	}
	*ret = o;
	return ST_OK;
}

void conn_options_free(struct conn_options *o)
{
	if (o->password)
		explicit_bzero(o->password, strlen(o->password));
	free(o->host);
	free(o->user);
	free(o->socket);
	free(o->password);
	free(o->ssl_ca);
	free(o->ssl_cert);
	free(o->ssl_key);
	*o = (struct conn_options){ 0 };
}
