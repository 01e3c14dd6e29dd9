/* SPDX-License-Identifier: MIT */
#include "fs/idle_priv.h"
#include "search/subject.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY_MIN ((uint64_t)128 << 20)
#define RESULTS_MAX 100 /* told of; a tree may have any number of directories */

struct result {
	char *line;
	struct result *next;
};

struct idle {
	struct idle_settings settings;
	struct log *log;
	int64_t opened_ns; /* since the epoch */
	pid_t process;     /* 0 once it has ended */
	int socket;
	atomic_bool is_started;
	_Atomic dev_t hidden;

	pthread_mutex_t lock; /* over what follows, and the process's end */
	struct idle_report report;
	bool has_report;
	char ended[200]; /* why it did; "" while it runs */
	struct result *results, **last;
	uint64_t nresults, nchosen, nfailed;
};

struct idle_settings idle_settings_default(void)
{
	return (struct idle_settings){
	        .nevaluations = 150,
	        .seconds_max = 3600,
	        .memory_nbytes = (uint64_t)1 << 30,
	        .disk_nbytes = (uint64_t)4 << 30,
	};
}

/* --- Beginning ---------------------------------------------------------------------------------------------------- */

/* The process has another working directory. */
static errint_t make_absolute(const char *path, char **ret_path)
{
	char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	int n = -1;

	if (*path == '/' || here)
		n = asprintf(ret_path, "%s%s%s", here ? here : "", here ? "/" : "", path);
	free(here);
	return n < 0 ? -ENOMEM : 0;
}

static void clear_work(struct idle_work *work)
{
	source_free(work->source);
	policy_file_free(work->tree);
	free(work->catalog);
	free(work->scratch);
	free(work->mountpoint);
}

static errint_t prepare(const struct idle_settings *settings, const struct idle_tree *tree, struct idle_work *work,
                        struct ic_why *why)
{
	*work = (struct idle_work){.settings = *settings, .options = *tree->options, .socket = -1};
	if (tree->catalog && !*tree->catalog)
		return ic_fail(why, -EINVAL, "search=idle: needs a catalog for what it finds");
	if (settings->nevaluations < 4 || settings->nevaluations > IC_DESIGN_COUNT)
		return ic_fail(why, -EINVAL, "search_evaluations: expected 4..%d", IC_DESIGN_COUNT);
	if (settings->memory_nbytes < MEMORY_MIN)
		return ic_fail(why, -EINVAL, "search_memory: expected 128M or more");
	work->mountpoint = realpath(tree->mountpoint, NULL);
	if (!work->mountpoint)
		return ic_fail(why, -errno, "mount point %s: %s", tree->mountpoint, strerror(errno));
	if (tree->catalog && make_absolute(tree->catalog, &work->catalog))
		return ic_fail(why, -ENOMEM, "out of memory");
	if (settings->disk_nbytes && make_absolute(subject_scratch_default(), &work->scratch))
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = source_new(tree->source, tree->follow, &work->source, why);
	if (!err && tree->policy_file)
		err = policy_file_open(tree->policy_file, &work->tree, why);
	return err;
}

/* The process, with its end of the socket; it is killed when we are. */
static errint_t start(struct idle_work *work, pid_t *ret_process, int *ret_socket, struct ic_why *why)
{
	pid_t us = getpid();
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return ic_fail(why, -errno, "a socket to search by: %s", strerror(errno));
	pid_t process = fork();
	if (process == 0) {
		close(sockets[0]);
		work->socket = sockets[1];
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != us)
			_exit(1);
		idle_process(work);
	}
	int fork_errno = errno;
	close(sockets[1]);
	if (process < 0) {
		close(sockets[0]);
		return ic_fail(why, -fork_errno, "fork: %s", strerror(fork_errno));
	}
	*ret_process = process;
	*ret_socket = sockets[0];
	return 0;
}

errint_t idle_new(const struct idle_settings *settings, const struct idle_tree *tree, struct log *log,
                  struct idle **ret_idle, struct ic_why *why)
{
	struct idle *idle = calloc(1, sizeof(*idle));
	struct idle_work work;

