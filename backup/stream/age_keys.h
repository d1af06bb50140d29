/* SPDX-License-Identifier: Apache-2.0 */
/* age_keys: what recipients and keyrings hold. */
#pragma once

#include <pthread.h>

#include "slackwater/age.h"
#include "stream/age_crypto.h"

#define AGE_PUBLIC_WORD "age"
#define AGE_SECRET_WORD "age-secret-key-"

struct age_public { unsigned char key[AGE_KEY]; };

struct age_recipients {
	struct age_public *item;
	size_t n;
	char *passphrase; /* or NULL */
	struct strlist names;
};

struct age_identity { unsigned char secret[AGE_KEY], public[AGE_KEY]; };

/* What the header of an object said, so that it is read once. */
struct age_opened {
	struct age_opened *next;
	char *key;               /* in the store */
	uint64_t size;
	uint64_t begin;          /* where the payload's first chunk begins */
	unsigned char payload[AGE_KEY];
};

struct age_keyring {
	struct age_identity *item;
	size_t n;
	struct strlist passphrases; /* zeroed on free */
	pthread_mutex_t lock;       /* of opened */
	struct age_opened *opened;
};

void age_keys_forget(struct age_opened *o); /* and what is owned by it, zeroed */
/* Nobody has given a key for what. */
enum status age_keys_missing(const char *what, struct error *err);
