/* SPDX-License-Identifier: Apache-2.0 */
/* The CHANGE statement: what a replica is told about its source. */
#include <inttypes.h>
#include <string.h>

#include "dialect_names.h"

struct change {
	struct buf *b;
	const struct server_info *s;
	const char *source; /* SOURCE or MASTER */
	bool any;           /* an option stands already */
};

static bool change_mysql(const struct change *c, unsigned from)
{
	return c->s->flavor == FLAVOR_MYSQL && c->s->version >= from;
}

/* "SOURCE_" where prefixed, NAME, "=" */
static void change_option(struct change *c, bool prefixed, const char *name)
{
	buf_adds(c->b, c->any ? ", " : " ");
	c->any = true;
	if (prefixed)
		buf_addf(c->b, "%s_", c->source);
	buf_addf(c->b, "%s = ", name);
}

static void change_text(struct change *c, const char *name, const char *value)
{
	if (!value)
		return;
	change_option(c, true, name);
	sql_string(c->b, value);
}

static void change_number(struct change *c, const char *name, uint64_t value)
{
	change_option(c, true, name);
	buf_addf(c->b, "%" PRIu64, value);
}

/* Not by %f, whose decimal point is the locale's. */
static void change_seconds(struct change *c, const char *name, double seconds)
{
	uint64_t ms = (uint64_t)(seconds * 1000.0 + 0.5);
	change_option(c, true, name);
	buf_addf(c->b, "%" PRIu64 ".%03" PRIu64, ms / 1000, ms % 1000);
}

static void change_password(struct change *c, const struct source_spec *spec, bool mask)
{
	if (!spec->password)
		return;
	if (!mask)
		c->b->secret = 1;
	change_text(c, "PASSWORD", mask ? "<password>" : spec->password);
}

/*
 * A replica knows no "TLS where it is offered". Without verification an encrypted channel is what _SSL=1 means on both; with a CA
 * the chain is verified, and the name too when VERIFY_SERVER_CERT is on, whose default differs between the servers.
 */
static void change_tls(struct change *c, const struct source_spec *spec)
{
	bool files = spec->ssl_ca || spec->ssl_cert || spec->ssl_key;
	if (spec->ssl_mode == SSL_DISABLED) {
		change_number(c, "SSL", 0);
		return;
	}
	if ((spec->ssl_mode == SSL_DEFAULT || spec->ssl_mode == SSL_PREFERRED) && !files)
		return;
	change_number(c, "SSL", 1);
	/* Said even when empty: 5.6 keeps a former one over RESET SLAVE ALL, and a CA is what makes MySQL verify the chain. */
	change_text(c, "SSL_CA", spec->ssl_ca ? spec->ssl_ca : "");
	change_text(c, "SSL_CERT", spec->ssl_cert);
	change_text(c, "SSL_KEY", spec->ssl_key);
	change_number(c, "SSL_VERIFY_SERVER_CERT", spec->ssl_mode == SSL_VERIFY_IDENTITY);
}

static void change_public_key(struct change *c, const struct source_spec *spec)
{
	if (!change_mysql(c, 80004))
		return;
	change_text(c, "PUBLIC_KEY_PATH", spec->public_key_path);
	if (spec->get_public_key) {
		change_option(c, false, c->s->version >= DIALECT_SOURCE ? "GET_SOURCE_PUBLIC_KEY" : "GET_MASTER_PUBLIC_KEY");
		buf_addc(c->b, '1');
	}
}

static void change_file(struct change *c, const struct source_spec *spec)
{
	/* Said even where it should be so already: a file is refused, or without effect, while the other method is on. */
	if (c->s->flavor == FLAVOR_MARIADB) {
		change_option(c, true, "USE_GTID");
		buf_adds(c->b, "no");
	} else {
		change_number(c, "AUTO_POSITION", 0);
	}
	if (!spec->log_file)
		return;
	change_text(c, "LOG_FILE", spec->log_file);
	change_number(c, "LOG_POS", spec->log_pos);
}

