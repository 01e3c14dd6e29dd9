/* SPDX-License-Identifier: MIT */
#include "src/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct background {
	int pipe; /* -1 once the parent was told */
};

struct word {
	errint_t err;
	struct ic_why why;
};

static void tell(struct background *background, const struct word *word)
{
	const char *at = (const char *)word;
	size_t left = sizeof(*word);

	while (left) {
		ssize_t n = write(background->pipe, at, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* the parent is gone: nobody to tell */
		at += n;
		left -= (size_t)n;
	}
	close(background->pipe);
	background->pipe = -1;
}

static errint_t wait_for_word(int fd, pid_t child, struct ic_why *why)
{
	struct word word;
	size_t got = 0;
	ssize_t n = 1;

	while (n > 0 && got < sizeof(word)) {
		n = read(fd, (char *)&word + got, sizeof(word) - got);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			got += (size_t)n;
	}
	close(fd);
	if (got < sizeof(word)) {
		waitpid(child, NULL, 0);
		return ic_fail(why, -EIO, "the process that was to serve ended before it did");
	}
	if (word.err && why)
		*why = word.why;
	return word.err;
}

errint_t background_start(struct background **ret_background, struct ic_why *why)
{
	struct background *background = malloc(sizeof(*background));
	int fds[2];

	if (!background)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (pipe2(fds, O_CLOEXEC)) {
		free(background);
		return ic_fail(why, -errno, "pipe: %s", strerror(errno));
	}
	pid_t child = fork();
	if (child == 0) {
		close(fds[0]);
		setsid();
		background->pipe = fds[1];
		*ret_background = background;
		return 0;
	}
	int fork_errno = errno;
	free(background);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		return ic_fail(why, -fork_errno, "fork: %s", strerror(fork_errno));
	}
	*ret_background = NULL;
	return wait_for_word(fds[0], child, why);
}

static void leave_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (chdir("/"))
		return; /* then the directory it was started from stays busy; nothing worse */
}

void background_ready(struct background *background)
{
	struct word word = {0};

	if (!background || background->pipe < 0)
		return;
	leave_terminal();
	tell(background, &word);
}

void background_end(struct background *background, errint_t err, const struct ic_why *why)
{
	struct word word = {.err = err, .why = *why};

	if (!background)
		return;
	if (background->pipe >= 0)
		tell(background, &word);
	free(background);
}
