/* SPDX-License-Identifier: Apache-2.0 */
/* marks: what each object is written with besides its bytes: storage class, encryption by the store, Object Lock, tags. All are plain headers, signed. */
#pragma once

#include "slackwater/store.h"
#include "store/s3/client.h"

struct marks {
	char *storage_class, *sse, *sse_key;
	const char *lock_mode; /* NULL: none */
	int64_t lock_ms;
	struct buf tags;       /* as the header wants them: "name=value&name=value", encoded */
};

enum { MARKS_UNTIL = 24 };

/* What cannot be: ERR_USAGE. The options are copied; free it after a failure, too. */
enum status marks_init(struct marks *m, const struct s3_options *o, struct error *err);
void marks_free(struct marks *m);
/*
 * For a request that makes an object, at now_ms by the store's clock. until: room for the end of the lock, which must live as long as the call. The call
 * asks for Content-MD5 where a lock wants it.
 */
void marks_add(const struct marks *m, int64_t now_ms, char until[MARKS_UNTIL], struct client_call *call);
