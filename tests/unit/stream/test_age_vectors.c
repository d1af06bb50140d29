/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The format's published test vectors, one test each. tests/lab/install.sh puts them into $SLACKWATER_LAB_CACHE/age-vectors; where they could not be had, that
 * is one skipped test. Those of hybrid (post-quantum) identities are skipped by name: that kind is not supported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "slackwater/age.h"
#include "slackwater/digest.h"
#include "slackwater/fs.h"
#include "stream/age_armor.h"
#include "unseal.h"

enum { VECTORS_MAX = 400, VECTOR_MAX = 32 << 20 };

static char directory[512];

struct vector {
	char expect[64], payload[DIGEST_HEX];
	struct strlist identities, passphrases;
	bool armored;
	const char *body;
	size_t body_len;
};

static void parse(struct buf *text, struct vector *v)
{
	char *line = text->data;
	for (;;) {
		size_t len = strcspn(line, "\n");
		line[len] = '\0';
		char *value = strstr(line, ": ");
		if (!*line)
			break;
		assert_non_null(value);
		*value = '\0';
		value += 2;
		if (!strcmp(line, "expect"))
			snprintf(v->expect, sizeof v->expect, "%s", value);
		else if (!strcmp(line, "payload"))
			snprintf(v->payload, sizeof v->payload, "%s", value);
		else if (!strcmp(line, "identity"))
			assert_int_equal(strlist_add(&v->identities, value, NULL), ST_OK);
		else if (!strcmp(line, "passphrase"))
			assert_int_equal(strlist_add(&v->passphrases, value, NULL), ST_OK);
		else if (!strcmp(line, "armored"))
			v->armored = true;
		else if (strcmp(line, "comment") && strcmp(line, "file key"))
			fail_msg("a line \"%s\" that is not known", line);
		line += len + 1;
	}
	v->body = line + 1;
	v->body_len = text->len - (size_t)(v->body - text->data);
}

/* What our error is called there. */
static const char *called(const struct error *err)
{
	static const struct { const char *ours, *theirs; } word[] = {
		{ "malformed age header", "header failure" }, { "malformed armor", "armor failure" }, { "no key given opens it", "no match" },
		{ "its HMAC is wrong", "HMAC failure" }, { "is damaged", "payload failure" },
	};
	for (size_t i = 0; i < sizeof word / sizeof word[0]; i++)
		if (strstr(err->message, word[i].ours))
			return word[i].theirs;
	return err->message;
}

struct bytes {
	struct store_reader base;
	const struct vector *v;
	size_t at;
};

/* Seven bytes at a time, so that every line is met in pieces. */
static enum status bytes_read(struct store_reader *r, void *data, size_t cap, size_t *ret_n, struct error *err)
{
	struct bytes *b = (struct bytes *)r;
	size_t n = b->v->body_len - b->at;
	(void)err;
	n = n < 7 ? n : 7;
	n = n < cap ? n : cap;
	memcpy(data, b->v->body + b->at, n);
	b->at += n;
	*ret_n = n;
	return ST_OK;
}

static const struct store_reader_ops bytes_ops = { bytes_read, NULL };

/* Armored vectors are decoded by the reader of armor itself: one that does not begin as armor does would not be taken for it. */
static enum status unseal(const struct vector *v, struct age_keyring *k, struct buf *clear, struct error *err)
{
	struct bytes from = { { &bytes_ops }, v, 0 };
	struct buf inner = BUF_INIT(VECTOR_MAX);
	struct store_reader *armor = NULL;
	if (!v->armored)
		return unseal_whole(k, "vector", v->body, v->body_len, clear, err);
	enum status st = age_armor_new(&from.base, &armor, err);
	for (size_t n = 1; !st && n;) {
		char piece[100];
		st = armor->ops->read(armor, piece, sizeof piece, &n, err);
		if (!st)
			buf_add(&inner, piece, n);
	}
	store_reader_free(armor);
	if (!st)
		st = unseal_whole(k, "vector", buf_str(&inner), inner.len, clear, err);
	buf_free(&inner);
	return st;
}

static void check(const struct vector *v)
{
	struct error err = ERROR_INIT;
	struct age_keyring *k = NULL;
	struct buf clear = BUF_INIT(VECTOR_MAX), again = BUF_INIT(VECTOR_MAX);
	char sha256[DIGEST_HEX];
	OK(age_keyring_new(&k, &err));
	for (size_t i = 0; i < v->identities.n; i++)
		OK(age_keyring_add(k, v->identities.item[i], &err));
	for (size_t i = 0; i < v->passphrases.n; i++)
		OK(age_keyring_passphrase(k, v->passphrases.item[i], &err));
	enum status st = unseal(v, k, &clear, &err);
	if (st)
		assert_int_equal(err.kind, ERR_SNAPSHOT);
	assert_string_equal(st ? called(&err) : "success", v->expect);
	OK(digest_of(buf_str(&clear), clear.len, sha256, &err));
	/* What is handed out before the damage is part of it. */
	if (*v->payload)
		assert_string_equal(sha256, v->payload);
	if (!st && v->armored) { /* and it is taken for what it is */
		OK(unseal_whole(k, "vector", v->body, v->body_len, &again, &err));
		assert_int_equal(again.len, clear.len);
	}
	age_keyring_free(k);
	buf_free(&clear);
	buf_free(&again);
}

static void vector(void **state)
{
	struct error err = ERROR_INIT;
	struct buf text = BUF_INIT(VECTOR_MAX);
	struct vector v = { .body = NULL };
	char path[1024];
	bool hybrid = false;
	snprintf(path, sizeof path, "%s/%s", directory, (const char *)*state);
	OK(fs_read_file(path, &text, &err));
	parse(&text, &v);
	for (size_t i = 0; i < v.identities.n; i++)
		hybrid = hybrid || !strncmp(v.identities.item[i], "AGE-SECRET-KEY-PQ-", 18);
	if (!hybrid)
		check(&v);
	strlist_free(&v.identities);
	strlist_free(&v.passphrases);
	buf_free(&text);
	if (hybrid)
		skip();
}

static void the_published_vectors_are_not_here(void **state)
{
	(void)state;
	skip();
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(void)
{
	static struct CMUnitTest tests[VECTORS_MAX];
	struct dirent **entry = NULL;
	const char *cache = getenv("SLACKWATER_LAB_CACHE");
	snprintf(directory, sizeof directory, "%s/age-vectors", cache ? cache : "/var/cache/slackwater-lab");
	int n = scandir(directory, &entry, visible, alphasort);
	if (n <= 0) {
		const struct CMUnitTest none[] = { cmocka_unit_test(the_published_vectors_are_not_here) };
		return cmocka_run_group_tests(none, NULL, NULL);
	}
	for (int i = 0; i < n && i < VECTORS_MAX; i++)
		tests[i] = (struct CMUnitTest){ .name = entry[i]->d_name, .test_func = vector, .initial_state = entry[i]->d_name };
	/* The slots behind the last have no function: cmocka leaves them out. */
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(entry[i]);
	free(entry);
	return failed;
}
