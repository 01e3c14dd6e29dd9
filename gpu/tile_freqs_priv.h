/* SPDX-License-Identifier: MIT */
/*
 * tile_freqs_priv.h: from the codes of an object to the values of a frequency tensor. A thread writes eight values that lie
 * side by side in the output, at a multiple of eight, whatever channels and rows they are of.
 *
 * Values come in runs whose codes lie side by side in a plane: a channel, where it shows its plane as it lies, else a row.
 * Eight values are of one run, or the end of one and the beginning of the next; a run shorter than that, and padding, go
 * value by value.
 */
#pragma once

#include "tile_pixels_priv.h"

/* What a channel's values are made by. */
struct tile_channel {
	uint32_t component; /* at least the image's number of them: it has none, and coefficients are 0 */
	uint32_t shift;     /* 1: each block stands for 2 x 2 */
	bool is_negated;    /* an odd horizontal frequency, flipped */
	float mean, scale;
	const uint8_t *plane;
	uint32_t cols;
	struct tile_dequant dequant;
};

/* Eight codes, a byte each, the first one lowest. */
struct tile_codes8 {
	uint32_t low, high;
};

TILE_INLINE uint32_t tile_frequency_of(uint32_t channel, uint32_t ncomponents)
{
	return ncomponents == 1 ? channel : ncomponents == 2 ? channel >> 1 : channel / 3;
}

TILE_INLINE struct tile_channel tile_channel_of(const struct tile_plan *plan, const struct tile_image *image,
                                                unsigned is_8bit, const struct tile_output *out, uint32_t channel)
{
	struct tile_channel c;
	uint32_t f = tile_frequency_of(channel, out->ncomponents);
	c.component = out->first_component + channel - f * out->ncomponents;
	c.shift = c.component ? out->shift : 0;
	c.is_negated = image->is_flipped && (plan->is_odd[f / 32] >> f % 32 & 1);
	c.mean = plan->mean[out->first_channel + channel];
	c.scale = plan->scale[out->first_channel + channel];
	c.dequant.step = c.dequant.means = 0;
	c.plane = image->object;
	c.cols = 0;
	if (c.component < image->ncomponents) {
		c.dequant = tile_dequant_of(plan, image, is_8bit, f * image->ncomponents + c.component);
		c.plane += image->component[c.component].plane + (uint64_t)f * image->stride;
		c.cols = image->component[c.component].cols;
	}
	return c;
}

/* --- Codes --------------------------------------------------------------------------------------------------------- */

/* From eight codes of `bits` bits each in a row. */
TILE_INLINE struct tile_codes8 tile_spread(struct tile_codes8 packed, uint32_t bits)
{
	uint32_t bytes[8];
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++) {
		uint32_t at = bits * i;
		uint32_t word = at >= 32 ? packed.high >> (at - 32) : op_funnel(packed.low, packed.high, at);
		bytes[i] = (uint32_t)((int32_t)(word << (32 - bits)) >> (32 - bits)) & 0xff;
	}
	struct tile_codes8 codes = {bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24,
	                            bytes[4] | bytes[5] << 8 | bytes[6] << 16 | bytes[7] << 24};
	return codes;
}

/* Of a plane, from code `first` on, which may lie before its beginning: within the object all the same. */
TILE_INLINE struct tile_codes8 tile_codes8_at(const uint8_t *plane, unsigned is_8bit, uint32_t bits, int64_t first)
{
	int64_t bit = is_8bit ? first * 8 : first * (int64_t)bits;
	const uint8_t *from = plane + (bit >> 3);
	uint32_t odd = (uint32_t)((uintptr_t)from & 3), shift = odd * 8 + ((uint32_t)bit & 7);
	const uint8_t *word = from - odd;
	uint32_t a = op_load4(word), b = op_load4(word + 4), d = 0;
	if (is_8bit || shift + 8 * bits > 64)
		d = op_load4(word + 8);
	struct tile_codes8 codes = {op_funnel(a, b, shift), op_funnel(b, d, shift)};
	return is_8bit ? codes : tile_spread(codes, bits);
}

