/* SPDX-License-Identifier: Apache-2.0 */
#include "conn_error.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Numbers, not the headers' names: each library lacks some of them, and the meanings do not change. */
enum { LOSS = 1, RETRY = 2, REFUSED = 4, DEFECT = 8, MEMORY = 16 };

#define HINT_LOGIN                                                                                                         \
	"check --user and the password: an option file's [client] or [slackwater] group, -p, or SLACKWATER_PASSWORD"
#define HINT_RIGHT "grant the right that the message names; the README lists the GRANTs for each server"
#define HINT_REACH "check --host, --port and --socket, and that the server is up"
#define HINT_EXPIRED "log in once with the plain client and set a new password for the account"
#define HINT_LOCKED "unlock the account: ALTER USER ... ACCOUNT UNLOCK"
#define HINT_GONE "see the server's error log for why it ended the session"
#define HINT_PLUGIN                                                                                                        \
	"the client library cannot do this account's kind of login: use an account with another authentication plugin"

static const struct {
	unsigned no;
	int what;
	const char *hint;
} conn_errors[] = {
	/* The session is gone. */
	{ 2006, LOSS, HINT_GONE },
	{ 2013, LOSS, HINT_GONE },
	{ 2055, LOSS, HINT_GONE },
	{ 2026, LOSS, "TLS failed: see --ssl-mode (DISABLED for a server that has no TLS, or too old a one), --ssl-ca, --ssl-cert and --ssl-key" },
	{ 2027, LOSS, "what answers does not speak the protocol as it should: is there a proxy in between?" },
	{ 2012, LOSS, HINT_REACH },
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
	{ 1045, REFUSED, HINT_LOGIN },
	{ 1698, REFUSED, HINT_LOGIN },
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
	{ 2002, 0, HINT_REACH },
	{ 2003, 0, HINT_REACH },
	{ 2005, 0, HINT_REACH },
};

static size_t conn_error_find(unsigned no)
{
	size_t i = 0, n = sizeof conn_errors / sizeof conn_errors[0];
	while (i < n && conn_errors[i].no != no)
		i++;
	return i;
}

static int conn_error_what(unsigned no)
{
	size_t i = conn_error_find(no);
	return i < sizeof conn_errors / sizeof conn_errors[0] ? conn_errors[i].what : 0;
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
static const char *conn_error_hint(unsigned no, const char *hint, bool opening)
{
	if (opening && (no == 2013 || no == 2006 || no == 2055))
		return "the server takes the connection and does not go on: is it starting, stopping, frozen or overloaded?";
	return hint;
}

bool conn_error_is_loss(unsigned my_errno)
{
	return conn_error_what(my_errno) & LOSS;
}

enum status conn_error_set(struct error *err, unsigned my_errno, const char *text, bool opening)
{
	my_errno = conn_error_inner(my_errno, text);
	int what = conn_error_what(my_errno);
	size_t i = conn_error_find(my_errno);
	enum error_kind kind = ERR_SERVER;
	if (what & MEMORY)
		return error_oom(err);
	if (what & DEFECT)
		kind = ERR_UNEXPECTED;
	else if (opening || (what & REFUSED))
		kind = ERR_PREFLIGHT;
	enum status st = error_set(err, what & RETRY ? ST_RETRY : ST_FAILED, kind, "%s (%u)",
	                           text && *text ? text : "the server gave no reason", my_errno);
	if (err)
		err->my_errno = my_errno;
	if (i < sizeof conn_errors / sizeof conn_errors[0])
		error_hint(err, "%s", conn_error_hint(my_errno, conn_errors[i].hint, opening));
	return st;
}
