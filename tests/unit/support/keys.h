/* SPDX-License-Identifier: Apache-2.0 */
/* keys: a new pair of keys for one test. */
#pragma once

#include "slackwater/age.h"

struct keys {
	struct buf identity, recipient;
	struct age_recipients *to;
	struct age_keyring *ring;
};

void keys_new(struct keys *k);
void keys_free(struct keys *k);
