/* SPDX-License-Identifier: MIT */
/*
 * An array is a file NAME.tasks, the keys of its tasks, one a line, written before it is submitted under that name; so
 * that the number that Slurm gives it need not be written down: squeue tells it by the name.
 */
#include "search/slurm.h"

#include "search/command_priv.h"
#include "search/slurm_client_priv.h"
#include "search/whole_file_priv.h"
#include "search/clock.h"
#include "search/shell.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_MAX 64
#define NAME_SIZE 48
#define PREFIX "icfs-"
#define TASKS_NBYTES_MAX ((size_t)4 << 20)
#define LOOK_S 0.2 /* between looks for an answer; and the least between two of squeue */
#define LOOK_S_MAX 2.0
#define POLL_S_MAX 10.0  /* between two of squeue: its controller serves others, too */
#define POLL_SHARE 0.05  /* of the time since something last changed */
#define SETTLE_S 5.0     /* an answer may show later than the task's end: caches of network file systems */
#define PATIENCE_S 600.0 /* with a controller that does not answer: it is being restarted */

enum task_end {
	TASK_LIVES,
	TASK_ENDED,     /* by itself, and its answer may be on its way */
	TASK_LOST,      /* for reasons that are not its own */
	TASK_TOO_LARGE, /* by the time or the memory that it may take */
};

struct task {
	char key[KEY_MAX], array[NAME_SIZE];
	size_t index;     /* in its array */
	unsigned long id; /* of it; 0: not yet known */
	uint64_t ntries;  /* times submitted */
	bool is_after;    /* waits for another one, and never ran */
	bool is_seen;     /* by the last look */
	enum task_end end;
	double ended_s;
	char state[24], reason[48];
};

struct slurm {
	struct slurm_settings settings;
	pthread_mutex_t lock; /* over what follows */
	struct task *tasks;
	size_t ntasks;
	unsigned narrays;                      /* of this process */
	double polled_s, changed_s, trouble_s; /* trouble_s: since when squeue fails; 0: it does not */
};

char *slurm_path(const struct slurm *slurm, const char *key, const char *kind)
{
	char *path;

	return asprintf(&path, "%s/%s.%s", slurm->settings.folder, key, kind) < 0 ? NULL : path;
}

static bool is_cancelled(const struct slurm *slurm)
{
	return slurm->settings.cancelled && atomic_load(slurm->settings.cancelled);
}

static bool has_answer(const struct slurm *slurm, const char *key)
{
	char *path = slurm_path(slurm, key, "answer");
	bool is_there = path && !access(path, F_OK);

	free(path);
	return is_there;
}

errint_t slurm_option_check(const char *option, struct ic_why *why)
{
	static const char *const own[] = {"array",   "dependency", "job-name", "output",
	                                  "error",   "open-mode",  "wrap",     "parsable",
	                                  "wait",    "test-only",  "help",     "kill-on-invalid-dep",
	                                  "version", "hold",       NULL};
	size_t n = strcspn(option, "=");

	if (!n || option[0] == '-')
		return ic_fail(why, -EINVAL, "'%.40s' is not of the form OPTION=VALUE or OPTION, without dashes",
		               option);
	for (size_t i = 0; own[i]; i++)
		if (strlen(own[i]) == n && !strncmp(option, own[i], n))
			return ic_fail(why, -EINVAL, "%s of sbatch is for the search to set", own[i]);
	return 0;
}

/* --- What is known ------------------------------------------------------------------------------------------------ */

static struct task *find(struct slurm *slurm, const char *key)
{
	for (size_t i = 0; i < slurm->ntasks; i++)
		if (!strcmp(slurm->tasks[i].key, key))
			return &slurm->tasks[i];
	return NULL;
}

/* The record of a key, made where there is none. NULL without memory. */
static struct task *record(struct slurm *slurm, const char *key)
{
	struct task *task = find(slurm, key);

