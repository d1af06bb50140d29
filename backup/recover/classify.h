/* SPDX-License-Identifier: Apache-2.0 */
/* classify: what an error number, and what stands in its text, means. Pure. */
#pragma once

#include "slackwater/recover.h"

struct recover_cause {
	enum recover_class class;
	const char *text; /* what has happened, to go behind "channel 'x': " */
	const char *next; /* NULL: it depends on more than the error */
};

/* Never NULL: what is not known is RECOVER_APPLIER or RECOVER_RECEIVER. text may be NULL. */
const struct recover_cause *recover_classify_applier(unsigned my_errno, const char *text);
const struct recover_cause *recover_classify_receiver(unsigned my_errno, const char *text);
