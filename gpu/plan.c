/* SPDX-License-Identifier: MIT */
#include "plan_priv.h"

#include "tile_freqs_priv.h"

#include <errno.h>

#define ROOM_ALIGN 16u
#define READ_AHEAD 64u /* bytes: samples that are read and not used, behind the last */

static uint32_t round_up(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static uint32_t divide_up(uint32_t n, uint32_t unit)
{
	return (n + unit - 1) / unit;
}

/* The least from n on that is `remainder` modulo `unit`. */
static uint32_t round_to(uint32_t n, uint32_t unit, uint32_t remainder)
{
	return n + (remainder + unit - n % unit) % unit;
}

/* How many blocks of a row or a column n samples can touch, and how many pieces of a row. */
static uint32_t touched(uint32_t n, uint32_t block)
{
	return (n + block - 2) / block + 1;
}

static uint32_t pieces_across(uint32_t n, uint32_t block)
{
	return divide_up(touched(n, block), TILE_GROUP);
}

/* What the codes of a tile of width x height samples of a component can take in a row. */
static uint32_t row_vectors(const struct tile_plan *plan, uint32_t width)
{
	return tile_vectors((14 + touched(width, plan->block) * plan->bits) / 8);
}

/* In all, with the one behind each plane. Samples lie behind, which may be read with the last codes. */
static uint32_t codes_nbytes(const struct tile_plan *plan, uint32_t width, uint32_t block_rows)
{
	return plan->nfreqs * (block_rows * row_vectors(plan, width) + 1) * TILE_VECTOR;
}

static uint32_t chroma_width(const struct tile_plan *plan)
{
	return plan->is_half ? plan->tile_width / 2 + 3 : plan->tile_width;
}

static uint32_t take(struct tile_room *room, uint32_t nbytes)
{
	uint32_t at = room->nbytes;
	room->nbytes = round_up(at + nbytes, ROOM_ALIGN);
	return at;
}

static void set_room(struct tile_plan *plan)
{
	struct tile_room *room = &plan->room;
	uint32_t block = plan->block;
	/* tile_slot: what stays of the tile before, and what lies below. */
	uint32_t luma_rows = plan->tile_height + plan->is_half;
	uint32_t chroma_rows = plan->is_half ? plan->tile_height / 2 + 2 : plan->tile_height;
	uint32_t luma_across = pieces_across(plan->tile_width, block), piece_width = TILE_GROUP * block;
	uint32_t chroma_across = pieces_across(chroma_width(plan), block);
	take(room, TILE_HEAD_NBYTES);
	if (block > 1) {
		uint32_t nplaces = IC_COMPONENTS_MAX * TILE_PLACES(block);
		room->origins = take(room, nplaces * (uint32_t)sizeof(uint32_t));
		room->dequants = take(
		        room, nplaces * (uint32_t)(plan->bits == 8 ? sizeof(uint32_t) : sizeof(struct tile_dequant)));
	}
	if (TILE_BY_LINES(block) && !plan->is_fast) {
		uint32_t group = TILE_LINE_NBYTES(block);
		room->line_second = chroma_across * group;
		room->line_nbytes[0] = luma_across * group;
		room->line_nbytes[1] = 2 * room->line_second;
		/* Strides by which rows of blocks, and neighbouring rows of samples, use other banks; smaller blocks do. */
		for (unsigned i = 0; i < 2 && block == 8; i++)
			room->line_nbytes[i] = round_to(room->line_nbytes[i], 128, 104);
		room->lines[0] = take(room, plan->tile_height * room->line_nbytes[0]);
		room->lines[1] = take(room, chroma_rows * room->line_nbytes[1]);
	} else if (block > 8) {
		room->matrix = take(room, plan->is_fast ? TILE_DIGITS_NBYTES(block) : TILE_MATRIX_NBYTES(block));
		for (unsigned c = 0; c < IC_COMPONENTS_MAX; c++)
			room->codes[c] = take(room, codes_nbytes(plan, c ? chroma_width(plan) : plan->tile_width,
			                                         c ? plan->chroma_block_rows : plan->luma_block_rows));
	}
	/* Strides by which lanes of four rows of blocks, and eight, put their samples into other banks; the fast transform of
	 * blocks of 8 has two rows of chroma at a time. */
	room->luma_stride = round_to(luma_across * piece_width, 16, 8);
	room->chroma_stride = plan->is_fast && block == 8 ? round_to(TILE_LEAD + chroma_across * piece_width, 32, 12)
	                                                  : round_to(TILE_LEAD + chroma_across * piece_width, 16, 8);
	room->luma = take(room, luma_rows * room->luma_stride * (plan->is_fast ? 2 : 1));
	room->chroma = take(room, chroma_rows * room->chroma_stride * (uint32_t)sizeof(uint32_t) + READ_AHEAD);
}

/* l is the least for which 2^l >= d; then 2^31 <= 2^(31+l) / d < 2^32. */
static struct tile_divisor tile_divisor_of(uint32_t d)
{
	struct tile_divisor divisor = {0, 0};
	while (UINT64_C(1) << divisor.shift < d)
		divisor.shift++;
	divisor.magic = d ? (uint32_t)((UINT64_C(1) << (31 + divisor.shift)) / d + 1) : 0;
	return divisor;
}

/* Of a tile: at B = 8 and 16 as many as two blocks of halved chroma have. Of fast transforms, whose luma takes twice the room,
 * as one has at B = 16, and as four at B = 8, where whole blocks are made for the rows above and below. Chroma of luma's grid
 * takes twice the room, too. */
static uint32_t tile_rows_log2(const struct tile_plan *plan)
{
	if (plan->block == (plan->is_fast ? 8 : 16) && plan->is_half)
		return 6;
	return plan->block < 16 && !plan->is_half ? 4 : 5;
}

/* As many as leave room for four thread blocks in an H100's shared memory, at B = 8, and for one in an A100's. */
uint32_t tile_plan_columns_max(const struct tile_plan *plan)
{
	return plan->block == 32 && !plan->is_half ? 96 : 224;
}

static void set_tiles(struct tile_plan *plan)
{
	uint32_t across = divide_up(plan->width, tile_plan_columns_max(plan));
	plan->tile_width = round_up((plan->width + across - 1) / across, TILE_PIXELS);
	plan->tile_height_log2 = tile_rows_log2(plan);
	plan->tile_height = 1u << plan->tile_height_log2;
	plan->tiles_across = (plan->width + plan->tile_width - 1) / plan->tile_width;
	plan->tiles_down = touched(plan->height, plan->tile_height);
	plan->luma_block_rows = divide_up(plan->tile_height, plan->block);
	plan->chroma_block_rows = plan->luma_block_rows;
	if (plan->is_half) /* with a row above and one below */
		plan->chroma_block_rows = touched(plan->tile_height / 2 + 2, plan->block);
	plan->by_tiles_across = tile_divisor_of(plan->tiles_across);
	plan->by_across = tile_divisor_of(plan->tile_width / TILE_PIXELS);
	plan->pairs_at_once = TILE_THREADS / (plan->tile_width / TILE_PIXELS);
}

static void set_freqs(struct tile_plan *plan, const struct ic_design *design)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	ic_design_freqs(design, freqs);
	unsigned block = design->block;
	memset(plan->freq_at, 0xff, sizeof plan->freq_at);
	for (unsigned f = 0; f < plan->nfreqs; f++) {
		plan->is_odd[f / 32] |= (uint32_t)(freqs[f].u % 2) << f % 32;
		unsigned u = freqs[f].u, v = freqs[f].v;
		plan->freq_at[TILE_PLACE(block, u, v)] = (int16_t)f;
		if (!TILE_BY_LINES(block))
			continue;
		plan->nu = (uint8_t)(plan->nu > u ? plan->nu : u + 1);
		plan->nv[u] = (uint8_t)(plan->nv[u] > v ? plan->nv[u] : v + 1);
	}
}

