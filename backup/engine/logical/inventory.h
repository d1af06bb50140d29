/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inventory: what there is to dump: schemas, tables with their columns and keys, views, triggers, routines, events. Read in parts,
 * because locks differ in what they hold still:
 *   inventory_list      names, engines, sizes, columns, keys   (cheap, bulk; in or before the window)
 *   define_run          SHOW CREATE of each table, triggers    (define.h; held still by the tables' metadata locks)
 *   inventory_objects   schemas, views, routines, events       (proven unchanged by the DDL fingerprint)
 * Only what the filter wants is in it. All strings are owned.
 */
#pragma once

#include "slackwater/engine.h"

/* How a value is written in an INSERT. */
enum column_kind {
	COLUMN_NUMBER, /* as the server prints it */
	COLUMN_DOUBLE, /* likewise, but minus zero is a string: as a number it would lose its sign */
	COLUMN_PLAIN,  /* in quotes, nothing to escape: dates and times */
	COLUMN_TEXT,   /* in quotes, escaped; the bytes of the column's own character set */
	COLUMN_HEX,    /* 0x... */
	COLUMN_UTF8,   /* _utf8mb4'...': types that refuse a binary string */
	COLUMN_ENUM,   /* as text; what is empty was no valid value, and is written as `invalid` */
	COLUMN_INDEX   /* ENUM and SET by number: two of their words may look alike; 0 of an ENUM is written as `invalid` */
};

/* How a key's value is compared with a literal; KEYING_NONE: the column cannot be walked along. */
enum column_keying { KEYING_NONE, KEYING_INT, KEYING_UINT, KEYING_NUMBER, KEYING_QUOTED, KEYING_STRING };

struct column {
	char *name;
	char *charset; /* of strings; "binary" of binary ones; NULL otherwise */
	enum column_kind kind;
	enum column_keying keying;
	bool nullable;
	bool generated; /* computed by the server: not in an INSERT */
	bool widen;     /* read as a DOUBLE: FLOAT printed as it is loses digits */
	double edge, below; /* of a FLOAT(M,D): what its largest value is read as if that is not let in again, and what makes it; else 0 */
	bool doubtful;  /* its DEFAULT may not be shown whole */
	bool json;      /* MySQL's: its text does not tell all (json_types.h) */
	bool is_enum;
	char *words;    /* of an ENUM or SET: its COLUMN_TYPE if what the server shows of it may not be all, else NULL */
	const char *invalid; /* of an ENUM: a literal that is stored as index 0; NULL = its words leave none */
};

enum table_rows {
	ROWS_SNAPSHOT,   /* InnoDB: read through the read view */
	ROWS_COPIED,     /* no MVCC: copied inside the window; sequences as well, in whatever engine */
	ROWS_NONE        /* MERGE, BLACKHOLE: the definition is all there is */
};

struct table {
	char *schema, *name;
	char *file;            /* "DB.TABLE" of the layout */
	char *engine;          /* "" of a view */
	bool view;
	bool gone;             /* left out of this attempt (not in the window's list) */
	enum table_rows how;
	bool partitioned;
	bool sequence;         /* MariaDB: a table of one row to everybody but its CREATE statement */
	bool versioned;        /* MariaDB, WITH SYSTEM VERSIONING: its history are rows like others */
	bool found_by_key;     /* has a PRIMARY KEY, or another that is unique and without NULLs: replication finds its rows by that */
	bool period;           /* of a versioned table: when a row began and ended are among its columns here */
	uint64_t rows, bytes;  /* the server's estimates */
	struct column *col;
	size_t ncols;
	char *key;             /* name of the index to walk along, NULL if there is none */
	unsigned *keycol;      /* its columns, in order, as indexes of col */
	size_t nkeycols;
	char *create;          /* the statement; of a view CREATE VIEW in the bytes of cs_client */
	size_t create_len;
	char *cs_client, *collation; /* of a view */
	bool triggers;
	unsigned reader;       /* modulo the number of sessions: which one reads the definition */
};

struct schema {
	char *name, *file, *create;
	char *collation;       /* the schema's default */
	bool whole;
	bool post;             /* has routines or events */
	bool libraries;        /* MySQL 9.2: of JavaScript, which routines of other schemas may use too */
};

enum object_kind { OBJECT_TRIGGER, OBJECT_FUNCTION, OBJECT_PROCEDURE, OBJECT_PACKAGE, OBJECT_PACKAGE_BODY, OBJECT_EVENT, OBJECT_LIBRARY };

struct object {
	enum object_kind kind;
	char *schema, *name;
	char *table;           /* of a trigger */
	char *create;          /* bytes of cs_client */
	size_t create_len;
	char *sql_mode;
	char *cs_client, *collation, *db_collation; /* NULL of a library */
	char *time_zone;       /* of an event */
};

struct inventory {
	struct schema *schema; /* sorted by name */
	struct table *table;   /* views included */
	struct object *object;
	size_t nschemas, ntables, nobjects;
	size_t cap_schemas, cap_tables, cap_objects;
	size_t *slot;          /* hash of (schema, table) -> index + 1 */
	size_t nslots;
	const char *defaults;  /* static: LAYOUT_DEFAULTS_..., "" where definitions tell every collation */
	struct buf users;      /* the text of slackwater-users */
	struct buf server;     /* the text of slackwater-server; empty: there is no such thing */
	struct strlist warnings; /* what is left out, one line each */
	struct strlist refused; /* what cannot be dumped without loss, one line each */
};

/*
 * To sort by a name. MySQL 5.x and MariaDB sort names of information_schema without regard to case and accents: what belongs to `App` and what
 * belongs to `app` would come interleaved [run 5.6.24, 10.11.19].
 */
#define INVENTORY_BYTES(column) "CAST(" column " AS BINARY)"

/* How strings come: as text, or as the bytes that are stored. */
#define INVENTORY_TEXT "SET character_set_results = utf8mb4"
#define INVENTORY_RAW "SET character_set_results = binary"

void inventory_init(struct inventory *inv);
void inventory_clear(struct inventory *inv);
struct table *inventory_find(const struct inventory *inv, const char *schema, const char *name);
struct schema *inventory_schema(const struct inventory *inv, const char *name); /* of schemas that inventory_sort has sorted */
const char *inventory_defaults(enum flavor flavor, unsigned version); /* for inv->defaults */
const char *inventory_object_word(enum object_kind k); /* "TRIGGER", "PACKAGE BODY", ... */

/* c: a session that is in no transaction, SET NAMES utf8mb4. Clears inv first. */
enum status inventory_list(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err);
/* Names, types, engines and sizes of the base tables alone, as fast as the server can: for the window. */
enum status inventory_names(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err);
/* Columns and key of one table that inventory_names found. */
enum status inventory_columns(struct inventory *inv, struct table *t, struct conn *c, struct error *err);
/* SHOW CREATE of one table. Touches nothing else of the inventory: several threads may do it for tables of their own. */
enum status inventory_define_table(struct table *t, struct conn *c, struct error *err);
/* Tables, defined, that lie in a general tablespace: into inv->refused; in a directory of their own: warned of. */
enum status inventory_check_places(struct inventory *inv, struct error *err);
enum status inventory_triggers(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err);
enum status inventory_objects(struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err);
/* Views that cannot be created again: into inv->refused. Waits for locks, so not while a snapshot is held. */
enum status inventory_check_views(struct inventory *inv, struct conn *c, struct error *err);
/* Filters that match nothing, server-level objects that are not carried over, the cost of copying inside the window: refused, or warned of. */
enum status inventory_check_options(const struct inventory *inv, struct conn *c, const struct engine_options *o, struct error *err);
/* ERR_PREFLIGHT with what was found that cannot be dumped without loss. */
enum status inventory_refuse(const struct inventory *inv, struct error *err);
enum status inventory_add_object(struct inventory *inv, struct object **ret, struct error *err);
enum status inventory_add_schema(struct inventory *inv, struct schema **ret, struct error *err);
void inventory_sort(struct inventory *inv); /* the schemas, by the bytes of their names; once all have been added */
enum status inventory_add_table(struct inventory *inv, char *schema, char *name, struct table **ret, struct error *err);
/* "`schema`.`name`: why" into inv->refused. */
enum status inventory_refused(struct inventory *inv, const char *schema, const char *name, struct error *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
enum status inventory_dup(char **ret, const char *s, size_t len, struct error *err); /* s NULL: *ret = NULL */

/* inventory_default.c: a DEFAULT that the server does not show whole, into inv->refused. c as for inventory_list. */
bool inventory_default_doubtful(const struct column *c, const char *data_type, const char *shown, size_t len);
bool inventory_default_beyond(const char *charset);             /* has characters of four bytes; NULL has none */
const char *inventory_default_narrow(const struct conn *c);     /* the character set that definitions are told through */
enum status inventory_default_check(struct inventory *inv, struct conn *c, struct error *err);

/* inventory_words.c: likewise the words of ENUM and SET columns; where a server cannot be asked for them, a warning in inv->warnings. */
bool inventory_words_doubtful(const struct column *c, const char *data_type, const char *column_type);
enum status inventory_words_check(struct inventory *inv, struct conn *conn, struct error *err);

/* inventory_server.c: fills inv->server. */
enum status inventory_server(struct inventory *inv, struct conn *c, struct error *err);

/* accounts.c: fills inv->users. */
enum status accounts_read(struct inventory *inv, struct conn *c, struct error *err);
void accounts_quote_columns(const char *grant, struct buf *b); /* for tests */

/* column.c: how values of a type are read, written and compared. false: a type that is not known. */
bool column_classify(struct column *c, const char *data_type, const char *column_type, const char *extra, const char *scale);
/* ENUM or SET, column_type as SHOW COLUMNS prints it: can each value be told by its text? */
bool column_words_distinct(const char *column_type);
/* The expression that reads it, and a literal that compares like a value read. */
void column_select(const struct column *c, struct buf *b);
void column_literal(const struct column *c, const char *value, size_t len, struct buf *b);
/* The word that starts at its quote, as information_schema quotes it; returns the byte behind it. */
const char *column_word(const char *p, const char **ret, size_t *ret_len);
/* One index as information_schema tells it. */
#define INDEX_COLUMNS 16
struct index_info { char name[256]; bool usable; unsigned col[INDEX_COLUMNS]; size_t ncols; };
/* Keeps in t->key the better one of what is there and ix. */
enum status column_consider_key(struct table *t, const struct index_info *ix, struct error *err);
