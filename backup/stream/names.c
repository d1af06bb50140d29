/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/names.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_ENTRY_MAX = 255 };

bool names_entry_valid(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%-";
	size_t len = strspn(name, allowed);
	return len > 0 && len <= NAMES_ENTRY_MAX && !name[len] && name[0] != '.';
}

/* HEAD, at least four digits without needless zeros in front, TAIL. */
static bool names_numbered(const char *key, const char *head, const char *tail, unsigned *ret_number)
{
	size_t len = strlen(head);
	if (strncmp(key, head, len) != 0)
		return false;
	const char *digit = key + len;
	size_t n = strspn(digit, "0123456789");
	if (n < 4 || n > 9 || (n > 4 && digit[0] == '0') || strcmp(digit + n, tail) != 0)
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
	return strcmp(name, NAMES_MANIFEST_JSON) == 0 || names_numbered(name, "index-", ".json", NULL);
}

bool names_sha256_valid(const char *hex)
{
	return strspn(hex, "0123456789abcdef") == 64 && !hex[64];
}

enum names_kind names_object(const char *key, unsigned *ret_number)
{
	if (names_numbered(key, "shard-", ".tar", ret_number))
		return NAMES_SHARD;
	if (names_numbered(key, "index-", ".json", ret_number))
		return NAMES_INDEX;
	return strcmp(key, NAMES_CHECKPOINT_JSON) == 0 ? NAMES_CHECKPOINT : NAMES_OTHER;
}

void names_shard(unsigned number, char ret[64])
{
	snprintf(ret, 64, "shard-%04u.tar", number);
}

void names_index(unsigned number, char ret[64])
{
	snprintf(ret, 64, "index-%04u.json", number);
}
