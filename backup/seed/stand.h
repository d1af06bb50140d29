/* SPDX-License-Identifier: Apache-2.0 */
/* stand: where a replica stands, by GTIDs and by the coordinates of each of the seed's channels: of the seed, of the snapshotted replica. */
#pragma once

#include "job.h"

struct seed_stand_at { char file[512]; uint64_t pos; };
struct seed_stand {
	char *gtids;              /* NULL: no channel goes by GTID */
	struct seed_stand_at *at; /* one per link; used for those that do not */
	size_t n;
};

enum status seed_stand_of_seed(struct seed_job *j, struct seed_stand *ret, struct error *err);
enum status seed_stand_of_replica(struct seed_job *j, struct conn *replica, struct seed_stand *ret, struct error *err);
/* From a proven checkpoint of the replica. ERR_NOT_PROVEN when coordinates are needed that were not proven. */
enum status seed_stand_of_checkpoint(struct seed_job *j, const struct checkpoint *cp, struct seed_stand *ret, struct error *err);
void seed_stand_free(struct seed_stand *s);

/* a has everything that b has / both have the same. A malformed set is an error. */
enum status seed_stand_reached(const struct seed_job *j, const struct seed_stand *a, const struct seed_stand *b, bool *ret, struct error *err);
enum status seed_stand_equal(const struct seed_job *j, const struct seed_stand *a, const struct seed_stand *b, bool *ret, struct error *err);
/* For a message. */
void seed_stand_describe(const struct seed_stand *s, struct buf *out);
