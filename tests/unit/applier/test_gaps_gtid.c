/* SPDX-License-Identifier: Apache-2.0 */
/* Gaps by GTID sets: what counts as missing, what as unknown, what as gone for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "applier/checkpoint_parts.h"
#include "applier/gaps.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "3e11fa47-71ca-11e1-9e33-c80aa9429563"
#define OLD "11111111-1111-1111-1111-111111111111"

struct given {
	enum applier_mode mode;
	bool io;
	const char *received;
};

static const char *const *sources; /* the UUIDs of the channels' sources, where they matter */

static void look(const char *executed, const struct given *g, size_t n, struct channels *ch, struct gaps *gaps)
{
	struct error err = ERROR_INIT;
	*ch = (struct channels){ .item = calloc(n, sizeof *ch->item), .n = n, .executed_set = strdup(executed) };
	*gaps = (struct gaps){ .item = calloc(n, sizeof *gaps->item), .n = n };
	for (size_t i = 0; i < n; i++) {
		ch->item[i].cp.name = strdup(i ? "second" : "");
		gaps->item[i].channel = strdup(ch->item[i].cp.name);
		ch->item[i].cp.mode = g[i].mode;
		ch->item[i].cp.io_running = g[i].io;
		ch->item[i].cp.received_set = strdup(g[i].received);
		ch->item[i].cp.source_uuid = sources ? strdup(sources[i]) : NULL;
	}
	assert_int_equal(gaps_by_gtid(ch, gaps, &err), ST_OK);
}

static void done(struct channels *ch, struct gaps *gaps)
{
	channels_free(ch);
	gaps_free(gaps);
}

static void test_none(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_AUTO, true, A ":1-20" };
	look(A ":1-17", &one, 1, &ch, &g); /* a backlog is no gap */
	assert_null(g.item[0].text);
	assert_null(g.holes);
	assert_null(g.permanent);
	done(&ch, &g);
}

/* 9.7.4 after a worker was killed. */
static void test_known(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct strlist lines = { 0 };
	struct error err = ERROR_INIT;
	struct given one = { MODE_MYSQL_AUTO, true, A ":1-20" };
	look(A ":1-7:9-12:15", &one, 1, &ch, &g);
	assert_int_equal(g.item[0].known, 3);
	assert_string_equal(g.item[0].text, "3 transactions received and not applied: " A ":8:13-14");
	assert_null(g.holes);
	assert_int_equal(gaps_describe(&g, &ch, &lines, &err), ST_OK);
	assert_int_equal(lines.n, 1);
	assert_string_equal(lines.item[0], "the default channel: 3 transactions received and not applied: " A ":8:13-14");
	strlist_free(&lines);
	done(&ch, &g);
}

/* Not received: relay_log_recovery has thrown the relay log away and the receiver has fetched nothing yet. */
static void test_unknown(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_AUTO, true, "" };
	look(A ":1-171:173-252", &one, 1, &ch, &g);
	assert_null(g.item[0].text);
	assert_string_equal(g.holes, A ":172");
	assert_null(g.permanent);
	done(&ch, &g);
}

/* The receiver has gone past it: it has later ones, and was not sent this one. */
static void test_gone_past(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_AUTO, true, A ":253-260" };
	look(A ":1-171:173-252", &one, 1, &ch, &g);
	assert_null(g.holes);
	assert_string_equal(g.permanent, A ":172");
	done(&ch, &g);
	one.io = false; /* a receiver that is not connected proves nothing */
	look(A ":1-171:173-252", &one, 1, &ch, &g);
	assert_string_equal(g.holes, A ":172");
	assert_null(g.permanent);
	done(&ch, &g);
}

/* A hole under a UUID that is no longer written: the receiver asked for all it lacks and was sent other things. */
static void test_dead_uuid(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_AUTO, true, A ":50-60" };
	look(OLD ":5," A ":1-60", &one, 1, &ch, &g);
	assert_null(g.holes);
	assert_string_equal(g.permanent, OLD ":1-4");
	done(&ch, &g);
	one.received = ""; /* it has been sent nothing at all yet */
	look(OLD ":5," A ":1-60", &one, 1, &ch, &g);
	assert_string_equal(g.holes, OLD ":1-4");
	done(&ch, &g);
	one.received = A ":50-60," OLD ":2"; /* more of that UUID may come: only what lies behind is gone */
	look(OLD ":5," A ":1-60", &one, 1, &ch, &g);
	assert_int_equal(g.item[0].known, 1);
	assert_string_equal(g.permanent, OLD ":1");
	assert_string_equal(g.holes, OLD ":3-4");
	done(&ch, &g);
}

/* What one channel has received is no hole of the other's. */
static void test_two_channels(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given two[] = { { MODE_MYSQL_AUTO, true, A ":1-9" }, { MODE_MYSQL_AUTO, true, B ":1-9" } };
	look(A ":1-4:6," B ":1-2:4-9", two, 2, &ch, &g);
	assert_string_equal(g.item[0].text, "1 transaction received and not applied: " A ":5");
	assert_string_equal(g.item[1].text, "1 transaction received and not applied: " B ":3");
	assert_null(g.holes);
	done(&ch, &g);
}

