/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jobs.h"
#include "lock.h"
#include "view.h"

/* ---- the log ---- */

/* What the command line says about the log goes before the file. */
static enum status use_log(struct core *c, const struct settings *s, struct error *err)
{
	const struct config *given = &c->app->config;
	const char *path = given->log_file ? given->log_file : s->agent.log_file;
	return sink_reopen(&c->app->sink, path, (enum log_level)(given->log_level >= 0 ? given->log_level : s->agent.log_level), err);
}

static enum status read_settings(struct core *c, struct settings **ret, struct error *err)
{
	struct strlist mistakes = { 0 };
	enum status st = settings_read(c->config_file, ret, &mistakes, err);
	for (size_t i = 0; st && i < mistakes.n; i++)
		core_say(c, LOG_LEVEL_ERROR, NULL, "%s", mistakes.item[i]);
	strlist_free(&mistakes);
	return st;
}

/* ---- HTTP ---- */

static enum status read_secrets(const struct settings *s, struct secrets *ret, struct error *err)
{
	return secrets_read(s->agent.token_file, s->agent.tls_cert, s->agent.tls_key, ret, err);
}

static enum status start_http(struct core *c, const struct settings *s, const struct secrets *secrets, struct error *err)
{
	struct http_backend backend = control_backend(&c->control);
	const struct http_options o = {
		.listen = s->agent.listen, .control_socket = s->agent.control_socket, .control_group = s->agent.control_group, .secrets = secrets,
	};
	return http_start(&o, &backend, &c->http, err);
}

/* ---- begin ---- */

static enum status recall(struct core *c, struct error *err)
{
	char *moved = NULL;
	struct error damage = ERROR_INIT;
	enum status st = memory_open(c->settings->agent.state_dir, c->settings->agent.history, &c->memory, &moved, &damage, err);
	if (moved)
		core_say(c, LOG_LEVEL_ERROR, NULL, "what was remembered is damaged (%s): moved to %s, begun anew", damage.message, moved);
	free(moved);
	if (!st)
		st = jobs_build(c, err);
	if (!st)
		jobs_bury(c);
	return st;
}

enum status setup_begin(struct core *c, struct error *err)
{
	c->started_ms = core_wall_ms();
	enum status st = notify_open(&c->notify, err);
	if (!st)
		st = read_settings(c, &c->settings, err);
	if (!st)
		st = use_log(c, c->settings, err);
	if (!st)
		st = lock_take(c->settings->agent.state_dir, &c->lock_fd, err);
	if (!st)
		st = recall(c, err);
	if (!st)
		st = read_secrets(c->settings, &c->secrets, err);
	if (!st)
		st = start_http(c, c->settings, &c->secrets, err);
	if (!st)
		st = observers_start(c->settings, &c->app->sink.base, c->wake_fd, &c->observers, err);
	if (st)
		return st;
	observers_go(c->observers, NULL);
	c->observed_ms = core_now_ms();
	c->loaded_ms = core_wall_ms();
	core_say(c, LOG_LEVEL_INFO, NULL, "agent %s, process %ld: %zu [snapshot] and %zu [instance] sections%s%s", SLACKWATER_VERSION, (long)getpid(),
	         c->settings->nsnapshots, c->settings->ninstances, http_address(c->http) ? ", status page at " : "",
	         http_address(c->http) ? http_address(c->http) : "");
	return ST_OK;
}

/* ---- reload ---- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool same_sockets(const struct settings_agent *a, const struct settings_agent *b)
{
	return same(a->listen, b->listen) && same(a->control_socket, b->control_socket) && same(a->control_group, b->control_group);
}

/* Nothing is closed before the files are in memory, and those of before are as well: whatever is on the disk by now, there is a way back. */
static enum status change_sockets(struct core *c, const struct settings *now, struct error *err)
{
	struct error again = ERROR_INIT;
	struct secrets secrets = { .has_token = false };
	enum status st = read_secrets(now, &secrets, err);
	if (st)
		return st;
	if (c->http && same_sockets(&c->settings->agent, &now->agent) && secrets_same(&c->secrets, &secrets)) {
		secrets_free(&secrets);
		return ST_OK;
	}
	control_close(&c->control); /* a command that waits for us would hold up the end of the listener that it came by */
	http_stop(c->http);
	c->http = NULL;
	control_open(&c->control);
	st = start_http(c, now, &secrets, err);
	if (st && start_http(c, c->settings, &c->secrets, &again))
		core_say(c, LOG_LEVEL_ERROR, NULL, "the sockets of before could not be opened again, the next reload tries it: %s", again.message);
	secrets_free(st ? &secrets : &c->secrets);
	if (!st)
		c->secrets = secrets;
	return st;
}

