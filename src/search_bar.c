/* SPDX-License-Identifier: MIT */
#include "src/search_cli.h"

#include "search/search.h"
#include "search/clock.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ERASE_TO_END "\033[K"
#define DRAW_EVERY 0.1 /* seconds: faster than that nobody reads */

struct search_bar {
	pthread_mutex_t lock;
	double start, drawn;
	uint64_t first; /* evaluations that were done when the bar began */
	bool has_first;
};

struct search_bar *search_bar_new(void)
{
	struct search_bar *bar = isatty(STDERR_FILENO) ? calloc(1, sizeof(*bar)) : NULL;

	if (!bar)
		return NULL;
	pthread_mutex_init(&bar->lock, NULL);
	return bar;
}

void search_bar_free(struct search_bar *bar)
{
	if (!bar)
		return;
	fputs("\r" ERASE_TO_END, stderr);
	fflush(stderr);
	pthread_mutex_destroy(&bar->lock);
	free(bar);
}

static void put_time_left(double seconds)
{
	uint64_t s = (uint64_t)(seconds + 0.5);

	fprintf(stderr, "  %" PRIu64 ":%02u:%02u left", s / 3600, (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

void search_bar_evaluations(struct search_bar *bar, const struct search_progress *progress)
{
	char design[IC_DESIGN_STRING_SIZE];

	if (!bar)
		return;
	pthread_mutex_lock(&bar->lock);
	double at = clock_s(CLOCK_MONOTONIC);
	if (!bar->has_first) {
		bar->has_first = true;
		bar->first = progress->ndone;
		bar->start = at;
	}
	if (at - bar->drawn >= DRAW_EVERY || progress->ndone == progress->ntotal) {
		bar->drawn = at;
		fprintf(stderr, "\r%" PRIu64 "/%" PRIu64 " evaluations", progress->ndone, progress->ntotal);
		if (progress->has_best) {
			ic_design_print(&progress->best, design);
			fprintf(stderr, "  best so far %s, %.1f %%", design, 100 * progress->best_accuracy);
		}
		uint64_t made = progress->ndone - bar->first;
		if (made && progress->ndone < progress->ntotal)
			put_time_left((double)(progress->ntotal - progress->ndone) * (at - bar->start) / (double)made);
		fputs(ERASE_TO_END, stderr);
		fflush(stderr);
	}
	pthread_mutex_unlock(&bar->lock);
}

void search_bar_doing(struct search_bar *bar, const char *doing, uint64_t done, uint64_t total)
{
	if (!bar)
		return;
	pthread_mutex_lock(&bar->lock);
	double at = clock_s(CLOCK_MONOTONIC);
	if (at - bar->drawn >= DRAW_EVERY || done == total) {
		bar->drawn = at;
		fprintf(stderr, "\r%.60s: %" PRIu64 "/%" PRIu64 ERASE_TO_END, doing, done, total);
		fflush(stderr);
	}
	pthread_mutex_unlock(&bar->lock);
}