static void set_output(struct tile_output *out, uint32_t channels, uint32_t width, uint32_t height)
{
	out->channels = channels;
	out->width = width;
	out->height = height;
	out->per_channel = width * height;
	out->nvalues = channels * width * height;
	out->nvectors = divide_up(out->nvalues, 8);
	out->by_channel = tile_divisor_of(out->per_channel);
	out->by_width = tile_divisor_of(width);
	out->by_height = tile_divisor_of(height);
}

/* What a byte of channel c becomes, by the definition or fused, in the type that the batch wants. */
static uint32_t number_of(const struct tile_plan *plan, unsigned c, unsigned byte, bool is_fused)
{
	float number = is_fused ? op_fused((float)byte * 0x1p-24f, plan->rgb_tiny_scale[c], plan->rgb_offset[c])
	                        : op_normalize((float)byte, plan->rgb_mean[c], plan->rgb_scale[c]);
	return tile_two(plan->type, number, number);
}

/* One operation a value instead of two, where all 256 agree, as they nearly always do in 16 bits. */
static bool may_fuse(const struct tile_plan *plan)
{
	for (unsigned c = 0; c < 3; c++) {
		for (unsigned byte = 0; byte <= UINT8_MAX; byte++) {
			if (number_of(plan, c, byte, true) != number_of(plan, c, byte, false))
				return false;
		}
	}
	return true;
}

