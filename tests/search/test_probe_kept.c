/* SPDX-License-Identifier: MIT */
/* Coefficients in memory and in a file: what comes back is what was put, or nothing. */
#include "search/probe_kept_priv.h"

#include "codec/encode.h"
#include "tests/codec/codec_helpers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NIMAGES 6u

static const char *tmp(void)
{
	const char *named = getenv("TMPDIR");
	return named && *named ? named : "/tmp";
}

static struct ic_coefs *coefs_of(unsigned number)
{
	struct bytes jpeg = jpeg_new(40 + 13 * number, 60, number, &(struct jpeg_spec){.quality = 90});
	struct ic_coefs *coefs;
	ck_assert_int_eq(ic_coefs_new(jpeg.data, jpeg.nbytes, NULL, &coefs, NULL), 0);
	free(jpeg.data);
	return coefs;
}

static uint64_t total_nbytes(void)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < NIMAGES; i++) {
		struct ic_coefs *coefs = coefs_of(i);
		sum += ic_coefs_nbytes(coefs);
		ic_coefs_free(coefs);
	}
	return sum;
}

static void assert_same(const struct ic_coefs *a, const struct ic_coefs *b)
{
	struct ic_design design = ic_design_default();
	struct bytes of_a, of_b;
	ck_assert_int_eq(ic_encode_coefs(a, &design, NULL, &of_a.data, &of_a.nbytes, NULL), 0);
	ck_assert_int_eq(ic_encode_coefs(b, &design, NULL, &of_b.data, &of_b.nbytes, NULL), 0);
	ck_assert_uint_eq(of_a.nbytes, of_b.nbytes);
	ck_assert_mem_eq(of_a.data, of_b.data, of_a.nbytes);
	free(of_a.data);
	free(of_b.data);
}

/* Put all of them, and settle. */
static struct probe_keeper *keep_within(uint64_t memory_nbytes, const char *directory, uint64_t file_nbytes,
                                        struct probe_kept kept[NIMAGES])
{
	struct probe_keeper *keeper;
	ck_assert_int_eq(probe_keeper_new(memory_nbytes, directory, file_nbytes, &keeper), 0);
	for (unsigned i = 0; i < NIMAGES; i++)
		probe_keeper_put(keeper, coefs_of(i), &kept[i]);
	for (unsigned i = 0; i < NIMAGES; i++)
		probe_keeper_settle(keeper, &kept[i]);
	return keeper;
}

static struct probe_keeper *keep_all(uint64_t memory_nbytes, const char *directory, struct probe_kept kept[NIMAGES])
{
	return keep_within(memory_nbytes, directory, 0, kept);
}

/* How many come back; each that does is what was put. */
static unsigned count(const struct probe_keeper *keeper, const struct probe_kept kept[NIMAGES])
{
	unsigned n = 0;
	for (unsigned i = 0; i < NIMAGES; i++) {
		const struct ic_coefs *found;
		struct ic_coefs *copy;
		ck_assert_int_eq(probe_keeper_get(keeper, &kept[i], &found, &copy), 0);
		ck_assert(copy == (kept[i].nbytes && found ? found : NULL));
		if (found) {
			struct ic_coefs *put = coefs_of(i);
			assert_same(put, found);
			ic_coefs_free(put);
			n++;
		}
		ic_coefs_free(copy);
	}
	return n;
}

static unsigned count_in_memory(const struct probe_kept kept[NIMAGES])
{
	unsigned n = 0;
	for (unsigned i = 0; i < NIMAGES; i++)
		n += kept[i].coefs != NULL;
	return n;
}

static void end(struct probe_keeper *keeper, struct probe_kept kept[NIMAGES])
{
	for (unsigned i = 0; i < NIMAGES; i++)
		probe_kept_clear(&kept[i]);
	probe_keeper_free(keeper);
}

