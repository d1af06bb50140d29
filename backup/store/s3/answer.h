/* SPDX-License-Identifier: Apache-2.0 */
/* answer: what an answer of S3 means. */
#pragma once

#include "store/s3/client.h"

enum answer_class {
	ANSWER_FINAL,     /* it counts, for good or ill */
	ANSWER_AGAIN,     /* a passing trouble */
	ANSWER_EXPIRED,   /* the credentials were good once */
	ANSWER_SKEWED,    /* the clocks disagree */
	ANSWER_ELSEWHERE, /* another region */
	ANSWER_MUTE,      /* refused without a reason, as HEAD has no document: expired, skewed or forbidden */
	ANSWER_CORRUPTED, /* what arrived is not what was sent */
	ANSWER_CLASSES
};

/* Reads the error's document into call->code, text and region. */
enum answer_class answer_classify(struct client_call *call);
/* A 2xx may still be none: not whole, or an error in disguise. had: bytes that were there before this attempt. */
enum status answer_check_body(struct client_call *call, size_t had, enum answer_class *ret_class, struct error *err);
/* A 2xx, or what the call wants besides. */
bool answer_wanted(const struct client_call *call);
