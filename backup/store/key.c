/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#include <string.h>

#include "slackwater/hex.h"

enum { KEY_SEGMENT_MAX = 255 };

static bool key_is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '_' || c == '-';
}

bool key_segment_valid(const char *segment, size_t len)
{
	if (len == 0 || len > KEY_SEGMENT_MAX || segment[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (key_is_plain(segment[i]))
			continue;
		if (len - i < 3 || hex_percent(segment + i) < 0)
			return false;
		i += 2;
	}
	return true;
}

bool key_valid(const char *key)
{
	for (;;) {
		size_t len = strcspn(key, "/");
		if (!key_segment_valid(key, len))
			return false;
		if (!key[len])
			return true;
		key += len + 1;
	}
}

bool key_prefix_valid(const char *prefix)
{
	const char *rest = prefix;
	for (const char *slash; (slash = strchr(rest, '/')); rest = slash + 1)
		if (!key_segment_valid(rest, (size_t)(slash - rest)))
			return false;
	for (; *rest; rest++)
		if (!key_is_plain(*rest) && *rest != '%')
			return false;
	return true;
}
