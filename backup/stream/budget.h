/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget: a bound on bytes that several threads share. Who asks first is served first, so that one large request is not
 * overtaken for ever; a request larger than the bound is served alone.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t bound, used;
	uint64_t peak;              /* the largest `used` there has been */
	uint64_t next_ticket, serving;
	bool closed;
};

void budget_init(struct budget *b, uint64_t bound);
void budget_destroy(struct budget *b);
/* Waits for room. False: closed. */
bool budget_take(struct budget *b, uint64_t bytes);
void budget_give(struct budget *b, uint64_t bytes);
void budget_close(struct budget *b); /* everybody who waits, and will wait, goes away empty-handed */
