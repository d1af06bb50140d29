/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "prompt.h"

static const char keys_variable[] = "SLACKWATER_PASSPHRASE";

/* Set to nothing is not set. */
static const char *keys_given(void)
{
	const char *given = getenv(keys_variable);
	return given && *given ? given : NULL;
}

static void keys_forget(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static enum status keys_ask(const char *text, const struct run *run, char **ret, struct error *err)
{
	enum status st = prompt_password(text, run, ret, err);
	if (st && err && err->kind == ERR_USAGE)
		error_hint(err, "set %s", keys_variable);
	return st;
}

/* A passphrase that is mistyped now is one that nobody knows later. */
static enum status keys_ask_twice(const struct run *run, char **ret, struct error *err)
{
	char *first = NULL, *second = NULL;
	enum status st = keys_ask("Passphrase to encrypt with: ", run, &first, err);
	if (!st)
		st = keys_ask("The same again: ", run, &second, err);
	if (!st && strcmp(first, second) != 0)
		st = error_set(err, ST_FAILED, ERR_USAGE, "the two passphrases differ");
	keys_forget(second);
	if (st)
		keys_forget(first);
	else
		*ret = first;
	return st;
}

static enum status keys_for_writing(const struct config *c, const struct run *run, struct age_recipients *r, struct error *err)
{
	const char *given = keys_given();
	char *asked = NULL;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < c->recipients.n; i++)
		st = age_recipients_add(r, c->recipients.item[i], err);
	if (st || !c->ask_passphrase)
		return st;
	if (c->recipients.n)
		return error_set(err, ST_FAILED, ERR_USAGE, "--recipient and --passphrase contradict each other: a snapshot is encrypted with either");
	if (!given)
		st = keys_ask_twice(run, &asked, err);
	if (!st)
		st = age_recipients_passphrase(r, given ? given : asked, err);
	keys_forget(asked);
	return st;
}

enum status keys_recipients(const struct config *c, const struct run *run, struct age_recipients **ret, struct error *err)
{
	struct age_recipients *r = NULL;
	*ret = NULL;
	if (!c->recipients.n && !c->ask_passphrase) {
		if (!keys_given())
			return ST_OK;
		error_set(err, ST_FAILED, ERR_USAGE, "%s is set, but the snapshot would be written in clear", keys_variable);
		return error_hint(err, "give --passphrase to encrypt with it, or --recipient; or unset it");
	}
	enum status st = age_recipients_new(&r, err);
	if (!st)
		st = keys_for_writing(c, run, r, err);
	if (st)
		age_recipients_free(r);
	else
		*ret = r;
	return st;
}

static void keys_warn_readable(const char *path, struct event_sink *events)
{
	struct stat sb;
	if (!stat(path, &sb) && (sb.st_mode & (S_IRGRP | S_IROTH)))
		event_warning(events, "options", "%s holds a secret key and can be read by others: chmod 600", path);
}

static enum status keys_for_reading(const struct config *c, const struct run *run, struct event_sink *events, struct age_keyring *k,
                                    struct error *err)
{
	const char *given = keys_given();
	char *asked = NULL;
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < c->identities.n; i++) {
		keys_warn_readable(c->identities.item[i], events);
		st = age_keyring_add_file(k, c->identities.item[i], err);
	}
	if (!st && c->ask_passphrase && !given)
		st = keys_ask("Passphrase of the snapshot: ", run, &asked, err);
	if (!st && (given || asked))
		st = age_keyring_passphrase(k, given ? given : asked, err);
	keys_forget(asked);
	return st;
}

enum status keys_ring(const struct config *c, const struct run *run, struct event_sink *events, struct age_keyring **ret,
                      struct error *err)
{
	struct age_keyring *k = NULL;
	*ret = NULL;
	if (!c->identities.n && !c->ask_passphrase && !keys_given())
		return ST_OK;
	enum status st = age_keyring_new(&k, err);
	if (!st)
		st = keys_for_reading(c, run, events, k, err);
	if (st)
		age_keyring_free(k);
	else
		*ret = k;
	return st;
}
