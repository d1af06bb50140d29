/* SPDX-License-Identifier: Apache-2.0 */
#include <zstd.h>

#include "slackwater/stream.h"

static enum status unzstd_damaged(const char *why, struct error *err)
{
	return error_set(err, ST_FAILED, ERR_SNAPSHOT, "damaged zstd data: %s", why);
}

static enum status unzstd_step(ZSTD_DCtx *ctx, ZSTD_inBuffer *in, struct buf *ret, size_t *ret_hint, struct error *err)
{
	size_t room = ret->max - ret->len;
	buf_reserve(ret, ZSTD_DStreamOutSize() < room ? ZSTD_DStreamOutSize() : room);
	enum status st = buf_check(ret, "the unpacked text", err);
	if (st)
		return st;
	/* A full buffer may still be all there is: the frame's end has to be read, into a byte that must stay unused. */
	char beyond;
	ZSTD_outBuffer to = { .dst = room ? ret->data : &beyond, .size = room ? ret->cap - 1 : 1, .pos = room ? ret->len : 0 };
	*ret_hint = ZSTD_decompressStream(ctx, &to, in);
	if (ZSTD_isError(*ret_hint))
		return unzstd_damaged(ZSTD_getErrorName(*ret_hint), err);
	if (!room)
		return to.pos ? unzstd_damaged("it unpacks to more than it may", err) : ST_OK;
	ret->len = to.pos;
	ret->data[ret->len] = '\0';
	return ST_OK;
}

enum status stream_unzstd(const void *data, size_t len, struct buf *ret, struct error *err)
{
	ZSTD_DCtx *ctx = ZSTD_createDCtx();
	if (!ctx)
		return error_oom(err);
	ZSTD_inBuffer in = { .src = data, .size = len };
	size_t hint = 1; /* 0 = a frame is complete and flushed */
	enum status st = ST_OK;
	while (!st && (in.pos < in.size || hint)) {
		size_t pos = in.pos, had = ret->len;
		st = unzstd_step(ctx, &in, ret, &hint, err);
		if (!st && hint && in.pos == in.size && in.pos == pos && ret->len == had)
			st = unzstd_damaged("the frame is cut off", err);
	}
	ZSTD_freeDCtx(ctx);
	return st;
}
