/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on their way to the daemon's thread, and who refuses them while nobody takes any. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/control.h"
#include "scratch.h"
#include "slackwater/jsonx.h"

enum { PATIENCE_MS = 20000, SOON_MS = CONTROL_WAIT_MS / 2 };

struct client {
	pthread_t thread;
	struct http_backend backend;
	enum status status;
	struct error err;
	json_t *answer;
	int64_t took_ms;
};

static void *ask(void *arg)
{
	struct client *c = arg;
	int64_t begun = scratch_now_ms();
	json_t *request = json_pack("{ss}", "command", "pause");
	c->status = c->backend.command(c->backend.arg, request, &c->answer, &c->err);
	json_decref(request);
	c->took_ms = scratch_now_ms() - begun;
	return NULL;
}

static int setup(void **state)
{
	static struct control control;
	struct error err = ERROR_INIT;
	OK(control_init(&control, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), &err));
	*state = &control;
	return 0;
}

static int teardown(void **state)
{
	struct control *c = *state;
	close(c->wake_fd);
	control_destroy(c);
	return 0;
}

static struct client *send_one(struct control *c)
{
	static struct client client;
	client = (struct client){ .backend = control_backend(c), .err = ERROR_INIT };
	assert_int_equal(pthread_create(&client.thread, NULL, ask, &client), 0);
	return &client;
}

static void wait_until_woken(struct control *c)
{
	uint64_t n;
	struct pollfd fd = { .fd = c->wake_fd, .events = POLLIN };
	assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
	assert_int_equal(read(c->wake_fd, &n, sizeof n), sizeof n);
}

static void one_is_taken_and_answered(void **state)
{
	struct control *c = *state;
	struct client *client = send_one(c);
	wait_until_woken(c);
	struct control_request *r = control_take(c);
	assert_non_null(r);
	assert_null(control_take(c));
	assert_string_equal(jsonx_str_or(r->in, "command", ""), "pause");
	r->out = json_pack("{ss}", "command", "done");
	control_close(c); /* it is in our hands: not refused any more */
	control_done(c, r);
	pthread_join(client->thread, NULL);
	assert_int_equal(client->status, ST_OK);
	assert_string_equal(jsonx_str_or(client->answer, "command", ""), "done");
	json_decref(client->answer);
}

/* Whoever closes may wait for the clients: none may wait for him for as long as an answer may take. */
static void those_that_wait_are_refused(void **state)
{
	struct control *c = *state;
	struct client *client = send_one(c);
	wait_until_woken(c);
	control_close(c);
	pthread_join(client->thread, NULL);
	assert_int_equal(client->status, ST_RETRY);
	assert_int_equal(client->err.kind, ERR_BUSY);
	assert_true(client->took_ms < SOON_MS);
	client = send_one(c);
	pthread_join(client->thread, NULL);
	assert_int_equal(client->status, ST_RETRY);
	assert_true(client->took_ms < SOON_MS);
	assert_null(control_take(c));
}

static void opened_again_it_takes_them(void **state)
{
	struct control *c = *state;
	control_close(c);
	control_open(c);
	one_is_taken_and_answered(state);
}

static void the_newest_view_is_given_out(void **state)
{
	struct control *c = *state;
	struct http_backend b = control_backend(c);
	assert_null(b.view(b.arg));
	control_publish(c, json_pack("{si}", "n", 1));
	json_t *first = b.view(b.arg);
	control_publish(c, json_pack("{si}", "n", 2));
	json_t *second = b.view(b.arg);
	assert_int_equal(jsonx_u64_or(first, "n", 0), 1);
	assert_int_equal(jsonx_u64_or(second, "n", 0), 2);
	json_decref(first);
	json_decref(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_is_taken_and_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(those_that_wait_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(opened_again_it_takes_them, setup, teardown),
		cmocka_unit_test_setup_teardown(the_newest_view_is_given_out, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
