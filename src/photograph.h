/* SPDX-License-Identifier: MIT */
/*
 * photograph.h: one photograph of a dataset at several sizes far below that of its pixels, by the designs that a run found
 * best at these sizes, and as the JPEG of equal size.
 */
#pragma once

#include "search/dataset.h"
#include "search/findings.h"
#include "src/picture_out.h"

#include <stddef.h>

#define PHOTOGRAPH_RATIOS 5
/* Pixels along the longer side; larger photographs are brought to it. The page holds some ten pictures, as PNGs. */
#define PHOTOGRAPH_SIDE_MAX 400

/* What became of the photograph: pixels of its size, how many bytes they took, and how near they are. */
struct rendition {
	struct picture picture; /* rgb is NULL where there is none */
	size_t nbytes;
	double psnr, ssim;
};

/* At `ratio` times fewer bytes than the pixels have, or more. */
struct comparison {
	unsigned ratio;
	/* The design of the highest estimated accuracy whose object of this photograph is that small; none may be. */
	struct ic_design design;
	struct rendition object;
	/* The JPEG of at most as many bytes as the object, made of the photograph reduced by `factor`; none may be. */
	int quality;
	unsigned factor;
	struct rendition jpeg;
};

struct photograph {
	const char *path;                     /* the dataset's */
	uint32_t source_width, source_height; /* before it was brought to its size here */
	uint64_t nbytes;                      /* of its pixels: one byte a component */
	struct picture original;
	struct comparison at[PHOTOGRAPH_RATIOS];
};

/* Compare one JPEG. -EBADMSG where it ends early or is damaged, -ERANGE where it is too small for SSIM; errors of
 * ic_encode_jpeg. */
errint_t photograph_compare(const uint8_t *jpeg, size_t nbytes, const struct findings *findings,
                            struct photograph **ret_photograph, struct ic_why *why);

/* Compare that of the path below the dataset; where it is NULL, the first by path of those that show something, which have a
 * shorter side of 200 pixels or more, else the largest of the others. Of those that cannot be compared some are passed over.
 * The dataset must outlive it. -ENOENT: there is no such JPEG; errors of photograph_compare and dataset_read. */
errint_t photograph_choose(const struct dataset *dataset, const char *path, const struct findings *findings,
                           struct photograph **ret_photograph, struct ic_why *why);

void photograph_free(struct photograph *photograph); /* NULL is fine */
