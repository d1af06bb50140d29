/* SPDX-License-Identifier: Apache-2.0 */
#include "applier/job.h"

#include <unistd.h>

enum status job_open(struct job *j, const struct conn_options *o, unsigned flags, struct run *run, int done_fd,
                     struct error *err)
{
	*j = (struct job){ .sql = BUF_INIT(1u << 20), .done_fd = done_fd };
	return conn_open(&j->c, o, flags, run, err);
}

static void *job_thread(void *arg)
{
	struct job *j = arg;
	j->st = conn_exec_buf(j->c, &j->sql, &j->err);
	j->warnings = j->st ? 0 : j->c->ops->warning_count(j->c);
	atomic_store(&j->done, true);
	if (j->done_fd >= 0) {
		uint64_t one = 1;
		ssize_t n = write(j->done_fd, &one, sizeof one);
		(void)n; /* full only when nobody has looked for 2^64 jobs */
	}
	return NULL;
}

enum status job_begin(struct job *j, struct error *err)
{
	j->err = ERROR_INIT;
	atomic_store(&j->done, false);
	int no = pthread_create(&j->thread, NULL, job_thread, j);
	if (no)
		return error_sys(err, ST_FAILED, ERR_UNEXPECTED, no, "cannot start a thread");
	j->begun = true;
	return ST_OK;
}

bool job_done(const struct job *j)
{
	return !j->begun || atomic_load(&j->done);
}

enum status job_join(struct job *j, struct error *err)
{
	if (j->begun)
		pthread_join(j->thread, NULL);
	j->begun = false;
	if (j->st && err)
		*err = j->err;
	return j->st;
}

void job_close(struct job *j)
{
	if (j->begun)
		(void)job_join(j, NULL);
	conn_free(j->c);
	j->c = NULL;
	buf_free(&j->sql);
}
