/* SPDX-License-Identifier: Apache-2.0 */
/* thread: started with signals blocked: those are for the agent's own thread. All but the ones that a fault of the thread itself raises. */
#pragma once

#include <pthread.h>

#include "slackwater/error.h"

enum status thread_start(pthread_t *ret, void *(*fn)(void *), void *arg, struct error *err);
