/* SPDX-License-Identifier: Apache-2.0 */
/* What is recorded beside a manifest: the JSON and back, and which record takes which one's place. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proof/judge.h"
#include "proof/record.h"
#include "sample.h"
#include "slackwater/jsonx.h"

#define BESIDE(tail) SAMPLE_INSTANCE "/manifests/" SAMPLE_ID tail

struct fixture {
	struct scratch *scratch;
	struct store *store;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct error err;
	void *scratch = NULL;
	if (!f || scratch_setup(&scratch))
		return -1;
	f->scratch = scratch;
	*state = f;
	if (store_open(scratch_path(f->scratch, "r"), STORE_WRITE, NULL, &f->scratch->run, &f->store, &err))
		return -1;
	return f->store->ops->put(f->store, BESIDE(".json"), "{}", 2, false, &err) == ST_OK ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *scratch = f->scratch;
	store_free(f->store);
	free(f);
	return scratch_teardown(&scratch);
}

static struct proof_record full(enum proof_result result)
{
	return (struct proof_record){
		.result = result, .at_ms = INT64_C(1764163200123), .elapsed_ms = 4711, .server = "10.11.19-MariaDB", .source = "db1:3306", .tables = 3,
		.rows = UINT64_C(5000000000), .bytes = 77, .load_ms = 12, .catch_up_ms = 34, .transactions = 56, .compared = 2,
		.compared_with = "replica1:3306", .reason = "because \"it\" was\n so",
	};
}

static void same(const struct proof_record *a, const struct proof_record *b)
{
	assert_int_equal(a->result, b->result);
	assert_true(a->at_ms == b->at_ms && a->elapsed_ms == b->elapsed_ms && a->load_ms == b->load_ms && a->catch_up_ms == b->catch_up_ms);
	assert_true(a->tables == b->tables && a->rows == b->rows && a->bytes == b->bytes);
	assert_true(a->transactions == b->transactions && a->compared == b->compared);
	assert_string_equal(a->server, b->server);
	assert_string_equal(a->source, b->source);
	assert_string_equal(a->compared_with, b->compared_with);
	assert_string_equal(a->reason, b->reason);
}

static void round_trip(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	for (int result = PROOF_FAILED; result <= PROOF_PROVEN; result++) {
		struct proof_record in = full((enum proof_result)result), out;
		struct buf text = BUF_INIT(1 << 16);
		json_t *doc = proof_record_to_json(&in);
		assert_non_null(doc);
		assert_string_equal(json_string_value(json_object_get(doc, "result")), proof_result_name((enum proof_result)result));
		assert_string_equal(json_string_value(json_object_get(doc, "at")), "2025-11-26T13:20:00.123Z");
		OK(jsonx_dump(doc, &text, &err));
		OK(proof_record_read(text.data, text.len, &out, &err));
		same(&in, &out);
		json_decref(doc);
		buf_free(&text);
	}
	/* what is not known is null, and comes back as not known */
	struct proof_record empty = { .result = PROOF_RESTORED }, out;
	struct buf text = BUF_INIT(1 << 16);
	json_t *doc = proof_record_to_json(&empty);
	assert_true(json_is_null(json_object_get(doc, "at")) && json_is_null(json_object_get(doc, "reason")));
	OK(jsonx_dump(doc, &text, &err));
	OK(proof_record_read(text.data, text.len, &out, &err));
	same(&empty, &out);
	json_decref(doc);
	buf_free(&text);
}

static void strange_records(void **state)
{
	(void)state;
	struct error err = ERROR_INIT;
	struct proof_record r;
	static const char odd[] = "{\"rows\": \"many\", \"result\": 7, \"reason\": []}";
	OK(proof_record_read(odd, strlen(odd), &r, &err));
	assert_true(r.rows == 0 && r.result == PROOF_FAILED && !*r.reason);
	FAILS(ERR_SNAPSHOT, proof_record_read("[]", 2, &r, &err));
	FAILS(ERR_SNAPSHOT, proof_record_read("{", 1, &r, &err));
}

