/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: --recipient, --identity, --passphrase and SLACKWATER_PASSPHRASE become what encrypts a snapshot and what opens one.
 *
 * Nothing given is no mistake: NULL comes out. But a backup for which SLACKWATER_PASSPHRASE is set, and nothing says that it is to be used, is
 * refused (ERR_USAGE) rather than written in clear.
 */
#pragma once

#include "config.h"
#include "slackwater/age.h"

/* *ret is the caller's (age_recipients_free); NULL: in clear. */
enum status keys_recipients(const struct config *c, const struct run *run, struct age_recipients **ret, struct error *err);
/* *ret is the caller's (age_keyring_free); NULL: no key was given. Identity files that others may read are warned of. */
enum status keys_ring(const struct config *c, const struct run *run, struct event_sink *events, struct age_keyring **ret,
                      struct error *err);
