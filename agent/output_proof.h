/* SPDX-License-Identifier: Apache-2.0 */
/* output_proof: what a proof by restoring came to, for people and for machines. The members are part of the interface. */
#pragma once

#include "slackwater/proof.h"

/* "proven 2026-11-20 13:37:01; failed 2026-11-27 03:00:00", behind a "; " when there is something already. */
void output_proof_marks(struct buf *out, const struct proof_standing *p);
/* Lines of `info`. */
void output_proof_lines(struct buf *out, const struct proof_standing *p);
/* "proof" and "trial": an object each, or null. */
enum status output_proof_standing(json_t **doc, const struct proof_standing *p, struct error *err);

/* Of `verify --restore`, also when it failed. */
void output_proof_text(struct buf *out, const struct proof_report *r, int64_t elapsed_ms);
/* verify's members, and "proof" (null: nothing was tried), "scratch", "warnings". */
enum status output_proof_json(json_t **doc, const struct proof_report *r, int64_t elapsed_ms, struct error *err);
