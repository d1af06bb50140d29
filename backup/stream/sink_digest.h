/* SPDX-License-Identifier: Apache-2.0 */
/* sink_digest: counts and sums up what passes. */
#pragma once

#include <stdint.h>

#include "slackwater/digest.h"
#include "stream/sink.h"

struct sink_digest {
	struct sink base;
	struct digest *digest;
	uint64_t size;
	char sha256[DIGEST_HEX]; /* after end */
};

/* Takes next in every case. */
enum status sink_digest_new(struct sink *next, struct sink_digest **ret, struct error *err);
