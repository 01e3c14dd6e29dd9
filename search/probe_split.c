/* SPDX-License-Identifier: MIT */
#include "search/probe_dataset_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of each class: a third of train/ to select by; where all is drawn, a fifth for that and a fifth for the truth. More
 * would leave too few to train on, fewer would tell designs apart worse. */
#define SELECT_OF_TRAIN 3
#define SIDE_OF_ALL 5

/* --- Drawing ------------------------------------------------------------------------------------------------------ */

/* Images that nearly equal one another, and are drawn as one. */
struct group {
	uint32_t first; /* its first image */
	uint32_t n;
	uint32_t label;
	uint64_t key;
};

static int compare_groups(const void *left, const void *right)
{
	const struct group *a = left, *b = right;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->first < b->first ? -1 : 1;
}

static size_t make_groups(const struct probe_image *images, size_t n, const uint32_t *first, struct group *groups)
{
	size_t ngroups = 0;
	for (size_t i = 0; i < n; i++)
		groups[i] = (struct group){.first = (uint32_t)i};
	for (size_t i = 0; i < n; i++)
		groups[first[i]].n++;
	for (size_t i = 0; i < n; i++)
		if (groups[i].n)
			groups[ngroups++] = (struct group){(uint32_t)i, groups[i].n, images[i].label, images[i].key};
	qsort(groups, ngroups, sizeof *groups, compare_groups);
	return ngroups;
}

/* Give each group of one class to the first side that still has room for it, the rest to train on. */
static void deal(struct probe_image *images, const struct group *groups, size_t ngroups, const size_t *quota)
{
	size_t room[PROBE_NSIDES];
	memcpy(room, quota, sizeof room);
	for (size_t g = 0; g < ngroups; g++) {
		uint8_t side = PROBE_TRAIN;
		for (uint8_t s = PROBE_SELECT; s < PROBE_NSIDES && side == PROBE_TRAIN; s++)
			if (groups[g].n <= room[s])
				side = s;
		if (side != PROBE_TRAIN)
			room[side] -= groups[g].n;
		images[groups[g].first].side = side;
	}
}

static void set_quota(const struct probe_dataset *d, size_t n, size_t quota[PROBE_NSIDES])
{
	memset(quota, 0, PROBE_NSIDES * sizeof *quota);
	if (d->origin == PROBE_SELECT_DRAWN) {
		quota[PROBE_SELECT] = n / SELECT_OF_TRAIN;
	} else {
		quota[PROBE_SELECT] = n / SIDE_OF_ALL ? n / SIDE_OF_ALL : n > 2;
		quota[PROBE_TRUTH] = n / SIDE_OF_ALL ? n / SIDE_OF_ALL : n > 2;
	}
}

/* Split the first `n` images, which are those that may be trained on. */
static errint_t draw(struct probe_dataset *d, size_t n, const atomic_bool *cancelled)
{
	uint32_t *first = malloc((n + 1) * sizeof *first);
	struct group *groups = malloc((n + 1) * sizeof *groups);
	errint_t err = first && groups ? probe_twins(d->images, n, cancelled, first) : -ENOMEM;
	if (!err) {
		size_t ngroups = make_groups(d->images, n, first, groups);
		for (size_t g = 0, end; g < ngroups; g = end) {
			size_t nimages = 0, quota[PROBE_NSIDES];
			for (end = g; end < ngroups && groups[end].label == groups[g].label; end++)
				nimages += groups[end].n;
			set_quota(d, nimages, quota);
			deal(d->images, groups + g, end - g, quota);
		}
		for (size_t i = 0; i < n; i++)
			d->images[i].side = d->images[first[i]].side;
	}
	free(first);
	free(groups);
	return err;
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static int compare_images(const void *left, const void *right)
{
	const struct probe_image *a = left, *b = right;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	return strcmp(a->path, b->path);
}

static void sort(struct probe_dataset *d)
{
	if (d->nimages)
		qsort(d->images, d->nimages, sizeof *d->images, compare_images);
	size_t i = 0;
	for (unsigned s = 0; s <= PROBE_NSIDES; s++) {
		while (i < d->nimages && d->images[i].side < s)
			i++;
		d->begin[s] = i;
	}
}

/* Whoever is told of them wants to find one. */
static void note_bad(struct probe_dataset *d, const char *path)
{
	size_t n = strlen(path), most = sizeof d->bad - 1;
	if (!d->nbad++)
		strcpy(d->bad, n > most ? path + n - most : path);
}

static void leave_out_bad(struct probe_dataset *d)
{
	size_t kept = 0;
	for (size_t i = 0; i < d->nimages; i++) {
		if (d->images[i].is_bad) {
			note_bad(d, d->images[i].path);
			probe_image_clear(&d->images[i]);
		} else {
			d->images[kept++] = d->images[i];
		}
	}
	d->nimages = kept;
}

/* Of near duplicates on several sides that the dataset has, those on the last of them stay: who trained or selected
 * by one knows what judges. */
static errint_t leave_out_twins(struct probe_dataset *d, const atomic_bool *cancelled)
{
	size_t n = d->nimages, kept = 0;
	uint32_t *first = malloc((n + 1) * sizeof *first);
	uint8_t *last = calloc(n + 1, sizeof *last); /* side of each group, by its first image */
	errint_t err = first && last ? probe_twins(d->images, n, cancelled, first) : -ENOMEM;
	for (size_t i = 0; i < n && !err; i++)
		if (d->images[i].side > last[first[i]])
			last[first[i]] = d->images[i].side;
	for (size_t i = 0; i < n && !err; i++) {
		if (d->images[i].side < last[first[i]])
			probe_image_clear(&d->images[i]);
		else
			d->images[kept++] = d->images[i];
	}
	if (!err) {
		d->ntwins = n - kept;
		d->nimages = kept;
	}
	free(first);
	free(last);
	return err;
}

static errint_t check(const struct probe_dataset *d, struct ic_why *why)
{
	static const char *const purposes[PROBE_NSIDES] = {"to train on", "to select by", "for the truth"};
	for (unsigned s = 0; s < PROBE_NSIDES; s++)
		if (d->begin[s] == d->begin[s + 1])
			return ic_fail(why, -ENODATA, "of %zu readable images none is left %s", d->nimages,
			               purposes[s]);
	size_t i = 0;
	for (unsigned label = 0; label < d->nclasses; label++) {
		if (i == d->begin[PROBE_SELECT] || d->images[i].label != label)
			return ic_fail(why, -ENODATA, "the class %.80s has no readable images to train on",
			               d->classes[label]);
		while (i < d->begin[PROBE_SELECT] && d->images[i].label == label)
			i++;
	}
	return 0;
}

errint_t probe_dataset_split(struct probe_dataset *d, const atomic_bool *cancelled, struct ic_why *why)
{
	errint_t err = 0;
	leave_out_bad(d);
	if (d->origin != PROBE_ALL_DRAWN)
		err = leave_out_twins(d, cancelled);
	if (err)
		return ic_fail(why, err, "cannot compare the images: %s", strerror(-err));
	sort(d);
	if (d->origin != PROBE_SIDES_GIVEN) {
		err = draw(d, d->begin[PROBE_SELECT], cancelled);
		if (err)
			return ic_fail(why, err, "cannot split the images: %s", strerror(-err));
		sort(d);
	}
	return check(d, why);
}
