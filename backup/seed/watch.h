/* SPDX-License-Identifier: Apache-2.0 */
/* watch: one look at the channels of the target, and what it means. */
#pragma once

#include "job.h"

struct seed_look {
	bool seen;                 /* the channel is there */
	bool io, io_connecting, sql;
	bool receiving;            /* the dump has been asked for: the receiver waits for events or takes them in */
	bool drained;              /* the receiver has all that the source had to send */
	unsigned io_errno, sql_errno;
	char io_error[400], sql_error[400];
	char exec_file[512], read_file[512];
	uint64_t exec_pos, read_pos;
};

/* The status with the channel's row as the current one, for rows_free; *ret stays NULL where there is none of that name. */
enum status seed_watch_find(struct conn *target, const char *channel, struct rows **ret, struct error *err);
/* Where a server's own binary log ends. *ret_file, which is the caller's (NULL or owned), stays where it writes none. */
enum status seed_watch_own_log(struct conn *c, char **ret_file, uint64_t *ret_pos, struct error *err);
enum status seed_watch_channel(struct conn *target, const char *channel, struct seed_look *ret, struct error *err);
/*
 * Is replication broken? ERR_NOT_PROVEN with the server's words and what they mean. Not connected yet is none until patience_ms have passed
 * since it was started.
 */
enum status seed_watch_judge(const struct seed_look *look, const char *channel, int64_t since_start_ms, int64_t patience_ms,
                             struct error *err);
/* <0, 0, >0: binary log names by their number, then the position. */
int seed_watch_compare(const char *file_a, uint64_t pos_a, const char *file_b, uint64_t pos_b);
