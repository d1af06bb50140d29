/* SPDX-License-Identifier: Apache-2.0 */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "slackwater/fs.h"
#include "slackwater/stored.h"

/* A pipe cannot be read in any order, and a load that is checked before it begins needs that: it goes to a directory first. */
static enum status spool(struct seed_job *j, struct error *err)
{
	const char *tmp = getenv("TMPDIR");
	struct buf path = BUF_INIT(4096);
	struct store *pipe = NULL;
	buf_addf(&path, "%s/slackwater-seed-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	enum status st = buf_check(&path, "the spool directory's name", err);
	if (!st && !mkdtemp(path.data))
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot make the spool directory %s", path.data);
	if (!st && !(j->spool = buf_take(&path)))
		st = error_oom(err);
	if (!st)
		st = store_open("-", STORE_READ, NULL, j->run, &pipe, err);
	if (!st)
		st = snapshot_spool_stream(pipe, j->o->keyring, j->spool, j->run, err);
	store_free(pipe);
	buf_free(&path);
	return st;
}

static enum status open_snapshot(struct seed_job *j, struct error *err)
{
	struct buf prefix = BUF_INIT(1024);
	enum status st = store_open(j->spool ? j->spool : j->o->from, STORE_READ, &j->o->store, j->run, &j->store, err);
	if (!st)
		st = catalog_find(j->store, j->spool ? NULL : j->o->instance, j->spool ? NULL : j->o->id, &j->manifest, err);
	if (st)
		return st;
	j->manifest->objects.keyring = j->o->keyring;
	snprintf(j->report->id, sizeof j->report->id, "%s", j->manifest->id);
	if (strcmp(j->manifest->engine, "logical") != 0)
		return seed_refuse(err, "use the release of slackwater that took it", "the snapshot was taken by the engine %s, which is not known here",
		                   j->manifest->engine);
	catalog_prefix(j->manifest, &prefix);
	st = buf_check(&prefix, "the snapshot's prefix", err);
	if (!st)
		st = catalog_checkpoint(j->store, j->manifest, &j->cp, err);
	if (!st)
		st = stream_index_read(j->store, prefix.data, &j->manifest->objects, &j->index, err);
	buf_free(&prefix);
	return st;
}

enum status seed_job_open(struct seed_job *j, struct error *err)
{
	struct claim_how how = { j->o->window.state_dir, j->o->wait_lock_ms, j->o->window.no_guard };
	enum status st = strcmp(j->o->from, "-") == 0 ? spool(j, err) : ST_OK;
	if (!st)
		st = open_snapshot(j, err);
	if (!st)
		st = conn_open(&j->target, &j->o->target, CONN_NO_TIMEOUT, j->run, err);
	if (!st && j->o->window.state_dir && !j->o->own_target)
		st = claim_take(&how, &j->o->target, &j->target->server, j->run, &j->claim, err);
	j->lo = (struct loader_options){ .threads = j->o->threads ? j->o->threads : 4, .lenient = j->o->own_target,
		                         .users = st ? false : j->manifest->users, .server = j->cp ? &j->cp->server : NULL,
		                         .keep_redo_log = j->o->keep_redo_log };
	if (!st)
		st = loader_logical_new(j->store, j->manifest, &j->index, &j->o->target, &j->lo, &j->loader, err);
	return st;
}

enum status seed_job_session(struct conn **c, const struct conn_options *o, unsigned flags, const char *first, struct run *run, struct error *err)
{
	enum status st = *c ? conn_exec(*c, first, err) : ST_OK;
	if (*c && !(*c)->lost)
		return st;
	conn_free(*c);
	*c = NULL;
	st = conn_open(c, o, flags, run, err);
	return st ? st : conn_exec(*c, first, err);
}

static void free_link(struct seed_link *l)
{
	conn_free(l->conn);
	free(l->executed);
	free(l->purged);
	free(l->binlog_state);
	free(l->end_file);
}

void seed_job_close(struct seed_job *j)
{
	struct error ignored;
	for (size_t i = 0; i < j->nlinks; i++)
		free_link(&j->link[i]);
	free(j->link);
	strlist_free(&j->found.schemas);
	strlist_free(&j->found.channels);
	free(j->found.gtids);
	loader_free(j->loader);
	conn_free(j->target);
	claim_free(j->claim);
	stream_index_free(&j->index);
	checkpoint_free(j->cp);
	manifest_free(j->manifest);
	store_free(j->store);
	if (j->spool)
		(void)fs_remove_tree(j->spool, &ignored);
	free(j->spool);
}
