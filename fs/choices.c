/* SPDX-License-Identifier: MIT */
#include "fs/choices.h"

#include "search/choice.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct choices {
	pthread_mutex_t lock; /* over what follows */
	char *root;
	struct log *log;
	uint64_t seen;         /* of the catalog; 0: nothing */
	struct ic_why failure; /* why it could not be read when it was last looked at; "" where it could */
	struct choice *list;   /* of all directories; those of others are few */
	size_t n;
};

errint_t choices_new(const char *root, struct log *log, struct choices **ret_choices)
{
	struct choices *choices = calloc(1, sizeof(*choices));

	if (!choices)
		return -ENOMEM;
	choices->root = strdup(root);
	choices->log = log;
	if (!choices->root) {
		free(choices);
		return -ENOMEM;
	}
	pthread_mutex_init(&choices->lock, NULL);
	*ret_choices = choices;
	return 0;
}

void choices_free(struct choices *choices)
{
	if (!choices)
		return;
	pthread_mutex_destroy(&choices->lock);
	free(choices->list);
	free(choices->root);
	free(choices);
}

/* Numbers come again in another catalog that took the place of this one. */
static bool is_same_choice(const struct choice *a, const struct choice *b)
{
	return a->id == b->id && a->run == b->run && a->is_pin == b->is_pin && a->chosen_s == b->chosen_s &&
	       ic_design_equal(&a->design, &b->design) && !strcmp(a->directory, b->directory) &&
	       !strcmp(a->reason, b->reason);
}

static bool is_same(const struct choices *choices, const struct choice *list, size_t n)
{
	if (n != choices->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_same_choice(&list[i], &choices->list[i]))
			return false;
	return true;
}

/* The lock is held; takes the list. */
static bool install(struct choices *choices, struct choice *list, size_t n)
{
	bool changed = !is_same(choices, list, n);

	free(choices->list);
	choices->list = list;
	choices->n = n;
	return changed;
}

/* The lock is held. Said once, till it can be read again. Whether anything is new, which is in words that are shown. */
static bool note(struct choices *choices, errint_t err, const struct ic_why *why)
{
	struct ic_why before = choices->failure;

	choices->failure = (struct ic_why){""};
	if (err)
		ic_fail(&choices->failure, err, "%s", ic_why_text(why, err));
	if (err && !before.text[0])
		log_write(choices->log, LOG_LEVEL_WARNING, "what searches chose cannot be read: %s",
		          choices->failure.text);
	return strcmp(before.text, choices->failure.text) != 0;
}

/* Not under the lock, for which requests wait: a catalog may be busy for seconds. */
bool choices_refresh(struct choices *choices, struct catalog *catalog)
{
	struct choice *list = NULL;
	struct ic_why why = {""};
	bool changed = false;
	uint64_t now;
	size_t n;

	pthread_mutex_lock(&choices->lock);
	uint64_t seen = choices->seen;
	pthread_mutex_unlock(&choices->lock);
	errint_t err = catalog_change_count(catalog, &now);
	bool is_new = !err && now != seen;
	if (is_new)
		err = choice_list(catalog, NULL, false, &list, &n, &why);
	pthread_mutex_lock(&choices->lock);
	if (is_new && !err) {
		choices->seen = now;
		changed = install(choices, list, n);
	}
	changed = note(choices, err, &why) || changed;
	pthread_mutex_unlock(&choices->lock);
	return changed;
}

bool choices_set_failure(struct choices *choices, const struct ic_why *why)
{
	pthread_mutex_lock(&choices->lock);
	bool changed = note(choices, -EIO, why);
	pthread_mutex_unlock(&choices->lock);
	return changed;
}

/* -ENOENT: there is none. */
static errint_t open_existing(const char *path, struct catalog **ret_catalog, struct ic_why *why)
{
	if (!*path)
		return -ENOENT;
	if (access(path, F_OK))
		return errno == ENOENT ? -ENOENT : ic_fail(why, -errno, "%.150s: %s", path, strerror(errno));
	return catalog_open(path, ret_catalog, why);
}

bool choices_load(struct choices *choices, const char *path)
{
	struct catalog *catalog;
	struct ic_why why = {""};
	char *place = NULL;
	errint_t err = path ? 0 : catalog_default_path(&place, &why);

	if (!err)
		err = open_existing(path ? path : place, &catalog, &why);
	free(place);
	if (err)
		return err != -ENOENT && choices_set_failure(choices, &why);
	pthread_mutex_lock(&choices->lock);
	choices->seen = 0; /* numbers of another connection */
	pthread_mutex_unlock(&choices->lock);
	bool changed = choices_refresh(choices, catalog);
	catalog_close(catalog);
	return changed;
}

/* --- In words ------------------------------------------------------------------------------------------------------ */

static void put_percent(FILE *out, const char *words, double value)
{
	if (isfinite(value))
		fprintf(out, ", %s %.2f%%", words, 100 * value);
}

static void put_words(FILE *out, const struct choice *choice)
{
	time_t when = (time_t)choice->chosen_s;
	char date[40] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	fprintf(out, "%s %s", choice->is_pin ? "pinned" : "chosen", date);
	if (choice->run)
		fprintf(out, " by run %lld", (long long)choice->run);
	fprintf(out, " for %s", choice->directory);
	put_percent(out, "accuracy", choice->verified);
	if (isfinite(choice->verified))
		fputs(" measured", out);
	put_percent(out, "predicted by the others", choice->predicted);
	if (isfinite(choice->predicted) && isfinite(choice->uncertainty))
		fprintf(out, " +- %.2f%%", 100 * choice->uncertainty);
	if (isfinite(choice->nbytes))
		fprintf(out, ", %.0f bytes", choice->nbytes);
	if (isfinite(choice->infer_s))
		fprintf(out, " and %.3g ms an image", 1e3 * choice->infer_s);
	fprintf(out, ": %s", choice->reason);
}

static char *words_of(const struct choice *choice)
{
	char *words = NULL;
	size_t nbytes;
	FILE *out = open_memstream(&words, &nbytes);

	if (!out)
		return NULL;
	put_words(out, choice);
	if (fclose(out)) {
		free(words);
		return NULL;
	}
	for (char *c = words; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?'; /* one line, whatever the catalog says */
	return words;
}

bool choices_find(struct choices *choices, const char *directory, struct ic_design *ret_design, char **ret_words)
{
	const struct choice *choice = NULL;
	char path[2 * PATH_MAX];
	bool at_top = !strcmp(choices->root, "/");

	snprintf(path, sizeof(path), "%s%s%s", at_top ? "" : choices->root, *directory || at_top ? "/" : "", directory);
	pthread_mutex_lock(&choices->lock);
	choice = choice_find(choices->list, choices->n, path);
	if (choice) {
		*ret_design = choice->design;
		*ret_words = words_of(choice);
	} else if (choices->failure.text[0] &&
	           asprintf(ret_words, "what searches chose cannot be read: %s; so the default",
	                    choices->failure.text) < 0) {
		*ret_words = NULL;
	}
	pthread_mutex_unlock(&choices->lock);
	return choice != NULL;
}
