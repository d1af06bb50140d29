/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_conn.h"
#include "server/conn_error.h"

struct fake_table {
	struct strlist col;
	char ***row; /* NULL cells are SQL NULL */
	size_t nrows;
};

struct fake_step {
	char *sql;
	bool prefix, any_times, has_rows;
	struct fake_table table;
	unsigned my_errno;
	char *error;
	unsigned warnings;
	void (*when)(void *arg);
	void *when_arg;
};

struct fake_conn {
	struct conn base;
	pthread_t owner;
	struct fake_step **step; /* each allocated by itself: `when` may add some */
	size_t n, at;
	unsigned warnings;
	bool shielded, streaming;
};

struct fake_rows {
	struct rows base;
	struct fake_conn *c;
	struct fake_step *step;
	size_t at;
	bool stream, ended;
	char **cell; /* copies, of the current row */
	size_t *len;
};

/* cmocka's way out is a longjmp, which must not cross threads. */
static void fake_fail(const struct fake_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void fake_fail(const struct fake_conn *c, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!pthread_equal(c->owner, pthread_self())) {
		fprintf(stderr, "fake_conn, in another thread: %s\n", text);
		abort();
	}
	fail_msg("fake_conn: %s", text);
}

static void *fake_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);
	if (!p)
		abort();
	return p;
}

static char *fake_dup(const char *s, size_t len)
{
	char *copy = fake_alloc(len + 1);
	memcpy(copy, s, len);
	return copy;
}

/* ---- answers ---- */

static void fake_cells_free(char **cell, size_t n)
{
	for (size_t i = 0; cell && i < n; i++)
		free(cell[i]);
	free(cell);
}

static void fake_table_free(struct fake_table *t)
{
	for (size_t i = 0; i < t->nrows; i++)
		fake_cells_free(t->row[i], t->col.n);
	free(t->row);
	strlist_free(&t->col);
}

static char **fake_table_add(struct fake_table *t)
{
	char ***row = realloc(t->row, (t->nrows + 1) * sizeof *row);
	if (!row)
		abort();
	t->row = row;
	return t->row[t->nrows++] = fake_alloc(t->col.n * sizeof(char *));
}

static char *fake_cell(const char *s, size_t len)
{
	if (len == 2 && memcmp(s, "\\N", 2) == 0)
		return NULL;
	char *cell = fake_alloc(len + 1), *to = cell;
	for (size_t i = 0; i < len; i++) {
		bool escaped = s[i] == '\\' && i + 1 < len;
		char c = escaped ? s[++i] : s[i];
		*to++ = !escaped ? c : c == 'n' ? '\n' : c == 't' ? '\t' : c;
	}
	return cell;
}

static void fake_add_column(struct fake_table *t, const char *name, size_t len)
{
	char *copy = fake_dup(name, len);
	if (strlist_add(&t->col, copy, NULL))
		abort();
	free(copy);
}

static void fake_parse_line(struct fake_conn *c, struct fake_table *t, const char *line, size_t len, bool names)
{
	char **cell = names ? NULL : fake_table_add(t);
	size_t i = 0;
	for (const char *end = line + len;; line++) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));
		size_t n = (size_t)((tab ? tab : end) - line);
		if (names)
			fake_add_column(t, line, n);
		else if (i == t->col.n)
			fake_fail(c, "a row has more than %zu cells", t->col.n);
		else
			cell[i++] = fake_cell(line, n);
		line += n;
		if (!tab)
			break;
	}
	if (!names && i != t->col.n)
		fake_fail(c, "a row has %zu cells, there are %zu columns", i, t->col.n);
}

static struct fake_step *fake_last(struct fake_conn *c)
{
	if (!c->n)
		fake_fail(c, "an answer without an expectation");
	return c->step[c->n - 1];
}

