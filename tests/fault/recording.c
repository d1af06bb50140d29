/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of answers. Lines, each with a letter first: "q" the statement, "x" the answer is the same as before, "e" error number and text, "w" warnings, "c" columns, "r" a row;
 * cells are separated by tabs, a backslash escapes (\t \n \\ \xHH), \N is SQL NULL.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "fault.h"

struct said {
	char *sql;
	struct answer **answer;
	size_t n, next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct said *said;
static size_t nsaid, capacity;
static FILE *out;
static bool loaded;

/* ---- texts ---- */

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Skips what is new in each run: the random part of a lock's name, session numbers behind "ID = " and "ID IN (". */
static const char *skip_random(const char *at, const char *begin)
{
	static const char *const before_number[] = { "ID = ", "ID IN (", "ID > ", "ID <> ", "ID != " };
	const char *end = at;
	while (is_hex(*end))
		end++;
	if (end - at == 16 && at > begin && at[-1] == '.')
		return end;
	if (*at < '0' || *at > '9')
		return at;
	for (size_t i = 0; i < sizeof before_number / sizeof *before_number; i++) {
		size_t n = strlen(before_number[i]);
		if ((size_t)(at - begin) >= n && memcmp(at - n, before_number[i], n) == 0)
			return at + strspn(at, "0123456789, ");
	}
	return at;
}

static char *plain_text(const char *sql, size_t len)
{
	char *from = fault_copy(sql, len), *to = fault_new(len + 1), *w = to;
	for (const char *at = from; *at;) {
		const char *next = skip_random(at, from);
		if (next > at)
			*w++ = '?';
		else
			*w++ = *next++;
		at = next;
	}
	free(from);
	return to;
}

/* ---- writing ---- */

static void put_escaped(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '\t')
			fputs("\\t", out);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\\')
			fputs("\\\\", out);
		else if (c < ' ' || c >= 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			putc(c, out);
	}
}

static bool same(const struct answer *a, const struct answer *b)
{
	bool is = a->my_errno == b->my_errno && a->warnings == b->warnings && a->has_rows == b->has_rows && a->ncols == b->ncols &&
	          a->nrows == b->nrows;
	for (size_t i = 0; is && i < a->nrows * a->ncols; i++)
		is = a->cell[i].len == b->cell[i].len && !a->cell[i].data == !b->cell[i].data &&
		     (!a->cell[i].data || memcmp(a->cell[i].data, b->cell[i].data, a->cell[i].len) == 0);
	return is;
}

static struct said *find(const char *sql)
{
	for (size_t i = 0; i < nsaid; i++)
		if (strcmp(said[i].sql, sql) == 0)
			return &said[i];
	return NULL;
}

/* Takes sql. */
static struct said *find_or_add(char *sql)
{
	struct said *s = find(sql);
	if (s) {
		free(sql);
		return s;
	}
	if (nsaid == capacity) {
		capacity = capacity ? capacity * 2 : 256;
		said = fault_grow(said, capacity * sizeof *said);
	}
	said[nsaid] = (struct said){ .sql = sql };
	return &said[nsaid++];
}

static void add(struct said *s, struct answer *a)
{
	s->answer = fault_grow(s->answer, (s->n + 1) * sizeof(struct answer *));
	s->answer[s->n++] = a;
}

static void put_cells(const struct answer *a, size_t row)
{
	for (unsigned i = 0; i < a->ncols; i++) {
		const struct answer_cell *c = &a->cell[row * a->ncols + i];
		putc(i ? '\t' : ' ', out);
		if (c->data)
			put_escaped(c->data, c->len);
		else
			fputs("\\N", out);
	}
}

static void put_answer(const char *sql, const struct answer *a, bool as_before)
{
	fputs("q ", out);
	put_escaped(sql, strlen(sql));
	fputs(as_before ? "\nx\n" : "\n", out);
	if (as_before)
		return;
	if (a->my_errno) {
		fprintf(out, "e %u ", a->my_errno);
		put_escaped(a->error, strlen(a->error));
		fputs("\n", out);
	}
	if (a->warnings)
		fprintf(out, "w %u\n", a->warnings);
	if (a->has_rows) {
		putc('c', out);
		for (unsigned i = 0; i < a->ncols; i++) {
			putc(i ? '\t' : ' ', out);
			put_escaped(a->col[i], strlen(a->col[i]));
		}
		putc('\n', out);
	}
	for (size_t row = 0; row < a->nrows; row++) {
		putc('r', out);
		put_cells(a, row);
		putc('\n', out);
	}
}

