/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: a process of our own that runs a server, or asks its program something. It dies with us (unless its program has file capabilities: see
 * owner.h): the kernel ends it when the thread that started it is gone, so start it from one that lives as long (the main thread of a run). It has a session of its own: a Ctrl-C is for us alone.
 */
#pragma once

#include "job.h"

struct proof_spawn {
	const char *const *argv;   /* NULL-terminated; argv[0] is a path */
	int in, out;               /* descriptors for standard input, and for output and errors; -1 = /dev/null */
	int keep;                  /* stays open in the child; -1 = none */
	const struct proof_scratch *as; /* user to become; NULL = as we are */
	uint64_t memory_bytes;     /* of writable private memory; 0 = no limit */
	unsigned nice;
};

/* What cannot be executed is ERR_PREFLIGHT. */
enum status proof_child_start(struct proof_child *c, const struct proof_spawn *s, struct error *err);
/* Whether it still runs. One that has ended is reaped, with all that is left of its session. */
bool proof_child_alive(struct proof_child *c);
/* Until it has ended; cancelled, or not ended after ms: it is made to, and that is the error (ERR_PREFLIGHT; what names it). */
enum status proof_child_wait(struct proof_child *c, struct run *run, int64_t ms, const char *what, struct error *err);
/* SIGTERM, and after grace_ms the end without asking. Is not interrupted; afterwards there is no process. */
void proof_child_end(struct proof_child *c, const struct run *run, int64_t grace_ms);
/* "ended with exit code 1", "was ended by signal 9". */
void proof_child_describe(const struct proof_child *c, char out[64]);
/* Run it to its end and return what it says, at most ret->max bytes. ERR_PREFLIGHT when it fails. */
enum status proof_child_ask(const char *const *argv, struct run *run, struct buf *ret, struct error *err);
