/* SPDX-License-Identifier: MIT */
#include "fs/dir.h"
#include "fs/ending.h"
#include "fs/names.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRIES_MAX 32

static char directory[] = "/tmp/icfs-test-names-XXXXXX";
static int directory_fd;
static unsigned asked;

static void make_directory(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(directory_fd, 0);
}

static void add(const char *name)
{
	int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static struct table *read_table(void)
{
	struct table *table;

	ck_assert_int_eq(table_read(directory_fd, NULL, &table), 0);
	return table;
}

static void remove_directory(void)
{
	struct table *table = read_table();

	for (size_t i = 0; i < table_count(table); i++)
		ck_assert_int_eq(unlinkat(directory_fd, table_name(table, i), 0), 0);
	table_unref(table);
	close(directory_fd);
	rmdir(directory);
}

/* Files with an x before the dot claim to be images and are none. */
static bool is_image(void *context, size_t i)
{
	const struct table *table = context;
	const char *name = table_name(table, i);
	size_t stem_len = stem_length(name) + object_stem_length(name);

	asked++;
	ck_assert_uint_gt(stem_len, 0);
	return name[stem_len - 1] != 'x';
}

static struct names names_of(struct table *table)
{
	return (struct names){.table = table, .face = IC_FACE_IC, .is_image = is_image, .context = table};
}

static void assert_served_under(enum ic_face face, const char *source, const char *want)
{
	struct table *table = read_table();
	struct names names = names_of(table);
	names.face = face;
	ssize_t i = table_find(table, source);
	char name[NAME_MAX + 1];
	enum name_form form;

	ck_assert_int_ge(i, 0);
	names_write(&names, (size_t)i, names_form(&names, (size_t)i), name);
	ck_assert_str_eq(name, want);
	ck_assert_int_eq(names_find(&names, want, &form), i);
	table_unref(table);
}

static void assert_served(const char *source, const char *want)
{
	assert_served_under(IC_FACE_IC, source, want);
}

static void assert_picture(const char *source, const char *want)
{
	assert_served_under(IC_FACE_JPEG, source, want);
	assert_served_under(IC_FACE_BMP, source, want);
}

START_TEST(test_stem_length)
{
	static const struct {
		const char *name;
		size_t length;
	} cases[] = {{"a.jpg", 1},  {"a.JPEG", 1}, {"a.b.jpe", 3}, {"a.JfIf", 1},  {".jpg", 0}, {"jpg", 0},
	             {"a.jpg2", 0}, {"a.jp", 0},   {"a.jpg.", 0},  {"..jpg", 1},   {"", 0},     {"a.jpeg.gz", 0},
	             {"a.png", 0},  {"a.", 0},     {"a..jpg", 2},  {"a.jpg.ic", 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ck_assert_msg(stem_length(cases[i].name) == cases[i].length, "%s", cases[i].name);
	ck_assert_uint_eq(object_stem_length("a.b.ic"), 3);
	ck_assert_uint_eq(object_stem_length("a.IC"), 1);
	ck_assert_uint_eq(object_stem_length(".ic"), 0);
	ck_assert_uint_eq(object_stem_length("a.ics"), 0);
}
END_TEST

/* Whatever would collide under `ic`: under each other face every entry keeps its name, and there is no other. */
START_TEST(test_own_names_under_other_faces)
{
	static const enum ic_face faces[] = {IC_FACE_JPEG, IC_FACE_BMP, IC_FACE_ORIG};
	static const char *const sources[] = {"a.jpg", "a.jpeg", "b.JPG", "c.jfif", "d.txt"};
	static const char *const absent[] = {"b.ic", "c.ic", "c.jfif.ic", "a.jpg.ic", "d.ic", "b", "b.jpg"};
	char name[NAME_MAX + 1];
	enum name_form form;

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
		add(sources[i]);
	struct table *table = read_table();
	asked = 0;
	for (size_t f = 0; f < 3; f++) {
		struct names names = names_of(table);
		names.face = faces[f];
		for (size_t i = 0; i < table_count(table); i++) {
			ck_assert_int_eq(names_form(&names, i), NAME_OWN);
			names_write(&names, i, NAME_OWN, name);
			ck_assert_str_eq(name, table_name(table, i));
			ck_assert_int_eq(names_find(&names, name, &form), (ssize_t)i);
			ck_assert_int_eq(form, NAME_OWN);
		}
		for (size_t i = 0; i < sizeof(absent) / sizeof(*absent); i++)
			ck_assert_int_eq(names_find(&names, absent[i], &form), -1);
	}
	ck_assert_uint_eq(asked, 0); /* so nothing has to be read for a name */
	table_unref(table);
}
END_TEST

START_TEST(test_forms)
{
	add("a.jpg");
	add("b.jpg");
	add("b.JPG");
	add("cx.jpg");
	add("cx.jpeg");
	add("d.jpg");
	add("d.ic");
	add("e.jpg");
	add("e.ic");
	add("e.jpg.ic");
	add("f.txt");
	assert_served("a.jpg", "a.ic");
	assert_served("b.jpg", "b.jpg.ic");
	assert_served("b.JPG", "b.JPG.ic");
	assert_served("cx.jpg", "cx.jpg");
	assert_served("d.jpg", "d.jpg.ic");
	assert_served("d.ic", "d.ic");
	assert_served("e.jpg", "e.jpg");
	assert_served("f.txt", "f.txt");
}
END_TEST

START_TEST(test_chain)
{
	add("a.jpg");
	assert_served("a.jpg", "a.ic");
	add("a.jpg.jpg");
	add("a.jpg.jpg.jpg");
	assert_served("a.jpg", "a.ic");
	assert_served("a.jpg.jpg", "a.jpg.ic");
	assert_served("a.jpg.jpg.jpg", "a.jpg.jpg.ic");
	add("a.jpe");
	assert_served("a.jpg", "a.jpg.ic");
	assert_served("a.jpg.jpg", "a.jpg.jpg.ic");
	assert_served("a.jpg.jpg.jpg", "a.jpg.jpg.jpg.ic");
}
END_TEST

/* .ic files where programs look for pictures. */
START_TEST(test_pictures)
{
	add("a.ic");
	add("b.jpeg.ic"); /* of a tree with b.jpg.ic beside it, as an export writes them */
	add("b.jpg.ic");
	add("c.ic");
	add("c.jpg");
	add("d.ic");
	add("d.IC");
	add("e.ic");
	add("e.jpg.ic");
	add("f.JPG.ic");
	add("f.ic");
	add("gx.ic"); /* no image */
	add("gx.jpg.ic");
	add("h.ic.ic");
	add("i.jpg.jpg.ic");
	assert_picture("a.ic", "a.jpg");
	assert_picture("b.jpeg.ic", "b.jpeg");
	assert_picture("b.jpg.ic", "b.jpg");
	assert_picture("c.ic", "c.ic");
	assert_picture("c.jpg", "c.jpg");
	assert_picture("d.IC", "d.jpg");
	assert_picture("d.ic", "d.ic");
	assert_picture("e.jpg.ic", "e.jpg");
	assert_picture("e.ic", "e.ic");
	assert_picture("f.JPG.ic", "f.JPG");
	assert_picture("f.ic", "f.jpg");
	assert_picture("gx.ic", "gx.ic");
	assert_picture("gx.jpg.ic", "gx.jpg");
	assert_picture("h.ic.ic", "h.ic.jpg");
	assert_picture("i.jpg.jpg.ic", "i.jpg.jpg");
	assert_served_under(IC_FACE_ORIG, "a.ic", "a.ic");
	assert_served("a.ic", "a.ic");
	assert_served("e.jpg.ic", "e.jpg.ic");
}
END_TEST

/* A lookup of one name must not look into every file of a directory. */
START_TEST(test_a_lookup_asks_little)
{
	struct table *table;
	char name[32];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "%d.jpg", i);
		add(name);
	}
	table = read_table();
	struct names names = names_of(table);
	enum name_form form;
	asked = 0;
	ck_assert_int_ge(names_find(&names, "250.ic", &form), 0);
	ck_assert_int_eq(form, NAME_STEM);
	ck_assert_int_lt(names_find(&names, "nothing.ic", &form), 0);
	ck_assert_int_lt(names_find(&names, "nothing", &form), 0);
	ck_assert_uint_le(asked, 3);
	table_unref(table);
}
END_TEST

struct served {
	enum ic_face face;
	struct table *table;
	char names[ENTRIES_MAX][NAME_MAX + 1];
};

/* What each entry is served as, checked: every name once, and found again. */
static void serve_all(struct served *served)
{
	served->table = read_table();
	struct names names = names_of(served->table);
	enum name_form form;

	names.face = served->face;
	for (size_t i = 0; i < table_count(served->table); i++) {
		names_write(&names, i, names_form(&names, i), served->names[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(served->names[i], served->names[j]);
		ck_assert_int_eq(names_find(&names, served->names[i], &form), (ssize_t)i);
		ck_assert_int_eq(form, names_form(&names, i));
	}
}

static const char *served_as(const struct served *served, const char *source)
{
	ssize_t i = table_find(served->table, source);

	return i < 0 ? "" : served->names[i];
}

struct wanted {
	const char *name;
	bool told;
};

static void compare_name(void *context, const char *name)
{
	struct wanted *wanted = context;

	if (!strcmp(name, wanted->name))
		wanted->told = true;
}

static void assert_told(const struct table *table, const char *changed, const char *name)
{
	struct wanted wanted = {.name = name}, near = {.name = name};
	uint64_t endings;

	names_affected(table, changed, compare_name, &wanted);
	ck_assert_msg(wanted.told || !*name, "a change of %s did not tell of %s", changed, name);
	if (!table_endings(table, &endings) || ending_is_double(changed))
		return;
	names_affected_near(changed, endings, compare_name, &near);
	ck_assert_msg(near.told || !*name, "a change of %s did not tell of %s by endings", changed, name);
}

/* Whatever is served otherwise after a change was told of, from the names before it and from those after it. */
static void assert_change_told(const struct served *before, const struct served *after, const char *changed)
{
	const struct served *sides[] = {before, after};

	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; i < table_count(sides[side]->table); i++) {
			const char *source = table_name(sides[side]->table, i);
			const char *was = served_as(before, source), *is = served_as(after, source);
			if (!strcmp(was, is))
				continue;
			for (size_t t = 0; t < 2; t++) {
				assert_told(sides[t]->table, changed, was);
				assert_told(sides[t]->table, changed, is);
			}
		}
	}
}

START_TEST(test_random_directories)
{
	static const char *const parts[] = {"a",     "b",   "ax",  ".jpg", ".jpg", ".JPG",
	                                    ".jpeg", ".ic", ".ic", ".IC",  ".txt"};
	const size_t nparts = sizeof(parts) / sizeof(*parts);
	struct served *sides = calloc(2, sizeof(*sides));
	unsigned seed = (unsigned)_i + 1;

	ck_assert_ptr_nonnull(sides);
	sides[0].face = sides[1].face = _i % 2 ? IC_FACE_JPEG : IC_FACE_IC;
	add("a.jpg");
	serve_all(&sides[0]);
	for (int step = 0; step < 150; step++) {
		struct served *before = &sides[step % 2], *after = &sides[(step + 1) % 2];
		char name[64] = "";
		strcat(name, parts[rand_r(&seed) % 3]);
		for (int n = rand_r(&seed) % 4; n >= 0; n--)
			strcat(name, parts[(unsigned)rand_r(&seed) % nparts]);
		if (unlinkat(directory_fd, name, 0)) {
			ck_assert_int_eq(errno, ENOENT);
			if (table_count(before->table) < ENTRIES_MAX)
				add(name);
		}
		serve_all(after);
		assert_change_told(before, after, name);
		table_unref(before->table);
	}
	table_unref(sides[0].table);
	free(sides);
}
END_TEST

/* --- Names found without reading all ------------------------------------------------------------------------------ */

/* That `name` is found, or not, as in all of the directory. */
static void assert_near(struct table *whole, uint64_t endings, enum ic_face face, const char *name)
{
	enum name_form form = NAME_OWN, near_form = NAME_OWN;
	struct names names = names_of(whole);
	struct table *near;

	names.face = face;
	ssize_t i = names_find(&names, name, &form);
	ck_assert_int_eq(table_read_near(directory_fd, name, endings, &near), 0);
	struct names near_names = names_of(near);
	near_names.face = face;
	ssize_t found = names_find(&near_names, name, &near_form);
	const char *source = i < 0 ? "" : table_name(whole, (size_t)i);
	ck_assert_msg((found < 0) == (i < 0) && form == near_form &&
	                      (i < 0 || !strcmp(table_name(near, (size_t)found), source)),
	              "%s is %s, and was %s", name, found < 0 ? "" : table_name(near, (size_t)found), source);
	table_unref(near);
}

START_TEST(test_names_found_by_their_endings)
{
	static const char *const stems[] = {"a", "b", "ax", ".", "c.d", ""};
	static const char *const endings[] = {"", ".jpg", ".JPG", ".jpeg", ".jpe", ".JfiF", ".ic", ".Ic", ".txt"};
	const size_t nstems = sizeof(stems) / sizeof(*stems), nendings = sizeof(endings) / sizeof(*endings);
	unsigned seed = (unsigned)_i + 1;
	char name[64];
	uint64_t mask;

	for (int n = 0; n < 14; n++) {
		snprintf(name, sizeof(name), "%s%s", stems[(unsigned)rand_r(&seed) % nstems],
		         endings[(unsigned)rand_r(&seed) % nendings]);
		if (*name && strcmp(name, ".") && faccessat(directory_fd, name, F_OK, 0))
			add(name);
	}
	struct table *whole = read_table();
	ck_assert(table_endings(whole, &mask));
	for (size_t s = 0; s < nstems; s++) {
		for (size_t e = 0; e < nendings * nendings; e++) {
			snprintf(name, sizeof(name), "%s%s%s", stems[s], endings[e / nendings], endings[e % nendings]);
			for (int face = 0; *name && strcmp(name, ".") && face <= IC_FACE_ORIG; face++)
				assert_near(whole, mask, (enum ic_face)face, name);
		}
	}
	table_unref(whole);
	add("a.jpg.jpg");
	whole = read_table();
	ck_assert(!table_endings(whole, &mask));
	table_unref(whole);
}
END_TEST

/* A lookup in a directory whose names had to make room for another's looks at a few of them. */
START_TEST(test_names_that_made_room)
{
	struct dirs *dirs;
	struct dir *first, *second;
	struct table *table;
	struct stat st;

	for (int i = 0; i < 20; i++) {
		char name[32];
		snprintf(name, sizeof(name), "%d.jpg", i);
		add(name);
	}
	add("7.jpeg");
	ck_assert_int_eq(fstat(directory_fd, &st), 0);
	st.st_ctim.tv_sec -= 60; /* long enough ago for the next change to be told apart */
	ck_assert_int_eq(dirs_new(1, &dirs), 0);
	ck_assert_int_eq(dirs_get(dirs, 1, 1, &first), 0);
	ck_assert_int_eq(dirs_get(dirs, 1, 2, &second), 0);
	const size_t counts[] = {21, 21, 2, 0}; /* nothing is known; all is there; then the other's are */
	const char *const names[] = {"7.ic", "7.ic", "7.jpeg.ic", "x.ic"};
	for (size_t i = 0; i < 4; i++) {
		if (i == 2) {
			ck_assert_int_eq(dir_table(dirs, second, directory_fd, &st, &table), 0);
			table_unref(table);
		}
		ck_assert_int_eq(dir_table_near(dirs, first, directory_fd, &st, names[i], &table), 0);
		ck_assert_uint_eq(table_count(table), counts[i]);
		table_unref(table);
	}
	dir_touch(first); /* it changed: all is read again */
	ck_assert_int_eq(dir_table_near(dirs, first, directory_fd, &st, "7.ic", &table), 0);
	ck_assert_uint_eq(table_count(table), 21);
	table_unref(table);
	dirs_put(dirs, first);
	dirs_put(dirs, second);
	dirs_free(dirs);
}
END_TEST

START_TEST(test_long_names)
{
	char name[NAME_MAX + 1], want[NAME_MAX + 1];

	memset(name, 'n', NAME_MAX);
	strcpy(name + 251, ".jpg");
	strcpy(want, name);
	strcpy(want + 251, ".ic");
	add(name);
	assert_served(name, want);
	strcpy(want, name);
	strcpy(want + 251, ".jpe");
	add(want);
	assert_served(name, name);
	assert_served(want, want);
}
END_TEST

START_TEST(test_a_picture_name_that_is_too_long)
{
	char name[NAME_MAX + 1], want[NAME_MAX + 1];

	memset(name, 'n', NAME_MAX);
	strcpy(name + 252, ".ic");
	add(name);
	assert_picture(name, name);
	strcpy(want, name);
	strcpy(name + 251, ".ic");
	strcpy(want + 251, ".jpg");
	add(name);
	assert_picture(name, want);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *names = tcase_create("names");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(names, make_directory, remove_directory);
	tcase_add_test(names, test_stem_length);
	tcase_add_test(names, test_own_names_under_other_faces);
	tcase_add_test(names, test_forms);
	tcase_add_test(names, test_chain);
	tcase_add_test(names, test_pictures);
	tcase_add_test(names, test_a_lookup_asks_little);
	tcase_add_loop_test(names, test_random_directories, 0, 12);
	tcase_add_loop_test(names, test_names_found_by_their_endings, 0, 20);
	tcase_add_test(names, test_names_that_made_room);
	tcase_add_test(names, test_long_names);
	tcase_add_test(names, test_a_picture_name_that_is_too_long);
	tcase_set_timeout(names, 60);
	suite_add_tcase(suite, names);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
