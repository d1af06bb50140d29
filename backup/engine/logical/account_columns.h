/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account_columns: grants on columns as MySQL before 8.0 keeps them in its tables, for it prints names bare: SELECT (a, b) may be two columns or one
 * that has a comma in its name.
 */
#pragma once

#include "inventory.h"

/* Parallel lists: a grant on columns of one table, and the end of the line by which SHOW GRANTS tells the same: " ON `s`.`t` TO 'u'@'h'". */
struct account_columns { struct strlist grant, end; };

enum status account_columns_read(struct conn *c, const char *user, const char *host, struct account_columns *ret, struct error *err);
/* What to write instead of a line of SHOW GRANTS: the grant that stands for it, or the line itself. */
const char *account_columns_instead(const struct account_columns *a, const char *line);
void account_columns_free(struct account_columns *a);
