/* SPDX-License-Identifier: MIT */
/* catalog_helpers.h: what the suites of the catalog share. Each test has a folder of its own. */
#pragma once

#include "search/catalog.h"

#include <check.h>

#define PATH_SIZE 4096

/* Run the cases that `add` adds, each in an empty folder that is removed after it. For main to return. */
int run_catalog_suite(const char *name, void (*add)(TCase *cases));

const char *scratch(void);         /* the folder of this test */
const char *scratch_catalog(void); /* catalog.db in it */
const char *path_in_scratch(const char *name, char path[PATH_SIZE]);
unsigned count_scratch(void);     /* files in it */
void remove_beside_catalog(void); /* SQLite's own files for catalog.db */

/* Go on as a user who may not write everywhere; the folder becomes theirs. Not for return: each test is a process. */
void become_ordinary(void);

/* Whether a process may have mounts of its own: root may, in most places. */
bool can_mount(void);

/* Have the folder be a file system in memory, seen by this process and its children alone. It ends with them. */
void mount_scratch(const char *options);

/* --- Catalogs ----------------------------------------------------------------------------------------------------- */

struct catalog *open_catalog(void); /* scratch_catalog() */
struct catalog_source source_at(unsigned n);
struct ic_variant variant_of(const char *design);

/* The size, or a negative error: -ENOENT where it is not known. */
int64_t get(struct catalog *catalog, const struct catalog_source *source, const struct ic_variant *variant);

/* Put and flush until that fails; the error. 0 where twenty thousand facts were written. */
errint_t put_until_it_fails(struct catalog *catalog);

/* Something can be put and got. */
void check_put(struct catalog *catalog);

/* By SQLite itself, on a connection of its own. */
void sql(const char *path, const char *statements);
int64_t sql_number(const char *path, const char *query);

/* --- Files -------------------------------------------------------------------------------------------------------- */

struct file_bytes {
	char *data; /* malloc'ed */
	size_t nbytes;
};
struct file_bytes file_read(const char *path);
void file_write(const char *path, const void *data, size_t nbytes);

/* A number that looks random for each n. */
uint32_t mixed(uint32_t n);
