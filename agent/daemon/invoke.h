/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invoke: the words and the environment that runs and hooks are started with. Pure, but for reading our own environment.
 *
 * Takes settings, hands on lists of strings (the caller's, to be freed also after a failure). No secret is in settings, so none gets into an
 * argument list: passwords stay in option files, or reach a run by the environment that we were given.
 */
#pragma once

#include "../conf/settings.h"

enum run_kind { RUN_BACKUP, RUN_EXPIRE, RUN_PROOF, RUN_LIST };
#define RUN_KINDS 4
const char *run_kind_name(enum run_kind k); /* "backup", "expire", "proof", "list" */
enum run_kind run_kind_find(const char *name); /* of what is remembered; what is not known is taken for a backup */

/* argv of a run about a snapshot section; of RUN_LIST only its store and instance are looked at. newest: of RUN_LIST, at most so many. */
enum status invoke_words(const struct settings *s, size_t snapshot, enum run_kind kind, unsigned newest, struct strlist *ret,
                          struct error *err);
/* Ours, without what is between us and the service manager, and with the store's. */
enum status invoke_environment(const struct settings *s, size_t snapshot, struct strlist *ret, struct error *err);

/* What a hook is told. Texts may be NULL: the variable is not set then. */
struct invoke_hook {
	const char *hook;           /* "before", "after", "failure" */
	const char *snapshot, *instance, *run, *kind, *trigger, *url;
	const char *status, *error, *hint, *id; /* of the run, once it has ended */
	int exit;                   /* -1 = has not ended */
};
/* Built, not inherited: PATH, HOME, LANG, TZ and TMPDIR are ours, the rest is SLACKWATER_...: documented in slackwater.conf(5). */
enum status invoke_hook_environment(const struct invoke_hook *h, struct strlist *ret, struct error *err);
