/* SPDX-License-Identifier: Apache-2.0 */
/* sample: a small snapshot that has everything: empty entries, odd sizes, long names, several shards, a checkpoint, a manifest. */
#pragma once

#include "scratch.h"
#include "slackwater/catalog.h"

#define SAMPLE_INSTANCE "db1_3306"
#define SAMPLE_ID "20261120T133701Z-9f3a1c"

struct sample_spec {
	unsigned entries, shards;
	size_t largest; /* of an entry's data, bytes */
	const struct age_recipients *recipients; /* encrypted for them; NULL: in clear */
};

/* Name and data of entry i: always the same. The first is "metadata". */
void sample_name(unsigned i, char ret[256]);
void sample_data(const struct sample_spec *spec, unsigned i, struct buf *ret);
/* Write it into store, which may be sequential; ret_m may be NULL. Whatever happens, nothing is leaked. */
enum status sample_write(const struct sample_spec *spec, struct store *store, struct run *run, struct manifest **ret_m,
                         struct error *err);
struct manifest *sample_manifest(void); /* all members set, no objects */
/* dir holds exactly the sample's entries, with their data. */
void sample_check_dir(const struct sample_spec *spec, const char *dir);
/* The sample as it goes through a pipe, into a file. */
void sample_write_pipe(const struct sample_spec *spec, struct run *run, const char *path);
/* A store that reads a file as if it came through a pipe; *ret_fd is to be closed after store_free. */
struct store *sample_open_pipe(const char *path, struct run *run, int *ret_fd);
