/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots that come through a pipe: whole ones become what they were, others become nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.h"
#include "slackwater/fs.h"
#include "slackwater/stored.h"

static const struct sample_spec spec = { .entries = 40, .shards = 1, .largest = 4000 };

/* The three things that can be done with a stream; each leaves nothing when it fails. */
static enum status verify_file(struct scratch *t, const char *file, struct manifest **m, struct verify_report *r, struct error *err)
{
	int fd;
	struct store *pipe = sample_open_pipe(file, &t->run, &fd);
	enum status st = snapshot_verify_stream(pipe, NULL, &t->run, m, r, err);
	store_free(pipe);
	close(fd);
	return st;
}

static enum status unpack_file(struct scratch *t, const char *file, struct manifest **m, struct error *err)
{
	int fd;
	struct store *pipe = sample_open_pipe(file, &t->run, &fd);
	enum status st = snapshot_unpack_stream(pipe, NULL, scratch_path(t, "out"), &t->run, m, err);
	store_free(pipe);
	close(fd);
	return st;
}

static enum status spool_file(struct scratch *t, const char *file, struct error *err)
{
	int fd;
	struct store *pipe = sample_open_pipe(file, &t->run, &fd);
	enum status st = snapshot_spool_stream(pipe, NULL, scratch_path(t, "spool"), &t->run, err);
	store_free(pipe);
	close(fd);
	return st;
}

/* All three say exit 8, with a word of `why`, and nothing is left. */
static void check_refused(struct scratch *t, const char *file, const char *why)
{
	struct error err = ERROR_INIT;
	struct verify_report r;
	FAILS(ERR_SNAPSHOT, verify_file(t, file, NULL, &r, &err));
	if (why && !strstr(err.message, why))
		fail_msg("\"%s\" is not in: %s", why, err.message);
	FAILS(ERR_SNAPSHOT, unpack_file(t, file, NULL, &err));
	FAILS(ERR_SNAPSHOT, spool_file(t, file, &err));
	assert_int_equal(access(scratch_path(t, "out"), F_OK), -1);
	assert_int_equal(access(scratch_path(t, "out.part"), F_OK), -1);
	assert_int_equal(scratch_count(scratch_path(t, "spool")), 0);
}

static const char *whole_file(struct scratch *t)
{
	const char *file = scratch_path(t, "stream.tar");
	sample_write_pipe(&spec, &t->run, file);
	return file;
}

static void test_verify(void **state)
{
	struct scratch *t = *state;
	struct verify_report r;
	struct manifest *m;
	struct error err;
	OK(verify_file(t, whole_file(t), &m, &r, &err));
	assert_int_equal(r.entries, spec.entries + 1);
	assert_int_equal(r.objects, 3);
	assert_string_equal(m->id, SAMPLE_ID);
	assert_string_equal(m->layout, "pipe");
	assert_int_equal(m->objects.n, 2);
	manifest_free(m);
}

static void test_unpack(void **state)
{
	struct scratch *t = *state;
	struct manifest *m;
	struct error err;
	OK(unpack_file(t, whole_file(t), &m, &err));
	sample_check_dir(&spec, scratch_path(t, "out"));
	assert_string_equal(m->instance, SAMPLE_INSTANCE);
	manifest_free(m);
	FAILS(ERR_USAGE, unpack_file(t, scratch_path(t, "stream.tar"), NULL, &err));
}

