/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include "scratch.h"

void keys_new(struct keys *k)
{
	struct error err = ERROR_INIT;
	*k = (struct keys){ .identity = BUF_INIT(200), .recipient = BUF_INIT(200) };
	OK(age_keygen(&k->identity, &k->recipient, &err));
	OK(age_recipients_new(&k->to, &err));
	OK(age_recipients_add(k->to, k->recipient.data, &err));
	OK(age_keyring_new(&k->ring, &err));
	OK(age_keyring_add(k->ring, k->identity.data, &err));
}

void keys_free(struct keys *k)
{
	age_recipients_free(k->to);
	age_keyring_free(k->ring);
	buf_free(&k->identity);
	buf_free(&k->recipient);
}
