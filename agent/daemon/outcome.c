/* SPDX-License-Identifier: Apache-2.0 */
#include "outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "slackwater/jsonx.h"

enum { OUTCOME_WARNINGS = 20, OUTCOME_TEXT = 2000, OUTCOME_MESSAGE = 200 };

static bool plain(const char *name, const json_t *value)
{
	if (!strcmp(name, "error"))
		return false;
	if (json_is_string(value))
		return json_string_length(value) <= OUTCOME_TEXT;
	return json_is_number(value) || json_is_boolean(value);
}

static json_t *first_warnings(const json_t *doc)
{
	json_t *list = json_array(), *from = json_object_get(doc, "warnings");
	for (size_t i = 0; i < json_array_size(from) && i < OUTCOME_WARNINGS; i++)
		if (plain("", json_array_get(from, i)))
			(void)json_array_append(list, json_array_get(from, i));
	return list;
}

json_t *outcome_result(enum run_kind kind, const json_t *doc)
{
	json_t *result = json_object(), *value;
	const char *name;
	json_object_foreach((json_t *)(uintptr_t)doc, name, value)
		if (plain(name, value))
			(void)json_object_set(result, name, value);
	(void)json_object_set_new(result, "warnings", first_warnings(doc));
	if (kind == RUN_BACKUP && (value = json_object_get(doc, "bytes_stored")))
		(void)json_object_set(result, "stored_bytes", value);
	if (kind == RUN_BACKUP && (value = json_object_get(json_object_get(doc, "checkpoint"), "gap_rounds")))
		(void)json_object_set(result, "gap_rounds", value);
	if (kind == RUN_PROOF && (value = json_object_get(doc, "proof")))
		(void)json_object_set(result, "proof", value);
	return result;
}

json_t *outcome_error(const char *kind, int code, const char *message, const char *hint)
{
	return json_pack("{ss si so so}", "kind", kind, "code", code, "message", jsonx_text(message), "hint", jsonx_text(hint ? hint : ""));
}

json_t *outcome_failure(int exit, const json_t *doc)
{
	char text[OUTCOME_MESSAGE];
	const json_t *said = json_object_get(doc, "error");
	if (json_is_object(said))
		return outcome_error(jsonx_str_or(said, "kind", "unexpected"), exit, jsonx_str_or(said, "message", ""), jsonx_str_or(said, "hint", ""));
	if (exit == 128 + SIGKILL)
		return outcome_error("unexpected", exit, "the run was ended by SIGKILL: out of memory, or somebody's",
		                     "the kernel's log says which; what it had stopped is started again by its dead-man's switch or its journal");
	if (exit > 128) {
		snprintf(text, sizeof text, "the run was ended by signal %d (%s)", exit - 128, strsignal(exit - 128));
		return outcome_error(exit == 128 + SIGTERM ? "interrupted" : "unexpected", exit, text, "its last lines are in the log");
	}
	if (!exit)
		return outcome_error("unexpected", exit, "the run ended well but its result could not be read", "its last lines are in the log");
	snprintf(text, sizeof text, "the run ended with %d and without a word", exit);
	return outcome_error("unexpected", exit, text, "its last lines are in the log");
}

void outcome_add_warning(json_t *result, const char *text)
{
	json_t *list = json_object_get(result, "warnings");
	if (json_array_size(list) < OUTCOME_WARNINGS)
		(void)json_array_append_new(list, jsonx_text(text));
}
