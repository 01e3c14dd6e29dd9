/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"

#include <check.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy_file *parse_ok(const char *text, enum policy_kind kind)
{
	struct policy_file *file = NULL;
	struct ic_why why = {""};
	errint_t err = policy_file_parse(text, strlen(text), "P", kind, &file, &why);

	ck_assert_msg(!err, "%s", why.text);
	return file;
}

static void assert_design(const struct ic_design *design, const char *text)
{
	char printed[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, printed);
	ck_assert_str_eq(printed, text);
}

static void assert_root(const char *text, const char *design, unsigned design_line, unsigned face_line)
{
	struct policy_file *file = parse_ok(text, POLICY_DIRECTORY);
	const struct policy_rule *rule = policy_file_root(file);

	ck_assert_int_eq(rule->has_design, design != NULL);
	if (design && !rule->design_is_auto)
		assert_design(&rule->design, design);
	if (rule->design_is_auto)
		ck_assert_str_eq(design, "auto");
	ck_assert_uint_eq(rule->lines[POLICY_KEY_DESIGN], design_line);
	ck_assert_int_eq(rule->has_face, face_line != 0);
	ck_assert_uint_eq(rule->lines[POLICY_KEY_FACE], face_line);
	policy_file_free(file);
}

START_TEST(well_formed_files_are_understood)
{
	assert_root("", NULL, 0, 0);
	assert_root("\n\n; nothing\n# here\n", NULL, 0, 0);
	assert_root("[policy]\n", NULL, 0, 0);
	assert_root("[policy]\ndesign = s2x2-b8-k6-q8     ; or auto\nface   = ic\n", "s2x2-b8-k6-q8", 2, 3);
	assert_root("[policy]\r\ndesign = s2x2-b8-k6-q8\r\nface = ic\r\n", "s2x2-b8-k6-q8", 2, 3);
	assert_root("# it\n\n\t [ policy ] ; comment\n  face=ic\n\n DESIGN = 'auto'  # end", "auto", 6, 4);
	assert_root("[policy]\ndesign=\"s4x1-b16-k31-q1-c1-fbox-ox\"", "s4x1-b16-k31-q1-c1-fbox-ox", 2, 0);
	assert_root("; a comment that ends in a backslash \\\n[policy]\nface = ic", NULL, 0, 3);
}
END_TEST

/* Every text is refused with -EINVAL and exactly this sentence. */
static const struct {
	enum policy_kind kind;
	const char *text, *why;
} refused[] = {
        {POLICY_DIRECTORY, "design = auto\n", "P:1: a setting before any section; begin with [policy]"},
        {POLICY_DIRECTORY, "\n[policy]\ncolour = red\n",
         "P:3: unknown key 'colour'; known: design, face, metadata, max-loss, max-time, max-bytes, objective"},
        {POLICY_DIRECTORY, "[policy]\nface = png\n", "P:2: unknown face 'png'; known: ic, jpeg, bmp, orig"},
        {POLICY_DIRECTORY, "[policy]\nmetadata = yes\n", "P:2: expected keep or drop, not 'yes'"},
        {POLICY_DIRECTORY, "[policy]\nmetadata = keep\nmetadata = keep\n", "P:3: 'metadata' was already set in line 2"},
        {POLICY_DIRECTORY, "[policy]\nface = \n", "P:2: unknown face ''; known: ic, jpeg, bmp, orig"},
        {POLICY_DIRECTORY, "[policy]\nface = ic\n\nface = ic\n", "P:4: 'face' was already set in line 2"},
        {POLICY_DIRECTORY, "[policy]\nface\n", "P:2: expected a [section], a 'key = value' or a comment"},
        {POLICY_DIRECTORY, "[policy]\n= ic\n", "P:2: expected a [section], a 'key = value' or a comment"},
        {POLICY_DIRECTORY, "[policy]\nface = 'ic\n", "P:2: a quote is not closed, or text follows it"},
        {POLICY_DIRECTORY, "[policy]\nface = \"ic\" face = x\n", "P:2: a quote is not closed, or text follows it"},
        {POLICY_DIRECTORY, "[policy\n", "P:1: ']' is missing"},
        {POLICY_DIRECTORY, "[policy] x\n", "P:1: only a comment may follow a section's ']'"},
        {POLICY_DIRECTORY, "[policy]\nface = \\\nic\n", "P:2: a line cannot be continued with a backslash"},
        {POLICY_DIRECTORY, "[policy]\n[Policy]\n",
         "P:2: unknown section [Policy]; a directory's policy has only [policy]"},
        {POLICY_DIRECTORY, "[policy]\n\n[policy]\n", "P:3: the section [policy] was already in line 1"},
        {POLICY_TREE, "[train]\n[a]\n[/train/]\n", "P:3: the section [train] was already in line 1"},
        {POLICY_TREE, "[]\n", "P:1: [] names no directory; the root's section is [policy]"},
        {POLICY_TREE, "[/]\n", "P:1: [/] names no directory; the root's section is [policy]"},
        {POLICY_TREE, "[a//b]\n", "P:1: [a//b] is no plain path below the root"},
        {POLICY_TREE, "[../a]\n", "P:1: [../a] is no plain path below the root"},
        {POLICY_TREE, "[a/.]\n", "P:1: [a/.] is no plain path below the root"},
};

