/* SPDX-License-Identifier: MIT */
/*
 * dataset.h: what a search must know of a directory of sources: which it is, and what it takes.
 *
 * The fingerprint is that of names below the directory, sizes and bytes of every file, so that it stays the same where the
 * directory is moved or copied, and is another one where a file is added, renamed or changed. Of a file's bytes the first
 * and last 4 KiB count: a file of the same name and size that differs only between them is taken for the same. Names that
 * begin with a dot do not count, and no time does. Links to files count as those files; links to directories are left out.
 */
#pragma once

#include "search/space.h"

#include <stdatomic.h>

#define DATASET_FINGERPRINT_SIZE 33 /* 32 hexadecimal digits: XXH3, 128 bits */

struct dataset_image {
	char *path; /* below the directory */
	uint64_t nbytes;
	uint32_t width, height;
	unsigned ncomponents; /* 1 or 3 */
	bool is_object;       /* an .ic file, not a JPEG */
};

struct dataset {
	char *directory; /* canonical */
	int root;        /* the same, open */
	char fingerprint[DATASET_FINGERPRINT_SIZE];
	struct dataset_image *images; /* in the order of their paths */
	size_t nimages;
	struct space_shape *shapes; /* merged */
	size_t nshapes;
	uint64_t nfiles, nbytes; /* all files; the bytes of the images as they are */
	uint64_t
	        nunreadable; /* files and directories that could not be opened or read; files count by name and size alone */
};

/* Look at all of it: each file is opened once. `cancelled` may be NULL. -ENODATA: no image in it; -ENOENT, -ENOTDIR, -EACCES
 * of the directory itself, -ECANCELED, -EFBIG: more than 100 million files, -ENOMEM. */
errint_t dataset_open(const char *directory, const atomic_bool *cancelled, struct dataset **ret_dataset,
                      struct ic_why *why);

/* The same of a directory that is open as `fd`, which stays the caller's; `directory` is what it is called,
 * canonical. Nothing is opened by a path from the root, which a mount may be in front of. */
errint_t dataset_open_at(int fd, const char *directory, const atomic_bool *cancelled, struct dataset **ret_dataset,
                         struct ic_why *why);
void dataset_free(struct dataset *dataset); /* NULL is fine */

/* All bytes of an image, malloc'ed. -ESTALE where it is not of its size any more, -errno. */
errint_t dataset_read(const struct dataset *dataset, size_t image, uint8_t **ret_bytes, struct ic_why *why);

/* What this machine is to measurements: its processor's name and how many of them, and likewise of NVIDIA's GPUs, where there
 * are any. */
void hardware_name(char out[128]);
void hardware_name_at(const char *proc, char out[128]); /* by another directory than /proc */
