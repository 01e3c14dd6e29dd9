/* SPDX-License-Identifier: MIT */
/* Which weights an evaluation begins with, and the files that they lie in, for as long as one may be needed. */
#include "search/search_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool weights_pass(const struct search *search)
{
	return search->description.takes_init && search->settings->checkpoints;
}

int weights_origin(const struct search *search, size_t position)
{
	int parent = weights_pass(search) ? search->plan[position].parent : -1;

	while (parent >= 0 && search->plan[parent].is_done && search->plan[parent].measurement.is_failure)
		parent = search->plan[parent].parent;
	return parent;
}

char *weights_lineage(const struct search *search, size_t position)
{
	size_t most = (position + 1) * IC_DESIGN_STRING_SIZE, at = most - 1;
	char *text = malloc(most), design[IC_DESIGN_STRING_SIZE];

	if (!text)
		return NULL;
	text[at] = 0;
	/* From the last one to the first, so from the end to the begin. */
	for (int i = weights_origin(search, position); i >= 0; i = weights_origin(search, (size_t)i)) {
		size_t n = ic_design_print(&search->plan[i].design, design);
		if (text[at])
			text[--at] = '>';
		at -= n;
		memcpy(text + at, design, n);
	}
	memmove(text, text + at, most - at);
	return text;
}

static char *folder(const struct search *search)
{
	char name[RUN_NAME_SIZE], *path;

	run_name(search->settings->catalog, &search->run, name);
	return asprintf(&path, "%s/%s", search->settings->checkpoints, name) < 0 ? NULL : path;
}

char *weights_path(const struct search *search, size_t position)
{
	char *in = folder(search), *path;
	int n = in ? asprintf(&path, "%s/%zu", in, position) : -1;

	free(in);
	return n < 0 ? NULL : path;
}

errint_t weights_begin(const struct search *search, struct ic_why *why)
{
	char *path = weights_pass(search) ? folder(search) : NULL;
	errint_t err = 0;

	if (weights_pass(search) && !path)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (path && mkdir(path, 0777) && errno != EEXIST)
		err = ic_fail(why, -errno, "%.120s: %s", path, strerror(errno));
	free(path);
	return err;
}

static bool is_there(const struct search *search, size_t position)
{
	char *path = weights_path(search, position);
	bool there = path && !access(path, F_OK);

	free(path);
	return there;
}

/* An evaluation again, for its weights alone: its result is known, and the first one stays. */
static errint_t train_again(struct search *search, size_t position, struct ic_why *why)
{
	const struct search_settings *settings = search->settings;
	int origin = weights_origin(search, position);
	char *init = origin >= 0 ? weights_path(search, (size_t)origin) : NULL, *save = weights_path(search, position);
	char *lineage = weights_lineage(search, position);
	struct evaluator_job job = {.design = search->plan[position].design,
	                            .lineage = lineage,
	                            .split = EVALUATOR_SELECT,
	                            .seed = settings->seed,
	                            .fraction = 1,
	                            .init = init,
	                            .save = save};
	struct evaluator_result result;
	errint_t err = -ENOMEM;

	if (save && lineage && (init || origin < 0))
		err = settings->evaluator->evaluate(settings->handle, &job, &result, why);
	free(lineage);
	free(init);
	free(save);
	return err == -EBADMSG ? -EIO : err;
}

errint_t weights_restore(struct search *search, int position, struct ic_why *why)
{
	errint_t err = 0;

	if (position < 0)
		return 0;
	pthread_mutex_lock(&search->weights_lock);
	while (!err && !is_there(search, (size_t)position)) {
		int first = position, before;
		while ((before = weights_origin(search, (size_t)first)) >= 0 && !is_there(search, (size_t)before))
			first = before;
		err = train_again(search, (size_t)first, why);
		if (!err && !is_there(search, (size_t)first))
			err = ic_fail(why, -EIO, "the evaluator left no weights");
	}
	pthread_mutex_unlock(&search->weights_lock);
	return err;
}

static void drop(const struct search *search, size_t position)
{
	char *path = weights_path(search, position);

	if (path)
		unlink(path);
	free(path);
}

void weights_drop_unneeded(const struct search *search)
{
	if (!weights_pass(search) || search->settings->keeps_checkpoints || search->nplan < search->nplan_max)
		return;
	for (size_t i = 0; i < search->nplan; i++) {
		bool is_needed = !search->plan[i].is_done;
		for (size_t j = i + 1; !is_needed && j < search->nplan; j++) {
			int origin = search->plan[j].is_done ? -1 : search->plan[j].parent;
			/* What is not done may fail, and then its own parent is asked. */
			while (origin > (int)i &&
			       !(search->plan[origin].is_done && !search->plan[origin].measurement.is_failure))
				origin = search->plan[origin].parent;
			is_needed = origin == (int)i;
		}
		if (!is_needed)
			drop(search, i);
	}
}

void weights_end(const struct search *search)
{
	char *path = weights_pass(search) && !search->settings->keeps_checkpoints ? folder(search) : NULL;

	for (size_t i = 0; path && i < search->nplan; i++)
		drop(search, i);
	if (path)
		rmdir(path);
	free(path);
}
