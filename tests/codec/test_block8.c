/* SPDX-License-Identifier: MIT */
/* Every filling of the blocks' way to samples and back, on hostile data, against dequantizing and the transform proper. */
#include "codec/block8_priv.h"

#include "codec/dct_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <stdlib.h>
#include <string.h>

#define NBLOCKS_MAX 19
#define NROUNDS 4000

static int count_kernels(void)
{
	int n = 0;

	while (block8_kernel_at((unsigned)n))
		n++;
	return n;
}

/* Of all 16 bits, at their ends, of a photograph's size, mostly 0, or 0 but in one place of the block. */
static int16_t any_coef(struct dice *dice, unsigned round, unsigned place)
{
	switch (round % 5) {
	case 0:
		return (int16_t)dice_between(dice, -300, 300);
	case 1:
		return (int16_t)dice_between(dice, INT16_MIN, INT16_MAX);
	case 2:
		return dice_roll(dice, 2) ? INT16_MAX : INT16_MIN;
	case 3:
		return (int16_t)(place == round / 25 % 64 ? dice_between(dice, 1, 99) : 0);
	default:
		return (int16_t)(dice_roll(dice, 9) ? 0 : dice_between(dice, -9, 9));
	}
}

static uint16_t any_step(struct dice *dice, unsigned round)
{
	static const uint32_t most[] = {1, 16, 255, 32767, 65535};

	return (uint16_t)dice_between(dice, 1, (int32_t)most[round / 5 % COUNT(most)]);
}

static void expected_of(const int16_t quantized[64], const uint16_t steps[64], uint8_t out[64])
{
	int16_t coefs[64];

	for (unsigned i = 0; i < 64; i++) {
		int64_t value = (int64_t)quantized[i] * steps[i];

		coefs[i] = (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
	}
	dct_kernel_best()->inverse(8, 8, 8, coefs, out, 8);
}

/* Memory ends where the last block does. */
static void check_row(const struct block8_kernel *kernel, const int16_t (*blocks)[64], const uint16_t steps[64],
                      size_t n, unsigned round, struct guard *guard)
{
	size_t stride = n * 8 + round % 3, nbytes = stride * 7 + n * 8;
	uint8_t *out = guard_tail(guard, nbytes);

	memset(out, 0xa5, nbytes);
	kernel->inverse(blocks, steps, n, out, stride);
	for (size_t block = 0; block < n; block++) {
		uint8_t expected[64];

		expected_of(blocks[block], steps, expected);
		for (unsigned y = 0; y < 8; y++) {
			if (memcmp(out + y * stride + block * 8, expected + y * 8, 8) != 0)
				ck_abort_msg("%s, round %u, block %zu of %zu, row %u", kernel->name, round, block, n,
				             y);
		}
	}
	for (unsigned y = 0; y < 7; y++) {
		for (size_t x = n * 8; x < stride; x++)
			ck_assert_uint_eq(out[y * stride + x], 0xa5);
	}
}

START_TEST(rows_of_blocks_are_the_transform)
{
	const struct block8_kernel *kernel = block8_kernel_at((unsigned)_i);
	struct guard guard = guard_new((NBLOCKS_MAX * 8 + 2) * 8);
	struct dice dice = dice_new(8);

	for (unsigned round = 0; round < NROUNDS; round++) {
		static int16_t blocks[NBLOCKS_MAX][64];
		uint16_t steps[64];
		size_t n = 1 + dice_roll(&dice, NBLOCKS_MAX);

		for (unsigned i = 0; i < 64; i++)
			steps[i] = any_step(&dice, round);
		for (size_t i = 0; i < n * 64; i++)
			blocks[i / 64][i % 64] = any_coef(&dice, round, i % 64);
		check_row(kernel, (const int16_t(*)[64])blocks, steps, n, round, &guard);
	}
	guard_clear(&guard);
}
END_TEST

/* --- Back ----------------------------------------------------------------------------------------------------------- */

/* Of all values, at their ends, almost even, or one row or column at one end and the others at the other. */
static uint8_t any_sample(struct dice *dice, unsigned round, unsigned x, unsigned y)
{
	switch (round % 4) {
	case 0:
		return (uint8_t)dice_roll(dice, 256);
	case 1:
		return dice_roll(dice, 2) ? 255 : 0;
	case 2:
		return (uint8_t)(100 + dice_roll(dice, 3));
	default:
		return (round / 4 % 8 == y % 8) != (round / 32 % 8 == x % 8) ? 255 : 0;
	}
}

/* Memory ends where the last sample does, and where the last coefficient does. */
static void check_coefs(const struct block8_kernel *kernel, size_t n, unsigned round, struct dice *dice,
                        struct guard *guards)
{
	const struct dct_kernel *plain = dct_kernel_at(0);
	size_t stride = n * 8 + round % 3, nbytes = stride * 7 + n * 8;
	uint8_t *samples = guard_tail(&guards[0], nbytes);
	int16_t(*coefs)[64] = (int16_t(*)[64])guard_tail(&guards[1], n * sizeof *coefs);

	for (unsigned i = 1; dct_kernel_at(i); i++)
		plain = dct_kernel_at(i);
	for (size_t i = 0; i < nbytes; i++)
		samples[i] = any_sample(dice, round, (unsigned)(i % stride), (unsigned)(i / stride));
	kernel->forward(samples, stride, n, coefs);
	for (size_t block = 0; block < n; block++) {
		int16_t expected[64];

		forward_alone(plain, 8, 8, 8, block % DCT_NBLOCKS, samples + block * 8, stride, expected);
		for (unsigned i = 0; i < 64; i++) {
			if (coefs[block][i] != expected[i])
				ck_abort_msg("%s, round %u, block %zu of %zu, coefficient %u: %d, not %d", kernel->name,
				             round, block, n, i, coefs[block][i], expected[i]);
		}
	}
}

START_TEST(rows_of_samples_are_the_transform)
{
	const struct block8_kernel *kernel = block8_kernel_at((unsigned)_i);
	struct guard guards[] = {guard_new((NBLOCKS_MAX * 8 + 2) * 8), guard_new(NBLOCKS_MAX * 64 * sizeof(int16_t))};
	struct dice dice = dice_new(64);

	for (unsigned round = 0; round < NROUNDS; round++)
		check_coefs(kernel, 1 + dice_roll(&dice, NBLOCKS_MAX), round, &dice, guards);
	guard_clear(&guards[0]);
	guard_clear(&guards[1]);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, rows_of_blocks_are_the_transform, 0, count_kernels());
	tcase_add_loop_test(tests, rows_of_samples_are_the_transform, 0, count_kernels());
}

int main(void)
{
	return suite_run("block8", add_tests);
}
