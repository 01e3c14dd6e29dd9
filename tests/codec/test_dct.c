/* SPDX-License-Identifier: MIT */
/* The transform, in each filling that this machine runs: against libjpeg's at B = 8, against real cosines everywhere, and
 * against the text of docs/format.md. */
#include "codec/dct_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_MAX 32

static const unsigned blocks[] = {1, 2, 4, 8, 16, 32};
static const int16_t *const matrices[] = {dct_matrix_1, dct_matrix_2,  dct_matrix_4,
                                          dct_matrix_8, dct_matrix_16, dct_matrix_32};

/* Loop tests run over all blocks of all fillings. */
static int count_loops(void)
{
	int nkernels = 0;

	while (dct_kernel_at((unsigned)nkernels))
		nkernels++;
	return nkernels * (int)COUNT(blocks);
}

static const struct dct_kernel *kernel_of(int loop)
{
	return dct_kernel_at((unsigned)loop / COUNT(blocks));
}

static size_t block_of(int loop)
{
	return (size_t)loop % COUNT(blocks);
}

/* Large blocks cost more, and have more to go wrong in one. */
static unsigned nrounds_of(unsigned block)
{
	return 100 + 40000 / (block * block);
}

/* A[x][u] of the orthonormal DCT-II. */
static double cosine(unsigned block, unsigned x, unsigned u)
{
	double scale = u ? sqrt(2.0 / block) : sqrt(1.0 / block);

	return scale * cos((2 * x + 1) * u * M_PI / (2.0 * block));
}

/* Coefficients of a photograph fall off quickly; these do, at a strength of 0..1. */
static void random_coefs(struct dice *dice, unsigned block, double strength, int16_t *coefs)
{
	coefs[0] = (int16_t)dice_between(dice, -100 * (int32_t)block, 100 * (int32_t)block);
	for (unsigned i = 1; i < block * block; i++) {
		int32_t most = (int32_t)(strength * 60 * block / (1 + i % block + i / block));

		coefs[i] = (int16_t)dice_between(dice, -most, most);
	}
}