void fake_conn_rows(struct conn *base, const char *text)
{
	struct fake_conn *c = (struct fake_conn *)base;
	struct fake_step *s = fake_last(c);
	s->has_rows = true;
	for (bool names = true; *text; names = false) {
		size_t len = strcspn(text, "\n");
		fake_parse_line(c, &s->table, text, len, names);
		text += len + (text[len] == '\n');
	}
}

/* "Name: value", a value that goes on on the next line included (sets are printed so). */
static void fake_vertical_line(struct fake_conn *c, struct fake_table *t, size_t *column, char *line)
{
	char **row = t->nrows ? t->row[t->nrows - 1] : NULL;
	char *name = line + strspn(line, " "), *colon = strchr(name, ':');
	bool is_name = colon && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789()@.") ==
	                                (size_t)(colon - name) &&
	               (colon[1] == ' ' || !colon[1]);
	if (!row || (!is_name && *column == 0))
		fake_fail(c, "'%s' is no line of a vertical row", line);
	if (!is_name) {
		char *was = row[*column - 1], *now = fake_alloc(strlen(was) + strlen(line) + 2);
		memcpy(now, was, strlen(was));
		now[strlen(was)] = '\n';
		memcpy(now + strlen(was) + 1, line, strlen(line));
		free(was);
		row[*column - 1] = now;
		return;
	}
	const char *value = colon[1] ? colon + 2 : colon + 1;
	if (t->nrows == 1) {
		fake_add_column(t, name, (size_t)(colon - name));
		row = t->row[0] = realloc(row, t->col.n * sizeof *row);
		if (!row)
			abort();
		row[t->col.n - 1] = NULL;
	}
	if (*column >= t->col.n)
		fake_fail(c, "a row has more cells than the first one, at '%s'", name);
	row[(*column)++] = strcmp(value, "NULL") == 0 ? NULL : fake_dup(value, strlen(value));
}

void fake_conn_rows_vertical(struct conn *base, const char *text)
{
	struct fake_conn *c = (struct fake_conn *)base;
	struct fake_step *s = fake_last(c);
	size_t column = 0;
	s->has_rows = true;
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *line = fake_dup(text, len);
		if (strncmp(line, "***", 3) == 0) {
			(void)fake_table_add(&s->table);
			column = 0;
		} else if (len) {
			fake_vertical_line(c, &s->table, &column, line);
		}
		free(line);
		text += len + (text[len] == '\n');
	}
}

void fake_conn_error(struct conn *base, unsigned my_errno, const char *text)
{
	struct fake_step *s = fake_last((struct fake_conn *)base);
	s->my_errno = my_errno;
	s->error = fake_dup(text, strlen(text));
}

void fake_conn_warnings(struct conn *base, unsigned count)
{
	fake_last((struct fake_conn *)base)->warnings = count;
}

void fake_conn_when(struct conn *base, void (*fn)(void *arg), void *arg)
{
	struct fake_step *s = fake_last((struct fake_conn *)base);
	s->when = fn;
	s->when_arg = arg;
}

void fake_conn_any_times(struct conn *base)
{
	fake_last((struct fake_conn *)base)->any_times = true;
}

/* ---- expectations ---- */

static void fake_expect(struct conn *base, const char *sql, bool prefix)
{
	struct fake_conn *c = (struct fake_conn *)base;
	struct fake_step **step = realloc(c->step, (c->n + 1) * sizeof(struct fake_step *));
	if (!step)
		abort();
	c->step = step;
	struct fake_step *s = c->step[c->n++] = fake_alloc(sizeof *s);
	s->sql = fake_dup(sql, strlen(sql));
	s->prefix = prefix;
}

void fake_conn_expect(struct conn *c, const char *sql)
{
	fake_expect(c, sql, false);
}

void fake_conn_expect_prefix(struct conn *c, const char *sql)
{
	fake_expect(c, sql, true);
}

static bool fake_matches(const struct fake_step *s, const char *sql, size_t len)
{
	size_t want = strlen(s->sql);
	return (s->prefix ? len >= want : len == want) && memcmp(sql, s->sql, want) == 0;
}