/* The order in which values show the codes from the one of the leftmost on: turned, and each twice. `is_odd`: the leftmost
 * is the second of its two. */
TILE_INLINE struct tile_codes8 tile_arrange(struct tile_codes8 c, uint32_t is_flipped, uint32_t shift, uint32_t is_odd)
{
	uint32_t low = 0x3210, high = 0x7654;
	if (shift) {
		low = is_flipped ? (is_odd ? 0x2334 : 0x2233) : is_odd ? 0x2110 : 0x1100;
		high = is_flipped ? (is_odd ? 0x0112 : 0x0011) : is_odd ? 0x4332 : 0x3322;
	} else if (is_flipped) {
		low = 0x4567;
		high = 0x0123;
	}
	struct tile_codes8 out = {op_permute(c.low, c.high, low), op_permute(c.low, c.high, high)};
	return out;
}

/* --- Values -------------------------------------------------------------------------------------------------------- */

TILE_INLINE int32_t tile_byte(struct tile_codes8 codes, unsigned i)
{
	return (int32_t)op_permute(codes.low, codes.high, 0x8880 + 0x1111 * i);
}

/* A coefficient, and its sign. */
TILE_INLINE int32_t tile_freq_of(const struct tile_channel *c, int32_t code)
{
	int32_t value = code * (int32_t)c->dequant.step +
	                (int32_t)(code < 0 ? c->dequant.means >> 16 : c->dequant.means & 0xffff);
	return c->is_negated ? -value : value;
}

/* With 8 bits a code is exact as a number, by way of 2^23 + 128 + code, and so is its product with the step, which is less
 * than 2^15: a fused difference rounds once, as the reference does. 0 - mean, since a product of 0 and a negative step is
 * -0, which must vanish. */
TILE_INLINE void tile_numbers_of_codes(struct tile_codes8 codes, float step, float mean, float scale, float *out)
{
	uint32_t low = codes.low ^ 0x80808080u, high = codes.high ^ 0x80808080u;
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++) {
		float code = op_bits_float(op_permute(i < 4 ? low : high, 0x4b000000, 0x7440 | i % 4)) - 8388736.0f;
		out[i] = op_product(op_multiply_add(code, step, 0.0f - mean), scale);
	}
}

/* What a channel makes of eight codes. */
TILE_INLINE void tile_numbers_of(unsigned is_8bit, const struct tile_channel *c, struct tile_codes8 codes, float *out)
{
	if (is_8bit) {
		float step = (float)(int32_t)c->dequant.step;
		tile_numbers_of_codes(codes, c->is_negated ? -step : step, c->mean, c->scale, out);
		return;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++)
		out[i] = op_normalize((float)tile_freq_of(c, tile_byte(codes, i)), c->mean, c->scale);
}

TILE_INLINE void tile_put_freq(const struct tile_plan *plan, const struct tile_channel *c, int32_t value, uint8_t *out)
{
	float number = op_normalize((float)value, c->mean, c->scale);
	if (plan->type == IC_INT16)
		op_store2(out, (uint32_t)value);
	else if (plan->type == IC_INT8)
		*out = (uint8_t)tile_whole(number, INT8_MIN, INT8_MAX);
	else
		tile_put_number(plan->type, number, out);
}

/* One value, wherever it comes from. */
TILE_INLINE void tile_put_one(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                              const struct tile_output *out, const struct tile_part *part, uint32_t channel,
                              uint32_t place, uint8_t *to)
{
	uint32_t y = tile_divide(place, out->by_width), x = place - y * out->width;
	if (x >= part->width || y >= part->height) {
		tile_put_pad(plan, to);
		return;
	}
	struct tile_channel c = tile_channel_of(plan, image, is_8bit, out, channel);
	uint32_t from_x = part->x + (image->is_flipped ? part->width - 1 - x : x), from_y = part->y + y;
	int64_t first = (int64_t)(from_y >> c.shift) * c.cols + (from_x >> c.shift);
	int32_t value = 0;
	if (c.component < image->ncomponents)
		value = tile_freq_of(&c, tile_byte(tile_codes8_at(c.plane, is_8bit, plan->bits, first), 0));
	tile_put_freq(plan, &c, value, to);
}

