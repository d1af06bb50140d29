/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of findings from one look to the next, what is tried, and what the verdict is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "recover/task.h"

struct world {
	struct recover_options o;
	struct recover_report report;
	struct recover_task j;
};

static struct world begin(bool apply)
{
	return (struct world){ .o = { .apply = apply } };
}

static struct recover_task *task(struct world *w)
{
	w->j.o = &w->o;
	w->j.report = &w->report;
	return &w->j;
}

static char *copy(const char *s)
{
	char *c = strdup(s);
	assert_non_null(c);
	return c;
}

static void add(struct recover_findings *to, const char *channel, enum recover_class class, enum recover_step step)
{
	struct recover_finding *grown = realloc(to->item, (to->n + 1) * sizeof *grown);
	assert_non_null(grown);
	to->item = grown;
	grown[to->n++] = (struct recover_finding){ .channel = copy(channel), .class = class, .step = step, .text = copy("what is the matter"),
		                                   .next = copy("what to do"), .consent = class == RECOVER_STOPPED };
}

static void look(struct world *w, struct recover_findings *now)
{
	struct error err = ERROR_INIT;
	assert_int_equal(recover_merge(task(w), now, &err), ST_OK);
	recover_findings_free(now);
}

static struct recover_finding *at(struct world *w, size_t i)
{
	assert_true(i < w->report.n);
	return &w->report.finding[i];
}

static enum status verdict(struct world *w, struct error *err)
{
	*err = ERROR_INIT;
	return recover_verdict(task(w), err);
}

static void each_finding_is_tried_once(void **state)
{
	(void)state;
	struct world w = begin(true);
	struct recover_findings now = { 0 };
	struct error err;
	add(&now, "a", RECOVER_INTERRUPTED, RECOVER_START);
	add(&now, "b", RECOVER_CONFLICT, RECOVER_EXPLAIN);
	look(&w, &now);
	assert_ptr_equal(recover_wanted(task(&w)), at(&w, 0));
	at(&w, 0)->tried = true;
	at(&w, 0)->outcome = RECOVER_REPAIRED;
	assert_null(recover_wanted(task(&w)));
	/* The other one is still there. */
	add(&now, "b", RECOVER_CONFLICT, RECOVER_EXPLAIN);
	look(&w, &now);
	assert_int_equal(w.report.n, 2);
	assert_int_equal(at(&w, 0)->outcome, RECOVER_REPAIRED);
	assert_int_equal(verdict(&w, &err), ST_FAILED);
	assert_int_equal(err.kind, ERR_APPLIER);
	assert_string_equal(err.hint, "what to do");
	/* Both are, although one was put right: it is not tried for ever. */
	add(&now, "a", RECOVER_INTERRUPTED, RECOVER_START);
	look(&w, &now);
	assert_int_equal(at(&w, 0)->outcome, RECOVER_FAILED);
	assert_string_equal(at(&w, 0)->result, "it was put right, and is so again");
	assert_int_equal(at(&w, 1)->outcome, RECOVER_GONE);
	assert_null(recover_wanted(task(&w)));
	assert_int_equal(verdict(&w, &err), ST_FAILED);
	/* And now neither. */
	look(&w, &now);
	assert_int_equal(verdict(&w, &err), ST_OK);
	recover_report_free(&w.report);
}

static void what_a_repair_brings_to_light_is_tried_too(void **state)
{
	(void)state;
	struct world w = begin(true);
	struct recover_findings now = { 0 };
	add(&now, "", RECOVER_STOPPED, RECOVER_START);
	look(&w, &now);
	struct recover_finding *f = recover_wanted(task(&w));
	assert_int_equal(f->class, RECOVER_STOPPED);
	f->tried = true;
	f->outcome = RECOVER_FAILED;
	f->result = copy("a START was refused");
	add(&now, "", RECOVER_METADATA, RECOVER_RESET);
	look(&w, &now);
	assert_int_equal(at(&w, 0)->outcome, RECOVER_GONE);
	assert_string_equal(at(&w, 0)->result, "a START was refused");
	assert_int_equal(recover_wanted(task(&w))->class, RECOVER_METADATA);
	recover_report_free(&w.report);
}

static void a_gap_that_stayed_is_not_forgotten(void **state)
{
	(void)state;
	struct world w = begin(true);
	struct recover_findings now = { 0 };
	struct error err;
	add(&now, "a", RECOVER_INTERRUPTED, RECOVER_START);
	look(&w, &now);
	at(&w, 0)->tried = at(&w, 0)->last_word = true;
	at(&w, 0)->outcome = RECOVER_FAILED;
	at(&w, 0)->result = copy("the gap was not closed");
	look(&w, &now); /* it runs, which looks healthy */
	assert_int_equal(at(&w, 0)->outcome, RECOVER_FAILED);
	assert_true(recover_unsettled(&w.report, "a"));
	assert_false(recover_unsettled(&w.report, "b"));
	assert_int_equal(verdict(&w, &err), ST_FAILED);
	assert_non_null(strstr(err.message, "the gap was not closed"));
	recover_report_free(&w.report);
}

static void the_applier_comes_before_the_receiver(void **state)
{
	(void)state;
	struct world w = begin(false);
	struct recover_findings now = { 0 };
	struct error err;
	add(&now, "a", RECOVER_RECEIVER_STOPPED, RECOVER_EXPLAIN);
	add(&now, "b", RECOVER_INTERRUPTED, RECOVER_START);
	look(&w, &now);
	at(&w, 1)->my_errno = 1317;
	assert_int_equal(verdict(&w, &err), ST_FAILED);
	assert_int_equal(err.my_errno, 1317);
	assert_non_null(strstr(err.hint, "--apply"));
	recover_report_free(&w.report);
}

struct asked {
	unsigned times;
	bool answer;
};

static enum status ask(void *arg, const struct recover_finding *f, bool *ret, struct error *err)
{
	struct asked *a = arg;
	(void)err;
	assert_int_equal(f->class, RECOVER_STOPPED);
	a->times++;
	*ret = a->answer;
	return ST_OK;
}

static void only_what_needs_consent_is_asked_about(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	for (int answer = 0; answer < 2; answer++) {
		struct world w = begin(false);
		struct asked asked = { .answer = answer };
		struct recover_findings now = { 0 };
		add(&now, "a", RECOVER_INTERRUPTED, RECOVER_START);
		add(&now, "b", RECOVER_STOPPED, RECOVER_START);
		look(&w, &now);
		assert_int_equal(recover_ask(task(&w), &err), ST_OK); /* nobody to ask */
		assert_null(recover_wanted(task(&w)));
		w.o.ask = ask;
		w.o.ask_arg = &asked;
		assert_int_equal(recover_ask(task(&w), &err), ST_OK);
		assert_int_equal(asked.times, 1);
		assert_ptr_equal(recover_wanted(task(&w)), answer ? at(&w, 1) : NULL);
		/* The yes outlives the look under the claim. */
		add(&now, "b", RECOVER_STOPPED, RECOVER_START);
		look(&w, &now);
		assert_ptr_equal(recover_wanted(task(&w)), answer ? at(&w, 1) : NULL);
		recover_report_free(&w.report);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finding_is_tried_once),
		cmocka_unit_test(what_a_repair_brings_to_light_is_tried_too),
		cmocka_unit_test(a_gap_that_stayed_is_not_forgotten),
		cmocka_unit_test(the_applier_comes_before_the_receiver),
		cmocka_unit_test(only_what_needs_consent_is_asked_about),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
