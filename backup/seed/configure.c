/* SPDX-License-Identifier: Apache-2.0 */
#include "configure.h"

#include <stdlib.h>
#include <strings.h>

#include "filters.h"
#include "gtids.h"
#include "links.h"

enum { SEED_STATEMENT_MAX = 64 << 20 }; /* a GTID set with very many intervals */

static enum status keep(struct buf *b, struct strlist *ret, struct error *err)
{
	enum status st = buf_check(b, "a replication statement", err);
	if (!st)
		st = strlist_add(ret, b->data, err);
	buf_free(b);
	return st;
}

static bool has(const char *s)
{
	return s && *s;
}

static const char *gtid_state(const struct seed_job *j)
{
	bool off = j->cp->server.flavor == FLAVOR_MYSQL && (!has(j->cp->gtid_mode) || strcasecmp(j->cp->gtid_mode, "OFF") == 0);
	return off ? "" : seed_gtids_of(j->cp, j->from_replica);
}

/* The server breaks a set into lines. */
static void set_gtids(struct buf *b, const char *variable, const char *state)
{
	buf_addf(b, "SET GLOBAL %s = '", variable);
	for (const char *p = state; *p; p++)
		if (*p != '\n' && *p != ' ' && *p != '\'')
			buf_addc(b, *p);
	buf_addc(b, '\'');
}

static enum status list_gtids(const struct seed_job *j, struct strlist *ret, struct error *err)
{
	bool mariadb = seed_is_mariadb(j);
	const char *state = gtid_state(j);
	struct buf b = BUF_INIT(SEED_STATEMENT_MAX);
	enum status st = ST_OK;
	if (has(j->found.gtids)) {
		dialect_reset_binlogs(&b, &j->target->server);
		st = keep(&b, ret, err);
	}
	if (st || (!mariadb && !has(state)))
		return st;
	/* What a source of MariaDB can go on from is what its binary log says, were it only that it begins there. */
	if (mariadb && has(state) && j->o->standalone && j->found.log_bin) {
		set_gtids(&b, "gtid_binlog_state", state);
		st = keep(&b, ret, err);
	}
	if (st)
		return st;
	set_gtids(&b, mariadb ? "gtid_slave_pos" : "gtid_purged", state);
	return keep(&b, ret, err);
}

void seed_configure_spec(const struct seed_job *j, const struct seed_link *l, const struct server_info *target, bool delay,
                         struct source_spec *ret)
{
	const struct conn_options *login = &l->source->login;
	const struct checkpoint_channel *c = l->channel;
	bool unsaid = login->ssl_mode == SSL_DEFAULT || login->ssl_mode == SSL_PREFERRED;
	*ret = (struct source_spec){
		.channel = l->name, .host = login->host ? login->host : "localhost", .port = login->port ? login->port : 3306,
		.user = login->user, .password = login->password ? login->password : "",
		/* A replica knows no "where it is offered": what our own connection got is what it is told to insist on. */
		.ssl_mode = !unsaid ? login->ssl_mode : l->tls ? SSL_REQUIRED : SSL_DISABLED,
		.ssl_ca = login->ssl_ca, .ssl_cert = login->ssl_cert, .ssl_key = login->ssl_key,
		.get_public_key = l->source->get_public_key, .public_key_path = l->source->public_key_path,
		.position = l->position, .log_file = l->position == POSITION_FILE ? l->file : NULL, .log_pos = l->pos,
		.delay_s = -1, .heartbeat_s = -1,
	};
	if (!c)
		return;
	ret->delay_s = delay && c->delay_s > 0 ? c->delay_s : -1;
	ret->heartbeat_s = c->heartbeat_s > 0 ? c->heartbeat_s : -1;
	ret->privilege_checks_user = has(c->privilege_checks_user) && j->manifest->users ? c->privilege_checks_user : NULL;
	ret->require_row_format = c->require_row_format;
	ret->gtid_only = c->gtid_only && l->position == POSITION_AUTO;
	ret->assign_gtids = has(c->assign_gtids) && strcasecmp(c->assign_gtids, "OFF") != 0 && target->version >= 80023 ? c->assign_gtids : NULL;
}

static void change_statement(const struct seed_job *j, const struct seed_link *l, bool delay, bool mask, struct buf *b)
{
	struct source_spec spec;
	seed_configure_spec(j, l, &j->target->server, delay, &spec);
	dialect_change_source(b, &j->target->server, &spec, mask);
}