static void random_samples(struct dice *dice, unsigned block, uint8_t *samples, size_t stride)
{
	int32_t mean = dice_between(dice, 0, 255), spread = dice_between(dice, 0, 255);

	for (unsigned y = 0; y < block; y++) {
		for (unsigned x = 0; x < block; x++) {
			int32_t value = mean + dice_between(dice, -spread, spread);

			samples[y * stride + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
		}
	}
}

/* --- The matrix ---------------------------------------------------------------------------------------------------- */

START_TEST(matrices_are_scaled_cosines)
{
	for (size_t b = 0; b < COUNT(blocks); b++) {
		unsigned block = blocks[b];
		/* At 8 it is libjpeg's, which rounds sums of constants instead of the constants. */
		double bound = block == 8 ? 1.5 : 0.5 + 1e-6;

		for (unsigned i = 0; i < block * block; i++) {
			double exact = 8192 * sqrt(block) * cosine(block, i / block, i % block);

			if (fabs(matrices[b][i] - exact) > bound)
				ck_abort_msg("b%u [%u][%u] is %d, not %f", block, i / block, i % block, matrices[b][i],
				             exact);
		}
	}
}
END_TEST

/* --- The text, word for word, in 64 bits ---------------------------------------------------------------------------- */

static int64_t clamp16(int64_t n)
{
	return n > INT16_MAX ? INT16_MAX : n < INT16_MIN ? INT16_MIN : n;
}

/* A sum that is kept modulo 2^32, and an arithmetic shift of it. */
static int64_t shift(int64_t sum, unsigned bits)
{
	return (int32_t)(uint32_t)sum >> bits;
}

static void inverse_by_text(size_t b, const int16_t *c, uint8_t *p)
{
	unsigned block = blocks[b], log2_block = (unsigned)b;
	const int16_t *m = matrices[b];
	int64_t a[SIDE_MAX][SIDE_MAX];

	for (unsigned y = 0; y < block; y++) {
		for (unsigned u = 0; u < block; u++) {
			int64_t sum = 1 << 10;

			for (unsigned v = 0; v < block; v++)
				sum += (int64_t)m[y * block + v] * c[v * block + u];
			a[y][u] = clamp16(shift(sum, 11));
		}
	}
	for (unsigned y = 0; y < block; y++) {
		for (unsigned x = 0; x < block; x++) {
			int64_t sum = 1ll << (14 + log2_block);

			for (unsigned u = 0; u < block; u++)
				sum += m[x * block + u] * a[y][u];
			sum = shift(sum, 15 + log2_block) + 128;
			p[y * block + x] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
		}
	}
}

static void forward_by_text(size_t b, const uint8_t *p, size_t stride, int16_t *f)
{
	unsigned block = blocks[b], log2_block = (unsigned)b;
	unsigned less = block == 32 ? 1 : 0; /* E */
	const int16_t *m = matrices[b];
	int64_t a[SIDE_MAX][SIDE_MAX];

	for (unsigned v = 0; v < block; v++) {
		for (unsigned x = 0; x < block; x++) {
			int64_t sum = 1 << (10 + less);

			for (unsigned y = 0; y < block; y++)
				sum += (int64_t)m[y * block + v] * (p[y * stride + x] - 128);
			a[v][x] = clamp16(shift(sum, 11 + less));
		}
	}
	for (unsigned v = 0; v < block; v++) {
		for (unsigned u = 0; u < block; u++) {
			int64_t sum = 1ll << (11 + log2_block - less);

			for (unsigned x = 0; x < block; x++)
				sum += m[x * block + u] * a[v][x];
			f[v * block + u] = (int16_t)clamp16(shift(sum, 12 + log2_block - less));
		}
	}
}

/* Hostile coefficients too: of all 16 bits, at their ends, and in between. */
static void any_coefs(struct dice *dice, unsigned round, unsigned block, int16_t *coefs)
{
	random_coefs(dice, block, 1, coefs);
	for (unsigned i = 0; i < block * block && round % 4; i++) {
		if (round % 4 == 1)
			coefs[i] = (int16_t)dice_between(dice, -32768, 32767);
		else if (round % 4 == 2)
			coefs[i] = dice_roll(dice, 2) ? 32767 : -32768;
		else if (dice_roll(dice, block))
			coefs[i] = 0;
	}
}

START_TEST(the_inverse_is_the_text)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)];
	size_t ncoefs_bytes = block * block * sizeof(int16_t);
	struct dice dice = dice_new((uint64_t)_i);
	struct guard out = guard_new((SIDE_MAX + 3) * SIDE_MAX), in = guard_new(ncoefs_bytes);
	int16_t *coefs = guard_tail(&in, ncoefs_bytes);

	for (unsigned round = 0; round < nrounds_of(block); round++) {
		uint8_t expected[SIDE_MAX * SIDE_MAX];
		size_t stride = block + round % 4;
		uint8_t *found = guard_tail(&out, stride * (block - 1) + block);

		any_coefs(&dice, round, block, coefs);
		inverse_by_text(block_of(_i), coefs, expected);
		memset(found, 0xa5, stride * (block - 1) + block);
		kernel->inverse(block, block, block, coefs, found, stride);
		for (unsigned y = 0; y < block; y++) {
			if (memcmp(found + y * stride, expected + y * block, block) != 0)
				ck_abort_msg("%s, b%u, round %u, row %u", kernel->name, block, round, y);
			for (size_t x = block; x < stride && y + 1 < block; x++) {
				if (found[y * stride + x] != 0xa5)
					ck_abort_msg("%s, b%u, wrote between rows", kernel->name, block);
			}
		}
	}
	guard_clear(&out);
	guard_clear(&in);
}
END_TEST

