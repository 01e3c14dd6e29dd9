/* SPDX-License-Identifier: MIT */
#include "codec/present.h"

#include "codec/block8_priv.h"
#include "codec/codes_priv.h"
#include "codec/dct_priv.h"
#include "codec/decode.h"
#include "codec/grid_priv.h"
#include "codec/jpeg_kernel_priv.h"
#include "codec/jpeg_writer_priv.h"
#include "codec/tensor_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 8

/* The largest coefficients of 8-bit samples are 1024, and a baseline JPEG holds no more than 1023 in a code. */
_Static_assert(IC_PRESENT_STEP >= 2, "codes would not fit a baseline JPEG");

/* Half away from zero, as codes are rounded. */
static int16_t round_to_step(int32_t value, int32_t step)
{
	return (int16_t)(value < 0 ? -((2 * -value + step) / (2 * step)) : (2 * value + step) / (2 * step));
}

/* --- B = 8: the planes are JPEG coefficients --------------------------------------------------------------------- */

#define PLACES JPEG_KERNEL_PLACES

struct plane_codes {
	const uint8_t *packed;
	int16_t table[256]; /* the JPEG's code of each packed code, where bits were dropped */
};

struct from_planes {
	const struct ic_view *view;
	struct plane_codes *planes;
	const uint8_t *end;  /* of the last one's packed codes */
	int16_t freq_at[64]; /* which frequency a place in zigzag order has, -1 where it is not kept */
	int16_t *rows;       /* the codes of PLACES frequencies in two rows of blocks, `stride` from one to the next */
	size_t stride;
	const int16_t *zeros; /* as many of them */
};

static unsigned place_of(struct ic_freq freq)
{
	return jpeg_zigzag[freq.v * BLOCK + freq.u];
}

/* `n` codes and, as the kernels read on, JPEG_KERNEL_PAD more of any value. */
static const int8_t *whole_codes(const struct from_planes *from, const uint8_t *codes, size_t n, int16_t *room)
{
	if ((size_t)(from->end - codes) < n + JPEG_KERNEL_PAD)
		codes = memcpy(room, codes, n);
	return (const int8_t *)codes;
}

/* Some places of all blocks of some rows. */
static void fill_places(const struct from_planes *from, unsigned component, size_t first, size_t n, unsigned at,
                        int16_t (*blocks)[64])
{
	const struct jpeg_kernel *kernel = jpeg_kernel_best();
	unsigned bits = from->view->layout.design.bits;
	const int8_t *narrow[PLACES];
	const int16_t *wide[PLACES];
	for (unsigned i = 0; i < PLACES; i++) {
		int16_t f = from->freq_at[at + i], *room = from->rows + i * from->stride;
		wide[i] = from->zeros;
		narrow[i] = (const int8_t *)from->zeros;
		if (f < 0)
			continue;
		unsigned p = (unsigned)f * from->view->layout.ncomponents + component;
		const struct plane_codes *plane = &from->planes[p];
		if (bits == 8) { /* nothing was dropped: as they are */
			narrow[i] = whole_codes(from, plane->packed + first, n, room);
		} else {
			codes_unpack(plane->packed, bits, first, n, plane->table, room);
			wide[i] = room;
		}
	}
	if (bits == 8)
		kernel->gather8(narrow, n, blocks, at);
	else
		kernel->gather16(wide, n, blocks, at);
}

static bool keeps_any(const int16_t freq_at[PLACES])
{
	int16_t all = -1;
	for (unsigned i = 0; i < PLACES; i++)
		all &= freq_at[i];
	return all >= 0;
}

static void fill_from_planes(void *context, unsigned component, uint32_t first_row, uint32_t nrows,
                             int16_t (*blocks)[64])
{
	struct from_planes *from = context;
	size_t ncols = from->view->layout.component[component].block_cols;
	for (unsigned at = 0; at < BLOCK * BLOCK; at += PLACES)
		if (keeps_any(from->freq_at + at)) /* else the caller's zeros stay */
			fill_places(from, component, first_row * ncols, nrows * ncols, at, blocks);
}

/* What the decoder makes of each code, in steps. */
static void make_table(const struct ic_view *view, unsigned p, int16_t table[256])
{
	unsigned bits = view->layout.design.bits;
	struct ic_plane_params params = ic_view_plane_params(view, p);
	codes_table(params, bits, table);
	for (unsigned code = 0; code < 1u << bits; code++)
		table[code] = round_to_step(table[code], params.step);
}

