/* SPDX-License-Identifier: Apache-2.0 */
#include "load_ddl.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PART_COLUMN, PART_PRIMARY, PART_UNIQUE, PART_KEY, PART_SPECIAL_KEY, PART_FOREIGN_KEY, PART_OTHER };

struct cursor { const char *p, *end; };

/*
 * One step: a whole quoted text, or one byte. Names and comments may hold parentheses, commas, line ends and the words we look for,
 * so nothing inside quotes is ever looked at. Backticks double themselves; strings do that or use a backslash. False: an open quote.
 */
static bool step(struct cursor *c)
{
	char q = *c->p++;
	if (q != '`' && q != '\'' && q != '"')
		return true;
	while (c->p < c->end) {
		char x = *c->p++;
		if (x == '\\' && q != '`' && c->p < c->end)
			c->p++;
		else if (x == q && c->p < c->end && *c->p == q)
			c->p++;
		else if (x == q)
			return true;
	}
	return false;
}

static bool blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_blanks(struct cursor *c)
{
	while (c->p < c->end && blank(*c->p))
		c->p++;
}

static bool word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || (c & 0x80);
}

/* Takes the words, each after blanks and each ending where a word ends; all or nothing. */
static bool take(struct cursor *c, const char *words)
{
	struct cursor t = *c;
	while (*words) {
		size_t n = strcspn(words, " ");
		skip_blanks(&t);
		if ((size_t)(t.end - t.p) < n || strncasecmp(t.p, words, n) != 0)
			return false;
		t.p += n;
		if (t.p < t.end && word_char(t.p[-1]) && word_char(*t.p))
			return false;
		words += n;
		words += *words == ' ';
	}
	*c = t;
	return true;
}

static bool take_byte(struct cursor *c, char b)
{
	struct cursor t = *c;
	skip_blanks(&t);
	if (t.p == t.end || *t.p != b)
		return false;
	t.p++;
	*c = t;
	return true;
}

/* A name in backticks, unquoted into out (which may be NULL). */
static bool take_name(struct cursor *c, struct buf *out)
{
	struct cursor t = *c;
	skip_blanks(&t);
	if (t.p == t.end || *t.p != '`')
		return false;
	const char *from = t.p + 1;
	if (!step(&t))
		return false;
	for (const char *p = from; out && p < t.p - 1; p++) {
		buf_addc(out, *p);
		p += *p == '`';
	}
	*c = t;
	return true;
}

/* The word outside quotes, at any depth. Leaves c behind it. */
static bool find(struct cursor *c, const char *words)
{
	bool boundary = true;
	while (c->p < c->end) {
		if (boundary && take(c, words))
			return true;
		boundary = !word_char(*c->p);
		if (!step(c))
			return false;
	}
	return false;
}

/* From behind an opening parenthesis to its closing one. */
static bool close_list(struct cursor *c)
{
	int depth = 1;
	while (c->p < c->end) {
		depth += (*c->p == '(') - (*c->p == ')');
		if (depth == 0)
			return true;
		if (!step(c))
			return false;
	}
	return false;
}

/* An expression among the key parts: a parenthesis where a name would be. A prefix length follows a name. */
static bool functional(struct cursor c)
{
	int depth = 0;
	char last = ' ';
	take_name(&c, NULL);
	while (c.p < c.end) {
		char x = *c.p;
		if (x == '(' && depth == 1 && (last == '(' || last == ','))
			return true;
		depth += (x == '(') - (x == ')');
		last = blank(x) ? last : x;
		if (!step(&c))
			return true;
	}
	return false;
}

static int kind_of(struct cursor c)
{
	struct cursor constraint = c;
	if (take(&c, "PRIMARY KEY"))
		return PART_PRIMARY;
	if (take(&c, "UNIQUE KEY"))
		return functional(c) ? PART_SPECIAL_KEY : PART_UNIQUE;
	if (take(&c, "KEY"))
		return functional(c) ? PART_SPECIAL_KEY : PART_KEY;
	if (take(&c, "FULLTEXT KEY") || take(&c, "SPATIAL KEY") || take(&c, "VECTOR KEY"))
		return PART_SPECIAL_KEY;
	if (take(&constraint, "CONSTRAINT"))
		take_name(&constraint, NULL);
	if (take(&constraint, "FOREIGN KEY"))
		return PART_FOREIGN_KEY;
	return take_name(&c, NULL) ? PART_COLUMN : PART_OTHER;
}

static enum status add_part(struct load_ddl *d, const char *from, const char *to, struct error *err)
{
	if (d->nparts % 32 == 0) {
		struct load_ddl_part *grown = realloc(d->part, (d->nparts + 32) * sizeof *grown);
		if (!grown)
			return error_oom(err);
		d->part = grown;
	}
	struct load_ddl_part *p = &d->part[d->nparts++];
	*p = (struct load_ddl_part){ .text = from, .len = (size_t)(to - from) };
	p->kind = kind_of((struct cursor){ from, to });
	return ST_OK;
}

