/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cred: the credentials of S3, from the first place that has them: the environment; a web identity; the shared
 * credentials and config files; a container's endpoint; the metadata service of EC2. Those that end are renewed well before they do.
 * Every copy is zeroed when it is given back. No message shows a secret.
 */
#pragma once

#include <stdint.h>

#include "slackwater/run.h"

struct cred_keys {
	char *access, *secret, *token; /* token may be NULL */
	int64_t expires_ms;            /* wall clock, 0 = never */
	const char *from;              /* "the environment" */
};
void cred_keys_free(struct cred_keys *k);

struct cred;

/* The places are looked at, in their order, when keys are first asked for. */
enum status cred_new(const char *region, struct cred **ret, struct error *err);
void cred_free(struct cred *c);
/* Keys that hold for some minutes yet; *ret is the caller's. By many threads at once. */
enum status cred_get(struct cred *c, const struct run *run, struct cred_keys *ret, struct error *err);
/* The store says that those with this access key have expired: the next cred_get gets new ones. */
void cred_expired(struct cred *c, const char *access);
const char *cred_from(struct cred *c); /* for hints; "" before there were any */
