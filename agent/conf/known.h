/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: which keys may stand in which section. The agent's own are here, each with its type, default and help: the one place that reads them, and
 * that the sample file and the manual are held against. All others are options of the verbs that the agent runs, by the tables of these.
 */
#pragma once

#include "../options.h"
#include "settings.h"

/* Values of the agent's own keys, as written; texts belong to the lines. Those of [agent] are settings as they are. */
struct known_store { const char *url, *profile, *credentials_file, *aws_config_file; };

struct known_snapshot {
	const char *instance, *store, *schedule, *timezone, *not_before, *not_after, *proof_schedule;
	int engine, catch_up;
	int64_t jitter_ms, max_lag_ms, retry_ms, retry_max_ms, min_interval_ms, hook_ms;
	unsigned retries;
	struct strlist before, after, failure;
};

struct known_instance { char none; };

union known_values {
	struct settings_agent agent;
	struct known_instance instance;
	struct known_store store;
	struct known_snapshot snapshot;
};

/* Who takes a key: the agent itself, or a verb that it runs. */
enum known_for { KNOWN_OWN, KNOWN_CONNECTION, KNOWN_STORE, KNOWN_STORE_WRITE, KNOWN_BACKUP, KNOWN_EXPIRE, KNOWN_PROOF };

enum known_kind { KNOWN_AGENT, KNOWN_INSTANCE, KNOWN_STORE_SECTION, KNOWN_SNAPSHOT, KNOWN_KINDS };

const char *known_kind_name(enum known_kind k);       /* "agent", ... as a section is headed */
bool known_kind_find(const char *name, enum known_kind *ret);
const char *known_kind_similar(const char *name);     /* NULL: none is near */
/* The defaults of its own keys. */
void known_defaults(enum known_kind k, union known_values *ret);

/* NULL when it may not stand there. *ret_name is the option's name as its verb takes it. */
const struct option *known_find(enum known_kind k, const char *key, enum known_for *ret_for);
/* Every key of the section, i from 0 on; NULL behind the last. *ret_prefix stands in front of its name. Refused ones are left out. */
const struct option *known_key(enum known_kind k, size_t i, enum known_for *ret_for, const char **ret_prefix);
/* Why it may not stand there, and what to do: what the agent sets itself, where it belongs, or what it may have been meant to be. */
void known_refusal(enum known_kind k, const char *key, struct buf *why, struct buf *hint);
