/* SPDX-License-Identifier: Apache-2.0 */
/* seed: the story of seeding, from the checks that need not a byte loaded to the replica that is proven. Start reading in backup/seed.c. */
#pragma once

#include "slackwater/applier.h"
#include "slackwater/catalog.h"
#include "slackwater/dialect.h"
#include "slackwater/engine.h"

/* One source to replicate from: what --source, --source-user, --source-ssl-... and the option groups gave. */
struct seed_source {
	char *channel;             /* "" = the default channel, or the only one */
	struct conn_options login; /* host, port, account of replication, TLS; the password is zeroed on free */
	bool get_public_key;
	char *public_key_path;
};

struct seed_options {
	struct conn_options target;
	const char *from, *instance, *id;
	struct age_keyring *keyring; /* opens the snapshot if it is encrypted; or NULL */
	struct store_options store;
	struct seed_source *source;
	size_t nsources;
	bool from_replica;      /* the source is the snapshotted replica itself */
	bool replace;
	bool no_start;          /* print the statements (seed_report.statements) instead of running them */
	bool load_only;         /* no source (nsources 0): the target gets the data, and replicates from nobody */
	bool standalone;        /* load_only for good: it becomes a source itself, with the snapshot's GTIDs; its rows are counted */
	bool own_target;        /* a server that nobody else can reach: it needs no claim */
	bool dry_run;
	bool verify_full;       /* check every digest before the first statement */
	bool keep_redo_log;
	unsigned threads;
	int64_t catch_up_timeout_ms; /* default 3600000 */
	bool checksum;
	struct conn_options checksum_server; /* the snapshotted replica */
	struct window_options window;        /* for the window on it; its state_dir is for the claim on the target as well */
	int64_t wait_lock_ms;                /* for another run on the target to end; 0: ERR_BUSY at once */
};

struct seed_report {
	char id[CATALOG_ID];
	struct loader_report load;
	int64_t catch_up_ms;       /* from START to caught up */
	uint64_t backlog;          /* transactions that had to be applied, 0 where it cannot be counted */
	uint64_t checksum_tables;  /* compared and equal */
	struct strlist statements; /* what was, or with no_start would be, executed to configure replication; passwords masked */
	struct strlist held;       /* standalone: its GTIDs, and where its data stand in binary logs */
	struct strlist not_carried; /* settings of the snapshotted replica that the target did not get */
	struct strlist warnings;
};

/* *ret is filled as far as it got, also on failure; free it with seed_report_free. */
enum status seed_run(const struct seed_options *o, struct run *run, struct seed_report *ret, struct error *err);
void seed_report_free(struct seed_report *r);
void seed_source_free(struct seed_source *s);