static void change_position(struct change *c, const struct source_spec *spec)
{
	switch (spec->position) {
	case POSITION_AUTO:
		change_number(c, "AUTO_POSITION", 1);
		break;
	case POSITION_FILE:
		change_file(c, spec);
		break;
	case POSITION_MARIADB_SLAVE_POS:
		change_option(c, true, "USE_GTID");
		buf_adds(c->b, "slave_pos");
		break;
	}
}

/* A part of an account, which may be quoted: performance_schema escapes a quote by a backslash, SHOW doubles it. */
static void change_account_part(struct change *c, const char *s, size_t len)
{
	char q = len >= 2 ? s[0] : 0;
	if ((q != '\'' && q != '`' && q != '"') || s[len - 1] != q) {
		sql_bytes(c->b, s, len);
		return;
	}
	struct buf plain = BUF_INIT(4096);
	for (size_t i = 1; i + 1 < len; i++) {
		bool escape = i + 2 < len && ((s[i] == '\\' && q != '`') || (s[i] == q && s[i + 1] == q));
		buf_addc(&plain, s[escape ? ++i : i]);
	}
	sql_bytes(c->b, buf_str(&plain), plain.len);
	buf_free(&plain);
}

static void change_account(struct change *c, const char *account)
{
	const char *at = strrchr(account, '@');
	change_option(c, false, "PRIVILEGE_CHECKS_USER");
	change_account_part(c, account, at ? (size_t)(at - account) : strlen(account));
	buf_addc(c->b, '@');
	if (at)
		change_account_part(c, at + 1, strlen(at + 1));
	else
		sql_string(c->b, "%");
}

static void change_mysql_applier(struct change *c, const struct source_spec *spec)
{
	if (spec->privilege_checks_user && change_mysql(c, 80018))
		change_account(c, spec->privilege_checks_user);
	if (spec->require_row_format && change_mysql(c, 80019)) {
		change_option(c, false, "REQUIRE_ROW_FORMAT");
		buf_addc(c->b, '1');
	}
	if (spec->gtid_only && change_mysql(c, 80027)) {
		change_option(c, false, "GTID_ONLY");
		buf_addc(c->b, '1');
	}
	if (spec->assign_gtids && change_mysql(c, DIALECT_SOURCE)) {
		bool word = strcmp(spec->assign_gtids, "LOCAL") == 0 || strcmp(spec->assign_gtids, "OFF") == 0;
		change_option(c, false, "ASSIGN_GTIDS_TO_ANONYMOUS_TRANSACTIONS");
		if (word)
			buf_adds(c->b, spec->assign_gtids);
		else
			sql_string(c->b, spec->assign_gtids);
	}
}

void dialect_change_source(struct buf *b, const struct server_info *s, const struct source_spec *spec, bool mask)
{
	struct change c = { .b = b, .s = s, .source = dialect_names(s)->source };
	buf_adds(b, dialect_names(s)->change);
	if (s->flavor == FLAVOR_MARIADB) {
		buf_addc(b, ' ');
		sql_string(b, spec->channel ? spec->channel : "");
	}
	buf_adds(b, " TO");
	change_text(&c, "HOST", spec->host);
	if (spec->port)
		change_number(&c, "PORT", spec->port);
	change_text(&c, "USER", spec->user);
	change_password(&c, spec, mask);
	change_tls(&c, spec);
	change_public_key(&c, spec);
	change_position(&c, spec);
	if (spec->delay_s >= 0)
		change_number(&c, "DELAY", (uint64_t)spec->delay_s);
	if (spec->heartbeat_s >= 0)
		change_seconds(&c, "HEARTBEAT_PERIOD", spec->heartbeat_s);
	change_mysql_applier(&c, spec);
	dialect_for_channel(b, s, spec->channel ? spec->channel : "");
}
