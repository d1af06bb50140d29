/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: each source is asked, with the account that replication will use, whether it can continue where the snapshot stands. What the
 * account may not ask is a warning that names the right: then the first START finds out.
 */
#pragma once

#include "job.h"

enum status seed_source_check(struct seed_job *j, struct error *err);
/* The source's session, which has been idle for as long as the load or a comparison took: l->conn is opened anew if it is gone. */
enum status seed_source_again(struct seed_job *j, struct seed_link *l, struct error *err);
