/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SPECS_MAX = 16, SPEC_TEXT = 160, EXIT_USAGE = 99, FRAMES = 24, ALLOC_FRAMES = 6, PLACE = 48, SHOWN = 60, SITES = 1 << 14 };

static const char *const areas[FAULT_AREAS] = {
	[FAULT_STATE] = "state", [FAULT_CONN] = "conn", [FAULT_STORE] = "store", [FAULT_CLOCK] = "clock", [FAULT_ALLOC] = "alloc",
	[FAULT_SYS] = "sys",
};
static struct fault_spec specs[SPECS_MAX];
static size_t nspecs;
static unsigned long met[SPECS_MAX]; /* how often a spec's place was */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long calls[FAULT_AREAS];
static bool by_site[FAULT_AREAS]; /* somebody asks for a site there */
static FILE *trace;
static uint64_t alloc_sites[SITES]; /* those that the trace has; a table with open addresses */

void fault_usage(const char *why, const char *text)
{
	fprintf(stderr, "slackwater-fault: %s: %s\n", why, text);
	_exit(EXIT_USAGE);
}

void fault_wait_us(unsigned long us)
{
	struct timespec left = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
	while (nanosleep(&left, &left))
		;
}

/* ---- what is asked for ---- */

static unsigned long number(const char *text, const char *spec)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (end == text || *end)
		fault_usage("not a number in", spec);
	return n;
}

/* Cuts "WHAT[#N][+US]" into its parts, from the back. */
static void parse_place(struct fault_spec *s, char *place, const char *spec)
{
	char *us = strrchr(place, '+');
	if (us) {
		*us++ = '\0';
		s->us = number(us, spec);
	}
	char *n = strrchr(place, '#');
	if (n) {
		*n++ = '\0';
		s->n = number(n, spec);
	}
	snprintf(s->what, sizeof s->what, "%s", place);
	if (strchr(s->what, '/'))
		by_site[s->area] = true;
}

static void parse(const char *spec, size_t len)
{
	char text[SPEC_TEXT], whole[SPEC_TEXT];
	if (len >= sizeof text || nspecs == SPECS_MAX)
		fault_usage("too long, or too many", spec);
	snprintf(text, sizeof text, "%.*s", (int)len, spec);
	snprintf(whole, sizeof whole, "%s", text);
	char *place = strchr(text, ':'), *how = strrchr(text, ':');
	if (!place || place == how)
		fault_usage("not AREA:PLACE:HOW", whole);
	*place++ = '\0';
	*how++ = '\0';
	struct fault_spec *s = &specs[nspecs++];
	*s = (struct fault_spec){ .area = FAULT_AREAS, .n = 1 };
	for (int i = 0; i < FAULT_AREAS; i++)
		if (strcmp(text, areas[i]) == 0)
			s->area = (enum fault_area)i;
	if (s->area == FAULT_AREAS)
		fault_usage("no such area", whole);
	parse_place(s, place, whole);
	snprintf(s->how, sizeof s->how, "%s", how);
}

/* Before main: no thread is there yet. */
__attribute__((constructor(500))) static void fault_read_environment(void)
{
	void *frame[FRAMES];
	const char *at = getenv("SLACKWATER_FAULT"), *file = getenv("SLACKWATER_FAULT_TRACE");
	while (at && *at) {
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (len)
			parse(at, len);
		at += len;
	}
	if (file && *file && !(trace = fopen(file, "we")))
		fault_usage("cannot write the trace", file);
	(void)backtrace(frame, FRAMES); /* the first call loads a library, which must not be in the middle of an allocation */
}

__attribute__((destructor)) static void fault_trace_end(void)
{
	if (!trace)
		return;
	for (int i = 0; i < FAULT_AREAS; i++)
		fprintf(trace, "total %s %lu\n", areas[i], calls[i]);
	fclose(trace);
	trace = NULL;
}

const struct fault_spec *fault_next(enum fault_area area, const struct fault_spec *after)
{
	for (const struct fault_spec *s = after ? after + 1 : specs; s < specs + nspecs; s++)
		if (s->area == area)
			return s;
	return NULL;
}

/* ---- calls ---- */

/* Return addresses inside this executable, as offsets: the rest is moved about by the loader. */
static uint64_t site_of(int depth)
{
	extern const char __executable_start, etext;
	void *frame[FRAMES];
	uint64_t hash = 14695981039346656037u;
	int n = backtrace(frame, FRAMES), used = 0;
	for (int i = 2; i < n && used < depth; i++) {
		const char *at = frame[i];
		if (at < &__executable_start || at >= &etext)
			continue;
		hash = (hash ^ (uint64_t)(at - &__executable_start)) * 1099511628211u;
		used++;
	}
	return hash;
}

static bool first_of_site(uint64_t site)
{
	size_t i = site % SITES;
	for (size_t tries = 0; tries < SITES; tries++, i = (i + 1) % SITES) {
		if (alloc_sites[i] == site)
			return false;
		if (!alloc_sites[i]) {
			alloc_sites[i] = site;
			return true;
		}
	}
	return false;
}

static bool is_place(const struct fault_spec *s, const char *place, unsigned long n)
{
	char text[PLACE];
	if (strchr(s->what, '/')) {
		size_t state = strcspn(s->what, "/");
		if (strcmp(s->what + state, "/any") == 0)
			return strncmp(s->what, place, state + 1) == 0;
		return strcmp(s->what, place) == 0;
	}
	snprintf(text, sizeof text, "%lu", n);
	return strcmp(s->what, text) == 0;
}

static void trace_call(enum fault_area area, unsigned long n, const char *place, const char *what)
{
	char text[SHOWN];
	snprintf(text, sizeof text, "%s", what ? what : "");
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '.';
	fprintf(trace, "%s %lu %s %s\n", areas[area], n, place, text);
}

const struct fault_spec *fault_count(enum fault_area area, const char *what)
{
	const struct fault_spec *due = NULL;
	char place[PLACE] = "";
	bool wanted = by_site[area] || (trace && area != FAULT_CLOCK);
	uint64_t site = wanted ? site_of(area == FAULT_ALLOC ? ALLOC_FRAMES : FRAMES) : 0;
	if (wanted)
		snprintf(place, sizeof place, "%s/%016lx", fault_state(), (unsigned long)site);
	pthread_mutex_lock(&lock);
	unsigned long n = ++calls[area];
	if (trace && wanted && (area != FAULT_ALLOC || first_of_site(site)))
		trace_call(area, n, place, what);
	for (size_t i = 0; i < nspecs; i++)
		if (specs[i].area == area && is_place(&specs[i], place, n) && ++met[i] == specs[i].n)
			due = &specs[i];
	pthread_mutex_unlock(&lock);
	if (due)
		fprintf(stderr, "slackwater-fault: struck %s:%s:%s\n", areas[area], due->what, due->how);
	return due;
}
