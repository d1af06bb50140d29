/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection: from the command line, the environment and option files to conn_options.
 *
 * What is nearer wins: command line, then SLACKWATER_PASSWORD, then the groups [slackwaterSUFFIX] [slackwater] [clientSUFFIX]
 * [client], then the defaults. A port given on the command line means TCP, a socket given there means the local server: with
 * the clients of old, -P alone silently reaches whatever listens on the default socket.
 */
#pragma once

#include "config.h"
#include "slackwater/optfile.h"

/* NULL (and ST_OK) with --no-defaults. A file that others may read and that --defaults-... names is warned of. */
enum status connection_files(const struct config *c, struct event_sink *events, struct optfile **ret, struct error *err);
/* files may be NULL. Asks for the password with -p. */
enum status connection_options(const struct config *c, const struct optfile *files, const struct run *run,
                               struct conn_options *ret, struct error *err);
/* The account and TLS settings of base at another HOST[:PORT]; the groups [slackwater-checksum...] go first. */
enum status connection_elsewhere(const char *where, const struct config *c, const struct optfile *files,
                                 const struct conn_options *base, struct conn_options *ret, struct error *err);
extern const struct conn_names connection_elsewhere_names;
/* Apply "GROUP" + suffix, then "GROUP", to what is unset in o. In a group of ours an unknown key is an error: [client] has keys for others. */
enum status connection_apply_group(const struct config *c, const struct optfile *files, const char *group,
                                   struct conn_options *o, struct error *err);
/* HOST, HOST:PORT, [IPV6], [IPV6]:PORT. *ret_host is the caller's; *ret_port is 0 when there is none. what names it in errors. */
enum status connection_address(const char *text, const char *what, char **ret_host, unsigned *ret_port, struct error *err);
/* ERR_USAGE naming a key of group that no connection knows. */
enum status connection_check_group(const struct optfile *files, const char *group, struct error *err);
/*
 * Of the options of an [instance] section, which are those of a command line. *ret_config (NULL = not wanted) borrows from options, and is the
 * caller's to free, in every case. Nothing is asked of anybody: a password is in a file.
 */
enum status connection_of_instance(const struct strlist *options, struct event_sink *events, const struct run *run, struct config *ret_config,
                                   struct conn_options *ret, struct error *err);
/* *slot = copy of value, unless value is NULL. */
enum status connection_copy(char **slot, const char *value, struct error *err);