	if (!idle)
		return ic_fail(why, -ENOMEM, "out of memory");
	idle->settings = *settings;
	idle->log = log;
	idle->opened_ns = clock_ns(CLOCK_REALTIME);
	idle->last = &idle->results;
	errint_t err = prepare(settings, tree, &work, why);
	if (!err)
		err = start(&work, &idle->process, &idle->socket, why);
	clear_work(&work);
	if (err) {
		free(idle);
		return err;
	}
	pthread_mutex_init(&idle->lock, NULL);
	*ret_idle = idle;
	return 0;
}

void idle_free(struct idle *idle)
{
	if (!idle)
		return;
	if (idle->process) {
		kill(idle->process, SIGKILL);
		waitpid(idle->process, NULL, 0);
	}
	close(idle->socket);
	while (idle->results) {
		struct result *next = idle->results->next;
		free(idle->results->line);
		free(idle->results);
		idle->results = next;
	}
	pthread_mutex_destroy(&idle->lock);
	free(idle);
}

/* --- To the process ----------------------------------------------------------------------------------------------- */

/* A full socket holds orders that the process has not taken yet: any of them has it look again. */
static void order(struct idle *idle)
{
	struct idle_order order = {.hidden = atomic_load(&idle->hidden)};

	send(idle->socket, &order, sizeof(order), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void idle_start(struct idle *idle, dev_t hidden)
{
	atomic_store(&idle->hidden, hidden);
	atomic_store(&idle->is_started, true);
	order(idle);
}

void idle_policy_changed(void *context, int64_t when_ns)
{
	struct idle *idle = context;

	/* One that is older was read for the first time: it was there when the tree was gone through. */
	if (when_ns >= idle->opened_ns && atomic_load(&idle->is_started))
		order(idle);
}

/* --- From the process; the lock is held --------------------------------------------------------------------------- */

static void keep_result(struct idle *idle, const char *line)
{
	struct result *result = calloc(1, sizeof(*result));
	char *copy = strdup(line);

	if (!result || !copy) {
		free(result);
		free(copy);
		return; /* the log has it */
	}
	result->line = copy;
	*idle->last = result;
	idle->last = &result->next;
	if (++idle->nresults <= RESULTS_MAX)
		return;
	struct result *first = idle->results;
	idle->results = first->next;
	idle->nresults--;
	free(first->line);
	free(first);
}

/* The process may be in any state: nothing that it says is believed. */
static bool is_sound(const struct idle_report *report)
{
	return (unsigned)report->phase < IDLE_NPHASES && (!report->has_best || ic_design_is_valid(&report->best));
}

static void take_report(struct idle *idle, struct idle_report *report)
{
	char line[sizeof(report->directory) + sizeof(report->words) + 8];

	if (!is_sound(report))
		return;
	report->directory[sizeof(report->directory) - 1] = report->words[sizeof(report->words) - 1] = 0;
	idle->report = *report;
	idle->has_report = true;
	if (!report->is_result)
		return;
	idle->nchosen += report->is_chosen;
	idle->nfailed += !report->is_chosen;
	snprintf(line, sizeof(line), "/%s: %s", report->directory, report->words);
	log_write(idle->log, report->is_chosen ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "search of %s", line);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?'; /* one line, whatever the name is */
	keep_result(idle, line);
}

static void take_end(struct idle *idle)
{
	int status = 0;

	waitpid(idle->process, &status, 0);
	idle->process = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		snprintf(idle->ended, sizeof(idle->ended),
		         "since its processor time is used up; the next mount goes on where it was (-o search_time=)");
	else if (WIFSIGNALED(status))
		snprintf(idle->ended, sizeof(idle->ended), "by signal %d (%s); the mount does without",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(idle->ended, sizeof(idle->ended), "with status %d; the mount does without",
		         WEXITSTATUS(status));
	log_write(idle->log, LOG_LEVEL_WARNING, "the search ended %s", idle->ended);
}

static void listen_locked(struct idle *idle)
{
	struct idle_report report;

	while (idle->process) {
		ssize_t n = recv(idle->socket, &report, sizeof(report), MSG_DONTWAIT);
		if (n == (ssize_t)sizeof(report))
			take_report(idle, &report);
		else if (n >= 0 || errno == ECONNRESET)
			take_end(idle);
		else if (errno != EINTR)
			return;
	}
}

void idle_listen(struct idle *idle)
{
	pthread_mutex_lock(&idle->lock);
	listen_locked(idle);
	pthread_mutex_unlock(&idle->lock);
}

/* --- In words; the lock is held ----------------------------------------------------------------------------------- */

static void put_name(FILE *out, const char *name)
{
	putc('/', out);
	for (; *name; name++)
		putc((unsigned char)*name < ' ' ? '?' : *name, out);
}

static void put_state(const struct idle *idle, FILE *out)
{
	static const char *const words[IDLE_NPHASES] = {"preparing ", "searching ", "waiting"};
	const struct idle_report *report = &idle->report;

	fputs("state: ", out);
	if (idle->ended[0]) {
		fprintf(out, "ended %s\n", idle->ended);
		return;
	}
	if (!idle->has_report) {
		fputs("starting\n", out);
		return;
	}
	fputs(words[report->phase], out);
	if (report->phase != IDLE_WAITING)
		put_name(out, report->directory);
	if (report->phase == IDLE_SEARCHING)
		fprintf(out, ", %" PRIu64 " of %" PRIu64 " evaluations, %" PRIu64 " of them known before",
		        report->ndone, report->ntotal, report->nreused);
	else if (report->words[0])
		fprintf(out, "%s%s", report->phase == IDLE_WAITING ? ": " : ", ", report->words);
	else if (report->phase == IDLE_WAITING)
		fputs(": no directory wants a search", out);
	putc('\n', out);
}

void idle_write(struct idle *idle, FILE *out)
{
	char design[IC_DESIGN_STRING_SIZE];

	pthread_mutex_lock(&idle->lock);
	listen_locked(idle);
	fprintf(out, "search: idle, %u evaluations a directory (-o search_evaluations=)\n",
	        idle->settings.nevaluations);
	put_state(idle, out);
	if (idle->report.has_best && !idle->report.is_result) {
		ic_design_print(&idle->report.best, design);
		fprintf(out, "best so far: %s, accuracy %.2f%%\n", design, 100 * idle->report.best_accuracy);
	}
	fprintf(out, "used: %" PRIu64 " evaluations, %.1f", idle->report.nevaluated,
	        1e-9 * (double)idle->report.cpu_ns);
	if (idle->settings.seconds_max)
		fprintf(out, " of %" PRIu64, idle->settings.seconds_max);
	fprintf(out,
	        " processor seconds (-o search_time=); at most %" PRIu64 " MiB of memory (-o search_memory=), %" PRIu64
	        " MiB of disk (-o search_disk=)\n",
	        idle->settings.memory_nbytes >> 20, idle->settings.disk_nbytes >> 20);
	for (const struct result *result = idle->results; result; result = result->next)
		fprintf(out, "%s\n", result->line);
	pthread_mutex_unlock(&idle->lock);
}

void idle_write_stats(struct idle *idle, FILE *out)
{
	pthread_mutex_lock(&idle->lock);
	listen_locked(idle);
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} metrics[] = {
	        {"icfs_search_evaluations_total", "counter", "Designs that the mount's own search evaluated.",
	         idle->report.nevaluated},
	        {"icfs_search_chosen_total", "counter", "Directories that it chose a design for.", idle->nchosen},
	        {"icfs_search_failed_total", "counter", "Directories that it found none for.", idle->nfailed},
	        {"icfs_search_running", "gauge", "Whether its process is there.", idle->process != 0},
	};

	for (size_t i = 0; i < sizeof(metrics) / sizeof(*metrics); i++)
		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", metrics[i].name, metrics[i].help,
		        metrics[i].name, metrics[i].type, metrics[i].name, metrics[i].value);
	pthread_mutex_unlock(&idle->lock);
}
