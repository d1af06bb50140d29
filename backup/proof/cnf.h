/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cnf: the option file of the scratch server. All it is told is told here, so that a wrapper needs to pass one argument on. Pure.
 *
 * It listens on a socket in its own directory and nowhere else: a replica connects by itself. Nothing it writes has to survive a crash.
 */
#pragma once

#include "slackwater/conn.h"
#include "slackwater/strlist.h"

struct proof_cnf {
	enum flavor flavor;
	unsigned version;
	const char *files;       /* directory of the server's own */
	const char *init_file;   /* NULL: none, it is being initialised */
	const char *run_as;      /* "root" when it is to stay root, else NULL */
	uint64_t memory_bytes;
	unsigned threads;
	uint32_t server_id;
	const char *gtid_mode;   /* NULL or "" = it has none */
	const struct strlist *mirrored, *settings; /* NAME=VALUE; either may be NULL */
	const char *user, *password; /* for the client that somebody starts with this file */
};

/* ret is marked as secret. */
enum status proof_cnf_write(const struct proof_cnf *c, struct buf *ret, struct error *err);
/* NAME=VALUE of a person: one line, none of those that would let it out of its directory or onto the network, and no path that does. ERR_USAGE. */
enum status proof_cnf_check(const char *setting, struct error *err);
/* Whether a path can stand in an option file as it is. */
bool proof_cnf_path(const char *path);