START_TEST(malformed_files_are_refused_with_the_line)
{
	struct policy_file *file = NULL;
	struct ic_why why = {""};

	ck_assert_int_eq(
	        policy_file_parse(refused[_i].text, strlen(refused[_i].text), "P", refused[_i].kind, &file, &why),
	        -EINVAL);
	ck_assert_str_eq(why.text, refused[_i].why);
	ck_assert_ptr_null(file);
	ck_assert_int_eq(
	        policy_file_parse(refused[_i].text, strlen(refused[_i].text), "P", refused[_i].kind, &file, NULL),
	        -EINVAL);
}
END_TEST

START_TEST(bad_designs_name_their_line)
{
	static const char *const designs[] = {"s3x3-b8-k6-q8", "s1x1-b8-k16-q8", "s1x1-b8-k15-q9", "s1x1-b8-k15-q8 x",
	                                      ""};

	for (size_t i = 0; i < sizeof(designs) / sizeof(designs[0]); i++) {
		struct policy_file *file;
		struct ic_why why = {""};
		char text[100];

		snprintf(text, sizeof(text), "[policy]\n\n\ndesign = %s\n", designs[i]);
		ck_assert_int_eq(policy_file_parse(text, strlen(text), "a/.icpolicy", POLICY_DIRECTORY, &file, &why),
		                 -EINVAL);
		ck_assert_msg(!strncmp(why.text, "a/.icpolicy:4: ", 15) && why.text[15], "%s", why.text);
	}
}
END_TEST

START_TEST(sizes_are_bounded)
{
	static char text[POLICY_FILE_SIZE_MAX + 1];
	struct policy_file *file;
	struct ic_why why;

	memset(text, '\n', sizeof(text));
	ck_assert_int_eq(policy_file_parse(text, sizeof(text), "P", POLICY_TREE, &file, &why), -EFBIG);
	ck_assert_int_eq(policy_file_parse(text, sizeof(text) - 1, "P", POLICY_TREE, &file, &why), 0);
	policy_file_free(file);

	memcpy(text, "[policy]\nface = ic ; ", 21);
	memset(text + 21, 'x', 2000);
	ck_assert_int_eq(policy_file_parse(text, 3000, "P", POLICY_TREE, &file, &why), -EINVAL);
	ck_assert_str_eq(why.text, "P:2: a line is longer than 900 bytes");

	memset(text, 'x', 5000);
	text[0] = '[';
	text[4999] = ']';
	ck_assert_int_eq(policy_file_parse(text, 5000, "P", POLICY_TREE, &file, &why), -EINVAL);
	ck_assert_str_eq(why.text, "P:1: a section's name is longer than any path");
	text[4000] = ']';
	text[4001] = '\n';
	text[4002] = ';';
	ck_assert_int_eq(policy_file_parse(text, 5000, "P", POLICY_TREE, &file, &why), 0);
	policy_file_free(file);

	ck_assert_int_eq(policy_file_parse("[policy]\na\0b", 12, "P", POLICY_TREE, &file, &why), -EINVAL);
	ck_assert_str_eq(why.text, "P:2: a NUL byte; this is no text file");
}
END_TEST

