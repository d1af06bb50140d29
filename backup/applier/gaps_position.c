/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/gaps_position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applier/logname.h"
#include "slackwater/array.h"
#include "slackwater/hex.h"
#include "slackwater/slot.h"

void gaps_worker_clear(struct gaps_worker *w)
{
	free(w->channel);
	free(w->last.file);
	free(w->checkpoint.file);
	free(w->bitmap);
	*w = (struct gaps_worker){ 0 };
}

static enum status parse_bitmap(const char *hex, struct gaps_worker *w, struct error *err)
{
	size_t n = strlen(hex) / 2;
	w->bitmap = malloc(n ? n : 1);
	if (!w->bitmap)
		return error_oom(err);
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(hex[2 * i]), lo = hex_digit(hex[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return error_set(err, ST_FAILED, ERR_UNEXPECTED, "worker %" PRIu64 ": its bitmap is not hexadecimal", w->id);
		w->bitmap[i] = (unsigned char)(hi << 4 | lo);
	}
	w->bitmap_len = n;
	return ST_OK;
}

static enum status parse_at(const struct rows *r, const char *file_col, const char *pos_col, struct gaps_at *ret,
                            struct error *err)
{
	const char *file = rows_get(r, file_col);
	ret->pos = rows_u64(r, pos_col, 0);
	return slot_set(&ret->file, file ? file : "", err);
}

enum status gaps_worker_parse(const struct rows *r, struct gaps_worker *ret, struct error *err)
{
	const char *channel = rows_get(r, "Channel_name"), *bitmap = rows_get(r, "Checkpoint_group_bitmap");
	ret->id = rows_u64(r, "Id", 0);
	ret->seqno = rows_u64(r, "Checkpoint_seqno", 0);
	enum status st = slot_set(&ret->channel, channel ? channel : "", err);
	if (!st)
		st = parse_at(r, "Master_log_name", "Master_log_pos", &ret->last, err);
	if (!st)
		st = parse_at(r, "Checkpoint_master_log_name", "Checkpoint_master_log_pos", &ret->checkpoint, err);
	if (!st)
		st = parse_bitmap(bitmap ? bitmap : "", ret, err);
	return st;
}

enum status gaps_workers_add(struct gaps_workers *l, const struct rows *r, struct error *err)
{
	struct gaps_worker *room = array_room(l->item, l->n, &l->cap, sizeof *room);
	if (!room)
		return error_oom(err);
	l->item = room;
	l->item[l->n] = (struct gaps_worker){ 0 };
	return gaps_worker_parse(r, &l->item[l->n++], err);
}

void gaps_workers_free(struct gaps_workers *l)
{
	for (size_t i = 0; i < l->n; i++)
		gaps_worker_clear(&l->item[i]);
	free(l->item);
	*l = (struct gaps_workers){ 0 };
}

bool gaps_worker_ahead(const struct gaps_worker *w, const struct gaps_at *lwm)
{
	if (!*w->last.file)
		return false; /* has never applied anything */
	return logname_compare_at(w->last.file, w->last.pos, lwm->file, lwm->pos) > 0;
}

bool gaps_worker_in_frame(const struct gaps_worker *w, const struct gaps_at *lwm)
{
	return *w->checkpoint.file &&
	       logname_compare_at(w->checkpoint.file, w->checkpoint.pos, lwm->file, lwm->pos) == 0;
}

static bool bit(const unsigned char *b, uint64_t i)
{
	return b[i / 8] & (1u << (i & 7));
}

enum status gaps_worker_merge(const struct gaps_worker *w, uint64_t count, unsigned char *done, size_t done_len,
                              struct error *err)
{
	if (w->seqno / 8 >= w->bitmap_len || count > (uint64_t)done_len * 8)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED,
		                 "worker %" PRIu64 ": group %" PRIu64 " of %" PRIu64 " does not fit its bitmap of %zu bytes", w->id,
		                 w->seqno, count, w->bitmap_len);
	if (!count || count > w->seqno + 1)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED,
		                 "worker %" PRIu64 ": %" PRIu64 " groups lie behind the low-water mark, its frame has only %" PRIu64,
		                 w->id, count, w->seqno + 1);
	uint64_t first = w->seqno + 1 - count; /* of its frame, and the first behind the low-water mark */
	for (uint64_t j = 0; j < count; j++) {
		if (bit(w->bitmap, first + j))
			done[j / 8] |= (unsigned char)(1u << (j & 7));
	}
	return ST_OK;
}

/* "1, 4-6"; what does not fit is told by "..." */
static void add_range(char *text, size_t size, uint64_t from, uint64_t to)
{
	size_t n = strlen(text);
	if (n + 48 > size) {
		if (n + 5 < size && (n < 3 || strcmp(text + n - 3, "...") != 0))
			memcpy(text + n, ", ...", 6);
		return;
	}
	if (from == to)
		snprintf(text + n, size - n, "%s%" PRIu64, n ? ", " : "", from);
	else
		snprintf(text + n, size - n, "%s%" PRIu64 "-%" PRIu64, n ? ", " : "", from, to);
}

void gaps_bitmap_missing(const unsigned char *done, size_t done_len, struct gaps_found *ret)
{
	char ranges[160] = "";
	*ret = (struct gaps_found){ 0 };
	for (uint64_t i = (uint64_t)done_len * 8; i > 0 && !ret->highest; i--) {
		if (bit(done, i - 1))
			ret->highest = i;
	}
	for (uint64_t i = 0; i < ret->highest; i++) {
		uint64_t from = i;
		while (!bit(done, i))
			i++; /* the highest bit is set: this ends */
		if (i > from) {
			ret->missing += i - from;
			add_range(ranges, sizeof ranges, from + 1, i);
		}
	}
	if (ret->missing)
		snprintf(ret->text, sizeof ret->text, "group %s of the %" PRIu64 " behind the low-water mark", ranges, ret->highest);
}
