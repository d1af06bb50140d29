/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3/marks.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "slackwater/units.h"

enum { MARKS_TAGS_MAX = 10, MARKS_TAGS_TEXT = 8192, MARKS_TAG_NAME = 128, MARKS_TAG_VALUE = 256 };
static const int64_t marks_lock_max_ms = INT64_C(100) * 365 * 24 * 3600 * 1000; /* what S3 takes */

static enum status marks_copy(char **ret, const char *text, struct error *err)
{
	if (!text || !*text || (*ret = strdup(text)))
		return ST_OK;
	return error_oom(err);
}

static enum status marks_sse(struct marks *m, const struct s3_options *o, struct error *err)
{
	static const char *const known[] = { "AES256", "aws:kms", "aws:kms:dsse" };
	bool good = !o->sse || !*o->sse, kms = o->sse && strncmp(o->sse, "aws:kms", 7) == 0;
	for (size_t i = 0; !good && i < sizeof known / sizeof known[0]; i++)
		good = strcmp(o->sse, known[i]) == 0;
	if (!good) {
		error_set(err, ST_FAILED, ERR_USAGE, "%.40s is no kind of encryption by the store", o->sse);
		error_hint(err, "--s3-sse is AES256, aws:kms or aws:kms:dsse");
		return ST_FAILED;
	}
	if (o->sse_key && *o->sse_key && !kms) {
		error_set(err, ST_FAILED, ERR_USAGE, "a key of the key service goes with its encryption only");
		error_hint(err, "add --s3-sse aws:kms");
		return ST_FAILED;
	}
	enum status st = marks_copy(&m->sse, o->sse, err);
	return st ? st : marks_copy(&m->sse_key, o->sse_key, err);
}

static enum status marks_lock(struct marks *m, const char *text, struct error *err)
{
	static const char *const modes[] = { "GOVERNANCE", "COMPLIANCE" };
	if (!text || !*text)
		return ST_OK;
	size_t len = strcspn(text, ":");
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (len == strlen(modes[i]) && strncasecmp(text, modes[i], len) == 0)
			m->lock_mode = modes[i];
	bool timed = text[len] && units_parse_duration(text + len + 1, &m->lock_ms);
	if (m->lock_mode && timed && m->lock_ms > 0 && m->lock_ms <= marks_lock_max_ms)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "\"%.60s\" is no lock", text);
	error_hint(err, "--s3-object-lock governance:30d or compliance:12h: a mode, and for how long from now on");
	return ST_FAILED;
}

static enum status marks_tag(struct marks *m, const char *text, size_t len, struct error *err)
{
	char name[MARKS_TAG_NAME + 1], value[MARKS_TAG_VALUE + 1];
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals ? (size_t)(equals - text) : 0, value_len = equals ? len - name_len - 1 : 0;
	if (!name_len || name_len > MARKS_TAG_NAME || value_len > MARKS_TAG_VALUE) {
		error_set(err, ST_FAILED, ERR_USAGE, "\"%.*s\" is no tag", len < 60 ? (int)len : 60, text);
		error_hint(err, "--s3-tags NAME=VALUE,NAME=VALUE; names of up to %d bytes, values of up to %d", MARKS_TAG_NAME, MARKS_TAG_VALUE);
		return ST_FAILED;
	}
	memcpy(name, text, name_len);
	name[name_len] = '\0';
	memcpy(value, equals + 1, value_len);
	value[value_len] = '\0';
	if (m->tags.len)
		buf_addc(&m->tags, '&');
	sigv4_encode(name, true, &m->tags);
	buf_addc(&m->tags, '=');
	sigv4_encode(value, true, &m->tags);
	return buf_check(&m->tags, "the tags", err);
}

static enum status marks_tags(struct marks *m, const char *text, struct error *err)
{
	enum status st = ST_OK;
	unsigned n = 0;
	for (size_t len; !st && text && *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		st = ++n > MARKS_TAGS_MAX ? error_set(err, ST_FAILED, ERR_USAGE, "an object has %d tags at most", MARKS_TAGS_MAX) : marks_tag(m, text, len, err);
	}
	return st;
}

enum status marks_init(struct marks *m, const struct s3_options *o, struct error *err)
{
	*m = (struct marks){ .tags = BUF_INIT(MARKS_TAGS_TEXT) };
	enum status st = marks_copy(&m->storage_class, o->storage_class, err);
	if (!st)
		st = marks_sse(m, o, err);
	if (!st)
		st = marks_lock(m, o->object_lock, err);
	return st ? st : marks_tags(m, o->tags, err);
}

void marks_free(struct marks *m)
{
	free(m->storage_class);
	free(m->sse);
	free(m->sse_key);
	buf_free(&m->tags);
}

void marks_add(const struct marks *m, int64_t now_ms, char until[MARKS_UNTIL], struct client_call *call)
{
	const struct { const char *name, *value; } header[] = {
		{ "x-amz-storage-class", m->storage_class },
		{ "x-amz-server-side-encryption", m->sse },
		{ "x-amz-server-side-encryption-aws-kms-key-id", m->sse_key },
		{ "x-amz-object-lock-mode", m->lock_mode },
		{ "x-amz-object-lock-retain-until-date", m->lock_mode ? until : NULL },
		{ "x-amz-tagging", m->tags.len ? m->tags.data : NULL },
	};
	if (m->lock_mode) {
		time_t end = (time_t)((now_ms + m->lock_ms + 999) / 1000);
		struct tm tm;
		gmtime_r(&end, &tm);
		strftime(until, MARKS_UNTIL, "%Y-%m-%dT%H:%M:%SZ", &tm);
		call->md5_too = true;
	}
	for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
		if (header[i].value)
			client_header(call, header[i].name, header[i].value);
}