static bool there(struct fixture *f, const char *key)
{
	struct error err;
	uint64_t size;
	return !f->store->ops->stat(f->store, key, &size, &err);
}

static void put(struct fixture *f, enum proof_result result, bool damaged)
{
	struct error err = ERROR_INIT;
	struct proof_record r = full(result);
	OK(proof_record_put(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &r, damaged, &err));
}

static void one_takes_anothers_place(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct proof_standing p;
	OK(proof_get(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &p, &err));
	assert_false(p.proven || p.tried);
	put(f, PROOF_RESTORED, false);
	OK(proof_get(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &p, &err));
	assert_true(!p.proven && p.tried && p.trial.result == PROOF_RESTORED);
	put(f, PROOF_PROVEN, false);
	assert_true(there(f, BESIDE(".proof.json")) && !there(f, BESIDE(".trial.json")));
	/* a source that is away today does not take back what was proven yesterday */
	put(f, PROOF_FAILED, false);
	OK(proof_get(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &p, &err));
	assert_true(p.proven && p.proof.result == PROOF_PROVEN && p.tried && p.trial.result == PROOF_FAILED);
	assert_true(p.proof.rows == UINT64_C(5000000000));
	/* damage does */
	put(f, PROOF_FAILED, true);
	assert_true(!there(f, BESIDE(".proof.json")) && there(f, BESIDE(".trial.json")));
}

static void made_by_hand(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct proof_standing p;
	OK(f->store->ops->put(f->store, BESIDE(".proof.json"), "yes", 3, false, &err));
	OK(f->store->ops->put(f->store, BESIDE(".trial.json"), "", 0, false, &err));
	OK(proof_get(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &p, &err));
	assert_true(p.proven && p.proof.result == PROOF_PROVEN && p.proof.at_ms == 0);
	assert_true(p.tried && p.trial.result == PROOF_FAILED);
}

static void a_snapshot_that_went(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	struct proof_record r = full(PROOF_PROVEN);
	OK(f->store->ops->remove(f->store, BESIDE(".json"), &err));
	FAILS(ERR_SNAPSHOT, proof_record_put(f->store, SAMPLE_INSTANCE, SAMPLE_ID, &r, false, &err));
	assert_false(there(f, BESIDE(".proof.json")));
}

static void judge(struct fixture *f, int sys_errno, bool opened, struct proof_report *ret)
{
	struct error err = { .status = ST_FAILED, .kind = ERR_SNAPSHOT, .sys_errno = sys_errno, .message = "no" };
	struct proof_options o = { .from = "" };
	struct checkpoint cp = { .nchannels = 0 };
	*ret = (struct proof_report){ .manifest = sample_manifest() };
	struct proof_job j = { .o = &o, .run = &f->scratch->run, .report = ret, .store = f->store, .cp = opened ? &cp : NULL };
	OK(proof_judge_record(&j, &err));
}

/* A wrong passphrase, or an old release here, takes no proof back. */
static void what_says_nothing_about_the_snapshot(void **state)
{
	struct fixture *f = *state;
	struct proof_report r;
	static const struct { int sys_errno; bool opened, damage; } cases[] = {
		{ ENOKEY, false, false }, { ENOTSUP, false, false }, { ENOTSUP, true, false }, { ENOKEY, true, true }, { 0, false, true }, { ENOENT, true, true },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put(f, PROOF_PROVEN, false);
		judge(f, cases[i].sys_errno, cases[i].opened, &r);
		assert_int_equal(r.tried, cases[i].damage);
		assert_int_equal(there(f, BESIDE(".proof.json")), !cases[i].damage);
		assert_int_equal(there(f, BESIDE(".trial.json")), cases[i].damage);
		proof_report_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(strange_records),
		cmocka_unit_test_setup_teardown(one_takes_anothers_place, setup, teardown),
		cmocka_unit_test_setup_teardown(made_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(a_snapshot_that_went, setup, teardown),
		cmocka_unit_test_setup_teardown(what_says_nothing_about_the_snapshot, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