START_TEST(all_are_in_memory_or_in_a_file)
{
	const uint64_t total = total_nbytes(), memory[] = {total, total - 1, total / 2, 0};
	struct probe_kept kept[NIMAGES];
	for (unsigned i = 0; i < 4; i++) {
		struct probe_keeper *keeper = keep_all(memory[i], tmp(), kept);
		ck_assert(probe_keeper_has_room(keeper));
		ck_assert_uint_eq(count_in_memory(kept), i == 0 ? NIMAGES : 0);
		ck_assert_uint_eq(count(keeper, kept), NIMAGES);
		ck_assert_uint_eq(count(keeper, kept), NIMAGES); /* any number of times */
		end(keeper, kept);
	}
}
END_TEST

START_TEST(without_a_file_none_stays_that_does_not_fit)
{
	struct probe_kept kept[NIMAGES];
	const char *const none[] = {NULL, "/nowhere", "/proc"};
	for (unsigned i = 0; i < 3; i++) {
		struct probe_keeper *keeper = keep_all(total_nbytes(), none[i], kept);
		ck_assert_uint_eq(count(keeper, kept), NIMAGES);
		end(keeper, kept);
		keeper = keep_all(total_nbytes() - 1, none[i], kept);
		ck_assert(!probe_keeper_has_room(keeper));
		ck_assert_uint_eq(count(keeper, kept), 0);
		end(keeper, kept);
	}
}
END_TEST

START_TEST(a_file_takes_no_more_than_is_said)
{
	const uint64_t total = total_nbytes();
	struct probe_kept kept[NIMAGES];
	struct probe_keeper *keeper = keep_within(0, tmp(), total, kept);
	ck_assert(probe_keeper_has_room(keeper));
	ck_assert_uint_eq(count(keeper, kept), NIMAGES);
	end(keeper, kept);
	keeper = keep_within(0, tmp(), total - 1, kept);
	ck_assert(!probe_keeper_has_room(keeper));
	ck_assert_uint_eq(count(keeper, kept), NIMAGES - 1);
	end(keeper, kept);
}
END_TEST

/* Which would end the process by a signal if it were gone beyond. */
START_TEST(a_file_grows_to_its_limit)
{
	struct probe_kept kept[NIMAGES];
	struct rlimit before, limit;
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){total_nbytes() / 2, before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	struct probe_keeper *keeper = keep_all(0, tmp(), kept);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	ck_assert(!probe_keeper_has_room(keeper));
	unsigned n = count(keeper, kept);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_lt(n, NIMAGES);
	end(keeper, kept);
}
END_TEST

/* The one that this process has open and that nobody can name. */
static int unnamed_file(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int found = -1;
	ck_assert_ptr_nonnull(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		struct stat st;
		if (!fstatat(dirfd(directory), entry->d_name, &st, 0) && S_ISREG(st.st_mode) && st.st_nlink == 0 &&
		    st.st_size == (off_t)total_nbytes())
			found = atoi(entry->d_name);
	}
	closedir(directory);
	ck_assert_int_ge(found, 0);
	return found;
}

START_TEST(what_cannot_be_read_any_more_is_not_kept)
{
	struct probe_kept kept[NIMAGES];
	struct probe_keeper *keeper = keep_all(0, tmp(), kept);
	ck_assert_int_eq(ftruncate(unnamed_file(), (off_t)(total_nbytes() - 1)), 0);
	ck_assert_uint_eq(count(keeper, kept), NIMAGES - 1);
	end(keeper, kept);
	keeper = keep_all(0, tmp(), kept);
	ck_assert_int_eq(pwrite(unnamed_file(), "another", 7, (off_t)kept[2].at + 100), 7);
	ck_assert_uint_eq(count(keeper, kept), NIMAGES - 1);
	end(keeper, kept);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, all_are_in_memory_or_in_a_file);
	tcase_add_test(cases, without_a_file_none_stays_that_does_not_fit);
	tcase_add_test(cases, a_file_takes_no_more_than_is_said);
	tcase_add_test(cases, a_file_grows_to_its_limit);
	tcase_add_test(cases, what_cannot_be_read_any_more_is_not_kept);
}

int main(void)
{
	return suite_run("probe-kept", add);
}
