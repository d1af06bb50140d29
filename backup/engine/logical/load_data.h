/* SPDX-License-Identifier: Apache-2.0 */
/* load_data: the tasks of the loading threads: create the tables, put the rows in, build the indexes that waited. */
#pragma once

#include "load_plan.h"
#include "load_pool.h"
#include "load_schedule.h"

struct load_data {
	struct load_plan *plan;
	struct run *run;
	struct load_schedule *schedule; /* while rows are put in */
	bool sequences;                 /* which are being created: sequences or tables */
	atomic_uint_fast64_t rows, bytes, statements;
};

/* Both through pool. A table's indexes are built by the thread that puts in its last entry, while the others go on with the next table. */
enum status load_data_create(struct load_data *d, struct load_pool *pool, struct error *err);
enum status load_data_rows(struct load_data *d, struct load_pool *pool, unsigned threads, struct error *err);
