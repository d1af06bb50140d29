/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gtid_parts.h"

static bool gtid_pos_triple(const char **at, struct gtid_triple *t)
{
	uint64_t domain, server, seq;
	if (!gtid_number(at, UINT32_MAX, &domain) || *(*at)++ != '-' || !gtid_number(at, UINT32_MAX, &server) ||
	    *(*at)++ != '-' || !gtid_number(at, UINT64_MAX, &seq))
		return false;
	*t = (struct gtid_triple){ (uint32_t)domain, (uint32_t)server, seq };
	return true;
}

static int gtid_pos_compare(const void *a, const void *b)
{
	const struct gtid_triple *p = a, *q = b;
	if (p->domain != q->domain)
		return p->domain < q->domain ? -1 : 1;
	return p->server < q->server ? -1 : p->server > q->server;
}

static const char *gtid_pos_blanks(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

static bool gtid_pos_read(const char *text, struct gtid_pos *p)
{
	const char *at = gtid_pos_blanks(text);
	while (*at) {
		if (!gtid_pos_triple(&at, &p->item[p->n]))
			return false;
		p->n++;
		at = gtid_pos_blanks(at);
		if (*at && *at++ != ',')
			return false;
		at = gtid_pos_blanks(at);
	}
	if (p->n)
		qsort(p->item, p->n, sizeof *p->item, gtid_pos_compare);
	for (size_t i = 1; i < p->n; i++)
		if (gtid_pos_compare(&p->item[i - 1], &p->item[i]) == 0)
			return false;
	return true;
}

enum status gtid_pos_parse(const char *text, struct gtid_pos *ret, struct error *err)
{
	size_t most = 1;
	for (const char *s = text; (s = strchr(s, ',')); s++)
		most++;
	struct gtid_pos p = { .item = calloc(most, sizeof *p.item) };
	if (!p.item)
		return error_oom(err);
	if (!gtid_pos_read(text, &p)) {
		gtid_pos_free(&p);
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "malformed GTID position '%.200s'", text);
	}
	*ret = p;
	return ST_OK;
}

void gtid_pos_free(struct gtid_pos *p)
{
	free(p->item);
	*p = (struct gtid_pos){ 0 };
}

void gtid_pos_format(const struct gtid_pos *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++)
		buf_addf(out, "%s%" PRIu32 "-%" PRIu32 "-%" PRIu64, i ? "," : "", p->item[i].domain, p->item[i].server,
		         p->item[i].seq);
}

/* Where a text had several servers of a domain (gtid_binlog_state), the last GTID is the one with the highest number. */
const struct gtid_triple *gtid_pos_domain(const struct gtid_pos *p, uint32_t domain)
{
	const struct gtid_triple *best = NULL;
	for (size_t i = 0; i < p->n && p->item[i].domain <= domain; i++)
		if (p->item[i].domain == domain && (!best || p->item[i].seq > best->seq))
			best = &p->item[i];
	return best;
}

bool gtid_pos_reached(const struct gtid_pos *a, const struct gtid_pos *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct gtid_triple *t = gtid_pos_domain(a, b->item[i].domain);
		if (!t || t->seq < b->item[i].seq)
			return false;
	}
	return true;
}

bool gtid_pos_equal(const struct gtid_pos *a, const struct gtid_pos *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (gtid_pos_compare(&a->item[i], &b->item[i]) != 0 || a->item[i].seq != b->item[i].seq)
			return false;
	return true;
}