void answer_record(const char *file, const char *sql, size_t len, const struct answer *a)
{
	pthread_mutex_lock(&lock);
	if (!out && !(out = fopen(file, "we")))
		fault_usage("cannot write", file);
	struct said *s = find_or_add(plain_text(sql, len));
	put_answer(s->sql, a, s->n && same(s->answer[s->n - 1], a));
	add(s, answer_copy(a));
	pthread_mutex_unlock(&lock);
}

/* ---- reading ---- */

static char *unescape(const char *s, size_t len, size_t *ret_len)
{
	char *to = fault_new(len + 1), *w = to;
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\\' || i + 1 == len) {
			*w++ = s[i];
			continue;
		}
		char c = s[++i];
		if (c == 'x' && i + 2 < len) {
			char hex[3] = { s[i + 1], s[i + 2], '\0' };
			*w++ = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			*w++ = c == 't' ? '\t' : c == 'n' ? '\n' : c;
		}
	}
	*ret_len = (size_t)(w - to);
	return to;
}

/* The cells of one line, into row; returns how many. */
static unsigned read_cells(const char *line, struct answer_cell *row, unsigned max)
{
	unsigned n = 0;
	for (const char *at = line;; at++) {
		size_t len = strcspn(at, "\t");
		if (n == max)
			fault_usage("a line with too many cells", line);
		struct answer_cell *c = &row[n++];
		*c = (struct answer_cell){ 0 };
		if (len != 2 || memcmp(at, "\\N", 2) != 0)
			c->data = unescape(at, len, &c->len);
		at += len;
		if (!*at)
			return n;
	}
}

static void read_columns(struct answer *a, const char *line)
{
	enum { COLUMNS_MAX = 512 };
	struct answer_cell *cell = fault_new(COLUMNS_MAX * sizeof *cell);
	a->has_rows = true;
	a->ncols = read_cells(line, cell, COLUMNS_MAX);
	a->col = fault_new(a->ncols * sizeof *a->col);
	for (unsigned i = 0; i < a->ncols; i++)
		a->col[i] = cell[i].data;
	free(cell);
}

static void read_line(char *line, struct said **s, struct answer **a)
{
	size_t len;
	char *text = line[1] ? line + 2 : line + 1;
	if (*line == 'q') {
		*a = answer_new();
		add(*s = find_or_add(unescape(text, strlen(text), &len)), *a);
	} else if (*line == 'x' && *s && (*s)->n > 1) {
		answer_free(*a);
		(*s)->answer[(*s)->n - 1] = *a = answer_copy((*s)->answer[(*s)->n - 2]);
	} else if (!*a) {
		fault_usage("the recording does not begin with a statement", line);
	} else if (*line == 'e') {
		char *end;
		(*a)->my_errno = (unsigned)strtoul(text, &end, 10);
		(*a)->error = unescape(end + 1, strlen(end + 1), &len);
	} else if (*line == 'w') {
		(*a)->warnings = (unsigned)strtoul(text, NULL, 10);
	} else if (*line == 'c') {
		read_columns(*a, text);
	} else if (*line == 'r') {
		(*a)->cell = fault_grow((*a)->cell, ((*a)->nrows + 1) * (*a)->ncols * sizeof *(*a)->cell);
		if (read_cells(text, (*a)->cell + (*a)->nrows++ * (*a)->ncols, (*a)->ncols) != (*a)->ncols)
			fault_usage("a row with too few cells", line);
	}
}

static void load(const char *file)
{
	FILE *in = fopen(file, "re");
	struct said *s = NULL;
	struct answer *a = NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;
	if (!in)
		fault_usage("cannot read", file);
	while ((n = getline(&line, &size, in)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		read_line(line, &s, &a);
	}
	free(line);
	fclose(in);
	loaded = true;
}

struct answer *answer_find(const char *file, const char *sql, size_t len)
{
	char *text = plain_text(sql, len);
	pthread_mutex_lock(&lock);
	if (!loaded)
		load(file);
	struct said *s = find(text);
	struct answer *a = s ? s->answer[s->next < s->n ? s->next : s->n - 1] : NULL;
	if (s)
		s->next++;
	pthread_mutex_unlock(&lock);
	free(text);
	return a;
}

__attribute__((destructor)) static void recording_end(void)
{
	for (size_t i = 0; i < nsaid; i++) {
		for (size_t k = 0; k < said[i].n; k++)
			answer_free(said[i].answer[k]);
		free(said[i].answer);
		free(said[i].sql);
	}
	free(said);
	if (out)
		fclose(out);
}
