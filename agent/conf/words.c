/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <string.h>

#include "slackwater/buf.h"

enum { WORDS_MAX = 4096 };

/* What stands in the quotes that *s is at, appended; *s is then behind them. */
static enum status take_quoted(const char **s, struct buf *word, struct error *err)
{
	const char quote = *(*s)++;
	for (; **s && **s != quote; ++*s) {
		if (quote == '"' && **s == '\\' && ((*s)[1] == '"' || (*s)[1] == '\\'))
			++*s;
		buf_addc(word, **s);
	}
	if (!**s)
		return error_set(err, ST_FAILED, ERR_USAGE, "a quotation mark %c is not closed", quote);
	++*s;
	return ST_OK;
}

static enum status take_plain(const char **s, struct buf *word, struct error *err)
{
	if (strchr("|&<>;`", **s)) {
		error_set(err, ST_FAILED, ERR_USAGE, "%c stands outside quotes, and no shell reads this", **s);
		return error_hint(err, "write a script, and name it here");
	}
	if (**s == '\\' && !*++*s)
		return error_set(err, ST_FAILED, ERR_USAGE, "a backslash stands at the end");
	buf_addc(word, *(*s)++);
	return ST_OK;
}

static enum status take_word(const char **s, struct buf *word, struct error *err)
{
	enum status st = ST_OK;
	while (!st && **s && **s != ' ' && **s != '\t')
		st = **s == '"' || **s == '\'' ? take_quoted(s, word, err) : take_plain(s, word, err);
	return st ? st : buf_check(word, "a word", err);
}

enum status words_split(const char *text, struct strlist *ret, struct error *err)
{
	struct buf word = BUF_INIT(WORDS_MAX);
	enum status st = ST_OK;
	for (text += strspn(text, " \t"); !st && *text; text += strspn(text, " \t")) {
		buf_clear(&word);
		st = take_word(&text, &word, err);
		if (!st)
			st = strlist_add(ret, buf_str(&word), err);
	}
	buf_free(&word);
	return st;
}
