/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: the running agent.
 *
 * It never takes a snapshot in its own process. Each run is a child process of the same program, so an idle agent stays small, a run that
 * crashes or is ended for want of memory takes nothing with it, and a new version of the agent meets runs of the old one only as processes.
 *
 * Data flow
 *
 *   conf/settings   ->  jobs (one per [snapshot]), listings (one per repository and instance), observers (one thread per [instance])
 *   memory          ->  schedule/plan decides for each job: wait, drop with a reason, start
 *   start           ->  memory is on disk, then task: before hook -> run -> after or failure hook, each a child
 *   child           ->  standard error: lines of our log, with the run's id; descriptor 3: phase and progress; standard output: the result
 *   end             ->  memory (history, figures) on disk; after a backup its expire, after any change of a repository its listing
 *   observers       ->  lag for plan's gate; what /metrics and the page show of the applier
 *   everything      ->  view: one JSON document, replaced whole when something has changed, which http hands out
 *   http, control   ->  commands, taken by the one thread between two waits
 *
 * Threads: the one that runs daemon_run does everything but look at servers (observers) and speak HTTP. It waits in one poll for its
 * children, commands, signals and the next time that something is due; nothing else in it waits, a write to the state directory apart.
 *
 * States of a job (of a [snapshot])
 *
 *   idle     -> running   plan says start: due, caught up, tried again or asked for; one run per instance at a time, whichever section's
 *   idle     -> idle      plan drops a due time: counted, with its reason, in the view and the log
 *   running  -> idle      succeeded, failed or cancelled; expire follows a backup that succeeded, before anything else on that instance
 *   paused   is beside that: nothing is started but what a person asks for; what runs goes on
 *
 * States of the agent
 *
 *   starting -> ready     configuration read, state directory locked, memory read, sockets open
 *   ready    -> ready     SIGHUP: the new configuration as a whole, or the old one as a whole and the mistakes in the log
 *   ready    -> stopping  SIGTERM, SIGINT: nothing is started; listings and proofs are cancelled, a backup is waited for up to
 *                         stop-timeout, then told to end, by a second signal at once; its due time counts as not dealt with
 *   stopping -> gone      the last child has ended
 *   any      -> gone      a crash: the kernel tells the children to end, which set their applier going first, unless the service manager ends
 *                         them by force at once (KillMode=mixed does): then the switch inside the server, and ExecStopPost= with their
 *                         journals, set it going. The next start finds their runs open in memory (failed), and the journals that are left
 */
#pragma once

#include "../app.h"

/* Until it is told to end. config_file is read, and read again on SIGHUP. ERR_BUSY: another agent holds the state directory. */
enum status daemon_run(struct app *app, const char *config_file, struct error *err);