	if (task)
		return task;
	struct task *tasks = realloc(slurm->tasks, (slurm->ntasks + 1) * sizeof(*tasks));
	if (!tasks)
		return NULL;
	slurm->tasks = tasks;
	task = &tasks[slurm->ntasks++];
	*task = (struct task){.end = TASK_LOST};
	snprintf(task->key, sizeof(task->key), "%s", key);
	return task;
}

static errint_t record_array(struct slurm *slurm, const char *name, const char *const keys[], size_t n,
                             unsigned long id, bool is_after)
{
	for (size_t i = 0; i < n; i++) {
		struct task *task = record(slurm, keys[i]);
		if (!task)
			return -ENOMEM;
		task->index = i;
		task->id = id;
		task->ntries++;
		task->is_after = is_after;
		task->end = TASK_LIVES;
		task->state[0] = task->reason[0] = 0;
		snprintf(task->array, sizeof(task->array), "%s", name);
	}
	return 0;
}

static enum task_end classify(const char *state, const char *reason)
{
	static const char *const live[] = {"PENDING",  "RUNNING",   "CONFIGURING",   "COMPLETING",  "SUSPENDED",
	                                   "STOPPED",  "REQUEUED",  "RESV_DEL_HOLD", "REQUEUE_FED", "REQUEUE_HOLD",
	                                   "RESIZING", "SIGNALING", "SPECIAL_EXIT",  "STAGE_OUT",   NULL};

	if (!strcmp(state, "PENDING") && !strcmp(reason, "DependencyNeverSatisfied"))
		return TASK_LOST;
	for (size_t i = 0; live[i]; i++)
		if (!strcmp(state, live[i]))
			return TASK_LIVES;
	if (!strcmp(state, "COMPLETED") || !strcmp(state, "FAILED"))
		return TASK_ENDED;
	if (!strcmp(state, "TIMEOUT") || !strcmp(state, "OUT_OF_MEMORY") || !strcmp(state, "DEADLINE"))
		return TASK_TOO_LARGE;
	return TASK_LOST;
}

static void end_task(struct slurm *slurm, struct task *task, enum task_end end)
{
	if (task->end == TASK_LIVES && end != TASK_LIVES)
		task->ended_s = slurm->changed_s = clock_s(CLOCK_MONOTONIC);
	task->end = end;
}

static void take_told(void *context, const struct slurm_told *told)
{
	struct slurm *slurm = context;

	for (size_t i = 0; i < slurm->ntasks; i++) {
		struct task *task = &slurm->tasks[i];
		if (task->index != told->index || strcmp(task->array, told->name) != 0)
			continue;
		task->id = told->id;
		task->is_seen = true;
		snprintf(task->state, sizeof(task->state), "%s", told->state);
		snprintf(task->reason, sizeof(task->reason), "%s", told->reason);
		if (!strcmp(told->state, "RUNNING"))
			task->is_after = false;
		end_task(slurm, task, classify(told->state, told->reason));
	}
}

/* The lock is held. What Slurm has forgotten has ended. */
static errint_t poll_queue(struct slurm *slurm, struct ic_why *why)
{
	for (size_t i = 0; i < slurm->ntasks; i++)
		slurm->tasks[i].is_seen = false;
	errint_t err = slurm_client_list(take_told, slurm, why);
	slurm->polled_s = clock_s(CLOCK_MONOTONIC);
	for (size_t i = 0; !err && i < slurm->ntasks; i++) {
		struct task *task = &slurm->tasks[i];
		if (!task->is_seen && task->end == TASK_LIVES)
			end_task(slurm, task, TASK_ENDED);
	}
	return err;
}

/* --- Submitting --------------------------------------------------------------------------------------------------- */

