/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slackwater/age.h"
#include "words.h"

enum { INSPECT_PATH_MAX = 4096 };

struct place {
	const struct section *section;
	const char *key;
	struct mistakes *mistakes;
};

/* ---- files ---- */

static void readable(const struct place *p, const char *path, bool secret)
{
	struct stat sb;
	if (stat(path, &sb))
		section_wrong(p->section, p->key, p->mistakes, "", "%s: %.200s: %s", p->key, path, strerror(errno));
	else if (!S_ISREG(sb.st_mode))
		section_wrong(p->section, p->key, p->mistakes, "", "%s: %.200s is no file", p->key, path);
	else if (access(path, R_OK))
		section_wrong(p->section, p->key, p->mistakes, "the agent's user has to be able to read it", "%s: %.200s: %s", p->key, path, strerror(errno));
	else if (secret && sb.st_mode & (S_IROTH | S_IWOTH))
		section_wrong(p->section, p->key, p->mistakes, "chmod o-rwx", "%s: %.200s holds a secret and is open to every user of this host", p->key, path);
}

/* A directory that is there, or can be made: the first of its parents that exists decides. */
static void writable_dir(const struct place *p, const char *path)
{
	char dir[INSPECT_PATH_MAX];
	struct stat sb;
	snprintf(dir, sizeof dir, "%s", path);
	while (stat(dir, &sb) && errno == ENOENT && strrchr(dir, '/') != dir)
		*strrchr(dir, '/') = '\0';
	if (stat(dir, &sb))
		snprintf(dir, sizeof dir, "/");
	if (!stat(dir, &sb) && !S_ISDIR(sb.st_mode))
		section_wrong(p->section, p->key, p->mistakes, "", "%s: %.200s is no directory", p->key, dir);
	else if (access(dir, W_OK | X_OK))
		section_wrong(p->section, p->key, p->mistakes, "the agent's user has to be able to write there", "%s: %.200s: %s", p->key, dir, strerror(errno));
}

static void parent_writable(const struct place *p, const char *path)
{
	char dir[INSPECT_PATH_MAX];
	snprintf(dir, sizeof dir, "%s", path);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	if (access(path, F_OK) || errno == ENOTDIR)
		writable_dir(p, dir);
	else if (access(path, W_OK))
		section_wrong(p->section, p->key, p->mistakes, "the agent's user has to be able to write it", "%s: %.200s: %s", p->key, path, strerror(errno));
}

/* ---- keys ---- */

static void recipient(const struct place *p, const char *text)
{
	struct age_recipients *r = NULL;
	struct error why = ERROR_INIT;
	if (age_recipients_new(&r, &why) || age_recipients_add(r, text, &why))
		section_mistake(p->section, p->key, p->mistakes, &why);
	age_recipients_free(r);
}

static void identity(const struct place *p, const char *path)
{
	struct age_keyring *k = NULL;
	struct error why = ERROR_INIT;
	size_t before = p->mistakes->n;
	readable(p, path, true);
	if (p->mistakes->n == before && (age_keyring_new(&k, &why) || age_keyring_add_file(k, path, &why)))
		section_mistake(p->section, p->key, p->mistakes, &why);
	age_keyring_free(k);
}

/* The first word of the first line is the program. */
static void program(const struct place *p, const struct strlist *lines)
{
	struct strlist words = { 0 };
	struct error ignored;
	struct stat sb;
	if (lines->n && !words_split(lines->item[0], &words, &ignored) && words.n && *words.item[0] == '/') {
		if (stat(words.item[0], &sb))
			section_wrong(p->section, p->key, p->mistakes, "", "%s: %.200s: %s", p->key, words.item[0], strerror(errno));
		else if (!S_ISREG(sb.st_mode) || access(words.item[0], X_OK))
			section_wrong(p->section, p->key, p->mistakes, "chmod +x", "%s: %.200s cannot be executed", p->key, words.item[0]);
	}
	strlist_free(&words);
}

static bool is_secret(const char *key)
{
	static const char *const secret[] = { "token-file", "tls-key", "credentials-file", "ssl-key", "proof-source-ssl-key" };
	for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
		if (!strcmp(key, secret[i]))
			return true;
	return false;
}

static void entry(const struct section *s, const struct lines_entry *e, struct mistakes *m)
{
	const struct place p = { s, e->key, m };
	enum known_for takes;
	const struct option *o = known_find(s->kind, e->key, &takes);
	if (!o || !o->value || !*e->value)
		return;
	if (!strcmp(e->key, "log-file"))
		parent_writable(&p, e->value);
	else if (!strcmp(e->key, "state-dir") || !strcmp(o->value, "DIR"))
		writable_dir(&p, e->value);
	else if (!strcmp(o->value, "age1...|FILE"))
		recipient(&p, e->value);
	else if (!strcmp(o->name, "identity"))
		identity(&p, e->value);
	else if (!strcmp(o->value, "FILE") && *e->value == '/')
		readable(&p, e->value, is_secret(e->key));
}

/* ---- sections ---- */

static void agent(const struct section *s, struct mistakes *m)
{
	const char *group = s->own.agent.control_group;
	char room[4096];
	struct group found, *at = NULL;
	if (group && (getgrnam_r(group, &found, room, sizeof room, &at) || !at))
		section_wrong(s, "control-group", m, "", "control-group: there is no group %.60s on this host", group);
}

static void snapshot(const struct section *s, struct mistakes *m)
{
	const struct known_snapshot *k = &s->own.snapshot;
	program(&(struct place){ s, "run-before", m }, &k->before);
	program(&(struct place){ s, "run-after", m }, &k->after);
	program(&(struct place){ s, "run-on-failure", m }, &k->failure);
	if (k->proof_schedule && section_entry(s, "recipient") && !section_entry(s, "proof-identity"))
		section_wrong(s, "proof-schedule", m, "proof-identity = FILE names their secret key",
		      "its snapshots are encrypted and there is no proof-identity: no proof could open them");
}

void inspect_sections(const struct sections *all, struct mistakes *m)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct section *s = &all->item[i];
		for (size_t k = 0; k < s->lines->n; k++)
			entry(s, &s->lines->entry[k], m);
		if (s->kind == KNOWN_AGENT)
			agent(s, m);
		if (s->kind == KNOWN_SNAPSHOT)
			snapshot(s, m);
	}
}
