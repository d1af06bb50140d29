/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prove: a seeded replica is proven when, with no error, receiver and applier run and everything that the sources had when we connected to them
 * (before the load) is applied, and then everything they have now, within a few seconds: it has caught up.
 */
#pragma once

#include "job.h"

/* Fills catch_up_ms. ERR_NOT_PROVEN with the server's words, also when catch_up_timeout_ms is over. */
enum status seed_prove(struct seed_job *j, struct error *err);
