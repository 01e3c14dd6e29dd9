/* SPDX-License-Identifier: MIT */
#include "codec/similarity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

double ic_psnr(const uint8_t *a, const uint8_t *b, size_t nsamples)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nsamples; i++)
		sum += (uint64_t)((a[i] - b[i]) * (a[i] - b[i]));
	return sum ? 10 * log10(255.0 * 255.0 * (double)nsamples / (double)sum) : (double)INFINITY;
}

/* --- SSIM --------------------------------------------------------------------------------------------------------- */

#define SIGMA 1.5
#define C1 (0.01 * 255 * 0.01 * 255)
#define C2 (0.03 * 255 * 0.03 * 255)

/* What is averaged under the window, of two samples x and y. */
enum moment { X, Y, XX, YY, XY, NMOMENTS };

struct ssim {
	uint32_t width, nplaces; /* pixels of a row, and places of the window in it */
	double weights[IC_SSIM_WINDOW];
	double *samples; /* a row of each picture, one behind the other */
	double *rows;    /* of the last IC_SSIM_WINDOW rows: each moment, averaged across, at each place */
};

static void set_weights(double weights[IC_SSIM_WINDOW])
{
	double sum = 0;

	for (int i = 0; i < IC_SSIM_WINDOW; i++) {
		int distance = i - IC_SSIM_WINDOW / 2;
		weights[i] = exp(-distance * distance / (2 * SIGMA * SIGMA));
		sum += weights[i];
	}
	for (int i = 0; i < IC_SSIM_WINDOW; i++)
		weights[i] /= sum;
}

static void to_luma(const uint8_t *rgb, uint32_t width, double *out)
{
	for (uint32_t x = 0; x < width; x++)
		out[x] = 0.299 * rgb[3 * x] + 0.587 * rgb[3 * x + 1] + 0.114 * rgb[3 * x + 2];
}

/* Each moment at one place of a row. */
static void average_across(const struct ssim *ssim, uint32_t place, double sums[NMOMENTS])
{
	for (int i = 0; i < IC_SSIM_WINDOW; i++) {
		double x = ssim->samples[place + (uint32_t)i], y = ssim->samples[ssim->width + place + (uint32_t)i];
		double weight = ssim->weights[i];
		sums[X] += weight * x;
		sums[Y] += weight * y;
		sums[XX] += weight * x * x;
		sums[YY] += weight * y * y;
		sums[XY] += weight * x * y;
	}
}

static double *row_of(const struct ssim *ssim, uint32_t row)
{
	return ssim->rows + (size_t)(row % IC_SSIM_WINDOW) * NMOMENTS * ssim->nplaces;
}

static void take_row(struct ssim *ssim, const uint8_t *a, const uint8_t *b, uint32_t row)
{
	double *out = row_of(ssim, row);

	to_luma(a, ssim->width, ssim->samples);
	to_luma(b, ssim->width, ssim->samples + ssim->width);
	for (uint32_t place = 0; place < ssim->nplaces; place++) {
		double sums[NMOMENTS] = {0};
		average_across(ssim, place, sums);
		for (int moment = 0; moment < NMOMENTS; moment++)
			out[(size_t)moment * ssim->nplaces + place] = sums[moment];
	}
}

/* The index of the window that begins at (place, row). */
static double index_at(const struct ssim *ssim, uint32_t row, uint32_t place)
{
	double m[NMOMENTS] = {0};

	for (uint32_t i = 0; i < IC_SSIM_WINDOW; i++) {
		const double *from = row_of(ssim, row + i) + place;
		for (int moment = 0; moment < NMOMENTS; moment++)
			m[moment] += ssim->weights[i] * from[(size_t)moment * ssim->nplaces];
	}
	double squares = m[X] * m[X] + m[Y] * m[Y], product = m[X] * m[Y];
	double variances = m[XX] + m[YY] - squares, covariance = m[XY] - product;
	return (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2));
}

errint_t ic_ssim_rgb(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height, double *ret_ssim)
{
	struct ssim ssim = {.width = width, .nplaces = width - IC_SSIM_WINDOW + 1};
	size_t stride = (size_t)3 * width;
	double sum = 0;

	if (width < IC_SSIM_WINDOW || height < IC_SSIM_WINDOW)
		return -ERANGE;
	set_weights(ssim.weights);
	ssim.samples = calloc((size_t)2 * width, sizeof(*ssim.samples));
	ssim.rows = calloc((size_t)IC_SSIM_WINDOW * NMOMENTS * ssim.nplaces, sizeof(*ssim.rows));
	for (uint32_t row = 0; ssim.samples && ssim.rows && row < height; row++) {
		take_row(&ssim, a + row * stride, b + row * stride, row);
		for (uint32_t place = 0; row + 1 >= IC_SSIM_WINDOW && place < ssim.nplaces; place++)
			sum += index_at(&ssim, row + 1 - IC_SSIM_WINDOW, place);
	}
	errint_t err = ssim.samples && ssim.rows ? 0 : -ENOMEM;
	free(ssim.samples);
	free(ssim.rows);
	if (!err)
		*ret_ssim = sum / ((double)ssim.nplaces * (height - IC_SSIM_WINDOW + 1));
	return err;
}