static void test_spool(void **state)
{
	struct scratch *t = *state;
	struct store *s;
	struct manifest *m;
	struct verify_report r;
	struct stream_index ix;
	struct error err;
	OK(spool_file(t, whole_file(t), &err));
	OK(store_open(scratch_path(t, "spool"), STORE_READ, NULL, &t->run, &s, &err));
	OK(catalog_find(s, NULL, NULL, &m, &err));
	assert_string_equal(m->id, SAMPLE_ID);
	assert_string_equal(m->layout, "store");
	OK(snapshot_verify(s, m, 2, &t->run, &r, &err));
	assert_int_equal(r.entries, spec.entries + 1);
	OK(snapshot_restore(s, m, scratch_path(t, "out"), 2, &t->run, &err));
	sample_check_dir(&spec, scratch_path(t, "out"));
	OK(stream_index_read(s, SAMPLE_INSTANCE "/" SAMPLE_ID "/", &m->objects, &ix, &err));
	for (size_t i = 0; i < ix.n; i++) { /* in any order */
		struct buf data = BUF_INIT(1 << 20);
		OK(stream_entry_read(s, SAMPLE_INSTANCE "/" SAMPLE_ID "/", &m->objects, &ix.item[ix.n - 1 - i], &data, &err));
		buf_free(&data);
	}
	stream_index_free(&ix);
	manifest_free(m);
	store_free(s);
}

static void test_cut_off_anywhere(void **state)
{
	struct scratch *t = *state;
	struct buf whole = BUF_INIT(1 << 24);
	struct error err;
	const char *file = whole_file(t), *cut = scratch_path(t, "cut.tar");
	OK(fs_read_file(file, &whole, &err));
	/* Every block boundary (where a tar may seem to end well) and some places beside. The end of the tar is two empty blocks. */
	size_t last = whole.len - 1024;
	scratch_write(cut, "", 0);
	check_refused(t, cut, "empty");
	unsigned before_manifest = 0;
	for (size_t len = 1; len < last; len += len % 512 ? 512 - len % 512 : len % 3 ? 512 : 100) {
		struct verify_report r;
		scratch_write(cut, whole.data, len);
		FAILS(ERR_SNAPSHOT, verify_file(t, cut, NULL, &r, &err));
		before_manifest += strstr(err.message, "before its manifest") != NULL;
		if (len % 7 == 0)
			check_refused(t, cut, NULL);
	}
	assert_true(before_manifest > 10);
	buf_free(&whole);
}

static void test_a_flipped_bit_anywhere(void **state)
{
	struct scratch *t = *state;
	struct buf whole = BUF_INIT(1 << 24);
	struct error err;
	struct verify_report r;
	const char *file = whole_file(t);
	unsigned found = 0, tried = 0;
	OK(fs_read_file(file, &whole, &err));
	/* Padding and a header's idle fields say nothing: there a flip may go unseen, and then everything must be as it was. */
	for (size_t at = 0; at < whole.len; at += 331) {
		scratch_flip(file, (int64_t)at);
		tried++;
		if (verify_file(t, file, NULL, &r, &err) == ST_OK) {
			OK(unpack_file(t, file, NULL, &err));
			sample_check_dir(&spec, scratch_path(t, "out"));
			OK(fs_remove_tree(scratch_path(t, "out"), &err));
		} else {
			assert_int_equal(err.kind, ERR_SNAPSHOT);
			found++;
			if (at % 5 == 0)
				check_refused(t, file, NULL);
		}
		scratch_flip(file, (int64_t)at);
	}
	assert_true(found > tried / 2);
	buf_free(&whole);
}

static void test_something_follows(void **state)
{
	struct scratch *t = *state;
	struct buf whole = BUF_INIT(1 << 24);
	struct verify_report r;
	struct error err;
	const char *file = whole_file(t);
	OK(fs_read_file(file, &whole, &err));
	for (int i = 0; i < 20480; i++)
		buf_addc(&whole, '\0'); /* what dd or tape-minded tools add */
	scratch_write(file, whole.data, whole.len);
	OK(verify_file(t, file, NULL, &r, &err));
	buf_addc(&whole, 'x');
	scratch_write(file, whole.data, whole.len);
	check_refused(t, file, "follows the end");
	buf_free(&whole);
}

/* ---- tars that we would never write ---- */

struct forged {
	struct archive *a;
};

