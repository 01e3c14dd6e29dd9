/* SPDX-License-Identifier: MIT */
/*
 * The keeper is forked off a process with threads, so that it may call nothing but what is safe in a signal handler, to its
 * end.
 */
#include "search/child.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CANCEL_MS 100     /* between looks at `cancelled` */
#define SWEEP_MS 5        /* between looks for descendants that are not gone yet */
#define PIPE_READS_MAX 32 /* of 64 KiB: twice what an unprivileged pipe can hold */
#define SWEEP_BLIND 1000  /* sweeps, where the kernel does not list children and some may have left their group */

/* What became of the program: what the keeper leaves for its parent. */
struct outcome {
	int status;
	bool is_started; /* and has a status */
	int err;         /* of starting it */
};

/* --- The keeper --------------------------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
	struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

static void become_program(const char *line, int output, pid_t keeper)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(127);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	_exit(127);
}

/* Kill each child in a listing of the kernel's, "12 345 ". False where there is no such listing. */
static bool kill_children(const char *list)
{
	char bytes[4096];
	pid_t pid = 0;
	ssize_t n;
	int fd = open(list, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9') {
				pid = pid * 10 + (bytes[i] - '0');
				continue;
			}
			if (pid > 1)
				kill(pid, SIGKILL);
			pid = 0;
		}
	close(fd);
	return true;
}

/* Until nobody is left: who is killed leaves its children to us. */
static void sweep(pid_t program)
{
	unsigned nblind = 0;

	kill(-program, SIGKILL);
	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);
		if (pid < 0 && errno == ECHILD)
			return;
		if (pid > 0)
			continue;
		if (!kill_children("/proc/thread-self/children") && ++nblind > SWEEP_BLIND)
			return;
		pause_ms(SWEEP_MS);
	}
}

/* Wait for the program to end, or for the word to stop it; orphans that end are reaped on the way. */
static void watch(pid_t program, const sigset_t *signals, struct outcome *outcome)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);
		if (pid == program) {
			outcome->status = status;
			outcome->is_started = true;
			return;
		}
		if (pid > 0)
			continue;
		int number = sigwaitinfo(signals, NULL);
		if (number == SIGTERM) {
			outcome->status = SIGKILL; /* as waitpid would say */
			outcome->is_started = true;
			return;
		}
	}
}

static void keep(const char *line, int output, pid_t parent, struct outcome *outcome)
{
	sigset_t signals;

	/* All are blocked. A disposition of "ignored" would have the kernel reap what we wait for. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) || getppid() != parent) {
		outcome->err = errno ? errno : ESRCH;
		_exit(1);
	}
	setpgid(0, 0); /* Ctrl-C is the caller's to understand */
	/* No descriptor of the caller's stays open here: locks and other pipes would live on with us. */
	dup2(output, STDOUT_FILENO);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	pid_t keeper = getpid(), program = fork();
	if (program < 0) {
		outcome->err = errno;
		_exit(1);
	}
	if (!program)
		become_program(line, STDOUT_FILENO, keeper);
	watch(program, &signals, outcome);
	sweep(program);
	_exit(0);
}

/* --- The caller --------------------------------------------------------------------------------------------------- */

/* Pass on what is there to be read; false where nothing is. */
static bool pass_on(const struct child_settings *settings, int input)
{
	char bytes[65536];
	ssize_t n = read(input, bytes, sizeof(bytes));

	if (n > 0)
		settings->output(settings->context, bytes, (size_t)n);
	return n > 0;
}

/* Read and watch the clock until the keeper is gone. */
static void attend(const struct child_settings *settings, pid_t keeper, int ended, int input, double start_s,
                   struct child_report *report)
{
	struct pollfd polled[] = {{.fd = input, .events = POLLIN}, {.fd = ended, .events = POLLIN}};

	while (poll(polled, 2, CANCEL_MS) >= 0 || errno == EINTR) {
		bool is_stopped = report->is_timed_out || report->is_cancelled;
		if (polled[0].revents && !pass_on(settings, input))
			polled[0].fd = -1; /* its end: closed by all */
		if (polled[1].revents)
			break;
		report->is_timed_out |= !is_stopped && settings->timeout_s > 0 &&
		                        clock_s(CLOCK_MONOTONIC) - start_s > settings->timeout_s;
		report->is_cancelled |= !is_stopped && settings->cancelled && atomic_load(settings->cancelled);
		if (!is_stopped && (report->is_timed_out || report->is_cancelled))
			kill(keeper, SIGTERM);
	}
	/* What is in the pipe is all, unless somebody was handed it who is not ours: no more than a pipe holds. */
	for (int i = 0; polled[0].fd >= 0 && i < PIPE_READS_MAX && pass_on(settings, input); i++)
		;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

/* The keeper runs, or never did (-1, errno). */
static errint_t follow(const struct child_settings *settings, pid_t keeper, int input, const struct outcome *outcome,
                       struct child_report *ret_report, struct ic_why *why)
{
	double start_s = clock_s(CLOCK_MONOTONIC);
	struct child_report report = {0};
	struct rusage usage;
	int status, ended = keeper > 0 ? (int)syscall(SYS_pidfd_open, keeper, 0) : -1, err = errno;

	if (ended < 0) {
		if (keeper > 0) {
			kill(keeper, SIGTERM);
			waitpid(keeper, NULL, 0);
		}
		return ic_fail(why, -err, "the command cannot be started: %s", strerror(err));
	}
	attend(settings, keeper, ended, input, start_s, &report);
	close(ended);
	while (wait4(keeper, &status, 0, &usage) < 0 && errno == EINTR)
		;
	if (!outcome->is_started)
		return outcome->err ? ic_fail(why, -outcome->err, "the command cannot be started: %s",
		                              strerror(outcome->err))
		                    : ic_fail(why, -EIO, "the process that watches the command was killed");
	report.wall_s = clock_s(CLOCK_MONOTONIC) - start_s;
	report.processor_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
	report.status = outcome->status;
	*ret_report = report;
	return 0;
}

errint_t child_run(const struct child_settings *settings, struct child_report *ret_report, struct ic_why *why)
{
	struct outcome *outcome =
	        mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), keeper;
	sigset_t all, before;
	int output[2];

	if (outcome == MAP_FAILED)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (pipe2(output, O_CLOEXEC)) {
		errint_t err = ic_fail(why, -errno, "the command cannot be started: %s", strerror(errno));
		munmap(outcome, sizeof(*outcome));
		return err;
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	keeper = fork();
	if (!keeper)
		keep(settings->line, output[1], parent, outcome);
	int fork_errno = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(output[1]);
	errno = fork_errno;
	errint_t err = follow(settings, keeper, output[0], outcome, ret_report, why);
	close(output[0]);
	munmap(outcome, sizeof(*outcome));
	return err;
}
