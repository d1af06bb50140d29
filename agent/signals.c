/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* Ours for ending the thread; from outside it means nothing. */
enum { SIGNALS_END = SIGUSR1 };

void signals_harden(void)
{
	const struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__ /* the leak checker attaches to its own process */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
	signal(SIGPIPE, SIG_IGN);
}

const char *signals_name(int signo)
{
	return signo == SIGINT ? "SIGINT" : signo == SIGTERM ? "SIGTERM" : signo == SIGHUP ? "SIGHUP" : "a signal";
}

static void *signals_main(void *arg)
{
	struct signals *s = arg;
	int signo;
	bool cancelled = false;
	while (!atomic_load(&s->ending)) {
		if (sigwait(&s->set, &signo) || signo == SIGNALS_END)
			continue;
		if (cancelled) {
			event_warning(s->events, "signal", "%s: ending is under way already; what was begun on the server is put right first",
			              signals_name(signo));
			continue;
		}
		cancelled = true;
		event_info(s->events, "signal", "%s: ending; what was begun on the server is put right first", signals_name(signo));
		run_cancel(s->run, signo);
	}
	return NULL;
}

static void add_unless_ignored(sigset_t *set, int signo)
{
	struct sigaction old;
	if (!sigaction(signo, NULL, &old) && old.sa_handler != SIG_IGN)
		sigaddset(set, signo);
}

enum status signals_start(struct signals *s, struct run *run, struct event_sink *events, struct error *err)
{
	*s = (struct signals){ .run = run, .events = events };
	sigemptyset(&s->set);
	sigaddset(&s->set, SIGTERM);
	sigaddset(&s->set, SIGNALS_END);
	add_unless_ignored(&s->set, SIGINT);
	add_unless_ignored(&s->set, SIGHUP);
	int bad = pthread_sigmask(SIG_BLOCK, &s->set, NULL);
	if (!bad)
		bad = pthread_create(&s->thread, NULL, signals_main, s);
	if (bad)
		return error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start the thread that takes signals");
	s->started = true;
	return ST_OK;
}

void signals_stop(struct signals *s)
{
	if (!s->started)
		return;
	atomic_store(&s->ending, true);
	pthread_kill(s->thread, SIGNALS_END);
	pthread_join(s->thread, NULL);
	/* Nothing of ours is stopped any more; printing to a pipe that nobody reads must be endable. */
	pthread_sigmask(SIG_UNBLOCK, &s->set, NULL);
	s->started = false;
}
