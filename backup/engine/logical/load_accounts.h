/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_accounts: slackwater-users in two passes. Accounts and roles first, so that definers exist; what they may do last, when what it is
 * about exists. The account we are logged in with is left as it is: changing its password would lock out whoever seeds.
 */
#pragma once

#include "slackwater/conn.h"

/*
 * Authentication plugins that the target lacks, and partial revokes where it does not take them: ERR_SEED_REFUSED. Privileges that it does not
 * know are warned of, and left out when it comes to granting; of those that stand for less than on the snapshotted server (from), what is granted with them is told.
 * text, here and below, is the file; it is left alone.
 */
enum status load_accounts_check(const struct buf *text, struct conn *c, const struct server_info *from, struct error *err);
enum status load_accounts_create(const struct buf *text, struct conn *c, struct error *err);
enum status load_accounts_grant(const struct buf *text, struct conn *c, const struct server_info *from, struct error *err);
/* Whether the statement would change the account ("user@host" as CURRENT_USER() says it) in how it logs in. */
bool load_accounts_about(const char *sql, size_t len, const char *account);
