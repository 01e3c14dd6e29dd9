/* SPDX-License-Identifier: MIT */
#include "fs/node.h"
#include "tests/codec/heap.h"

#include <check.h>

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NTHREADS 8
#define NFILES 100000
#define NODE_BYTES_MAX 130 /* heap bytes a looked-up file, name and its share of the map included */

static struct dirs *dirs;
static struct nodes *nodes;

static void make_nodes(void)
{
	struct stat root = {.st_ino = 1, .st_dev = 5, .st_mode = S_IFDIR | 0755};

	ck_assert_int_eq(dirs_new(1 << 20, &dirs), 0);
	ck_assert_int_eq(nodes_new(dirs, &root, &nodes), 0);
}

static void free_nodes(void)
{
	nodes_free(nodes);
	dirs_free(dirs);
}

static struct node_spec file_spec(struct node *parent, const char *name, uint64_t ino)
{
	return (struct node_spec){
	        .parent = parent,
	        .name = name,
	        .kind = NODE_OBJECT,
	        .mode = S_IFREG | 0444,
	        .identity = {.ino = ino, .size = 1000, .mtime_ns = 5, .dev = 5},
	        .variant.design = ic_design_default(),
	        .nbytes = 4000,
	};
}

static struct node *look_up(const struct node_spec *spec)
{
	struct node *node;

	ck_assert_int_eq(nodes_lookup(nodes, spec, &node), 0);
	return node;
}

static struct node *look_up_directory(struct node *parent, const char *name, uint64_t ino)
{
	struct node_spec spec = {.parent = parent,
	                         .name = name,
	                         .kind = NODE_DIRECTORY,
	                         .mode = S_IFDIR | 0555,
	                         .identity = {.ino = ino, .dev = 5}};

	return look_up(&spec);
}

START_TEST(test_the_same_is_found_and_the_different_is_not)
{
	struct node *root = nodes_root(nodes);
	struct node_spec spec = file_spec(root, "a.jpg", 7);
	struct node *node = look_up(&spec);

	ck_assert_ptr_eq(look_up(&spec), node);
	ck_assert_uint_eq(nodes_count(nodes), 2);
	for (int change = 0; change < 9; change++) {
		struct node_spec other = spec;
		if (change == 0)
			other.identity.ino++;
		if (change == 1)
			other.identity.size++;
		if (change == 2)
			other.identity.mtime_ns++;
		if (change == 3)
			other.identity.dev++;
		if (change == 4)
			other.variant.design.bits = 3;
		if (change == 5)
			other.name = "b.jpg";
		if (change == 6)
			other.nbytes++;
		if (change >= 7)
			other.variant.face = IC_FACE_JPEG;
		other.variant.keeps_metadata = change == 8;
		ck_assert_ptr_ne(look_up(&other), node);
	}
	ck_assert_uint_eq(nodes_count(nodes), 11);
}
END_TEST

START_TEST(test_sizes_of_nodes_are_known)
{
	struct node_spec spec = file_spec(nodes_root(nodes), "a.jpg", 7), asked = spec;
	uint64_t nbytes = 77;

	spec.variant.face = asked.variant.face = IC_FACE_JPEG;
	asked.nbytes = 0;
	ck_assert(!nodes_get_size(nodes, &asked, &nbytes) && nbytes == 77);
	struct node *wrong = look_up(&spec);
	ck_assert(nodes_get_size(nodes, &asked, &nbytes) && nbytes == 4000);
	node_fail(wrong, -ESTALE, "its size is another");
	nbytes = 77;
	ck_assert(!nodes_get_size(nodes, &asked, &nbytes) && nbytes == 77);
	spec.nbytes = 5000;
	look_up(&spec);
	ck_assert(nodes_get_size(nodes, &asked, &nbytes) && nbytes == 5000);
	asked.variant.keeps_metadata = true;
	ck_assert(!nodes_get_size(nodes, &asked, &nbytes));
}
END_TEST

