/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optfile: reading my.cnf-style option files. The client libraries read them too, but each ignores some options in silence
 * (Debian's Connector/C: ssl-mode), so they are read here and every value is handed to the library explicitly.
 * Understands [group], key, key=value, quotes, escapes (\n \t \s \\ ...), comments, dashes and underscores alike, !include, !includedir,
 * loose-. A file that others may write (mode o+w) is an error; later values win. Values are zeroed on free: they may be passwords.
 */
#pragma once

#include "slackwater/conn.h"

struct optfile;

/* default_files: read the customary places too (/etc/my.cnf, /etc/mysql/my.cnf, ~/.my.cnf); extra (may be NULL) is read between global and user files; only
 * (may be NULL): this file and nothing else. */
enum status optfile_read(struct optfile **ret, const char *only, const char *extra, struct error *err);
void optfile_free(struct optfile *f);
/* Last value of key in group, NULL if absent, "" if it stands without a value. Owned by f. */
const char *optfile_get(const struct optfile *f, const char *group, const char *key);
/* The i-th key that stands in group (loose- ones do not count) and where, NULL behind the last. A group of our own can so be checked for typing errors. */
const char *optfile_key(const struct optfile *f, const char *group, size_t i, const char **ret_file, unsigned *ret_line);
/* Fill what is unset in o from the group: host port user password socket ssl-mode ssl-ca ssl-cert ssl-key get-server-public-key, and
 * ssl/skip-ssl/ssl-verify-server-cert as MariaDB clients have them. Where o names a CA already, no group makes TLS less than VERIFY_CA. An unknown
 * ssl-mode is ERR_USAGE. */
enum status optfile_apply(const struct optfile *f, const char *group, struct conn_options *o, struct error *err);
