/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_pump put|get URL KEY [FILE [TIMES]]: one object of FILE's bytes, so many times over, into a store; or an object read and thrown away.
 * For tests/bench/store.py.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "slackwater/store.h"

enum { BLOCK = 256 << 10 };

static enum status put(struct store *s, const char *key, const char *path, long times, uint64_t *bytes, struct error *err)
{
	struct store_writer *w = NULL;
	char *block = malloc(BLOCK);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || !block)
		return error_set(err, ST_FAILED, ERR_USAGE, "cannot open %s", path);
	enum status st = s->ops->create(s, key, &w, err);
	for (long i = 0; !st && i < times; i++)
		for (off_t at = 0, n; !st && (n = pread(fd, block, BLOCK, at)) > 0; at += n, *bytes += (uint64_t)n)
			st = w->ops->write(w, block, (size_t)n, err);
	if (!st)
		st = w->ops->commit(w, err);
	store_writer_free(w);
	free(block);
	close(fd);
	return st;
}

static enum status get(struct store *s, const char *key, uint64_t *bytes, struct error *err)
{
	struct store_reader *r = NULL;
	char *block = malloc(BLOCK);
	size_t n = 1;
	enum status st = block ? s->ops->open(s, key, 0, 0, &r, err) : error_oom(err);
	for (; !st && n; *bytes += n)
		st = r->ops->read(r, block, BLOCK, &n, err);
	store_reader_free(r);
	free(block);
	return st;
}

static double seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct error err = ERROR_INIT;
	struct run run;
	struct store *s = NULL;
	struct rusage use;
	uint64_t bytes = 0;
	bool put_it = argc > 1 && strcmp(argv[1], "put") == 0;
	if (argc < 4 || (put_it && argc < 5))
		return 2;
	enum status st = run_init(&run, NULL, NULL, NULL, &err);
	double begun = seconds();
	if (!st)
		st = store_open(argv[2], put_it ? STORE_WRITE : STORE_READ, NULL, &run, &s, &err);
	if (!st)
		st = put_it ? put(s, argv[3], argv[4], argc > 5 ? strtol(argv[5], NULL, 10) : 1, &bytes, &err) : get(s, argv[3], &bytes, &err);
	double took = seconds() - begun;
	store_free(s);
	if (st) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	getrusage(RUSAGE_SELF, &use);
	double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	printf("{\"bytes\": %llu, \"seconds\": %.3f, \"cpu\": %.3f, \"peak_kib\": %ld}\n", (unsigned long long)bytes, took, cpu, use.ru_maxrss);
	run_destroy(&run);
	return 0;
}