/* Memory ends with the last sample of the row, and with the last coefficient. */
START_TEST(the_forward_is_the_text)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)];
	size_t ncoefs = block * block, row_nbytes = DCT_NBLOCKS * block;
	struct dice dice = dice_new((uint64_t)_i);
	struct guard in = guard_new((DCT_NBLOCKS * SIDE_MAX + 3) * SIDE_MAX);
	struct guard out = guard_new(ncoefs * DCT_NBLOCKS * sizeof(int16_t));
	int16_t *found = guard_tail(&out, ncoefs * DCT_NBLOCKS * sizeof(int16_t));

	for (unsigned round = 0; round < 1 + nrounds_of(block) / DCT_NBLOCKS; round++) {
		size_t stride = row_nbytes + round % 4;
		uint8_t *samples = guard_tail(&in, stride * (block - 1) + row_nbytes);

		for (unsigned i = 0; i < DCT_NBLOCKS; i++)
			random_samples(&dice, block, samples + i * block, stride);
		for (unsigned i = 0; i < block * row_nbytes && round % 5 == 0; i++)
			samples[i / row_nbytes * stride + i % row_nbytes] = dice_roll(&dice, 2) ? 255 : 0;
		kernel->forward(block, block, block, samples, stride, found);
		for (unsigned i = 0; i < DCT_NBLOCKS; i++) {
			int16_t expected[SIDE_MAX * SIDE_MAX];

			forward_by_text(block_of(_i), samples + i * block, stride, expected);
			for (unsigned at = 0; at < ncoefs; at++)
				ck_assert_msg(found[at * DCT_NBLOCKS + i] == expected[at],
				              "%s, b%u, round %u, [%u] of %u", kernel->name, block, round, at, i);
		}
	}
	guard_clear(&in);
	guard_clear(&out);
}
END_TEST

/* --- A part of the frequencies --------------------------------------------------------------------------------------- */

START_TEST(a_limited_inverse_is_the_whole_one_of_zeros)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)];
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned nu = 1; nu <= block; nu++) {
		for (unsigned nv = 1; nv <= block; nv++) {
			int16_t coefs[SIDE_MAX * SIDE_MAX], kept[SIDE_MAX * SIDE_MAX] = {0};
			uint8_t found[SIDE_MAX * SIDE_MAX], expected[SIDE_MAX * SIDE_MAX];

			any_coefs(&dice, nu + nv, block, coefs);
			for (unsigned v = 0; v < nv; v++)
				memcpy(kept + v * block, coefs + v * block, nu * sizeof(*coefs));
			inverse_by_text(block_of(_i), kept, expected);
			kernel->inverse(block, nu, nv, kept, found, block);
			ck_assert_msg(memcmp(found, expected, block * block) == 0, "%s, b%u, %u x %u", kernel->name,
			              block, nu, nv);
		}
	}
}
END_TEST

START_TEST(a_limited_forward_is_a_part_of_the_whole)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)];
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned nu = 1; nu <= block; nu++) {
		for (unsigned nv = 1; nv <= block; nv++) {
			int16_t found[SIDE_MAX * SIDE_MAX], whole[SIDE_MAX * SIDE_MAX];
			uint8_t samples[SIDE_MAX * SIDE_MAX];

			random_samples(&dice, block, samples, block);
			forward_by_text(block_of(_i), samples, block, whole);
			forward_alone(kernel, block, nu, nv, (nu + nv) % DCT_NBLOCKS, samples, block, found);
			for (unsigned i = 0; i < nu * nv; i++) {
				unsigned at = i / nu * block + i % nu;

				if (found[at] != whole[at])
					ck_abort_msg("%s, b%u, %u x %u: [%u]", kernel->name, block, nu, nv, at);
			}
		}
	}
}
END_TEST

/* --- Real numbers ------------------------------------------------------------------------------------------------------ */

/* Both directions are within this of the exact transform, for samples and coefficients of an image. */
#define FORWARD_BOUND (2.5 / DCT_FORWARD_UNIT) /* in units of a coefficient */
#define INVERSE_BOUND 0.75                     /* in samples */

static double exact_forward(unsigned block, unsigned u, unsigned v, const uint8_t *samples)
{
	double sum = 0;

	for (unsigned i = 0; i < block * block; i++)
		sum += (samples[i] - 128.0) * cosine(block, i % block, u) * cosine(block, i / block, v);
	return sum;
}

