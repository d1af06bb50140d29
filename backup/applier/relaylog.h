/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relaylog: what follows a position in a channel's relay logs, read with SHOW RELAYLOG EVENTS and followed from file to file.
 * The files' names are counted up, not read from Rotate events: after a crash there is none, and one from the source looks alike.
 */
#pragma once

#include "slackwater/conn.h"

/* One line of the answer. Texts are valid during the callback only. */
struct relaylog_event {
	const char *file;  /* the relay log it is in */
	const char *type, *info;
	uint64_t pos;      /* in the relay log */
	uint64_t length;   /* 0 = not known: nothing follows it in its file yet */
	uint64_t end_pos;  /* End_log_pos: in the source's binary log; 0 = made up */
	uint64_t server_id;
};

/* What an event is to us. */
enum relaylog_kind {
	RELAYLOG_LOCAL,   /* head or tail of a relay log, written by the replica itself */
	RELAYLOG_ROTATE,  /* from the source: the next events are from another file or place; info names it */
	RELAYLOG_HEAD,    /* head of one of the source's binary logs */
	RELAYLOG_GTID,    /* a transaction begins, and says which */
	RELAYLOG_OTHER    /* part of a transaction, or one without any GTID event in front */
};
/* Pure. own_id: the replica's server_id. */
enum relaylog_kind relaylog_kind(const struct relaylog_event *e, uint64_t own_id);
/* "uuid:tag:7", "0-1-7", or "" for an anonymous transaction, out of a RELAYLOG_GTID event's info. Pure. */
void relaylog_gtid(const struct relaylog_event *e, struct buf *out);
/* The "file;pos=4" of a Rotate; false when it is none. Pure. */
bool relaylog_rotate_to(const char *info, struct buf *file, uint64_t *ret_pos);

typedef enum status (*relaylog_fn)(void *arg, const struct relaylog_event *e, bool *stop, struct error *err);

/*
 * Call fn for each event from file:pos on, to the end of the last relay log or until *stop. batch: how many events are asked for
 * at once. *ret_ended: the end was reached.
 */
enum status relaylog_walk(struct conn *c, const char *channel, const char *file, uint64_t pos, unsigned batch,
                          relaylog_fn fn, void *arg, bool *ret_ended, struct error *err);