/* In half precision. */
static bool is_infinite(uint32_t pair)
{
	return (pair & 0x7fff) == 0x7c00;
}

static void set_colors(struct tile_plan *plan, const struct ic_tensor_spec *spec)
{
	for (unsigned c = 0; c < 3; c++) {
		plan->rgb_mean[c] = spec->mean ? spec->mean[c] : 0;
		plan->rgb_scale[c] = spec->scale ? spec->scale[c] : 1;
		plan->rgb_tiny_scale[c] = plan->rgb_scale[c] * 0x1p24f;
		plan->rgb_offset[c] = -plan->rgb_mean[c] * plan->rgb_scale[c];
		plan->fast_scale[c] = op_half2(plan->rgb_scale[c] * 255, plan->rgb_scale[c] * 255);
		plan->fast_offset[c] = op_half2(plan->rgb_offset[c], plan->rgb_offset[c]);
	}
	for (unsigned c = 0; c < 3 && plan->type == IC_FLOAT16; c++) {
		if (is_infinite(plan->fast_scale[c]) || is_infinite(plan->fast_offset[c]))
			plan->is_fast = 0;
	}
	plan->is_fused = (plan->type == IC_FLOAT16 || plan->type == IC_BFLOAT16) && may_fuse(plan);
}

/* 0 for a type that is none. */
static uint32_t type_nbytes(uint8_t type)
{
	static const uint8_t nbytes[] = {
	        [IC_UINT8] = 1, [IC_INT8] = 1, [IC_INT16] = 2, [IC_FLOAT16] = 2, [IC_FLOAT32] = 4, [IC_BFLOAT16] = 2};
	return type < sizeof nbytes ? nbytes[type] : 0;
}

/* What becomes of one image takes the bytes that the caller's memory is asked for: kernels write by the numbers of values. */
static errint_t check_shape(const struct ic_design *design, const struct ic_tensor_spec *spec,
                            const struct ic_tensor_shape *shape, struct ic_why *why)
{
	uint64_t values = (uint64_t)shape->channels * shape->width * shape->height;
	uint64_t chroma_values = (uint64_t)shape->chroma_channels * shape->chroma_width * shape->chroma_height;
	uint32_t nfreqs = ic_design_nfreqs(design);
	bool is_frequencies = spec->values == IC_FREQUENCIES;
	if (!shape->width || !shape->height)
		return ic_fail(why, -EINVAL, "a plan needs a shape");
	if (values > INT32_MAX || chroma_values > INT32_MAX)
		return ic_fail(why, -EFBIG, "an image of %llu values is more than a GPU is asked for",
		               (unsigned long long)(values + chroma_values));
	if (is_frequencies ? shape->channels != nfreqs && shape->channels != IC_COMPONENTS_MAX * nfreqs
	                   : shape->channels != 3)
		return ic_fail(why, -EINVAL, "no image of this design becomes %u channels", shape->channels);
	if (shape->chroma_channels && (!is_frequencies || shape->chroma_channels != 2 * nfreqs))
		return ic_fail(why, -EINVAL, "no image of this design has %u channels of chroma apart",
		               shape->chroma_channels);
	if (shape->value_nbytes != type_nbytes(spec->type) || shape->nbytes != values * shape->value_nbytes ||
	    shape->chroma_nbytes != chroma_values * shape->value_nbytes)
		return ic_fail(why, -EINVAL,
		               "a shape of another type than the spec, or of other bytes than its values");
	return 0;
}

