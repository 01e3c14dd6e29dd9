/* SPDX-License-Identifier: MIT */
#include "src/inspect.h"

#include "src/icfs.h"
#include "src/json.h"

#include <inttypes.h>

static const char *color_name(enum ic_jpeg_color color)
{
	static const char *const names[] = {
	        [IC_JPEG_GRAY] = "grayscale", [IC_JPEG_YCBCR] = "YCbCr", [IC_JPEG_RGB] = "RGB",
	        [IC_JPEG_CMYK] = "CMYK",      [IC_JPEG_YCCK] = "YCCK",
	};

	return names[color];
}

/* The J:a:b notation, where the factors have one; else NULL. */
static const char *subsampling_name(const struct ic_jpeg_info *info)
{
	static const struct {
		uint8_t h, v;
		const char *name;
	} named[] = {{1, 1, "4:4:4"}, {2, 1, "4:2:2"}, {1, 2, "4:4:0"},
	             {2, 2, "4:2:0"}, {4, 1, "4:1:1"}, {4, 2, "4:1:0"}};

	if (info->color != IC_JPEG_YCBCR || info->h[1] != 1 || info->v[1] != 1 || info->h[2] != 1 || info->v[2] != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i].h == info->h[0] && named[i].v == info->v[0])
			return named[i].name;
	}
	return NULL;
}

static void print_factors(const struct ic_jpeg_info *info, const char *format_between)
{
	for (unsigned c = 0; c < info->ncomponents; c++)
		printf("%s%ux%u", c ? format_between : "", info->h[c], info->v[c]);
}

void inspect_jpeg_words(const char *name, const struct ic_jpeg_info *info, size_t nbytes,
                        const struct ic_layout *layout)
{
	const char *subsampling = subsampling_name(info);
	char design[IC_DESIGN_STRING_SIZE];

	put_text(stdout, name);
	printf("\n  JPEG, %u x %u pixels, %zu bytes\n", info->width, info->height, nbytes);
	printf("  colour       %s", color_name(info->color));
	if (subsampling)
		printf(", %s", subsampling);
	fputs(" (sampling factors ", stdout);
	print_factors(info, ", ");
	printf(")\n  coding       %s, %s", info->process == IC_JPEG_PROGRESSIVE ? "progressive" : "sequential",
	       info->arithmetic ? "arithmetic" : "Huffman");
	if (info->restart_interval)
		printf(", a restart marker every %u MCUs", info->restart_interval);
	printf("\n  orientation  %u\n", info->orientation);
	ic_design_print(&layout->design, design);
	printf("  as .ic       %" PRIu64 " bytes under %s, %u x %u pixels\n", layout->nbytes, design, layout->width,
	       layout->height);
}

void inspect_jpeg_json(const char *name, const struct ic_jpeg_info *info, size_t nbytes, const struct ic_layout *layout)
{
	char design[IC_DESIGN_STRING_SIZE];

	ic_design_print(&layout->design, design);
	fputs("{\"file\": ", stdout);
	put_json_string(stdout, name);
	printf(", \"kind\": \"jpeg\", \"bytes\": %zu, \"width\": %u, \"height\": %u, \"color\": \"%s\"", nbytes,
	       info->width, info->height, color_name(info->color));
	fputs(", \"sampling_factors\": [\"", stdout);
	print_factors(info, "\", \"");
	printf("\"], \"progressive\": %s, \"arithmetic\": %s, \"restart_interval\": %u, \"orientation\": %u",
	       info->process == IC_JPEG_PROGRESSIVE ? "true" : "false", info->arithmetic ? "true" : "false",
	       info->restart_interval, info->orientation);
	printf(", \"object\": {\"design\": \"%s\", \"bytes\": %" PRIu64 ", \"width\": %u, \"height\": %u}}\n", design,
	       layout->nbytes, layout->width, layout->height);
}