static errint_t from_planes_init(struct from_planes *from, const struct ic_view *view, struct jpeg_picture *picture)
{
	const struct ic_layout *l = &view->layout;
	struct ic_freq freqs[BLOCK * BLOCK];
	from->view = view;
	from->stride = 2 * (size_t)l->component[0].block_cols + JPEG_KERNEL_PAD;
	from->planes = malloc(l->nplanes * sizeof *from->planes);
	from->rows = calloc((PLACES + 1) * from->stride, sizeof *from->rows);
	if (!from->planes || !from->rows)
		return -ENOMEM;

	from->zeros = from->rows + PLACES * from->stride;
	from->end = ic_view_plane_data(view, 0);
	ic_design_freqs(&l->design, freqs);
	memset(from->freq_at, -1, sizeof from->freq_at);
	memset(picture->steps, UINT8_MAX, sizeof picture->steps); /* of frequencies that are not kept */
	for (unsigned p = 0; p < l->nplanes; p++) {
		unsigned f = p / l->ncomponents, c = p % l->ncomponents, at = place_of(freqs[f]);
		from->freq_at[at] = (int16_t)f;
		picture->steps[c][at] = ic_view_plane_params(view, p).step;
		from->planes[p].packed = from->end; /* each begins where the one before it ends */
		from->end += l->component[c].plane_nbytes;
		if (l->design.bits < 8)
			make_table(view, p, from->planes[p].table);
	}
	return 0;
}

static errint_t present_planes(const struct ic_view *view, struct jpeg_picture *picture, uint8_t **ret_bytes,
                               size_t *ret_nbytes, struct ic_why *why)
{
	struct from_planes from;
	errint_t err = from_planes_init(&from, view, picture);
	if (err) {
		ic_fail(why, err, "out of memory");
	} else {
		picture->fill = fill_from_planes;
		picture->context = &from;
		err = jpeg_write(picture, ret_bytes, ret_nbytes, why);
	}
	free(from.planes);
	free(from.rows);
	return err;
}

/* --- Other blocks: by way of samples ------------------------------------------------------------------------------ */

struct from_samples {
	uint8_t *samples[IC_COMPONENTS_MAX]; /* whole blocks of 8 x 8 */
	size_t stride[IC_COMPONENTS_MAX];
};

static void fill_from_samples(void *context, unsigned component, uint32_t first_row, uint32_t nrows,
                              int16_t (*blocks)[64])
{
	struct from_samples *from = context;
	size_t stride = from->stride[component], ncols = stride / BLOCK;
	for (uint32_t row = 0; row < nrows; row++)
		block8_kernel_best()->forward(from->samples[component] + (first_row + row) * BLOCK * stride, stride,
		                              ncols, blocks + row * ncols);
	for (size_t block = 0; block < nrows * ncols; block++) {
		int16_t coefs[64];
		for (unsigned i = 0; i < 64; i++)
			coefs[i] = round_to_step(blocks[block][i], IC_PRESENT_STEP * DCT_FORWARD_UNIT);
		for (unsigned i = 0; i < 64; i++)
			blocks[block][jpeg_zigzag[i]] = coefs[i];
	}
}

static uint32_t whole_blocks(uint32_t n)
{
	return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* A component's samples, the last column and row repeated up to whole blocks. */
static errint_t decode_padded(const struct ic_view *view, unsigned c, uint8_t **ret_samples, size_t *ret_stride)
{
	const struct ic_component *component = &view->layout.component[c];
	uint32_t width = component->width, height = component->height, padded_height = whole_blocks(height);
	size_t stride = whole_blocks(width);
	uint8_t *samples = malloc(stride * padded_height);
	if (!samples)
		return -ENOMEM;
	errint_t err = tensor_component(view, c, samples, stride);
	if (err) {
		free(samples);
		return err;
	}
	grid_pad(samples, stride, width, height, padded_height);
	*ret_samples = samples;
	*ret_stride = stride;
	return 0;
}

static errint_t present_samples(const struct ic_view *view, struct jpeg_picture *picture, uint8_t **ret_bytes,
                                size_t *ret_nbytes, struct ic_why *why)
{
	struct from_samples from = {.samples = {NULL}};
	errint_t err = 0;
	for (unsigned c = 0; c < view->layout.ncomponents && !err; c++)
		err = decode_padded(view, c, &from.samples[c], &from.stride[c]);
	if (err) {
		ic_fail(why, err, "out of memory");
	} else {
		memset(picture->steps, IC_PRESENT_STEP, sizeof picture->steps);
		picture->fill = fill_from_samples;
		picture->context = &from;
		err = jpeg_write(picture, ret_bytes, ret_nbytes, why);
	}
	for (unsigned c = 0; c < IC_COMPONENTS_MAX; c++)
		free(from.samples[c]);
	return err;
}

errint_t ic_present_jpeg(const struct ic_view *view, const uint8_t *markers, size_t markers_nbytes, uint8_t **ret_bytes,
                         size_t *ret_nbytes, struct ic_why *why)
{
	struct jpeg_picture picture = {
	        .layout = &view->layout,
	        .orientation = view->orientation,
	        .markers = markers,
	        .markers_nbytes = markers_nbytes,
	};
	return view->layout.design.block == BLOCK ? present_planes(view, &picture, ret_bytes, ret_nbytes, why)
	                                          : present_samples(view, &picture, ret_bytes, ret_nbytes, why);
}
