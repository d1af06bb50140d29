/* SPDX-License-Identifier: Apache-2.0 */
#include "known.h"

#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "../others.h"
#include "../text.h"

enum { KNOWN_DAY_MS = 86400000 };

static const char *const no_yes[] = { "no", "yes", NULL };
static const char *const engines[] = { "logical", NULL };

#define DAYS(n) ((n) * (uint64_t)KNOWN_DAY_MS)
#define TEXT(of, name, value, member, help) { name, 0, OPTION_TEXT, value, offsetof(struct of, member), 0, 0, NULL, help }
#define LIST(of, name, value, member, help) { name, 0, OPTION_LIST, value, offsetof(struct of, member), 0, 0, NULL, help }
#define DURATION(of, name, member, min, max, help) { name, 0, OPTION_DURATION, "D", offsetof(struct of, member), min, max, NULL, help }
#define NUMBER(of, name, member, min, max, help) { name, 0, OPTION_NUMBER, "N", offsetof(struct of, member), min, max, NULL, help }
#define CHOICE(of, name, value, member, words, help) { name, 0, OPTION_CHOICE, value, offsetof(struct of, member), 0, 0, words, help }
#define GROUP(title_, array) { .title = (title_), .option = (array), .n = sizeof(array) / sizeof((array)[0]) }

static const struct option agent_keys[] = {
	TEXT(settings_agent, "state-dir", "DIR", state_dir,
	     "what is remembered over a restart, and the runs' journal (default: /var/lib/slackwater; not root: ~/.local/state/slackwater)"),
	TEXT(settings_agent, "control-socket", "PATH", control_socket,
	     "where slackwater status, run, pause, resume and cancel reach the agent (default: /run/slackwater/control.sock; not root: control.sock in "
	     "state-dir)"),
	TEXT(settings_agent, "control-group", "NAME", control_group, "group that may use it, mode 0660 (default: the agent's own)"),
	TEXT(settings_agent, "listen", "ADDRESS:PORT|unix:PATH", listen,
	     "metrics, API and status page over HTTP; an address in digits, IPv6 in brackets (default: no HTTP)"),
	TEXT(settings_agent, "token-file", "FILE", token_file,
	     "bearer token that HTTP asks for, in a file of mode 0600; without it loopback or a socket only, and reading only"),
	TEXT(settings_agent, "tls-cert", "FILE", tls_cert, "certificate with its chain: HTTPS instead of HTTP"),
	TEXT(settings_agent, "tls-key", "FILE", tls_key, "its key"),
	TEXT(settings_agent, "log-file", "FILE", log_file, "append the log here (default: standard error)"),
	CHOICE(settings_agent, "log-level", "L", log_level, log_level_names, "debug, info, warning or error"),
	DURATION(settings_agent, "poll-interval", poll_ms, 1000, DAYS(1), "how often each instance's applier is looked at"),
	DURATION(settings_agent, "list-interval", list_ms, 10000, DAYS(7), "how often each repository is listed"),
	DURATION(settings_agent, "proof-max-age", proof_age_ms, 0, DAYS(3650), "report when the newest proven snapshot is older; 0 = do not"),
	DURATION(settings_agent, "stop-timeout", stop_ms, 0, DAYS(1), "at the end a running snapshot is waited for so long, then cancelled"),
	NUMBER(settings_agent, "history", history, 1, 10000, "runs that are remembered"),
	NUMBER(settings_agent, "max-runs", max_runs, 0, 10000, "backups and proofs at a time; what is due beyond waits for its turn; 0 = all that are due"),
};

static const struct option store_keys[] = {
	TEXT(known_store, "url", "URL", url, "repository: file:///DIR, an absolute path, or s3://BUCKET/PREFIX"),
	TEXT(known_store, "profile", "NAME", profile, "of the credentials file: AWS_PROFILE of the runs that use this store"),
	TEXT(known_store, "credentials-file", "FILE", credentials_file, "AWS_SHARED_CREDENTIALS_FILE of these runs; keys are never written here"),
	TEXT(known_store, "aws-config-file", "FILE", aws_config_file, "AWS_CONFIG_FILE of these runs"),
};

