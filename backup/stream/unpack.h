/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: entries become files of a directory that appears, under its own name, only when all of them are there.
 *
 * A directory that does not exist yet: they are written to DIR.part, which is renamed at the end. One that exists and is empty stays what it is (it
 * may be a mount point): they are written to DIR/.slackwater-part, and moved up at the end, `metadata`, without which no loader takes the directory, last.
 * Failing, or freeing without commit, leaves nothing.
 */
#pragma once

#include "slackwater/run.h"
#include "slackwater/strlist.h"
#include "stream/visitor.h"

struct unpack_dir;

/* ERR_USAGE when dir exists and is not an empty directory (lost+found does not count), or when somebody else's part is there. */
enum status unpack_dir_open(const char *dir, struct unpack_dir **ret, struct error *err);
enum status unpack_dir_commit(struct unpack_dir *d, struct error *err);
void unpack_dir_free(struct unpack_dir *d); /* NULL is fine */
/* Before the commit: a file that was unpacked gets another content. */
enum status unpack_replace(const struct unpack_dir *d, const char *name, const struct buf *text, struct error *err);

/* A visitor that writes into it; one for each thread. */
struct unpack {
	struct visitor base;
	const struct unpack_dir *dir;
	struct run *run;
	const struct strlist *leave; /* names that are not written, sorted; NULL: none */
	char name[256];
	int fd;
};

void unpack_init(struct unpack *u, const struct unpack_dir *d, struct run *run);
void unpack_end(struct unpack *u);
