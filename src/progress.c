/* SPDX-License-Identifier: MIT */
#include "src/progress.h"
#include "src/icfs.h"
#include "search/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_EVERY 0.2 /* seconds; faster is not read, and costs a write each */
#define WARM_UP 1.0    /* seconds before the speed says something about the time left */
#define LINE_SIZE 160
#define COLUMNS_DEFAULT 80
#define ERASE_TO_END "\033[K"

struct progress {
	pthread_mutex_t lock; /* all that follows */
	const char *doing;
	bool is_shown;           /* stderr is a terminal */
	uint64_t nfiles, nbytes; /* of the whole, 0 where not known */
	uint64_t files_done, bytes_done;
	uint64_t files_skipped, bytes_skipped; /* of those done */
	double start, drawn;                   /* seconds */
};

errint_t progress_new(const char *doing, uint64_t nfiles, uint64_t nbytes, struct progress **ret_progress)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	const char *terminal = getenv("TERM");

	if (!progress)
		return -ENOMEM;
	pthread_mutex_init(&progress->lock, NULL);
	progress->doing = doing;
	progress->is_shown = isatty(STDERR_FILENO) && !(terminal && !strcmp(terminal, "dumb"));
	progress->nfiles = nfiles;
	progress->nbytes = nbytes;
	progress->start = clock_s(CLOCK_MONOTONIC);
	*ret_progress = progress;
	return 0;
}

static void erase(const struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r" ERASE_TO_END, stderr);
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	erase(progress);
	fflush(stderr);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

/* How much of the whole is done, 0..1; negative where that is not known. */
static double fraction(uint64_t done, uint64_t whole)
{
	if (!whole)
		return -1;
	return done < whole ? (double)done / (double)whole : 1;
}

/* Seconds until the rest is done as fast as what was done in `elapsed`; negative where that cannot be told. */
static double time_left(const struct progress *p, double elapsed)
{
	uint64_t whole = p->nbytes ? p->nbytes : p->nfiles;
	uint64_t done = p->nbytes ? p->bytes_done : p->files_done;
	uint64_t made = done - (p->nbytes ? p->bytes_skipped : p->files_skipped);

	if (!whole || !made || elapsed < WARM_UP)
		return -1;
	return done < whole ? (double)(whole - done) * elapsed / (double)made : 0;
}

static void write_time(char *at, size_t size, double seconds)
{
	uint64_t s = (uint64_t)(seconds + 0.5);

	if (s >= 3600)
		snprintf(at, size, "  %" PRIu64 ":%02u:%02u left", s / 3600, (unsigned)(s / 60 % 60),
		         (unsigned)(s % 60));
	else
		snprintf(at, size, "  %u:%02u left", (unsigned)(s / 60), (unsigned)(s % 60));
}

/* The line, cut to `columns`; all of it is ASCII. */
static void write_line(const struct progress *p, double elapsed, size_t columns, char line[LINE_SIZE])
{
	double part = p->nbytes ? fraction(p->bytes_done, p->nbytes) : fraction(p->files_done, p->nfiles);
	double seconds = elapsed > 0 ? elapsed : 1e-9, left = time_left(p, elapsed);
	char *end = line + LINE_SIZE, *at = line;

	at += snprintf(at, (size_t)(end - at), "%.20s  %" PRIu64, p->doing, p->files_done);
	if (p->nfiles)
		at += snprintf(at, (size_t)(end - at), "/%" PRIu64, p->nfiles);
	at += snprintf(at, (size_t)(end - at), " files");
	if (part >= 0)
		at += snprintf(at, (size_t)(end - at), "  %u%%", (unsigned)(100 * part));
	at += snprintf(at, (size_t)(end - at), "  %.0f files/s  %.1f MB/s",
	               (double)(p->files_done - p->files_skipped) / seconds,
	               (double)(p->bytes_done - p->bytes_skipped) / seconds * 1e-6);
	if (left >= 0)
		write_time(at, (size_t)(end - at), left);
	if (columns < LINE_SIZE)
		line[columns] = 0;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : COLUMNS_DEFAULT;
}

/* The lock is held. */
static void draw(struct progress *progress, double at)
{
	char line[LINE_SIZE];

	write_line(progress, at - progress->start, terminal_columns() - 1, line);
	fprintf(stderr, "\r%s" ERASE_TO_END, line);
	fflush(stderr);
	progress->drawn = at;
}

static void count(struct progress *progress, uint64_t nfiles, uint64_t nbytes, bool is_skipped)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->files_done += nfiles;
	progress->bytes_done += nbytes;
	progress->files_skipped += is_skipped ? nfiles : 0;
	progress->bytes_skipped += is_skipped ? nbytes : 0;
	double at = progress->is_shown ? clock_s(CLOCK_MONOTONIC) : 0;
	if (progress->is_shown && at - progress->drawn >= DRAW_EVERY)
		draw(progress, at);
	pthread_mutex_unlock(&progress->lock);
}

void progress_add(struct progress *progress, uint64_t nfiles, uint64_t nbytes)
{
	count(progress, nfiles, nbytes, false);
}

void progress_skip(struct progress *progress, uint64_t nfiles, uint64_t nbytes)
{
	count(progress, nfiles, nbytes, true);
}

void progress_warn(struct progress *progress, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return;
	if (progress) {
		pthread_mutex_lock(&progress->lock);
		erase(progress);
	}
	warn("%s", text);
	if (progress) {
		progress->drawn = 0;
		pthread_mutex_unlock(&progress->lock);
	}
	free(text);
}
