/* SPDX-License-Identifier: Apache-2.0 */
/* links: which channel of the snapshot goes on from which --source, and from where. Pure: the checkpoint and the options decide. */
#pragma once

#include "job.h"

/* Fills j->link. Refused: a channel without its --source, a --source without a channel, coordinates that are needed and were not proven. */
enum status seed_links_pair(struct seed_job *j, struct error *err);
/* Nothing to pair: the target gets no source. */
enum status seed_links_none(struct seed_job *j);
/* Whether what the channel has applied is told by GTIDs, rather than by coordinates of its source. */
bool seed_links_by_gtid(const struct seed_link *l);
/* "" as "the default channel", for messages. */
const char *seed_links_label(const char *channel);
/* host:port into out. */
void seed_links_address(const struct seed_source *s, char out[300]);