START_TEST(long_names_leave_room_for_the_reason)
{
	char name[1000];
	struct policy_file *file;
	struct ic_why why;

	memset(name, 'n', sizeof(name));
	strcpy(name + 900, "/.icpolicy");
	ck_assert_int_eq(policy_file_parse("x", 1, name, POLICY_DIRECTORY, &file, &why), -EINVAL);
	ck_assert(!strncmp(why.text, "...nnn", 6));
	ck_assert_ptr_nonnull(strstr(why.text, "n/.icpolicy:1: expected a [section], a 'key = value' or a comment"));
}
END_TEST

static const char tree_text[] = "[policy]\nface = ic\n"
                                "[train]\ndesign = s2x2-b8-k6-q8\n"
                                "[train/Cats; or # dogs]\ndesign = s4x4-b8-k6-q8\nface = ic\n"
                                "[train/cats; or # dogs]\ndesign = auto\n"
                                "[/policy]\ndesign = s1x1-b1-k1-q1\n"
                                "[a:b]\ndesign = s1x1-b1-k1-q2\n"
                                "[a]\ndesign = s1x1-b1-k1-q3\n";

static void assert_tree(const struct policy_file *tree, const char *directory, const char *design, const char *rule,
                        const char *face_rule)
{
	struct policy_context context = {.tree = tree, .tree_name = "T", .directory = directory};
	struct policy policy;

	ck_assert_int_eq(policy_resolve(&context, &policy), 0);
	assert_design(&policy.design, design);
	ck_assert_str_eq(policy.design_rule, rule);
	ck_assert_str_eq(policy.face_rule, face_rule);
	policy_clear(&policy);
}

START_TEST(tree_sections_govern_what_lies_below)
{
	struct policy_file *tree = parse_ok(tree_text, POLICY_TREE);

	assert_tree(tree, "", "s1x1-b8-k15-q8", "the default", "T, line 2");
	assert_tree(tree, "test", "s1x1-b8-k15-q8", "the default", "T, line 2");
	assert_tree(tree, "train", "s2x2-b8-k6-q8", "T, line 4", "T, line 2");
	assert_tree(tree, "train/x/y", "s2x2-b8-k6-q8", "T, line 4", "T, line 2");
	assert_tree(tree, "trainer", "s1x1-b8-k15-q8", "the default", "T, line 2");
	assert_tree(tree, "trai", "s1x1-b8-k15-q8", "the default", "T, line 2");
	assert_tree(tree, "train/Cats; or # dogs", "s4x4-b8-k6-q8", "T, line 6", "T, line 7");
	assert_tree(tree, "train/Cats; or # dogs/z", "s4x4-b8-k6-q8", "T, line 6", "T, line 7");
	assert_tree(tree, "train/cats; or # dogs", "s1x1-b8-k15-q8",
	            "auto (T, line 9); no search has chosen yet, so the default", "T, line 2");
	assert_tree(tree, "policy", "s1x1-b1-k1-q1", "T, line 11", "T, line 2");
	assert_tree(tree, "a:b", "s1x1-b1-k1-q2", "T, line 13", "T, line 2");
	assert_tree(tree, "a", "s1x1-b1-k1-q3", "T, line 15", "T, line 2");
	policy_file_free(tree);
}
END_TEST