static struct fake_step *fake_take(struct fake_conn *c, const char *sql, size_t len)
{
	while (c->at < c->n && c->step[c->at]->any_times && !fake_matches(c->step[c->at], sql, len))
		c->at++;
	if (c->at == c->n)
		fake_fail(c, "unexpected statement, nothing more was expected: %.*s", (int)len, sql);
	struct fake_step *s = c->step[c->at];
	if (!fake_matches(s, sql, len))
		fake_fail(c, "unexpected statement: %.*s\n  expected%s: %s", (int)len, sql, s->prefix ? " to begin with" : "",
		          s->sql);
	if (!s->any_times)
		c->at++;
	return s;
}

/* ---- the vtables ---- */

static enum status fake_answer_error(struct fake_conn *c, const struct fake_step *s, struct error *err)
{
	if (conn_error_is_loss(s->my_errno))
		c->base.lost = true;
	if (!c->shielded && run_cancelled(c->base.run))
		return run_check(c->base.run, err);
	return conn_error_set(err, s->my_errno, s->error, false);
}

static void fake_rows_drop(struct fake_rows *r)
{
	fake_cells_free(r->cell, r->base.ncols);
	free(r->len);
	r->cell = NULL;
	r->len = NULL;
}

static enum status fake_rows_next(struct rows *base, const char *const **ret_row, const size_t **ret_len,
                                  struct error *err)
{
	struct fake_rows *r = (struct fake_rows *)base;
	const struct fake_table *t = &r->step->table;
	fake_rows_drop(r);
	if (!r->c->shielded && run_cancelled(r->c->base.run))
		return run_check(r->c->base.run, err);
	if (r->at == t->nrows) {
		r->ended = true;
		*ret_row = NULL;
		*ret_len = NULL;
		return r->step->my_errno ? fake_answer_error(r->c, r->step, err) : ST_OK;
	}
	char **from = t->row[r->at++];
	r->cell = fake_alloc(t->col.n * sizeof(char *));
	r->len = fake_alloc(t->col.n * sizeof *r->len);
	for (size_t i = 0; i < t->col.n; i++) {
		r->len[i] = from[i] ? strlen(from[i]) : 0;
		r->cell[i] = from[i] ? fake_dup(from[i], r->len[i]) : NULL;
	}
	*ret_row = (const char *const *)r->cell;
	*ret_len = r->len;
	return ST_OK;
}

static void fake_rows_free(struct rows *base)
{
	struct fake_rows *r = (struct fake_rows *)base;
	fake_rows_drop(r);
	if (r->stream)
		r->c->streaming = false;
	if (r->stream && !r->ended)
		r->c->base.lost = true;
	free(r);
}

static const struct rows_ops fake_rows_ops = { fake_rows_next, fake_rows_free };

static struct rows *fake_rows_new(struct fake_conn *c, struct fake_step *s, bool stream)
{
	struct fake_rows *r = fake_alloc(sizeof *r);
	r->base = (struct rows){ .ops = &fake_rows_ops, .ncols = (unsigned)s->table.col.n,
		                 .col = (const char *const *)s->table.col.item };
	r->c = c;
	r->step = s;
	r->stream = stream;
	c->streaming = stream;
	return &r->base;
}

static enum status fake_query(struct conn *base, const char *sql, size_t len, bool stream, struct rows **ret,
                              struct error *err)
{
	struct fake_conn *c = (struct fake_conn *)base;
	if (!c->shielded && run_cancelled(base->run))
		return run_check(base->run, err);
	if (base->lost)
		return conn_error_set(err, 2006, "the session was lost before", false);
	if (c->streaming)
		fake_fail(c, "a statement while streamed rows are open: %.*s", (int)len, sql);
	struct fake_step *s = fake_take(c, sql, len);
	if (s->when)
		s->when(s->when_arg);
	if (!c->shielded && run_cancelled(base->run))
		return run_check(base->run, err);
	c->warnings = s->warnings;
	if (s->my_errno && !(s->has_rows && ret))
		return fake_answer_error(c, s, err);
	if (ret)
		*ret = fake_rows_new(c, s, stream);
	return ST_OK;
}

