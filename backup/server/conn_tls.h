/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conn_tls: an ssl_mode in the words of the client library this was built with. Private to backup/server.
 * The two families differ in what they can express: conn_tls.c says how each mode is reached, and what cannot be is refused.
 */
#pragma once

#include <mysql.h>
#include <stdbool.h>

#include "slackwater/conn.h"

#if defined(MARIADB_BASE_VERSION) || defined(MARIADB_PACKAGE_VERSION)
#define CONN_LIBMARIADB 1
#else
#define CONN_LIBMARIADB 0
#endif

/* Before connecting. local: by Unix socket. */
enum status conn_tls_prepare(MYSQL *m, const struct conn_options *o, bool local, struct error *err);
/* After connecting: is the session what the mode demands? */
enum status conn_tls_check(MYSQL *m, const struct conn_options *o, bool local, struct error *err);