START_TEST(rules_win_in_the_order_written_down)
{
	struct policy_file *tree = parse_ok("[policy]\ndesign = s1x1-b4-k7-q4\n", POLICY_TREE);
	struct policy_rule view = {.has_design = false}, near = view, options = view;
	struct policy_nearest nearest = {0};
	struct policy_context context = {.view = &view,
	                                 .nearest = &nearest,
	                                 .tree = tree,
	                                 .tree_name = "T",
	                                 .directory = "a",
	                                 .options = &options};
	static const char *const rules[] = {"the view path", "a/.icpolicy, line 3", "T, line 2",
	                                    "-o design=s1x1-b8-k3-q3", "the default"};
	static const char *const designs[] = {"s1x1-b8-k1-q1", "s1x1-b8-k2-q2", "s1x1-b4-k7-q4", "s1x1-b8-k3-q3",
	                                      "s1x1-b8-k15-q8"};
	struct policy policy;

	ck_assert_int_eq(policy_parse_view(designs[0], &view, NULL), 0);
	ck_assert_int_eq(policy_set_design(&near, designs[1], NULL), 0);
	near.lines[POLICY_KEY_DESIGN] = 3;
	ck_assert(!policy_nearest_take(&nearest, &near, "a/.icpolicy"));
	ck_assert_int_eq(policy_set_design(&near, designs[4], NULL), 0);
	ck_assert(!policy_nearest_take(&nearest, &near, ".icpolicy")); /* the first one counts */
	ck_assert_int_eq(policy_set_design(&options, designs[3], NULL), 0);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(policy_resolve(&context, &policy), 0);
		ck_assert_str_eq(policy.design_rule, rules[i]);
		assert_design(&policy.design, designs[i]);
		ck_assert_str_eq(policy.face_rule, i ? "the default" : "the view path");
		policy_clear(&policy);
		if (i == 0)
			context.view = NULL;
		else if (i == 1)
			context.nearest = NULL;
		else if (i == 2)
			context.tree = NULL;
		else
			options.has_design = false;
	}
	policy_file_free(tree);
}
END_TEST

/* The same order for each key, and one key does not bring the other along. */
START_TEST(metadata_has_a_rule_of_its_own)
{
	struct policy_file *tree = parse_ok("[policy]\nface = jpeg\n[a]\nmetadata = keep\n", POLICY_TREE);
	struct policy_file *file = parse_ok("[policy]\nface = bmp\nmetadata = drop\n", POLICY_DIRECTORY);
	struct policy_rule view, options = {.has_design = false};
	struct policy_nearest nearest = {0};
	struct policy_context context = {
	        .nearest = &nearest,
	        .tree = tree,
	        .tree_name = "T",
	        .directory = "a/b",
	        .options = &options,
	};
	static const char *const rules[] = {"a/.icpolicy, line 3", "T, line 4", "-o metadata=keep", "the default"};
	struct policy policy;

	ck_assert_int_eq(policy_parse_view("s2x2-b8-k6-q8,jpeg", &view, NULL), 0);
	policy_nearest_take(&nearest, policy_file_root(file), "a/.icpolicy");
	context.view = &view; /* which says nothing of it */
	ck_assert_int_eq(policy_set_metadata(&options, "keep", NULL), 0);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(policy_resolve(&context, &policy), 0);
		ck_assert_str_eq(policy.metadata_rule, rules[i]);
		ck_assert_str_eq(policy.face_rule, "the view path");
		ck_assert_int_eq(policy.keeps_metadata, i == 1 || i == 2);
		policy_clear(&policy);
		if (i == 0)
			context.nearest = NULL;
		else if (i == 1)
			context.directory = "c";
		else
			options.has_metadata = false;
	}
	policy_file_free(tree);
	policy_file_free(file);
}
END_TEST

START_TEST(auto_is_said_and_serves_the_default)
{
	struct policy_rule options = {.has_design = false};
	struct policy_context context = {.options = &options};
	struct policy policy;

	ck_assert_int_eq(policy_set_design(&options, "auto", NULL), 0);
	ck_assert_int_eq(policy_set_face(&options, "ic", NULL), 0);
	ck_assert_int_eq(policy_resolve(&context, &policy), 0);
	ck_assert(policy.design_is_auto);
	assert_design(&policy.design, "s1x1-b8-k15-q8");
	ck_assert_str_eq(policy.design_rule, "auto (-o design=auto); no search has chosen yet, so the default");
	ck_assert_str_eq(policy.face_rule, "-o face=ic");
	policy_clear(&policy);
	policy_clear(&policy);
}
END_TEST

