/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alone: the end of a seed that has no source, because every server is lost: it gets the snapshot's GTID state, so that it can be the source of
 * others, and what it holds is counted and said. It replicates from nothing.
 */
#pragma once

#include "job.h"

/* After the load. Fills report->held. ERR_NOT_PROVEN when rows are missing. */
enum status seed_alone(struct seed_job *j, struct error *err);
