/* SPDX-License-Identifier: Apache-2.0 */
/* objectstore: options that only s3:// understands, given with a store that is something else. There they would be dropped in silence. */
#pragma once

#include "config.h"

/* ERR_USAGE when o is one of config_s3 or config_s3_write and url a directory or a pipe; what names the option or key that url is the value of. */
enum status objectstore_fits(const struct option *o, const char *what, const char *url, struct error *err);
/* The same of all options that a verb was given. */
enum status objectstore_check(const struct options_rest *given, const struct config *c, struct error *err);
