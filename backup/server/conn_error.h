/* SPDX-License-Identifier: Apache-2.0 */
/* conn_error: what a server's or client library's error number means to us. Private to backup/server and its tests. */
#pragma once

#include "slackwater/conn.h"

/* Fill err from an error of a server or library, graded as conn.h says. opening: while logging in, where every failure means that
 * nothing was touched. text may be NULL. Never returns ST_OK. */
enum status conn_error_set(struct error *err, unsigned my_errno, const char *text, bool opening);

/* The hint of an err from conn_error_set, or of one that speaks of --ssl-..., in the words of a login that was given by other names. */
void conn_error_rename(struct error *err, const struct conn_names *names);

/* After this error the session is gone. */
bool conn_error_is_loss(unsigned my_errno);
