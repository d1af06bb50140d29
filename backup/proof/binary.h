/* SPDX-License-Identifier: Apache-2.0 */
/* binary: the server program that can load this snapshot, and where its own files are. */
#pragma once

#include "job.h"

/* The one that was given, or one of PATH of the snapshot's kind; ERR_PREFLIGHT when it is of a kind or series that seeding forbids. */
enum status proof_binary_choose(struct proof_job *j, struct error *err);
/* "mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for ..." and the like; false: none of it. Pure. */
bool proof_binary_parse(const char *text, struct server_info *ret);
/* The directory with the SQL of the system tables (MariaDB), from what `--verbose --help` says. ERR_PREFLIGHT when there is none. */
enum status proof_binary_share(struct proof_job *j, char ret[PROOF_PATH], struct error *err);
