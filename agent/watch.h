/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: a result that is shown again and again: redrawn in place on a terminal, elsewhere one block after another, with --json one
 * compact document a line. Writing gives way to a signal, so that a reader who has stopped reading keeps nobody from ending us.
 */
#pragma once

#include "app.h"

struct watch {
	bool terminal; /* that can go back to the upper left corner */
	bool begun;
};

void watch_init(struct watch *w, struct app *app);
/* Writes what app holds as its result, and empties it. ERR_STORE when it cannot be written. */
enum status watch_show(struct watch *w, struct app *app, struct error *err);
/* text as it is redrawn: at most rows lines of at most columns characters, each erased to its end, and what was below them. Pure. */
void watch_screen(const char *text, unsigned columns, unsigned rows, struct buf *out);