static void forge(struct forged *f, const char *path)
{
	f->a = archive_write_new();
	archive_write_set_format_pax_restricted(f->a);
	assert_int_equal(archive_write_open_filename(f->a, path), ARCHIVE_OK);
}

static void forge_entry(struct forged *f, const char *name, const char *text, unsigned type, const char *link)
{
	struct archive_entry *e = archive_entry_new();
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, type);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)strlen(text));
	if (link && type == AE_IFLNK)
		archive_entry_set_symlink(e, link);
	else if (link)
		archive_entry_set_hardlink(e, link);
	assert_in_range(archive_write_header(f->a, e) - ARCHIVE_WARN, 0, ARCHIVE_OK - ARCHIVE_WARN);
	if (*text)
		assert_int_equal(archive_write_data(f->a, text, strlen(text)), strlen(text));
	archive_entry_free(e);
}

static void forge_end(struct forged *f)
{
	assert_int_equal(archive_write_close(f->a), ARCHIVE_OK);
	archive_write_free(f->a);
}

static void test_names_that_lead_elsewhere(void **state)
{
	struct scratch *t = *state;
	static const char *const bad[] = { "../escaped", "a/b", "/tmp/slackwater-escaped", ".hidden", "..", "a b", "\xc3\xa4" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct forged f;
		forge(&f, scratch_path(t, "forged.tar"));
		forge_entry(&f, bad[i], "evil", AE_IFREG, NULL);
		forge_end(&f);
		check_refused(t, scratch_path(t, "forged.tar"), "name");
	}
	assert_int_equal(access(scratch_path(t, "escaped"), F_OK), -1);
	assert_int_equal(access("/tmp/slackwater-escaped", F_OK), -1);
}

static void test_things_that_are_not_files(void **state)
{
	struct scratch *t = *state;
	static const char no_file[] = "not a plain file";
	static const struct { unsigned type; const char *link, *why; } bad[] = {
		{ AE_IFLNK, "/etc/passwd", no_file }, { AE_IFREG, "metadata", no_file }, { AE_IFDIR, NULL, "name" }, /* "thing/" */
		{ AE_IFIFO, NULL, no_file }, { AE_IFCHR, NULL, no_file },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct forged f;
		forge(&f, scratch_path(t, "forged.tar"));
		forge_entry(&f, "thing", "", bad[i].type, bad[i].link);
		forge_end(&f);
		check_refused(t, scratch_path(t, "forged.tar"), bad[i].why);
	}
}

static void forge_with(struct scratch *t, const char *const *name_and_text, const char *why)
{
	struct forged f;
	forge(&f, scratch_path(t, "forged.tar"));
	for (; *name_and_text; name_and_text += 2)
		forge_entry(&f, name_and_text[0], name_and_text[1], AE_IFREG, NULL);
	forge_end(&f);
	check_refused(t, scratch_path(t, "forged.tar"), why);
}

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* SHA-256 of "abc" */
#define INDEX(entries) "{\"format\":1,\"shard\":\"shard-0000.tar\",\"entries\":[" entries "]}"
#define ENTRY(name, offset, size, sha256) \
	"{\"name\":\"" name "\",\"offset\":" offset ",\"size\":" size ",\"raw_bytes\":3,\"rows\":0,\"sha256\":\"" sha256 "\"}"

