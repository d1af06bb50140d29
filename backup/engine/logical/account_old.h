/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account_old: what SHOW GRANTS of MySQL 5.6, which has no SHOW CREATE USER, says of an account wrongly or not at all: how it authenticates if not by
 * mysql_native_password, that its password has expired, and a name with a quotation mark, which it prints as it is [run 5.6.24].
 */
#pragma once

#include "inventory.h"

struct account_old {
	char *plugin; /* NULL: mysql_native_password */
	char *proof;  /* what the plugin keeps; a secret */
	bool expired;
};

enum status account_old_read(struct conn *c, const char *user, const char *host, struct account_old *ret, struct error *err);
/* CREATE USER of an account that GRANT would create otherwise than it is; nothing of others. */
void account_old_create(const struct account_old *a, const char *user, const char *host, struct buf *out);
/* A line of SHOW GRANTS as a statement that does what it says. */
void account_old_grant(const struct account_old *a, const char *user, const char *host, const char *line, struct buf *out);
void account_old_free(struct account_old *a);
