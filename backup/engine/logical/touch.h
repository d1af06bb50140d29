/* SPDX-License-Identifier: Apache-2.0 */
/* touch: all sessions take their metadata locks, at once when there are many. */
#pragma once

#include "session.h"

enum status touch_all(struct session *session, unsigned n, const struct plan *p, struct error *err);
