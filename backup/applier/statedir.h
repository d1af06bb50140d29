/* SPDX-License-Identifier: Apache-2.0 */
/* statedir: what the claim and the journal have in common about the state directory. */
#pragma once

#include "slackwater/conn.h"

#define STATEDIR_KEY 17 /* 16 hexadecimal digits of the identity's digest, and a NUL */

enum status statedir_make(const char *dir, struct error *err); /* mode 0700 when it is made now; ERR_STORE */
/* File names carry a digest of the server's identity: it may hold anything. */
enum status statedir_key(const struct server_info *s, char ret[STATEDIR_KEY], struct error *err);
void statedir_hint(struct error *err); /* what to do when it cannot be used; leaves a better hint alone */
