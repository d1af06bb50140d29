/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: the status page, put together from page/page.html, page.css and page.js, which the build embeds. One answer, nothing else is loaded; its
 * policy names the digests of its own style and script, so that no other one is ever carried out.
 */
#pragma once

#include <microhttpd.h>

#include "slackwater/error.h"

enum status page_make(struct MHD_Response **ret, struct error *err);
