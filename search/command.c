/* SPDX-License-Identifier: MIT */
#include "search/command.h"

#include "search/child.h"
#include "search/command_cluster_priv.h"
#include "search/command_priv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#define NJOBS_MAX 256
#define RESULT_NBYTES_MAX 65536 /* of a result file that are read: lines of NAME=NUMBER are few and short */
#define SHELL_NO_PERMISSION 126
#define SHELL_NOT_FOUND 127

struct command {
	struct evaluator_settings settings;
	char identity[EVALUATOR_IDENTITY_SIZE];
	char *folder; /* for logs and results */
	/* Its options, the caller's: */
	const char *line, *metric, *tag;
	enum ic_face face;
	bool is_smaller_better, takes_init;
	uint64_t timeout_s, ntries, log_nbytes;
	struct command_cluster *cluster; /* NULL: programs run here */
};

/* One evaluation under way; the texts are malloc'ed. Its files are its own as long as it lives: other searches, with other
 * budgets or catalogs, may make the same evaluation in the same directory. */
struct trial {
	const struct command *command;
	const struct evaluator_job *job;
	char design[IC_DESIGN_STRING_SIZE];
	char *data, *log_path, *result_path, *save_path; /* where the program is to save */
	int claim;                                       /* a lock on the log; -1: there is none to be had */
	struct command_output output;
	struct command_log log;
	struct child_report report;
};

/* --- Options ------------------------------------------------------------------------------------------------------ */

static errint_t parse_count(const struct evaluator_option *option, uint64_t min, uint64_t max, uint64_t *ret_n,
                            struct ic_why *why)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(option->value, &end, 10);
	if (!isdigit((unsigned char)*option->value) || *end || errno || n < min || n > max)
		return ic_fail(why, -EINVAL, "%s=%.32s is no whole number from %" PRIu64 " to %" PRIu64, option->name,
		               option->value, min, max);
	*ret_n = n;
	return 0;
}

/* Identities have them whole, and as they are. */
static bool is_plain(const char *text)
{
	size_t n = 0;

	while (text[n] >= ' ' && text[n] <= '~')
		n++;
	return !text[n] && n <= 40;
}

static errint_t set_metric(struct command *command, const char *name, struct ic_why *why)
{
	if (!*name || !is_plain(name) || strchr(name, '='))
		return ic_fail(why, -EINVAL, "metric=%.40s is no name of 1 to 40 characters of ASCII without '='",
		               name);
	command->metric = name;
	return 0;
}

static errint_t set_tag(struct command *command, const char *tag, struct ic_why *why)
{
	if (!is_plain(tag))
		return ic_fail(why, -EINVAL, "tag=%.40s is no word of at most 40 characters of ASCII", tag);
	command->tag = tag;
	return 0;
}

static errint_t set_better(struct command *command, const char *word, struct ic_why *why)
{
	if (strcmp(word, "larger") && strcmp(word, "smaller"))
		return ic_fail(why, -EINVAL, "better=%.32s: known are larger, smaller", word);
	command->is_smaller_better = *word == 's';
	return 0;
}

static errint_t set_option(struct command *command, const struct evaluator_option *option, struct ic_why *why)
{
	errint_t err = 0;

	if (!strcmp(option->name, "command"))
		command->line = option->value;
	else if (!strcmp(option->name, "metric"))
		err = set_metric(command, option->value, why);
	else if (!strcmp(option->name, "better"))
		err = set_better(command, option->value, why);
	else if (!strcmp(option->name, "face"))
		err = ic_face_parse(option->value, &command->face, why);
	else if (!strcmp(option->name, "timeout"))
		err = parse_count(option, 1, 1000000000, &command->timeout_s, why);
	else if (!strcmp(option->name, "tries"))
		err = parse_count(option, 1, 100, &command->ntries, why);
	else if (!strcmp(option->name, "log"))
		err = parse_count(option, 1024, 1 << 30, &command->log_nbytes, why);
	else if (!strcmp(option->name, "tag"))
		err = set_tag(command, option->value, why);
	else if (!command_cluster_takes(option->name))
		err = ic_fail(why, -EINVAL,
		              "the evaluator command has no option %.32s; its options are command, metric, better, "
		              "face, timeout, tries, log, tag",
		              option->name);
	return err;
}

