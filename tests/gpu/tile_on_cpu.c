/* SPDX-License-Identifier: MIT */
#include "tile_on_cpu.h"

#include "gpu/tile_freqs_priv.h"
#include "tests/codec/guard.h"

#include <stdlib.h>

#define SHARED_NBYTES_MAX 166912u /* what an A100 gives a thread block; an H100 gives more */

/* Threads go in another order in each strip and tile, forwards and backwards: no result may depend on it. */
static uint32_t in_turn(uint32_t turn, uint32_t i)
{
	return (turn % 2 ? TILE_THREADS - 1 - i : i) * (2 * turn + 1) % TILE_THREADS;
}

/* One thread block of the kernel for `block` and `is_8bit`, which are constants where this is called. What no barrier keeps
 * apart goes in one order here, and in the other there. */
TILE_INLINE void run_strip(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                           unsigned is_8bit, bool is_fast, uint32_t strip, uint8_t *shared, uint8_t *out)
{
	if (!image->object) {
		for (uint32_t t = 0; t < TILE_THREADS; t++)
			tile_zero_pixels(plan, strip, t, out);
		return;
	}
	const bool is_by_warps = is_fast || block >= 16;
	const uint32_t step = is_by_warps ? TILE_LANES : 1;
	for (uint32_t t = 0; t < TILE_THREADS; t++)
		tile_begin(plan, image, block, is_8bit, is_fast, strip, in_turn(strip, t), shared);
	uint32_t first = tile_strip_of(shared)->first, last = tile_strip_of(shared)->last;
	for (uint32_t next = first; next <= last + 1; next++) {
		uint32_t turn = strip + next;
		for (unsigned i = 0; i < 2; i++) {
			bool is_fetch = (turn + i) % 2;
			for (uint32_t t = 0; is_fetch && next <= last && t < TILE_THREADS; t++)
				tile_fetch(plan, image, block, next, in_turn(turn, t), shared);
			for (uint32_t t = 0; !is_fetch && next > first && t < TILE_THREADS; t++)
				tile_pixels(plan, block, is_fast, next - 1, in_turn(turn, t), shared, out);
		}
		op_wait_copies();
		for (uint32_t t = 0; next <= last && t < TILE_THREADS; t += step) {
			uint32_t warp = in_turn(turn, t) / TILE_LANES * TILE_LANES;
			if (is_fast && block == 8)
				tile_fast(plan, image, next, warp, shared);
			else if (block == 1)
				tile_samples_of_codes(plan, image, is_8bit, next, in_turn(turn, t), shared);
			else if (TILE_BY_LINES(block))
				tile_columns(plan, image, block, is_8bit, next, in_turn(turn, t), shared);
			else
				tile_transform(plan, block, is_8bit, is_fast, next, warp, shared);
		}
		for (uint32_t t = 0; TILE_BY_LINES(block) && !is_fast && next <= last && t < TILE_THREADS; t++)
			tile_line_rows(plan, block, next, in_turn(turn + 1, t), shared);
	}
}

#define KERNEL(name, block, is_8bit, is_fast)                                                                          \
	static void name(const struct tile_plan *plan, const struct tile_image *image, uint32_t strip,                 \
	                 uint8_t *shared, uint8_t *out)                                                                \
	{                                                                                                              \
		run_strip(plan, image, block, is_8bit, is_fast, strip, shared, out);                                   \
	}
KERNEL(run_1_packed, 1, 0, false)
KERNEL(run_1_bytes, 1, 1, false)
KERNEL(run_2_packed, 2, 0, false)
KERNEL(run_2_bytes, 2, 1, false)
KERNEL(run_4_packed, 4, 0, false)
KERNEL(run_4_bytes, 4, 1, false)
KERNEL(run_8_packed, 8, 0, false)
KERNEL(run_8_bytes, 8, 1, false)
KERNEL(run_16_packed, 16, 0, false)
KERNEL(run_16_bytes, 16, 1, false)
KERNEL(run_32_packed, 32, 0, false)
KERNEL(run_32_bytes, 32, 1, false)
KERNEL(run_8_fast, 8, 1, true)
KERNEL(run_16_fast, 16, 1, true)
KERNEL(run_32_fast, 32, 1, true)

typedef void run_function(const struct tile_plan *, const struct tile_image *, uint32_t, uint8_t *, uint8_t *);

static run_function *kernel_of(const struct tile_plan *plan)
{
	static run_function *const kernels[6][2] = {
	        {run_1_packed, run_1_bytes}, {run_2_packed, run_2_bytes},   {run_4_packed, run_4_bytes},
	        {run_8_packed, run_8_bytes}, {run_16_packed, run_16_bytes}, {run_32_packed, run_32_bytes},
	};
	if (plan->is_fast)
		return plan->block == 8 ? run_8_fast : plan->block == 16 ? run_16_fast : run_32_fast;
	return kernels[__builtin_ctz(plan->block)][plan->bits == 8];
}

