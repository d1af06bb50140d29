/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gaps_position: rows of mysql.slave_worker_info, one a line, its cells divided by commas, behind a line with the low-water mark. Every row is read,
 * those ahead are merged, and what is missing is counted a second time, naively.
 */
#include "applier/gaps_position.h"
#include "fuzz.h"

enum { COLUMNS = 11, ROWS_MAX = 64, DONE = 256 };

static const char *const column[COLUMNS] = {
	"Channel_name", "Id", "Relay_log_name", "Relay_log_pos", "Master_log_name", "Master_log_pos", "Checkpoint_master_log_name",
	"Checkpoint_master_log_pos", "Checkpoint_seqno", "Checkpoint_group_size", "Checkpoint_group_bitmap",
};

static bool fuzz_bit(const unsigned char *b, size_t i)
{
	return b[i / 8] >> (i % 8) & 1;
}

static void fuzz_missing(const unsigned char *done, size_t len)
{
	struct gaps_found found;
	uint64_t highest = 0, there = 0;
	for (size_t i = 0; i < len * 8; i++) {
		if (!fuzz_bit(done, i))
			continue;
		highest = i + 1;
		there++;
	}
	gaps_bitmap_missing(done, len, &found);
	fuzz_require(found.highest == highest && found.missing == highest - there);
	fuzz_require(memchr(found.text, '\0', sizeof found.text) && !*found.text == !found.missing);
}

/* Without a frame in common the relay log would tell how many groups there are: here a cell nobody reads does. */
static void fuzz_merge(const struct gaps_worker *w, const struct gaps_at *lwm, const char *cell, unsigned char done[DONE])
{
	struct error err;
	unsigned char before[DONE];
	uint64_t count = gaps_worker_in_frame(w, lwm) ? w->seqno + 1 : strtoull(cell, NULL, 10);
	memcpy(before, done, sizeof before);
	enum status st = gaps_worker_merge(w, count, done, DONE, &err);
	fuzz_require(st == ST_OK || err.kind == ERR_UNEXPECTED);
	for (size_t i = 0; i < (size_t)DONE * 8; i++) {
		bool was = fuzz_bit(before, i), is = fuzz_bit(done, i);
		bool own = st == ST_OK && i < count && fuzz_bit(w->bitmap, (size_t)(w->seqno + 1 - count + i));
		fuzz_require(is == (was || own));
	}
}

/* The cells of a line, which is cut into them; those that it does not have are empty. */
static void fuzz_cells(char *line, const char *cell[COLUMNS])
{
	for (size_t i = 0; i < COLUMNS; i++) {
		cell[i] = line ? line : "";
		line = line ? strchr(line, ',') : NULL;
		if (line)
			*line++ = '\0';
	}
}

static void fuzz_row(char *line, const struct gaps_at *lwm, unsigned char done[DONE])
{
	const char *cell[COLUMNS];
	struct gaps_worker w = { 0 };
	struct error err;
	fuzz_cells(line, cell);
	const struct rows r = { .ncols = COLUMNS, .col = column, .row = cell };
	if (gaps_worker_parse(&r, &w, &err) == ST_OK && gaps_worker_ahead(&w, lwm))
		fuzz_merge(&w, lwm, cell[9], done);
	gaps_worker_clear(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *next = strchr(text, '\n');
	unsigned char done[DONE] = { 0 };
	if (next)
		*next++ = '\0';
	char *comma = strchr(text, ',');
	if (comma)
		*comma++ = '\0';
	struct gaps_at lwm = { text, comma ? strtoull(comma, NULL, 10) : 0 };
	for (unsigned n = 0; next && n < ROWS_MAX; n++) {
		char *line = next;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		fuzz_row(line, &lwm, done);
	}
	fuzz_missing(done, sizeof done);
	free(text);
	return 0;
}
