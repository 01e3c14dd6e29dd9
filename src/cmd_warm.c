/* SPDX-License-Identifier: MIT */
#include "src/gone.h"
#include "src/icfs.h"
#include "src/interrupt.h"
#include "src/labels.h"
#include "src/left_out.h"
#include "src/options.h"
#include "src/progress.h"
#include "src/search_cli.h"

#include "fs/descriptors.h"
#include "fs/warm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 1024
#define DATASETS_MAX 1000
#define REASONS_MAX 20 /* sources that are named one by one; thousands would hide what counts */

struct warm_settings {
	struct ic_limits limits; /* first: OPTION_LIMIT_ */
	struct walk_settings walk;
	struct store_settings store;
	uint64_t evict_nbytes;
	bool is_dry, is_unplanned, is_check, is_evict, is_drop;
	char **datasets;
	size_t ndatasets;
};

static errint_t apply_store(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->store.directory = value;
	return 0;
}

static errint_t apply_store_size(void *settings, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, UINT64_MAX, &((struct warm_settings *)settings)->store.nbytes_max, why);
}

static errint_t apply_store_keep_free(void *settings, const char *value, struct ic_why *why)
{
	return parse_size(value, 0, UINT64_MAX, &((struct warm_settings *)settings)->store.free_nbytes_min, why);
}

static errint_t apply_design(void *settings, const char *value, struct ic_why *why)
{
	struct policy_rule *view = &((struct warm_settings *)settings)->walk.view;
	errint_t err = ic_design_parse(value, &view->design, why);

	view->has_design = !err;
	/* A directory under the face `orig` would have no objects, whatever the design. */
	view->has_face = !err;
	view->face = IC_FACE_IC;
	return err;
}

static errint_t apply_policy(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->walk.policy_file = value;
	return 0;
}

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->walk.catalog = value;
	return 0;
}

static errint_t apply_threads(void *settings, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 1, THREADS_MAX, &n, why);

	if (!err)
		((struct warm_settings *)settings)->walk.threads = (unsigned)n;
	return err;
}

static errint_t apply_shard(void *settings, const char *value, struct ic_why *why)
{
	struct walk_settings *walk = &((struct warm_settings *)settings)->walk;

	return parse_part(value, &walk->part, &walk->nparts, why);
}

static errint_t apply_follow(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->walk.follow = SOURCE_FOLLOW_ALL;
	return 0;
}

static errint_t apply_dry(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->is_dry = true;
	return 0;
}

static errint_t apply_no_plan(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->is_unplanned = true;
	return 0;
}

static errint_t apply_check(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->is_check = true;
	return 0;
}

static errint_t apply_drop(void *settings, const char *value, struct ic_why *why)
{
	((struct warm_settings *)settings)->is_drop = true;
	return 0;
}

static errint_t apply_evict(void *settings, const char *value, struct ic_why *why)
{
	struct warm_settings *s = settings;

	s->is_evict = true;
	return parse_size(value, 0, UINT64_MAX, &s->evict_nbytes, why);
}

static const struct option_entry warm_options[] = {
        {'s', "store", "DIR", "the store; made where it is missing; required", apply_store},
        {'d', "design", "DESIGN", "one design for all (default: as policies say)", apply_design},
        {'p', "policy", "FILE", "a policy file for the whole tree", apply_policy},
        {'c', "catalog", "FILE", "by its choices auto goes (default as for icfs mount)", apply_catalog},
        {'n', "dry-run", NULL, "say what there is to store, and store nothing", apply_dry},
        {0, "no-plan", NULL, "begin at once, without saying what there is to store", apply_no_plan},
        {'j', "threads", "N", "objects made at once (default: one a CPU)", apply_threads},
        {0, "shard", "I/N", "store the I-th of N parts, for N machines", apply_shard},
        {0, "follow", NULL, "take what symbolic links to the outside lead to", apply_follow},
        {0, "store-size", "SIZE", "bytes that the store may take (default 0: no limit)", apply_store_size},
        {0, "store-keep-free", "SIZE", "bytes to leave free on its disk (default 1G)", apply_store_keep_free},
        {0, "check", NULL, "verify every record, and forget the damaged ones", apply_check},
        {0, "drop-gone", NULL, "give up what no source in any DATASET asks for", apply_drop},
        {0, "evict", "SIZE", "give up what was not used for longest, down to SIZE", apply_evict},
        OPTION_LIMIT_PIXELS,
        OPTION_LIMIT_MEMORY,
        OPTION_LIMIT_SCANS,
        {.name = NULL},
};

