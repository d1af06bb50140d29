/* SPDX-License-Identifier: Apache-2.0 */
/* snapshots: the sections [snapshot NAME] as jobs: which instance and store, when, by which rules, with which hooks. */
#pragma once

#include "section.h"
#include "settings.h"

/* s has its instances and stores; s->snapshot has room. Only out of memory fails. */
enum status snapshots_fill(struct sections *all, struct settings *s, struct mistakes *m, struct error *err);