static enum status note_not_carried(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	const struct checkpoint_channel *c = l->channel;
	struct strlist *list = &j->report->not_carried;
	const char *label = seed_links_label(l->name);
	enum status st = ST_OK;
	if (!c)
		return ST_OK;
	if (has(c->privilege_checks_user) && !j->manifest->users)
		st = strlist_addf(list, err, "%s: PRIVILEGE_CHECKS_USER %s (the snapshot has no accounts)", label, c->privilege_checks_user);
	if (!st && c->gtid_only && l->position != POSITION_AUTO)
		st = strlist_addf(list, err, "%s: GTID_ONLY", label);
	if (!st && c->mode == MODE_MYSQL_GTID && l->position == POSITION_AUTO)
		st = strlist_addf(list, err, "%s: asked by file and position, the seed asks by GTID", label);
	if (!st && has(c->using_gtid) && strcasecmp(c->using_gtid, "Current_Pos") == 0)
		st = strlist_addf(list, err, "%s: MASTER_USE_GTID = current_pos, the seed has slave_pos", label);
	if (!st && has(c->assign_gtids) && strcasecmp(c->assign_gtids, "LOCAL") == 0)
		st = strlist_addf(list, err, "%s: anonymous transactions get GTIDs of the seed's own UUID (ASSIGN_GTIDS = LOCAL)", label);
	return st;
}

static enum status list_channel(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	struct buf b = BUF_INIT(SEED_STATEMENT_MAX);
	change_statement(j, l, true, true, &b);
	enum status st = keep(&b, &j->report->statements, err);
	if (!st)
		st = seed_filters_carry(&j->target->server, l, &j->report->statements, err);
	return st ? st : note_not_carried(j, l, err);
}

static enum status list_start(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	dialect_start_both(&b, &j->target->server, l->name);
	return keep(&b, &j->report->statements, err);
}

enum status seed_configure_list(struct seed_job *j, struct error *err)
{
	enum status st = list_gtids(j, &j->report->statements, err);
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = list_channel(j, &j->link[i], err);
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = list_start(j, &j->link[i], err);
	return st;
}

static enum status run_all(struct seed_job *j, const struct strlist *statements, struct error *err)
{
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < statements->n; i++)
		st = conn_exec(j->target, statements->item[i], err);
	return st;
}

static enum status configure_channel(struct seed_job *j, const struct seed_link *l, struct error *err)
{
	struct buf b = BUF_INIT(SEED_STATEMENT_MAX);
	struct strlist filters = { 0 };
	change_statement(j, l, false, false, &b);
	enum status st = conn_exec_secret(j->target, &b, "the statement that tells the target its source", err);
	if (!st)
		st = seed_filters_carry(&j->target->server, l, &filters, err);
	if (!st)
		st = run_all(j, &filters, err);
	if (!st)
		st = seed_filters_verify(j, l, err);
	strlist_free(&filters);
	buf_free(&b);
	return st;
}

enum status seed_configure_apply(struct seed_job *j, struct error *err)
{
	struct strlist gtid = { 0 };
	enum status st = list_gtids(j, &gtid, err);
	if (!st)
		st = run_all(j, &gtid, err);
	for (size_t i = 0; !st && i < j->nlinks; i++)
		st = configure_channel(j, &j->link[i], err);
	strlist_free(&gtid);
	if (st && err->kind != ERR_INTERRUPTED && err->kind != ERR_NOT_PROVEN) {
		err->kind = ERR_SERVER;
		error_hint(err, "the data is loaded, replication is not set up; seed again with --replace when the reason is gone");
	}
	return st;
}

enum status seed_configure_start(struct seed_job *j, struct error *err)
{
	struct buf b = BUF_INIT(4096);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		buf_clear(&b);
		dialect_start_both(&b, &j->target->server, j->link[i].name);
		st = conn_exec_buf(j->target, &b, err);
	}
	buf_free(&b);
	if (st && err->kind != ERR_INTERRUPTED)
		err->kind = ERR_SERVER;
	return st;
}

enum status seed_configure_delay(struct seed_job *j, struct error *err)
{
	struct buf b = BUF_INIT(SEED_STATEMENT_MAX);
	enum status st = ST_OK;
	for (size_t i = 0; !st && i < j->nlinks; i++) {
		const struct seed_link *l = &j->link[i];
		if (!l->channel || l->channel->delay_s <= 0)
			continue;
		struct source_spec only = { .channel = l->name, .position = l->position, .delay_s = l->channel->delay_s, .heartbeat_s = -1 };
		buf_clear(&b);
		dialect_stop_both(&b, &j->target->server, l->name);
		st = conn_exec_buf(j->target, &b, err);
		buf_clear(&b);
		dialect_change_source(&b, &j->target->server, &only, false);
		if (!st)
			st = conn_exec_buf(j->target, &b, err);
		buf_clear(&b);
		dialect_start_both(&b, &j->target->server, l->name);
		if (!st)
			st = conn_exec_buf(j->target, &b, err);
	}
	buf_free(&b);
	return st;
}
