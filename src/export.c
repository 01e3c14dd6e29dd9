/* SPDX-License-Identifier: MIT */
/*
 * Two walks of the tree: the first looks at headers alone, and tells what there is to write and whether what is there
 * already was made under the same variants; the second writes. Without a plan the first looks at directories alone.
 */
#include "src/export.h"
#include "src/export_dest.h"
#include "src/export_record.h"
#include "src/export_write.h"
#include "src/icfs.h"
#include "src/interrupt.h"
#include "src/left_out.h"
#include "src/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct tally {
	uint64_t nfiles, nbytes;
};

struct export
{
	const struct export_settings *settings;
	struct export_target target;
	struct walk *walk;
	struct progress *progress;    /* NULL while planning */
	struct export_record *before; /* NULL where DEST is new */

	pthread_mutex_t lock; /* what follows */
	struct export_record *record;
	struct tally there, wanted, written;
	struct tally unsized; /* of those wanted: sources of objects whose size is known once they are made */
	uint64_t nfailed;
	errint_t over; /* why nothing more can be done */
	struct ic_why why;
};

/* The first reason stays. */
static void stop(struct export *export, errint_t err, const char *why)
{
	pthread_mutex_lock(&export->lock);
	if (!export->over) {
		export->over = err;
		snprintf(export->why.text, sizeof(export->why.text), "%s", why);
	}
	pthread_mutex_unlock(&export->lock);
	walk_stop(export->walk);
}

static void stop_for_signal(void *context)
{
	struct export *export = context;

	walk_stop(export->walk);
}

static void tell_failure(struct export *export, const char *path, const char *why)
{
	progress_warn(export->progress, "%s: %s", *path ? path : ".", why);
	pthread_mutex_lock(&export->lock);
	export->nfailed++;
	pthread_mutex_unlock(&export->lock);
}

/* Ours in DEST's root, when that is a source itself; and policies, which are what the tree is written under. */
static bool is_left_out(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !strcmp(slash ? slash + 1 : path, POLICY_FILE_NAME) ||
	       (!slash && !strncmp(path, EXPORT_RECORD_NAME, strlen(EXPORT_RECORD_NAME)));
}

/* --- The plan ------------------------------------------------------------------------------------------------------ */

/* Whether the files that are there of a directory are what would be written now. */
static bool is_continued(struct export *export, const struct walk_entry *directory, const char *variant)
{
	const char *was = export->before ? export_record_find(export->before, directory->path) : NULL;
	const char *path = *directory->path ? directory->path : ".";
	struct stat st;
	struct ic_why why;

	if (!was || !strcmp(was, variant) || fstatat(export->target.fd, path, &st, AT_SYMLINK_NOFOLLOW))
		return true;
	ic_fail(&why, -EEXIST, "%.60s was exported as %s, and now would be %s; remove it there, or choose another DEST",
	        *directory->path ? directory->path : "it", was, variant);
	stop(export, -EEXIST, why.text);
	return false;
}

static bool plan_directory(void *context, const struct walk_entry *directory)
{
	struct export *export = context;
	char variant[EXPORT_VARIANT_SIZE];

	export_variant_write(&directory->variant, variant);
	if (!is_continued(export, directory, variant))
		return false;
	pthread_mutex_lock(&export->lock);
	errint_t err = export_record_add(export->record, directory->path, variant);
	pthread_mutex_unlock(&export->lock);
	if (err)
		stop(export, err, "out of memory");
	return !err;
}

static void plan_entry(void *context, unsigned thread, struct walk_entry *entry)
{
	struct export *export = context;
	if (is_left_out(entry->path) || entry->kind == WALK_LINK || entry->err)
		return;
	bool is_there = export->target.fd >= 0 && export_is_there(&export->target, entry);
	uint64_t nbytes = entry->lacks_size ? 0 : entry->nbytes;
	pthread_mutex_lock(&export->lock);
	struct tally *tally = is_there ? &export->there : &export->wanted;
	tally->nfiles++;
	tally->nbytes += nbytes;
	if (!is_there && entry->lacks_size) {
		export->unsized.nfiles++;
		export->unsized.nbytes += (uint64_t)entry->st.st_size;
	}
	pthread_mutex_unlock(&export->lock);
}

/* "1234567890 bytes (1.2 GB)" */
static void print_nbytes(uint64_t nbytes)
{
	static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
	double value = (double)nbytes;
	unsigned unit = 0;

	for (; value >= 1000 && unit < 4; unit++)
		value /= 1000;
	printf("%" PRIu64 " bytes", nbytes);
	if (unit)
		printf(" (%.1f %s)", value, units[unit]);
}

static void print_plan(const struct export *export)
{
	printf("to write: %" PRIu64 " files, ", export->wanted.nfiles);
	print_nbytes(export->wanted.nbytes);
	if (export->unsized.nfiles) {
		printf("; of %" PRIu64 " the size is known once they are made, of sources of ", export->unsized.nfiles);
		print_nbytes(export->unsized.nbytes);
	}
	putchar('\n');
	if (export->there.nfiles)
		printf("there already: %" PRIu64 " files\n", export->there.nfiles);
	fflush(stdout);
}

static void warn_of_space(const struct export *export)
{
	struct statvfs st;

	if (fstatvfs(export->target.fd, &st))
		return;
	uint64_t free_nbytes = (uint64_t)st.f_bavail * st.f_frsize;
	if (export->wanted.nbytes > free_nbytes)
		warn("%s has %" PRIu64 " bytes free, which is less", export->settings->dest, free_nbytes);
}

static void plan_failure(void *context, const char *path, errint_t err)
{
	/* the second walk meets it again, and tells */
}

