/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPECS_MAX = 16, SPEC_TEXT = 160, EXIT_USAGE = 99 };

static struct fault_spec specs[SPECS_MAX];
static size_t nspecs;

void fault_usage(const char *why, const char *text)
{
	fprintf(stderr, "slackwater-fault: %s: %s\n", why, text);
	_exit(EXIT_USAGE);
}

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
}

static void parse(const char *spec, size_t len)
{
	static const char *const areas[FAULT_AREAS] = { [FAULT_STATE] = "state" };
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
	const char *at = getenv("SLACKWATER_FAULT");
	while (at && *at) {
		at += strspn(at, " ");
		size_t len = strcspn(at, " ");
		if (len)
			parse(at, len);
		at += len;
	}
}

const struct fault_spec *fault_next(enum fault_area area, const struct fault_spec *after)
{
	for (const struct fault_spec *s = after ? after + 1 : specs; s < specs + nspecs; s++)
		if (s->area == area)
			return s;
	return NULL;
}
