/* SPDX-License-Identifier: Apache-2.0 */
/* preflight: what PREFLIGHT of the window and `slackwater check` have in common. */
#pragma once

#include "applier/channels.h"
#include "applier/gaps.h"
#include "slackwater/applier.h"

struct preflight_facts {
	struct instance in;
	struct channels ch;
	struct gaps gaps;
	struct strlist notes, warnings;
	bool no_xa_right;
};

void preflight_facts_free(struct preflight_facts *f);
/* ERR_PREFLIGHT when refused, ERR_APPLIER when the applier is broken: f is filled in the latter case as far as it could be read. */
enum status preflight_examine(struct conn *c, const struct window_options *w, struct run *run, struct preflight_facts *f,
                              struct error *err);

/* A line when this host's clock and the server's are a minute or more apart. */
enum status preflight_warn_clock(struct conn *c, const struct run *run, struct strlist *warnings, struct error *err);

/* rights.c: which right shows the channels' status. */
const char *rights_to_look(const struct server_info *s);
/* Which rights are missing, by name, with the GRANT that gives them: ERR_PREFLIGHT. */
enum status rights_check(struct conn *c, const struct instance *in, bool *ret_no_xa, struct error *err);
/* Those that only show with a channel to try them on. */
enum status rights_check_channels(struct conn *c, const struct instance *in, const struct channels *ch,
                                  struct error *err);
