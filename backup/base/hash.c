/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/hash.h"

static const uint64_t hash_basis = 0xcbf29ce484222325, hash_prime = 0x100000001b3;

uint64_t hash_more(uint64_t h, const char *s)
{
	for (; s && *s; s++)
		h = (h ^ (unsigned char)*s) * hash_prime;
	return h;
}

uint64_t hash_text(const char *s)
{
	return hash_more(hash_basis, s);
}
