/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "gtid_parts.h"
#include "slackwater/hex.h"

/* Reading stops at the first thing that does not fit; `at` then stands there. */
struct gtid_reader {
	const char *text, *at;
	bool oom;
};

static void gtid_skip_blanks(struct gtid_reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static bool gtid_take(struct gtid_reader *r, char c)
{
	gtid_skip_blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	gtid_skip_blanks(r);
	return true;
}

static bool gtid_read_uuid(struct gtid_reader *r, unsigned char uuid[16])
{
	const char *p = r->at;
	for (int i = 0; i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *p++ != '-')
			return false;
		int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);
		if (low < 0)
			return false;
		uuid[i] = (unsigned char)(high << 4 | low);
		p += 2;
	}
	r->at = p;
	return true;
}

bool gtid_number(const char **at, uint64_t max, uint64_t *ret)
{
	const char *p = *at;
	uint64_t n = 0;
	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');
		if (n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*at = p;
	*ret = n;
	return true;
}

static bool gtid_read_number(struct gtid_reader *r, int64_t *ret)
{
	uint64_t n = 0;
	if (!gtid_number(&r->at, INT64_MAX, &n) || n < 1)
		return false;
	*ret = (int64_t)n;
	return true;
}

static bool gtid_is_tag_start(char c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Servers compare tags without regard to case and print them in lower case. */
static bool gtid_read_tag(struct gtid_reader *r, char tag[GTID_TAG_MAX + 1])
{
	size_t n = 0;
	for (; gtid_is_tag_start(*r->at) || (*r->at >= '0' && *r->at <= '9'); r->at++) {
		if (n == GTID_TAG_MAX)
			return false;
		tag[n++] = (char)(*r->at >= 'A' && *r->at <= 'Z' ? *r->at + ('a' - 'A') : *r->at);
	}
	tag[n] = '\0';
	return true;
}

static bool gtid_read_interval(struct gtid_reader *r, struct gtid_part *p)
{
	int64_t first, last;
	if (!gtid_read_number(r, &first))
		return false;
	last = first;
	if (gtid_take(r, '-') && (!gtid_read_number(r, &last) || last < first))
		return false;
	if (!gtid_intervals_append(&p->iv, first, last)) {
		r->oom = true;
		return false;
	}
	return true;
}

static struct gtid_part *gtid_new_part(struct gtid_reader *r, struct gtid_set *s, const struct gtid_key *key)
{
	struct gtid_part *p = gtid_set_append(s, key);
	r->oom = r->oom || !p;
	return p;
}

/* uuid:1-5:7:tag:1-3:other:9, what follows a tag belongs to it. */
static bool gtid_read_uuid_set(struct gtid_reader *r, struct gtid_set *s)
{
	struct gtid_key key = { 0 };
	struct gtid_part *p = NULL;
	if (!gtid_read_uuid(r, key.uuid) || !gtid_take(r, ':'))
		return false;
	do {
		if (gtid_is_tag_start(*r->at)) {
			if ((p && !p->iv.n) || !gtid_read_tag(r, key.tag) || !(p = gtid_new_part(r, s, &key)))
				return false;
			continue;
		}
		if (!p && !(p = gtid_new_part(r, s, &key)))
			return false;
		if (!gtid_read_interval(r, p))
			return false;
	} while (gtid_take(r, ':'));
	return p->iv.n > 0;
}

static bool gtid_read_set(struct gtid_reader *r, struct gtid_set *s)
{
	gtid_skip_blanks(r);
	while (*r->at) {
		if (!gtid_read_uuid_set(r, s))
			return false;
		gtid_skip_blanks(r);
		if (*r->at && !gtid_take(r, ','))
			return false;
	}
	return true;
}

enum status gtid_set_parse(const char *text, struct gtid_set **ret, struct error *err)
{
	struct gtid_reader r = { .text = text, .at = text };
	struct gtid_set *s = NULL;
	enum status st = gtid_set_new(&s, err);
	if (st)
		return st;
	bool ok = gtid_read_set(&r, s);
	if (ok)
		r.oom = !gtid_set_normalise(s);
	if (r.oom)
		st = error_oom(err);
	else if (!ok)
		st = error_set(err, ST_FAILED, ERR_UNEXPECTED, "malformed GTID set at '%.40s', byte %zu of '%.200s'", r.at,
		               (size_t)(r.at - text), text);
	if (st)
		gtid_set_free(s);
	else
		*ret = s;
	return st;
}
