/* SPDX-License-Identifier: MIT */
#include "catalog_helpers.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#define NOBODY 65534

/* Check gives fixtures no context. Made and removed by the runner, in which no test runs. */
static struct {
	char folder[PATH_SIZE / 2], catalog[PATH_SIZE];
} place;

static void make_scratch(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(place.folder, sizeof(place.folder), "%s/icfs-catalog-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(place.folder)) {
		perror(place.folder);
		exit(EXIT_FAILURE);
	}
	snprintf(place.catalog, sizeof(place.catalog), "%s/catalog.db", place.folder);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_scratch(void)
{
	nftw(place.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void empty_scratch(void)
{
	remove_scratch();
	ck_assert_int_eq(mkdir(place.folder, 0700), 0);
}

int run_catalog_suite(const char *name, void (*add)(TCase *cases))
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int nfailed;

	make_scratch();
	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 0);
	tcase_add_checked_fixture(cases, empty_scratch, NULL);
	add(cases);
	srunner_run_all(runner, CK_NORMAL);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	remove_scratch();
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *scratch(void)
{
	return place.folder;
}

const char *scratch_catalog(void)
{
	return place.catalog;
}

const char *path_in_scratch(const char *name, char path[PATH_SIZE])
{
	int n = snprintf(path, PATH_SIZE, "%s/%s", place.folder, name);

	ck_assert(n > 0 && n < PATH_SIZE);
	return path;
}

unsigned count_scratch(void)
{
	DIR *folder = opendir(place.folder);
	unsigned n = 0;

	ck_assert_ptr_nonnull(folder);
	for (struct dirent *entry; (entry = readdir(folder));)
		n += entry->d_name[0] != '.';
	closedir(folder);
	return n;
}

void remove_beside_catalog(void)
{
	static const char *const names[] = {"catalog.db-wal", "catalog.db-shm", "catalog.db-journal"};
	char path[PATH_SIZE];

	for (size_t i = 0; i < 3; i++)
		unlink(path_in_scratch(names[i], path));
}

static int give_away(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return chown(path, NOBODY, NOBODY);
}

void become_ordinary(void)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(nftw(place.folder, give_away, 8, FTW_PHYS), 0);
	ck_assert(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

static bool have_own_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool can_mount(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(!have_own_mounts());
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void mount_scratch(const char *options)
{
	ck_assert(have_own_mounts() && mount("tmpfs", place.folder, "tmpfs", 0, options) == 0);
}

/* --- Catalogs ----------------------------------------------------------------------------------------------------- */

struct catalog *open_catalog(void)
{
	struct catalog *catalog;
	struct ic_why why = {""};
	errint_t err = catalog_open(place.catalog, &catalog, &why);

	if (err)
		ck_abort_msg("%d, %s", err, why.text);
	return catalog;
}

struct catalog_source source_at(unsigned n)
{
	return (struct catalog_source){.device = 2049, .inode = 1000 + n, .nbytes = 50000 + n, .mtime_ns = 17};
}

struct ic_variant variant_of(const char *design)
{
	struct ic_variant variant = {.face = IC_FACE_IC};

	ck_assert_int_eq(ic_design_parse(design, &variant.design, NULL), 0);
	return variant;
}

int64_t get(struct catalog *catalog, const struct catalog_source *source, const struct ic_variant *variant)
{
	struct catalog_known known;
	errint_t err = catalog_get(catalog, source, 1, variant, &known);

	if (err || !known.has_size)
		return err ? err : -ENOENT;
	ck_assert(!known.size.as_is);
	return (int64_t)known.size.nbytes;
}

errint_t put_until_it_fails(struct catalog *catalog)
{
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");
	errint_t err = 0;

	for (unsigned i = 0; i < 20000 && !err; i++) {
		struct catalog_source source = source_at(i);
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){1 + i, false});
		if (i % 1000 == 999)
			err = catalog_flush(catalog);
	}
	return err;
}

void check_put(struct catalog *catalog)
{
	struct ic_variant variant = variant_of("s1x1-b8-k4-q8");
	struct catalog_source source = source_at(77);

	catalog_put_size(catalog, &source, &variant, (struct catalog_size){7, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(get(catalog, &source, &variant), 7);
}

static sqlite3 *connect_to(const char *path)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

void sql(const char *path, const char *statements)
{
	sqlite3 *db = connect_to(path);
	char *error = NULL;

	if (sqlite3_exec(db, statements, NULL, NULL, &error) != SQLITE_OK)
		ck_abort_msg("%s: %s", statements, error);
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

int64_t sql_number(const char *path, const char *query)
{
	sqlite3 *db = connect_to(path);
	sqlite3_stmt *statement;

	ck_assert_int_eq(sqlite3_prepare_v2(db, query, -1, &statement, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

struct file_bytes file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct file_bytes bytes;

	ck_assert_msg(file && fseek(file, 0, SEEK_END) == 0, "cannot read %s", path);
	bytes = (struct file_bytes){NULL, (size_t)ftell(file)};
	bytes.data = malloc(bytes.nbytes + 1);
	rewind(file);
	ck_assert(bytes.data && fread(bytes.data, 1, bytes.nbytes, file) == bytes.nbytes);
	fclose(file);
	return bytes;
}

void file_write(const char *path, const void *data, size_t nbytes)
{
	FILE *file = fopen(path, "wb");

	ck_assert_msg(file && fwrite(data, 1, nbytes, file) == nbytes && fclose(file) == 0, "cannot write %s", path);
}

/* Murmur3's finalizer. */
uint32_t mixed(uint32_t n)
{
	n = (n ^ (n >> 16)) * 0x85ebca6bu;
	n = (n ^ (n >> 13)) * 0xc2b2ae35u;
	return n ^ (n >> 16);
}
