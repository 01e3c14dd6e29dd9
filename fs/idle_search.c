/* SPDX-License-Identifier: MIT */
/* What the process does that searches for a mount: one directory after the other. */
#include "fs/idle_priv.h"
#include "search/choice.h"
#include "search/probe.h"
#include "search/subject.h"
#include "search/clock.h"
#include "search/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_MS 10000             /* until what cannot be done now is tried again; */
#define RETRY_MS_MAX 600000        /* that may mean to look at a whole dataset, so less and less often */
#define AT_MOST_EVERY_NS 100000000 /* between reports of progress */

/* What could not be searched is left alone until it is asked for something else. */
struct failure {
	char *place;
	char aim[AIM_TEXT_SIZE];
	struct failure *next;
};

struct searching {
	const struct idle_work *work;
	struct catalog *catalog;
	struct failure *failures;
	struct idle_report report;
	uint64_t nevaluated_before; /* in searches that have ended */
	int64_t told_ns;
	/* Of the search under way: */
	const struct idle_place *place;
	bool has_begun; /* what fails from now on may be for the catalog's sake */
	atomic_bool cancelled;
};

/* --- The mount ---------------------------------------------------------------------------------------------------- */

/* Progress that there is no room for is not told. */
static void tell(struct searching *s, bool waits)
{
	s->report.cpu_ns = (uint64_t)clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	s->told_ns = clock_ns(CLOCK_MONOTONIC);
	while (send(s->work->socket, &s->report, sizeof(s->report), MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT)) < 0 &&
	       errno == EINTR)
		;
}

static void begin_report(struct searching *s, enum idle_phase phase, const char *directory, const char *words)
{
	uint64_t nevaluated = s->report.nevaluated;

	s->report = (struct idle_report){.phase = phase, .nevaluated = nevaluated};
	snprintf(s->report.directory, sizeof(s->report.directory), "%s", directory);
	snprintf(s->report.words, sizeof(s->report.words), "%s", words);
}

