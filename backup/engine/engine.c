/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/engine.h"

void engine_free(struct engine *e)
{
	if (!e)
		return;
	e->ops->release(e);
	e->ops->free(e);
}

void loader_free(struct loader *l)
{
	if (l)
		l->ops->free(l);
}
