/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: a stored snapshot is proven by restoring it. A scratch server, a child process of ours, is seeded from it as a new replica would be,
 * replicates from the real source until it has caught up, is compared with the snapshotted replica where that was asked for, and goes away with
 * its files. The story is in backup/proof.c.
 *
 * What came out stands beside the manifest (FORMAT.md): <id>.proof.json when it was proven, and only then; <id>.trial.json when the last trial was
 * something less. So a listing alone shows which snapshots are proven.
 */
#pragma once

#include "slackwater/seed.h"
#include "slackwater/stored.h"

struct proof_options {
	const char *from, *instance, *id;
	struct store_options store;
	struct age_keyring *keyring;   /* opens the snapshot if it is encrypted; or NULL */
	struct seed_source *source;
	size_t nsources;               /* 0: restored and counted only, which is not a proof */
	bool from_replica;
	bool checksum;
	struct conn_options checksum_server; /* the snapshotted replica */
	struct window_options window;  /* for the window on it; its state_dir is for the claims as well */
	int64_t wait_lock_ms, catch_up_timeout_ms;
	unsigned threads;
	/* the scratch server */
	const char *binary;            /* NULL: mariadbd or mysqld of PATH */
	const char *dir;               /* the scratch directory is made in it; NULL: $TMPDIR or /var/tmp */
	const char *user;              /* that it runs as when we are root */
	const struct strlist *settings; /* NAME=VALUE for its option file; they win over ours */
	uint64_t memory_bytes;         /* that it may use */
	unsigned nice;                 /* 0 to 19, on top of ours, and then in the idle I/O class; 0: as we are */
	bool keep;                     /* the directory stays, for somebody to look at */
};

enum proof_result {
	PROOF_FAILED,
	PROOF_RESTORED, /* loaded, and every row was there; nobody tried to replicate from there */
	PROOF_PROVEN    /* replicated from there and caught up without an error; compared, if that was asked for */
};
const char *proof_result_name(enum proof_result r); /* "failed", "restored", "proven": part of the interface */

/* A plain value; "" and 0 = not known, or not reached. */
struct proof_record {
	enum proof_result result;
	int64_t at_ms;          /* wall clock, when it came out; 0: somebody else's record that does not say */
	int64_t elapsed_ms;
	char server[96];        /* version of the scratch server */
	char source[300];       /* HOST:PORT; of several the first */
	uint64_t tables, rows, bytes; /* loaded */
	int64_t load_ms, catch_up_ms;
	uint64_t transactions;  /* applied by replication; 0 as well where they have no GTIDs to be counted by */
	uint64_t compared;      /* tables that were compared and equal */
	char compared_with[300]; /* HOST:PORT of the snapshotted replica; "" = not compared */
	char reason[1024];      /* failed: why */
};

struct proof_report {
	struct manifest *manifest;    /* NULL: none was found */
	struct verify_report verified;
	bool tried;                   /* record counts, and has been written if the store let us */
	struct proof_record record;
	char kept[4096];              /* the scratch directory that stays; "" = none */
	struct strlist warnings;
};

/*
 * Also on failure *ret is filled as far as it got; free it with proof_report_free. Whatever happens, cancelling included, the scratch server has
 * ended and its directory is gone (unless it is to be kept). Refused before anything was started: ERR_PREFLIGHT (no server program that could load
 * it), ERR_STORE (no room). ERR_SNAPSHOT: damaged. ERR_NOT_PROVEN: it was tried and did not succeed; these two are recorded.
 */
enum status proof_run(const struct proof_options *o, struct run *run, struct proof_report *ret, struct error *err);
void proof_report_free(struct proof_report *r);

/* ---- what is recorded ---- */

struct proof_standing {
	bool proven, tried;
	struct proof_record proof; /* when proven */
	struct proof_record trial; /* when tried: it came after the proof, if there is one */
};
/* A record that somebody made by hand counts, its figures are then not known. */
enum status proof_get(struct store *s, const char *instance, const char *id, struct proof_standing *ret, struct error *err);
json_t *proof_record_to_json(const struct proof_record *r); /* new reference; NULL = out of memory */
