/* SPDX-License-Identifier: Apache-2.0 */
#include "recover/diagnose.h"
#include "slackwater/dialect.h"

void recover_start_statement(const struct server_info *s, const struct channel *ch, enum recover_step step, struct buf *out)
{
	const char *name = ch->cp.name ? ch->cp.name : "";
	if (step == RECOVER_START)
		dialect_start_sql(out, s, name);
	else
		dialect_start_both(out, s, name);
}

void recover_step_statements(const struct server_info *s, const struct channel *ch, enum recover_step step, struct buf *out)
{
	const char *name = ch->cp.name ? ch->cp.name : "";
	if (step == RECOVER_FETCH && !ch->io_stopped) {
		dialect_stop_io(out, s, name);
		buf_adds(out, "; ");
	}
	if (step == RECOVER_RESET) {
		dialect_stop_both(out, s, name);
		buf_adds(out, "; ");
		dialect_reset_replica(out, s, name);
		buf_adds(out, "; ");
	}
	recover_start_statement(s, ch, step, out);
}
