/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/id.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ID_KEY_MAX = 1024 };

/* Seconds, then 4096ths of a second, so that ids sort by time; then chance, so that two backups of one moment differ. */
enum status catalog_new_id(int64_t wall_ms, char ret[CATALOG_ID], struct error *err)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[20];
	unsigned char random[2];
	if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &tm) != 16)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "the clock shows an impossible time");
	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, errno, "no random number to be had");
	snprintf(ret, CATALOG_ID, "%s-%03x%x%02x", date, (unsigned)(wall_ms % 1000 * 4096 / 1000), random[0] & 0xFu, random[1]);
	return ST_OK;
}

bool id_valid(const char *id, size_t len)
{
	static const char pattern[] = "ddddddddTddddddZ-xxxxxx";
	if (len != strlen(pattern))
		return false;
	for (size_t i = 0; i < len; i++) {
		bool digit = id[i] >= '0' && id[i] <= '9', hex = digit || (id[i] >= 'a' && id[i] <= 'f');
		if (pattern[i] == 'd' ? !digit : pattern[i] == 'x' ? !hex : id[i] != pattern[i])
			return false;
	}
	return true;
}

bool id_time_ms(const char *id, int64_t *ret)
{
	static const char format[] = "%Y%m%dT%H%M%SZ";
	struct tm tm = { 0 };
	char again[20];
	if (!strptime(id, format, &tm))
		return false;
	time_t seconds = timegm(&tm);
	if (strftime(again, sizeof again, format, &tm) != 16 || strncmp(id, again, 16) != 0)
		return false;
	*ret = (int64_t)seconds * 1000;
	return true;
}

enum status id_key(const char *instance, const char *id, const char *tail, struct buf *key, struct error *err)
{
	buf_clear(key);
	catalog_instance_key(instance, key);
	buf_addf(key, "/manifests/%s%s", id, tail);
	return buf_check(key, "the key of what is beside a manifest", err);
}

enum status id_there(struct store *s, const char *instance, const char *id, const char *tail, bool *ret, struct error *err)
{
	struct buf key = BUF_INIT(ID_KEY_MAX);
	struct error mine = ERROR_INIT;
	uint64_t size;
	enum status st = id_key(instance, id, tail, &key, &mine);
	if (!st)
		st = s->ops->stat(s, key.data, &size, &mine);
	*ret = !st;
	buf_free(&key);
	if (!st || store_missing(&mine))
		return ST_OK;
	if (err)
		*err = mine;
	return st;
}

enum status id_check_beside(struct store *s, const char *instance, const char *id, const char *key, struct error *err)
{
	struct buf manifest = BUF_INIT(ID_KEY_MAX);
	struct error ignored;
	uint64_t size;
	enum status st = id_key(instance, id, ".json", &manifest, err);
	if (!st)
		st = s->ops->stat(s, manifest.data, &size, err);
	if (st)
		(void)s->ops->remove(s, key, &ignored);
	buf_free(&manifest);
	return st;
}