static unsigned fake_warning_count(struct conn *c)
{
	return ((struct fake_conn *)c)->warnings;
}

static unsigned long fake_thread_id(struct conn *c)
{
	(void)c;
	return 42;
}

void fake_conn_check(struct conn *base)
{
	struct fake_conn *c = (struct fake_conn *)base;
	while (c->at < c->n && c->step[c->at]->any_times)
		c->at++;
	if (c->at < c->n)
		fake_fail(c, "%zu expected statements did not come, the first: %s", c->n - c->at, c->step[c->at]->sql);
}

static void fake_free(struct conn *base)
{
	struct fake_conn *c = (struct fake_conn *)base;
	fake_conn_check(base);
	for (size_t i = 0; i < c->n; i++) {
		free(c->step[i]->sql);
		free(c->step[i]->error);
		fake_table_free(&c->step[i]->table);
		free(c->step[i]);
	}
	free(c->step);
	free(c);
}

static const struct conn_ops fake_ops = { fake_query, fake_warning_count, fake_thread_id, fake_free };

struct conn *fake_conn_new(struct run *run, enum flavor flavor, unsigned version)
{
	struct fake_conn *c = fake_alloc(sizeof *c);
	c->base = (struct conn){ .ops = &fake_ops, .run = run };
	c->owner = pthread_self();
	struct server_info *s = &c->base.server;
	s->flavor = flavor;
	s->version = version;
	s->port = 3306;
	s->server_id = 1;
	snprintf(s->version_text, sizeof s->version_text, "%u.%u.%u%s", version / 10000, version / 100 % 100, version % 100,
	         flavor == FLAVOR_MARIADB ? "-MariaDB" : "");
	snprintf(s->hostname, sizeof s->hostname, "fake");
	if (flavor == FLAVOR_MYSQL)
		snprintf(s->uuid, sizeof s->uuid, "00000000-0000-0000-0000-0000000000fa");
	snprintf(s->identity, sizeof s->identity, "%s", flavor == FLAVOR_MYSQL ? s->uuid : "mariadb:fake:3306:1");
	return &c->base;
}

void fake_conn_shield(struct conn *c)
{
	((struct fake_conn *)c)->shielded = true;
}

/* ---- in place of conn_open ---- */

static struct fake_opening {
	struct conn *c;
	unsigned my_errno;
	const char *error;
} fake_opening[256];
static size_t fake_openings, fake_opened;

static void fake_conn_enqueue(struct fake_opening o)
{
	if (fake_openings == sizeof fake_opening / sizeof fake_opening[0])
		fail_msg("fake_conn: too many connections queued");
	fake_opening[fake_openings++] = o;
}

void fake_conn_queue(struct conn *c)
{
	fake_conn_enqueue((struct fake_opening){ .c = c });
}

void fake_conn_queue_error(unsigned my_errno, const char *text)
{
	fake_conn_enqueue((struct fake_opening){ .my_errno = my_errno, .error = text });
}

void fake_conn_check_queue(void)
{
	size_t left = fake_openings - fake_opened;
	fake_openings = fake_opened = 0;
	if (left)
		fail_msg("fake_conn: %zu queued connections were not opened", left);
}

enum status fake_conn_next(struct conn **ret, unsigned flags, struct run *run, struct error *err)
{
	if (!(flags & CONN_SHIELDED) && run_cancelled(run))
		return run_check(run, err);
	if (fake_opened == fake_openings)
		fail_msg("fake_conn: unexpected conn_open");
	const struct fake_opening *o = &fake_opening[fake_opened++];
	if (!o->c)
		return conn_error_set(err, o->my_errno, o->error, true);
	o->c->run = run;
	if (flags & CONN_SHIELDED)
		fake_conn_shield(o->c);
	*ret = o->c;
	return ST_OK;
}
