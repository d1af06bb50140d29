/* SPDX-License-Identifier: Apache-2.0 */
/* keygen: a new pair of keys, in a file as age-keygen writes it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "output_json.h"
#include "output_text.h"
#include "slackwater/age.h"
#include "slackwater/fs.h"

enum { KEYGEN_TEXT_MAX = 4096 };

static const struct option_group *const groups[] = { &config_keygen, &config_output, NULL };

/* Its directory's name may not be on disk yet when it is: a key that a crash takes is one that nobody can read with. */
static enum status sync_directory(const char *path, struct error *err)
{
	struct buf dir = BUF_INIT(KEYGEN_TEXT_MAX);
	const char *slash = strrchr(path, '/');
	buf_add(&dir, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
	enum status st = buf_check(&dir, "the path", err);
	if (!st)
		st = fs_sync_dir(dir.data, err);
	buf_free(&dir);
	return st;
}

static enum status save(const char *path, const struct buf *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST) {
		error_set(err, ST_FAILED, ERR_USAGE, "%s exists, and a key is never overwritten", path);
		return error_hint(err, "what was encrypted for the key in it can be read with nothing else; choose another name");
	}
	if (fd < 0)
		return error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot create %s", path);
	enum status st = fs_write_all(fd, text->data, text->len, path, err);
	if (!st && fsync(fd) != 0)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot sync %s", path);
	if (close(fd) != 0 && !st)
		st = error_sys(err, ST_FAILED, ERR_STORE, errno, "cannot close %s", path);
	if (!st)
		st = sync_directory(path, err);
	if (st)
		unlink(path);
	return st;
}

static enum status make(const struct run *run, struct buf *text, struct buf *recipient, struct error *err)
{
	struct buf identity = BUF_INIT(KEYGEN_TEXT_MAX);
	char now[32];
	identity.secret = text->secret = 1;
	enum status st = age_keygen(&identity, recipient, err);
	run_format_time(run_wall_ms(run), now);
	if (!st) {
		buf_addf(text, "# created: %s\n# public key: %s\n", now, buf_str(recipient));
		buf_add(text, identity.data, identity.len);
		buf_addc(text, '\n');
		st = buf_check(text, "the key", err);
	}
	buf_free(&identity);
	return st;
}

static enum status show(struct app *app, const struct buf *recipient, struct error *err)
{
	const char *out = app->config.out;
	if (!app->config.json) {
		output_text_line(&app->text, "secret key", "in %s; whoever has it can read every snapshot made for it", out);
		output_text_line(&app->text, "recipient", "%s", buf_str(recipient));
		return ST_OK;
	}
	enum status st = output_json_set(&app->doc, "recipient", json_string(buf_str(recipient)), err);
	return st ? st : output_json_set(&app->doc, "file", jsonx_text(out), err);
}

static enum status keygen_run(struct app *app, struct error *err)
{
	struct buf text = BUF_INIT(KEYGEN_TEXT_MAX), recipient = BUF_INIT(KEYGEN_TEXT_MAX);
	const char *out = app->config.out;
	if (!out && app->config.json) {
		error_set(err, ST_FAILED, ERR_USAGE, "--json shows no secret key");
		return error_hint(err, "give --out FILE for it");
	}
	enum status st = make(&app->run, &text, &recipient, err);
	if (!st && out)
		st = save(out, &text, err);
	if (!st && out)
		st = show(app, &recipient, err);
	if (!st && !out) {
		app->text.secret = 1;
		buf_add(&app->text, text.data, text.len);
	}
	buf_free(&text);
	buf_free(&recipient);
	return st;
}

const struct verb cmd_keygen = {
	.name = "keygen",
	.summary = "make a pair of keys for encrypted snapshots",
	.synopsis = "[-o FILE]",
	.about = "The secret key goes to FILE, which must not exist yet and gets mode 0600, or to standard output; the public "
	         "key, for backup --recipient, is shown. The format is that of age-keygen. The host that takes backups "
	         "needs the public key only.",
	.example = "  slackwater keygen -o /root/backup.key\n"
	           "  slackwater backup --defaults-file=/root/replica.cnf --to file:///backup \\\n"
	           "      --recipient age1...\n",
	.groups = groups,
	.log_level = LOG_LEVEL_WARNING,
	.run = keygen_run,
};
