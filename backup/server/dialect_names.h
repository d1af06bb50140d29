/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_names: which words a server's replication statements are made of (facts/servers 5). Private to backup/server. */
#pragma once

#include "slackwater/dialect.h"

enum {
	DIALECT_CHANNELS = 50706,       /* FOR CHANNEL */
	DIALECT_REPLICA = 80022,        /* START REPLICA, SHOW REPLICA STATUS */
	DIALECT_SOURCE = 80023,         /* CHANGE REPLICATION SOURCE TO SOURCE_*, UNTIL SOURCE_LOG_FILE */
	DIALECT_BINARY_LOG_STATUS = 80200
};

struct dialect_names {
	const char *replica;       /* REPLICA or SLAVE */
	const char *source;        /* SOURCE or MASTER: the prefix of options */
	const char *change;        /* CHANGE REPLICATION SOURCE or CHANGE MASTER */
	const char *show_binlog;
	const char *reset_binlogs;
};

const struct dialect_names *dialect_names(const struct server_info *s);
/* " FOR CHANNEL 'x'" where the server has channels. */
void dialect_for_channel(struct buf *b, const struct server_info *s, const char *channel);
