/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the connection. A session's ops are replaced by ones that count, and call what was there: the client library's or, where a recording
 * is played, the model's. A connection that is cut is cut for good on both sides: the socket is shut down, and what the program sees
 * afterwards is what its own code makes of that.
 */
#include <mysql.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "answer.h"
#include "fault.h"
#include "model.h"
#include "server/conn_error.h"
#include "server/conn_tls.h"

enum { TIMEOUT_US = 200000, DOWN_US = 1000000, ER_SAYS_NO = 1105, ER_TOO_MANY = 1040, ER_RETRY = 1205, CR_LOST = 2013, CR_REFUSED = 2003, ROWS_KEPT = 2 };

/* What is known of each session. */
struct session {
	struct conn *c;
	const struct conn_ops *ops;
	MYSQL *m; /* NULL: the model's */
	struct session *next;
};

struct fault_rows {
	struct rows base;
	struct rows *inner;
	struct conn *c;
};

struct cutter {
	struct conn *c;
	unsigned long us;
	pthread_t thread;
};

enum status __real_conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run, struct error *err);
enum status __wrap_conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run, struct error *err);
enum status __real_conn_session_begin(struct conn *c, struct error *err);
enum status __wrap_conn_session_begin(struct conn *c, struct error *err);
MYSQL *__real_mysql_real_connect(MYSQL *m, const char *host, const char *user, const char *password, const char *db,
                                 unsigned port, const char *socket, unsigned long flags);
MYSQL *__wrap_mysql_real_connect(MYSQL *m, const char *host, const char *user, const char *password, const char *db,
                                 unsigned port, const char *socket, unsigned long flags);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *sessions;
static _Thread_local MYSQL *connected; /* what this thread has connected last */
static int64_t down_until_us;
static const char *record;

__attribute__((constructor(1000))) static void fault_conn_begin(void)
{
	record = getenv("SLACKWATER_FAULT_RECORD");
	for (const struct fault_spec *s = fault_next(FAULT_CONN, NULL); s; s = fault_next(FAULT_CONN, s))
		if (strcmp(s->how, "error") != 0 && strcmp(s->how, "retry") != 0 && strcmp(s->how, "reset") != 0 &&
		    strcmp(s->how, "timeout") != 0 && strcmp(s->how, "down") != 0)
			fault_usage("neither error, retry, reset, timeout nor down", s->how);
}

static struct session *session_of(const struct conn *c)
{
	pthread_mutex_lock(&lock);
	struct session *s = sessions;
	while (s && s->c != c)
		s = s->next;
	pthread_mutex_unlock(&lock);
	if (!s)
		abort();
	return s;
}

static void session_forget(const struct conn *c)
{
	pthread_mutex_lock(&lock);
	struct session **at = &sessions;
	while (*at && (*at)->c != c)
		at = &(*at)->next;
	struct session *s = *at;
	if (s)
		*at = s->next;
	pthread_mutex_unlock(&lock);
	free(s);
}

static void cut_session(const struct session *s)
{
	if (!s->m) {
		model_cut(s->c);
		return;
	}
#if CONN_LIBMARIADB
	(void)shutdown(mysql_get_socket(s->m), SHUT_RDWR);
#else
	(void)shutdown(s->m->net.fd, SHUT_RDWR);
#endif
}

static void cut(const struct conn *c)
{
	cut_session(session_of(c));
}

