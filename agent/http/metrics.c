/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"

#include "slackwater/jsonx.h"

void metrics_write(const json_t *view, struct buf *out)
{
	const json_t *agent = json_object_get(view, "agent");
	buf_adds(out, "# HELP slackwater_agent_paused 1 while everything is paused.\n# TYPE slackwater_agent_paused gauge\n");
	buf_addf(out, "slackwater_agent_paused %d\n", json_is_true(json_object_get(agent, "paused")));
}
