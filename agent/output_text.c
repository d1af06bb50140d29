/* SPDX-License-Identifier: Apache-2.0 */
#include "output_text.h"

#include <stdarg.h>
#include <string.h>

#include "output_checkpoint.h"
#include "slackwater/units.h"
#include "text.h"

enum { LABEL_WIDTH = 16, LINE_MAX_BYTES = 1 << 20 };

void output_text_line(struct buf *out, const char *label, const char *fmt, ...)
{
	struct buf value = BUF_INIT(LINE_MAX_BYTES);
	va_list ap;
	va_start(ap, fmt);
	buf_addv(&value, fmt, ap);
	va_end(ap);
	buf_addf(out, "%-*s", LABEL_WIDTH, label);
	text_add(out, buf_str(&value));
	buf_addc(out, '\n');
	buf_free(&value);
}

void output_text_list(struct buf *out, const char *title, const struct strlist *items)
{
	if (items->n)
		buf_addf(out, "\n%s\n", title);
	for (size_t i = 0; i < items->n; i++) {
		buf_adds(out, "  ");
		text_add(out, items->item[i]);
		buf_addc(out, '\n');
	}
}

void output_text_set(struct buf *out, const char *label, const char *set)
{
	if (!set || !*set) {
		output_text_line(out, label, "(empty)");
		return;
	}
	while (*set) {
		size_t len = strcspn(set, ",");
		output_text_line(out, label, "%.*s", (int)len, set);
		label = "";
		set += len;
		set += strspn(set, ", \n");
	}
}

static const char *flavor_name(const char *flavor)
{
	return !strcmp(flavor ? flavor : "", "mariadb") ? "MariaDB" : "MySQL";
}

static void pause_line(struct buf *out, const struct manifest *m)
{
	char pause[UNITS_TEXT], wait[UNITS_TEXT], flight[UNITS_TEXT], ddl[UNITS_TEXT];
	units_duration(m->pause_ms, pause);
	units_duration(m->wait_ms, wait);
	units_duration(m->in_flight_ms, flight);
	units_duration(m->ddl_wait_ms, ddl);
	output_text_line(out, "applier", "paused %s, after waiting %s; oldest transaction in flight %s", pause, wait, flight);
	if (m->ddl_wait_ms)
		output_text_line(out, "", "a replicated DDL was held up %s", ddl);
	if (m->history_max)
		output_text_line(out, "", "InnoDB's history list was %llu long at most while the tables were read",
		                 (unsigned long long)m->history_max);
}

static void data_line(struct buf *out, const struct manifest *m)
{
	char tables[UNITS_TEXT], rows[UNITS_TEXT], bytes[UNITS_TEXT], stored[UNITS_TEXT];
	text_count(m->tables, "table", tables);
	text_count(m->rows, "row", rows);
	units_size(m->bytes, bytes);
	units_size(m->bytes_stored, stored);
	output_text_line(out, "data", "%s, %s, %s; stored as %s", tables, rows, bytes, stored);
	if (m->nontransactional_tables)
		output_text_line(out, "", "%llu of the tables not transactional, copied while the applier was still",
		                 (unsigned long long)m->nontransactional_tables);
}

static void partial_line(struct buf *out, const struct manifest *m)
{
	struct buf why = BUF_INIT(LINE_MAX_BYTES);
	for (size_t i = 0; i < m->partial_why.n; i++)
		buf_addf(&why, "%s%s", i ? ", " : "", m->partial_why.item[i]);
	if (m->partial)
		output_text_line(out, "complete", "no: %s", buf_str(&why));
	else
		output_text_line(out, "complete", "yes, accounts included");
	buf_free(&why);
}

static void encryption_lines(struct buf *out, const struct manifest *m)
{
	for (size_t i = 0; i < m->encrypted_for.n; i++)
		output_text_line(out, i ? "" : "encrypted", "%s %s", strcmp(m->encrypted_for.item[i], "passphrase") ? "for" : "with a",
		                 m->encrypted_for.item[i]);
}

void output_text_backup(struct buf *out, const struct manifest *m, const struct checkpoint *cp, const char *to,
                        int64_t elapsed_ms)
{
	char elapsed[UNITS_TEXT], rate[UNITS_TEXT];
	units_duration(elapsed_ms, elapsed);
	units_rate((double)m->bytes * 1000 / (double)(elapsed_ms > 0 ? elapsed_ms : 1), rate);
	output_text_line(out, "snapshot", "%s", m->id);
	output_text_line(out, "instance", "%s, %s%s", m->instance, strcmp(to, "-") ? "in " : "to a pipe", strcmp(to, "-") ? to : "");
	pause_line(out, m);
	data_line(out, m);
	if (m->partial)
		partial_line(out, m);
	encryption_lines(out, m);
	output_text_line(out, "time", "%s, %s", elapsed, rate);
	output_checkpoint_print(out, cp, false);
	output_text_list(out, "Notes", &m->notes);
	output_text_list(out, "Warnings", &m->warnings);
}