static errint_t check_line(struct command *command, struct ic_why *why)
{
	if (!command->line || !*command->line)
		return ic_fail(why, -EINVAL, "the evaluator command needs a command line: --command LINE");
	bool inits = command_line_has(command->line, COMMAND_INIT);

	if (!command_line_has(command->line, COMMAND_DATA) && !command_line_has(command->line, COMMAND_DESIGN))
		return ic_fail(why, -EINVAL,
		               "the command has neither {data} nor {design}, so that all designs were one");
	if (inits != command_line_has(command->line, COMMAND_SAVE))
		return ic_fail(why, -EINVAL, "the command has {%s} but not {%s}; weights are passed on by both",
		               inits ? "init" : "save", inits ? "save" : "init");
	if (!command->settings.trees || !command->settings.work)
		return ic_fail(why, -EINVAL, "the evaluator command cannot be used here");
	command->takes_init = inits;
	return 0;
}

/* The whole line decides, and its begin is there to be read. Returns what tells its files from those of others. */
static uint64_t identify(struct command *command)
{
	const char *dataset = command->settings.dataset;
	char *identity = command->identity;
	XXH128_hash_t hash = XXH3_128bits(command->line, strlen(command->line));

	snprintf(identity, sizeof(command->identity),
	         "command 1 metric=%s better=%s face=%s tag=%s %016" PRIx64 "%016" PRIx64 " %s", command->metric,
	         command->is_smaller_better ? "smaller" : "larger", ic_face_name(command->face), command->tag,
	         hash.high64, hash.low64, command->line);
	for (char *c = identity; *c; c++)
		*c = *c >= ' ' && *c <= '~' ? *c : '?';
	return XXH3_64bits_withSeed(dataset, strlen(dataset), XXH3_64bits(identity, strlen(identity)));
}

static void close_command(void *handle)
{
	struct command *command = handle;

	if (!command)
		return;
	command_cluster_close(command->cluster);
	free(command->folder);
	free(command);
}

static errint_t open_command(const struct evaluator_settings *settings, void **ret_handle, struct ic_why *why)
{
	struct command *command = malloc(sizeof(*command));
	errint_t err = 0;

	if (!command)
		return ic_fail(why, -ENOMEM, "out of memory");
	*command = (struct command){.settings = *settings,
	                            .metric = COMMAND_ACCURACY,
	                            .tag = "",
	                            .face = IC_FACE_JPEG,
	                            .timeout_s = 86400,
	                            .ntries = 2,
	                            .log_nbytes = 1 << 20};
	for (size_t i = 0; !err && i < settings->noptions; i++)
		err = set_option(command, &settings->options[i], why);
	if (!err)
		err = check_line(command, why);
	if (!err && asprintf(&command->folder, "%s/command-%016" PRIx64, settings->work, identify(command)) < 0) {
		command->folder = NULL;
		err = ic_fail(why, -ENOMEM, "out of memory");
	}
	if (!err && mkdir(command->folder, 0777) && errno != EEXIST)
		err = ic_fail(why, -errno, "%.100s: %s", command->folder, strerror(errno));
	if (!err)
		err = command_cluster_open(&command->settings, command->identity, command->ntries, &command->cluster,
		                           why);
	if (err)
		close_command(command);
	else
		*ret_handle = command;
	return err;
}

static void describe(void *handle, struct evaluator_description *ret_description)
{
	const struct command *command = handle;

	*ret_description = (struct evaluator_description){.takes_init = command->takes_init, .njobs_max = NJOBS_MAX};
	memcpy(ret_description->identity, command->identity, sizeof(command->identity));
}

/* --- One try ------------------------------------------------------------------------------------------------------ */

static void take_output(void *context, const char *bytes, size_t nbytes)
{
	struct trial *trial = context;

	command_output_add(&trial->output, bytes, nbytes);
	command_log_add(&trial->log, bytes, nbytes);
}