static enum status add_parent(struct load_ddl *d, const struct load_ddl_part *p, struct error *err)
{
	struct cursor c = { p->text, p->text + p->len };
	struct buf first = BUF_INIT(1024), second = BUF_INIT(1024);
	enum status st = ST_OK;
	if (find(&c, "REFERENCES") && take_name(&c, &first)) {
		bool qualified = take_byte(&c, '.') && take_name(&c, &second);
		st = strlist_addf(&d->parents, err, "%s.%s", qualified ? buf_str(&first) : "",
		                  qualified ? buf_str(&second) : buf_str(&first));
	}
	buf_free(&first);
	buf_free(&second);
	return st;
}

/* MariaDB shows an option of an engine's own with its name in backticks, its value with quotation marks or without [run 10.5.23, 10.11.19]. */
static bool own_option_is(struct cursor c, const char *name, const char *value)
{
	struct buf found = BUF_INIT(1024);
	bool is = false;
	while (!is && c.p < c.end) {
		buf_clear(&found);
		if (!take_name(&c, &found)) {
			if (!step(&c))
				break;
			continue;
		}
		bool named = strcasecmp(buf_str(&found), name) == 0 && take_byte(&c, '=');
		struct cursor quoted = c;
		is = named && (take(&c, value) || (take_byte(&quoted, '\'') && take(&quoted, value)));
	}
	buf_free(&found);
	return is;
}

static bool is_encrypted(struct cursor tail)
{
	struct cursor c = tail;
	return (find(&c, "ENCRYPTION") && take_byte(&c, '=') && take_byte(&c, '\'') && take(&c, "Y")) || own_option_is(tail, "ENCRYPTED", "YES");
}

static void read_options(struct load_ddl *d, struct cursor tail)
{
	struct cursor c = tail;
	d->encrypted = is_encrypted(tail);
	d->versioned = find(&c, "WITH SYSTEM VERSIONING");
	c = tail;
	if (!find(&c, "ENGINE"))
		return;
	size_t n = 0;
	if (c.p < c.end && *c.p == '=')
		for (c.p++; c.p < c.end && word_char(*c.p) && n + 1 < sizeof d->engine; c.p++)
			d->engine[n++] = *c.p;
	d->engine[n] = '\0';
	d->innodb = strcasecmp(d->engine, "InnoDB") == 0;
}

/* Summaries, once the list is known to be whole. */
static enum status summarize(struct load_ddl *d, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < d->nparts; i++) {
		if (d->part[i].kind == PART_FOREIGN_KEY) {
			d->has_foreign_keys = true;
			st = add_parent(d, &d->part[i], err);
		}
	}
	return st;
}

enum status load_ddl_parse(const char *sql, size_t len, struct load_ddl *ret, struct error *err)
{
	*ret = (struct load_ddl){ .sql = sql, .len = len };
	struct cursor c = { sql, sql + len };
	if (!take(&c, "CREATE TABLE"))
		return ST_OK;
	take(&c, "IF NOT EXISTS");
	if (!take_name(&c, NULL) || (take_byte(&c, '.') && !take_name(&c, NULL)) || !take_byte(&c, '('))
		return ST_OK;
	const char *list = c.p, *from = c.p;
	struct cursor whole = c;
	if (!close_list(&whole))
		return ST_OK;

	enum status st = ST_OK;
	int depth = 0;
	while (!st && c.p < whole.p) {
		depth += (*c.p == '(') - (*c.p == ')');
		if (*c.p == ',' && depth == 0) {
			st = add_part(ret, from, c.p, err);
			from = c.p + 1;
		}
		step(&c);
	}
	if (!st)
		st = add_part(ret, from, whole.p, err);
	if (!st) {
		ret->list_begin = (size_t)(list - sql);
		ret->list_end = (size_t)(whole.p - sql);
		read_options(ret, (struct cursor){ whole.p + 1, sql + len });
		st = summarize(ret, err);
	}
	if (st)
		load_ddl_free(ret);
	return st;
}

void load_ddl_free(struct load_ddl *d)
{
	free(d->part);
	strlist_free(&d->parents);
	*d = (struct load_ddl){ 0 };
}

/* The column whose AUTO_INCREMENT needs an index of its own, unquoted; "" = none. */
static void find_auto_column(const struct load_ddl *d, struct buf *ret)
{
	for (size_t i = 0; i < d->nparts; i++) {
		struct cursor c = { d->part[i].text, d->part[i].text + d->part[i].len };
		if (d->part[i].kind != PART_COLUMN)
			continue;
		buf_clear(ret);
		take_name(&c, ret);
		if (find(&c, "AUTO_INCREMENT"))
			return;
	}
	buf_clear(ret);
}

static bool led_by(const struct load_ddl_part *p, const char *column)
{
	struct cursor c = { p->text, p->text + p->len };
	struct buf first = BUF_INIT(1024);
	if (!take(&c, "PRIMARY KEY") && !take(&c, "UNIQUE KEY"))
		take(&c, "KEY");
	take_name(&c, NULL);
	while (c.p < c.end && *c.p != '(' && step(&c))
		;
	bool led = take_byte(&c, '(') && take_name(&c, &first) && strcmp(buf_str(&first), column) == 0;
	buf_free(&first);
	return led;
}

