/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/seal.h"
#include "slackwater/fs.h"
#include "slackwater/stored.h"
#include "store/pipe.h"
#include "stream/names.h"

static const char sample_checkpoint[] = "{\"format\":1}\n";

void sample_name(unsigned i, char ret[256])
{
	if (i == 0) {
		snprintf(ret, 256, "metadata");
	} else if (i % 10 == 9) { /* longer than a plain tar header has room for */
		snprintf(ret, 256, "schema_%0200u.sql", i);
		ret[100 + i % 130] = '\0';
		snprintf(ret + strlen(ret), 24, ".%u", i);
	} else {
		snprintf(ret, 256, "shop.t%%20%u.%05u.sql.zst", i % 7, i);
	}
}

void sample_data(const struct sample_spec *spec, unsigned i, struct buf *ret)
{
	static const size_t odd[] = { 0, 1, 511, 512, 513, 1023, 1024, 10240 };
	size_t len = i % 3 ? (i * 2654435761u) % (spec->largest + 1) : odd[i / 3 % 8];
	if (len > spec->largest)
		len = spec->largest;
	uint32_t x = i + 1;
	buf_reserve(ret, len);
	for (size_t n = 0; n < len; n++)
		buf_addc(ret, (char)((x = x * 1664525 + 1013904223) >> 24));
}

static enum status sample_put(const struct sample_spec *spec, struct stream_writer *w, unsigned i, struct error *err)
{
	struct stream_entry e = { .data = BUF_INIT(SIZE_MAX / 2), .rows = i };
	char name[256];
	sample_name(i, name);
	e.name = strdup(name);
	sample_data(spec, i, &e.data);
	e.raw_bytes = e.data.len * 3;
	return stream_writer_put(w, -1, &e, err);
}

static enum status sample_put_checkpoint(struct stream_writer *w, struct error *err)
{
	struct stream_entry e = { .name = strdup("checkpoint.json"), .data = BUF_INIT(1000) };
	buf_adds(&e.data, sample_checkpoint);
	return stream_writer_put(w, 0, &e, err);
}

struct manifest *sample_manifest(void)
{
	struct manifest *m = calloc(1, sizeof *m);
	*m = (struct manifest){
		.format = 1, .id = SAMPLE_ID, .instance = strdup(SAMPLE_INSTANCE), .tool = strdup("slackwater test"),
		.engine = strdup("logical"), .layout = strdup("store"), .server_version = strdup("8.4.3"), .server_flavor = strdup("mysql"),
		.server_identity = strdup("3e11fa47-71ca-11e1-9e33-c80aa9429562"), .server_hostname = strdup("db1"), .server_port = 3306,
		.server_id = 4294967295, .started_ms = 1795181821000, .taken_ms = 1795181822345, .finished_ms = 1795181899999, .pause_ms = 12,
		.wait_ms = 345, .in_flight_ms = -1, .ddl_wait_ms = 7, .rows = 1000000, .bytes = 1u << 30, .bytes_stored = 1u << 28, .tables = 99,
		.largest_statement = 16777216, .nontransactional_tables = 2, .history_max = 4711, .partial = true, .users = true,
	};
	strlist_add(&m->partial_why, "--exclude", NULL);
	strlist_add(&m->warnings, "a \"warning\" with \xc3\xa4", NULL);
	return m;
}

static enum status sample_add_checkpoint(const struct sample_spec *spec, struct store *store, struct manifest *m, bool sequential,
                                         struct error *err)
{
	struct stream_object o = { .key = "checkpoint.json" };
	struct buf text = BUF_INIT(1000), sealed = BUF_INIT(1 << 20), *stored = &text, key = BUF_INIT(1000);
	enum status st = ST_OK;
	if (m->seal_key) {
		buf_addf(&text, "{\"format\":1,\"" SEAL_KEY_MEMBER "\":\"%s\"}\n", m->seal_key);
		st = age_seal(spec->recipients, text.data, text.len, stored = &sealed, err);
		names_seal(o.key);
	} else {
		buf_adds(&text, sample_checkpoint);
	}
	buf_addf(&key, SAMPLE_INSTANCE "/" SAMPLE_ID "/%s", o.key);
	o.size = stored->len;
	if (!st)
		st = digest_of(stored->data, stored->len, o.sha256, err);
	if (!st && !sequential)
		st = store->ops->put(store, key.data, stored->data, stored->len, false, err);
	buf_free(&text);
	buf_free(&sealed);
	buf_free(&key);
	m->objects.item = realloc(m->objects.item, (m->objects.n + 1) * sizeof o);
	m->objects.item[m->objects.n++] = o;
	return st;
}

