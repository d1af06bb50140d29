/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../exitcode.h"

enum { LISTEN_BACKLOG = 128, LISTEN_GROUP_MAX = 65536 };

static enum status bad_address(const char *text, struct error *err)
{
	error_set(err, ST_FAILED, ERR_USAGE, "\"%s\" is no address to listen on", text);
	return error_hint(err, "127.0.0.1:9877, [::1]:9877 or unix:/run/slackwater/http.sock");
}

/* Splits "HOST:PORT" and "[HOST]:PORT". */
static bool split(const char *text, char host[LISTEN_TEXT], in_port_t *port)
{
	const char *colon = strrchr(text, ':');
	bool bracket = *text == '[';
	if (!colon || colon == text || colon - text >= LISTEN_TEXT || !colon[1] || strlen(colon) > 6 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return false;
	unsigned long n = strtoul(colon + 1, NULL, 10);
	if (n > UINT16_MAX || (bracket && colon[-1] != ']'))
		return false;
	snprintf(host, LISTEN_TEXT, "%.*s", (int)(colon - text - 2 * bracket), text + bracket);
	*port = htons((in_port_t)n);
	return bracket || !strchr(host, ':'); /* "::1:80" could be read in two ways */
}

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static bool parse(const char *text, union address *a, socklen_t *len)
{
	char host[LISTEN_TEXT];
	in_port_t port;
	if (!split(text, host, &port))
		return false;
	memset(a, 0, sizeof *a);
	if (*text != '[' && inet_pton(AF_INET, host, &a->in.sin_addr) == 1) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = port;
		*len = sizeof a->in;
		return true;
	}
	if (inet_pton(AF_INET6, host, &a->in6.sin6_addr) != 1)
		return false;
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = port;
	*len = sizeof a->in6;
	return true;
}

static bool is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool listen_understands(const char *text, bool *ret_loopback)
{
	union address a;
	socklen_t len;
	if (!parse(text, &a, &len))
		return false;
	*ret_loopback = is_loopback(&a);
	return true;
}

/* With the port that the system chose. */
static void name(struct listen_socket *s)
{
	union address a;
	socklen_t len = sizeof a;
	char host[INET6_ADDRSTRLEN] = "";
	if (getsockname(s->fd, &a.any, &len))
		return;
	if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof host);
		snprintf(s->address, sizeof s->address, "%s:%u", host, ntohs(a.in.sin_port));
	} else {
		inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof host);
		snprintf(s->address, sizeof s->address, "[%s]:%u", host, ntohs(a.in6.sin6_port));
	}
}

static enum status open_tcp(const char *text, struct listen_socket *ret, struct error *err)
{
	union address a;
	socklen_t len;
	const int on = 1;
	struct listen_socket s = LISTEN_NONE;
	if (!parse(text, &a, &len))
		return bad_address(text, err);
	s.loopback = is_loopback(&a);
	s.fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s.fd < 0)
		return error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot listen on %s", text);
	if (setsockopt(s.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
	    (a.any.sa_family == AF_INET6 && setsockopt(s.fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
	    bind(s.fd, &a.any, len) || listen(s.fd, LISTEN_BACKLOG)) {
		error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot listen on %s", text);
		close(s.fd);
		return ST_FAILED;
	}
	name(&s);
	*ret = s;
	return ST_OK;
}

/* ---- Unix sockets ---- */

/* Who is gone leaves a file that nobody answers on. */
static enum status clear_place(const char *path, const struct sockaddr_un *a, struct error *err)
{
	struct stat st;
	if (lstat(path, &st))
		return errno == ENOENT ? ST_OK : error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ST_FAILED, ERR_USAGE, "%s is there already and is no socket", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot make a socket");
	int bad = connect(fd, (const struct sockaddr *)a, sizeof *a) ? errno : 0;
	close(fd);
	if (bad == ECONNREFUSED)
		return unlink(path) && errno != ENOENT ? error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot remove the old %s", path) : ST_OK;
	if (bad && bad != EAGAIN)
		return error_sys(err, ST_FAILED, exitcode_of_place(bad), bad, "cannot find out whether somebody answers on %s", path);
	error_set(err, ST_FAILED, ERR_BUSY, "somebody answers on %s already", path);
	return error_hint(err, "is another agent running with this configuration?");
}

static enum status find_group(const char *group, gid_t *ret, struct error *err)
{
	struct group g, *found = NULL;
	char *text = malloc(LISTEN_GROUP_MAX);
	if (!text)
		return error_oom(err);
	int bad = getgrnam_r(group, &g, text, LISTEN_GROUP_MAX, &found);
	if (found)
		*ret = g.gr_gid;
	free(text);
	if (found)
		return ST_OK;
	return bad ? error_sys(err, ST_FAILED, exitcode_of_place(bad), bad, "cannot look up the group %s", group)
	           : error_set(err, ST_FAILED, ERR_USAGE, "there is no group %s", group);
}

/* The file is made with the mode of the socket's own inode, so it is nobody else's until the group is right. */
static enum status bind_file(int fd, const struct sockaddr_un *a, const char *path, const char *group, struct error *err)
{
	gid_t gid = (gid_t)-1;
	enum status st = group ? find_group(group, &gid, err) : ST_OK;
	if (st)
		return st;
	if (fchmod(fd, 0600) || bind(fd, (const struct sockaddr *)a, sizeof *a))
		return error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot listen on %s", path);
	if (group && chown(path, (uid_t)-1, gid)) {
		error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot give %s to the group %s", path, group);
		error_hint(err, "the agent's user has to be a member of that group");
	} else if (chmod(path, 0660) || listen(fd, LISTEN_BACKLOG)) {
		error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot listen on %s", path);
	} else {
		return ST_OK;
	}
	unlink(path);
	return ST_FAILED;
}

enum status listen_unix(const char *path, const char *group, struct listen_socket *ret, struct error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct listen_socket s = { .fd = -1, .unix_socket = true, .loopback = true };
	if (*path != '/' || strlen(path) >= sizeof a.sun_path) {
		error_set(err, ST_FAILED, ERR_USAGE, "\"%s\" cannot be a socket", path);
		return error_hint(err, "an absolute path of at most %zu bytes", sizeof a.sun_path - 1);
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	enum status st = clear_place(path, &a, err);
	if (st)
		return st;
	s.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s.fd < 0)
		return error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "cannot make a socket");
	st = bind_file(s.fd, &a, path, group, err);
	if (!st && lstat(path, &s.file))
		st = error_sys(err, ST_FAILED, exitcode_of_place(errno), errno, "%s was removed at once", path);
	if (st) {
		close(s.fd);
		return st;
	}
	snprintf(s.address, sizeof s.address, "unix:%s", path);
	*ret = s;
	return ST_OK;
}

enum status listen_open(const char *text, struct listen_socket *ret, struct error *err)
{
	if (!strncmp(text, "unix:", 5))
		return listen_unix(text + 5, NULL, ret, err);
	return open_tcp(text, ret, err);
}

void listen_close(struct listen_socket *s)
{
	struct stat now;
	const char *path = s->unix_socket ? s->address + 5 : NULL;
	if (path && *s->address && !lstat(path, &now) && now.st_dev == s->file.st_dev && now.st_ino == s->file.st_ino)
		unlink(path);
	if (s->fd >= 0)
		close(s->fd);
	*s = LISTEN_NONE;
}
