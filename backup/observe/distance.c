/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/distance.h"

#include <stdlib.h>
#include <string.h>

#include "applier/logname.h"
#include "slackwater/gtid.h"
#include "slackwater/slot.h"

static int64_t clamp(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

enum status distance_gtid(const char *received, const char *executed, int64_t *ret, struct error *err)
{
	struct gtid_set *all = NULL, *done = NULL;
	enum status st = gtid_set_parse(received ? received : "", &all, err);
	if (!st)
		st = gtid_set_parse(executed ? executed : "", &done, err);
	if (!st)
		st = gtid_set_subtract(all, done, err);
	if (!st)
		*ret = clamp(gtid_set_count(all));
	gtid_set_free(all);
	gtid_set_free(done);
	return st;
}

enum status distance_mariadb(const char *received, const char *executed, int64_t *ret, struct error *err)
{
	struct gtid_pos all = { 0 }, done = { 0 };
	uint64_t n = 0;
	enum status st = gtid_pos_parse(received ? received : "", &all, err);
	if (!st)
		st = gtid_pos_parse(executed ? executed : "", &done, err);
	for (size_t i = 0; !st && i < all.n; i++) {
		const struct gtid_triple *at = gtid_pos_domain(&done, all.item[i].domain);
		uint64_t seq = at ? at->seq : 0;
		n += all.item[i].seq > seq ? all.item[i].seq - seq : 0;
	}
	if (!st)
		*ret = all.n ? clamp(n) : OBSERVE_UNKNOWN;
	gtid_pos_free(&all);
	gtid_pos_free(&done);
	return st;
}

void distance_positions(const char *file, uint64_t pos, const char *to_file, uint64_t to_pos, int64_t *ret_files,
                        int64_t *ret_bytes)
{
	*ret_files = *ret_bytes = OBSERVE_UNKNOWN;
	if (!file || !*file || !to_file || !*to_file)
		return;
	*ret_files = logname_distance(file, to_file);
	if (*ret_files == 0 && to_pos >= pos)
		*ret_bytes = clamp(to_pos - pos);
}

enum status distance_bitmaps_add(struct distance_bitmaps *b, const struct rows *r, const char *channel, struct error *err)
{
	const char *file = rows_get(r, "low_file");
	struct gaps_at low = { (char *)(file ? file : ""), rows_u64(r, "low_pos", 0) }; /* borrowed from the row */
	enum status st = gaps_workers_add(&b->ahead, r, err);
	if (st)
		return st;
	struct gaps_worker *w = &b->ahead.item[b->ahead.n - 1];
	if (strcmp(w->channel, channel) != 0 || !gaps_worker_ahead(w, &low)) {
		gaps_worker_clear(w);
		b->ahead.n--;
	} else {
		b->out_of_frame += !gaps_worker_in_frame(w, &low);
	}
	return ST_OK;
}

enum status distance_bitmaps_end(const struct distance_bitmaps *b, int64_t *ret_count, char **ret_text, struct error *err)
{
	static const char uncounted[] = "cannot be counted now: the workers' bitmaps begin in different places";
	struct gaps_found found = { 0 };
	struct error why = ERROR_INIT;
	size_t room = 1;
	for (size_t i = 0; i < b->ahead.n; i++)
		room = b->ahead.item[i].bitmap_len > room ? b->ahead.item[i].bitmap_len : room;
	unsigned char *done = calloc(1, room);
	if (!done)
		return error_oom(err);
	bool fits = !b->out_of_frame;
	for (size_t i = 0; fits && i < b->ahead.n; i++)
		fits = !gaps_worker_merge(&b->ahead.item[i], b->ahead.item[i].seqno + 1, done, room, &why);
	gaps_bitmap_missing(done, room, &found);
	free(done);
	*ret_count = fits ? clamp(found.missing) : OBSERVE_UNKNOWN;
	return slot_set(ret_text, !fits ? uncounted : found.missing ? found.text : NULL, err);
}

void distance_bitmaps_free(struct distance_bitmaps *b)
{
	gaps_workers_free(&b->ahead);
	*b = (struct distance_bitmaps){ 0 };
}