static errint_t plan(struct export *export)
{
	struct walk_hooks hooks = {
	        .context = export, .enter = plan_directory, .entry = plan_entry, .failed = plan_failure};

	if (export->settings->is_unplanned)
		hooks.entry = NULL;
	errint_t err = walk_run(export->walk, &hooks);
	if (err)
		stop(export, err, strerror(-err));
	return export->over;
}

/* --- Writing ------------------------------------------------------------------------------------------------------- */

static void fail_write(struct export *export, const char *path, errint_t err, const char *why)
{
	if (export_is_over(err))
		stop(export, err, strerror(-err));
	else
		tell_failure(export, path, why);
}

static bool write_directory(void *context, const struct walk_entry *directory)
{
	struct export *export = context;
	errint_t err = export_enter(&export->target, directory);

	if (err)
		fail_write(export, directory->path, err, strerror(-err));
	return !err;
}

static void leave_directory(void *context, const struct walk_entry *directory)
{
	struct export *export = context;
	errint_t err = export_leave(&export->target, directory);

	if (err)
		fail_write(export, directory->path, err, strerror(-err));
}

static void write_entry(void *context, unsigned thread, struct walk_entry *entry)
{
	struct export *export = context;
	struct ic_why why = {""};
	uint64_t nbytes = 0;

	if (is_left_out(entry->path))
		return;
	if (export_is_there(&export->target, entry)) {
		if (entry->kind != WALK_LINK)
			progress_skip(export->progress, 1, entry->lacks_size ? 0 : entry->nbytes);
		return;
	}
	errint_t err = export_write(&export->target, thread, export->walk, entry, &nbytes, &why);
	if (err) {
		fail_write(export, entry->path, err, why.text);
		return;
	}
	if (entry->kind == WALK_LINK)
		return;
	const char *as_is = entry->why ? entry->why : why.text;
	if (*as_is)
		progress_warn(export->progress, "%s: as it is: %s", entry->path, as_is);
	progress_add(export->progress, 1, nbytes);
	pthread_mutex_lock(&export->lock);
	export->written.nfiles++;
	export->written.nbytes += nbytes;
	pthread_mutex_unlock(&export->lock);
}

static void walk_failure(void *context, const char *path, errint_t err)
{
	tell_failure(context, path, strerror(-err));
}

static void write_all(struct export *export)
{
	struct walk_hooks hooks = {.context = export,
	                           .enter = write_directory,
	                           .leave = leave_directory,
	                           .entry = write_entry,
	                           .failed = walk_failure};
	bool is_sized = !export->unsized.nfiles; /* totals of 0, without a plan, are fine as well */
	uint64_t nfiles = export->wanted.nfiles + export->there.nfiles;
	uint64_t nbytes = is_sized ? export->wanted.nbytes + export->there.nbytes : 0;

	if (progress_new("exporting", nfiles, nbytes, &export->progress))
		export->progress = NULL; /* then without */
	errint_t err = walk_run(export->walk, &hooks);
	if (err)
		stop(export, err, strerror(-err));
	progress_free(export->progress);
	export->progress = NULL;
	/* What is said to be written is. */
	if (!export->over && syncfs(export->target.fd))
		stop(export, -errno, strerror(errno));
	printf("written: %" PRIu64 " files, ", export->written.nfiles);
	print_nbytes(export->written.nbytes);
	putchar('\n');
	fflush(stdout);
}

/* --- All of it ------------------------------------------------------------------------------------------------------ */

static int report(const struct export *export, int signal_number)
{
	const char *dest = export->settings->dest;

	if (export->over == -EEXIST)
		return fail("%s: %s", dest, export->why.text);
	if (export->over)
		return fail("%s: %s; when that is put right, the same command goes on from here", dest,
		            export->why.text);
	if (signal_number)
		return fail("interrupted; the same command goes on from here");
	if (export->nfailed)
		return fail("%" PRIu64 " could not be exported", export->nfailed);
	return EXIT_OK;
}

/* Between the two walks. */
static errint_t begin_writing(struct export *export)
{
	char temporary[EXPORT_TEMPORARY_SIZE];
	struct ic_why why;

	warn_of_space(export);
	export_clean(&export->target);
	export_name_temporary(&export->target, 0, temporary);
	errint_t err = export_record_write(export->record, export->target.fd, temporary, &why);
	if (err)
		stop(export, err, why.text);
	return err;
}

static int run(struct export *export)
{
	struct interrupt *interrupt;

	errint_t err = interrupt_new(stop_for_signal, export, &interrupt);
	if (err)
		return fail("%s", strerror(-err));
	err = plan(export);
	if (!err && !walk_is_stopped(export->walk)) {
		if (!export->settings->is_unplanned)
			print_plan(export);
		if (!export->settings->is_dry && !begin_writing(export))
			write_all(export);
		left_out_warn_links(export->walk);
	}
	int signal_number = interrupt_free(interrupt);
	int status = report(export, signal_number);
	if (signal_number)
		interrupt_pass_on(signal_number);
	return status;
}

int export_tree(const struct export_settings *settings)
{
	struct export export = {
	        .settings = settings,
	        .target = {.fd = -1, .part = settings->walk.part, .nparts = settings->walk.nparts},
	};
	struct ic_why why = {""};
	int status;

	if (walk_new(&settings->walk, NULL, &export.walk, &why))
		return fail("%s", why.text);
	left_out_warn_sections(export.walk);
	pthread_mutex_init(&export.lock, NULL);
	if (export_record_new(&export.record))
		status = fail("out of memory");
	else
		status = export_dest_open(settings, &export.target.fd, &export.before);
	if (status == EXIT_OK)
		status = run(&export);
	export_record_free(export.record);
	export_record_free(export.before);
	if (export.target.fd >= 0)
		close(export.target.fd);
	pthread_mutex_destroy(&export.lock);
	walk_free(export.walk);
	return status;
}
