/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout: the mydumper-layout directory that a logical snapshot unpacks to, shared by the dumping and the loading side. Pure text.
 *
 *   metadata                          INI for myloader; our own mapping in its comment lines (below)
 *   DB-schema-create.sql              CREATE DATABASE, CREATE LIBRARY
 *   DB.TABLE-schema.sql               CREATE TABLE
 *   DB.TABLE-schema-triggers.sql      the triggers of one table
 *   DB.TABLE.NNNNN.sql.zst            rows: INSERT statements of about 1 MiB
 *   DB.VIEW-schema.sql                a table in the view's place, so that views may be created in any order
 *   DB.VIEW-schema-view.sql           DROP TABLE IF EXISTS + CREATE VIEW
 *   DB-schema-post.sql                routines and events
 *   slackwater-server                 loadable functions, spatial reference systems; before all others, absent if there are none
 *   slackwater-users                  accounts, roles, grants: ours, myloader knows neither
 *   xtrabackup_slave_info, xtrabackup_binlog_info
 *
 * Names. DB and TABLE are the real names where these are made of [A-Za-z0-9_] alone, else "mydumper_N", as mydumper does: unique without
 * regard to case. The real names are in the statements and in `metadata`.
 *
 * Statements end with a semicolon at the end of a line. No other line of any file ends with a semicolon: rows have no raw
 * newline, and in the text of a schema statement each run of semicolon, blanks, newline has one more blank than the original
 * (which mydumper's reader needs). layout_unblank takes it off again, so our own loader is exact.
 */
#pragma once

#include "slackwater/buf.h"
#include "slackwater/strlist.h"

#define LAYOUT_METADATA "metadata"
/* No .sql: Debian's myloader 0.10.1 takes each such file for a table's and crashes when there is no dot in the name [run]. */
#define LAYOUT_USERS "slackwater-users"
#define LAYOUT_SERVER "slackwater-server"
#define LAYOUT_SLAVE_INFO "xtrabackup_slave_info"
#define LAYOUT_BINLOG_INFO "xtrabackup_binlog_info"

/*
 * A file of rows starts with these lines, which have to be executed. A date like 2004-04-31 that a server let in needs ALLOW_INVALID_DATES
 * to get in again. Strings are bytes of the column's own character set: plain under SET NAMES binary, _binary'...' in files of
 * partitioned tables, which start with LAYOUT_SCHEMA_HEADER instead: a MySQL 9.7 session under SET NAMES binary takes the partition values for other
 * strings than they are, and puts rows into the wrong partition without a word [run].
 */
#define LAYOUT_DATA_HEADER                                                                                             \
	"/*!40101 SET NAMES binary*/;\n"                                                                                    \
	"/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n"                                                                            \
	"/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;\n"                                            \
	"/*!40103 SET TIME_ZONE='+00:00' */;\n"
#define LAYOUT_SCHEMA_HEADER                                                                                           \
	"/*!40101 SET NAMES utf8mb4*/;\n"                                                                                   \
	"/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n"                                                                            \
	"/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'*/;\n"                                            \
	"/*!40103 SET TIME_ZONE='+00:00' */;\n"

/*
 * One line more in schema files, before what it is about: the servers of whose definitions it speaks leave a collation out that is their
 * default, and later ones have another default (MySQL 8.0 utf8mb4_0900_ai_ci, MariaDB 11.5 uca1400). 9.7 takes it and warns 1681 [run 9.7.4].
 */
#define LAYOUT_DEFAULTS_MYSQL "/*!80011 SET SESSION default_collation_for_utf8mb4=utf8mb4_general_ci*/;\n"
#define LAYOUT_DEFAULTS_MARIADB "/*M!110201 SET SESSION character_set_collations=''*/;\n"

/* One line more before the rows of a system-versioned table, so that its history may be written. */
#define LAYOUT_HISTORY "/*M!101101 SET SYSTEM_VERSIONING_INSERT_HISTORY=1*/;\n"

/*
 * Behind the last row of an INSERT, how many values of ENUM columns in it are none (index 0, which servers that are not strict let in). MariaDB warns of
 * each when it is loaded (1265); a loader that takes warnings seriously knows by this how many of them are right.
 */
#define LAYOUT_INVALID_ENUMS "\n/* invalid ENUM values: %llu */"

enum layout_file {
	LAYOUT_SCHEMA_CREATE, /* DB-schema-create.sql */
	LAYOUT_SCHEMA_POST,   /* DB-schema-post.sql */
	LAYOUT_TABLE,         /* DB.TABLE-schema.sql; of a view: the table in its place */
	LAYOUT_TRIGGERS,      /* DB.TABLE-schema-triggers.sql */
	LAYOUT_VIEW           /* DB.VIEW-schema-view.sql */
};
/* stem: "DB" for the first two, "DB.TABLE" for the others. */
void layout_file_name(struct buf *b, enum layout_file file, const char *stem);
void layout_data_name(struct buf *b, const char *stem, uint64_t number);

/* A statement of a schema file: blanks put in, ";\n" appended. */
void layout_statement(struct buf *b, const char *sql, size_t len);
/* Undo the blanks of one statement, in place, without its final ";\n"; returns the new length. */
size_t layout_unblank(char *sql, size_t len);

/* Hands out file names for real names; one per namespace (the schemas; the tables of one schema). */
struct layout_names {
	struct strlist used; /* in lower case */
	size_t *slot;        /* hash of a name -> index in used + 1 */
	size_t nslots;
	unsigned *number;    /* the next N, shared by all namespaces of a snapshot */
};
enum status layout_names_take(struct layout_names *n, const char *real, char **ret, struct error *err);
void layout_names_free(struct layout_names *n);

/* What `metadata` tells. Strings are owned. */
struct layout_schema {
	char *name, *file;
	bool whole;        /* no include or exclude pattern left something of it out; routines and events are there */
	bool post;         /* DB-schema-post.sql is there */
};
struct layout_table {
	char *schema, *name, *file; /* file: "DB.TABLE" */
	char *engine;      /* "" of a view */
	bool view, triggers;
	bool nontransactional; /* copied inside the window */
	uint64_t rows, bytes, files; /* bytes of SQL text; files of rows, numbered from 0 */
};
struct layout {
	struct layout_schema *schema;
	struct layout_table *table;
	size_t nschemas, ntables;
	bool users;
};
/* `metadata`; l's arrays in the order given. */
enum status layout_write(const struct layout *l, struct buf *out, struct error *err);
enum status layout_read(const char *text, size_t len, struct layout **ret, struct error *err);
void layout_free(struct layout *l);
