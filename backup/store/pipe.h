/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe: one object, written or read once, front to back, through a descriptor; its key is only for messages.
 *
 * A stalled partner blocks nothing for good: cancelling the run ends a read or write. A partner that has gone is ERR_STORE with EPIPE, never a signal. Nothing can be
 * listed, looked at or removed; sweeping and removing do nothing.
 */
#pragma once

#include "slackwater/store.h"

/* fd stays the caller's and must outlive the store. A terminal is ERR_USAGE. */
enum status pipe_open(int fd, enum store_use use, struct run *run, struct store **ret, struct error *err);
