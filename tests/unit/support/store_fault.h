/* SPDX-License-Identifier: Apache-2.0 */
/* store_fault: a wrapper round any store, for tests: counts its calls, fails the n-th of a kind or of all, holds writers at a gate. */
#pragma once

#include "slackwater/store.h"

enum store_fault_op {
	FAULT_CREATE, FAULT_WRITE, FAULT_COMMIT, FAULT_PUT, FAULT_OPEN, FAULT_READ, FAULT_STAT, FAULT_LIST, FAULT_REMOVE, FAULT_SWEEP,
	FAULT_ANY, /* the calls that write or read, counted as one row: all but REMOVE and SWEEP */
	FAULT_OPS
};

struct store_fault;

/* Takes inner. */
struct store *store_fault_new(struct store *inner, struct run *run, struct store_fault **ret);
/* The n-th call of that kind from now on fails (n = 1: the next) with ERR_STORE and EIO; 0 = none does. afterwards: what was asked is done, and
 * reported as failed all the same: an answer that got lost. */
void store_fault_at(struct store_fault *f, enum store_fault_op op, unsigned n, bool afterwards);
unsigned store_fault_calls(const struct store_fault *f, enum store_fault_op op); /* since the last store_fault_at */
bool store_fault_hit(const struct store_fault *f);
/* Listings from now on tell n objects and folders together, and fail with EIO then; 0 = none does. */
void store_fault_cut(struct store_fault *f, unsigned n);
/* Removing an object whose key has this in it fails with EPERM, as Object Lock does it; NULL = none. Borrowed. */
void store_fault_lock(struct store_fault *f, const char *part);
/* Every write from now on waits at a gate until it is opened; a patient one does not even move when the run is cancelled. */
void store_fault_hold(struct store_fault *f, bool patient);
void store_fault_release(struct store_fault *f);
/* Until n writers wait at the gate, at most 10 s; false: they never came. */
bool store_fault_wait_held(struct store_fault *f, unsigned n);
