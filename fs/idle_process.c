/* SPDX-License-Identifier: MIT */
/* The process that searches for a mount: what it gives up, and what it may take. */
#include "fs/idle_priv.h"
#include "fs/priority.h"
#include "search/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Bytes of memory that a limit on data counts already; under a sanitizer terabytes. */
static uint64_t data_nbytes(void)
{
	unsigned long long npages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%*u %*u %*u %*u %*u %llu", &npages) != 1)
		npages = 0;
	if (file)
		fclose(file);
	return npages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* `grace` is how much more the hard limit is. */
static void limit(int resource, uint64_t most, uint64_t grace)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit))
		return;
	if (limit.rlim_max == RLIM_INFINITY || most + grace < limit.rlim_max)
		limit.rlim_max = most + grace;
	limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
	setrlimit(resource, &limit);
}

/* First to go where memory is short. */
static void volunteer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) < 0)
		errno = 0; /* then it is as good as any other */
	close(fd);
}

/* Nobody is to wait for the end of what we hold: a terminal, a pipe, a directory. */
static void let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/"))
		errno = 0; /* then that stays busy */
}

_Noreturn void idle_process(struct idle_work *work)
{
	struct idle_order order;

	let_go();
	prctl(PR_SET_NAME, "icfs-search");
	priority_become_idle();
	volunteer();
	if (probe_prepare())
		_exit(1);
	limit(RLIMIT_CORE, 0, 0);
	if (work->settings.seconds_max)
		limit(RLIMIT_CPU, work->settings.seconds_max, 1); /* SIGXCPU, and a second later SIGKILL */
	limit(RLIMIT_DATA, data_nbytes() + work->settings.memory_nbytes, 0);
	while (!idle_wait(work, -1, &order))
		;
	source_hide_device(work->source, order.hidden);
	idle_search(work);
}
