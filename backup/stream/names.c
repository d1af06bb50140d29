/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/names.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_ENTRY_MAX = 255 };
static const char names_age[] = ".age";

bool names_entry_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%-";
	size_t len = strspn(name, allowed);
	return len > 0 && len <= NAMES_ENTRY_MAX && !name[len] && name[0] != '.';
}

/* HEAD, at least four digits without needless zeros in front, TAIL; sealed: it may end in .age. */
static bool names_numbered(const char *key, const char *head, const char *tail, bool sealed, unsigned *ret_number)
{
	size_t len = strlen(head);
	if (strncmp(key, head, len) != 0)
		return false;
	const char *digit = key + len;
	size_t n = strspn(digit, "0123456789"), tail_len = strlen(tail);
	if (n < 4 || n > 9 || (n > 4 && digit[0] == '0') || strncmp(digit + n, tail, tail_len) != 0)
		return false;
	if (digit[n + tail_len] && (!sealed || strcmp(digit + n + tail_len, names_age) != 0))
		return false;
	unsigned number = 0;
	for (size_t i = 0; i < n; i++)
		number = number * 10 + (unsigned)(digit[i] - '0');
	if (ret_number)
		*ret_number = number;
	return true;
}

bool names_entry_reserved(const char *name)
{
	return strcmp(name, NAMES_MANIFEST_JSON) == 0 || names_numbered(name, "index-", ".json", false, NULL);
}

bool names_sha256_valid(const char *hex)
{
	return strspn(hex, "0123456789abcdef") == 64 && !hex[64];
}

enum names_kind names_object(const char *key, unsigned *ret_number)
{
	if (names_numbered(key, "shard-", ".tar", true, ret_number))
		return NAMES_SHARD;
	if (names_numbered(key, "index-", ".json", true, ret_number))
		return NAMES_INDEX;
	size_t len = strlen(NAMES_CHECKPOINT_JSON);
	bool is = strncmp(key, NAMES_CHECKPOINT_JSON, len) == 0 && (!key[len] || strcmp(key + len, names_age) == 0);
	return is ? NAMES_CHECKPOINT : NAMES_OTHER;
}

void names_shard(unsigned number, char ret[64])
{
	snprintf(ret, 64, "shard-%04u.tar", number);
}

void names_index(unsigned number, char ret[64])
{
	snprintf(ret, 64, "index-%04u.json", number);
}

bool names_sealed(const char *key)
{
	size_t len = strlen(key), age = strlen(names_age);
	return len > age && strcmp(key + len - age, names_age) == 0;
}

void names_seal(char key[64])
{
	size_t len = strlen(key);
	snprintf(key + len, 64 - len, "%s", names_age);
}
