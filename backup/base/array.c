/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/array.h"

#include <stdlib.h>

enum { ARRAY_FIRST = 16 };

void *array_room(void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	size_t more = *cap ? *cap * 2 : ARRAY_FIRST;
	void *grown = reallocarray(array, more, size);
	if (grown)
		*cap = more;
	return grown;
}
