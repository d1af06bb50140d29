/* SPDX-License-Identifier: Apache-2.0 */
#include "output_proof.h"

#include "output_json.h"
#include "output_text.h"
#include "slackwater/units.h"
#include "text.h"

static void when(const struct proof_record *r, char out[UNITS_TEXT])
{
	units_time(r->at_ms, out);
	if (!r->at_ms)
		*out = '\0';
}

static void mark(struct buf *out, const struct proof_record *r)
{
	char at[UNITS_TEXT];
	when(r, at);
	buf_addf(out, "%s%s%s%s", out->len ? "; " : "", proof_result_name(r->result), *at ? " " : "", at);
}

void output_proof_marks(struct buf *out, const struct proof_standing *p)
{
	if (p->proven)
		mark(out, &p->proof);
	if (p->tried)
		mark(out, &p->trial);
}

/* ---- the figures of one ---- */

static void loaded(struct buf *out, const struct proof_record *r)
{
	char tables[UNITS_TEXT], rows[UNITS_TEXT], bytes[UNITS_TEXT], load[UNITS_TEXT];
	text_count(r->tables, "table", tables);
	text_count(r->rows, "row", rows);
	units_size(r->bytes, bytes);
	units_duration(r->load_ms, load);
	if (r->tables)
		output_text_line(out, "  loaded", "%s, %s, %s in %s", tables, rows, bytes, load);
}

static void replicated(struct buf *out, const struct proof_record *r)
{
	char up[UNITS_TEXT], transactions[UNITS_TEXT], tables[UNITS_TEXT];
	units_duration(r->catch_up_ms, up);
	units_count(r->transactions, transactions);
	text_count(r->compared, "table", tables);
	if (r->result == PROOF_PROVEN)
		output_text_line(out, "  caught up", "with %s in %s%s%s", r->source, up, r->transactions ? "; transactions applied: " : "",
		                 r->transactions ? transactions : "");
	if (*r->compared_with && r->compared)
		output_text_line(out, "  compared", "%s, equal to those of %s", tables, r->compared_with);
}

static void figures(struct buf *out, const struct proof_record *r)
{
	char at[UNITS_TEXT], elapsed[UNITS_TEXT];
	when(r, at);
	units_duration(r->elapsed_ms, elapsed);
	if (r->at_ms)
		output_text_line(out, proof_result_name(r->result), "%s UTC, on a scratch server %s, in %s", at, r->server, elapsed);
	else
		output_text_line(out, proof_result_name(r->result), "yes");
	if (r->result == PROOF_FAILED)
		output_text_line(out, "  because", "%s", r->reason);
	loaded(out, r);
	replicated(out, r);
}

void output_proof_lines(struct buf *out, const struct proof_standing *p)
{
	if (p->proven)
		figures(out, &p->proof);
	if (p->tried)
		figures(out, &p->trial);
}

void output_proof_text(struct buf *out, const struct proof_report *r, int64_t elapsed_ms)
{
	if (r->manifest && r->verified.objects)
		output_text_verify(out, r->manifest, &r->verified, elapsed_ms);
	if (r->tried)
		figures(out, &r->record);
	if (*r->kept)
		output_text_line(out, "scratch", "%s: start its server again with --defaults-file=%s/my.cnf, log in with the same", r->kept, r->kept);
	output_text_list(out, "Warnings", &r->warnings);
}

/* ---- JSON ---- */

static enum status record(json_t **doc, const char *name, const struct proof_record *r, bool there, struct error *err)
{
	return output_json_set(doc, name, there ? proof_record_to_json(r) : json_null(), err);
}

enum status output_proof_standing(json_t **doc, const struct proof_standing *p, struct error *err)
{
	enum status st = record(doc, "proof", &p->proof, p->proven, err);
	return st ? st : record(doc, "trial", &p->trial, p->tried, err);
}

enum status output_proof_json(json_t **doc, const struct proof_report *r, int64_t elapsed_ms, struct error *err)
{
	enum status st = ST_OK;
	if (r->manifest && r->verified.objects)
		st = output_json_verify(doc, r->manifest, &r->verified, elapsed_ms, err);
	if (!st)
		st = record(doc, "proof", &r->record, r->tried, err);
	if (!st)
		st = output_json_set(doc, "scratch", *r->kept ? jsonx_text(r->kept) : json_null(), err);
	return st ? st : output_json_set(doc, "warnings", jsonx_from_strlist(&r->warnings), err);
}
