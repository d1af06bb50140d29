/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_parts: what applier/ needs of a checkpoint beside the public contract. */
#pragma once

#include "slackwater/checkpoint.h"

/* Frees what is inside and leaves a zeroed channel. */
void checkpoint_channel_clear(struct checkpoint_channel *ch);
/* Deep copy; *ret must be zeroed and is to be cleared by the caller even when this fails. */
enum status checkpoint_channel_copy(struct checkpoint_channel *ret, const struct checkpoint_channel *from,
                                    struct error *err);