static const struct option snapshot_keys[] = {
	TEXT(known_snapshot, "instance", "NAME", instance, "an [instance NAME]; may be left out when there is only one"),
	TEXT(known_snapshot, "store", "NAME", store, "a [store NAME]; may be left out when there is only one"),
	CHOICE(known_snapshot, "engine", "NAME", engine, engines, "how the data are captured"),
	TEXT(known_snapshot, "schedule", "CRON", schedule,
	     "minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly (default: only when asked)"),
	TEXT(known_snapshot, "timezone", "ZONE", timezone, "of the schedules and hours: a name as Europe/Berlin, UTC, or local (default: UTC)"),
	DURATION(known_snapshot, "jitter", jitter_ms, 0, DAYS(1), "each due time is put off by less than this, so that many hosts do not begin at once"),
	TEXT(known_snapshot, "not-before", "HH:MM", not_before, "no start earlier in the day than this"),
	TEXT(known_snapshot, "not-after", "HH:MM", not_after, "no start from this time of the day on; before not-before: over midnight"),
	DURATION(known_snapshot, "max-lag", max_lag_ms, 0, DAYS(30), "wait while the replica is further behind; 0 = do not ask"),
	CHOICE(known_snapshot, "catch-up", "yes|no", catch_up, no_yes, "make up once for what was missed while the agent was down or paused"),
	NUMBER(known_snapshot, "retries", retries, 0, 100, "after a failure, until the next due time"),
	DURATION(known_snapshot, "retry-delay", retry_ms, 1000, DAYS(1), "before the first; doubles with each"),
	DURATION(known_snapshot, "retry-max-delay", retry_max_ms, 1000, DAYS(7), "up to this"),
	DURATION(known_snapshot, "min-interval", min_interval_ms, 0, DAYS(366), "from the start of the last success to the next start; 0 = none"),
	TEXT(known_snapshot, "proof-schedule", "CRON", proof_schedule,
	     "when the newest snapshot is proven: restored into a scratch server that replicates (default: only when asked)"),
	LIST(known_snapshot, "run-before", "COMMAND", before, "before each run, which does not begin when it fails: words, no shell, an absolute path"),
	LIST(known_snapshot, "run-after", "COMMAND", after, "after each run that has succeeded"),
	LIST(known_snapshot, "run-on-failure", "COMMAND", failure, "after each run that has failed"),
	DURATION(known_snapshot, "run-timeout", hook_ms, 1000, DAYS(1), "of each of the three"),
};

static const struct option_group agent_own = GROUP("[agent]", agent_keys), store_own = GROUP("[store NAME]", store_keys),
                                 snapshot_own = GROUP("[snapshot NAME]", snapshot_keys);

/* What the agent says itself on the command line of a run, or has in another section. */
static const struct option_group *const elsewhere[] = { &config_connection, &config_to, &config_from, &config_s3, &config_s3_write,
	                                                    &config_state, &config_output, NULL };

static const struct { const char *key, *hint; } set_by_agent[] = {
	{ "to", "a repository is a [store NAME]; [snapshot NAME] says store = NAME" },
	{ "from", "a repository is a [store NAME]; [snapshot NAME] says store = NAME" },
	{ "proof-from", "it is the snapshot's own store" },
	{ "proof-instance", "it is the snapshot's own instance" },
	{ "proof-restore", "proof-schedule says when" },
	{ "json", NULL }, { "help", NULL }, { "version", NULL }, { "watch", NULL }, { "dry-run", NULL },
};

struct part {
	enum known_kind kind;
	enum known_for takes;
	const char *prefix;
	const struct option_group *group; /* this one, or */
	const struct verb *verb;          /* all of this verb that are not elsewhere's */
};

static const struct part parts[] = {
	{ KNOWN_AGENT, KNOWN_OWN, "", &agent_own, NULL },
	{ KNOWN_INSTANCE, KNOWN_CONNECTION, "", &config_connection, NULL },
	{ KNOWN_STORE_SECTION, KNOWN_OWN, "", &store_own, NULL },
	{ KNOWN_STORE_SECTION, KNOWN_STORE, "", &config_s3, NULL },
	{ KNOWN_STORE_SECTION, KNOWN_STORE_WRITE, "", &config_s3_write, NULL },
	{ KNOWN_SNAPSHOT, KNOWN_OWN, "", &snapshot_own, NULL },
	{ KNOWN_SNAPSHOT, KNOWN_BACKUP, "", NULL, &cmd_backup },
	{ KNOWN_SNAPSHOT, KNOWN_EXPIRE, "", &config_rules, NULL },
	{ KNOWN_SNAPSHOT, KNOWN_PROOF, "proof-", NULL, &cmd_verify },
};

static const char *const kinds[] = { "agent", "instance", "store", "snapshot" };

const char *known_kind_name(enum known_kind k)
{
	return kinds[k];
}

bool known_kind_find(const char *name, enum known_kind *ret)
{
	for (unsigned k = 0; k < KNOWN_KINDS; k++)
		if (!strcmp(kinds[k], name)) {
			*ret = (enum known_kind)k;
			return true;
		}
	return false;
}

const char *known_kind_similar(const char *name)
{
	const char *best = NULL;
	for (unsigned k = 0; k < KNOWN_KINDS; k++)
		best = text_nearer(name, kinds[k], best);
	return best;
}

