/* SPDX-License-Identifier: Apache-2.0 */
/* The shared files: ~/.aws/credentials and ~/.aws/config. Only keys that stand there as they are; a profile that gets them elsewhere is refused. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "slackwater/fs.h"
#include "store/s3/cred_profile.h"

enum { CRED_PROFILE_MAX = 1 << 20, CRED_PROFILE_PATH = 1024 };

static char *cred_profile_trim(char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	size_t len = strlen(text);
	while (len && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* "[name]", in the config file "[profile name]" unless it is the default one. */
static bool cred_profile_is(char *line, const char *profile, bool config)
{
	char *end = strchr(line, ']');
	if (!end)
		return false;
	*end = '\0';
	char *name = cred_profile_trim(line + 1);
	bool prefixed = config && strncmp(name, "profile", 7) == 0 && (name[7] == ' ' || name[7] == '\t');
	if (config && !prefixed && strcmp(profile, "default") != 0)
		return false;
	return strcmp(prefixed ? cred_profile_trim(name + 7) : name, profile) == 0;
}

/* Lines are cut up in place. A setting's own sub-settings are indented: they are not ours. */
bool cred_profile_get(char *text, const char *profile, bool config, const char *key, struct buf *ret)
{
	bool inside = false, found = false;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		bool indented = *line == ' ' || *line == '\t';
		char *at = cred_profile_trim(line);
		if (!*at || *at == '#' || *at == ';')
			continue;
		if (*at == '[') {
			inside = cred_profile_is(at, profile, config);
			continue;
		}
		char *equals = strchr(at, '=');
		if (!inside || indented || !equals)
			continue;
		*equals = '\0';
		if (strcmp(cred_profile_trim(at), key) != 0)
			continue;
		buf_clear(ret);
		buf_adds(ret, cred_profile_trim(equals + 1));
		found = true;
	}
	return found;
}

static bool cred_profile_path(const char *variable, const char *name, char path[CRED_PROFILE_PATH])
{
	const char *given = cred_getenv(variable), *home = cred_getenv("HOME");
	if (!given && !home)
		return false;
	return (given ? snprintf(path, CRED_PROFILE_PATH, "%s", given) : snprintf(path, CRED_PROFILE_PATH, "%s/.aws/%s", home, name)) <
	       CRED_PROFILE_PATH;
}

/* The value of key in the one file; a file that is not there has none. */
static enum status cred_profile_look(bool config, const char *profile, const char *key, struct buf *ret, struct error *err)
{
	char path[CRED_PROFILE_PATH];
	struct buf text = BUF_INIT(CRED_PROFILE_MAX);
	text.secret = 1;
	if (!cred_profile_path(config ? "AWS_CONFIG_FILE" : "AWS_SHARED_CREDENTIALS_FILE", config ? "config" : "credentials", path) ||
	    access(path, F_OK) != 0)
		return ST_OK;
	enum status st = fs_read_file(path, &text, err);
	if (!st && text.data)
		(void)cred_profile_get(text.data, profile, config, key, ret);
	buf_free(&text);
	return st ? st : buf_check(ret, path, err);
}

static const char *cred_profile_name(void)
{
	const char *name = cred_getenv("AWS_PROFILE");
	return name ? name : "default";
}

enum status cred_profile_setting(const char *key, struct buf *ret, struct error *err)
{
	return cred_profile_look(true, cred_profile_name(), key, ret, err);
}

static enum status cred_profile_either(const char *profile, const char *key, struct buf *ret, struct error *err)
{
	enum status st = cred_profile_look(false, profile, key, ret, err);
	return st || ret->len ? st : cred_profile_look(true, profile, key, ret, err);
}

/* What a profile may have instead of keys. We run no other programs and speak to no identity center: whoever can do that hands the keys over. */
static const char *cred_profile_instead(const char *profile)
{
	static const struct { const char *key, *what; } instead[] = {
		{ "role_arn", "a role to assume" },
		{ "credential_process", "a program that hands them out" },
		{ "sso_session", "a single sign-on" },
		{ "sso_start_url", "a single sign-on" },
		{ "web_identity_token_file", "a token to exchange for them" },
	};
	struct error ignored;
	const char *what = NULL;
	for (size_t i = 0; !what && i < sizeof instead / sizeof instead[0]; i++) {
		struct buf value = BUF_INIT(CRED_PROFILE_PATH);
		if (cred_profile_either(profile, instead[i].key, &value, &ignored) == ST_OK && value.len)
			what = instead[i].what;
		buf_free(&value);
	}
	return what;
}

static enum status cred_profile_without(const char *profile, struct error *err)
{
	const char *instead = cred_profile_instead(profile);
	if (!instead && !cred_getenv("AWS_PROFILE"))
		return ST_OK;
	error_set(err, ST_FAILED, ERR_STORE, "the profile %.100s has no keys%s%s", profile, instead ? ", but " : "", instead ? instead : "");
	if (instead)
		error_hint(err, "get them beforehand (`aws configure export-credentials --profile %.60s --format env` shows them) and hand over "
		           "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN", profile);
	else
		error_hint(err, "AWS_PROFILE names it; look into ~/.aws/credentials");
	return ST_FAILED;
}

enum status cred_profile(const char *region, const struct run *run, struct cred_keys *ret, struct error *err)
{
	(void)region;
	(void)run;
	const char *profile = cred_profile_name();
	struct buf access_key = BUF_INIT(CRED_PROFILE_PATH), secret = BUF_INIT(CRED_PROFILE_PATH), token = BUF_INIT(16 << 10);
	secret.secret = token.secret = 1;
	enum status st = cred_profile_either(profile, "aws_access_key_id", &access_key, err);
	if (!st && access_key.len)
		st = cred_profile_either(profile, "aws_secret_access_key", &secret, err);
	if (!st && access_key.len)
		st = cred_profile_either(profile, "aws_session_token", &token, err);
	if (!st && access_key.len)
		st = cred_set(ret, "a profile of ~/.aws", access_key.data, buf_str(&secret), buf_str(&token), err);
	else if (!st)
		st = cred_profile_without(profile, err);
	buf_free(&access_key);
	buf_free(&secret);
	buf_free(&token);
	return st;
}