/* --- Eight at a time ----------------------------------------------------------------------------------------------- */

union tile_values {
	float numbers[8];
	int32_t whole[8];
};

/* Values `at` to `at` + 7 of a run, some of which may lie before its beginning or behind its end: nobody looks at them. */
TILE_INLINE void tile_run(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                          const struct tile_output *out, const struct tile_part *part, uint32_t run, int32_t at,
                          union tile_values *values)
{
	uint32_t channel = part->is_whole ? run : tile_divide(run, out->by_height);
	struct tile_channel c = tile_channel_of(plan, image, is_8bit, out, channel);
	struct tile_codes8 codes = {0, 0};
	if (c.component < image->ncomponents && part->is_whole && !c.shift) {
		codes = tile_codes8_at(c.plane, is_8bit, plan->bits, at);
	} else if (c.component < image->ncomponents) {
		/* The leftmost that is shown may lie left of the image. */
		uint32_t y = part->is_whole ? 0 : run - channel * out->height;
		int32_t x = (int32_t)part->x + (image->is_flipped ? (int32_t)part->width - 8 - at : at);
		int64_t first = (int64_t)((part->y + y) >> c.shift) * c.cols + (x >> c.shift);
		codes = tile_arrange(tile_codes8_at(c.plane, is_8bit, plan->bits, first), image->is_flipped, c.shift,
		                     (uint32_t)x & 1);
	}
	if (plan->type == IC_INT16) {
		TILE_UNROLL
		for (unsigned i = 0; i < 8; i++)
			values->whole[i] = tile_freq_of(&c, tile_byte(codes, i));
	} else {
		tile_numbers_of(is_8bit, &c, codes, values->numbers);
	}
}

TILE_INLINE void tile_put_eight(const struct tile_plan *plan, const union tile_values *values, uint8_t *to)
{
	int32_t whole[8];
	if (plan->type == IC_INT16) {
		const int32_t *w = values->whole;
		op_store16(to, ((uint32_t)w[0] & 0xffff) | (uint32_t)w[1] << 16,
		           ((uint32_t)w[2] & 0xffff) | (uint32_t)w[3] << 16,
		           ((uint32_t)w[4] & 0xffff) | (uint32_t)w[5] << 16,
		           ((uint32_t)w[6] & 0xffff) | (uint32_t)w[7] << 16);
	} else if (plan->type == IC_INT8) {
		TILE_UNROLL
		for (unsigned i = 0; i < 8; i++)
			whole[i] = tile_whole(values->numbers[i], INT8_MIN, INT8_MAX);
		op_store8(to, op_pack_s8(whole[0], whole[1], whole[2], whole[3]),
		          op_pack_s8(whole[4], whole[5], whole[6], whole[7]));
	} else if (plan->type == IC_FLOAT16) {
		tile_put_numbers(IC_FLOAT16, values->numbers, 8, to);
	} else if (plan->type == IC_FLOAT32) {
		tile_put_numbers(IC_FLOAT32, values->numbers, 8, to);
	} else {
		tile_put_numbers(IC_BFLOAT16, values->numbers, 8, to);
	}
}

/* Whether eight values, `at` on in a run of a part, are all of it and the next one. */
TILE_INLINE bool tile_is_together(const struct tile_output *out, const struct tile_part *part, uint32_t run,
                                  uint32_t at)
{
	if (part->is_whole)
		return out->per_channel >= 8;
	if (part->is_filled)
		return out->width >= 8;
	return at + 8 <= part->width && run - tile_divide(run, out->by_height) * out->height < part->height;
}

