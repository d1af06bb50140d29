/* SPDX-License-Identifier: Apache-2.0 */
/* sign: a call becomes a URL and headers that hold for one attempt. */
#pragma once

#include "store/s3/client.h"

struct sign_request {
	struct buf url;
	struct strlist header;
	char access[HTTP_WORD]; /* whose signature it is */
};

enum status sign_request(struct client *c, struct client_call *call, const struct run *run, struct sign_request *ret, struct error *err);
void sign_request_free(struct sign_request *r);