START_TEST(auto_is_what_was_chosen)
{
	struct policy_rule options = {.has_design = false};
	struct ic_design chosen;
	struct policy_context context = {.options = &options, .chosen = &chosen, .chosen_words = "pinned by a test"};
	struct policy policy;

	ck_assert_int_eq(ic_design_parse("s2x2-b8-k6-q4", &chosen, NULL), 0);
	ck_assert_int_eq(policy_set_design(&options, "auto", NULL), 0);
	ck_assert_int_eq(policy_resolve(&context, &policy), 0);
	ck_assert(policy.design_is_auto && !policy.design_is_default && ic_design_equal(&policy.design, &chosen));
	ck_assert_str_eq(policy.design_rule, "auto (-o design=auto); pinned by a test");
	policy_clear(&policy);
	/* Where no rule says auto, nothing was chosen. */
	ck_assert_int_eq(policy_set_design(&options, "s1x1-b8-k3-q8", NULL), 0);
	ck_assert_int_eq(policy_resolve(&context, &policy), 0);
	ck_assert(!policy.design_is_auto && ic_design_equal(&policy.design, &options.design));
	policy_clear(&policy);
}
END_TEST

START_TEST(view_paths_are_a_design_and_a_face)
{
	static const char *const bad[] = {"",
	                                  ",",
	                                  "auto",
	                                  "jpeg",
	                                  "orig,orig",
	                                  "original",
	                                  "auto,ic",
	                                  "s1x1-b8-k15-q8,",
	                                  "s1x1-b8-k15-q8,png",
	                                  "s1x1-b8-k15-q8,ic,ic",
	                                  "s1x1-b8-k15-q8 ",
	                                  "policy",
	                                  "s1x1-b8-k15-q8s1x1-b8-k15-q8s1x1-b8-k15-q8,ic"};
	struct policy_rule rule;
	struct ic_why why;

	ck_assert_int_eq(policy_parse_view("s2x4-b8-k6-q8,ic", &rule, &why), 0);
	ck_assert(rule.has_design && rule.has_face && !rule.design_is_auto && rule.face == IC_FACE_IC);
	assert_design(&rule.design, "s2x4-b8-k6-q8");
	ck_assert_int_eq(policy_parse_view("s2x4-b8-k6-q8,bmp", &rule, &why), 0);
	ck_assert(rule.face == IC_FACE_BMP && !rule.has_metadata);
	ck_assert_int_eq(policy_parse_view("orig", &rule, &why), 0);
	ck_assert(rule.face == IC_FACE_ORIG && rule.has_face && !rule.design_is_auto);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct policy_rule untouched = {.lines = {77}};

		why.text[0] = '\0';
		ck_assert_int_eq(policy_parse_view(bad[i], &untouched, &why), -EINVAL);
		ck_assert(why.text[0] && untouched.lines[0] == 77 && !untouched.has_design);
	}
}
END_TEST

START_TEST(designs_are_said_in_words)
{
	static const struct {
		const char *design, *words;
	} said[] = {
	        {"s1x1-b8-k15-q8", "Every pixel is kept; in blocks of 8 x 8, all frequencies; 8 bits a coefficient; "
	                           "colour at half of luma's resolution. Nothing is lost beyond 8-bit codes and finer "
	                           "colour; larger than the JPEGs."},
	        {"s2x2-b16-k6-q1-c1",
	         "Every 2nd column and row is kept; in blocks of 16 x 16, the lowest 6 of 31 "
	         "anti-diagonals of frequencies; 1 bit a coefficient; colour at luma's resolution."},
	        {"s4x2-b1-k1-q3",
	         "Every 4th column and every 2nd row is kept; no transform; 3 bits a coefficient; colour "
	         "at half of luma's resolution."},
	        {"s4x1-b2-k2-q3-fbox-ox",
	         "Every 4 x 1 pixels become their mean; in blocks of 2 x 2, 2 of 3 half columns "
	         "of frequencies, cut from both ends; 3 bits a coefficient; colour at half of "
	         "luma's resolution."},
	};

	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct ic_design design;
		char words[POLICY_DESIGN_WORDS_SIZE];

		ck_assert_int_eq(ic_design_parse(said[i].design, &design, NULL), 0);
		policy_describe_design(&design, words);
		ck_assert_str_eq(words, said[i].words);
	}
}
END_TEST

