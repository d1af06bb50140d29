/* SPDX-License-Identifier: Apache-2.0 */
/* conf/slackwater.conf and slackwater.conf(5) say what the tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/section.h"
#include "conf/settings.h"
#include "slackwater/fs.h"

static char dir[64];
static char sample[128];

static struct buf read_top(const char *name)
{
	char path[1024];
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(1 << 20);
	snprintf(path, sizeof path, "%s/%s", SLACKWATER_TOP, name);
	if (fs_read_file(path, &text, &err))
		fail_msg("%s", err.message);
	return text;
}

/* The sample with everything switched on that it has switched off, in a directory where its include finds something. */
static int switch_on(void **state)
{
	struct error err = ERROR_INIT;
	struct buf text = read_top("conf/slackwater.conf"), on = BUF_INIT(1 << 20);
	(void)state;
	for (const char *line = buf_str(&text); *line; ) {
		size_t len = strcspn(line, "\n") + 1;
		bool off = line[0] == '#' && (islower((unsigned char)line[1]) || line[1] == '[');
		buf_add(&on, line + off, len - off);
		line += len;
	}
	snprintf(dir, sizeof dir, "/tmp/slackwater-sample-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(sample, sizeof sample, "%s/conf.d", dir);
	assert_int_equal(fs_mkdirs(sample, 0700, &err), ST_OK);
	snprintf(sample, sizeof sample, "%s/slackwater.conf", dir);
	assert_int_equal(fs_write_file_atomic(sample, on.data, on.len, 0640, &err), ST_OK);
	buf_free(&text);
	buf_free(&on);
	return 0;
}

static int clean(void **state)
{
	struct error err = ERROR_INIT;
	(void)state;
	return fs_remove_tree(dir, &err) != ST_OK;
}

/* As it is installed it says what is missing, and nothing else. */
static void it_is_read(void **state)
{
	(void)state;
	struct settings *s = NULL;
	struct strlist mistakes = { 0 };
	struct error err = ERROR_INIT;
	if (settings_read(sample, &s, NULL, &err))
		fail_msg("%s", err.message);
	assert_true(s->ninstances == 1 && s->nstores == 1 && s->nsnapshots == 1);
	settings_free(s);
	assert_int_equal(settings_read(SLACKWATER_TOP "/conf/slackwater.conf", &s, &mistakes, &err), ST_FAILED);
	assert_int_equal(mistakes.n, 1);
	assert_non_null(strstr(mistakes.item[0], "it names no instance"));
	strlist_free(&mistakes);
}

static bool same_value(const struct option *o, const void *a, const void *b, bool *ret_has_default)
{
	const char *left = (const char *)a + o->offset, *right = (const char *)b + o->offset;
	size_t size = o->type == OPTION_NUMBER || o->type == OPTION_CHOICE ? sizeof(int) : sizeof(int64_t);
	int64_t whole = 0;
	if (o->type != OPTION_NUMBER && o->type != OPTION_CHOICE && o->type != OPTION_SIZE && o->type != OPTION_DURATION) {
		*ret_has_default = o->type == OPTION_FLAG || o->type == OPTION_CLEAR;
		return !*ret_has_default || *(const bool *)left == *(const bool *)right;
	}
	memcpy(&whole, right, size);
	*ret_has_default = o->type == OPTION_CHOICE ? *(const int *)right >= 0 : whole > 0;
	return !memcmp(left, right, size);
}

/* Every key there is, in its section; and what it is set to is its default, if it has one. */
static void it_has_every_key(void **state)
{
	(void)state;
	struct lines lines;
	struct sections all;
	struct mistakes m = { 0 };
	struct error err = ERROR_INIT;
	unsigned keys = 0, defaults = 0;
	assert_int_equal(lines_read(sample, &lines, &m, &err), ST_OK);
	assert_int_equal(sections_read(&lines, &all, &m, &err), ST_OK);
	assert_int_equal(all.n, KNOWN_KINDS);
	for (size_t i = 0; i < all.n; i++) {
		const struct section *s = &all.item[i];
		union known_values own;
		struct config config;
		const struct option *o;
		enum known_for takes;
		const char *prefix;
		known_defaults(s->kind, &own);
		config_init(&config);
		for (size_t k = 0; (o = known_key(s->kind, k, &takes, &prefix)) != NULL; k++, keys++) {
			char key[80];
			bool has_default;
			snprintf(key, sizeof key, "%s%s", prefix, o->name);
			if (!section_entry(s, key))
				fail_msg("conf/slackwater.conf lacks %s of [%s]", key, known_kind_name(s->kind));
			bool same = takes == KNOWN_OWN ? same_value(o, &s->own, &own, &has_default) : same_value(o, &s->config, &config, &has_default);
			if (has_default && !same)
				fail_msg("conf/slackwater.conf: %s is not set to its default", key);
			defaults += has_default;
		}
		config_free(&config);
	}
	assert_true(keys > 80 && defaults > 30);
	assert_int_equal(m.n, 0);
	mistakes_free(&m);
	sections_free(&all);
	lines_free(&lines);
}

/* Where the next section or part of one begins; NULL = nowhere. */
static const char *next_section(const char *text)
{
	while ((text = strstr(text, "\n.S")) != NULL && text[3] != 's' && text[3] != 'h')
		text++; /* a reference to one */
	return text;
}

static void the_manual_has_every_key(void **state)
{
	(void)state;
	struct buf page = read_top("packaging/man/slackwater.conf.5");
	for (unsigned kind = 0; kind < KNOWN_KINDS; kind++) {
		char title[40];
		const struct option *o;
		enum known_for takes;
		const char *prefix;
		snprintf(title, sizeof title, "\n.Ss [%s%s]\n", known_kind_name((enum known_kind)kind), kind == KNOWN_AGENT ? "" : " NAME");
		const char *part = strstr(buf_str(&page), title), *end = part ? next_section(part + 1) : NULL;
		assert_non_null(end);
		for (size_t k = 0; (o = known_key((enum known_kind)kind, k, &takes, &prefix)) != NULL; k++) {
			char item[100];
			snprintf(item, sizeof item, "\n.It Ic %s%s Ns", prefix, o->name);
			const char *at = strstr(part, item);
			if (!at || at > end)
				fail_msg("slackwater.conf(5) lacks %s%s of [%s]", prefix, o->name, known_kind_name((enum known_kind)kind));
		}
	}
	buf_free(&page);
}

/* What the table tells people of a key is enough to write it. */
static void keys_are_explained(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < KNOWN_KINDS; kind++) {
		const struct option *o;
		enum known_for takes;
		const char *prefix;
		for (size_t k = 0; (o = known_key((enum known_kind)kind, k, &takes, &prefix)) != NULL; k++) {
			assert_true(o->help && strlen(o->help) > 5);
			assert_true(o->value || o->type == OPTION_FLAG || o->type == OPTION_CLEAR);
			assert_ptr_equal(known_find((enum known_kind)kind, prefix[0] ? "" : o->name, &takes), prefix[0] ? NULL : o);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_read),
		cmocka_unit_test(it_has_every_key),
		cmocka_unit_test(the_manual_has_every_key),
		cmocka_unit_test(keys_are_explained),
	};
	return cmocka_run_group_tests(tests, switch_on, clean);
}
