/* SPDX-License-Identifier: Apache-2.0 */
#include "slackwater/slot.h"

#include <stdlib.h>
#include <string.h>

enum status slot_set(char **slot, const char *s, struct error *err)
{
	char *copy = s ? strdup(s) : NULL;
	if (s && !copy)
		return error_oom(err);
	free(*slot);
	*slot = copy;
	return ST_OK;
}