static int64_t now_us(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The server goes away, with every session there is, and can be reached again after a while. */
static void go_down(const struct fault_spec *f)
{
	pthread_mutex_lock(&lock);
	down_until_us = now_us() + (int64_t)(f->us ? f->us : DOWN_US);
	for (const struct session *s = sessions; s; s = s->next)
		cut_session(s);
	pthread_mutex_unlock(&lock);
}

static bool is_down(void)
{
	pthread_mutex_lock(&lock);
	bool down = now_us() < down_until_us;
	pthread_mutex_unlock(&lock);
	return down;
}

static bool is(const struct fault_spec *f, const char *how)
{
	return f && strcmp(f->how, how) == 0;
}

static enum status says_no(const struct fault_spec *f, struct error *err)
{
	return is(f, "retry") ? conn_error_set(err, ER_RETRY, "injected fault: lock wait timeout", false)
	                      : conn_error_set(err, ER_SAYS_NO, "injected fault", false);
}

/* What the program's own code says of a session that is gone. */
static enum status gone(struct conn *c, struct error *err)
{
	static const char probe[] = "DO 0";
	enum status st = session_of(c)->ops->query(c, probe, strlen(probe), false, NULL, err);
	return st ? st : conn_error_set(err, CR_LOST, "injected fault: the session outlived its connection", false);
}

static void *cut_later(void *arg)
{
	struct cutter *k = arg;
	fault_wait_us(k->us);
	cut(k->c);
	return NULL;
}

/* ---- rows ---- */

static enum status fault_rows_next(struct rows *base, const char *const **ret_row, const size_t **ret_len, struct error *err)
{
	struct fault_rows *r = (struct fault_rows *)base;
	const struct fault_spec *f = fault_count(FAULT_CONN, "next");
	if (!f)
		return r->inner->ops->next(r->inner, ret_row, ret_len, err);
	if (is(f, "error") || is(f, "retry"))
		return says_no(f, err);
	if (is(f, "timeout"))
		fault_wait_us(f->us ? f->us : TIMEOUT_US);
	if (is(f, "down"))
		go_down(f);
	cut(r->c);
	/* what has been received already is still read */
	enum status st;
	const char *const *row = NULL;
	const size_t *len = NULL;
	while (!(st = r->inner->ops->next(r->inner, &row, &len, err)) && row)
		;
	if (st)
		return st;
	r->c->lost = true;
	return conn_error_set(err, CR_LOST, "injected fault", false);
}

static void fault_rows_free(struct rows *base)
{
	struct fault_rows *r = (struct fault_rows *)base;
	rows_free(r->inner);
	free(r);
}

static const struct rows_ops fault_rows_ops = { fault_rows_next, fault_rows_free };

static struct rows *counted(struct conn *c, struct rows *inner)
{
	struct fault_rows *r = fault_new(sizeof *r);
	*r = (struct fault_rows){ .base = { .ops = &fault_rows_ops, .ncols = inner->ncols, .col = inner->col }, .inner = inner, .c = c };
	return &r->base;
}

/* ---- recording ---- */

/*
 * Of what is streamed, the data themselves, a few rows are kept: every row is a call, and each of them may fail. All are read, for a session whose
 * rows are given up is lost.
 */
static enum status take_rows(struct rows *r, struct answer *a, bool stream, struct error *err)
{
	bool more = true;
	enum status st = ST_OK;
	answer_columns(a, r->ncols, r->col);
	while (!(st = rows_next(r, &more, err)) && more)
		if (!stream || a->nrows < ROWS_KEPT)
			answer_row(a, r->row, r->len);
	return st;
}

static enum status record_query(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret, struct error *err)
{
	struct error why = ERROR_INIT;
	struct rows *r = NULL;
	struct answer *a = answer_new();
	enum status st = session_of(c)->ops->query(c, sql, len, stream, ret ? &r : NULL, &why);
	if (!st && r)
		st = take_rows(r, a, stream, &why);
	rows_free(r);
	if (st) {
		const char *end = strrchr(why.message, '(');
		a->my_errno = why.my_errno;
		a->error = fault_copy(why.message, end ? (size_t)(end - why.message) : strlen(why.message));
	} else {
		a->warnings = session_of(c)->ops->warning_count(c);
	}
	answer_record(record, sql, len, a);
	if (st || !ret) {
		answer_free(a);
		if (st && err)
			*err = why;
		return st;
	}
	*ret = answer_rows(a, true);
	return ST_OK;
}

/* ---- sessions ---- */

static enum status plain_query(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret, struct error *err)
{
	enum status st = record ? record_query(c, sql, len, stream, ret, err)
	                        : session_of(c)->ops->query(c, sql, len, stream, ret, err);
	if (!st && ret && stream)
		*ret = counted(c, *ret);
	return st;
}

/* Begun, and cut off while it is under way; what the server makes of it is its own affair. */
static enum status timed_out(struct conn *c, const struct fault_spec *f, const char *sql, size_t len, struct error *err)
{
	struct cutter k = { .c = c, .us = f->us ? f->us : TIMEOUT_US };
	if (fault_thread(&k.thread, cut_later, &k))
		abort();
	enum status st = session_of(c)->ops->query(c, sql, len, false, NULL, err);
	pthread_join(k.thread, NULL);
	return st && c->lost ? st : gone(c, err);
}

static enum status fault_query(struct conn *c, const char *sql, size_t len, bool stream, struct rows **ret, struct error *err)
{
	const struct fault_spec *f = c->lost ? NULL : fault_count(FAULT_CONN, sql);
	if (is(f, "error") || is(f, "retry"))
		return says_no(f, err);
	if (is(f, "timeout"))
		return timed_out(c, f, sql, len, err);
	if (is(f, "down"))
		go_down(f);
	if (f) {
		cut(c);
		return gone(c, err);
	}
	return plain_query(c, sql, len, stream, ret, err);
}

static unsigned fault_warning_count(struct conn *c)
{
	return session_of(c)->ops->warning_count(c);
}

static unsigned long fault_thread_id(struct conn *c)
{
	return session_of(c)->ops->thread_id(c);
}

static void fault_conn_free(struct conn *c)
{
	const struct conn_ops *ops = session_of(c)->ops;
	session_forget(c);
	ops->free(c);
}

static const struct conn_ops fault_conn_ops = { fault_query, fault_warning_count, fault_thread_id, fault_conn_free };

static void take_over(struct conn *c, MYSQL *m)
{
	struct session *s = fault_new(sizeof *s);
	*s = (struct session){ .c = c, .ops = c->ops, .m = m };
	c->ops = &fault_conn_ops;
	pthread_mutex_lock(&lock);
	s->next = sessions;
	sessions = s;
	pthread_mutex_unlock(&lock);
}

MYSQL *__wrap_mysql_real_connect(MYSQL *m, const char *host, const char *user, const char *password, const char *db,
                                 unsigned port, const char *socket, unsigned long flags)
{
	connected = m;
	return __real_mysql_real_connect(m, host, user, password, db, port, socket, flags);
}

/* The first statements of a session are calls like the others. When one of them fails the session is freed by its own function. */
enum status __wrap_conn_session_begin(struct conn *c, struct error *err)
{
	const struct conn_ops *own = c->ops;
	take_over(c, connected);
	enum status st = __real_conn_session_begin(c, err);
	if (st) {
		session_forget(c);
		c->ops = own;
	}
	return st;
}

static enum status refused(const struct fault_spec *f, struct error *err)
{
	unsigned no = is(f, "reset") ? CR_LOST : is(f, "timeout") ? CR_REFUSED : ER_TOO_MANY;
	if (is(f, "timeout"))
		fault_wait_us(f->us ? f->us : TIMEOUT_US);
	return conn_error_set(err, no, "injected fault", true);
}

static enum status open_model(struct conn **ret, unsigned flags, struct run *run, struct error *err)
{
	enum status st = flags & CONN_SHIELDED ? ST_OK : run_check(run, err);
	if (st)
		return st;
	struct conn *c = model_open(flags, run);
	connected = NULL;
	st = __wrap_conn_session_begin(c, err);
	if (st)
		c->ops->free(c);
	else
		*ret = c;
	return st;
}

enum status __wrap_conn_open(struct conn **ret, const struct conn_options *o, unsigned flags, struct run *run, struct error *err)
{
	const struct fault_spec *f = fault_count(FAULT_CONN, "open");
	if (is(f, "down"))
		go_down(f);
	if (is_down())
		return conn_error_set(err, CR_REFUSED, "injected fault: nobody listens", true);
	if (f)
		return refused(f, err);
	return model_on() ? open_model(ret, flags, run, err) : __real_conn_open(ret, o, flags, run, err);
}