/* ordered: how many parts from the first on are followed by a key that stays, and would come to stand behind it. */
struct keeping { bool all, unique; size_t ordered; const char *auto_column; };

static bool waits(const struct load_ddl *d, size_t i, const struct keeping *k)
{
	const struct load_ddl_part *p = &d->part[i];
	if (k->all || (p->kind != PART_KEY && p->kind != PART_UNIQUE) || (p->kind == PART_UNIQUE && k->unique) || (p->kind == PART_KEY && i < k->ordered))
		return false;
	return !*k->auto_column || !led_by(p, k->auto_column);
}

static struct keeping decide(const struct load_ddl *d, bool keep_all, const char *auto_column)
{
	struct keeping k = { .all = keep_all || !d->list_end || !d->innodb || d->versioned || d->has_foreign_keys, .unique = true,
		             .auto_column = auto_column };
	for (size_t i = 0; i < d->nparts; i++)
		if (d->part[i].kind == PART_PRIMARY)
			k.unique = false;
	for (size_t i = 0; i < d->nparts; i++) {
		struct cursor c = { d->part[i].text, d->part[i].text + d->part[i].len };
		if (d->part[i].kind == PART_SPECIAL_KEY && take(&c, "UNIQUE"))
			k.unique = true;
		else if (d->part[i].kind == PART_SPECIAL_KEY && !take(&c, "FULLTEXT")) /* which every server puts last */
			k.ordered = i;
		if (d->part[i].kind == PART_KEY && *auto_column && led_by(&d->part[i], auto_column))
			k.ordered = i;
		if (d->part[i].kind == PART_UNIQUE && *auto_column && led_by(&d->part[i], auto_column))
			k.unique = true;
	}
	return k;
}

static void add_trimmed(struct buf *b, const struct load_ddl_part *p)
{
	const char *from = p->text, *to = p->text + p->len;
	while (from < to && blank(*from))
		from++;
	while (to > from && blank(to[-1]))
		to--;
	buf_add(b, from, (size_t)(to - from));
}

void load_ddl_split(const struct load_ddl *d, bool keep_all, struct buf *create, struct buf *tail)
{
	struct buf auto_column = BUF_INIT(1024);
	find_auto_column(d, &auto_column);
	struct keeping k = decide(d, keep_all, buf_str(&auto_column));
	size_t kept = 0;
	buf_add(create, d->sql, k.all ? d->len : d->list_begin);
	for (size_t i = 0; !k.all && i < d->nparts; i++) {
		if (waits(d, i, &k)) {
			buf_adds(tail, tail->len ? ", ADD " : "ADD ");
			add_trimmed(tail, &d->part[i]);
		} else {
			buf_adds(create, kept++ ? ",\n  " : "\n  ");
			add_trimmed(create, &d->part[i]);
		}
	}
	if (!k.all) {
		buf_addc(create, '\n');
		buf_add(create, d->sql + d->list_end, d->len - d->list_end);
	}
	buf_free(&auto_column);
}

bool load_ddl_bare_timestamp(const struct load_ddl *d, struct buf *name)
{
	for (size_t i = 0; i < d->nparts; i++) {
		struct cursor c = { d->part[i].text, d->part[i].text + d->part[i].len };
		buf_clear(name);
		if (d->part[i].kind != PART_COLUMN || !take_name(&c, name) || !take(&c, "timestamp"))
			continue;
		struct cursor not_null = c, given = c, made = c;
		if (find(&not_null, "NOT NULL") && !find(&given, "DEFAULT") && !find(&made, "GENERATED"))
			return true;
	}
	buf_clear(name);
	return false;
}

/* Leaves c behind CREATE [DEFINER=account] EVENT. */
static bool take_event(struct cursor *c)
{
	if (!take(c, "CREATE"))
		return false;
	if (take(c, "DEFINER") && (!take_byte(c, '=') || !take_name(c, NULL) || (take_byte(c, '@') && !take_name(c, NULL))))
		return false;
	return take(c, "EVENT");
}

bool load_ddl_is_event(const char *sql, size_t len)
{
	struct cursor c = { sql, sql + len };
	return take_event(&c);
}

bool load_ddl_disable_event(const char *sql, size_t len, struct buf *out, bool *ret_changed)
{
	struct cursor c = { sql, sql + len };
	if (!take_event(&c) || !find(&c, "ON COMPLETION"))
		return false;
	take(&c, "NOT");
	if (!take(&c, "PRESERVE"))
		return false;
	const char *before = c.p;
	*ret_changed = take(&c, "ENABLE");
	if (!*ret_changed && !take(&c, "DISABLE"))
		return false;
	if (!*ret_changed) {
		buf_add(out, sql, len);
		return true;
	}
	buf_add(out, sql, (size_t)(before - sql));
	buf_adds(out, " DISABLE ON SLAVE");
	buf_add(out, c.p, (size_t)(sql + len - c.p));
	return true;
}
