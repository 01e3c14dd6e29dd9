/* SPDX-License-Identifier: MIT */
#include "present_helpers.h"

#include "codec/decode.h"
#include "codec/present.h"

#include <stdlib.h>
#include <string.h>

struct bytes present_with(const struct ic_view *view, struct bytes markers)
{
	struct bytes jpeg = {0};
	struct ic_why why = {""};
	errint_t err = ic_present_jpeg(view, markers.data, markers.nbytes, &jpeg.data, &jpeg.nbytes, &why);

	if (err)
		ck_abort_msg("%s as a JPEG: %d, %s", design_name(&view->layout.design).text, err, why.text);
	return jpeg;
}

struct bytes present(const struct ic_view *view)
{
	return present_with(view, (struct bytes){0});
}

uint8_t *rgb_of(const struct ic_view *view)
{
	uint8_t *rgb = malloc((size_t)3 * view->layout.width * view->layout.height);

	ck_assert(rgb && ic_decode_rgb(view, rgb, (size_t)3 * view->layout.width) == 0);
	return rgb;
}

static int32_t round_away(int32_t value, int32_t step)
{
	int32_t code = (abs(value) + step / 2) / step;

	/* Exactly half way only where the step is even, and there step / 2 already rounds up. */
	return value < 0 ? -code : code;
}

void check_grid(const struct jpegread *read, const struct ic_layout *l)
{
	int luma = l->ncomponents == 3 && l->design.chroma == IC_CHROMA_HALF ? 2 : 1;

	ck_assert_msg(read->is_baseline, "no baseline JPEG");
	ck_assert(read->width == l->width && read->height == l->height && read->ncomponents == l->ncomponents);
	for (unsigned c = 0; c < l->ncomponents; c++) {
		ck_assert_int_eq(read->component[c].h, c ? 1 : luma);
		ck_assert_int_eq(read->component[c].v, c ? 1 : luma);
	}
}

static void check_component(const struct jpegread_component *read, const struct ic_view *view, unsigned c)
{
	const struct ic_layout *l = &view->layout;
	const struct ic_component *component = &l->component[c];
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	int16_t(*expected)[64] = calloc(component->nblocks, sizeof(*expected));
	int16_t *coefs = malloc(l->nfreqs * component->nblocks * sizeof(*coefs));

	ck_assert(expected && coefs && ic_decode_coefficients(view, c, coefs) == 0);
	ck_assert(read->block_cols == component->block_cols && read->block_rows == component->block_rows);
	ic_design_freqs(&l->design, freqs);
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned at = freqs[f].v * 8u + freqs[f].u;
		uint8_t step = ic_view_plane_params(view, f * l->ncomponents + c).step;

		ck_assert_uint_eq(read->steps[at], step);
		for (size_t block = 0; block < component->nblocks; block++)
			expected[block][at] = (int16_t)round_away(coefs[f * component->nblocks + block], step);
	}
	if (memcmp(read->blocks, expected, component->nblocks * sizeof(*expected)) != 0)
		ck_abort_msg("%s: other coefficients in component %u", design_name(&l->design).text, c);
	free(expected);
	free(coefs);
}

void check_coefficients(struct bytes jpeg, const struct ic_view *view)
{
	struct jpegread read = jpegread_coefficients(jpeg);

	check_grid(&read, &view->layout);
	for (unsigned component = 0; component < read.ncomponents; component++)
		check_component(&read.component[component], view, component);
	jpegread_clear(&read);
}
