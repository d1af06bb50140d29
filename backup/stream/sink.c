/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/sink.h"

enum status sink_write(struct sink *s, const void *data, size_t len, struct error *err)
{
	return s->ops->write(s, data, len, err);
}

enum status sink_end(struct sink *s, struct error *err)
{
	return s->ops->end(s, err);
}

void sink_free(struct sink *s)
{
	while (s) {
		struct sink *next = s->next;
		s->ops->free(s);
		s = next;
	}
}
