/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"
#include "src/labels.h"
#include "src/options.h"

#include "codec/design.h"
#include "codec/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct designs_settings {
	/* Bit n set: the value n is wanted. 0: any. */
	uint64_t blocks, keeps, bits;
	unsigned samplings; /* bit 3 * log2(sx) + log2(sy) */
	bool has_dense, has_sparse;
	struct ic_design dense;  /* only those that its objects hold */
	struct ic_design sparse; /* only those whose objects hold it */
	uint32_t width, height;  /* 0: no sizes */
	unsigned ncomponents;
	bool by_density, as_json, count_only;
};

/* The space in the order in which it is printed. */
struct design_list {
	struct ic_design designs[IC_DESIGN_COUNT];
	size_t n;
};

/* "1,3-5" to bits 1, 3, 4 and 5. */
static errint_t parse_set(const char *text, unsigned max, uint64_t *ret_set, struct ic_why *why)
{
	uint64_t set = 0;
	const char *c = text;

	for (;;) {
		char *end;
		unsigned long first = strtoul(c, &end, 10), last = first;

		if (end == c || *c < '0' || *c > '9')
			break;
		if (*end == '-' && end[1] >= '0' && end[1] <= '9')
			last = strtoul(end + 1, &end, 10);
		if (first < 1 || first > last || last > max)
			break;
		for (unsigned long i = first; i <= last; i++)
			set |= (uint64_t)1 << i;
		if (!*end) {
			*ret_set = set;
			return 0;
		}
		if (*end != ',')
			break;
		c = end + 1;
	}
	return ic_fail(why, -EINVAL, "'%.40s' is no list of numbers from 1 to %u, such as 1,3-5", text, max);
}

static unsigned sampling_bit(unsigned sx, unsigned sy)
{
	/* 1, 2, 4 to 0, 1, 2 */
	return 3 * (sx / 2) + sy / 2;
}

static bool is_factor(char c)
{
	return c == '1' || c == '2' || c == '4';
}

/* "1x1,2x4" */
static errint_t apply_sampling(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;
	unsigned set = 0;
	const char *c = value;

	while (is_factor(c[0]) && c[1] == 'x' && is_factor(c[2]) && (!c[3] || c[3] == ',')) {
		set |= 1u << sampling_bit((unsigned)(c[0] - '0'), (unsigned)(c[2] - '0'));
		if (!c[3]) {
			s->samplings = set;
			return 0;
		}
		c += 4;
	}
	return ic_fail(why, -EINVAL, "'%.40s' is no list of samplings 1x1, 1x2, ... 4x4", value);
}

static errint_t apply_block(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	return parse_set(value, 16, &s->blocks, why);
}

static errint_t apply_keep(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	return parse_set(value, 31, &s->keeps, why);
}

static errint_t apply_bits(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	return parse_set(value, 8, &s->bits, why);
}

static errint_t apply_covers(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	s->has_sparse = true;
	return ic_design_parse(value, &s->sparse, why);
}

static errint_t apply_within(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	s->has_dense = true;
	return ic_design_parse(value, &s->dense, why);
}

/* Digits at *text, 1..max, and past them; 0 where there are none. */
static uint32_t take_number(const char **text, unsigned long max)
{
	char *end;
	unsigned long number;

	if (**text < '0' || **text > '9')
		return 0;
	number = strtoul(*text, &end, 10);
	*text = end;
	return number <= max ? (uint32_t)number : 0;
}

/* "500x375", "500x375x1" */
static errint_t apply_size(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;
	const char *c = value;
	uint32_t width, height = 0, ncomponents = 3;

	width = take_number(&c, IC_SIDE_MAX);
	if (*c == 'x') {
		c++;
		height = take_number(&c, IC_SIDE_MAX);
	}
	if (*c == 'x') {
		c++;
		ncomponents = take_number(&c, 3);
	}
	if (*c || !width || !height || (ncomponents != 1 && ncomponents != 3))
		return ic_fail(why, -EINVAL, "'%.40s' is no size; expected WxH or WxHxN, sides up to %u, N 1 or 3",
		               value, IC_SIDE_MAX);
	s->width = width;
	s->height = height;
	s->ncomponents = ncomponents;
	return 0;
}

static errint_t apply_sort(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	if (strcmp(value, "density") && strcmp(value, "space"))
		return ic_fail(why, -EINVAL, "unknown order '%.32s'; known: space, density", value);
	s->by_density = *value == 'd';
	return 0;
}

static errint_t apply_json(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	s->as_json = true;
	return 0;
}

static errint_t apply_count(void *settings, const char *value, struct ic_why *why)
{
	struct designs_settings *s = settings;

	s->count_only = true;
	return 0;
}