static const struct command_line warm_line = {
        .command = "warm",
        .operands = "[DATASET...]",
        .about = "Fill the store DIR with the objects of each directory DATASET, as a mount with -o store=DIR would "
                 "serve them, so that it need not decode a JPEG. What is there already is skipped, so the same command "
                 "goes on where an earlier one ended, however it did. Mounts may use the store meanwhile.",
        .options = warm_options,
        .note = "The store keeps the densest K that was asked for at 8 bits, and serves every sparser one of the same "
                "sampling, block size, chroma and filter: --design s2x2-b8-k15-q8 is good for all s2x2-b8 designs. "
                "Policies are those of the tree and of --policy; options of a mount are unknown here. --check, "
                "--drop-gone and --evict come in this order, before anything is stored; the first and the last need no "
                "DATASET. --drop-gone takes what is of no DATASET for gone: name all that share the store. A source "
                "that cannot be decoded is told of, and the exit status is 1. Each source is opened twice, the first "
                "time to say how much there is to store: --no-plan saves that where files are slow to "
                "open. " LABELS_NOTE ".",
        .examples = "  icfs warm --store /var/cache/icfs --design s2x2-b8-k6-q8 photos\n"
                    "  icfs warm --store /shared/icfs --shard 3/8 photos    on the third of eight machines\n"
                    "  icfs warm --store /var/cache/icfs --check\n",
        .min_operands = 0,
        .max_operands = DATASETS_MAX,
};

/* One run. */
struct warming {
	const struct warm_settings *settings;
	struct store *store;
	struct walk **walks; /* of the DATASETs */
	struct progress *progress;
	struct store_check checked; /* by --check, so far */
	atomic_uint nreasons;
	atomic_bool is_stopped;
};

static void stop(void *context)
{
	struct warming *warming = context;

	atomic_store(&warming->is_stopped, true);
	for (size_t i = 0; i < warming->settings->ndatasets; i++)
		walk_stop(warming->walks[i]);
}

static bool tell_checked(void *context, const struct store_check *so_far)
{
	struct warming *warming = context;

	progress_add(warming->progress, 1, so_far->nbytes - warming->checked.nbytes);
	warming->checked = *so_far;
	return !atomic_load(&warming->is_stopped);
}

static int check(struct warming *warming)
{
	struct store_check check;
	uint64_t total = store_counts(warming->store).records;

	if (progress_new("checking", total, 0, &warming->progress))
		return fail("out of memory");
	errint_t err = store_verify(warming->store, tell_checked, warming, &check);
	progress_free(warming->progress);
	warming->progress = NULL;
	if (err)
		return fail("%s: cannot be checked: %s", warming->settings->store.directory, strerror(-err));
	printf("%" PRIu64 " of %" PRIu64 " records verified, %" PRIu64 " bytes; %" PRIu64 " damaged\n", check.records,
	       check.total, check.nbytes, check.corrupt);
	return check.corrupt ? EXIT_FAILED : EXIT_OK;
}

static void evict(struct warming *warming)
{
	uint64_t count = store_evict(warming->store, warming->settings->evict_nbytes);
	struct store_counts counts = store_counts(warming->store);

	printf("%" PRIu64 " files given up; %" PRIu64 " bytes are left\n", count, counts.nbytes);
}

static void tell_done(void *context, uint64_t nbytes, bool was_there)
{
	struct warming *warming = context;

	if (was_there)
		progress_skip(warming->progress, 1, 0);
	else
		progress_add(warming->progress, 1, nbytes);
}

static void tell_failed(void *context, const char *path, errint_t err, const char *why)
{
	struct warming *warming = context;
	unsigned n = atomic_fetch_add(&warming->nreasons, 1);

	if (n < REASONS_MAX)
		progress_warn(warming->progress, "%s: %s", *path ? path : ".", why);
	else if (n == REASONS_MAX)
		progress_warn(warming->progress, "more cannot be decoded; they are counted");
}

static int fail_walk(const struct walk *walk, errint_t err)
{
	return fail("%s: cannot be gone through: %s", walk_path(walk), strerror(-err));
}

/* Say what there is to do; GO_ON where it is to be done. */
static int plan(struct warming *warming, struct walk *walk, struct warm_counts *ret_plan)
{
	const struct store_settings *store = &warming->settings->store;
	errint_t err = warm_plan(walk, ret_plan);

	if (err)
		return fail_walk(walk, err);
	if (atomic_load(&warming->is_stopped))
		return EXIT_FAILED;
	printf("%" PRIu64 " objects to store, %" PRIu64 " bytes; %" PRIu64 " are there\n", ret_plan->files,
	       ret_plan->nbytes, ret_plan->there_files);
	fflush(stdout);
	if (store->nbytes_max && ret_plan->nbytes + ret_plan->there_nbytes > store->nbytes_max)
		warn("they take more than --store-size, so not all of them will be there");
	return warming->settings->is_dry ? EXIT_OK : GO_ON;
}

