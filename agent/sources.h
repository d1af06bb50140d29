/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources: --source, --source-..., SLACKWATER_SOURCE_PASSWORD and the option groups [slackwater-source CHANNEL] and
 * [slackwater-source] become the sources of a seed, one per channel.
 *
 * A channel's own group goes first: it was written for that channel; then the command line, the environment, and the common
 * group. Without --source, a host in [slackwater-source] is the one source.
 */
#pragma once

#include "config.h"
#include "slackwater/optfile.h"
#include "slackwater/seed.h"

/* *ret is an array of *ret_n, freed with sources_free. files may be NULL. None named is ERR_USAGE. */
enum status sources_read(const struct config *c, const struct optfile *files, struct seed_source **ret, size_t *ret_n,
                         struct error *err);
/* Whether any is named, by --source or by a host in [slackwater-source]. */
enum status sources_named(const struct config *c, const struct optfile *files, bool *ret, struct error *err);
extern const struct conn_names sources_names; /* what their logins' options are called */
void sources_free(struct seed_source *source, size_t n);