static double exact_inverse(unsigned block, unsigned x, unsigned y, const int16_t *coefs)
{
	double sum = 128;

	for (unsigned i = 0; i < block * block; i++)
		sum += coefs[i] * cosine(block, x, i % block) * cosine(block, y, i / block);
	return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

/* Black and white as one basis function has its signs: no samples have a larger coefficient. */
static void basis_samples(struct dice *dice, unsigned block, uint8_t *samples)
{
	unsigned u = dice_roll(dice, block), v = dice_roll(dice, block);

	for (unsigned i = 0; i < block * block; i++)
		samples[i] = cosine(block, i % block, u) * cosine(block, i / block, v) < 0 ? 255 : 0;
}

START_TEST(both_directions_are_near_the_real_transform)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)], nrounds = block == 32 ? 2 : 12;
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned round = 0; round < nrounds; round++) {
		uint8_t samples[SIDE_MAX * SIDE_MAX];
		int16_t coefs[SIDE_MAX * SIDE_MAX];

		if (round % 2)
			basis_samples(&dice, block, samples);
		else
			random_samples(&dice, block, samples, block);
		forward_alone(kernel, block, block, block, round % DCT_NBLOCKS, samples, block, coefs);
		for (unsigned i = 0; i < block * block; i++) {
			double exact = exact_forward(block, i % block, i / block, samples);

			if (fabs(coefs[i] / (double)DCT_FORWARD_UNIT - exact) > FORWARD_BOUND)
				ck_abort_msg("b%u forward %u: %d/8, not %f", block, i, coefs[i], exact);
		}
		random_coefs(&dice, block, 0.5, coefs);
		kernel->inverse(block, block, block, coefs, samples, block);
		for (unsigned i = 0; i < block * block; i++) {
			double exact = exact_inverse(block, i % block, i / block, coefs);

			if (fabs(samples[i] - exact) > INVERSE_BOUND)
				ck_abort_msg("b%u inverse %u: %u, not %f", block, i, samples[i], exact);
		}
	}
}
END_TEST

START_TEST(flat_blocks_come_back)
{
	const struct dct_kernel *kernel = kernel_of(_i);
	unsigned block = blocks[block_of(_i)];

	for (unsigned value = 0; value < 256; value++) {
		uint8_t samples[SIDE_MAX * SIDE_MAX];
		int16_t coefs[SIDE_MAX * SIDE_MAX], mean[SIDE_MAX * SIDE_MAX] = {0};

		mean[0] = (int16_t)(((int)value - 128) * (int)block);
		memset(samples, (int)value, block * block);
		forward_alone(kernel, block, block, block, value % DCT_NBLOCKS, samples, block, coefs);
		for (unsigned i = 0; i < block * block; i++) {
			if (coefs[i] != mean[i] * DCT_FORWARD_UNIT)
				ck_abort_msg("%s, b%u of %u: coefficient %u is %d", kernel->name, block, value, i,
				             coefs[i]);
		}
		memset(samples, (int)~value, block * block);
		kernel->inverse(block, 1, 1, mean, samples, block);
		for (unsigned i = 0; i < block * block; i++) {
			if (samples[i] != value)
				ck_abort_msg("%s, b%u of %u: sample %u is %u", kernel->name, block, value, i,
				             samples[i]);
		}
	}
}
END_TEST

/* --- libjpeg -------------------------------------------------------------------------------------------------------------- */

#define LIBJPEG_SIDE 64 /* blocks across and down */