static enum status refuse_other_state(const struct core *c, const struct settings *now, struct error *err)
{
	if (!strcmp(now->agent.state_dir, c->settings->agent.state_dir))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_USAGE, "state-dir cannot be changed while the agent runs");
	return error_hint(err, "restart the agent");
}

static enum status take_over(struct core *c, struct settings *now, struct error *err)
{
	struct observers *observers = NULL;
	struct settings *before = c->settings;
	enum status st = observers_start(now, &c->app->sink.base, c->wake_fd, &observers, err);
	if (!st)
		st = change_sockets(c, now, err);
	c->settings = st ? before : now;
	if (!st && (st = jobs_build(c, err)))
		c->settings = before;
	if (st) {
		observers_leave(observers, &c->leaving);
		return st;
	}
	observers_go(observers, c->observers);
	observers_leave(c->observers, &c->leaving);
	c->observers = observers;
	c->observed_ms = core_now_ms();
	settings_free(before);
	c->loaded_ms = core_wall_ms();
	return ST_OK;
}

static void settle(struct core *c, enum status st, const struct error *err)
{
	char status[CORE_TEXT];
	free(c->config_error);
	c->config_error = st ? strdup(err->message) : NULL;
	c->changed = true;
	if (st)
		core_say(c, LOG_LEVEL_ERROR, NULL, "the configuration of before stays in force: %s", err->message);
	else
		core_say(c, LOG_LEVEL_INFO, NULL, "configuration read again: %zu [snapshot] and %zu [instance] sections", c->settings->nsnapshots,
		         c->settings->ninstances);
	view_status(c, status);
	notify_ready(&c->notify, status);
}

enum status setup_check(struct core *c, struct error *err)
{
	struct settings *now = NULL;
	struct secrets secrets = { .has_token = false };
	if (c->stopping)
		return error_set(err, ST_RETRY, ERR_BUSY, "the agent is ending");
	enum status st = read_settings(c, &now, err);
	if (!st)
		st = refuse_other_state(c, now, err);
	if (!st)
		st = read_secrets(now, &secrets, err);
	secrets_free(&secrets);
	settings_free(now);
	return st;
}

enum status setup_reload(struct core *c, struct error *err)
{
	struct settings *now = NULL;
	struct error ignored;
	if (c->stopping)
		return error_set(err, ST_RETRY, ERR_BUSY, "the agent is ending");
	notify_reloading(&c->notify);
	enum status st = read_settings(c, &now, err);
	if (!st)
		st = refuse_other_state(c, now, err);
	if (!st)
		st = use_log(c, now, err);
	if (!st)
		st = take_over(c, now, err);
	if (st) {
		(void)use_log(c, c->settings, &ignored);
		settings_free(now);
	}
	settle(c, st, err);
	return st;
}

/* ---- end ---- */

void setup_end(struct core *c)
{
	control_close(&c->control);
	http_stop(c->http);
	observers_leave(c->observers, &c->leaving);
	observers_collect(&c->leaving, true);
	if (c->loaded_ms) /* one that was refused never began */
		core_say(c, LOG_LEVEL_INFO, NULL, "the agent has ended");
	jobs_free(c);
	memory_free(&c->memory);
	control_destroy(&c->control);
	notify_close(&c->notify);
	settings_free(c->settings);
	secrets_free(&c->secrets);
	free(c->config_error);
	if (c->lock_fd >= 0)
		close(c->lock_fd);
}
