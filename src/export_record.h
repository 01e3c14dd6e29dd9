/* SPDX-License-Identifier: MIT */
/*
 * export_record.h: what an exported tree was made under, the file .icfs-export in its root: a line with the version, then
 * one for each directory whose variant is another than that of the directory above. So an export that goes on knows that
 * the files it finds are the ones it would write.
 *
 * Not thread safe.
 */
#pragma once

#include "codec/face.h"

#include <stddef.h>

#define EXPORT_RECORD_NAME ".icfs-export"
#define EXPORT_VARIANT_SIZE 64 /* bytes that any written variant fits in */

struct export_record;

errint_t export_record_new(struct export_record **ret_record); /* -ENOMEM */
void export_record_free(struct export_record *record);         /* NULL is fine */

/* Read that of the directory `fd`. -ENOENT where it has none; -EINVAL for one that is not understood, or of another version
 * of the codec; -ENOMEM, -errno. */
errint_t export_record_read(int fd, struct export_record **ret_record, struct ic_why *why);

/* Write it, atomically, by way of a file `temporary` of the same directory. -errno. */
errint_t export_record_write(const struct export_record *record, int fd, const char *temporary, struct ic_why *why);

/* "s2x2-b8-k6-q8,jpeg"; ",keep" behind it where metadata is kept; "orig". */
void export_variant_write(const struct ic_variant *variant, char out[EXPORT_VARIANT_SIZE]);

/* The variant of a directory, "" for the root; NULL where nothing is said of it or of one above. */
const char *export_record_find(const struct export_record *record, const char *path);

/* Say the variant of a directory, of which nothing was said before. Directories above come first. -ENOMEM. */
errint_t export_record_add(struct export_record *record, const char *path, const char *variant);