/* A grayscale JPEG of these quantized coefficients and steps. */
static struct bytes jpeg_of_coefs(int16_t (*coefs)[64], const uint16_t steps[64])
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *data = NULL;
	unsigned long nbytes = 0;
	jvirt_barray_ptr arrays[1];
	unsigned table[64];

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &data, &nbytes);
	jpeg.image_width = jpeg.image_height = 8 * LIBJPEG_SIDE;
	jpeg.input_components = 1;
	jpeg.in_color_space = JCS_GRAYSCALE;
	jpeg_set_defaults(&jpeg);
	for (unsigned i = 0; i < 64; i++)
		table[i] = steps[i];
	jpeg_add_quant_table(&jpeg, 0, table, 100, FALSE);
	arrays[0] =
	        jpeg.mem->request_virt_barray((j_common_ptr)&jpeg, JPOOL_IMAGE, TRUE, LIBJPEG_SIDE, LIBJPEG_SIDE, 1);
	jpeg_write_coefficients(&jpeg, arrays);
	for (unsigned row = 0; row < LIBJPEG_SIDE; row++) {
		JBLOCKARRAY blocks_of_row = jpeg.mem->access_virt_barray((j_common_ptr)&jpeg, arrays[0], row, 1, TRUE);

		memcpy(blocks_of_row[0], coefs + row * LIBJPEG_SIDE, LIBJPEG_SIDE * sizeof(*coefs));
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	return (struct bytes){data, nbytes};
}

static void decode_by_libjpeg(struct bytes bytes, uint8_t *samples)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, bytes.data, bytes.nbytes);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&jpeg);
	while (jpeg.output_scanline < jpeg.output_height) {
		JSAMPROW row = samples + (size_t)8 * LIBJPEG_SIDE * jpeg.output_scanline;

		jpeg_read_scanlines(&jpeg, &row, 1);
	}
	jpeg_destroy_decompress(&jpeg);
}

START_TEST(at_8_the_inverse_is_that_of_libjpeg)
{
	static int16_t quantized[LIBJPEG_SIDE * LIBJPEG_SIDE][64];
	static uint8_t theirs[64 * LIBJPEG_SIDE * LIBJPEG_SIDE];
	struct dice dice = dice_new((uint64_t)_i);
	uint16_t steps[64];

	for (unsigned i = 0; i < 64; i++)
		steps[i] = (uint16_t)dice_between(&dice, 1, 8 * (_i % 6) + 1);
	for (unsigned b = 0; b < COUNT(quantized); b++) {
		int16_t coefs[64];

		random_coefs(&dice, 8, 0.1 * (double)dice_roll(&dice, 11), coefs);
		for (unsigned i = 0; i < 64; i++)
			quantized[b][i] = (int16_t)(coefs[i] / steps[i]);
	}
	struct bytes jpeg = jpeg_of_coefs(quantized, steps);
	decode_by_libjpeg(jpeg, theirs);
	for (unsigned b = 0; b < COUNT(quantized); b++) {
		const uint8_t *at = theirs + b / LIBJPEG_SIDE * 64 * LIBJPEG_SIDE + b % LIBJPEG_SIDE * 8;
		int16_t coefs[64];
		uint8_t ours[64];

		for (unsigned i = 0; i < 64; i++)
			coefs[i] = (int16_t)(quantized[b][i] * steps[i]);
		kernel_of(_i)->inverse(8, 8, 8, coefs, ours, 8);
		for (unsigned y = 0; y < 8; y++)
			if (memcmp(ours + 8 * y, at + y * 8 * LIBJPEG_SIDE, 8) != 0)
				ck_abort_msg("block %u, row %u", b, y);
	}
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, matrices_are_scaled_cosines);
	tcase_add_loop_test(cases, the_inverse_is_the_text, 0, count_loops());
	tcase_add_loop_test(cases, the_forward_is_the_text, 0, count_loops());
	tcase_add_loop_test(cases, a_limited_inverse_is_the_whole_one_of_zeros, 0, count_loops());
	tcase_add_loop_test(cases, a_limited_forward_is_a_part_of_the_whole, 0, count_loops());
	tcase_add_loop_test(cases, both_directions_are_near_the_real_transform, 0, count_loops());
	tcase_add_loop_test(cases, flat_blocks_come_back, 0, count_loops());
	tcase_add_loop_test(cases, at_8_the_inverse_is_that_of_libjpeg, 0, count_loops());
}

int main(void)
{
	return suite_run("dct", add_tests);
}