/* With two sources: what one of them does not send, the other may. */
static void test_asked_of_two(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given two[] = { { MODE_MYSQL_AUTO, true, A ":50-60" }, { MODE_MYSQL_AUTO, false, "" } };
	sources = (const char *const[]){ A, B };
	static const char executed[] = OLD ":5," A ":1-60," B ":1-4:6-9";
	look(executed, two, 2, &ch, &g); /* the second has been asked for nothing yet: its own hole and the old one may come by it */
	assert_string_equal(g.holes, OLD ":1-4," B ":5");
	assert_null(g.permanent);
	done(&ch, &g);
	two[1].io = true; /* connected, and has been sent nothing */
	look(executed, two, 2, &ch, &g);
	assert_null(g.permanent);
	done(&ch, &g);
	two[1].received = A ":60"; /* sent something else, by the very source that wrote what is missing */
	look(executed, two, 2, &ch, &g);
	assert_string_equal(g.permanent, OLD ":1-4," B ":5");
	assert_null(g.holes);
	done(&ch, &g);
	two[0].io = false; /* of the first one's going on nothing is known: the old hole may come by it, the second's own cannot */
	look(executed, two, 2, &ch, &g);
	assert_string_equal(g.permanent, B ":5");
	assert_string_equal(g.holes, OLD ":1-4");
	done(&ch, &g);
	sources = NULL;
}

static void test_tags(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_AUTO, true, A ":1-9:blue:1-4" };
	look(A ":1-9:blue:1:3", &one, 1, &ch, &g);
	assert_string_equal(g.item[0].text, "1 transaction received and not applied: " A ":blue:2");
	done(&ch, &g);
}

/* Positions have no say here. */
static void test_position_modes(void **state)
{
	(void)state;
	struct channels ch;
	struct gaps g;
	struct given one = { MODE_MYSQL_POSITION, true, "" };
	look(A ":1-4:6", &one, 1, &ch, &g);
	assert_null(g.item[0].text);
	assert_null(g.holes);
	done(&ch, &g);
}

static void test_closed(void **state)
{
	(void)state;
	struct channels ch, later;
	struct gaps was, now;
	struct error err = ERROR_INIT;
	bool closed = true;
	struct given one = { MODE_MYSQL_AUTO, true, A ":1-20" };
	look(A ":1-7:9-12", &one, 1, &ch, &was);
	look(A ":1-7:9-16", &one, 1, &later, &now);
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_false(closed);
	done(&later, &now);
	look(A ":1-16:18", &one, 1, &later, &now); /* another hole: work in progress, not the one that was waited for */
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_true(closed);
	done(&later, &now);
	done(&ch, &was);
	/* By position: closed once the low-water mark has come to where the furthest worker was. */
	struct given pos = { MODE_MYSQL_POSITION, true, "" };
	look("", &pos, 1, &ch, &was);
	look("", &pos, 1, &later, &now);
	was.item[0].target = (struct gaps_at){ strdup("binlog.000009"), 500 };
	now.item[0].lwm = (struct gaps_at){ strdup("binlog.000009"), 499 };
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_false(closed);
	now.item[0].lwm.pos = 500;
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_true(closed);
	done(&later, &now);
	done(&ch, &was);
	/* Channels are told by their names: in a later answer they may come in another order. */
	struct given two[] = { pos, pos };
	look("", two, 2, &ch, &was);
	look("", two, 2, &later, &now);
	was.item[0].target = (struct gaps_at){ strdup("binlog.000009"), 500 };
	now.item[1].lwm = (struct gaps_at){ strdup("binlog.000009"), 500 };
	struct gap swap = now.item[0];
	now.item[0] = now.item[1];
	now.item[1] = swap;
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_false(closed); /* that was the second's mark */
	char *name = now.item[0].channel;
	now.item[0].channel = now.item[1].channel;
	now.item[1].channel = name;
	assert_int_equal(gaps_closed(&was, &now, &later, &closed, &err), ST_OK);
	assert_true(closed);
	done(&later, &now);
	done(&ch, &was);
}

static void test_malformed(void **state)
{
	(void)state;
	struct channels ch = { .item = calloc(1, sizeof *ch.item), .n = 1, .executed_set = strdup("no set") };
	struct gaps g = { .item = calloc(1, sizeof *g.item), .n = 1 };
	struct error err = ERROR_INIT;
	ch.item[0].cp.name = strdup("");
	ch.item[0].cp.mode = MODE_MYSQL_AUTO;
	assert_int_equal(gaps_by_gtid(&ch, &g, &err), ST_FAILED);
	done(&ch, &g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),         cmocka_unit_test(test_known),     cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_gone_past),    cmocka_unit_test(test_dead_uuid), cmocka_unit_test(test_two_channels),
		cmocka_unit_test(test_tags),         cmocka_unit_test(test_position_modes), cmocka_unit_test(test_closed),
		cmocka_unit_test(test_malformed),  cmocka_unit_test(test_asked_of_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