START_TEST(test_forget_is_exact)
{
	struct node *directory = look_up_directory(nodes_root(nodes), "d", 6);
	struct node_spec spec = file_spec(directory, "a.jpg", 7);
	struct node *node = look_up(&spec);

	look_up(&spec);
	look_up(&spec);
	nodes_forget(nodes, directory, 1); /* lives on: it has a child */
	ck_assert_uint_eq(nodes_count(nodes), 3);
	nodes_forget(nodes, node, 2);
	ck_assert_uint_eq(nodes_count(nodes), 3);
	nodes_hold(nodes, node);
	nodes_forget(nodes, node, 1);
	ck_assert_uint_eq(nodes_count(nodes), 3);
	nodes_release(nodes, node);
	ck_assert_uint_eq(nodes_count(nodes), 1);
}
END_TEST

START_TEST(test_permissions_follow_in_place)
{
	struct node_spec spec = file_spec(nodes_root(nodes), "a.jpg", 7);
	struct node *node = look_up(&spec);

	spec.mode = S_IFREG | 0400;
	spec.uid = 12;
	ck_assert_ptr_eq(look_up(&spec), node);
	ck_assert_uint_eq(atomic_load(&node->mode), S_IFREG | 0400);
	ck_assert_uint_eq(atomic_load(&node->uid), 12);
}
END_TEST

START_TEST(test_paths)
{
	struct policy_rule view = {.has_design = true, .design = ic_design_default()};
	struct node *root = nodes_root(nodes);
	struct node *a = look_up_directory(root, "a", 10), *b = look_up_directory(a, "b", 11);
	struct node_spec far = {
	        .parent = b, .name = "far", .kind = NODE_DIRECTORY, .place = "/x/y", .identity = {12, 0, 0, 5}};
	struct node_spec views = {.parent = root, .name = "view", .kind = NODE_VIEWS};
	struct node_spec top = {
	        .kind = NODE_DIRECTORY, .name = "s", .place = "", .view = &view, .identity = {1, 0, 0, 5}};
	char path[PATH_MAX];

	ck_assert_int_eq(node_place(root, path), 0);
	ck_assert_str_eq(path, "");
	ck_assert_int_eq(node_place(b, path), 0);
	ck_assert_str_eq(path, "a/b");
	struct node *below = look_up_directory(look_up(&far), "below", 13);
	ck_assert_int_eq(node_place(below, path), 0);
	ck_assert_str_eq(path, "/x/y/below");
	ck_assert_int_eq(node_path(below, path), 0);
	ck_assert_str_eq(path, "a/b/far/below");
	top.parent = look_up(&views);
	struct node *in_view = look_up_directory(look_up(&top), "a", 10);
	ck_assert_int_eq(node_place(in_view, path), 0);
	ck_assert_str_eq(path, "a");
	ck_assert_int_eq(node_path(in_view, path), 0);
	ck_assert_str_eq(path, "a");
	ck_assert_ptr_nonnull(in_view->directory->view);
	ck_assert_ptr_eq(in_view->directory->dir, a->directory->dir);
	ck_assert_uint_ne(node_number(in_view), node_number(a));
}
END_TEST

START_TEST(test_a_path_too_long)
{
	struct node *node = nodes_root(nodes);
	char name[201], path[PATH_MAX];
	errint_t err = 0;
	int depth = 0;

	memset(name, 'n', 200);
	name[200] = 0;
	while (!err && depth < 50) {
		node = look_up_directory(node, name, 100 + (uint64_t)depth++);
		err = node_place(node, path);
	}
	ck_assert_int_eq(err, -ENAMETOOLONG);
	ck_assert_int_eq(depth, PATH_MAX / 201 + 1);
	ck_assert_int_eq(node_path(node, path), -ENAMETOOLONG);
}
END_TEST

START_TEST(test_a_failure_stays)
{
	struct node_spec spec = file_spec(nodes_root(nodes), "a.jpg", 7);
	struct node *node = look_up(&spec);

	ck_assert(node_fail(node, -EBADMSG, "first"));
	ck_assert(!node_fail(node, -EFBIG, "second"));
	ck_assert_int_eq(atomic_load(&node->file.failure)->err, -EBADMSG);
	ck_assert_str_eq(atomic_load(&node->file.failure)->text, "first");
}
END_TEST

static void count_node(void *context, struct node *node)
{
	++*(unsigned *)context;
	/* Without a lock: it may look up and forget. */
	struct node_spec spec = file_spec(nodes_root(nodes), "while.jpg", 99);
	nodes_forget(nodes, look_up(&spec), 1);
}

