/* SPDX-License-Identifier: MIT */
/* Of two searches on one run, each would plan what the other does. A lock of the kernel's ends with its holder, as
 * no row of a table does. */
#include "search/run.h"

#include "search/catalog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

/* Not on the catalog's own file: closing that would drop the locks that SQLite has on it. */
static int open_beside(const struct catalog *catalog)
{
	const char *name = sqlite3_db_filename(catalog->reader.db, "main");
	char *path;

	if (!name || asprintf(&path, "%s-search", name) < 0)
		return -1;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	return fd;
}

errint_t run_claim(const struct catalog *catalog, int64_t run, int *ret_claim, struct ic_why *why)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = run, .l_len = 1};
	int fd = open_beside(catalog);

	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES)) {
		close(fd);
		return ic_fail(why, -EBUSY, "run %lld is under way in another process, maybe in a mount that searches",
		               (long long)run);
	}
	*ret_claim = fd;
	return 0;
}

void run_name(const struct catalog *catalog, const struct run *run, char ret_name[static RUN_NAME_SIZE])
{
	const char *file = sqlite3_db_filename(catalog->reader.db, "main");
	const char *const parts[] = {file ? file : "", run->dataset, run->evaluator, run->settings};
	XXH64_hash_t hash = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		hash = XXH3_64bits_withSeed(parts[i], strlen(parts[i]), hash);
	snprintf(ret_name, RUN_NAME_SIZE, "run-%lld-%016llx", (long long)run->id, (unsigned long long)hash);
}

void run_release(int claim)
{
	if (claim >= 0)
		close(claim);
}