static const struct option_entry designs_options[] = {
        {'s', "sampling", "LIST", "only these samplings: 1x1,2x4", apply_sampling},
        {'b', "block", "LIST", "only these sides of a block: 4,8", apply_block},
        {'k', "keep", "LIST", "only these numbers of anti-diagonals: 1,3-5", apply_keep},
        {'q', "bits", "LIST", "only these bits a coefficient: 4-8", apply_bits},
        {0, "covers", "DESIGN", "only those whose objects yield DESIGN", apply_covers},
        {0, "within", "DESIGN", "only those that an object of DESIGN yields", apply_within},
        {0, "size", "WxH[xN]", "with the bytes for W x H pixels, N components (3)", apply_size},
        {0, "sort", "ORDER", "space (default) or density, sparsest first", apply_sort},
        {0, "count", NULL, "print nothing but their number", apply_count},
        {0, "json", NULL, "print a JSON array", apply_json},
        {.name = NULL},
};

static const struct command_line designs_line = {
        .command = "designs",
        .operands = "",
        .about = "List the designs of the base space, one a line: sXxY-bB-kK-qQ. Every X-th column and Y-th row is "
                 "kept, in blocks of B x B; of each block's 2B-1 anti-diagonals of frequencies the lowest K, at Q bits "
                 "a coefficient.",
        .options = designs_options,
        .note = "Beyond the list, any design takes -c1 (colour at luma's resolution), -fbox (the mean when sampling), "
                "-ol, -ox or -oy (another pruning order), and b32. " LABELS_NOTE ".",
};

static bool is_wanted(const struct designs_settings *s, const struct ic_design *design)
{
	return (!s->samplings || s->samplings >> sampling_bit(design->sx, design->sy) & 1) &&
	       (!s->blocks || s->blocks >> design->block & 1) && (!s->keeps || s->keeps >> design->keep & 1) &&
	       (!s->bits || s->bits >> design->bits & 1) && (!s->has_sparse || ic_design_covers(design, &s->sparse)) &&
	       (!s->has_dense || ic_design_covers(&s->dense, design));
}

/* Equal densities stay in the order of the space. */
static int compare_density(const void *a, const void *b)
{
	const struct ic_design *one = a, *two = b;
	int order = ic_design_compare_density(one, two);

	return order ? order : ic_design_index(one) - ic_design_index(two);
}

static void fill_list(const struct designs_settings *settings, struct design_list *list)
{
	list->n = 0;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct ic_design *design = &list->designs[list->n];

		if (!ic_design_at(i, design) && is_wanted(settings, design))
			list->n++;
	}
	if (settings->by_density)
		qsort(list->designs, list->n, sizeof(list->designs[0]), compare_density);
}

/* Bytes of an object. The sides were checked when they were read, so that there always is a layout. */
static uint64_t object_nbytes(const struct designs_settings *settings, const struct ic_design *design)
{
	struct ic_layout layout = {.nbytes = 0};

	ic_layout_init(&layout, design, settings->width, settings->height, settings->ncomponents);
	return layout.nbytes;
}

static void print_line(const struct designs_settings *settings, const struct ic_design *design)
{
	char name[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, name);
	if (settings->width)
		printf("%-16s %12" PRIu64 "\n", name, object_nbytes(settings, design));
	else
		puts(name);
}

static void print_json(const struct designs_settings *settings, const struct ic_design *design)
{
	char name[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, name);
	printf("{\"design\": \"%s\", \"sx\": %u, \"sy\": %u, \"block\": %u, \"keep\": %u, \"bits\": %u, "
	       "\"frequencies\": %u",
	       name, design->sx, design->sy, design->block, design->keep, design->bits, ic_design_nfreqs(design));
	if (settings->width)
		printf(", \"bytes\": %" PRIu64, object_nbytes(settings, design));
	putchar('}');
}

static void print_list(const struct designs_settings *settings, const struct design_list *list)
{
	if (settings->as_json)
		fputs("[\n", stdout);
	for (size_t i = 0; i < list->n; i++) {
		if (settings->as_json) {
			print_json(settings, &list->designs[i]);
			puts(i + 1 < list->n ? "," : "");
		} else {
			print_line(settings, &list->designs[i]);
		}
	}
	if (settings->as_json)
		puts("]");
}

static int run_designs(int argc, char **argv)
{
	struct designs_settings settings = {.samplings = 0};
	struct design_list *list;
	int first, status = parse_command_line(&designs_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	list = malloc(sizeof(*list));
	if (!list)
		return fail("out of memory");
	fill_list(&settings, list);
	if (settings.count_only)
		printf("%zu\n", list->n);
	else
		print_list(&settings, list);
	free(list);
	return EXIT_OK;
}

const struct command cmd_designs = {"designs", "list the designs, and the bytes that each takes", run_designs};
