/* SPDX-License-Identifier: MIT */
/*
 * probe_objects_priv.h: the dense objects of images, kept in bounded memory. All designs of one sampling, block size,
 * chroma and filter are derived from one dense one: a family. It is made of the image's coefficients where the dataset has
 * kept them, else of the file, once for as long as the family is kept; which ones are, follows from what is expected, else
 * from what was used last.
 */
#pragma once

#include "codec/encode.h"
#include "search/probe_dataset_priv.h"

struct probe_objects;

/* Objects of the dataset's images, of which `keeper` has the coefficients, in at most nbytes_max; both outlive it. For one
 * thread, but for probe_objects_get. */
errint_t probe_objects_new(const struct probe_dataset *dataset, const struct probe_keeper *keeper, uint64_t nbytes_max,
                           struct probe_objects **ret_objects);
void probe_objects_free(struct probe_objects *objects); /* NULL is fine */

/* Designs to come, in this order. -ENOMEM. */
errint_t probe_objects_expect(struct probe_objects *objects, const struct ic_design *designs, size_t n);

/* Make the family of this design the one that probe_objects_get gives objects of. -ENOMEM. */
errint_t probe_objects_begin(struct probe_objects *objects, const struct ic_design *design);

/* An image's object under the design that was begun with. */
struct probe_object {
	struct ic_view view;
	uint8_t *owned; /* bytes that are the caller's to free, or NULL */
	uint8_t *dense; /* likewise */
};
/* From any thread, each image by one at a time. Errors of ic_make; -ESTALE where the image is not what it was. */
errint_t probe_objects_get(struct probe_objects *objects, size_t image, struct probe_object *ret_object,
                           struct ic_why *why);
void probe_object_clear(struct probe_object *object);

/* How many dense objects were made so far, and of them of files. */
uint64_t probe_objects_nmade(const struct probe_objects *objects);
uint64_t probe_objects_nread(const struct probe_objects *objects);
