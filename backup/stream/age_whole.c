/* SPDX-License-Identifier: Apache-2.0 */
/* A whole file at once, in memory. */
#include "slackwater/age.h"
#include "stream/sink_age.h"
#include "stream/sink_buf.h"

enum status age_seal(const struct age_recipients *to, const void *data, size_t len, struct buf *out, struct error *err)
{
	struct sink *kept = NULL, *sealing = NULL;
	enum status st = sink_buf_new(out, &kept, err);
	if (!st)
		st = sink_age_new(to, kept, &sealing, err);
	if (!st)
		st = sink_write(sealing, data, len, err);
	if (!st)
		st = sink_end(sealing, err);
	sink_free(sealing);
	return st;
}