/* What the program was to write into {result} is all that counts, where the line has it. */
static void read_result(struct trial *trial)
{
	char bytes[4096];
	size_t total = 0;
	ssize_t n;
	int fd = open(trial->result_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	command_output_init(&trial->output, trial->command->metric);
	while (fd >= 0 && total < RESULT_NBYTES_MAX && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		command_output_add(&trial->output, bytes, (size_t)n);
		total += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
}

/* How much of the wall time it did not compute; a program of several threads may hide it. */
static double wait_share(const struct trial *trial)
{
	double told = command_output_number(&trial->output, COMMAND_WAIT_SHARE);

	if (isfinite(told))
		return told;
	return fmax(0, 1 - trial->report.processor_s / fmax(trial->report.wall_s, 1e-9));
}

static void end_log(struct trial *trial)
{
	const struct child_report *report = &trial->report;
	char line[200];

	snprintf(line, sizeof(line), "\n[icfs: %s %d after %.2f s, %.2f s of processor, %.1f %% waiting%s]\n",
	         WIFSIGNALED(report->status) ? "signal" : "exit status",
	         WIFSIGNALED(report->status) ? WTERMSIG(report->status) : WEXITSTATUS(report->status), report->wall_s,
	         report->processor_s, 100 * wait_share(trial), report->is_timed_out ? ", too long" : "");
	command_log_close(&trial->log, line);
}

/* 0, or what the program's end tells; -EBADMSG where another try may do better. */
static errint_t judge_end(const struct trial *trial, struct ic_why *why)
{
	const struct child_report *report = &trial->report;
	int status = report->status;

	if (report->is_cancelled)
		return ic_fail(why, -ECANCELED, "stopped");
	if (report->is_timed_out)
		return ic_fail(why, -EBADMSG, "killed after %" PRIu64 " s (--set timeout)", trial->command->timeout_s);
	if (WIFSIGNALED(status))
		return ic_fail(why, -EBADMSG, "ended by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == SHELL_NOT_FOUND || WEXITSTATUS(status) == SHELL_NO_PERMISSION)
		return ic_fail(why, -EIO, "exit status %d: a program was not found, or may not be run",
		               WEXITSTATUS(status));
	if (status)
		return ic_fail(why, -EBADMSG, "exit status %d", WEXITSTATUS(status));
	return 0;
}

static char *fill(const struct trial *trial)
{
	char seed[24], threads[16];
	const char *const values[COMMAND_NPLACES] = {
	        [COMMAND_DATA] = trial->data,
	        [COMMAND_DESIGN] = trial->design,
	        [COMMAND_INIT] = trial->job->init,
	        [COMMAND_SAVE] = trial->save_path,
	        [COMMAND_SEED] = seed,
	        [COMMAND_THREADS] = threads,
	        [COMMAND_RESULT] = trial->result_path,
	};

	snprintf(seed, sizeof(seed), "%" PRIu64, trial->job->seed);
	snprintf(threads, sizeof(threads), "%u", trial->command->settings.threads);
	return command_line_fill(trial->command->line, values);
}

/* Once: from an empty result and log to what it came to. */
static errint_t try_once(struct trial *trial, const char *line, struct ic_why *why)
{
	const struct command *command = trial->command;
	struct child_settings child = {.line = line,
	                               .timeout_s = (double)command->timeout_s,
	                               .cancelled = command->settings.cancelled,
	                               .output = take_output,
	                               .context = trial};

	unlink(trial->result_path);
	command_output_init(&trial->output, command->metric);
	command_log_open(&trial->log, trial->log_path, command->log_nbytes);
	errint_t err = child_run(&child, &trial->report, why);
	if (err) {
		command_log_close(&trial->log, why->text);
		return err;
	}
	if (command_line_has(command->line, COMMAND_RESULT))
		read_result(trial);
	err = judge_end(trial, why);
	end_log(trial);
	return err;
}

/* --- An evaluation ------------------------------------------------------------------------------------------------ */

/* Whole or not at all, and on the disk before the measurement that says that it is there. */
static errint_t keep_checkpoint(const struct trial *trial, struct ic_why *why)
{
	if (!trial->job->save || !trial->save_path)
		return 0;
	int fd = open(trial->save_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return ic_fail(why, -EBADMSG, "it left no checkpoint in {save}: %s", strerror(errno));
	int failed = fsync(fd);
	close(fd);
	if (failed || rename(trial->save_path, trial->job->save))
		return ic_fail(why, -errno, "%.100s: %s", trial->job->save, strerror(errno));
	return 0;
}

static errint_t try_often(struct trial *trial, struct ic_why *why)
{
	char *line = fill(trial);
	errint_t err = -EBADMSG;

	if (!line)
		return ic_fail(why, -ENOMEM, "out of memory");
	for (uint64_t i = 0; err == -EBADMSG && i < trial->command->ntries; i++)
		err = try_once(trial, line, why);
	free(line);
	if (!err)
		err = command_output_end(&trial->output, why);
	return err ? err : keep_checkpoint(trial, why);
}

static void put_result(const struct trial *trial, struct evaluator_result *ret_result)
{
	const struct command_output *output = &trial->output;
	double metric = command_output_number(output, COMMAND_METRIC),
	       train_s = command_output_number(output, COMMAND_TRAIN_S);
	double images_per_s = command_output_number(output, COMMAND_IMAGES_PER_S);
	double nimages = command_output_number(output, COMMAND_NIMAGES);

	if (isnan(train_s) && images_per_s > 0)
		train_s = fmax(0, 1 - wait_share(trial)) / images_per_s;
	*ret_result = (struct evaluator_result){
	        .accuracy = trial->command->is_smaller_better ? -metric : metric,
	        .log_loss = command_output_number(output, COMMAND_LOG_LOSS),
	        .nimages = nimages >= 0 && nimages < 0x1p53 ? (uint64_t)nimages : 0,
	        .infer_s = command_output_number(output, COMMAND_INFER_S),
	        .train_s = train_s,
	        .decode_s = (double)NAN,
	        .wall_s = trial->report.wall_s,
	};
}

/* The reason with the design and the log; where not even the reference has a result, the others are not tried. */
static errint_t name_failure(const struct trial *trial, errint_t err, const struct ic_why *reason, struct ic_why *why)
{
	struct ic_design reference = ic_design_default();

	if (err == -ECANCELED)
		return ic_fail(why, err, "%s", reason->text);
	if (err == -EBADMSG && ic_design_equal(&trial->job->design, &reference))
		err = -EIO;
	size_t nlog = strlen(trial->log_path), most = sizeof(why->text) - IC_DESIGN_STRING_SIZE - 90;
	return ic_fail(why, err, "%s: %.70s; log: %s%s", trial->design, reason->text, nlog > most ? "..." : "",
	               trial->log_path + (nlog > most ? nlog - most + 3 : 0));
}

static void free_paths(struct trial *trial)
{
	free(trial->log_path);
	free(trial->result_path);
	free(trial->save_path);
	trial->log_path = trial->result_path = trial->save_path = NULL;
}

/* The n-th choice, from 1 on. */
static bool make_paths(struct trial *trial, unsigned n)
{
	const char *folder = trial->command->folder;
	uint64_t seed = trial->job->seed;
	char count[16] = "";

	if (n > 1)
		snprintf(count, sizeof(count), ".%u", n);
	if (asprintf(&trial->log_path, "%s/%s-%" PRIu64 "%s.log", folder, trial->design, seed, count) < 0)
		trial->log_path = NULL;
	if (asprintf(&trial->result_path, "%s/%s-%" PRIu64 "%s.result", folder, trial->design, seed, count) < 0)
		trial->result_path = NULL;
	if (asprintf(&trial->save_path, "%s.part", trial->job->save ? trial->job->save : trial->log_path) < 0)
		trial->save_path = NULL;
	return trial->log_path && trial->result_path && trial->save_path;
}

/* False where another has it. Without locks it is ours. */
static bool claim_log(struct trial *trial)
{
	trial->claim = open(trial->log_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (trial->claim < 0 || !flock(trial->claim, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
		return true;
	close(trial->claim);
	trial->claim = -1;
	return false;
}

static errint_t claim_paths(struct trial *trial, struct ic_why *why)
{
	for (unsigned n = 1;; n++) {
		if (!make_paths(trial, n))
			return ic_fail(why, -ENOMEM, "out of memory");
		if (claim_log(trial))
			return 0;
		free_paths(trial);
	}
}

static errint_t evaluate(void *handle, const struct evaluator_job *job, struct evaluator_result *ret_result,
                         struct ic_why *why)
{
	const struct command *command = handle;
	const struct evaluator_trees *trees = command->settings.trees;
	struct trial trial = {.command = command, .job = job, .claim = -1};
	struct ic_why reason = {""};
	errint_t err;

	if (job->split != EVALUATOR_SELECT || job->fraction < 1)
		return ic_fail(why, -EOPNOTSUPP, "a command judges by its own split, on all images");
	if (command->cluster)
		return command_cluster_evaluate(command->cluster, job, ret_result, why);
	ic_design_print(&job->design, trial.design);
	err = claim_paths(&trial, why);
	if (!err)
		err = trees->take(trees->context, &job->design, command->face, &trial.data, why);
	if (!err) {
		err = try_often(&trial, &reason);
		trees->give_back(trees->context, trial.data);
		unlink(trial.result_path);
		unlink(trial.save_path);
		if (err)
			err = name_failure(&trial, err, &reason, why);
		else
			put_result(&trial, ret_result);
	}
	if (trial.claim >= 0) {
		flock(trial.claim, LOCK_UN); /* who was forked meanwhile has it, too */
		close(trial.claim);
	}
	free(trial.data);
	free_paths(&trial);
	return err;
}

static errint_t begin(void *handle, const struct evaluator_job *jobs, size_t n, struct ic_why *why)
{
	const struct command *command = handle;

	return command->cluster ? command_cluster_begin(command->cluster, jobs, n, why) : 0;
}

const struct evaluator command_evaluator = {
        .name = "command",
        .help = "command=LINE: for the shell; metric=NAME: that it reports, default accuracy; better=larger or "
                "smaller; "
                "face=jpeg, bmp, ic or orig: of the files; timeout=SECONDS, default 86400; tries=N, default 2; "
                "log=BYTES, "
                "default 1048576; tag=WORD: tells what the line does not, a version of the program; executor=local or "
                "slurm; slurm=OPTION=VALUE: for sbatch; at-once=N: tasks of an array.",
        .open = open_command,
        .describe = describe,
        .begin = begin,
        .evaluate = evaluate,
        .close = close_command,
};