static void run_pixels(const struct tile_plan *plan, const struct tile_image *image, uint8_t *out)
{
	/* Behind the room, which is a multiple of 16, nobody may read. */
	struct guard guard = guard_new(plan->room.nbytes);
	uint8_t *shared = guard_tail(&guard, plan->room.nbytes);
	if (plan->room.nbytes > SHARED_NBYTES_MAX)
		abort();
	for (uint32_t strip = 0; strip < plan->tiles_across * plan->strips_down; strip++) {
		memset(shared, (int)(0xa5 + strip), plan->room.nbytes);
		kernel_of(plan)(plan, image, strip, shared, out);
	}
	guard_clear(&guard);
}

void tile_on_cpu(const struct tile_plan *plan, const struct tile_image *images, uint32_t nimages, uint8_t *out,
                 uint8_t *chroma)
{
	if (plan->values == IC_RGB) {
		for (uint32_t i = 0; i < nimages; i++)
			run_pixels(plan, &images[i], out + i * plan->out_stride);
		return;
	}
	uint32_t nvectors = nimages * plan->nvectors, each = TILE_FREQS_THREADS * TILE_EACH;
	for (uint32_t block = 0; block * each < nvectors; block++) {
		for (uint32_t t = 0; t < TILE_FREQS_THREADS; t++)
			tile_freqs_thread(plan, images, plan->bits == 8, nvectors, block,
			                  in_turn(block, t) % TILE_FREQS_THREADS, out, chroma);
	}
}

/* --- Images that are resized ---------------------------------------------------------------------------------------- */

static void run_means(const struct tile_plan *plan, const struct scale_chunk *chunk, const struct scale_image *image,
                      const uint8_t *pixels, const uint32_t *words, uint32_t tile, uint8_t *out)
{
	uint32_t band[SCALE_BAND * SCALE_COLUMNS];
	struct scale_state states[TILE_THREADS];
	if (!image->is_there) {
		for (uint32_t t = 0; t < TILE_THREADS; t++)
			scale_zero(plan, tile, scale_ntiles(plan), t, out);
		return;
	}
	for (uint32_t t = 0; t < TILE_THREADS; t++)
		states[t] = scale_begin(image, words, tile, scale_tiles_across(plan), t);
	for (uint32_t row = states[0].first; row < states[0].end; row += SCALE_BAND) {
		memset(band, 0xa5, sizeof band);
		for (uint32_t t = 0; t < TILE_THREADS; t++) {
			uint32_t thread = in_turn(tile, t);
			scale_across(chunk, image, pixels, words, &states[thread], row, thread, band);
		}
		for (uint32_t t = 0; t < TILE_THREADS; t++)
			scale_down(image, words, row, t, band, &states[t]);
	}
	for (uint32_t t = 0; t < TILE_THREADS; t++)
		scale_put(plan, image, &states[t], out);
}

void scale_pixels_on_cpu(const struct tile_plan *plan, const struct scale_chunk *chunk,
                         const struct scale_image *scales, uint8_t *scratch, uint8_t *out)
{
	uint32_t *words = (uint32_t *)(void *)(scratch + chunk->weights_at);
	for (uint32_t i = 0; i < chunk->n; i++) {
		for (uint32_t t = 0; t < 3 * TILE_THREADS; t++)
			scale_put_weights(&scales[i], in_turn(i, t % TILE_THREADS) + t / TILE_THREADS * TILE_THREADS,
			                  3 * TILE_THREADS, words);
	}
	for (uint32_t i = 0; i < chunk->n; i++) {
		for (uint32_t tile = 0; tile < scale_ntiles(plan); tile++)
			run_means(plan, chunk, &scales[i], scratch + i * chunk->image_nbytes, words, tile,
			          out + i * plan->out_stride);
	}
}

void scale_on_cpu(const struct tile_plan *plan, const struct tile_plan *source, const struct scale_chunk *chunk,
                  const struct tile_image *images, const struct scale_image *scales, uint8_t fill, uint8_t *out)
{
	size_t nbytes = ((size_t)chunk->nbytes + 15) / 16 * 16;
	struct guard guard = guard_new(nbytes);
	uint8_t *scratch = guard_tail(&guard, nbytes);
	memset(scratch, fill, nbytes);
	tile_on_cpu(source, images, chunk->n, scratch, NULL);
	scale_pixels_on_cpu(plan, chunk, scales, scratch, out);
	guard_clear(&guard);
}
