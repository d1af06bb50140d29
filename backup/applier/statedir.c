/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/statedir.h"

#include <stdio.h>
#include <string.h>

#include "slackwater/digest.h"
#include "slackwater/fs.h"

void statedir_hint(struct error *err)
{
	static const char what[] = "the journal of what has to be started again is kept there: name a writable directory with --state-dir";
	char why[sizeof err->hint];
	if (!err || strstr(err->hint, "--state-dir"))
		return;
	snprintf(why, sizeof why, "%s", err->hint); /* of the system's error; it says nothing of what the directory is for */
	error_hint(err, "%s%s%s", why, *why ? "; " : "", what);
}

enum status statedir_make(const char *dir, struct error *err)
{
	enum status st = fs_mkdirs(dir, 0700, err);
	if (st)
		statedir_hint(err);
	return st;
}

enum status statedir_key(const struct server_info *s, char ret[STATEDIR_KEY], struct error *err)
{
	char hex[DIGEST_HEX];
	enum status st = digest_of(s->identity, strlen(s->identity), hex, err);
	if (!st) {
		memcpy(ret, hex, STATEDIR_KEY - 1);
		ret[STATEDIR_KEY - 1] = '\0';
	}
	return st;
}