static int fill(struct warming *warming, struct walk *walk)
{
	struct warm_hooks hooks = {.context = warming, .done = tell_done, .failed = tell_failed};
	uint64_t written = store_counts(warming->store).written;
	struct warm_counts before = {0}, counts;
	int status = warming->settings->is_unplanned ? GO_ON : plan(warming, walk, &before);

	if (status != GO_ON)
		return status;
	if (store_is_read_only(warming->store))
		return fail("store %s: read only", warming->settings->store.directory);
	if (progress_new("warming", before.files + before.there_files, before.nbytes, &warming->progress))
		return fail("out of memory");
	errint_t err = warm_fill(walk, &hooks, &counts);
	progress_free(warming->progress);
	warming->progress = NULL;
	store_flush(warming->store);
	struct store_counts store = store_counts(warming->store);
	printf("%" PRIu64 " objects stored; %" PRIu64 " cannot be", store.written - written, counts.failed);
	if (warming->settings->is_unplanned)
		printf("; %" PRIu64 " were there", counts.there_files);
	putchar('\n');
	if (err == -ENOSPC || store.dropped)
		return fail("%s: takes nothing more: no room within its bounds, or on the disk",
		            warming->settings->store.directory);
	if (err)
		return fail_walk(walk, err);
	return counts.failed ? EXIT_FAILED : EXIT_OK;
}

static int run_steps(struct warming *warming)
{
	const struct warm_settings *settings = warming->settings;
	int status = settings->is_check ? check(warming) : EXIT_OK;

	if (settings->is_drop && !atomic_load(&warming->is_stopped)) {
		int dropped = gone_drop(warming->store, &settings->walk, settings->datasets, settings->ndatasets,
		                        &warming->is_stopped);
		if (dropped)
			return dropped;
	}
	if (settings->is_evict && !atomic_load(&warming->is_stopped))
		evict(warming);
	for (size_t i = 0; i < settings->ndatasets && !atomic_load(&warming->is_stopped); i++) {
		int filled = fill(warming, warming->walks[i]);
		left_out_warn_links(warming->walks[i]);
		status = status ? status : filled;
	}
	return status;
}

static int run_interruptibly(struct warming *warming)
{
	struct interrupt *interrupt;
	errint_t err = interrupt_new(stop, warming, &interrupt);

	if (err)
		return fail("starting a thread: %s", strerror(-err));
	int status = run_steps(warming);
	int signal_number = interrupt_free(interrupt);
	if (!signal_number)
		return status;
	/* What was made is to be there when the process is gone. */
	store_close(warming->store);
	fail("interrupted; the same command goes on from here");
	interrupt_pass_on(signal_number);
	return EXIT_FAILED;
}

static errint_t open_all(struct warming *warming, struct ic_why *why)
{
	const struct warm_settings *settings = warming->settings;
	struct walk_settings walk = settings->walk;
	errint_t err = warming->walks ? 0 : ic_fail(why, -ENOMEM, "out of memory");

	for (size_t i = 0; i < settings->ndatasets && !err; i++)
		err = store_check_place(settings->store.directory, settings->datasets[i], why);
	if (!err)
		err = store_open(&settings->store, NULL, &warming->store, why);
	walk.store = warming->store;
	for (size_t i = 0; i < settings->ndatasets && !err; i++) {
		walk.source = settings->datasets[i];
		err = walk_new(&walk, NULL, &warming->walks[i], why);
		if (!err)
			left_out_warn_sections(warming->walks[i]);
	}
	return err;
}

static int run(const struct warm_settings *settings)
{
	struct warming warming = {.settings = settings,
	                          .walks = calloc(settings->ndatasets + 1, sizeof(struct walk *))};
	struct ic_why why = {""};

	errint_t err = open_all(&warming, &why);
	int status = err ? fail("%s", why.text) : run_interruptibly(&warming);
	for (size_t i = 0; warming.walks && i < settings->ndatasets; i++)
		walk_free(warming.walks[i]);
	free(warming.walks);
	store_close(warming.store);
	return status;
}

static int run_warm(int argc, char **argv)
{
	struct warm_settings settings = {
	        .limits = ic_limits_default(), .walk = walk_settings_default(), .store = store_settings_default()};
	int first, status = parse_command_line(&warm_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	if (!settings.store.directory)
		return fail_usage("warm", "expected --store");
	if (settings.is_dry && settings.is_unplanned)
		return fail_usage("warm", "--no-plan: a plan is all that --dry-run makes");
	if (first == argc && ((!settings.is_check && !settings.is_evict) || settings.is_drop))
		return fail_usage("warm", settings.is_drop ? "--drop-gone: expected DATASET"
		                                           : "expected DATASET, --check or --evict");
	status = check_named_catalog(settings.walk.catalog);
	if (status != EXIT_OK)
		return status;
	settings.walk.limits = settings.limits;
	settings.datasets = argv + first;
	settings.ndatasets = (size_t)(argc - first);
	settings.store.takes_over = true;
	descriptors_raise_limit();
	return run(&settings);
}

const struct command cmd_warm = {"warm", "fill a store with what mounts will serve", run_warm};