/* For all arrays of the folder; Slurm keeps a copy with each. */
static errint_t write_script(const struct slurm *slurm, struct ic_why *why)
{
	char *path = slurm_path(slurm, "task", "sh"), *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		fputs("#!/bin/sh\n# A task of icfs search, whose key is a line in the list of its array.\nfolder=",
		      out);
		shell_put_word(out, slurm->settings.folder);
		fputs("\nkey=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" \"$folder/$SLURM_JOB_NAME.tasks\")\nexec ",
		      out);
		shell_put_word(out, slurm->settings.program);
		fputs(" evaluate -- \"$folder/$key.job\" \"$folder/$key.answer\"\n", out);
	}
	errint_t err = !out || fclose(out) || !path ? ic_fail(why, -ENOMEM, "out of memory")
	                                            : whole_file_write(path, text, size, why);
	free(path);
	free(text);
	return err;
}

static errint_t write_tasks(const struct slurm *slurm, const char *name, const char *const keys[], size_t n,
                            struct ic_why *why)
{
	char *path = slurm_path(slurm, name, "tasks"), *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < n; i++)
		fprintf(out, "%s\n", keys[i]);
	errint_t err = !out || fclose(out) || !path ? ic_fail(why, -ENOMEM, "out of memory")
	                                            : whole_file_write(path, text, size, why);
	free(path);
	free(text);
	return err;
}

static void remove_file(const struct slurm *slurm, const char *name, const char *kind)
{
	char *path = slurm_path(slurm, name, kind);

	if (path)
		unlink(path);
	free(path);
}

static errint_t submit_array(const struct slurm *slurm, const char *name, size_t n, const char *after,
                             unsigned long *ret_id, struct ic_why *why)
{
	char *script = slurm_path(slurm, "task", "sh"), *output = slurm_path(slurm, name, "%a.out");
	struct slurm_array array = {
	        .name = name,
	        .after = after,
	        .ntasks = n,
	        .nat_once = slurm->settings.nat_once,
	        .output = output,
	        .script = script,
	        .options = slurm->settings.options,
	        .noptions = slurm->settings.noptions,
	};
	errint_t err =
	        script && output ? slurm_client_submit(&array, ret_id, why) : ic_fail(why, -ENOMEM, "out of memory");

	free(script);
	free(output);
	return err;
}

/* The lock is held. */
static errint_t submit(struct slurm *slurm, const char *const keys[], size_t n, const char *after, struct ic_why *why)
{
	struct task *before = after ? find(slurm, after) : NULL;
	char name[NAME_SIZE], task[48];
	struct ic_why reason = {""};
	struct timespec time;
	unsigned long id = 0;

	if (after && (!before || !before->id || before->end != TASK_LIVES))
		return ic_fail(why, -EINVAL, "what it begins with is not under way");
	if (before)
		snprintf(task, sizeof(task), "%lu_%zu", before->id, before->index);
	clock_gettime(CLOCK_REALTIME, &time);
	snprintf(name, sizeof(name), PREFIX "%llx-%x-%04u", (unsigned long long)time.tv_sec, (unsigned)getpid(),
	         slurm->narrays++);
	errint_t err = write_tasks(slurm, name, keys, n, why);
	if (err)
		return err;
	err = submit_array(slurm, name, n, before ? task : NULL, &id, &reason);
	if (err)
		remove_file(slurm, name, "tasks");
	if (err)
		return ic_fail(why, err == -EINVAL ? -EIO : err, "%s", reason.text);
	slurm->changed_s = slurm->polled_s = clock_s(CLOCK_MONOTONIC);
	return record_array(slurm, name, keys, n, id, after) ? ic_fail(why, -ENOMEM, "out of memory") : 0;
}

errint_t slurm_submit(struct slurm *slurm, const char *const keys[], size_t n, const char *after, struct ic_why *why)
{
	pthread_mutex_lock(&slurm->lock);
	errint_t err = submit(slurm, keys, n, after, why);
	pthread_mutex_unlock(&slurm->lock);
	return err;
}

bool slurm_has(struct slurm *slurm, const char *key)
{
	pthread_mutex_lock(&slurm->lock);
	struct task *task = find(slurm, key);
	bool has = task && task->end == TASK_LIVES;
	pthread_mutex_unlock(&slurm->lock);
	return has;
}