START_TEST(test_visits)
{
	struct node *root = nodes_root(nodes);
	struct node *d = look_up_directory(root, "d", 6);
	unsigned count = 0;
	char name[16];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		struct node_spec spec = file_spec(d, name, 1000 + (uint64_t)i);
		look_up(&spec);
	}
	nodes_each(nodes, count_node, &count);
	ck_assert_uint_ge(count, 3002);
	struct node_spec again = file_spec(d, "7", 5555);
	look_up(&again);
	count = 0;
	nodes_each_named(nodes, d, "7", count_node, &count);
	ck_assert_uint_eq(count, 2);
	count = 0;
	nodes_each_of_dir(nodes, d->directory->dir, count_node, &count);
	ck_assert_uint_eq(count, 1);
}
END_TEST

#define NALIKE 20

/* Visited nodes, told apart by their inodes; `nmake` new ones are made at each visit, of names not there yet. */
struct visited {
	unsigned times[NALIKE];
	unsigned nmake, nmade;
	bool forgets;
};

static void tally(void *context, struct node *node)
{
	struct visited *visited = context;
	char name[16];

	if (node->ino < 100 || node->ino >= 100 + NALIKE)
		return;
	visited->times[node->ino - 100]++;
	for (unsigned i = 0; i < visited->nmake; i++) {
		snprintf(name, sizeof(name), "new%u", visited->nmade++);
		struct node_spec spec = file_spec(nodes_root(nodes), name, 1000);
		look_up(&spec);
	}
	if (visited->forgets)
		nodes_forget(nodes, node, 1);
}

static void look_up_alike(void)
{
	for (unsigned i = 0; i < NALIKE; i++) {
		struct node_spec spec = file_spec(nodes_root(nodes), "a.jpg", 100 + i);
		look_up(&spec);
	}
}

/* A change that is not passed on for want of memory would be missed. */
START_TEST(test_visits_need_no_memory)
{
	struct visited named = {.nmake = 0}, all = {.nmake = 0}, of_dir = {.nmake = 0};
	struct node *root = nodes_root(nodes);

	look_up_alike();
	heap_watch(1, ULONG_MAX);
	nodes_each_named(nodes, root, "a.jpg", tally, &named);
	nodes_each(nodes, tally, &all);
	root->ino = 100;
	nodes_each_of_dir(nodes, root->directory->dir, tally, &of_dir);
	heap.watched = false;
	ck_assert_uint_eq(heap.count, 0);
	for (unsigned i = 0; i < NALIKE; i++) {
		ck_assert_uint_eq(named.times[i], 1);
		ck_assert_uint_eq(all.times[i], 1);
		ck_assert_uint_eq(of_dir.times[i], i == 0);
	}
}
END_TEST

START_TEST(test_visits_while_the_map_grows)
{
	struct visited named = {.nmake = 500}, all = {.nmake = 2000};

	look_up_alike();
	nodes_each_named(nodes, nodes_root(nodes), "a.jpg", tally, &named);
	nodes_each(nodes, tally, &all);
	for (unsigned i = 0; i < NALIKE; i++) {
		ck_assert_uint_eq(named.times[i], 1);
		ck_assert_uint_ge(all.times[i], 1);
	}
	ck_assert_uint_ge(nodes_count(nodes), NALIKE * (500 + 2000));
}
END_TEST

START_TEST(test_visitors_may_forget)
{
	struct visited named = {.forgets = true}, all = {.forgets = true};

	look_up_alike();
	nodes_each_named(nodes, nodes_root(nodes), "a.jpg", tally, &named);
	ck_assert_uint_eq(nodes_count(nodes), 1);
	look_up_alike();
	nodes_each(nodes, tally, &all);
	ck_assert_uint_eq(nodes_count(nodes), 1);
	for (unsigned i = 0; i < NALIKE; i++) {
		ck_assert_uint_eq(named.times[i], 1);
		ck_assert_uint_eq(all.times[i], 1);
	}
}
END_TEST

/* A node that is visited is not taken away, nor is its parent. */
static void check_held(void *context, struct node *node)
{
	ck_assert(node == nodes_root(nodes) || node->parent->kind == NODE_DIRECTORY);
	ck_assert_uint_ge(nodes_refs(nodes, node), 1);
}

