/* SPDX-License-Identifier: MIT */
/* Statistics of frequencies: the file as Python writes it, everything else refused, and their order in a tensor. */
#include "codec/statistics.h"

#include "codec_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* json.dump(..., indent=1) of s1x1-b8-k2-q8: three frequencies. */
static const char whole[] =
        "{\n \"design\": \"s1x1-b8-k2-q8\",\n \"images\": 2000,\n \"mean\": [\n  [\n   -31.5,\n   1e-3,\n"
        "   2\n  ],\n  [\n   3,\n   4,\n   5\n  ],\n  [\n   6,\n   7,\n   8\n  ]\n ],\n"
        " \"std\": [\n  [\n   1,\n   2,\n   4\n  ],\n  [\n   8,\n   16,\n   32\n  ],\n  [\n"
        "   64,\n   128,\n   256.0\n  ]\n ]\n}";

static struct ic_statistics *parse(const char *text)
{
	struct ic_statistics *s = NULL;
	struct ic_why why;
	errint_t err = ic_statistics_parse(text, strlen(text), &s, &why);

	ck_assert_msg(err == 0, "%s", why.text);
	return s;
}

START_TEST(what_python_writes_is_read)
{
	struct ic_statistics *s = parse(whole);

	ck_assert_uint_eq(s->ncomponents, 3);
	ck_assert_uint_eq(s->nfreqs, 3);
	ck_assert_uint_eq(s->nimages, 2000);
	ck_assert(s->mean[0] == -31.5 && s->mean[1] == 1e-3 && s->mean[8] == 8);
	ck_assert(s->std[0] == 1 && s->std[8] == 256);
	ic_statistics_free(s);
	s = parse("{\"std\":[[2]],\"mean\":[[-1]],\"images\":0,\"design\":\"s2x2-b8-k1-q8\"} \n");
	ck_assert_uint_eq(s->ncomponents, 1);
	ic_statistics_free(s);
	ic_statistics_free(NULL);
}
END_TEST

START_TEST(heads_of_a_file_are_refused)
{
	struct ic_statistics *s = NULL;

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		char *head = malloc(n ? n : 1); /* so that a read beyond it is found */
		memcpy(head, whole, n);
		ck_assert_int_eq(ic_statistics_parse(head, n, &s, NULL), -EBADMSG);
		free(head);
	}
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(what_are_no_statistics_is_refused)
{
	static const char *const cases[] = {
	        "[]",
	        "{}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q9\",\"images\":1,\"mean\":[[1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k2-q8\",\"images\":1,\"mean\":[[1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":-1,\"mean\":[[1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],\"std\":[[0]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],\"std\":[[-1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[NaN]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1e999]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[0x1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1],[1]],\"std\":[[1],[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1],[1],[1],[1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1],[1,2],[1]],\"std\":[[1],[1],[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],\"std\":[[1]],\"more\":1}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],\"mean\":[[1]],\"std\":[[1]]}",
	        "{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],\"std\":[[1]]}}",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ic_statistics *s = NULL;
		struct ic_why why = {""};
		errint_t err = ic_statistics_parse(cases[i], strlen(cases[i]), &s, &why);
		ck_assert_msg(err == -EBADMSG && !s && why.text[0], "case %zu: %d", i, err);
	}
	/* More numbers than any design has. */
	static char many[20000] = "{\"mean\":[[";
	for (size_t n = strlen(many); n < sizeof many - 2; n += 2)
		memcpy(many + n, "1,", 2);
	struct ic_statistics *s = NULL;
	ck_assert_int_eq(ic_statistics_parse(many, sizeof many - 2, &s, NULL), -EBADMSG);
}
END_TEST