/* Values 8 * index to 8 * index + 7 of an output of one image. */
TILE_INLINE void tile_freqs(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                            unsigned is_chroma, uint32_t index, uint8_t *to)
{
	const struct tile_output *out = &plan->output[is_chroma];
	const struct tile_part *part = &image->part[is_chroma];
	uint32_t first = 8 * index;
	to += (uint64_t)first * plan->value_nbytes;
	if (!image->object) {
		for (uint32_t i = 0; i < tile_least(8, out->nvalues - first) * plan->value_nbytes; i++)
			to[i] = 0;
		return;
	}
	uint32_t length = part->is_whole ? out->per_channel : out->width;
	uint32_t run = tile_divide(first, part->is_whole ? out->by_channel : out->by_width), at = first - run * length;
	if (out->is_aligned && first + 8 <= out->nvalues && tile_is_together(out, part, run, at)) {
		union tile_values values, next;
		uint32_t left = length - at;
		tile_run(plan, image, is_8bit, out, part, run, (int32_t)at, &values);
		if (left < 8) {
			tile_run(plan, image, is_8bit, out, part, run + 1, -(int32_t)left, &next);
			TILE_UNROLL
			for (unsigned i = 0; i < 8; i++)
				values.numbers[i] = i < left ? values.numbers[i] : next.numbers[i];
		}
		tile_put_eight(plan, &values, to);
		return;
	}
	uint32_t channel = tile_divide(first, out->by_channel), place = first - channel * out->per_channel;
	for (unsigned i = 0; i < 8 && first + i < out->nvalues; i++) {
		tile_put_one(plan, image, is_8bit, out, part, channel, place, to + i * plan->value_nbytes);
		if (++place == out->per_channel) {
			place = 0;
			channel++;
		}
	}
}

/* --- Planes as they lie, codes of 8 bits: what training reads --------------------------------------------------------- */

/* Where eight values go. The vectors of a batch are counted: of an image, those of the first output, then of the one apart. */
struct tile_place {
	const struct tile_image *image;
	uint32_t is_chroma, index; /* of the output's vectors */
	uint8_t *to;               /* the output's first value, of that image */
};

TILE_INLINE struct tile_place tile_place_of(const struct tile_plan *plan, const struct tile_image *images,
                                            uint32_t vector, uint8_t *out, uint8_t *chroma)
{
	struct tile_place place;
	uint32_t i = tile_divide(vector, plan->by_vectors);
	place.image = images + i;
	place.index = vector - i * plan->nvectors;
	place.is_chroma = place.index >= plan->output[0].nvectors;
	place.index -= place.is_chroma ? plan->output[0].nvectors : 0;
	place.to = place.is_chroma ? chroma + i * plan->chroma_stride : out + i * plan->out_stride;
	return place;
}

/* Whether an output shows planes as they lie, of codes of 8 bits, as numbers. */
TILE_INLINE bool tile_is_plain(const struct tile_plan *plan, unsigned is_8bit, const struct tile_place *place)
{
	const struct tile_output *out = &plan->output[place->is_chroma];
	const struct tile_image *image = place->image;
	return is_8bit && plan->type != IC_INT16 && out->is_aligned && out->per_channel >= 8 && image->object &&
	       image->part[place->is_chroma].is_whole && out->first_component + out->ncomponents <= image->ncomponents;
}

/* Eight codes, of which some may lie before a plane's beginning or behind its end, and what makes numbers of them. */
struct tile_plain {
	struct tile_codes8 codes;
	float step, mean, scale;
};

