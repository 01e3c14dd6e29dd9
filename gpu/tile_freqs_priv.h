/* SPDX-License-Identifier: MIT */
/*
 * tile_freqs_priv.h: from the codes of an object to the values of a frequency tensor. A thread writes eight values that lie
 * side by side in the output, at a multiple of eight, whatever channels and rows they are of; as nearly all of them come
 * from codes that lie side by side in a plane, it reads those at once.
 */
#pragma once

#include "tile_pixels_priv.h"

/* One of the two outputs of an image. */
struct tile_output {
	uint32_t channels, width, height;
	uint32_t own_width, own_height; /* of these, what shows the image */
	uint32_t x, y;          /* block that the first value shows, or, flipped, the last own one; of this output */
	uint32_t first_channel; /* of mean and scale */
	uint32_t first_component, ncomponents;
	uint32_t is_repeating; /* components but the first have one block for 2 x 2 */
	uint32_t is_aligned;
};

/* Where the value at (x, y) of a channel comes from. */
struct tile_channel {
	uint32_t plane, component; /* component >= ncomponents of the image: it has none, and coefficients are 0 */
	uint32_t shift;            /* 1: each block stands for 2 x 2 */
	bool is_negated;           /* an odd horizontal frequency, flipped */
	float mean, scale;
	struct tile_dequant dequant;
};

TILE_INLINE struct tile_output tile_output_of(const struct tile_plan *plan, const struct tile_image *image,
                                              unsigned is_chroma)
{
	struct tile_output out;
	uint32_t half = is_chroma && plan->is_half;
	out.channels = is_chroma ? plan->chroma_channels : plan->channels;
	out.width = is_chroma ? plan->chroma_width : plan->width;
	out.height = is_chroma ? plan->chroma_height : plan->height;
	out.own_width = half ? (image->width + 1) / 2 : image->width;
	out.own_height = half ? (image->height + 1) / 2 : image->height;
	out.x = half ? image->x / 2 : image->x;
	out.y = half ? image->y / 2 : image->y;
	out.first_channel = is_chroma ? plan->channels : 0;
	out.first_component = is_chroma ? 1 : 0;
	out.ncomponents = is_chroma ? 2 : plan->components;
	out.is_repeating = !is_chroma && plan->is_half;
	out.is_aligned = is_chroma ? plan->is_chroma_aligned : plan->is_aligned;
	return out;
}

/* Eight codes of a plane from code `first` on, the first one lowest, in `bits` bits each. */
struct tile_codes8 {
	uint32_t low, high;
};

TILE_INLINE struct tile_codes8 tile_codes8_at(const struct tile_plan *plan, const struct tile_image *image,
                                              const struct tile_channel *c, uint64_t first)
{
	uint32_t frequency = c->plane / image->ncomponents;
	const uint8_t *from = image->object + image->component[c->component].plane + frequency * image->stride;
	uint64_t bit = first * plan->bits;
	from += bit >> 3;
	uint32_t odd = (uint32_t)((uintptr_t)from & 3), shift = odd * 8 + (uint32_t)(bit & 7);
	uint32_t nbits =
	        shift + 8 * plan->bits; /* from the first word on; more than two words of it are seldom needed */
	const uint8_t *word = from - odd;
	uint32_t a = op_load4(word), b = op_load4(word + 4), d = nbits > 64 ? op_load4(word + 8) : 0;
	struct tile_codes8 codes = {op_funnel(a, b, shift), op_funnel(b, d, shift)};
	return codes;
}

/* Code i, 0..7; i and, where it is 8, bits are constants. */
TILE_INLINE int32_t tile_code(struct tile_codes8 codes, uint32_t bits, unsigned i)
{
	if (bits == 8)
		return (int32_t)op_permute(codes.low, codes.high, 0x8880 + 0x1111 * i);
	uint32_t at = bits * i;
	uint32_t word = at >= 32 ? codes.high >> (at - 32) : op_funnel(codes.low, codes.high, at);
	return (int32_t)(word << (32 - bits)) >> (32 - bits);
}

TILE_INLINE struct tile_channel tile_channel_of(const struct tile_plan *plan, const struct tile_image *image,
                                                const struct tile_output *out, uint32_t channel)
{
	struct tile_channel c;
	uint32_t f = channel / out->ncomponents;
	c.component = out->first_component + channel - f * out->ncomponents;
	c.plane = f * image->ncomponents + c.component;
	c.shift = c.component && out->is_repeating ? 1 : 0;
	c.is_negated = image->is_flipped && plan->is_odd[f];
	c.mean = plan->mean[out->first_channel + channel];
	c.scale = plan->scale[out->first_channel + channel];
	c.dequant.step = c.dequant.means = 0;
	if (c.component < image->ncomponents)
		c.dequant = tile_dequant_of(plan, image, plan->bits == 8, c.plane);
	return c;
}

