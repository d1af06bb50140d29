/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "slackwater/fs.h"

enum { PROMPT_MAX = 1024 };

/* Signals are taken by another thread, so that Ctrl-C does not end a read(): the cancel token has to be watched beside it. */
static enum status read_byte(int tty, const struct run *run, char *ret, ssize_t *ret_n, struct error *err)
{
	struct pollfd p[2] = { { .fd = tty, .events = POLLIN }, { .fd = run->wake_fd, .events = POLLIN } };
	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return error_sys(err, ST_FAILED, ERR_UNEXPECTED, errno, "cannot wait for an answer");
	enum status st = run_check(run, err);
	if (st)
		return st;
	*ret_n = read(tty, ret, 1);
	if (*ret_n < 0 && errno != EINTR)
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot read from the terminal");
	return ST_OK;
}

static enum status read_line(int tty, const struct run *run, char line[PROMPT_MAX], struct error *err)
{
	size_t len = 0;
	for (;;) {
		char c = 0;
		ssize_t n = 0;
		enum status st = read_byte(tty, run, &c, &n, err);
		if (st)
			return st;
		if (n < 0)
			continue;
		if (n == 0 || c == '\n' || c == '\r')
			break;
		if (len + 1 >= PROMPT_MAX)
			return error_set(err, ST_FAILED, ERR_USAGE, "what was typed is longer than %d bytes", PROMPT_MAX - 1);
		line[len++] = c;
	}
	line[len] = '\0';
	return ST_OK;
}

static enum status ask(int tty, const char *text, const struct run *run, char line[PROMPT_MAX], struct error *err)
{
	struct termios before, silent;
	if (tcgetattr(tty, &before))
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot switch the terminal's echo off");
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ICANON;
	/* a process in the background is ended by its own terminal here rather than left to read nothing */
	if (tcsetattr(tty, TCSAFLUSH, &silent))
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "cannot switch the terminal's echo off");
	enum status st = fs_write_all(tty, text, strlen(text), "/dev/tty", err);
	if (!st)
		st = read_line(tty, run, line, err);
	tcsetattr(tty, TCSAFLUSH, &before);
	struct error ignored;
	(void)fs_write_all(tty, "\n", 1, "/dev/tty", &ignored);
	return st;
}

enum status prompt_password(const char *text, const struct run *run, char **ret_password, struct error *err)
{
	char line[PROMPT_MAX] = "";
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0) {
		error_set(err, ST_FAILED, ERR_USAGE, "there is no terminal to ask for the password on");
		return error_hint(err, "set SLACKWATER_PASSWORD, or put password=... into an option file with mode 0600");
	}
	enum status st = ask(tty, text, run, line, err);
	close(tty);
	char *password = st ? NULL : strdup(line);
	explicit_bzero(line, sizeof line);
	if (!st && !password)
		st = error_oom(err);
	if (!st)
		*ret_password = password;
	return st;
}

enum status prompt_yes(const char *question, const struct run *run, bool *ret, struct error *err)
{
	char line[PROMPT_MAX] = "";
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0)
		return error_sys(err, ST_FAILED, ERR_USAGE, errno, "there is no terminal to ask on");
	enum status st = fs_write_all(tty, question, strlen(question), "/dev/tty", err);
	if (!st)
		st = read_line(tty, run, line, err);
	close(tty);
	if (!st)
		*ret = strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
	return st;
}

bool prompt_possible(void)
{
	int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
	if (tty >= 0)
		close(tty);
	return tty >= 0;
}
