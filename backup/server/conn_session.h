/* SPDX-License-Identifier: Apache-2.0 */
/* conn_session: what a session is told before its caller sees it, and what it learns about its server. Private to backup/server. */
#pragma once

#include "slackwater/conn.h"

/* Fill c->server, then set the session's variables as conn.h lists them. */
enum status conn_session_begin(struct conn *c, struct error *err);

/* "5.5.5-10.11.19-MariaDB-log" -> FLAVOR_MARIADB, 101119; false when it does not begin with a version. */
bool conn_session_version(const char *text, enum flavor *ret_flavor, unsigned *ret_version);