errint_t tile_plan_init(struct tile_plan *plan, const struct ic_design *design, const struct ic_tensor_spec *spec,
                        const struct ic_tensor_shape *shape, bool is_fast, struct ic_why *why)
{
	bool is_frequencies = spec->values == IC_FREQUENCIES;
	if (!ic_design_is_valid(design))
		return ic_fail(why, -EINVAL, "a plan needs a design");
	errint_t err = check_shape(design, spec, shape, why);
	if (err)
		return err;
	if (spec->fit == IC_FIT_RESIZE &&
	    (is_frequencies || spec->width != shape->width || spec->height != shape->height))
		return ic_fail(why, -EINVAL, "what is resized are pixels, to the size of the spec");
	*plan = (struct tile_plan){
	        .block = design->block,
	        .bits = design->bits,
	        .nfreqs = ic_design_nfreqs(design),
	        .is_half = design->chroma == IC_CHROMA_HALF,
	        .values = spec->values,
	        .type = spec->type,
	        .axes = spec->axes,
	        .is_apart = shape->chroma_channels > 0,
	        .value_nbytes = shape->value_nbytes,
	        .width = shape->width,
	        .height = shape->height,
	        .pad = spec->pad,
	        .is_fast = is_fast && !is_frequencies && design->block >= 8 && design->bits == 8,
	};
	set_output(&plan->output[0], shape->channels, shape->width, shape->height);
	plan->output[0].ncomponents = is_frequencies ? shape->channels / plan->nfreqs : 3;
	plan->output[0].shift = plan->is_half;
	set_output(&plan->output[1], shape->chroma_channels, shape->chroma_width, shape->chroma_height);
	plan->output[1].first_channel = shape->channels;
	plan->output[1].first_component = 1;
	plan->output[1].ncomponents = 2;
	plan->nvectors = plan->output[0].nvectors + plan->output[1].nvectors;
	plan->by_vectors = tile_divisor_of(plan->nvectors);
	set_freqs(plan, design);
	if (!is_frequencies) {
		set_colors(plan, spec);
		tile_plan_set_size(plan, shape->width, shape->height);
	}
	return 0;
}

size_t tile_plan_basis_nwords(const struct tile_plan *plan)
{
	return plan->is_fast && plan->block == 8
	               ? (size_t)TILE_FAST_TALL * tile_fast_steps(plan->nfreqs) * TILE_LANES * 4
	               : 0;
}

/* Of frequency f at sample (y, x), times 2^16: M[y][v] M[x][u] / 2^29 (docs/format.md, section 3). */
static float basis_at(const struct tile_plan *plan, const struct ic_freq *freqs, uint32_t f, uint32_t y, uint32_t x)
{
	if (f >= plan->nfreqs)
		return 0;
	return (float)tile_matrix(8, y, freqs[f].v) * (float)tile_matrix(8, x, freqs[f].u) * 0x1p-13f;
}

/* Products one below another, of each those of 16 frequencies, of these a lane's four words: tile_fast_priv.h. */
void tile_plan_put_basis(const struct tile_plan *plan, const struct ic_design *design, uint32_t *out)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	uint32_t nsteps = tile_fast_steps(plan->nfreqs);
	ic_design_freqs(design, freqs);
	for (uint32_t i = 0; i < tile_plan_basis_nwords(plan); i++) {
		uint32_t word = i % 4, lane = i / 4 % TILE_LANES, step = i / 4 / TILE_LANES % nsteps;
		uint32_t x = 2 * (i / 4 / TILE_LANES / nsteps) + word % 2, y = lane / 4;
		uint32_t f = step * TILE_FAST_DEEP + word / 2 * 8 + lane % 4 * 2;
		out[i] = op_half2(basis_at(plan, freqs, f, y, x), basis_at(plan, freqs, f + 1, y, x));
	}
}

void tile_plan_set_size(struct tile_plan *plan, uint32_t width, uint32_t height)
{
	plan->width = width;
	plan->height = height;
	plan->channel_nbytes = plan->value_nbytes;
	if (plan->axes == IC_NCHW)
		plan->channel_nbytes *= (uint64_t)width * height;
	plan->room = (struct tile_room){0};
	set_tiles(plan);
	set_room(plan);
}

void tile_plan_set_strips(struct tile_plan *plan, uint32_t nimages, uint32_t together)
{
	uint64_t least = UINT64_MAX;
	plan->strip_tiles = 1;
	plan->strips_down = plan->tiles_down;
	/* Measured (docs/gpu.md): only with what matrix units need at hand are strips faster than tiles of their own. */
	for (uint32_t n = 1; n <= plan->tiles_down && plan->block >= 16; n++) {
		uint32_t nstrips = divide_up(plan->tiles_down, n);
		uint64_t rounds = ((uint64_t)nimages * plan->tiles_across * nstrips + together - 1) / together;
		uint64_t cost = rounds * (2 * n + 1); /* to begin a strip takes as long as half a tile */
		if (cost < least) {
			least = cost;
			plan->strip_tiles = n;
			plan->strips_down = nstrips;
		}
	}
}

