/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct tar {
	struct archive *archive;
	struct archive_entry *entry;
	struct sink *next;
	int64_t mtime_s;
	uint64_t written;
	struct error failure; /* of the sink */
	bool closed;          /* nothing goes on to the sink any more */
};

/*
 * libarchive is never told of a failure: an archive that has failed, it does not free in full (3.6.2). What it writes after one goes
 * nowhere, and the failure is looked at after every call.
 */
static la_ssize_t tar_write(struct archive *a, void *arg, const void *data, size_t len)
{
	(void)a;
	struct tar *t = arg;
	if (!t->closed && sink_write(t->next, data, len, &t->failure) != ST_OK)
		t->closed = true;
	t->written += len;
	return (la_ssize_t)len;
}

/* r: what libarchive returned. A warning would mean a header that does not say what was meant. */
static enum status tar_check(const struct tar *t, int r, struct error *err)
{
	if (t->failure.status) {
		if (err)
			*err = t->failure;
		return t->failure.status;
	}
	if (r == ARCHIVE_OK)
		return ST_OK;
	if (archive_errno(t->archive) == ENOMEM)
		return error_oom(err);
	const char *text = archive_error_string(t->archive);
	return error_set(err, ST_FAILED, ERR_UNEXPECTED, "cannot write the tar: %s", text ? text : "out of memory");
}

enum status tar_new(struct sink *next, int64_t mtime_s, struct tar **ret, struct error *err)
{
	struct tar *t = calloc(1, sizeof *t);
	if (!t)
		return error_oom(err);
	t->next = next;
	t->mtime_s = mtime_s;
	t->archive = archive_write_new();
	t->entry = archive_entry_new();
	if (!t->archive || !t->entry) {
		tar_free(t);
		return error_oom(err);
	}
	if (archive_write_set_format_pax_restricted(t->archive) != ARCHIVE_OK ||
	    archive_write_add_filter_none(t->archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(t->archive, 0) != ARCHIVE_OK || /* hand everything on at once */
	    archive_write_open(t->archive, t, NULL, tar_write, NULL) != ARCHIVE_OK) {
		enum status st = tar_check(t, ARCHIVE_FATAL, err);
		tar_free(t);
		return st;
	}
	*ret = t;
	return ST_OK;
}

static void tar_describe(struct tar *t, const char *name, size_t len)
{
	struct archive_entry *e = archive_entry_clear(t->entry);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, t->mtime_s, 0);
	archive_entry_set_size(e, (la_int64_t)len);
}

enum status tar_add(struct tar *t, const char *name, const void *data, size_t len, uint64_t *ret_offset, struct error *err)
{
	tar_describe(t, name, len);
	enum status st = tar_check(t, archive_write_header(t->archive, t->entry), err);
	uint64_t offset = t->written;
	for (const char *p = data; !st && len;) {
		la_ssize_t n = archive_write_data(t->archive, p, len);
		st = tar_check(t, n > 0 ? ARCHIVE_OK : ARCHIVE_FATAL, err);
		p += n;
		len -= (size_t)n;
	}
	if (!st)
		st = tar_check(t, archive_write_finish_entry(t->archive), err);
	if (!st)
		*ret_offset = offset;
	return st;
}

enum status tar_end(struct tar *t, struct error *err)
{
	enum status st = tar_check(t, archive_write_close(t->archive), err);
	t->closed = true;
	return st;
}

void tar_free(struct tar *t)
{
	if (!t)
		return;
	/* Freeing an open archive closes it: into nowhere. */
	t->closed = true;
	archive_entry_free(t->entry);
	archive_write_free(t->archive);
	free(t);
}
