/* SPDX-License-Identifier: Apache-2.0 */
/* age_bech32: how keys are written (BIP 173, without its limit of length): a word in front, 32 bytes, a checksum that finds slips of the pen. */
#pragma once

#include "stream/age_crypto.h"

void age_bech32_encode(const char *word, const unsigned char key[AGE_KEY], bool upper, struct buf *out);
/* All letters of one case. False: not a key of that word, or mistyped. */
bool age_bech32_decode(const char *text, const char *word, unsigned char ret[AGE_KEY]);
