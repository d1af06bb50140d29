/* SPDX-License-Identifier: Apache-2.0 */
/* help: the texts of --help and --version, and the hints about mistyped verbs and options of other verbs. */
#pragma once

#include "app.h"

void help_program(struct buf *out);
void help_verb(const struct verb *v, struct buf *out);
void help_version(struct buf *out);
const struct verb *help_find_verb(const char *name);
enum status help_unknown_verb(const char *name, struct error *err);
/* Adds to the hint of an unknown option which verbs have it. */
void help_option_of_others(const struct verb *v, const char *option, struct error *err);