void known_defaults(enum known_kind k, union known_values *ret)
{
	memset(ret, 0, sizeof *ret);
	if (k == KNOWN_AGENT)
		ret->agent = (struct settings_agent){ .log_level = LOG_LEVEL_INFO, .poll_ms = 10000, .list_ms = 300000, .stop_ms = 60000, .history = 200 };
	else if (k == KNOWN_SNAPSHOT)
		ret->snapshot = (struct known_snapshot){ .catch_up = 1, .retries = 3, .retry_ms = 300000, .retry_max_ms = 3600000, .hook_ms = 60000 };
}

static bool set_elsewhere(const struct option_group *g)
{
	for (const struct option_group *const *e = elsewhere; *e; e++)
		if (*e == g)
			return true;
	return false;
}

static size_t refusal_of(const char *prefix, const char *name)
{
	char key[80];
	snprintf(key, sizeof key, "%s%s", prefix, name);
	size_t i = 0;
	while (i < sizeof set_by_agent / sizeof set_by_agent[0] && strcmp(set_by_agent[i].key, key) != 0)
		i++;
	return i;
}

/* The i-th group of a part; NULL behind the last. */
static const struct option_group *part_group(const struct part *p, size_t i)
{
	if (p->group)
		return i ? NULL : p->group;
	for (const struct option_group *const *g = p->verb->groups; *g; g++)
		if (!set_elsewhere(*g) && !i--)
			return *g;
	return NULL;
}

static const struct option *part_find(const struct part *p, const char *key)
{
	const struct option_group *group;
	size_t len = strlen(p->prefix);
	if (strncmp(key, p->prefix, len) != 0)
		return NULL;
	for (size_t i = 0; (group = part_group(p, i)) != NULL; i++) {
		const struct option_group *const alone[] = { group, NULL };
		const struct option *o = options_find(alone, key + len);
		if (o && refusal_of(p->prefix, o->name) == sizeof set_by_agent / sizeof set_by_agent[0])
			return o;
	}
	return NULL;
}

const struct option *known_find(enum known_kind k, const char *key, enum known_for *ret_for)
{
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const struct option *o = parts[i].kind == k ? part_find(&parts[i], key) : NULL;
		if (o) {
			*ret_for = parts[i].takes;
			return o;
		}
	}
	return NULL;
}

const struct option *known_key(enum known_kind k, size_t i, enum known_for *ret_for, const char **ret_prefix)
{
	for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
		const struct option_group *group;
		for (size_t g = 0; parts[p].kind == k && (group = part_group(&parts[p], g)) != NULL; g++)
			for (size_t o = 0; o < group->n; o++) {
				const struct option *option = &group->option[o];
				enum known_for takes;
				bool refused = option->type == OPTION_REFUSED || option->type == OPTION_PASSWORD;
				char key[80];
				snprintf(key, sizeof key, "%s%s", parts[p].prefix, option->name);
				if (refused || known_find(k, key, &takes) != option || i--)
					continue;
				*ret_for = parts[p].takes;
				*ret_prefix = parts[p].prefix;
				return option;
			}
	}
	return NULL;
}

static bool similar_key(enum known_kind k, const char *key, struct buf *hint)
{
	const struct option *o;
	const char *prefix;
	enum known_for takes;
	char best[80] = "", name[80];
	for (size_t i = 0; others_option_at(key, i); i++)
		if (known_find(k, others_option_at(key, i), &takes)) {
			buf_addf(hint, "did you mean %s?", others_option_at(key, i));
			return true;
		}
	for (size_t i = 0; !others_option_at(key, 0) && (o = known_key(k, i, &takes, &prefix)) != NULL; i++) {
		snprintf(name, sizeof name, "%s%s", prefix, o->name);
		if (text_nearer(key, name, *best ? best : NULL) == name)
			snprintf(best, sizeof best, "%s", name);
	}
	if (*best)
		buf_addf(hint, "did you mean %s?", best);
	return *best != '\0';
}

void known_refusal(enum known_kind k, const char *key, struct buf *why, struct buf *hint)
{
	size_t own = refusal_of("", key);
	enum known_for takes;
	if (own < sizeof set_by_agent / sizeof set_by_agent[0]) {
		buf_addf(why, "%s is set by the agent itself", key);
		buf_adds(hint, set_by_agent[own].hint ? set_by_agent[own].hint : "");
		return;
	}
	buf_addf(why, "[%s%s] has no key \"%.60s\"", kinds[k], k == KNOWN_AGENT ? "" : " NAME", key);
	for (unsigned other = 0; other < KNOWN_KINDS; other++)
		if (other != k && known_find((enum known_kind)other, key, &takes)) {
			buf_addf(hint, "it belongs into [%s%s]", kinds[other], other == KNOWN_AGENT ? "" : " NAME");
			return;
		}
	(void)similar_key(k, key, hint);
}
