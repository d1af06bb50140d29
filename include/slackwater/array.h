/* SPDX-License-Identifier: Apache-2.0 */
/* array: room in an array that grows by doubling, for an owner that keeps the array itself, how many items are in it and for how many there is room. */
#pragma once

#include <stddef.h>

/*
 * The array with room for one item of `size` bytes behind its n: as it is, or moved, with *cap the new room. NULL: out of memory; array and *cap stay.
 * The new room is not zeroed. Any array that realloc may be given, NULL with *cap 0 to begin with.
 */
void *array_room(void *array, size_t n, size_t *cap, size_t size);