static enum status sample_finish(const struct sample_spec *spec, struct stream_writer *w, struct store *store, struct manifest *m, struct error *err)
{
	bool stay, sequential = store->ops->features & STORE_SEQUENTIAL;
	struct buf json = BUF_INIT(1 << 20);
	enum status st = stream_writer_finish(w, &m->objects, err);
	if (!st)
		st = sample_add_checkpoint(spec, store, m, sequential, err);
	if (!st && !sequential)
		return catalog_publish(store, m, &stay, err);
	if (!st) {
		free(m->layout);
		m->layout = strdup("pipe");
		st = manifest_write(m, &json, err);
	}
	if (!st)
		st = stream_writer_last(w, "manifest.json", &json, err);
	buf_free(&json);
	return st;
}

static enum status sample_seal(const struct sample_spec *spec, struct store *store, struct manifest *m, struct error *err)
{
	if (!spec->recipients || store->ops->features & STORE_SEQUENTIAL)
		return ST_OK;
	const struct strlist *names = age_recipients_names(spec->recipients);
	enum status st = manifest_new_seal_key(m, err);
	for (size_t i = 0; !st && i < names->n; i++)
		st = strlist_add(&m->encrypted_for, names->item[i], err);
	return st;
}

enum status sample_write(const struct sample_spec *spec, struct store *store, struct run *run, struct manifest **ret_m,
                         struct error *err)
{
	struct stream_options o = { .shards = spec->shards, .queue_bytes = 256 * 1024, .recipients = spec->recipients };
	struct stream_writer *w = NULL;
	struct manifest *m = sample_manifest();
	enum status st = sample_seal(spec, store, m, err);
	if (!st)
		st = stream_writer_open(store, SAMPLE_INSTANCE "/" SAMPLE_ID "/", &o, run, &w, err);
	if (!st)
		st = sample_put_checkpoint(w, err);
	for (unsigned i = 0; !st && i < spec->entries; i++)
		st = sample_put(spec, w, i, err);
	if (!st)
		st = sample_finish(spec, w, store, m, err);
	stream_writer_free(w);
	if (!st && ret_m)
		*ret_m = m;
	else
		manifest_free(m);
	return st;
}

void sample_check_dir(const struct sample_spec *spec, const char *dir)
{
	struct error err = ERROR_INIT;
	assert_int_equal(scratch_count(dir), spec->entries + 1);
	for (unsigned i = 0; i < spec->entries; i++) {
		struct buf path = BUF_INIT(1000), wanted = BUF_INIT(SIZE_MAX / 2), there = BUF_INIT(SIZE_MAX / 2);
		char name[256];
		sample_name(i, name);
		buf_addf(&path, "%s/%s", dir, name);
		sample_data(spec, i, &wanted);
		OK(fs_read_file(path.data, &there, &err));
		assert_int_equal(there.len, wanted.len);
		assert_memory_equal(buf_str(&there), buf_str(&wanted), wanted.len);
		buf_free(&path);
		buf_free(&wanted);
		buf_free(&there);
	}
}

void sample_write_pipe(const struct sample_spec *spec, struct run *run, const char *path)
{
	struct error err = ERROR_INIT;
	struct store *store;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	OK(pipe_open(fd, STORE_WRITE, run, &store, &err));
	OK(sample_write(spec, store, run, NULL, &err));
	store_free(store);
	close(fd);
}

struct store *sample_open_pipe(const char *path, struct run *run, int *ret_fd)
{
	struct error err = ERROR_INIT;
	struct store *store = NULL;
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC);
	OK(pipe_open(*ret_fd, STORE_READ, run, &store, &err));
	return store;
}
