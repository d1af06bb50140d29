/* SPDX-License-Identifier: Apache-2.0 */
/* A file system that is not mounted is not taken for a new repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/anchor.h"
#include "scratch.h"
#include "slackwater/fs.h"

static struct store *opened(struct scratch *t, const char *state, const char *url)
{
	struct store *s = NULL;
	struct error err;
	OK(anchor_open(state, url, NULL, &t->run, &s, &err));
	return s;
}

static struct error refused(struct scratch *t, const char *state, const char *url)
{
	struct store *s = NULL;
	struct error err;
	FAILS(ERR_STORE, anchor_open(state, url, NULL, &t->run, &s, &err));
	assert_non_null(strstr(err.hint, "mounted"));
	assert_non_null(strstr(err.hint, "state/repository-"));
	return err;
}

static void test_a_repository_that_went(void **state)
{
	struct scratch *t = *state;
	const char *dir = scratch_path(t, "state"), *root = scratch_path(t, "r"), *away = scratch_path(t, "away");
	char url[200];
	struct error err;
	struct stat sb;
	snprintf(url, sizeof url, "file://%s", root);
	struct store *s = opened(t, dir, url);
	store_free(s);
	s = opened(t, dir, url); /* nothing was ever put there: it may be empty */
	OK(s->ops->put(s, "db1/manifests/x.json", "{}", 2, true, &err));
	anchor_set(dir, url, s);
	anchor_set(dir, url, s);
	store_free(s);
	assert_int_equal(scratch_count(dir), 1);
	store_free(opened(t, dir, url));

	assert_int_equal(rename(root, away), 0);
	err = refused(t, dir, url);
	assert_int_equal(stat(root, &sb), -1); /* and none was made */
	assert_int_equal(mkdir(root, 0700), 0);
	err = refused(t, dir, url);
	store_free(opened(t, NULL, url)); /* nothing is remembered */
	assert_int_equal(rmdir(root), 0);
	assert_int_equal(rename(away, root), 0);
	store_free(opened(t, dir, url));

	/* It is meant: the file that the hint names is removed. */
	OK(fs_remove_tree(root, &err));
	err = refused(t, dir, url);
	assert_int_equal(unlink(strstr(err.hint, "remove ") + strlen("remove ")), 0);
	store_free(opened(t, dir, url));
}

/* Rights that are missing are what they are, and not a file system that is not mounted. */
static void test_other_failures_stay(void **state)
{
	struct scratch *t = *state;
	const char *dir = scratch_path(t, "state"), *root = scratch_path(t, "r");
	struct store *s = opened(t, dir, root);
	struct error err;
	anchor_set(dir, root, s);
	store_free(s);
	assert_int_equal(rmdir(root), 0);
	scratch_write(root, "x", 1);
	FAILS(ERR_STORE, anchor_open(dir, root, NULL, &t->run, &s, &err));
	assert_int_equal(err.sys_errno, ENOTDIR);
	assert_null(strstr(err.hint, "repository-"));
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { IN_SCRATCH(test_a_repository_that_went), IN_SCRATCH(test_other_failures_stay) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
