/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slackwater-httptest VIEW-FILE [--listen A] [--control P] [--group G] [--token T] [--cert F --key F] [--patience MS] [--gate FILE]
 *
 * The agent's HTTP server over a view in a file, which is read again whenever the file is replaced. Commands are written to standard output, one
 * JSON document a line, and answered with themselves, not before the file --gate is there; "refuse" as snapshot is refused. Says "ready ADDRESS" on standard
 * output; ends with its standard input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/server.h"
#include "signals.h"
#include "slackwater/fs.h"
#include "slackwater/jsonx.h"

enum { VIEW_MAX = 64 << 20 };

struct source {
	const char *path;
	pthread_mutex_t lock;
	struct timespec changed;
	json_t *view;
	const char *gate;
	const char *token, *cert, *key;
	struct secrets secrets;
};

static void read_again(struct source *s)
{
	struct buf text = BUF_INIT(VIEW_MAX);
	struct error err;
	json_t *view = NULL;
	if (!fs_read_file(s->path, &text, &err) && !jsonx_parse(buf_str(&text), text.len, s->path, &view, &err)) {
		json_decref(s->view);
		s->view = view;
	}
	buf_free(&text);
}

static json_t *view(void *arg)
{
	struct source *s = arg;
	struct stat st;
	pthread_mutex_lock(&s->lock);
	if (!stat(s->path, &st) && (st.st_mtim.tv_sec != s->changed.tv_sec || st.st_mtim.tv_nsec != s->changed.tv_nsec)) {
		s->changed = st.st_mtim;
		read_again(s);
	}
	json_t *v = json_incref(s->view);
	pthread_mutex_unlock(&s->lock);
	return v;
}

static enum status command(void *arg, const json_t *request, json_t **ret, struct error *err)
{
	const struct source *s = arg;
	const struct timespec moment = { .tv_nsec = 10000000 };
	char *line = json_dumps(request, JSON_SORT_KEYS | JSON_COMPACT);
	printf("%s\n", line);
	fflush(stdout);
	free(line);
	while (s->gate && access(s->gate, F_OK))
		nanosleep(&moment, NULL);
	if (!strcmp(jsonx_str_or(request, "snapshot", ""), "refuse")) {
		error_set(err, ST_FAILED, ERR_USAGE, "there is no snapshot \"refuse\"");
		error_hint(err, "known are shop, blog");
		return ST_FAILED;
	}
	*ret = json_pack("{s:O}", "did", request);
	return *ret ? ST_OK : error_oom(err);
}

static enum status parse(int argc, char **argv, struct http_options *o, struct source *s)
{
	s->path = argc > 1 ? argv[1] : NULL;
	for (int i = 2; i + 1 < argc; i += 2) {
		const struct { const char *name, **to; } known[] = {
			{ "--listen", &o->listen }, { "--control", &o->control_socket }, { "--group", &o->control_group },
			{ "--token", &s->token },   { "--cert", &s->cert },              { "--key", &s->key },
		};
		for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
			if (!strcmp(argv[i], known[k].name))
				*known[k].to = argv[i + 1];
		if (!strcmp(argv[i], "--patience"))
			o->patience_ms = strtol(argv[i + 1], NULL, 10);
		if (!strcmp(argv[i], "--gate"))
			s->gate = argv[i + 1];
	}
	return s->path ? ST_OK : ST_FAILED;
}

static enum status start(struct source *s, struct http_options *o, const struct http_backend *backend, struct http **ret, struct error *err)
{
	enum status st = secrets_read(NULL, s->cert, s->key, &s->secrets, err);
	if (!st && s->token)
		st = secrets_take_token(&s->secrets, s->token, strlen(s->token), err);
	o->secrets = &s->secrets;
	return st ? st : http_start(o, backend, ret, err);
}

int main(int argc, char **argv)
{
	struct http_options o = { .listen = NULL };
	struct source s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	const struct http_backend backend = { .view = view, .command = command, .arg = &s };
	struct http *h = NULL;
	struct error err;
	char byte;
	signals_harden();
	if (parse(argc, argv, &o, &s))
		return 2;
	if (start(&s, &o, &backend, &h, &err)) {
		fprintf(stderr, "%s\n%s\n", err.message, err.hint);
		return 2;
	}
	printf("ready %s\n", http_address(h) ? http_address(h) : "");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	http_stop(h);
	secrets_free(&s.secrets);
	json_decref(s.view);
	return 0;
}
