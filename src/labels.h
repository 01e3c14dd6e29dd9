/* SPDX-License-Identifier: MIT */
/*
 * labels.h: whether images come with labels that are measured in their pixels, which go wrong when a design with sampling
 * makes the images smaller. A glance: names of a few folders and parts of a few files.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/* For helps. */
#define LABELS_NOTE                                                                                                    \
	"Designs without sampling (s1x1) keep an image's size, which labels in pixels (VOC and COCO boxes, masks) "    \
	"need"

struct labels {
	const char *kind;    /* in words: "VOC boxes" */
	char path[PATH_MAX]; /* one file that has them, below the directory or beginning with "../" */
};

/* Look in the open directory and folders up to three levels below it, then in those above and beside it up to two, on the same
 * device, for VOC files (.xml with <bndbox>) and masks (.png) called as its images are, and for COCO files (.json with boxes or
 * outlines). YOLO's boxes are fractions of the image and do not count. Links are not followed. False where nothing was seen,
 * which in many folders, or some levels further away, may be missed. */
bool labels_find(int directory_fd, struct labels *ret_labels);
