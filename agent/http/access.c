/* SPDX-License-Identifier: Apache-2.0 */
#include "access.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ACCESS_HOST = 256 };

/* Digests are compared, which have one length, in one time. */
static bool right_token(const struct access_rules *rules, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	char digest[DIGEST_HEX];
	struct error ignored;
	if (strncasecmp(authorization, scheme, sizeof scheme - 1))
		return false;
	const char *token = authorization + sizeof scheme - 1;
	token += strspn(token, " ");
	if (digest_of(token, strlen(token), digest, &ignored))
		return false;
	return !CRYPTO_memcmp(digest, rules->token_digest, DIGEST_HEX);
}

static unsigned refuse(struct error *err, unsigned status, enum error_kind kind, const char *message, const char *hint)
{
	error_set(err, ST_FAILED, kind, "%s", message);
	error_hint(err, "%s", hint);
	return status;
}

static unsigned check_token(const struct access_rules *rules, const struct access_request *req, struct error *err)
{
	if (!rules->has_token && req->need == ACCESS_COMMAND)
		return refuse(err, MHD_HTTP_FORBIDDEN, ERR_PREFLIGHT, "commands are not taken here: the agent has no token",
		              "set token-file in [agent], or use slackwater run, pause, resume, cancel, which talk to the control socket");
	if (!rules->has_token || req->need == ACCESS_OPEN)
		return 0;
	if (!req->authorization)
		return refuse(err, MHD_HTTP_UNAUTHORIZED, ERR_PREFLIGHT, "this needs the agent's token",
		              "send it as Authorization: Bearer TOKEN");
	if (!right_token(rules, req->authorization))
		return refuse(err, MHD_HTTP_UNAUTHORIZED, ERR_PREFLIGHT, "the token is wrong", "it is in the agent's token-file");
	return 0;
}

/* "localhost", "127.x.y.z", "[::1]", each with a port or without. */
static bool names_loopback(const char *host)
{
	char name[ACCESS_HOST];
	struct in_addr in;
	struct in6_addr in6;
	size_t len = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");
	if (len >= sizeof name)
		return false;
	snprintf(name, sizeof name, "%.*s", (int)(len - (*host == '[')), host + (*host == '['));
	if (*host == '[')
		return host[len] == ']' && inet_pton(AF_INET6, name, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
	return !strcasecmp(name, "localhost") || (inet_pton(AF_INET, name, &in) == 1 && ntohl(in.s_addr) >> 24 == 127);
}

static bool same_origin(const char *origin, const char *host)
{
	const char *rest = !strncmp(origin, "http://", 7) ? origin + 7 : !strncmp(origin, "https://", 8) ? origin + 8 : NULL;
	return rest && host && !strcasecmp(rest, host);
}

static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = sizeof json - 1;
	return type && !strncasecmp(type, json, len) && (!type[len] || strchr("; \t", type[len]));
}

static unsigned check_sender(const struct access_request *req, struct error *err)
{
	if ((req->origin && !same_origin(req->origin, req->host)) ||
	    (req->fetch_site && strcmp(req->fetch_site, "same-origin") != 0 && strcmp(req->fetch_site, "none") != 0))
		return refuse(err, MHD_HTTP_FORBIDDEN, ERR_PREFLIGHT, "a page of another origin sent this", "commands are taken from the agent's own page only");
	if (!is_json(req->content_type))
		return refuse(err, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, ERR_USAGE, "a command is a JSON document",
		              "send Content-Type: application/json");
	return 0;
}

unsigned access_check(const struct access_rules *rules, const struct access_request *req, struct error *err)
{
	if (rules->check_host && req->need != ACCESS_OPEN && req->host && !names_loopback(req->host))
		return refuse(err, MHD_HTTP_FORBIDDEN, ERR_PREFLIGHT, "asked for under a name that is not this host's loopback",
		              "use 127.0.0.1, [::1] or localhost; behind a reverse proxy set a token, or have it send one of these as Host");
	unsigned status = rules->control ? 0 : check_token(rules, req, err);
	if (!status && req->need == ACCESS_COMMAND)
		status = check_sender(req, err);
	return status;
}
