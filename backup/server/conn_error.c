/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_error.h"

#include <stdlib.h>
#include <string.h>

/* Numbers, not the headers' names: each library lacks some of them, and the meanings do not change. */
enum { LOSS = 1, RETRY = 2, REFUSED = 4, DEFECT = 8, MEMORY = 16 };

/* These two are replaced where the login was given by other names. */
static const char hint_login[] = "check --user and the password: an option file's [client] or [slackwater] group, -p, or SLACKWATER_PASSWORD";
static const char hint_reach[] = "check --host, --port and --socket, and that the server is up";
#define HINT_RIGHT "grant the right that the message names; the README lists the GRANTs for each server"
#define HINT_EXPIRED "log in once with the plain client and set a new password for the account"
#define HINT_LOCKED "unlock the account: ALTER USER ... ACCOUNT UNLOCK"
#define HINT_GONE "see the server's error log for why it ended the session"
#define HINT_PLUGIN                                                                                                        \
	"the client library cannot do this account's kind of login: use an account with another authentication plugin"

struct conn_error {
	unsigned no;
	int what;
	const char *hint;
};

static const struct conn_error conn_errors[] = {
	/* The session is gone. */
	{ 2006, LOSS, HINT_GONE },
	{ 2013, LOSS, HINT_GONE },
	{ 2055, LOSS, HINT_GONE },
	{ 2026, LOSS, "TLS failed: see --ssl-mode (DISABLED for a server that has no TLS, or too old a one), --ssl-ca, --ssl-cert and --ssl-key" },
	{ 2027, LOSS, "what answers does not speak the protocol as it should: is there a proxy in between?" },
	{ 2012, LOSS, hint_reach },
	{ 5013, LOSS, HINT_GONE },
	{ 5014, LOSS, HINT_GONE },
	{ 1053, LOSS, "the server is shutting down" },
	{ 1152, LOSS, HINT_GONE },
	{ 1153, LOSS, "raise max_allowed_packet on the server" },
	{ 1158, LOSS, HINT_GONE },
	{ 1159, LOSS, HINT_GONE },
	{ 1160, LOSS, HINT_GONE },
	{ 1161, LOSS, HINT_GONE },
	{ 1184, LOSS, HINT_GONE },
	{ 1927, LOSS, "somebody ended this session on the server: is there a tool that ends long-running sessions?" },
	{ 3169, LOSS, "somebody ended this session on the server: is there a tool that ends long-running sessions?" },
	{ 4031, LOSS, "the server closed the session because it was idle: raise wait_timeout" },
	/* Another try may succeed. */
	{ 1205, RETRY, "" },
	{ 1213, RETRY, "" },
	{ 1969, RETRY, "" },
	{ 3572, RETRY, "" },
	/* Login refused. */
	{ 1044, REFUSED, HINT_RIGHT },
	{ 1045, REFUSED, hint_login },
	{ 1698, REFUSED, hint_login },
	{ 1130, REFUSED, "the account is not for connections from this host: create one that is, or go by --socket" },
	{ 1129, REFUSED, "the server has blocked this host after too many failed connections: FLUSH HOSTS there, from MySQL 8.3 on "
	                 "TRUNCATE TABLE performance_schema.host_cache" },
	{ 1820, REFUSED, HINT_EXPIRED },
	{ 1862, REFUSED, HINT_EXPIRED },
	{ 3118, REFUSED, HINT_LOCKED },
	{ 4151, REFUSED, HINT_LOCKED },
	{ 1040, REFUSED, "wait until there are fewer connections, or raise max_connections" },
	{ 1203, REFUSED, "raise max_user_connections, or use fewer --threads" },
	{ 1226, REFUSED, "raise the account's resource limits, or use fewer --threads" },
	{ 3159, REFUSED, "the server wants TLS: use --ssl-mode=REQUIRED" },
	{ 1251, REFUSED, HINT_PLUGIN },
	{ 1524, REFUSED, HINT_PLUGIN },
	{ 2049, REFUSED, HINT_PLUGIN },
	{ 2059, REFUSED, HINT_PLUGIN },
	{ 2061, REFUSED, "use TLS (--ssl-mode=REQUIRED) or, without it, --get-server-public-key" },
	{ 5010, REFUSED, "the server asks for the password in clear text, which only a verified server is given: "
	                 "--ssl-mode=VERIFY_IDENTITY with --ssl-ca" },
	/* A right is missing. */
	{ 1142, REFUSED, HINT_RIGHT },
	{ 1143, REFUSED, HINT_RIGHT },
	{ 1227, REFUSED, HINT_RIGHT },
	{ 1370, REFUSED, HINT_RIGHT },
	/* Ours or the machine's. */
	{ 2008, MEMORY, "" },
	{ 2014, DEFECT, "" },
	{ 2020, 0, "a row is larger than 1 GiB" },
	{ 1290, 0, "an option the server was started with forbids it: the message names the option" },
	{ 1836, 0, "the server is read only" },
	{ 1317, 0, "somebody interrupted this statement on the server: is there a tool that ends long-running queries?" },
	{ CONN_ERROR_NO_TEXT, 0, "some session's statement has bytes that are no UTF-8, and while it runs nobody is shown transactions: "
	                         "try again, or grant XA_RECOVER_ADMIN" },
	{ 2002, 0, hint_reach },
	{ 2003, 0, hint_reach },
	{ 2005, 0, hint_reach },
	/* Any other. */
	{ 0, 0, "" },
};

