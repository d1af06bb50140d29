/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/instance.h"

#include <string.h>

#include "slackwater/hex.h"

enum { INSTANCE_KEY_MAX = 1024 };

/* A dot is escaped in front only: a key's segment cannot begin with one. "%00" cannot stand for any name, so it stands for none. */
void catalog_instance_key(const char *instance, struct buf *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	if (!*instance)
		buf_adds(out, "%00");
	for (const char *p = instance; *p; p++) {
		if (strchr(plain, *p) || (*p == '.' && p != instance))
			buf_addc(out, *p);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)*p);
	}
}

/* Capital digits only: others are not of our making. */
void instance_name(const char *key, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		bool ours = i + 2 < len && strspn(key + i + 1, "0123456789ABCDEF") >= 2;
		int byte = ours ? hex_percent(key + i) : -1;
		if (byte)
			buf_addc(out, byte < 0 ? key[i] : (char)byte);
		i += byte < 0 ? 0 : 2;
	}
}

struct instance_listing {
	struct strlist *found;
	struct error *err;
	enum status st;
};

static bool instance_one(void *arg, const char *folder)
{
	struct instance_listing *l = arg;
	l->st = strlist_add(l->found, folder, l->err);
	return l->st == ST_OK;
}

enum status instance_folders(struct store *s, const char *instance, struct strlist *ret, struct error *err)
{
	struct instance_listing l = { .found = ret, .err = err };
	struct buf folder = BUF_INIT(INSTANCE_KEY_MAX);
	enum status st = ST_OK;
	if (instance) {
		catalog_instance_key(instance, &folder);
		buf_addc(&folder, '/');
		st = buf_check(&folder, "the instance's name", err);
	}
	if (!st)
		st = instance ? strlist_add(ret, folder.data, err) : s->ops->folders(s, "", instance_one, &l, err);
	buf_free(&folder);
	return st ? st : l.st;
}
