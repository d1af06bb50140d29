/* SPDX-License-Identifier: Apache-2.0 */
/* job: what the stages of proof.c share. Each stage is a file of this folder. */
#pragma once

#include "slackwater/checkpoint.h"
#include "slackwater/proof.h"

enum { PROOF_PATH = 4096 };

/* The program that the scratch server is. */
struct proof_binary {
	char path[PROOF_PATH];
	struct server_info server; /* flavor, version, version_text: what it says of itself */
};

/* Where the scratch server lives. top is ours, and so are the option files in it; files is the server's. */
struct proof_scratch {
	char top[PROOF_PATH - 64], files[PROOF_PATH];
	int lock;                  /* held while we or the server live; -1 = not made */
	uid_t uid;                 /* the server's */
	gid_t gid;
	bool drop;                 /* it runs as another user than we do */
	char user[64];             /* its name; "" = we are not root */
};

struct proof_child {
	pid_t pid;                 /* 0 = none, or it has been waited for */
	int status;                /* of waitpid, once it has ended */
};

struct proof_job {
	const struct proof_options *o;
	struct run *run;
	struct proof_report *report;
	struct store *store;
	struct checkpoint *cp;
	struct proof_binary binary;
	struct strlist mirrored;   /* NAME=VALUE: settings that the scratch server has to have as the source has them */
	struct proof_scratch scratch;
	struct proof_child server;
	struct conn_options login; /* to the scratch server */
};

static inline bool proof_is_mariadb(const struct proof_job *j)
{
	return j->binary.server.flavor == FLAVOR_MARIADB;
}