/* Whether vectors of eight values, of at most 16 bytes at a time, may begin at `base` and every `unit` values on. */
static bool takes_vectors(const void *base, uint64_t stride, uint32_t value_nbytes)
{
	uint32_t vector = value_nbytes == 1 ? 8 : 16;
	return (uintptr_t)base % vector == 0 && stride % vector == 0;
}

void tile_plan_set_outputs(struct tile_plan *plan, const void *out, uint64_t out_stride, const void *chroma,
                           uint64_t chroma_stride)
{
	plan->out_stride = out_stride;
	plan->chroma_stride = chroma_stride;
	plan->is_aligned = takes_vectors(out, out_stride, plan->value_nbytes);
	plan->output[0].is_aligned = plan->is_aligned;
	plan->is_aligned = plan->is_aligned && plan->width % TILE_PIXELS == 0; /* for each row begins so */
	plan->output[1].is_aligned = takes_vectors(chroma, chroma_stride, plan->value_nbytes);
}

errint_t tile_image_check(const struct ic_layout *layout, struct ic_why *why)
{
	return layout->data_nbytes / layout->nfreqs <= UINT32_MAX
	               ? 0
	               : ic_fail(why, -EFBIG, "an image of %u x %u is more than a GPU is asked for", layout->width,
	                         layout->height);
}

static struct tile_part part_of(const struct tile_output *out, const struct tile_image *image, uint32_t first_component,
                                bool is_half)
{
	struct tile_part part = {.x = image->x, .y = image->y, .width = image->width, .height = image->height};
	if (is_half) {
		part.x /= 2;
		part.y /= 2;
		part.width = (part.width + 1) / 2;
		part.height = (part.height + 1) / 2;
	}
	part.is_filled = part.width == out->width && part.height == out->height;
	/* Rows follow each other in the plane as in the output: of all components that it shows. */
	part.is_whole = part.is_filled && !image->is_flipped && part.y == 0 &&
	                (out->ncomponents == 1 || !out->shift || image->ncomponents == 1);
	for (uint32_t c = first_component; c < first_component + out->ncomponents && c < image->ncomponents; c++)
		part.is_whole = part.is_whole && image->component[c].cols == out->width;
	return part;
}

/* What lies between a tile's rows of codes is no more than the vectors that a row has room for. */
static bool is_one_run(const struct tile_plan *plan, bool is_chroma, uint32_t cols)
{
	uint32_t vectors = row_vectors(plan, is_chroma ? chroma_width(plan) : plan->tile_width);
	return ((uint64_t)cols * plan->bits + 7) / 8 <= (uint64_t)vectors * TILE_VECTOR;
}

void tile_image_set_runs(struct tile_image *image, const struct tile_plan *plan)
{
	for (unsigned c = 0; c < image->ncomponents && plan->values == IC_RGB; c++)
		image->component[c].is_one_run = is_one_run(plan, c > 0, image->component[c].cols);
}

void tile_image_init(struct tile_image *image, const struct tile_plan *plan, const struct ic_layout *layout,
                     const struct ic_region *region, bool flip, const uint8_t *object)
{
	uint64_t at = layout->data_offset;
	*image = (struct tile_image){
	        .object = object,
	        .ncomponents = layout->ncomponents,
	        .x = region->x,
	        .y = region->y,
	        .width = region->width,
	        .height = region->height,
	        .is_flipped = flip,
	};
	for (unsigned c = 0; c < layout->ncomponents; c++) {
		const struct ic_component *own = &layout->component[c];
		image->component[c] = (struct tile_component){
		        .width = own->width, .height = own->height, .cols = own->block_cols, .plane = at};
		at += own->plane_nbytes;
		image->stride += (uint32_t)own->plane_nbytes;
	}
	for (unsigned c = 0; c < layout->ncomponents; c++)
		image->component[c].is_words = plan->bits == 8 && image->component[c].cols % 4 == 0 &&
		                               image->component[c].plane % 4 == 0 && image->stride % 4 == 0;
	tile_image_set_runs(image, plan);
	image->part[0] = part_of(&plan->output[0], image, 0, false);
	if (plan->is_apart)
		image->part[1] = part_of(&plan->output[1], image, 1, plan->is_half);
}