/* The numbers that a spec takes, times 1, and the scale's inverse. */
static void check_arranged(const struct ic_statistics *s, const char *design, unsigned ncomponents, uint8_t chroma,
                           uint8_t components, const float *mean, const float *std, unsigned n)
{
	struct ic_tensor_spec spec = {
	        .values = IC_FREQUENCIES, .type = IC_FLOAT32, .chroma = chroma, .components = components};
	struct ic_design d = design_of(design);
	struct ic_layout layout;
	float found[2][9];

	ck_assert_int_eq(ic_layout_init(&layout, &d, 40, 30, ncomponents), 0);
	ck_assert_int_eq(ic_statistics_arrange(s, &layout, &spec, found[0], found[1], NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		ck_assert_msg(found[0][i] == mean[i], "mean %u: %g, not %g", i, (double)found[0][i], (double)mean[i]);
		ck_assert_msg(found[1][i] * std[i] == 1, "scale %u: %g, not 1/%g", i, (double)found[1][i],
		              (double)std[i]);
	}
}

START_TEST(they_are_arranged_as_channels_are)
{
	static const float together[2][9] = {{-31.5f, 3, 6, 1e-3f, 4, 7, 2, 5, 8}, {1, 8, 64, 2, 16, 128, 4, 32, 256}};
	static const float apart[2][9] = {{-31.5f, 1e-3f, 2, 3, 6, 4, 7, 5, 8}, {1, 2, 4, 8, 64, 16, 128, 32, 256}};
	static const float sparser[2][3] = {{-31.5f, 3, 6}, {1, 8, 64}};
	struct ic_statistics *s = parse(whole);

	check_arranged(s, "s1x1-b8-k2-q8", 3, IC_CHROMA_REPEATED, 0, together[0], together[1], 9);
	check_arranged(s, "s1x1-b8-k2-q8", 1, IC_CHROMA_REPEATED, 3, together[0], together[1], 9);
	check_arranged(s, "s1x1-b8-k2-q8", 3, IC_CHROMA_APART, 3, apart[0], apart[1], 9);
	check_arranged(s, "s1x1-b8-k2-q8", 3, IC_CHROMA_APART, 1, apart[0], apart[1], 3);
	check_arranged(s, "s1x1-b8-k1-q8", 3, IC_CHROMA_REPEATED, 0, sparser[0], sparser[1], 3);
	check_arranged(s, "s1x1-b8-k1-q8", 3, IC_CHROMA_APART, 0, sparser[0], sparser[1], 3);
	ic_statistics_free(s);
}
END_TEST

START_TEST(what_they_are_not_of_is_refused)
{
	struct ic_statistics *s = parse(whole),
	                     *gray = parse("{\"design\":\"s1x1-b8-k1-q8\",\"images\":1,\"mean\":[[1]],"
	                                   "\"std\":[[1]]}");
	struct ic_tensor_spec spec = {.values = IC_FREQUENCIES, .type = IC_FLOAT32}, pixels = {0};
	static const char *const others[] = {"s1x1-b8-k3-q8", "s1x1-b8-k2-q7", "s2x2-b8-k2-q8", "s1x1-b4-k2-q8"};
	float mean[3072], scale[3072];
	struct ic_layout layout;
	struct ic_design d;

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		d = design_of(others[i]);
		ck_assert_int_eq(ic_layout_init(&layout, &d, 40, 30, 3), 0);
		ck_assert_int_eq(ic_statistics_arrange(s, &layout, &spec, mean, scale, NULL), -ERANGE);
	}
	d = design_of("s1x1-b8-k1-q8");
	ck_assert_int_eq(ic_layout_init(&layout, &d, 40, 30, 3), 0);
	ck_assert_int_eq(ic_statistics_arrange(gray, &layout, &spec, mean, scale, NULL), -ERANGE);
	ck_assert_int_eq(ic_statistics_arrange(s, &layout, &pixels, mean, scale, NULL), -EINVAL);
	spec.components = 2;
	ck_assert_int_eq(ic_statistics_arrange(s, &layout, &spec, mean, scale, NULL), -EINVAL);
	ic_statistics_free(s);
	ic_statistics_free(gray);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, what_python_writes_is_read);
	tcase_add_test(tests, heads_of_a_file_are_refused);
	tcase_add_test(tests, what_are_no_statistics_is_refused);
	tcase_add_test(tests, they_are_arranged_as_channels_are);
	tcase_add_test(tests, what_they_are_not_of_is_refused);
}

int main(void)
{
	return suite_run("statistics", add_tests);
}
