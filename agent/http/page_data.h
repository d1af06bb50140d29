/* SPDX-License-Identifier: Apache-2.0 */
/* page_data: what page/embed.cmake makes of the files in page/. */
#pragma once

#include <stddef.h>

struct page_part {
	const unsigned char *data; /* a NUL follows */
	size_t len;
};

extern const struct page_part page_html, page_css, page_js;