/* A coefficient, by way of 16 bits as in libic, and its sign. */
TILE_INLINE int32_t tile_freq_of(const struct tile_channel *c, int32_t code)
{
	int32_t value = code * (int32_t)c->dequant.step +
	                (int32_t)(code < 0 ? c->dequant.means >> 16 : c->dequant.means & 0xffff);
	return c->is_negated ? -value : value;
}

/* The place in its plane of the code that the value at (x, y) of a channel shows; both are the image's. */
TILE_INLINE uint64_t tile_place(const struct tile_image *image, const struct tile_output *out,
                                const struct tile_channel *c, uint32_t x, uint32_t y)
{
	uint32_t from_x = out->x + (image->is_flipped ? out->own_width - 1 - x : x), from_y = out->y + y;
	return (uint64_t)(from_y >> c->shift) * image->component[c->component].cols + (from_x >> c->shift);
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
TILE_INLINE void tile_put_one(const struct tile_plan *plan, const struct tile_image *image,
                              const struct tile_output *out, uint32_t channel, uint32_t place, uint8_t *to)
{
	uint32_t y = place / out->width, x = place - y * out->width;
	if (x >= out->own_width || y >= out->own_height) {
		tile_put_pad(plan, to);
		return;
	}
	struct tile_channel c = tile_channel_of(plan, image, out, channel);
	int32_t value = 0;
	if (c.component < image->ncomponents)
		value = tile_freq_of(&c, tile_code(tile_codes8_at(plan, image, &c, tile_place(image, out, &c, x, y)),
		                                   plan->bits, 0));
	tile_put_freq(plan, &c, value, to);
}

/* Eight values that are made of eight codes side by side. */
TILE_INLINE void tile_put_eight(const struct tile_plan *plan, unsigned is_8bit, const struct tile_channel *c,
                                struct tile_codes8 codes, uint8_t *to)
{
	int32_t values[8];
	float numbers[8];
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++)
		values[i] = tile_freq_of(c, tile_code(codes, is_8bit ? 8 : plan->bits, i));
	if (plan->type == IC_INT16) {
		op_store16(to, ((uint32_t)values[0] & 0xffff) | (uint32_t)values[1] << 16,
		           ((uint32_t)values[2] & 0xffff) | (uint32_t)values[3] << 16,
		           ((uint32_t)values[4] & 0xffff) | (uint32_t)values[5] << 16,
		           ((uint32_t)values[6] & 0xffff) | (uint32_t)values[7] << 16);
		return;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++)
		numbers[i] = op_normalize((float)values[i], c->mean, c->scale);
	if (plan->type == IC_INT8) {
		TILE_UNROLL
		for (unsigned i = 0; i < 8; i++)
			values[i] = tile_whole(numbers[i], INT8_MIN, INT8_MAX);
		op_store8(to, op_pack_s8(values[0], values[1], values[2], values[3]),
		          op_pack_s8(values[4], values[5], values[6], values[7]));
		return;
	}
	tile_put_numbers(plan->type, numbers, 8, to);
}

/* Whether eight values from (x, y) of a channel on come from eight codes side by side, in the same order. Where a channel
 * is its plane as it lies, rows follow each other in both. */
TILE_INLINE bool tile_is_run(const struct tile_image *image, const struct tile_output *out,
                             const struct tile_channel *c, uint32_t x, uint32_t y)
{
	if (c->shift || image->is_flipped || c->component >= image->ncomponents)
		return false;
	if (out->own_width == out->width && out->width == image->component[c->component].cols)
		return out->own_height == out->height || y + 1 + (x + 7) / out->width <= out->own_height;
	return x + 8 <= out->own_width && y < out->own_height;
}

/* Values 8 * index to 8 * index + 7 of an output of one image. */
TILE_INLINE void tile_freqs(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                            unsigned is_chroma, uint32_t index, uint8_t *to)
{
	struct tile_output out = tile_output_of(plan, image, is_chroma);
	uint32_t per_channel = out.width * out.height, nvalues = per_channel * out.channels, first = 8 * index;
	if (first >= nvalues)
		return;
	to += (uint64_t)first * plan->value_nbytes;
	if (!image->object) {
		for (uint32_t i = 0; i < tile_least(8, nvalues - first) * plan->value_nbytes; i++)
			to[i] = 0;
		return;
	}
	uint32_t channel = first / per_channel, place = first - channel * per_channel;
	if (out.is_aligned && place + 8 <= per_channel) {
		struct tile_channel c = tile_channel_of(plan, image, &out, channel);
		uint32_t y = place / out.width, x = place - y * out.width;
		if (tile_is_run(image, &out, &c, x, y)) {
			tile_put_eight(plan, is_8bit, &c,
			               tile_codes8_at(plan, image, &c, tile_place(image, &out, &c, x, y)), to);
			return;
		}
	}
	for (unsigned i = 0; i < 8 && first + i < nvalues; i++) {
		tile_put_one(plan, image, &out, channel, place, to + i * plan->value_nbytes);
		if (++place == per_channel) {
			place = 0;
			channel++;
		}
	}
}