static const struct conn_error *conn_error_find(unsigned no)
{
	const struct conn_error *e = conn_errors;
	while (e->no && e->no != no)
		e++;
	return e;
}

/*
 * Connector/C hides a refusal that comes before TLS is up behind 2002: "... The authenticity of the following error cannot be
 * verified: 1130 - Host ...". What it means is what the number inside says.
 */
static unsigned conn_error_inner(unsigned no, const char *text)
{
	static const char mark[] = "cannot be verified: ";
	const char *at = text ? strstr(text, mark) : NULL;
	unsigned long inner = at ? strtoul(at + sizeof mark - 1, NULL, 10) : 0;
	return no == 2002 && inner >= 1000 && inner < 10000 ? (unsigned)inner : no;
}

/* Half of a login that breaks off says something else than a session that does. */
static const char *conn_error_hint(const struct conn_error *e, bool opening)
{
	if (opening && (e->no == 2013 || e->no == 2006 || e->no == 2055))
		return "the server takes the connection and does not go on: is it starting, stopping, frozen or overloaded?";
	return e->hint;
}

bool conn_error_is_loss(unsigned my_errno)
{
	return conn_error_find(my_errno)->what & LOSS;
}

enum status conn_error_set(struct error *err, unsigned my_errno, const char *text, bool opening)
{
	my_errno = conn_error_inner(my_errno, text);
	const struct conn_error *e = conn_error_find(my_errno);
	enum error_kind kind = ERR_SERVER;
	if (e->what & MEMORY)
		return error_oom(err);
	if (e->what & DEFECT)
		kind = ERR_UNEXPECTED;
	else if (opening || (e->what & REFUSED))
		kind = ERR_PREFLIGHT;
	enum status st = error_set(err, e->what & RETRY ? ST_RETRY : ST_FAILED, kind, "%s (%u)",
	                           text && *text ? text : "the server gave no reason", my_errno);
	if (err)
		err->my_errno = my_errno;
	error_hint(err, "%s", conn_error_hint(e, opening));
	return st;
}

void conn_error_rename(struct error *err, const struct conn_names *names)
{
	if (!err || !names)
		return;
	struct error was = *err; /* a hint is not put together from itself */
	const char *hint = conn_error_find(was.my_errno)->hint;
	if (hint == hint_login)
		error_hint(err, "%s", names->account);
	else if (hint == hint_reach)
		error_hint(err, "%s", names->address);
	else if (strstr(was.hint, "--ssl"))
		error_hint(err, "%s; for this login these are keys in %s", was.hint, names->group);
}
