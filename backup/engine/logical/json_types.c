/* SPDX-License-Identifier: Apache-2.0 */
#include "json_types.h"

#include <string.h>

#include "slackwater/dialect.h"

/* More digits than these no DOUBLE needs, and none is printed with. */
enum { DOUBLE_DIGITS = 17 };

static bool json_types_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* d a digit, anything else itself. */
static bool json_types_like(const char *s, size_t len, const char *form)
{
	if (strlen(form) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (form[i] == 'd' ? !json_types_digit(s[i]) : form[i] != s[i])
			return false;
	return true;
}

/* The forms in which the server prints what is no string. */
static bool json_types_string(const char *s, size_t len)
{
	static const char *const form[] = { "dddd-dd-dd", "dddd-dd-dd dd:dd:dd.dddddd", "dd:dd:dd.dddddd", "-dd:dd:dd.dddddd", "ddd:dd:dd.dddddd",
		                            "-ddd:dd:dd.dddddd" };
	for (size_t i = 0; i < sizeof form / sizeof form[0]; i++)
		if (json_types_like(s, len, form[i]))
			return true;
	return len >= 11 && memcmp(s, "base64:type", 11) == 0;
}

/* An integer that no BIGINT holds. */
static bool json_types_beyond(const char *s, size_t len)
{
	bool negative = *s == '-';
	const char *most = negative ? "9223372036854775808" : "18446744073709551615";
	size_t n = strlen(most);
	s += negative;
	len -= negative;
	return len > n || (len == n && memcmp(s, most, n) > 0);
}

/* A number without an exponent that no DOUBLE is printed as. */
static bool json_types_decimal(const char *s, size_t len)
{
	const char *point = memchr(s, '.', len);
	size_t digits = 0;
	if (!point)
		return json_types_beyond(s, len);
	for (size_t i = 0; i < len; i++)
		digits += json_types_digit(s[i]) && (digits || s[i] != '0');
	return digits > DOUBLE_DIGITS || (s[len - 1] == '0' && s + len - point > 2);
}

static const char *json_types_close(const char *p, const char *end)
{
	for (; p < end && *p != '"'; p++)
		p += *p == '\\' && p + 1 < end;
	return p;
}

unsigned json_types_scan(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	unsigned found = 0;
	while (p < end) {
		const char *from = p;
		if (*p == '"') {
			p = json_types_close(p + 1, end);
			found |= json_types_string(from + 1, (size_t)(p - from - 1)) ? JSON_SCAN_ASK : 0;
			p += p < end;
		} else if (*p == '-' || json_types_digit(*p)) {
			for (p++; p < end && (json_types_digit(*p) || *p == '.'); p++)
				;
			bool exponent = p < end && (*p == 'e' || *p == 'E');
			found |= !exponent && json_types_decimal(from, (size_t)(p - from)) ? JSON_SCAN_LOST : 0;
			while (exponent && p < end && !strchr(",]} ", *p))
				p++;
		} else {
			p++;
		}
	}
	return found;
}

/* The select list of the documents, and the condition that one of them is not what its text makes. */
static void json_types_columns(const struct table *t, struct buf *list, struct buf *condition)
{
	unsigned n = 0;
	for (size_t i = 0; i < t->ncols; i++) {
		if (!t->col[i].json || t->col[i].generated)
			continue;
		buf_adds(list, n ? ", " : "");
		sql_ident(list, t->col[i].name);
		buf_addf(list, " AS j%u", n);
		buf_addf(condition, "%sNOT j%u <=> CAST(CAST(j%u AS CHAR CHARACTER SET utf8mb4) AS JSON)", n ? " OR " : "", n, n);
		n++;
	}
}

enum status json_types_ask(struct conn *c, const struct table *t, const char *where, uint64_t *ret, struct error *err)
{
	struct buf list = BUF_INIT(BUF_MAX_SQL), condition = BUF_INIT(BUF_MAX_SQL), sql = BUF_INIT(BUF_MAX_SQL);
	json_types_columns(t, &list, &condition);
	buf_addf(&sql, "SELECT COUNT(*) FROM (SELECT %s FROM ", buf_str(&list));
	sql_qualified(&sql, t->schema, t->name);
	buf_addf(&sql, "%s) AS each_row WHERE %s", where, buf_str(&condition));
	enum status st = buf_check(&sql, "a query", err);
	if (!st)
		st = conn_scalar_u64(c, sql.data, ret, err);
	buf_free(&list);
	buf_free(&condition);
	buf_free(&sql);
	return st;
}

enum status json_types_check(const struct table *t, enum json_types option, struct error *err)
{
	if (option != JSON_TYPES_REFUSE && t->found_by_key)
		return ST_OK;
	error_set(err, ST_FAILED, ERR_PREFLIGHT, "`%s`.`%s` holds JSON values whose types their text does not tell, and %s", t->schema, t->name,
	          t->found_by_key ? "--json-types is refuse" : "no key by which replication could find these rows in a seed");
	error_hint(err, t->found_by_key ? "decimals would become doubles, dates, times and bytes strings; --json-types warn lets them"
	                                : "give it a primary key, or leave it out with --exclude");
	return ST_FAILED;
}