void output_text_manifest(struct buf *out, const struct manifest *m)
{
	char taken[UNITS_TEXT], finished[UNITS_TEXT], size[UNITS_TEXT];
	units_time(m->taken_ms, taken);
	units_time(m->finished_ms, finished);
	units_size(m->largest_statement, size);
	output_text_line(out, "snapshot", "%s", m->id);
	output_text_line(out, "instance", "%s", m->instance);
	output_text_line(out, "taken", "%s UTC, finished %s", taken, finished);
	output_text_line(out, "server", "%s %s, %s:%u, server_id %llu", flavor_name(m->server_flavor), m->server_version,
	                 m->server_hostname, m->server_port, (unsigned long long)m->server_id);
	output_text_line(out, "identity", "%s", m->server_identity);
	output_text_line(out, "made by", "%s, engine %s, format %u", m->tool, m->engine, m->format);
	pause_line(out, m);
	data_line(out, m);
	partial_line(out, m);
	encryption_lines(out, m);
	output_text_line(out, "largest", "statement %s: the target's max_allowed_packet must be larger", size);
}

void output_text_verify(struct buf *out, const struct manifest *m, const struct verify_report *r, int64_t elapsed_ms)
{
	char objects[UNITS_TEXT], bytes[UNITS_TEXT], elapsed[UNITS_TEXT], entries[UNITS_TEXT];
	units_size(r->bytes, bytes);
	units_duration(elapsed_ms, elapsed);
	units_count(r->entries, entries);
	text_count(r->objects, "object", objects);
	output_text_line(out, "snapshot", "%s of %s is whole", m->id, m->instance);
	if (r->digests_only)
		output_text_line(out, "read", "%s, %s in %s; encrypted, and not opened: digests only", objects, bytes, elapsed);
	else
		output_text_line(out, "read", "%s, %s entries, %s in %s", objects, entries, bytes, elapsed);
}

void output_text_restore(struct buf *out, const struct manifest *m, const char *dir, uint64_t left_out, int64_t elapsed_ms)
{
	char tables[UNITS_TEXT], rows[UNITS_TEXT], elapsed[UNITS_TEXT];
	text_count(m->tables, "table", tables);
	text_count(m->rows, "row", rows);
	units_duration(elapsed_ms, elapsed);
	output_text_line(out, "snapshot", "%s of %s", m->id, m->instance);
	output_text_line(out, "unpacked", "to %s in %s: %s, %s", dir, elapsed, tables, rows);
	if (left_out)
		output_text_line(out, "left out", "%llu tables and views, and accounts; metadata names them", (unsigned long long)left_out);
	output_text_line(out, "load with", "myloader, or the plain client as slackwater-format(5) shows; the applier's position is in checkpoint.json");
}

static const char *seed_verdict(const struct seed_options *o)
{
	if (o->dry_run)
		return "nothing was loaded (--dry-run); every check passed";
	if (o->no_start)
		return "loaded; replication was not configured (--no-start)";
	if (o->standalone)
		return "loaded; it replicates from nothing (--standalone)";
	return "replicating, caught up, without an error";
}

/* To be pasted into a client, the password apart. */
static void statements(struct buf *out, const struct strlist *items)
{
	buf_adds(out, "\nStatements that configure replication\n");
	for (size_t i = 0; i < items->n; i++) {
		buf_adds(out, "  ");
		text_add(out, items->item[i]);
		buf_adds(out, ";\n");
	}
}

void output_text_seed(struct buf *out, const struct seed_options *o, const struct seed_report *r, int64_t elapsed_ms)
{
	char tables[UNITS_TEXT], rows[UNITS_TEXT], bytes[UNITS_TEXT], load[UNITS_TEXT], up[UNITS_TEXT], elapsed[UNITS_TEXT], backlog[UNITS_TEXT];
	text_count(r->load.tables, "table", tables);
	text_count(r->load.rows, "row", rows);
	units_size(r->load.bytes, bytes);
	units_duration(r->load.elapsed_ms, load);
	units_duration(r->catch_up_ms, up);
	units_duration(elapsed_ms, elapsed);
	units_count(r->backlog, backlog);
	output_text_line(out, "snapshot", "%s", r->id);
	output_text_line(out, "seed", "%s", seed_verdict(o));
	if (!o->dry_run)
		output_text_line(out, "loaded", "%s, %s, %s in %s", tables, rows, bytes, load);
	if (o->standalone && !o->dry_run)
		output_text_line(out, "counted", "every row is there");
	else if (!o->dry_run && !o->no_start)
		output_text_line(out, "caught up", "%s after the start%s%s", up, r->backlog ? "; transactions behind at first: " : "",
		                 r->backlog ? backlog : "");
	text_count(r->checksum_tables, "table", tables);
	if (o->checksum)
		output_text_line(out, "compared", "%s, identical", tables);
	output_text_line(out, "time", "%s", elapsed);
	if (o->dry_run || o->no_start)
		statements(out, &r->statements);
	output_text_list(out, "What it holds", &r->held);
	output_text_list(out, "Not carried over from the snapshotted replica", &r->not_carried);
	output_text_list(out, "Warnings", &r->warnings);
}