/* All loads follow from the place alone, so they are on their way together. */
TILE_INLINE struct tile_plain tile_plain_at(const struct tile_plan *plan, const struct tile_image *image,
                                            const struct tile_output *out, uint32_t channel, int32_t at)
{
	struct tile_plain plain;
	uint32_t f = tile_frequency_of(channel, out->ncomponents);
	uint32_t component = out->first_component + channel - f * out->ncomponents;
	const uint8_t *from = image->object + image->component[component].plane + (uint64_t)f * image->stride + at;
	const uint8_t *word = op_word_of(from);
	uint32_t plane = f * image->ncomponents + component, shift = (uint32_t)(uintptr_t)from * 8;
	uint32_t entry = op_load4_global(image->object + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * plane);
	uint32_t a = op_load4_global(word), b = op_load4_global(word + 4), d = op_load4_global(word + 8);
	plain.mean = plan->mean[out->first_channel + channel];
	plain.scale = plan->scale[out->first_channel + channel];
	plain.step = (float)(entry & 0xff);
	plain.codes.low = op_funnel(a, b, shift);
	plain.codes.high = op_funnel(b, d, shift);
	return plain;
}

TILE_INLINE void tile_plain_numbers(const struct tile_plain *plain, float *out)
{
	tile_numbers_of_codes(plain->codes, plain->step, plain->mean, plain->scale, out);
}

#define TILE_FREQS_THREADS 128u /* of a thread block: what it does not fill is less */
#define TILE_EACH 2u            /* vectors that a thread takes, so that their loads are on their way together */

/* Of nvectors vectors of a batch, below 2^31, those of one thread. */
TILE_INLINE void tile_freqs_thread(const struct tile_plan *plan, const struct tile_image *images, unsigned is_8bit,
                                   uint32_t nvectors, uint32_t thread_block, uint32_t thread, uint8_t *out,
                                   uint8_t *chroma)
{
	struct tile_plain plain[TILE_EACH];
	uint32_t first = thread_block * TILE_FREQS_THREADS * TILE_EACH + thread;
	uint32_t left[TILE_EACH]; /* of the channel, from the vector on; 0: it is not plain */
	uint8_t *to[TILE_EACH];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_EACH; i++) {
		uint32_t vector = first + i * TILE_FREQS_THREADS;
		left[i] = 0;
		if (vector >= nvectors)
			continue;
		struct tile_place place = tile_place_of(plan, images, vector, out, chroma);
		const struct tile_output *output = &plan->output[place.is_chroma];
		if (!tile_is_plain(plan, is_8bit, &place) || 8 * place.index + 8 > output->nvalues)
			continue;
		uint32_t channel = tile_divide(8 * place.index, output->by_channel);
		uint32_t at = 8 * place.index - channel * output->per_channel;
		left[i] = output->per_channel - at;
		plain[i] = tile_plain_at(plan, place.image, output, channel, (int32_t)at);
		to[i] = place.to + (uint64_t)place.index * 8 * plan->value_nbytes;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_EACH; i++) {
		uint32_t vector = first + i * TILE_FREQS_THREADS;
		union tile_values values, next;
		if (vector >= nvectors)
			return;
		if (!left[i]) {
			struct tile_place place = tile_place_of(plan, images, vector, out, chroma);
			tile_freqs(plan, place.image, is_8bit, place.is_chroma, place.index, place.to);
			continue;
		}
		tile_plain_numbers(&plain[i], values.numbers);
		if (left[i] < 8) { /* the rest is of the next channel */
			struct tile_place place = tile_place_of(plan, images, vector, out, chroma);
			const struct tile_output *output = &plan->output[place.is_chroma];
			uint32_t channel = tile_divide(8 * place.index, output->by_channel) + 1;
			plain[i] = tile_plain_at(plan, place.image, output, channel, -(int32_t)left[i]);
			tile_plain_numbers(&plain[i], next.numbers);
			TILE_UNROLL
			for (unsigned j = 0; j < 8; j++)
				values.numbers[j] = j < left[i] ? values.numbers[j] : next.numbers[j];
		}
		tile_put_eight(plan, &values, to[i]);
	}
}
