/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include <string.h>

#include "metrics.h"
#include "output_json.h"
#include "response.h"

void api_init(struct api *a, const struct http_backend *backend)
{
	*a = (struct api){ .backend = backend };
	pthread_mutex_init(&a->lock, NULL);
}

static void forget(struct api *a)
{
	for (size_t i = 0; i < API_ANSWERS; i++) {
		if (a->answer[i])
			MHD_destroy_response(a->answer[i]);
		a->answer[i] = NULL;
	}
	json_decref(a->view);
	a->view = NULL;
}

void api_destroy(struct api *a)
{
	forget(a);
	pthread_mutex_destroy(&a->lock);
}

static enum status take_view(struct api *a, json_t **ret, struct error *err)
{
	*ret = a->backend->view(a->backend->arg);
	return *ret ? ST_OK : error_set(err, ST_RETRY, ERR_BUSY, "the agent is starting");
}

/* One member of the view in a document of its own. */
static struct MHD_Response *part(const json_t *view, const char *name)
{
	json_t *doc = json_pack("{s:O}", name, json_object_get(view, name));
	struct MHD_Response *r = doc ? response_json(doc) : NULL;
	json_decref(doc);
	return r;
}

static struct MHD_Response *metrics(const json_t *view)
{
	struct buf text = BUF_INIT(RESPONSE_MAX);
	metrics_write(view, &text);
	return response_bytes(&text, METRICS_TYPE, NULL);
}

static struct MHD_Response *make(enum api_answer which, const json_t *view)
{
	switch (which) {
	case API_SNAPSHOTS:
		return part(view, "repositories");
	case API_RUNS:
		return part(view, "runs");
	case API_METRICS:
		return metrics(view);
	default:
		return response_json(view);
	}
}

enum status api_queue(struct api *a, enum api_answer which, struct MHD_Connection *c, enum MHD_Result *ret, struct error *err)
{
	json_t *view;
	enum status st = take_view(a, &view, err);
	if (st)
		return st;
	pthread_mutex_lock(&a->lock);
	if (view != a->view) {
		forget(a);
		a->view = json_incref(view);
	}
	if (!a->answer[which])
		a->answer[which] = make(which, view);
	if (a->answer[which])
		*ret = MHD_queue_response(c, MHD_HTTP_OK, a->answer[which]);
	else
		st = error_oom(err);
	pthread_mutex_unlock(&a->lock);
	json_decref(view);
	return st;
}

static enum status answer(json_t *doc, struct MHD_Response **ret, struct error *err)
{
	*ret = doc ? response_json(doc) : NULL;
	json_decref(doc);
	return *ret ? ST_OK : error_oom(err);
}

static json_t *find_run(const json_t *view, const char *id)
{
	size_t i;
	json_t *run;
	json_array_foreach(json_object_get(view, "runs"), i, run)
		if (!strcmp(jsonx_str_or(run, "id", ""), id))
			return run;
	return NULL;
}

enum status api_run(struct api *a, const char *id, struct MHD_Response **ret, struct error *err)
{
	json_t *view;
	enum status st = take_view(a, &view, err);
	if (st)
		return st;
	json_t *run = find_run(view, id);
	if (run) {
		st = answer(json_pack("{s:O}", "run", run), ret, err);
	} else {
		st = error_set(err, ST_FAILED, ERR_USAGE, "there is no such run");
		error_hint(err, "the last runs are at /api/v1/runs; older ones have been forgotten");
	}
	json_decref(view);
	return st;
}

/* In words, what the agent is not ready for yet. */
static json_t *waits_for(const json_t *view)
{
	const json_t *agent = json_object_get(view, "agent");
	json_t *list = json_array(), *instance;
	size_t i;
	if (json_is_true(json_object_get(agent, "stopping")))
		json_array_append_new(list, json_string("the agent is ending"));
	if (!json_is_string(json_object_get(json_object_get(agent, "config"), "loaded")))
		json_array_append_new(list, json_string("the configuration has not been loaded"));
	json_array_foreach(json_object_get(view, "instances"), i, instance)
		if (!json_is_string(json_object_get(instance, "looked")))
			json_array_append_new(list, json_sprintf("instance %s has not been looked at", jsonx_str_or(instance, "name", "?")));
	if (json_is_false(json_object_get(agent, "ready")) && !json_array_size(list))
		json_array_append_new(list, json_string("the agent is starting"));
	return list;
}

enum status api_ready(struct api *a, bool *ret_ready, struct MHD_Response **ret, struct error *err)
{
	json_t *view;
	enum status st = take_view(a, &view, err);
	if (st)
		return st;
	json_t *list = waits_for(view);
	*ret_ready = json_is_true(json_object_get(json_object_get(view, "agent"), "ready"));
	st = answer(json_pack("{s:b, s:o}", "ready", *ret_ready, "waits_for", list), ret, err);
	json_decref(view);
	return st;
}

static enum status check_member(const char *key, const json_t *value, struct error *err)
{
	if (!strcmp(key, "snapshot"))
		return json_is_string(value) ? ST_OK : error_set(err, ST_FAILED, ERR_USAGE, "\"snapshot\" has to be a name");
	error_set(err, ST_FAILED, ERR_USAGE, "the request has an unknown member");
	return error_hint(err, "known is snapshot");
}

enum status api_request(const char *command, const char *body, size_t len, json_t **ret, struct error *err)
{
	json_t *doc = NULL, *value;
	const char *key;
	enum status st = jsonx_parse(len ? body : "{}", len ? len : 2, "the request", &doc, err);
	if (st) {
		if (err->kind == ERR_SNAPSHOT) /* jsonx reads snapshots; this is a person's mistake */
			err->kind = ERR_USAGE;
		return st;
	}
	json_object_foreach(doc, key, value)
		if (!st)
			st = check_member(key, value, err);
	if (!st && json_object_set_new(doc, "command", json_string(command)))
		st = error_oom(err);
	if (st)
		json_decref(doc);
	else
		*ret = doc;
	return st;
}
