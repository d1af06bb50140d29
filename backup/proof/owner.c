/* SPDX-License-Identifier: Apache-2.0 */
#include "owner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "slackwater/fs.h"

enum { OWNER_TEXT = 128, OWNER_PATH = 4096, OWNER_START_FIELD = 22 };

static const char owner_format[] = "%" SCNd64 " %" SCNu64 " %" SCNd64 " %" SCNu64;

static bool owner_read(int dir, const char *path, char *out, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* When a process began, in the kernel's ticks: a number that is used again began later. 0 = there is none. */
static uint64_t owner_started(int64_t pid)
{
	char path[64], text[1024];
	uint64_t ticks = 0;
	snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
	if (pid <= 0 || !owner_read(AT_FDCWD, path, text, sizeof text))
		return 0;
	const char *p = strrchr(text, ')'); /* the name before it may hold anything */
	for (int field = 2; p && field < OWNER_START_FIELD; field++)
		if ((p = strchr(p, ' ')))
			p++;
	return p && sscanf(p, "%" SCNu64, &ticks) == 1 ? ticks : 0;
}

enum status proof_owner_write(const char *top, pid_t server, struct error *err)
{
	char path[OWNER_PATH], text[OWNER_TEXT];
	int64_t we = getpid();
	snprintf(path, sizeof path, "%s/owner", top);
	snprintf(text, sizeof text, "%" PRId64 " %" PRIu64 " %" PRId64 " %" PRIu64 "\n", we, owner_started(we), (int64_t)server, owner_started(server));
	return fs_write_file_atomic(path, text, strlen(text), 0600, err);
}

bool proof_owner_end(int top)
{
	char text[OWNER_TEXT];
	int64_t owner = 0, server = 0;
	uint64_t owner_start = 0, server_start = 0;
	if (!owner_read(top, "owner", text, sizeof text) || sscanf(text, owner_format, &owner, &owner_start, &server, &server_start) != 4)
		return false;
	if (!owner_start || owner_started(owner) == owner_start)
		return false;
	if (server <= 1 || server > INT32_MAX || !server_start || owner_started(server) != server_start)
		return false;
	return kill((pid_t)-server, SIGKILL) == 0;
}