static void *churn(void *context)
{
	struct node *root = nodes_root(nodes);
	unsigned seed = (unsigned)(uintptr_t)context;

	for (int i = 0; i < 4000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "d%d", rand_r(&seed) % 7);
		struct node *d = look_up_directory(root, name, 100 + (uint64_t)name[1]);
		struct node_spec spec = file_spec(d, "f.jpg", (uint64_t)(rand_r(&seed) % 5));
		struct node *file = look_up(&spec);
		nodes_forget(nodes, d, 1);
		ck_assert_ptr_eq(file->parent, d);
		if (i % 16 == 0) {
			nodes_each_named(nodes, d, "f.jpg", check_held, NULL);
			nodes_each_of_dir(nodes, d->directory->dir, check_held, NULL);
			nodes_each(nodes, check_held, NULL);
		}
		nodes_forget(nodes, file, 1);
	}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[NTHREADS];

	for (uintptr_t i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(nodes_count(nodes), 1);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_MEASURE 0 /* their heap is another */
#else
#define CAN_MEASURE 1
#endif

static void check_variant(const struct ic_variant *variant)
{
	struct node node = {.variant = node_pack_variant(variant)};
	struct ic_variant unpacked = node_variant(&node);

	ck_assert(ic_variant_equal(variant, &unpacked));
}

START_TEST(test_variants_are_packed_without_loss)
{
	static const char *const beyond[] = {"s1x4-b32-k63-q1-c1-fbox-oy", "s4x1-b32-k1-q8-ol", "s2x4-b1-k1-q3-c1-ox"};
	struct ic_variant variant = {.face = IC_FACE_IC};

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		ck_assert_int_eq(ic_design_at(i, &variant.design), 0);
		variant.face = (enum ic_face)(i % 4);
		variant.keeps_metadata = i / 4 % 2;
		check_variant(&variant);
	}
	for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
		ck_assert_int_eq(ic_design_parse(beyond[i], &variant.design, NULL), 0);
		check_variant(&variant);
	}
}
END_TEST

START_TEST(test_more_lookups_than_can_be_counted)
{
	struct node_spec spec = file_spec(nodes_root(nodes), "a.jpg", 7);
	struct node *node = look_up(&spec);

	node->nlookup = UINT32_MAX - 1;
	look_up(&spec);
	look_up(&spec);
	nodes_forget(nodes, node, UINT32_MAX);
	ck_assert_uint_eq(nodes_count(nodes), 2); /* nobody knows how many are left, so it stays */
	ck_assert_ptr_eq(look_up(&spec), node);
}
END_TEST

/* 1.28 million files must fit well into 300 MB. Names as long as ImageNet's. */
START_TEST(test_memory)
{
	struct node *d = look_up_directory(nodes_root(nodes), "n01440764", 6);
	size_t before = mallinfo2().uordblks;
	char name[32];

	for (int i = 0; i < NFILES; i++) {
		snprintf(name, sizeof(name), "n01440764_%05d.JPEG", i);
		struct node_spec spec = file_spec(d, name, 1000 + (uint64_t)i);
		look_up(&spec);
	}
	struct mallinfo2 info = mallinfo2();
	double each = (double)(info.uordblks + info.hblkhd - before) / NFILES;
	ck_assert_uint_eq(nodes_count(nodes), NFILES + 2);
	if (CAN_MEASURE)
		ck_assert_double_lt(each, NODE_BYTES_MAX);
	printf("heap bytes a node: %.1f\n", each);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("node");
	TCase *tcase = tcase_create("node");
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, make_nodes, free_nodes);
	tcase_add_test(tcase, test_the_same_is_found_and_the_different_is_not);
	tcase_add_test(tcase, test_sizes_of_nodes_are_known);
	tcase_add_test(tcase, test_forget_is_exact);
	tcase_add_test(tcase, test_permissions_follow_in_place);
	tcase_add_test(tcase, test_paths);
	tcase_add_test(tcase, test_a_path_too_long);
	tcase_add_test(tcase, test_a_failure_stays);
	tcase_add_test(tcase, test_visits);
	tcase_add_test(tcase, test_visits_need_no_memory);
	tcase_add_test(tcase, test_visits_while_the_map_grows);
	tcase_add_test(tcase, test_visitors_may_forget);
	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_variants_are_packed_without_loss);
	tcase_add_test(tcase, test_more_lookups_than_can_be_counted);
	tcase_add_test(tcase, test_memory);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