/* Random and damaged texts: whatever they say, the answer is a file or a sentence, and both are well formed. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void mutate(char *text, size_t n, uint64_t *state)
{
	static const char special[] = "[]=;#\"'\\\n\r\0 :/.\xff%as";

	for (uint64_t i = next_random(state) % 8; i < 8; i++)
		text[next_random(state) % n] = special[next_random(state) % (sizeof(special) - 1)];
}

static unsigned try_text(const char *text, size_t n)
{
	/* A copy without room to spare, so that the sanitizers see a byte read too many. */
	char *copy = malloc(n ? n : 1);
	struct policy_file *file = NULL;
	struct ic_why why;
	errint_t err;

	memcpy(copy, text, n);
	memset(&why, 'x', sizeof(why));
	err = policy_file_parse(copy, n, "fuzz", POLICY_TREE, &file, &why);
	free(copy);
	ck_assert_msg(!err || err == -EINVAL, "%d", err);
	if (err) {
		ck_assert_ptr_null(file);
		ck_assert_ptr_nonnull(memchr(why.text, '\0', sizeof(why.text)));
		ck_assert_int_eq(strncmp(why.text, "fuzz:", 5), 0);
		return 0;
	}
	if (policy_file_root(file)->has_design)
		ck_assert(policy_file_root(file)->design_is_auto ||
		          ic_design_is_valid(&policy_file_root(file)->design));
	policy_file_free(file);
	return 1;
}

START_TEST(any_bytes_give_a_file_or_a_sentence)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	unsigned accepted = 0;
	char text[512];

	for (unsigned i = 0; i < 2000; i++) {
		memcpy(text, tree_text, sizeof(tree_text));
		mutate(text, sizeof(tree_text) - 1, &state);
		accepted += try_text(text, next_random(&state) % sizeof(tree_text));
	}
	for (unsigned i = 0; i < 500; i++) {
		size_t n = next_random(&state) % sizeof(text);

		for (size_t j = 0; j < n; j++)
			text[j] = (char)next_random(&state);
		try_text(text, n);
	}
	/* The mutations are mild enough to reach behind the scan, and strong enough not to be passed over. */
	ck_assert_uint_gt(accepted, 20);
	ck_assert_uint_lt(accepted, 1900);
}
END_TEST

static void *parse_often(void *argument)
{
	for (int i = 0; i < 50; i++) {
		struct policy_file *file;

		policy_file_free(parse_ok(tree_text, POLICY_TREE));
		ck_assert_int_eq(policy_file_parse("[policy]\nface = x\n", 18, "P", POLICY_TREE, &file, NULL), -EINVAL);
	}
	return argument;
}

START_TEST(parsing_is_thread_safe)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, parse_often, NULL), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy");
	TCase *text = tcase_create("text");
	SRunner *runner;
	int failed;

	tcase_add_test(text, well_formed_files_are_understood);
	tcase_add_loop_test(text, malformed_files_are_refused_with_the_line, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(text, bad_designs_name_their_line);
	tcase_add_test(text, sizes_are_bounded);
	tcase_add_test(text, long_names_leave_room_for_the_reason);
	tcase_add_test(text, tree_sections_govern_what_lies_below);
	tcase_add_test(text, rules_win_in_the_order_written_down);
	tcase_add_test(text, metadata_has_a_rule_of_its_own);
	tcase_add_test(text, auto_is_said_and_serves_the_default);
	tcase_add_test(text, auto_is_what_was_chosen);
	tcase_add_test(text, view_paths_are_a_design_and_a_face);
	tcase_add_test(text, designs_are_said_in_words);
	tcase_add_test(text, any_bytes_give_a_file_or_a_sentence);
	tcase_add_test(text, parsing_is_thread_safe);
	tcase_set_timeout(text, 60);

	suite_add_tcase(suite, text);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
