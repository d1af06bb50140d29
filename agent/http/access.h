/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: who may do what, decided from a listener's rules and a request's headers. Pure.
 *
 * A browser is the danger on loopback: any page a person visits can send requests there. Commands want Content-Type application/json, which
 * no form can send and no other origin may without asking first (and it is never told yes), and refuse an Origin or Sec-Fetch-Site that is not
 * ours. Without a token the Host has to be a name of the loopback, so that a foreign name that resolves to it (DNS rebinding) reads nothing.
 */
#pragma once

#include "slackwater/digest.h"

struct access_rules {
	bool control;   /* the socket's file decides who connects: no token, commands allowed */
	bool has_token;
	bool check_host; /* TCP on loopback without a token */
	char token_digest[DIGEST_HEX];
};

enum access_need { ACCESS_OPEN, ACCESS_READ, ACCESS_COMMAND };

struct access_request {
	enum access_need need;
	const char *authorization, *host, *origin, *fetch_site, *content_type; /* headers; NULL = absent */
};

/* 0 = go on; else the HTTP status to answer with (401, 403, 415), and err says why. */
unsigned access_check(const struct access_rules *rules, const struct access_request *req, struct error *err);
