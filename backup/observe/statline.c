/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/statline.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 2048 };

static bool skip(const char **at, const char *word)
{
	size_t n = strlen(word);
	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

/* The number behind "what = "; -1 when the line has no such words. */
static int64_t figure(const char *text, const char *what)
{
	char key[80];
	snprintf(key, sizeof key, "%s = ", what);
	const char *at = strstr(text, key);
	if (!at || !isdigit((unsigned char)at[strlen(key)]))
		return -1;
	unsigned long long n = strtoull(at + strlen(key), NULL, 10);
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* "2026-11-26 19:10:46 5823 [Note]", or since 5.7 "2026-11-26T19:10:46.123456Z 5 [Note]". */
static void stamp(const char *line, char out[40])
{
	const char *end = isdigit((unsigned char)*line) && strlen(line) > 19 ? line + 19 : line;
	while (end > line && *end && !isspace((unsigned char)*end) && end - line < 39)
		end++;
	snprintf(out, 40, "%.*s", (int)(end - line), line);
}

/* A channel's name may hold anything, quotes too: what ends it is what follows. */
static bool channel(const char **at, char out[256])
{
	static const char tail[] = "': seconds elapsed = ";
	out[0] = '\0';
	if (skip(at, ": "))
		return true;
	if (!skip(at, " for channel '"))
		return false;
	const char *end = strstr(*at, tail);
	if (!end)
		return false;
	snprintf(out, 256, "%.*s", (int)(end - *at), *at);
	*at = end + 3;
	return true;
}

bool statline_parse(const char *line, size_t len, struct statline *ret)
{
	char text[LINE_MAX_BYTES];
	snprintf(text, sizeof text, "%.*s", (int)(len < sizeof text ? len : sizeof text - 1), line);
	const char *at = strstr(text, "Multi-threaded ");
	struct statline s;
	if (!at)
		return false;
	stamp(text, s.logged_at);
	if (at == text)
		s.logged_at[0] = '\0';
	at += strlen("Multi-threaded ");
	if ((!skip(&at, "slave statistics") && !skip(&at, "replica statistics")) || !channel(&at, s.channel))
		return false;
	s.elapsed_s = figure(at, "seconds elapsed");
	s.events = figure(at, "events assigned");
	s.overruns = figure(at, "worker queues filled over overrun level");
	s.queue_full = figure(at, "waited due a Worker queue full");
	s.queue_memory = figure(at, "waited due the total size");
	s.dependency_ns = figure(at, "waited at clock conflicts");
	s.no_worker_count = figure(at, "waited (count) when Workers occupied");
	if (s.no_worker_count < 0)
		s.no_worker_count = figure(at, "slept when Workers occupied");
	s.no_worker_ns = figure(at, "waited when Workers occupied");
	if (s.elapsed_s < 0 || s.events < 0)
		return false;
	*ret = s;
	return true;
}

bool statline_subtract(struct statline *now, const struct statline *before)
{
	struct statline d = *now;
	const struct { int64_t *now, before; } figures[] = {
		{ &d.events, before->events },
		{ &d.overruns, before->overruns },
		{ &d.queue_full, before->queue_full },
		{ &d.queue_memory, before->queue_memory },
		{ &d.dependency_ns, before->dependency_ns },
		{ &d.no_worker_count, before->no_worker_count },
		{ &d.no_worker_ns, before->no_worker_ns },
	};
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
		if ((*figures[i].now < 0) != (figures[i].before < 0) || *figures[i].now < figures[i].before)
			return false;
		if (*figures[i].now >= 0)
			*figures[i].now -= figures[i].before;
	}
	*now = d;
	return true;
}
