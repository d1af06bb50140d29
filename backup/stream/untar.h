/* SPDX-License-Identifier: Apache-2.0 */
/*
 * untar: a tar from a reader, entry by entry, front to back. Regular files with names that names_entry_valid lets pass, nothing else;
 * anything that is not a sound tar is ERR_SNAPSHOT. A failure of the reader is handed on as it is.
 */
#pragma once

#include "slackwater/store.h"

struct untar;

enum status untar_new(struct store_reader *r, struct untar **ret, struct error *err); /* r stays the caller's */
/* The next entry; *ret_name is valid until the next call, NULL at the end of the tar. */
enum status untar_next(struct untar *u, const char **ret_name, uint64_t *ret_size, struct error *err);
/* Where the current entry's header begins. */
uint64_t untar_position(const struct untar *u);
/* The next piece of the current entry's data, valid until the next call; *ret_len 0 at its end, all of `size` having been seen. */
enum status untar_data(struct untar *u, const void **ret_data, size_t *ret_len, struct error *err);
/* After the end of the tar: read the rest of the input, which must be nothing but zeros, so that whoever writes it can finish. */
enum status untar_drain(struct untar *u, struct error *err);
void untar_free(struct untar *u);
