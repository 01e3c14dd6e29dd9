/* SPDX-License-Identifier: MIT */
#include "search/cost.h"

#include "codec/format.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of all sources under a sampling and block size, whatever is kept. */
struct totals {
	double count, blocks, samples, pixels;
};

static errint_t add_up(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                       struct totals *ret_totals)
{
	struct totals totals = {0};

	for (size_t i = 0; i < nshapes; i++) {
		double count = (double)shapes[i].count;
		struct ic_layout layout;
		errint_t err =
		        ic_layout_init(&layout, design, shapes[i].width, shapes[i].height, shapes[i].ncomponents);
		if (err)
			return err;
		for (unsigned c = 0; c < layout.ncomponents; c++) {
			double blocks = (double)layout.component[c].nblocks;
			totals.blocks += count * blocks;
			totals.samples += count * blocks * design->block * design->block;
		}
		totals.pixels += count * layout.width * layout.height;
		totals.count += count;
	}
	*ret_totals = totals;
	return totals.count > 0 ? 0 : -EINVAL;
}

/* Of frequencies; 0 where only the mean is kept. */
static unsigned columns_of(const struct ic_design *design)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	unsigned n = ic_design_nfreqs(design), last = 0;

	ic_design_freqs(design, freqs);
	for (unsigned i = 0; i < n; i++)
		last = freqs[i].u > last ? freqs[i].u : last;
	return n > 1 ? last + 1 : 0;
}

static struct cost_features features_of(const struct totals *totals, const struct ic_design *design, uint64_t nbytes)
{
	static const int samples[] = {
	        [2] = COST_SAMPLES_2, [4] = COST_SAMPLES_4, [8] = COST_SAMPLES_8, [16] = COST_SAMPLES_16};
	static const int columns[] = {
	        [2] = COST_COLUMNS_2, [4] = COST_COLUMNS_4, [8] = COST_COLUMNS_8, [16] = COST_COLUMNS_16};
	struct cost_features features = {.at = {[COST_FILE] = 1}};
	unsigned block = design->block > 16 ? 16 : design->block;

	features.at[COST_BYTES] = (double)nbytes / totals->count;
	features.at[COST_COEFFICIENTS] = totals->blocks * ic_design_nfreqs(design) / totals->count;
	if (block > 1) {
		features.at[samples[block]] = totals->samples / totals->count;
		features.at[columns[block]] = totals->blocks * design->block * columns_of(design) / totals->count;
	}
	features.at[COST_PIXELS] = totals->pixels / totals->count;
	return features;
}

errint_t cost_features_of(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                          struct cost_features *ret_features)
{
	struct totals totals;
	uint64_t nbytes;
	errint_t err = space_of_design(shapes, nshapes, design, &nbytes);

	if (!err)
		err = add_up(shapes, nshapes, design, &totals);
	if (!err)
		*ret_features = features_of(&totals, design, nbytes);
	return err;
}

errint_t cost_features_of_base(const struct space_shape *shapes, size_t nshapes,
                               struct cost_features out[IC_DESIGN_COUNT])
{
	static const struct totals none;
	uint64_t nbytes[IC_DESIGN_COUNT];
	struct totals totals = none;
	struct ic_design last = {.block = 0};
	errint_t err = nshapes ? space_of_base(shapes, nshapes, nbytes) : -EINVAL;

	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++) {
		struct ic_design design;
		err = ic_design_at(i, &design);
		if (!err && (design.block != last.block || design.sx != last.sx || design.sy != last.sy))
			err = add_up(shapes, nshapes, &design, &totals);
		last = design;
		if (!err)
			out[i] = features_of(&totals, &design, nbytes[i]);
	}
	return err;
}

double cost_seconds(const struct cost_line *line, const struct cost_features *features)
{
	double sum = 0;

	for (unsigned i = 0; i < COST_NFEATURES; i++)
		sum += line->at[i] * features->at[i];
	return sum;
}

/* --- Fitting ------------------------------------------------------------------------------------------------------ */

struct normal {
	double a[COST_NFEATURES][COST_NFEATURES], b[COST_NFEATURES];
};

/* Minimize x'ax/2 - b'x over x >= 0, one coordinate after the other: convex, so it ends at the least. */
static void descend(const struct normal *normal, double x[COST_NFEATURES])
{
	for (unsigned sweep = 0; sweep < 20000; sweep++) {
		double moved = 0;
		for (unsigned i = 0; i < COST_NFEATURES; i++) {
			double slope = normal->b[i], was = x[i];
			if (!(normal->a[i][i] > 0))
				continue;
			for (unsigned j = 0; j < COST_NFEATURES; j++)
				slope -= normal->a[i][j] * x[j];
			x[i] = fmax(0, x[i] + slope / normal->a[i][i]);
			moved = fmax(moved, fabs(x[i] - was));
		}
		if (moved < 1e-12)
			return;
	}
}

struct cost_line cost_fit(const struct cost_features *features, const double *seconds, size_t n, unsigned uses)
{
	double scale[COST_NFEATURES] = {0}, x[COST_NFEATURES] = {0};
	struct cost_line line = {{0}};
	struct normal normal = {.b = {0}};

	/* Each feature in units of its largest share, so that steps of all are alike. */
	for (size_t i = 0; i < n; i++)
		for (unsigned f = 0; f < COST_NFEATURES; f++)
			if (seconds[i] > 0 && isfinite(seconds[i]) && uses >> f & 1)
				scale[f] = fmax(scale[f], features[i].at[f] / seconds[i]);
	for (size_t i = 0; i < n; i++) {
		double row[COST_NFEATURES];
		if (!(seconds[i] > 0) || !isfinite(seconds[i]))
			continue;
		for (unsigned f = 0; f < COST_NFEATURES; f++)
			row[f] = scale[f] > 0 ? features[i].at[f] / seconds[i] / scale[f] : 0;
		for (unsigned f = 0; f < COST_NFEATURES; f++) {
			normal.b[f] += row[f];
			for (unsigned g = 0; g < COST_NFEATURES; g++)
				normal.a[f][g] += row[f] * row[g];
		}
	}
	descend(&normal, x);
	for (unsigned f = 0; f < COST_NFEATURES; f++)
		line.at[f] = scale[f] > 0 ? x[f] / scale[f] : 0;
	return line;
}

double cost_error(const struct cost_line *line, const struct cost_features *features, const double *seconds, size_t n)
{
	size_t ntold = 0;
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		if (!(seconds[i] > 0) || !isfinite(seconds[i]))
			continue;
		sum += fabs(cost_seconds(line, &features[i]) / seconds[i] - 1);
		ntold++;
	}
	return ntold ? sum / (double)ntold : (double)NAN;
}

struct design_cost cost_of(const struct cost_model *model, const struct cost_features *features)
{
	double make_s = cost_seconds(&model->read, features) + cost_seconds(&model->decode, features);

	return (struct design_cost){
	        .nbytes = features->at[COST_BYTES],
	        .infer_s = make_s + cost_seconds(&model->infer, features),
	        .train_s = make_s + cost_seconds(&model->train, features),
	};
}
