/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <zstd.h>

#include "slackwater/stream.h"

struct stream_zstd {
	ZSTD_CCtx *ctx;
};

static enum status zstd_error(size_t code, const char *what, enum error_kind kind, struct error *err)
{
	return error_set(err, ST_FAILED, kind, "%s: %s", what, ZSTD_getErrorName(code));
}

enum status stream_zstd_new(int level, struct stream_zstd **ret, struct error *err)
{
	struct stream_zstd *z = calloc(1, sizeof *z);
	if (!z || !(z->ctx = ZSTD_createCCtx())) {
		free(z);
		return error_oom(err);
	}
	size_t code = ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, level);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_checksumFlag, 1);
	if (ZSTD_isError(code)) {
		stream_zstd_free(z);
		return zstd_error(code, "cannot set up the compressor", ERR_UNEXPECTED, err);
	}
	*ret = z;
	return ST_OK;
}

static enum status zstd_step(struct stream_zstd *z, ZSTD_inBuffer *in, ZSTD_EndDirective mode, struct buf *out, size_t *ret_left,
                             struct error *err)
{
	buf_reserve(out, ZSTD_CStreamOutSize() < out->max - out->len ? ZSTD_CStreamOutSize() : out->max - out->len);
	enum status st = buf_check(out, "the compressed text", err);
	if (st)
		return st;
	ZSTD_outBuffer to = { .dst = out->data, .size = out->cap - 1, .pos = out->len };
	if (to.pos == to.size)
		return error_set(err, ST_FAILED, ERR_UNEXPECTED, "the compressed text is larger than %zu bytes", out->max);
	size_t left = ZSTD_compressStream2(z->ctx, &to, in, mode);
	if (ZSTD_isError(left))
		return zstd_error(left, "cannot compress", ERR_UNEXPECTED, err);
	out->len = to.pos;
	out->data[out->len] = '\0';
	*ret_left = left;
	return ST_OK;
}

enum status stream_zstd_add(struct stream_zstd *z, const void *data, size_t len, struct buf *out, struct error *err)
{
	ZSTD_inBuffer in = { .src = data, .size = len };
	enum status st = ST_OK;
	for (size_t left; !st && in.pos < in.size;)
		st = zstd_step(z, &in, ZSTD_e_continue, out, &left, err);
	return st;
}

enum status stream_zstd_end(struct stream_zstd *z, struct buf *out, struct error *err)
{
	ZSTD_inBuffer in = { 0 };
	size_t left = 1;
	enum status st = ST_OK;
	while (!st && left)
		st = zstd_step(z, &in, ZSTD_e_end, out, &left, err);
	return st;
}

void stream_zstd_free(struct stream_zstd *z)
{
	if (!z)
		return;
	ZSTD_freeCCtx(z->ctx);
	free(z);
}
