/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_server: what is changed on the target for the time of the load, and put back: InnoDB's redo log (MySQL 8.0.21+). One that a load
 * that was shot down left off is found and put back by the next one.
 */
#pragma once

#include "slackwater/conn.h"

#define LOAD_SERVER_MARKER "slackwater_incomplete" /* the schema that seed/ keeps there while the load is not whole */

struct load_server { bool redo_off; };

/* Whether statements of that size can be sent: ERR_SEED_REFUSED when max_allowed_packet is smaller. */
enum status load_server_check_packet(struct conn *c, uint64_t largest_statement, struct error *err);
/* Redo log off, where there is nothing to lose and the right exists; else it stays on. */
enum status load_server_begin(struct load_server *s, struct conn *c, bool keep_redo_log, struct error *err);
/* Puts it back and reads it again; on a session whose run no cancel reaches. Idempotent. */
enum status load_server_end(struct load_server *s, struct conn *c, struct error *err);
