/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_read.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { READ_MEMBER = 64, READ_MS = 1000 };

static const json_t *find(const json_t *of, const char *path)
{
	char member[READ_MEMBER];
	while (of && path && *path) {
		size_t len = strcspn(path, ".");
		snprintf(member, sizeof member, "%.*s", (int)len, path);
		of = json_object_get(of, member);
		path += len + (path[len] == '.');
	}
	return of;
}

bool metrics_read_number(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	if (!json_is_number(v))
		return false;
	*ret = json_number_value(v);
	return true;
}

bool metrics_read_ms(const json_t *of, const char *path, double *ret)
{
	if (!metrics_read_number(of, path, ret))
		return false;
	*ret /= READ_MS;
	return true;
}

bool metrics_read_time(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	struct tm t = { 0 };
	double s;
	if (!json_is_string(v) || sscanf(json_string_value(v), "%4d-%2d-%2dT%2d:%2d:%lf", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
	                                 &t.tm_min, &s) != 6)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	*ret = (double)timegm(&t) + s;
	return true;
}

bool metrics_read_truth(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	if (!json_is_boolean(v))
		return false;
	*ret = json_is_true(v);
	return true;
}

bool metrics_read_present(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	if (!v)
		return false;
	*ret = !json_is_null(v);
	return true;
}

bool metrics_read_absent(const json_t *of, const char *path, double *ret)
{
	if (!metrics_read_present(of, path, ret))
		return false;
	*ret = *ret == 0;
	return true;
}

bool metrics_read_size(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	if (!json_is_array(v))
		return false;
	*ret = (double)json_array_size(v);
	return true;
}

bool metrics_read_succeeded(const json_t *of, const char *path, double *ret)
{
	const json_t *v = find(of, path);
	if (!json_is_string(v))
		return false;
	*ret = !strcmp(json_string_value(v), "succeeded");
	return true;
}

bool metrics_read_rate(const json_t *of, const char *path, double *ret)
{
	double bytes, s;
	const json_t *result = find(of, path);
	if (!metrics_read_number(result, "bytes", &bytes) || !metrics_read_ms(result, "elapsed_ms", &s) || s <= 0)
		return false;
	*ret = bytes / s;
	return true;
}

/* ---- a channel ---- */

bool metrics_read_lag(const json_t *of, const char *path, double *ret)
{
	(void)path;
	return metrics_read_ms(of, "lag_ms", ret) || metrics_read_number(of, "lag_s", ret);
}

bool metrics_read_busy(const json_t *of, const char *path, double *ret)
{
	const json_t *workers = json_object_get(of, "workers");
	json_t *w;
	size_t i, n = 0;
	if (!json_array_size(workers))
		return false;
	json_array_foreach(workers, i, w)
		n += json_is_true(json_object_get(w, path));
	*ret = (double)n;
	return true;
}

bool metrics_read_oldest(const json_t *of, const char *path, double *ret)
{
	const json_t *workers = json_object_get(of, "workers");
	json_t *w;
	size_t i;
	double age, oldest = 0;
	(void)path;
	if (!json_array_size(workers))
		return false;
	json_array_foreach(workers, i, w)
		if (json_is_true(json_object_get(w, "busy")) && metrics_read_ms(w, "age_ms", &age) && age > oldest)
			oldest = age;
	*ret = oldest;
	return true;
}

/* Lines of a log count over a span of their own, which cannot be added up: that is no counter. */
static const json_t *counted_waits(const json_t *of)
{
	const json_t *waits = json_object_get(of, "waits");
	return json_is_true(json_object_get(waits, "since_start")) ? waits : NULL;
}

bool metrics_read_committed(const json_t *of, const char *path, double *ret)
{
	return metrics_read_number(counted_waits(of), path, ret);
}

bool metrics_read_waits(const json_t *of, const char *path, double *ret)
{
	return metrics_read_number(json_object_get(counted_waits(of), path), "count", ret);
}

bool metrics_read_wait_time(const json_t *of, const char *path, double *ret)
{
	return metrics_read_ms(json_object_get(counted_waits(of), path), "ms", ret);
}

bool metrics_read_wait_share(const json_t *of, const char *path, double *ret)
{
	const json_t *waits = json_object_get(of, "waits");
	double ms, span;
	if (!metrics_read_number(waits, "span_ms", &span) || span <= 0 || !metrics_read_number(json_object_get(waits, path), "ms", &ms))
		return false;
	*ret = ms / span;
	return true;
}

/* ---- a repository ---- */

bool metrics_read_proven(const json_t *of, const char *path, double *ret)
{
	const json_t *list = find(of, path);
	json_t *snapshot;
	size_t i, n = 0;
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, snapshot)
		n += json_is_string(json_object_get(snapshot, "proven")) || json_is_true(json_object_get(snapshot, "proven"));
	*ret = (double)n;
	return true;
}

bool metrics_read_stored(const json_t *of, const char *path, double *ret)
{
	const json_t *list = find(of, path);
	json_t *snapshot;
	size_t i;
	double sum = 0;
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, snapshot)
		sum += json_number_value(json_object_get(snapshot, "bytes"));
	*ret = sum;
	return true;
}

bool metrics_read_newest(const json_t *of, const char *path, double *ret)
{
	return metrics_read_time(json_array_get(find(of, path), 0), "time", ret);
}

bool metrics_read_oldest_kept(const json_t *of, const char *path, double *ret)
{
	const json_t *list = find(of, path);
	size_t n = json_array_size(list);
	return n && metrics_read_time(json_array_get(list, n - 1), "time", ret);
}

/* ---- states ---- */

const char *metrics_state_of(const json_t *of, const char *path)
{
	return json_string_value(find(of, path));
}

const char *metrics_state_of_thread(const json_t *of, const char *path)
{
	const json_t *thread = find(of, path);
	if (!json_is_object(thread))
		return NULL;
	if (json_is_true(json_object_get(thread, "running")))
		return "running";
	return json_integer_value(json_object_get(thread, "errno")) ? "error" : "stopped";
}
