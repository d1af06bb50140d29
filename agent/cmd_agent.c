/* SPDX-License-Identifier: Apache-2.0 */
/* agent: takes, proves and expires snapshots on schedule, until it is told to end. */
#include <unistd.h>

#include "cmd.h"
#include "daemon/daemon.h"

static const struct option_group *const groups[] = { &config_agent, &config_output, NULL };

static const char standard[] = "/etc/slackwater/slackwater.conf";

static enum status agent_run(struct app *app, struct error *err)
{
	/* what the packages' unit names */
	if (!app->config.config_file && !access(standard, F_OK))
		app->config.config_file = standard;
	enum status st = app_require(app->config.config_file, "config", standard, err);
	return st ? st : daemon_run(app, app->config.config_file, err);
}

const struct verb cmd_agent = {
	.name = "agent",
	.summary = "take, prove and expire snapshots on schedule",
	.synopsis = "[--config FILE] [--log-level L] [--log-file FILE]",
	.about = "The default configuration is /etc/slackwater/slackwater.conf, if it exists. The agent stays in the foreground and "
	         "reports its state to a service manager, if there is one. Each run is a process of its own. SIGHUP reloads the "
	         "configuration: all of it, or none. On SIGTERM or SIGINT nothing more is started, and a running backup gets up to "
	         "stop-timeout before it is told to end; a second signal tells it at once. Exit 11: another agent uses the state "
	         "directory.",
	.example = "  slackwater agent --config /etc/slackwater/slackwater.conf\n",
	.groups = groups,
	.own_signals = true,
	.log_level = LOG_LEVEL_INFO,
	.run = agent_run,
};