/* --- Waiting ------------------------------------------------------------------------------------------------------ */

/* The longer it takes, the less often is looked: 256 may wait at once, on a file system that others use. */
static void pause_since(double start_s)
{
	double s = POLL_SHARE * (clock_s(CLOCK_MONOTONIC) - start_s);

	s = s < LOOK_S ? LOOK_S : s > LOOK_S_MAX ? LOOK_S_MAX : s;
	struct timespec pause = {.tv_sec = (time_t)s, .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};
	nanosleep(&pause, NULL);
}

/* The lock is held. 0: Slurm told, or does not answer, which is borne for a while. */
static errint_t ask(struct slurm *slurm, struct ic_why *why)
{
	struct ic_why trouble = {""};
	errint_t err = poll_queue(slurm, &trouble);

	if (!err) {
		slurm->trouble_s = 0;
		return 0;
	}
	if (slurm->trouble_s == 0)
		slurm->trouble_s = clock_s(CLOCK_MONOTONIC);
	if (err == -ENOENT || err == -ENOMEM || clock_s(CLOCK_MONOTONIC) - slurm->trouble_s > PATIENCE_S)
		return ic_fail(why, err == -ENOMEM ? err : -EIO, "%s", trouble.text);
	return 0;
}

/* The lock is held. Ask Slurm, but not more often than there is need to. */
static errint_t look(struct slurm *slurm, struct ic_why *why)
{
	double now = clock_s(CLOCK_MONOTONIC), pause = POLL_SHARE * (now - slurm->changed_s);

	pause = pause < LOOK_S ? LOOK_S : pause > POLL_S_MAX ? POLL_S_MAX : pause;
	return now - slurm->polled_s < pause ? 0 : ask(slurm, why);
}

static errint_t tell_end(const struct task *task, struct ic_why *why)
{
	const char *state = task->state[0] && task->is_seen ? task->state : "gone";

	return ic_fail(why, task->end == TASK_TOO_LARGE ? -EBADMSG : -EIO, "Slurm's job %lu_%zu: %s, %s; try %llu",
	               task->id, task->index, state, task->reason[0] ? task->reason : "no reason",
	               (unsigned long long)task->ntries);
}

/* The lock is held, and the task has no answer. 0: it may get one. */
static errint_t attend(struct slurm *slurm, const char *key, struct ic_why *why)
{
	errint_t err = look(slurm, why);
	struct task *task = err ? NULL : find(slurm, key);

	if (err || (task && task->end == TASK_LIVES))
		return err;
	if (task && task->end == TASK_ENDED && clock_s(CLOCK_MONOTONIC) - task->ended_s < SETTLE_S)
		return 0;
	if (has_answer(slurm, key))
		return 0;
	/* It never ran since what it waited for failed, which may have been tried again by now. */
	if (task && task->is_after)
		task->ntries--;
	if (task && task->ntries >= slurm->settings.ntries)
		return tell_end(task, why);
	return submit(slurm, &key, 1, NULL, why);
}

errint_t slurm_wait(struct slurm *slurm, const char *key, struct ic_why *why)
{
	double start_s = clock_s(CLOCK_MONOTONIC);
	errint_t err = 0;

	while (!err && !has_answer(slurm, key)) {
		if (is_cancelled(slurm))
			return ic_fail(why, -ECANCELED, "stopped");
		pthread_mutex_lock(&slurm->lock);
		err = attend(slurm, key, why);
		pthread_mutex_unlock(&slurm->lock);
		if (!err)
			pause_since(start_s);
	}
	return err;
}

/* --- From process to process --------------------------------------------------------------------------------------- */

static int is_tasks(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return !strncmp(entry->d_name, PREFIX, strlen(PREFIX)) && n > 6 && !strcmp(entry->d_name + n - 6, ".tasks");
}