static void test_streams_that_do_not_agree(void **state)
{
	struct scratch *t = *state;
	forge_with(t, (const char *const[]){ "a", "abc", NULL }, "before its manifest");
	forge_with(t, (const char *const[]){ "manifest.json", "", NULL }, "manifest is empty");
	forge_with(t, (const char *const[]){ "manifest.json", "{}", NULL }, "manifest");
	forge_with(t, (const char *const[]){ "a", "abc", "manifest.json", "{}", NULL }, "not in its index");
	forge_with(t, (const char *const[]){ "manifest.json", "{}", "a", "abc", NULL }, "follows the manifest");
	forge_with(t, (const char *const[]){ "manifest.json", "{}", "manifest.json", "{}", NULL }, "follows the manifest");
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", "{", NULL }, "JSON");
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", INDEX(""), NULL }, "lists 0 entries");
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", INDEX(ENTRY("b", "512", "3", ABC)), NULL }, "its index has b");
	forge_with(t, (const char *const[]){ "a", "abd", "index-0000.json", INDEX(ENTRY("a", "512", "3", ABC)), NULL }, "damaged");
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", INDEX(ENTRY("a", "512", "4", ABC)), NULL }, "damaged");
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", INDEX(ENTRY("a", "513", "3", ABC)), NULL }, "not where");
	/* Right so far: then it is the manifest that is missed. */
	forge_with(t, (const char *const[]){ "a", "abc", "index-0000.json", INDEX(ENTRY("a", "512", "3", ABC)), NULL }, "before its manifest");
	forge_with(t, (const char *const[]){ "index-0000.json", INDEX(""), "index-0000.json", INDEX(""), "manifest.json", "{}", NULL }, "twice");
}

/* A sound stream, but the manifest vouches for something else. */
static void test_the_manifest_does_not_agree(void **state)
{
	struct scratch *t = *state;
	for (int wrong = 0; wrong < 4; wrong++) {
		struct forged f;
		struct buf json = BUF_INIT(1 << 20);
		struct error err;
		struct manifest *m = sample_manifest();
		const char *index = INDEX(ENTRY("a", "512", "3", ABC));
		m->objects.item = calloc(2, sizeof *m->objects.item);
		m->objects.n = wrong == 2 ? 0 : 1;
		snprintf(m->objects.item[0].key, 64, "index-0000.json");
		m->objects.item[0].size = strlen(index);
		OK(digest_of(index, strlen(index), m->objects.item[0].sha256, &err));
		if (wrong != 0)
			memcpy(m->layout, "pipe", 5);
		if (wrong == 1)
			m->objects.item[0].sha256[0] = m->objects.item[0].sha256[0] == '0' ? '1' : '0';
		if (wrong == 3) {
			m->objects.item[1] = m->objects.item[0];
			snprintf(m->objects.item[1].key, 64, "checkpoint.json");
			m->objects.n = 2;
		}
		OK(manifest_write(m, &json, &err));
		forge(&f, scratch_path(t, "forged.tar"));
		forge_entry(&f, "a", "abc", AE_IFREG, NULL);
		forge_entry(&f, "index-0000.json", index, AE_IFREG, NULL);
		forge_entry(&f, "manifest.json", buf_str(&json), AE_IFREG, NULL);
		forge_end(&f);
		static const char *const why[] = { "that of a store", "index-0000.json is damaged", "not in the manifest", "checkpoint.json is in the manifest" };
		check_refused(t, scratch_path(t, "forged.tar"), why[wrong]);
		manifest_free(m);
		buf_free(&json);
	}
}

static void test_not_a_tar(void **state)
{
	struct scratch *t = *state;
	char noise[5000];
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (char)(i * 7 + 1);
	scratch_write(scratch_path(t, "noise"), noise, sizeof noise);
	check_refused(t, scratch_path(t, "noise"), NULL);
	scratch_write(scratch_path(t, "noise"), noise, 1);
	check_refused(t, scratch_path(t, "noise"), NULL);
}

#define IN_SCRATCH(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_verify), IN_SCRATCH(test_unpack), IN_SCRATCH(test_spool), IN_SCRATCH(test_cut_off_anywhere),
		IN_SCRATCH(test_a_flipped_bit_anywhere), IN_SCRATCH(test_something_follows), IN_SCRATCH(test_names_that_lead_elsewhere),
		IN_SCRATCH(test_things_that_are_not_files), IN_SCRATCH(test_streams_that_do_not_agree),
		IN_SCRATCH(test_the_manifest_does_not_agree), IN_SCRATCH(test_not_a_tar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
