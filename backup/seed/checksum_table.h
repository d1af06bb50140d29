/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checksum_table: one SELECT over one table whose answer is the same on any two servers that hold the same rows, whatever their order, row format
 * or version: the number of rows, and sum and exclusive or of each row's CRC32. CHECKSUM TABLE is none of this across versions.
 */
#pragma once

#include "slackwater/conn.h"

struct seed_sum {
	char text[128];   /* comparable */
	uint64_t rows;
	uint64_t beyond;  /* rows whose text was longer than max_allowed_packet: counted, not compared */
	uint64_t columns; /* a hash of their names and types as they were when the statement was made, not at the snapshot */
};

/* ST_OK with an empty text when the table is not there. consistent: inside a snapshot transaction, whose locks on the table are given up. */
enum status seed_checksum_table(struct conn *c, const char *schema, const char *table, bool consistent, struct seed_sum *ret,
                                struct error *err);
/* Tables in InnoDB, by the bytes of schema and name; all others into others (NULL: nowhere), as names for a message. */
struct seed_tables { struct strlist schema, table; }; /* the i-th of both is one */
enum status seed_checksum_table_list(struct conn *c, const struct strlist *schemas, struct seed_tables *ret, struct strlist *others,
                                     struct error *err);
void seed_checksum_table_list_free(struct seed_tables *t);
