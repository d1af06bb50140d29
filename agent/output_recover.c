/* SPDX-License-Identifier: Apache-2.0 */
#include "output_recover.h"

#include "output_json.h"
#include "output_text.h"
#include "text.h"

static const char *said(const struct recover_finding *f)
{
	switch (f->outcome) {
	case RECOVER_REPAIRED: return "repaired";
	case RECOVER_FAILED: return "NOT REPAIRED";
	case RECOVER_GONE: return "no longer so";
	case RECOVER_OPEN: break;
	}
	return f->step == RECOVER_EXPLAIN ? "needs a person" : "can be repaired";
}

static void finding_text(struct buf *out, const struct recover_finding *f)
{
	buf_addc(out, '\n');
	text_add(out, f->label);
	buf_addf(out, ": %s, %s\n", recover_class_name(f->class), said(f));
	output_text_line(out, "  what", "%s", f->text);
	if (f->error && *f->error)
		output_text_line(out, "  error", "%u: %s", f->my_errno, f->error);
	for (size_t i = 0; i < f->details.n; i++)
		output_text_line(out, i ? "" : "  seen", "%s", f->details.item[i]);
	if (f->result)
		output_text_line(out, "  done", "%s", f->result);
	if (f->outcome == RECOVER_OPEN || f->outcome == RECOVER_FAILED)
		output_text_line(out, "  next step", "%s", f->next);
}

void output_recover_text(struct buf *out, const struct recover_report *r, bool apply)
{
	const struct server_info *s = &r->server;
	bool repairable = false, touched = r->journal.n > 0;
	if (!*s->version_text)
		return;
	output_text_line(out, "server", "%s %s, %s:%u, server_id %llu", s->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL", s->version_text,
	                 s->hostname, s->port, (unsigned long long)s->server_id);
	if (!r->channels)
		output_text_line(out, "channels", "none: this server is no replica, there is nothing to put right");
	for (size_t i = 0; i < r->healthy.n; i++)
		output_text_line(out, i ? "" : "healthy", "%s: applier and receiver run, without an error", r->healthy.item[i]);
	output_text_list(out, "Left open by runs that are dead", &r->journal);
	for (size_t i = 0; i < r->n; i++) {
		finding_text(out, &r->finding[i]);
		touched = touched || r->finding[i].tried;
		repairable = repairable || (r->finding[i].outcome == RECOVER_OPEN && r->finding[i].step != RECOVER_EXPLAIN);
	}
	output_text_list(out, "Notes", &r->notes);
	if (repairable && !apply)
		buf_addf(out, "\n%sslackwater recover --apply repairs what can be repaired, and watches it.\n", touched ? "" : "Nothing was touched. ");
}

static json_t *finding_json(const struct recover_finding *f)
{
	bool open = f->outcome == RECOVER_OPEN || f->outcome == RECOVER_FAILED;
	const struct jsonx_member member[] = {
		{ "channel", jsonx_text(f->channel) },
		{ "class", json_string(recover_class_name(f->class)) },
		{ "step", json_string(recover_step_name(f->step)) },
		{ "repairable", json_boolean(open && !f->tried && f->step != RECOVER_EXPLAIN) },
		{ "mysql_errno", json_integer((json_int_t)f->my_errno) },
		{ "error", jsonx_text_or_null(f->error) },
		{ "text", jsonx_text(f->text) },
		{ "next", jsonx_text(f->next) },
		{ "details", jsonx_from_strlist(&f->details) },
		{ "gap_transactions", jsonx_count(f->gap) },
		{ "gap_unknown", json_boolean(f->gap_unknown) },
		{ "outcome", json_string(recover_outcome_name(f->outcome)) },
		{ "result", jsonx_text_or_null(f->result) },
	};
	return JSONX_MAKE(member);
}

static json_t *findings_json(const struct recover_report *r)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < r->n; i++)
		if (json_array_append_new(list, finding_json(&r->finding[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

enum status output_recover_json(json_t **doc, const struct recover_report *r, bool healthy, int64_t elapsed_ms, struct error *err)
{
	enum status st = output_json_set(doc, "healthy", json_boolean(healthy), err);
	st = st ? st : output_json_set(doc, "server", output_json_server(&r->server), err);
	st = st ? st : output_json_set(doc, "channels", json_integer((json_int_t)r->channels), err);
	st = st ? st : output_json_set(doc, "findings", findings_json(r), err);
	st = st ? st : output_json_set(doc, "healthy_channels", jsonx_from_strlist(&r->healthy), err);
	st = st ? st : output_json_set(doc, "journal", jsonx_from_strlist(&r->journal), err);
	st = st ? st : output_json_set(doc, "notes", jsonx_from_strlist(&r->notes), err);
	return st ? st : output_json_set(doc, "elapsed_ms", json_integer(elapsed_ms), err);
}
