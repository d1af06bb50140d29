/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/untar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream/names.h"

enum { UNTAR_BLOCK = 256 * 1024 };

struct untar {
	struct archive *archive;
	struct archive_entry *entry;
	struct store_reader *reader;
	char *block;
	struct error failure; /* of the reader */
	char name[256];
	uint64_t size, seen;  /* of the current entry */
	uint64_t total;       /* bytes that have come, */
	size_t in_block;      /* the last of them in block */
};

static la_ssize_t untar_read(struct archive *a, void *arg, const void **ret)
{
	struct untar *u = arg;
	size_t n = 0;
	if (u->reader->ops->read(u->reader, u->block, UNTAR_BLOCK, &n, &u->failure) != ST_OK) {
		archive_set_error(a, EIO, "the reader failed");
		return -1;
	}
	u->total += n;
	u->in_block = n;
	*ret = u->block;
	return (la_ssize_t)n;
}

static enum status untar_error(const struct untar *u, const char *what, struct error *err)
{
	if (u->failure.status) {
		if (err)
			*err = u->failure;
		return u->failure.status;
	}
	if (archive_errno(u->archive) == ENOMEM)
		return error_oom(err);
	if (!u->total)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "there is nothing to read: the stream is empty");
	const char *text = archive_error_string(u->archive);
	error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s: %s", what, text ? text : "damaged");
	error_hint(err, "look for an error of the command that wrote it, and take the snapshot again");
	return ST_FAILED;
}

enum status untar_new(struct store_reader *r, struct untar **ret, struct error *err)
{
	struct untar *u = calloc(1, sizeof *u);
	if (!u)
		return error_oom(err);
	u->reader = r;
	u->archive = archive_read_new();
	u->entry = archive_entry_new();
	u->block = malloc(UNTAR_BLOCK);
	enum status st = u->archive && u->entry && u->block ? ST_OK : error_oom(err);
	if (!st && (archive_read_support_format_tar(u->archive) != ARCHIVE_OK ||
	            archive_read_open(u->archive, u, NULL, untar_read, NULL) != ARCHIVE_OK))
		st = untar_error(u, "not a tar", err);
	if (st)
		untar_free(u);
	else
		*ret = u;
	return st;
}

static enum status untar_check(struct untar *u, struct archive_entry *e, struct error *err)
{
	const char *name = archive_entry_pathname(e);
	if (!name || !names_entry_valid(name))
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "the tar has an entry whose name a snapshot cannot have: \"%.300s\"",
		                 name ? name : "");
	if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e) || !archive_entry_size_is_set(e) ||
	    archive_entry_size(e) < 0 || archive_entry_sparse_count(e) > 0)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s in the tar is not a plain file", name);
	memcpy(u->name, name, strlen(name) + 1);
	u->size = (uint64_t)archive_entry_size(e);
	u->seen = 0;
	return ST_OK;
}

enum status untar_next(struct untar *u, const char **ret_name, uint64_t *ret_size, struct error *err)
{
	int r = archive_read_next_header2(u->archive, u->entry);
	if (r == ARCHIVE_EOF) {
		*ret_name = NULL;
		return ST_OK;
	}
	/* A warning is about something that we never write. */
	if (r != ARCHIVE_OK)
		return untar_error(u, "the tar is damaged", err);
	enum status st = untar_check(u, u->entry, err);
	if (st)
		return st;
	*ret_name = u->name;
	*ret_size = u->size;
	return ST_OK;
}

uint64_t untar_position(const struct untar *u)
{
	return (uint64_t)archive_read_header_position(u->archive);
}

enum status untar_data(struct untar *u, const void **ret_data, size_t *ret_len, struct error *err)
{
	la_int64_t offset;
	const void *data = NULL;
	size_t len = 0;
	int r = ARCHIVE_OK;
	while (r == ARCHIVE_OK && !len)
		r = archive_read_data_block(u->archive, &data, &len, &offset);
	if (r != ARCHIVE_OK && r != ARCHIVE_EOF)
		return untar_error(u, u->name, err);
	if (r == ARCHIVE_EOF)
		len = 0;
	if (len ? (uint64_t)offset != u->seen || len > u->size - u->seen : u->seen != u->size)
		return error_set(err, ST_FAILED, ERR_SNAPSHOT, "%s in the tar has not the size that its header says", u->name);
	u->seen += len;
	*ret_data = data;
	*ret_len = len;
	return ST_OK;
}

static enum status untar_check_zeros(const char *data, size_t len, struct error *err)
{
	for (size_t i = 0; i < len; i++)
		if (data[i])
			return error_set(err, ST_FAILED, ERR_SNAPSHOT, "something follows the end of the tar");
	return ST_OK;
}

enum status untar_drain(struct untar *u, struct error *err)
{
	/* libarchive has read ahead: what it has not used of the last block is ours to look at. */
	uint64_t ahead = u->total - (uint64_t)archive_filter_bytes(u->archive, 0);
	size_t rest = ahead < u->in_block ? (size_t)ahead : u->in_block;
	enum status st = untar_check_zeros(u->block + u->in_block - rest, rest, err);
	for (size_t n = 1; !st && n;) {
		st = u->reader->ops->read(u->reader, u->block, UNTAR_BLOCK, &n, err);
		if (!st)
			st = untar_check_zeros(u->block, n, err);
	}
	return st;
}

void untar_free(struct untar *u)
{
	if (!u)
		return;
	archive_read_free(u->archive);
	archive_entry_free(u->entry);
	free(u->block);
	free(u);
}
