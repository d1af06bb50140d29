/* SPDX-License-Identifier: Apache-2.0 */
/* output_checkpoint: channels, sets and coordinates for people: of a checkpoint, and of a server as `check` finds it. */
#pragma once

#include "slackwater/applier.h"

/* proofs: also what was compared with what. */
void output_checkpoint_print(struct buf *out, const struct checkpoint *cp, bool proofs);
/* ready: a backup would not be refused. */
enum status output_checkpoint_preflight(struct buf *out, const struct preflight *p, bool ready, struct error *err);
