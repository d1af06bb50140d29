/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: the agent's configuration file, read whole or not at all.
 *
 * Takes a path, hands plain values to the daemon. A run is a child process of the same program, so what concerns a run is kept as the options
 * of its verb: every long option of `backup` may stand in [snapshot NAME] under its own name, of the connection in [instance NAME], of the
 * repository in [store NAME], of `expire` in [snapshot NAME], of `verify --restore` in [snapshot NAME] as proof-NAME; all checked by the
 * very tables that parse them (agent/config.c). Only the agent's own keys are known here. Secrets are never in it: passwords
 * are in option files, keys of a store in its environment or profile.
 *
 * Texts live as long as the settings: they are those of the file, which is kept, or of our environment.
 */
#pragma once

#include "../log.h"
#include "../schedule/plan.h"
#include "slackwater/strlist.h"

struct lines;

struct settings_agent {
	const char *state_dir;      /* never NULL once read */
	const char *control_socket, *control_group; /* group NULL = the process's own */
	const char *listen;         /* "127.0.0.1:9877", "[::1]:9877", "unix:/path", NULL = no HTTP */
	const char *token_file;     /* NULL = no token: then only on loopback or a socket, and only for reading */
	const char *tls_cert, *tls_key;
	const char *log_file;
	int log_level;              /* enum log_level */
	int64_t poll_ms;            /* how often an instance's applier is looked at */
	int64_t list_ms;            /* how often a repository is listed */
	int64_t proof_age_ms;       /* 0 = no alarm; newest proven snapshot older than this is reported */
	int64_t stop_ms;            /* at the end: a running snapshot is waited for so long, then cancelled */
	unsigned history;           /* runs that are remembered */
	unsigned max_runs;          /* backups and proofs under way at a time; 0 = as many as are due */
};

struct settings_instance {
	const char *name;           /* of the section, and in the repository */
	struct strlist options;     /* "--defaults-file=...", "--host=..." */
};

struct settings_store {
	const char *name, *url;
	struct strlist options;     /* "--s3-endpoint=..." */
	struct strlist environment; /* "AWS_PROFILE=...": of the children that use it */
};

struct settings_snapshot {
	const char *name, *engine;
	size_t instance, store;     /* indexes */
	struct strlist options;     /* of backup: window, data, work, encryption */
	struct strlist retention;   /* of expire; empty = nothing is expired */
	const char *schedule_text, *zone_name, *proof_text; /* as written; schedule and proof may be NULL */
	struct schedule schedule, proof;
	struct zone *zone;          /* owned */
	struct plan_rules rules;    /* points at schedule and zone */
	struct plan_rules proof_rules;
	struct strlist proof_options; /* of verify --restore */
	struct strlist before, after, failure; /* commands of the hooks, in words; empty = none. Never through a shell */
	int64_t hook_ms;            /* time limit of each */
};

struct settings {
	const char *file;
	struct settings_agent agent;
	struct settings_instance *instance;
	struct settings_store *store;
	struct settings_snapshot *snapshot;
	size_t ninstances, nstores, nsnapshots;
	/* private */
	struct lines *lines;        /* what the texts point into */
	char *default_dir, *default_socket;
};

/*
 * Mistakes are gathered, one "FILE:LINE: text" each, with "did you mean" where a name is near; any makes it ERR_USAGE, and *ret is not set.
 * The message names the first and counts them. mistakes may be NULL. Environment SLACKWATER_<KEY> overrides a key of [agent].
 */
enum status settings_read(const char *file, struct settings **ret, struct strlist *mistakes, struct error *err);
/* The same, and what the file names is looked at: files, programs, keys, groups, as the user sees them that we run as. For `check`. */
enum status settings_inspect(const char *file, struct settings **ret, struct strlist *mistakes, struct error *err);
void settings_free(struct settings *s); /* NULL is fine */
