/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_server: what is changed on the target for the time of the load, and put back: InnoDB's redo log off, max_allowed_packet raised. What a
 * load that was shot down left off is found and put back by the next one.
 */
#pragma once

#include "slackwater/conn.h"

#define LOAD_SERVER_MARKER "slackwater_incomplete" /* the schema that seed/ keeps there while the load is not whole */

struct load_server {
	bool redo_off;
	uint64_t packet_before; /* 0 = not raised */
};

/*
 * Whether statements of that size can be sent: ERR_SEED_REFUSED when max_allowed_packet is smaller and may not be raised by us (tried by
 * setting it to what it is).
 */
enum status load_server_check_packet(struct conn *c, uint64_t largest_statement, struct error *err);
/* Before sessions that load are opened. Where a right is missing for the redo log it stays on. */
enum status load_server_begin(struct load_server *s, struct conn *c, uint64_t largest_statement, bool keep_redo_log,
                              struct error *err);
/* Puts everything back and reads it again; c is a fresh session on a run that no cancel reaches. Idempotent. */
enum status load_server_end(struct load_server *s, struct conn *c, struct error *err);
