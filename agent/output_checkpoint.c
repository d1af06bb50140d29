/* SPDX-License-Identifier: Apache-2.0 */
#include "output_checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "output_text.h"
#include "slackwater/units.h"
#include "table.h"

enum { CELL = 320 };

static const char *channel_name(const struct checkpoint_channel *ch)
{
	return ch->name && *ch->name ? ch->name : "(default)";
}

static void applier_words(const struct checkpoint_channel *ch, char out[CELL])
{
	if (ch->workers)
		snprintf(out, CELL, "%s, %u workers, commit order %s", checkpoint_mode_name(ch->mode), ch->workers,
		         ch->commit_order ? "on" : "off");
	else
		snprintf(out, CELL, "%s, single-threaded", checkpoint_mode_name(ch->mode));
}

static void channel_lines(struct buf *out, const struct checkpoint_channel *ch, bool proofs)
{
	char applier[CELL];
	applier_words(ch, applier);
	output_text_line(out, "channel", "%s, from %s:%u", channel_name(ch), ch->source_host ? ch->source_host : "?", ch->source_port);
	output_text_line(out, "  applier", "%s%s", applier, ch->was_running ? "" : ", was stopped before us and stays so");
	if (ch->exec_file && *ch->exec_file)
		output_text_line(out, "  executed", "%s:%llu, %s", ch->exec_file, (unsigned long long)ch->exec_pos,
		                 checkpoint_coordinates_name(ch->coordinates));
	else
		output_text_line(out, "  executed", "coordinates %s", checkpoint_coordinates_name(ch->coordinates));
	bool why = ch->coordinates_why && *ch->coordinates_why;
	if (why && (proofs || ch->coordinates != COORDINATES_PROVEN))
		output_text_line(out, "", "%s", ch->coordinates_why);
	if (ch->delay_s)
		output_text_line(out, "  delay", "%lld s", (long long)ch->delay_s);
	const char *label = "  proof";
	for (size_t i = 0; proofs && i < ch->proof.n; i++) {
		/* the coordinates' own reason stands above already */
		if (why && strstr(ch->proof.item[i], ch->coordinates_why))
			continue;
		output_text_line(out, label, "%s", ch->proof.item[i]);
		label = "";
	}
}

void output_checkpoint_print(struct buf *out, const struct checkpoint *cp, bool proofs)
{
	if (cp->server.flavor == FLAVOR_MARIADB) {
		output_text_set(out, "gtid_slave_pos", cp->gtid_slave_pos);
		output_text_set(out, "gtid_binlog_pos", cp->gtid_binlog_pos);
	} else if (cp->gtid_mode && *cp->gtid_mode && strcmp(cp->gtid_mode, "OFF") != 0) {
		output_text_set(out, "gtid_executed", cp->gtid_executed);
	}
	if (cp->binlog_file && *cp->binlog_file)
		output_text_line(out, "own binary log", "%s:%llu", cp->binlog_file, (unsigned long long)cp->binlog_pos);
	if (!cp->nchannels)
		output_text_line(out, "channels", "none: this server is no replica");
	for (size_t i = 0; i < cp->nchannels; i++)
		channel_lines(out, &cp->channel[i], proofs);
	for (size_t i = 0; proofs && i < cp->proof.n; i++)
		output_text_line(out, i ? "" : "proof", "%s", cp->proof.item[i]);
}

static enum status channel_row(struct table *t, const struct checkpoint_channel *ch, struct error *err)
{
	char source[CELL], workers[CELL], position[CELL];
	snprintf(source, sizeof source, "%s:%u", ch->source_host ? ch->source_host : "?", ch->source_port);
	snprintf(workers, sizeof workers, "%u", ch->workers);
	snprintf(position, sizeof position, "%s:%llu", ch->exec_file ? ch->exec_file : "", (unsigned long long)ch->exec_pos);
	const char *cell[] = {
		channel_name(ch),
		source,
		checkpoint_mode_name(ch->mode),
		ch->was_running ? "running" : "stopped",
		ch->io_running ? "running" : "stopped",
		workers,
		!ch->workers ? "-" : ch->commit_order ? "on" : "off",
		ch->exec_file && *ch->exec_file ? position : NULL,
	};
	return table_row(t, cell, err);
}

static enum status channel_table(struct buf *out, const struct checkpoint *cp, struct error *err)
{
	static const char *const header[] = {
		"CHANNEL", "SOURCE", "MODE", "APPLIER", "RECEIVER", ">WORKERS", "COMMIT ORDER", "EXECUTED (NOT PROVEN)", NULL,
	};
	struct table t;
	enum status st = table_init(&t, header, err);
	for (size_t i = 0; !st && i < cp->nchannels; i++)
		st = channel_row(&t, &cp->channel[i], err);
	if (!st)
		table_print(&t, "  ", out);
	table_free(&t);
	return st;
}

static void gap_lines(struct buf *out, const struct preflight *p)
{
	char n[UNITS_TEXT];
	units_count(p->gap_transactions, n);
	if (p->gap_transactions)
		output_text_line(out, "gap now", "%s transactions are missing below the newest applied one%s", n,
		                 p->gap_unknown ? ", and more that cannot be counted" : "");
	else
		output_text_line(out, "gap now", "%s", p->gap_unknown ? "yes, but it cannot be counted" : "none");
	for (size_t i = 0; i < p->gaps.n; i++)
		output_text_line(out, "", "%s", p->gaps.item[i]);
}

enum status output_checkpoint_preflight(struct buf *out, const struct preflight *p, bool ready, struct error *err)
{
	const struct server_info *s = &p->server;
	enum status st = ST_OK;
	output_text_line(out, "server", "%s %s, %s, %s:%u, server_id %llu", s->flavor == FLAVOR_MARIADB ? "MariaDB" : "MySQL",
	                 s->version_text, s->comment, s->hostname, s->port, (unsigned long long)s->server_id);
	output_text_line(out, "identity", "%s", s->identity);
	if (p->state && p->state->gtid_mode && *p->state->gtid_mode)
		output_text_line(out, "gtid_mode", "%s", p->state->gtid_mode);
	if (!p->state || !p->state->nchannels) {
		output_text_line(out, "channels", "none: this server is no replica");
	} else {
		output_text_line(out, "channels", "%zu", p->state->nchannels);
		st = channel_table(out, p->state, err);
		gap_lines(out, p);
	}
	if (ready)
		output_text_list(out, "What a backup would do", &p->notes);
	output_text_list(out, "Warnings", &p->warnings);
	return st;
}
