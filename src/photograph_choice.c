/* SPDX-License-Identifier: MIT */
#include "src/photograph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A side of which the smallest of the sizes that are shown can have something to see. */
#define SIDE_ENOUGH 200

/* Photographs that are tried before a dataset is taken for one of damaged ones. */
#define TRIES 8

static uint32_t shorter_side(const struct dataset_image *image)
{
	return image->width < image->height ? image->width : image->height;
}

static errint_t compare(const struct dataset *dataset, size_t image, const struct findings *findings,
                        struct photograph **ret_photograph, struct ic_why *why)
{
	const struct dataset_image *of = &dataset->images[image];
	struct ic_why reason = {""};
	uint8_t *bytes;
	errint_t err = dataset_read(dataset, image, &bytes, why);

	if (err)
		return err;
	err = photograph_compare(bytes, (size_t)of->nbytes, findings, ret_photograph, &reason);
	free(bytes);
	if (err)
		return ic_fail(why, err, "%.80s: %.100s", of->path, reason.text);
	(*ret_photograph)->path = of->path;
	return 0;
}

static errint_t compare_named(const struct dataset *dataset, const char *path, const struct findings *findings,
                              struct photograph **ret_photograph, struct ic_why *why)
{
	for (size_t i = 0; i < dataset->nimages; i++)
		if (!dataset->images[i].is_object && !strcmp(dataset->images[i].path, path))
			return compare(dataset, i, findings, ret_photograph, why);
	return ic_fail(why, -ENOENT, "%.100s: is no JPEG of the dataset, by its path below it", path);
}

/* The largest of the JPEGs that show too little, of those the first by path; dataset->nimages where there is none. */
static size_t find_largest(const struct dataset *dataset)
{
	size_t largest = dataset->nimages;
	uint64_t most = 0;

	for (size_t i = 0; i < dataset->nimages; i++) {
		const struct dataset_image *image = &dataset->images[i];
		uint64_t npixels = (uint64_t)image->width * image->height;
		if (!image->is_object && shorter_side(image) < SIDE_ENOUGH && npixels > most) {
			most = npixels;
			largest = i;
		}
	}
	return largest;
}

errint_t photograph_choose(const struct dataset *dataset, const char *path, const struct findings *findings,
                           struct photograph **ret_photograph, struct ic_why *why)
{
	size_t largest = find_largest(dataset);
	unsigned tries = 0;

	if (path)
		return compare_named(dataset, path, findings, ret_photograph, why);
	errint_t err = ic_fail(why, -ENOENT, "the dataset has no JPEG");
	for (size_t i = 0; err && err != -ENOMEM && i < dataset->nimages && tries < TRIES; i++) {
		if (dataset->images[i].is_object || shorter_side(&dataset->images[i]) < SIDE_ENOUGH)
			continue;
		tries++;
		err = compare(dataset, i, findings, ret_photograph, why);
	}
	if (err && err != -ENOMEM && largest < dataset->nimages)
		err = compare(dataset, largest, findings, ret_photograph, why);
	return err;
}
