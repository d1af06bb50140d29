/* SPDX-License-Identifier: Apache-2.0 */
/* The story of verifying: every byte that the manifest vouches for is read once, and every digest compared. */
#include "slackwater/stored.h"

#include "whole.h"

static struct visitor verify_visitor = { &visitor_idle_ops };

static struct visitor *verify_make(void *arg, struct error *err)
{
	(void)arg;
	(void)err;
	return &verify_visitor;
}

static void verify_end(void *arg, struct visitor *v)
{
	(void)arg;
	(void)v;
}

enum status snapshot_verify(struct store *s, const struct manifest *m, unsigned threads, struct run *run,
                            struct verify_report *ret, struct error *err)
{
	struct whole w = {
		.store = s, .manifest = m, .run = run, .area = "verify", .threads = threads, .make = verify_make, .end = verify_end,
		.digests_only = manifest_encrypted(m) && !m->objects.keyring,
	};
	return whole_read(&w, ret, err);
}

enum status snapshot_verify_stream(struct store *pipe, struct age_keyring *keyring, struct run *run, struct manifest **ret_m,
                                   struct verify_report *ret, struct error *err)
{
	const struct whole_stream w = { .pipe = pipe, .keyring = keyring, .run = run, .area = "verify", .visitor = &verify_visitor };
	return whole_read_stream(&w, ret_m, ret, NULL, err);
}
