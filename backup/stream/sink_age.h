/* SPDX-License-Identifier: Apache-2.0 */
/* sink_age: what passes is encrypted for some recipients. Holds back up to one chunk, because only the end shows which one is the last. */
#pragma once

#include "slackwater/age.h"
#include "stream/sink.h"

/* Takes next in every case. to need not outlive it. */
enum status sink_age_new(const struct age_recipients *to, struct sink *next, struct sink **ret, struct error *err);
