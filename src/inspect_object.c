/* SPDX-License-Identifier: MIT */
#include "src/inspect.h"

#include "src/icfs.h"
#include "src/json.h"

#include "fs/policy.h"

#include <inttypes.h>

/* One row of the table, with what follows from the design. */
struct plane {
	const char *component;
	struct ic_freq freq;
	struct ic_plane_params params;
	uint64_t offset, nbytes;
};

static const char *component_name(unsigned component)
{
	static const char *const names[IC_COMPONENTS_MAX] = {"Y", "Cb", "Cr"};

	return names[component];
}

static struct plane plane_at(const struct ic_view *view, const struct ic_freq *freqs, unsigned p)
{
	unsigned component = p % view->layout.ncomponents;

	return (struct plane){.component = component_name(component),
	                      .freq = freqs[p / view->layout.ncomponents],
	                      .params = ic_view_plane_params(view, p),
	                      .offset = (uint64_t)(ic_view_plane_data(view, p) - view->bytes),
	                      .nbytes = view->layout.component[component].plane_nbytes};
}

static void print_planes(const struct ic_view *view)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];

	ic_design_freqs(&view->layout.design, freqs);
	puts("  plane  component   u   v  step  bits  mean+  mean-      offset       bytes");
	for (unsigned p = 0; p < view->layout.nplanes; p++) {
		struct plane plane = plane_at(view, freqs, p);

		printf("  %5u  %-9s %3u %3u %5u %5u %6u %6u %11" PRIu64 " %11" PRIu64 "\n", p, plane.component,
		       plane.freq.u, plane.freq.v, plane.params.step, plane.params.nbits, plane.params.mean_nonneg,
		       plane.params.mean_neg, plane.offset, plane.nbytes);
	}
}

static void print_components(const struct ic_layout *layout)
{
	for (unsigned c = 0; c < layout->ncomponents; c++) {
		const struct ic_component *component = &layout->component[c];

		printf("  %-11s  %u x %u samples, %u x %u blocks, %" PRIu64 " bytes a plane\n", component_name(c),
		       component->width, component->height, component->block_cols, component->block_rows,
		       component->plane_nbytes);
	}
}

void inspect_object_words(const char *name, const struct ic_view *view, bool is_complete, bool planes)
{
	const struct ic_layout *layout = &view->layout;
	char design[IC_DESIGN_STRING_SIZE], words[POLICY_DESIGN_WORDS_SIZE];
	double pixels = (double)layout->source_width * layout->source_height;

	ic_design_print(&layout->design, design);
	policy_describe_design(&layout->design, words);
	put_text(stdout, name);
	printf("\n  .ic file, version %u, %" PRIu64 " bytes\n", IC_VERSION, layout->nbytes);
	printf("  design       %s\n", design);
	put_wrapped(stdout, 15, words);
	printf("  source       %u x %u pixels, of which %u x %u are kept\n", layout->source_width,
	       layout->source_height, layout->width, layout->height);
	print_components(layout);
	printf("  planes       %u, %u of each component\n", layout->nplanes, layout->nfreqs);
	printf("  data         %" PRIu64 " bytes from byte %u on; the file takes %.3f bits a pixel of the source\n",
	       layout->data_nbytes, layout->data_offset, 8.0 * (double)layout->nbytes / pixels);
	printf("  orientation  %u\n", view->orientation);
	if (view->flags & IC_FLAG_TRUNCATED)
		puts("  flags        truncated: the source ended early");
	if (view->flags & IC_FLAG_DAMAGED)
		puts("  flags        damaged: data of the source stand for nothing");
	if (planes && is_complete)
		print_planes(view);
}

static void put_json_components(const struct ic_layout *layout)
{
	fputs(", \"components\": [", stdout);
	for (unsigned c = 0; c < layout->ncomponents; c++) {
		const struct ic_component *component = &layout->component[c];

		printf("%s{\"name\": \"%s\", \"width\": %u, \"height\": %u, \"block_cols\": %u, \"block_rows\": %u, "
		       "\"plane_bytes\": %" PRIu64 "}",
		       c ? ", " : "", component_name(c), component->width, component->height, component->block_cols,
		       component->block_rows, component->plane_nbytes);
	}
	putchar(']');
}

static void put_json_planes(const struct ic_view *view)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];

	ic_design_freqs(&view->layout.design, freqs);
	fputs(", \"planes\": [", stdout);
	for (unsigned p = 0; p < view->layout.nplanes; p++) {
		struct plane plane = plane_at(view, freqs, p);

		printf("%s{\"component\": \"%s\", \"u\": %u, \"v\": %u, \"step\": %u, \"bits\": %u, \"mean_nonneg\": "
		       "%u, "
		       "\"mean_neg\": %u, \"offset\": %" PRIu64 ", \"bytes\": %" PRIu64 "}",
		       p ? ", " : "", plane.component, plane.freq.u, plane.freq.v, plane.params.step,
		       plane.params.nbits, plane.params.mean_nonneg, plane.params.mean_neg, plane.offset, plane.nbytes);
	}
	putchar(']');
}

void inspect_object_json(const char *name, const struct ic_view *view, bool is_complete, bool planes)
{
	const struct ic_layout *layout = &view->layout;
	char design[IC_DESIGN_STRING_SIZE];

	ic_design_print(&layout->design, design);
	fputs("{\"file\": ", stdout);
	put_json_string(stdout, name);
	printf(", \"kind\": \"ic\", \"version\": %u, \"bytes\": %" PRIu64 ", \"complete\": %s, \"design\": \"%s\"",
	       IC_VERSION, layout->nbytes, is_complete ? "true" : "false", design);
	printf(", \"source_width\": %u, \"source_height\": %u, \"width\": %u, \"height\": %u", layout->source_width,
	       layout->source_height, layout->width, layout->height);
	printf(", \"nplanes\": %u, \"data_offset\": %u, \"data_bytes\": %" PRIu64 ", \"orientation\": %u",
	       layout->nplanes, layout->data_offset, layout->data_nbytes, view->orientation);
	printf(", \"truncated\": %s, \"damaged\": %s", view->flags & IC_FLAG_TRUNCATED ? "true" : "false",
	       view->flags & IC_FLAG_DAMAGED ? "true" : "false");
	put_json_components(layout);
	if (planes && is_complete)
		put_json_planes(view);
	puts("}");
}