/* The tasks of an array, of which a process before wrote the list. */
static errint_t load_array(struct slurm *slurm, const char *file, struct ic_why *why)
{
	char path[4200], name[NAME_SIZE], *text;
	size_t nbytes, n = 0, at = 0;

	snprintf(path, sizeof(path), "%s/%s", slurm->settings.folder, file);
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - strlen(".tasks")), file);
	errint_t err = whole_file_read(path, TASKS_NBYTES_MAX, &text, &nbytes, why);
	if (err)
		return err;
	for (size_t i = 0; i < nbytes; i++)
		n += text[i] == '\n';
	const char **keys = calloc(n + 1, sizeof(*keys));
	char *rest = text;
	while (keys && at < n)
		keys[at++] = strsep(&rest, "\n");
	if (!keys || record_array(slurm, name, keys, n, 0, false))
		err = ic_fail(why, -ENOMEM, "out of memory");
	free(keys);
	free(text);
	return err;
}

/* Of arrays that have ended nothing is needed any more but the answers. */
static void forget_ended(struct slurm *slurm, struct dirent **files, int nfiles)
{
	size_t n = 0;

	for (size_t i = 0; i < slurm->ntasks; i++)
		if (slurm->tasks[i].end == TASK_LIVES)
			slurm->tasks[n++] = slurm->tasks[i];
	slurm->ntasks = n;
	for (int i = 0; i < nfiles; i++) {
		bool lives = false;
		files[i]->d_name[strlen(files[i]->d_name) - strlen(".tasks")] = 0;
		for (size_t j = 0; j < n; j++)
			lives |= !strcmp(slurm->tasks[j].array, files[i]->d_name);
		if (!lives)
			remove_file(slurm, files[i]->d_name, "tasks");
	}
}

/* Which tasks live has to be known before any is submitted: a controller that is being restarted is waited for. */
static errint_t ask_until_told(struct slurm *slurm, struct ic_why *why)
{
	double start_s = clock_s(CLOCK_MONOTONIC);
	errint_t err = ask(slurm, why);

	while (!err && slurm->trouble_s > 0) {
		if (is_cancelled(slurm))
			return ic_fail(why, -ECANCELED, "stopped");
		if (slurm->settings.progress)
			slurm->settings.progress(slurm->settings.progress_context,
			                         "waiting for Slurm's controller, seconds",
			                         (uint64_t)(clock_s(CLOCK_MONOTONIC) - start_s), (uint64_t)PATIENCE_S);
		pause_since(start_s);
		err = ask(slurm, why);
	}
	return err;
}

static errint_t go_on(struct slurm *slurm, struct ic_why *why)
{
	struct dirent **files;
	int n = scandir(slurm->settings.folder, &files, is_tasks, alphasort);
	errint_t err = n < 0 ? ic_fail(why, -errno, "%.120s: %s", slurm->settings.folder, strerror(errno)) : 0;

	for (int i = 0; !err && i < n; i++)
		err = load_array(slurm, files[i]->d_name, why);
	if (!err && slurm->ntasks)
		err = ask_until_told(slurm, why);
	if (!err)
		forget_ended(slurm, files, n);
	for (int i = 0; i < n; i++)
		free(files[i]);
	if (n >= 0)
		free(files);
	return err;
}

errint_t slurm_open(const struct slurm_settings *settings, struct slurm **ret_slurm, struct ic_why *why)
{
	struct slurm *slurm = malloc(sizeof(*slurm));

	if (!slurm)
		return ic_fail(why, -ENOMEM, "out of memory");
	*slurm = (struct slurm){.settings = *settings, .changed_s = clock_s(CLOCK_MONOTONIC)};
	pthread_mutex_init(&slurm->lock, NULL);
	errint_t err = write_script(slurm, why);
	if (!err)
		err = go_on(slurm, why);
	if (err)
		slurm_close(slurm);
	else
		*ret_slurm = slurm;
	return err;
}

void slurm_close(struct slurm *slurm)
{
	if (!slurm)
		return;
	pthread_mutex_destroy(&slurm->lock);
	free(slurm->tasks);
	free(slurm);
}
