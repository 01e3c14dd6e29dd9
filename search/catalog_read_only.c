/* SPDX-License-Identifier: MIT */
/*
 * A catalog that cannot be written. SQLite reads one in its log mode where the log and its index are there, which whoever
 * writes it makes and the last one removes; where they are not and cannot be made, only as a file that is said never to
 * change ("immutable": no locks, no log). It may change all the same, by a path on which it can be written. So it is opened
 * anew where a log is there or the file is another one than before, and what was read holds where the file stayed as it was:
 * what is written goes to the log first.
 */
#include "search/catalog_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NRETRIES 4
#define RETRY_MS 10
#define NEW_NS 100000000 /* times of files are counted in ticks of 1 to 10 ms */

/* Of one of SQLite's own files for the database; -1 where it is not there. */
static off_t nbytes_beside(const char *path, const char *suffix)
{
	char beside[PATH_MAX + 16];
	struct stat st;

	snprintf(beside, sizeof(beside), "%s%s", path, suffix);
	return stat(beside, &st) ? -1 : st.st_size;
}

/* malloc'ed; NULL where there is no memory. */
static char *immutable_name(const char *path)
{
	char *name = NULL;
	size_t nbytes;
	FILE *out = open_memstream(&name, &nbytes);

	if (!out)
		return NULL;
	fputs("file://", out);
	for (; *path; path++)
		fprintf(out, strchr("%?#", *path) ? "%%%02x" : "%c", *path);
	fputs("?immutable=1", out);
	if (fclose(out)) {
		free(name);
		return NULL;
	}
	return name;
}

static bool was_just_written(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (st->st_mtim.tv_sec < now.tv_sec - 1 || st->st_mtim.tv_sec > now.tv_sec + 1) /* by another clock, too */
		return false;
	long long age_ns = (now.tv_sec - st->st_mtim.tv_sec) * 1000000000LL + now.tv_nsec - st->st_mtim.tv_nsec;
	return age_ns < NEW_NS && age_ns > -NEW_NS;
}

static errint_t open_unlocked(struct catalog *catalog, struct ic_why *why)
{
	char *name = immutable_name(catalog->path);

	if (!name)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err =
	        catalog_link_open(&catalog->reader, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, catalog->path, why);
	free(name);
	return err;
}

/* What a killed process left beside the database, without which it is not whole; NULL for nothing. */
static const char *left_beside(const char *path)
{
	if (nbytes_beside(path, "-journal") > 0)
		return "-journal";
	return nbytes_beside(path, "-wal") > 0 && nbytes_beside(path, "-shm") < 0 ? "-wal" : NULL;
}

static errint_t open_once(struct catalog *catalog, struct ic_why *why)
{
	const char *path = catalog->path, *left = left_beside(path);

	catalog->is_unlocked = false;
	if (left)
		return ic_fail(why, -EROFS,
		               "%.100s: its %s holds what a killed process wrote; open it once where it can be written",
		               path, left);
	if (stat(path, &catalog->opened))
		return ic_fail(why, -errno, "%.100s: %s", path, strerror(errno));
	catalog->is_new = was_just_written(&catalog->opened);
	catalog->is_unlocked = nbytes_beside(path, "-wal") < 0 || nbytes_beside(path, "-shm") < 0;
	if (catalog->is_unlocked)
		return open_unlocked(catalog, why);
	return catalog_link_open(&catalog->reader, path, SQLITE_OPEN_READONLY, path, why);
}

/* A writer that ends removes the index, then the log: between two looks, or between a look and SQLite's. */
static errint_t open_reader(struct catalog *catalog, struct ic_why *why)
{
	errint_t err;

	catalog_link_close(&catalog->reader);
	catalog->nopened++;
	for (int i = 0; (err = open_once(catalog, why)) && i < NRETRIES; i++)
		sqlite3_sleep(RETRY_MS);
	return err;
}

errint_t catalog_open_read_only(struct catalog *catalog, const char *path, errint_t unwritable, struct ic_why *why)
{
	catalog->unwritable = unwritable;
	catalog->path = realpath(path, NULL);
	if (!catalog->path)
		return ic_fail(why, -errno, "%.100s: %s", path, strerror(errno));
	return open_reader(catalog, why);
}

static bool has_changed(const struct catalog *catalog)
{
	const struct stat *opened = &catalog->opened;
	struct stat now;

	return stat(catalog->path, &now) || now.st_dev != opened->st_dev || now.st_ino != opened->st_ino ||
	       now.st_size != opened->st_size || now.st_mtim.tv_sec != opened->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != opened->st_mtim.tv_nsec;
}

static bool is_stale(const struct catalog *catalog)
{
	return catalog->is_unlocked &&
	       (catalog->is_new || has_changed(catalog) || nbytes_beside(catalog->path, "-wal") > 0);
}

errint_t catalog_begin_reading(struct catalog *catalog, struct ic_why *why)
{
	pthread_mutex_lock(&catalog->read_lock);
	return catalog->reader.db && !is_stale(catalog) ? 0 : open_reader(catalog, why);
}

errint_t catalog_end_reading(struct catalog *catalog, errint_t err, struct ic_why *why)
{
	bool is_cut_off = catalog->unwritable && !catalog->is_unlocked && catalog->reader.db && err == -EROFS;

	/* Who reads writes nothing: SQLite says so where the index is another one now, which it would have to make anew. */
	if (is_cut_off)
		catalog_link_close(&catalog->reader);
	if (is_cut_off || (catalog->is_unlocked && has_changed(catalog))) /* an error may be for that, too */
		err = ic_fail(why, -EBUSY, "%.100s: written while it was read", catalog->path);
	pthread_mutex_unlock(&catalog->read_lock);
	return err;
}

errint_t catalog_check_writable(const struct catalog *catalog, struct ic_why *why)
{
	if (!catalog->unwritable)
		return 0;
	return ic_fail(why, catalog->unwritable, "%.100s: can be read, but not written: %s", catalog->path,
	               strerror(-catalog->unwritable));
}
