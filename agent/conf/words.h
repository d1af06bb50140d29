/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: a command split into words. No shell: 'single' and "double" quotes keep blanks together (in double ones \" and \\ stand for " and \), a backslash
 * outside quotes keeps the next character; nothing is expanded, and what only a shell understands is refused rather than passed on as a word.
 */
#pragma once

#include "slackwater/strlist.h"

/* Appended to ret. ERR_USAGE: a quote that is not closed, or | & < > ; outside quotes. */
enum status words_split(const char *text, struct strlist *ret, struct error *err);
