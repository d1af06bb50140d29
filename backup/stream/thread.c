/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/thread.h"

#include <signal.h>

enum status thread_start(pthread_t *ret, void *(*fn)(void *), void *arg, struct error *err)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t blocked, before;
	sigfillset(&blocked);
	for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++)
		sigdelset(&blocked, faults[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	int bad = pthread_create(ret, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return bad ? error_sys(err, ST_FATAL, ERR_UNEXPECTED, bad, "cannot start a thread") : ST_OK;
}
