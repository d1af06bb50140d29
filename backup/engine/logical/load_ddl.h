/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_ddl: takes the text of SHOW CREATE TABLE apart, so that secondary indexes can be built after the rows. Pure text.
 *
 * Building an index from sorted rows is far cheaper than inserting into it row by row, but an index may only wait when nothing
 * needs it meanwhile and when the table ends up the same. What waits: UNIQUE KEY and KEY of an InnoDB table. What stays: the primary
 * key; every index of a table that has foreign keys or that another one refers to; indexes led by the AUTO_INCREMENT column; unique
 * keys where there is no primary key (the first of them is the clustered one); all unique keys when one of them has to stay (their order
 * decides what REPLACE hits); FULLTEXT, SPATIAL, VECTOR and functional indexes (the server builds those one at a time or by copying), and other
 * indexes before one that stays, because those that are added come last; everything of a system-versioned table. A text that is not
 * understood to its end keeps everything: slower, never wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "slackwater/buf.h"
#include "slackwater/strlist.h"

struct load_ddl_part { const char *text; size_t len; int kind; }; /* one element of the list in parentheses; borrowed */

struct load_ddl {
	const char *sql; /* borrowed */
	size_t len;
	struct load_ddl_part *part;
	size_t nparts;
	size_t list_begin, list_end; /* of the list between the outer parentheses; 0, 0 = not understood */
	bool innodb, versioned;
	bool encrypted;              /* ENCRYPTION='Y', of MariaDB `ENCRYPTED`='YES' */
	bool has_foreign_keys;
	char engine[64];             /* as ENGINE= says; "" = not found */
	struct strlist parents;      /* tables referred to, "schema.table" or ".table" for the own schema, unquoted */
};

/* sql must outlive *ret. Not understood is no error: see list_end. */
enum status load_ddl_parse(const char *sql, size_t len, struct load_ddl *ret, struct error *err);
void load_ddl_free(struct load_ddl *d);
/*
 * The CREATE statement without the indexes that can wait, and those as the tail of an ALTER TABLE ("ADD KEY ..., ADD ..."); the
 * tail stays empty when nothing waits. keep_all: another table refers to this one.
 */
void load_ddl_split(const struct load_ddl *d, bool keep_all, struct buf *create, struct buf *tail);
/*
 * A column that is TIMESTAMP NOT NULL and has no DEFAULT: a server with explicit_defaults_for_timestamp = OFF would make one up. name: unquoted; empty before.
 */
bool load_ddl_bare_timestamp(const struct load_ddl *d, struct buf *name);
bool load_ddl_is_event(const char *sql, size_t len); /* CREATE [DEFINER=account] EVENT ... */
/*
 * CREATE EVENT as SHOW CREATE EVENT prints it: an event that is ENABLEd must not run on a replica, where the source's own run of it
 * arrives by replication. *ret_changed says whether one was switched to DISABLE ON SLAVE. False: not understood.
 */
bool load_ddl_disable_event(const char *sql, size_t len, struct buf *out, bool *ret_changed);