bool idle_wait(const struct idle_work *work, int timeout_ms, struct idle_order *ret_order)
{
	struct pollfd fd = {.fd = work->socket, .events = POLLIN};
	bool came = false;

	while (poll(&fd, 1, timeout_ms) > 0) {
		ssize_t n = recv(work->socket, ret_order, sizeof(*ret_order), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			_exit(0);
		came = true;
		timeout_ms = 0; /* orders to look again are one */
	}
	return came;
}

/* --- Directories -------------------------------------------------------------------------------------------------- */

static errint_t path_of(const struct searching *s, const char *place, char out[PATH_MAX])
{
	const char *root = source_path(s->work->source);

	return *place ? source_join(root, place, out) : source_join("", root, out);
}

static bool has_failed(const struct searching *s, const struct idle_place *place)
{
	char aim[AIM_TEXT_SIZE];

	aim_print(&place->aim, aim);
	for (const struct failure *f = s->failures; f; f = f->next)
		if (!strcmp(f->place, place->place) && !strcmp(f->aim, aim))
			return true;
	return false;
}

static errint_t note_failure(struct searching *s, const struct idle_place *place)
{
	struct failure *failure = calloc(1, sizeof(*failure));
	char *copy = strdup(place->place);

	if (!failure || !copy) {
		free(failure);
		free(copy);
		return -ENOMEM;
	}
	failure->place = copy;
	aim_print(&place->aim, failure->aim);
	failure->next = s->failures;
	s->failures = failure;
	return 0;
}

/* Whether a directory still has no result, by the catalog. */
static errint_t lacks_choice(struct searching *s, const struct idle_place *place, bool *ret_lacks, struct ic_why *why)
{
	struct choice *choices;
	char path[PATH_MAX];
	size_t n;
	errint_t err = path_of(s, place->place, path);

	if (!err)
		err = choice_list(s->catalog, NULL, true, &choices, &n, why);
	if (err)
		return err;
	bool has_own = false;
	for (size_t i = 0; i < n && !has_own; i++)
		has_own = !strcmp(choices[i].directory, path);
	*ret_lacks = !has_own && (place->wants_own || !choice_find(choices, n, path));
	free(choices);
	return 0;
}

static bool is_same(const struct idle_place *a, const struct idle_place *b)
{
	char left[AIM_TEXT_SIZE], right[AIM_TEXT_SIZE];

	aim_print(&a->aim, left);
	aim_print(&b->aim, right);
	return !strcmp(a->place, b->place) && !strcmp(left, right);
}

/* Whether the one under search is still to be searched, by what policies and the catalog say now. Where that cannot
 * be told, it is gone on with. */
static bool is_still_wanted(struct searching *s)
{
	const struct idle_work *work = s->work;
	struct idle_place *places;
	bool found = false, lacks = true;
	size_t n;

	if (idle_places_find(work->source, &work->options, work->tree, &places, &n))
		return true;
	for (size_t i = 0; i < n && !found; i++)
		found = is_same(&places[i], s->place);
	idle_places_free(places, n);
	return found && (lacks_choice(s, s->place, &lacks, NULL) || lacks);
}

/* --- One search --------------------------------------------------------------------------------------------------- */

static void tell_doing(void *context, const char *doing, uint64_t done, uint64_t total)
{
	struct searching *s = context;

	if (done < total && clock_ns(CLOCK_MONOTONIC) - s->told_ns < AT_MOST_EVERY_NS)
		return;
	snprintf(s->report.words, sizeof(s->report.words), "%.100s: %llu of %llu", doing, (unsigned long long)done,
	         (unsigned long long)total);
	tell(s, false);
}

static void tell_waiting(void *context, const char *why)
{
	struct searching *s = context;

	s->report.phase = IDLE_WAITING;
	snprintf(s->report.words, sizeof(s->report.words), "for the catalog, since a result is to be written: %s", why);
	tell(s, false);
}

static void tell_progress(void *context, const struct search_progress *progress)
{
	struct searching *s = context;
	struct idle_order order;

	s->report.phase = IDLE_SEARCHING;
	s->report.words[0] = 0;
	s->report.ndone = progress->ndone;
	s->report.ntotal = progress->ntotal;
	s->report.nreused = progress->nreused;
	s->report.has_best = progress->has_best;
	s->report.best = progress->best;
	s->report.best_accuracy = progress->best_accuracy;
	s->report.nevaluated = s->nevaluated_before + progress->ndone - progress->nreused;
	tell(s, false);
	if (idle_wait(s->work, 0, &order) && !is_still_wanted(s))
		atomic_store(&s->cancelled, true);
}

static void tell_outcome(struct searching *s, const struct search_outcome *outcome)
{
	const struct choice *choice = &outcome->choice;
	char design[IC_DESIGN_STRING_SIZE], aim[AIM_TEXT_SIZE];

	ic_design_print(&choice->design, design);
	aim_print(&s->place->aim, aim);
	begin_report(s, IDLE_SEARCHING, s->place->place, "");
	s->report.is_result = true;
	s->report.is_chosen = outcome->has_choice;
	if (outcome->has_choice)
		snprintf(s->report.words, sizeof(s->report.words), "%s is chosen by run %lld, accuracy %.2f%%", design,
		         (long long)outcome->run, 100 * choice->verified);
	else
		snprintf(s->report.words, sizeof(s->report.words),
		         "run %lld found nothing within %s; the nearest is %s", (long long)outcome->run, aim, design);
	tell(s, true);
}

/* A mount that lies in what it serves would be searched too. */
static errint_t check_mountpoint(const char *path, const char *mountpoint, struct ic_why *why)
{
	bool is_inside = strcmp(path, mountpoint) && path_holds(path, mountpoint);

	return is_inside ? ic_fail(why, -ELOOP, "the mount point lies in it") : 0;
}

static errint_t run_search(struct searching *s, int fd, const char *path, struct ic_why *why)
{
	const struct idle_settings *limits = &s->work->settings;
	struct search_settings settings = search_settings_default();
	struct subject_settings of = {
	        .catalog = s->catalog,
	        .evaluator = &probe_evaluator,
	        .directory = path,
	        .root = &fd,
	        .threads = 1,
	        .memory_nbytes = limits->memory_nbytes / 2, /* the rest is for what it does not count: sources, fits */
	        .scratch = s->work->scratch,
	        .scratch_nbytes = limits->disk_nbytes,
	        .cancelled = &s->cancelled,
	        .doing = tell_doing,
	        .context = s,
	};
	struct search_outcome outcome;
	struct subject *subject;
	errint_t err = subject_open(&of, settings.seed, &subject, why);

	if (err)
		return err;
	search_settings_share(&settings, limits->nevaluations);
	subject_apply(subject, &settings);
	settings.aim = s->place->aim;
	settings.progress = tell_progress;
	settings.waiting = tell_waiting;
	settings.context = s;
	s->has_begun = true;
	err = search_run(&settings, &outcome, why);
	if (!err) {
		s->nevaluated_before += outcome.nevaluated;
		s->report.nevaluated = s->nevaluated_before;
		tell_outcome(s, &outcome);
		if (!outcome.has_choice)
			err = note_failure(s, s->place);
		search_outcome_clear(&outcome);
	}
	subject_close(subject);
	return err;
}

static errint_t search_in(struct searching *s, const struct idle_place *place, struct ic_why *why)
{
	char path[PATH_MAX];
	int fd;
	errint_t err = path_of(s, place->place, path);

	if (!err)
		err = check_mountpoint(path, s->work->mountpoint, why);
	if (!err)
		err = source_open(s->work->source, place->place, O_RDONLY | O_DIRECTORY, &fd);
	if (err)
		return err;
	err = run_search(s, fd, path, why);
	close(fd);
	return err;
}

/* Another process has the run, or the catalog for itself; its disk is full. */
static bool may_pass(errint_t err)
{
	return err == -EBUSY || err == -ENOSPC || err == -EROFS || err == -EIO || err == -EACCES;
}

/* An error is one that may pass; others are told, and are the directory's. */
static errint_t search_place(struct searching *s, const struct idle_place *place, struct ic_why *ret_why)
{
	struct ic_why why = {""};

	s->place = place;
	s->has_begun = false;
	atomic_store(&s->cancelled, false);
	begin_report(s, IDLE_PREPARING, place->place, "reading the directory");
	tell(s, false);
	errint_t err = search_in(s, place, &why);
	if (!err || err == -ECANCELED)
		return 0;
	if (s->has_begun && may_pass(err))
		return ic_fail(ret_why, err, "%s", ic_why_text(&why, err));
	begin_report(s, IDLE_PREPARING, place->place, "");
	snprintf(s->report.words, sizeof(s->report.words), "%s%s", ic_why_text(&why, err),
	         err == -ENOMEM ? "; more memory is allowed by -o search_memory=" : "");
	s->report.is_result = true;
	tell(s, true);
	return note_failure(s, place);
}

/* --- All of them -------------------------------------------------------------------------------------------------- */

static errint_t search_if_wanted(struct searching *s, const struct idle_place *place, bool *ret_did, struct ic_why *why)
{
	bool lacks = false;
	errint_t err = has_failed(s, place) ? 0 : lacks_choice(s, place, &lacks, why);

	if (!err && lacks)
		err = catalog_check_writable(s->catalog, why);
	if (!err && lacks)
		err = search_place(s, place, why);
	*ret_did = !err && lacks;
	return err;
}

/* Search the first directory that wants it and can be; *ret_did is false where there is none. */
static errint_t search_one(struct searching *s, bool *ret_did, struct ic_why *why)
{
	const struct idle_work *work = s->work;
	struct idle_place *places;
	errint_t err, later = 0;
	size_t n;

	*ret_did = false;
	begin_report(s, IDLE_PREPARING, "", "reading the policies of the tree");
	tell(s, false);
	err = idle_places_find(work->source, &work->options, work->tree, &places, &n);
	if (err)
		return ic_fail(why, err, "out of memory");
	for (size_t i = 0; !*ret_did && i < n; i++) {
		err = search_if_wanted(s, &places[i], ret_did, why);
		later = err ? err : later;
	}
	idle_places_free(places, n);
	return *ret_did ? 0 : later;
}

static errint_t open_catalog(struct searching *s, struct ic_why *why)
{
	char *place = NULL;
	errint_t err = s->work->catalog ? 0 : catalog_default_path(&place, why);

	if (!err)
		err = catalog_open(place ? place : s->work->catalog, &s->catalog, why);
	free(place);
	return err;
}

/* One that can only be read stays so while it is open. */
static void close_unwritable(struct searching *s)
{
	if (s->catalog && catalog_check_writable(s->catalog, NULL)) {
		catalog_close(s->catalog);
		s->catalog = NULL;
	}
}

_Noreturn void idle_search(const struct idle_work *work)
{
	struct searching *s = calloc(1, sizeof(*s));
	struct idle_order order;
	int pause_ms = RETRY_MS;

	if (!s)
		_exit(1);
	s->work = work;
	for (;;) {
		struct ic_why why = {""};
		bool did = false;
		errint_t err = s->catalog ? 0 : open_catalog(s, &why);
		if (!err)
			err = search_one(s, &did, &why);
		if (!err && did)
			continue;
		begin_report(s, IDLE_WAITING, "", err ? ic_why_text(&why, err) : "");
		tell(s, true);
		close_unwritable(s);
		idle_wait(work, err ? pause_ms : -1, &order);
		pause_ms = !err ? RETRY_MS : pause_ms < RETRY_MS_MAX / 2 ? 2 * pause_ms : RETRY_MS_MAX;
	}
}
