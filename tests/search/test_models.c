/* SPDX-License-Identifier: MIT */
/* The models that a search rests on: of accuracy, of cost, and of what is asked for. */
#include "search/aim.h"
#include "search/estimate.h"
#include "search/gaussian.h"
#include "search/monotone.h"

#include "synthetic.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct ic_design design_of(const char *text)
{
	struct ic_design design;

	ck_assert_int_eq(ic_design_parse(text, &design, NULL), 0);
	return design;
}

/* 0..1, the same for the same n. */
static double dice(unsigned n)
{
	uint32_t x = n * 2654435761u + 12345;

	x = (x ^ (x >> 16)) * 0x85ebca6bu;
	x = (x ^ (x >> 13)) * 0xc2b2ae35u;
	return (double)(x ^ (x >> 16)) / 4294967296.0;
}

/* --- Coordinates -------------------------------------------------------------------------------------------------- */

START_TEST(what_keeps_the_same_band_lies_near)
{
	struct ic_design designs[] = {design_of("s1x1-b8-k8-q8"), design_of("s1x1-b8-k7-q8"),
	                              design_of("s4x4-b8-k8-q8"), design_of("s1x1-b8-k8-q1"),
	                              design_of("s1x1-b16-k16-q8")};
	struct coordinates x[5];

	for (unsigned i = 0; i < 5; i++)
		x[i] = coordinates_of(&designs[i]);
	ck_assert(coordinates_distance(&x[0], &x[0]) == 0);
	ck_assert(coordinates_distance(&x[0], &x[1]) == coordinates_distance(&x[1], &x[0]));
	ck_assert(coordinates_distance(&x[0], &x[1]) < 0.5 && coordinates_distance(&x[0], &x[4]) < 0.6);
	ck_assert(coordinates_distance(&x[0], &x[2]) > 2 && coordinates_distance(&x[0], &x[3]) > 2);
}
END_TEST

/* --- The Gaussian process ----------------------------------------------------------------------------------------- */

#define NSEEN 60

static struct gaussian *fit(unsigned first, unsigned n, double noise, struct coordinates *x, double *y)
{
	struct gaussian *gaussian;

	for (unsigned i = 0; i < n; i++) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at((first + i * 67) % IC_DESIGN_COUNT, &design), 0);
		x[i] = coordinates_of(&design);
		y[i] = synthetic_truth(&design) + noise * (dice(i) - 0.5) * sqrt(12);
	}
	ck_assert_int_eq(gaussian_fit(x, y, n, 0.1, &gaussian), 0);
	return gaussian;
}

START_TEST(a_process_tells_what_it_did_not_see_and_how_sure_it_is)
{
	struct coordinates x[NSEEN], unseen[200];
	double y[NSEEN], mean[200], sd[200], error = 0;
	struct gaussian *gaussian = fit(3, NSEEN, 0.01, x, y);
	unsigned within = 0;

	ck_assert(gaussian_noise(gaussian) > 0.003 && gaussian_noise(gaussian) < 0.03);
	for (unsigned i = 0; i < 200; i++) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at(i * 20 + 11, &design), 0);
		unseen[i] = coordinates_of(&design);
	}
	ck_assert_int_eq(gaussian_predict(gaussian, unseen, 200, mean, sd), 0);
	for (unsigned i = 0; i < 200; i++) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at(i * 20 + 11, &design), 0);
		double off = fabs(mean[i] - synthetic_truth(&design));
		error += off / 200;
		within += off < 2 * sd[i];
	}
	ck_assert_msg(error < 0.02, "%g", error);
	ck_assert_msg(within > 160, "%u of 200 are within two deviations", within); /* 191 are expected */
	gaussian_free(gaussian);
}
END_TEST

START_TEST(a_process_knows_what_it_saw)
{
	struct coordinates x[NSEEN];
	double y[NSEEN], mean[NSEEN], sd[NSEEN];
	struct gaussian *gaussian = fit(0, NSEEN, 0, x, y);

	ck_assert_int_eq(gaussian_predict(gaussian, x, NSEEN, mean, sd), 0);
	for (unsigned i = 0; i < NSEEN; i++)
		ck_assert_msg(fabs(mean[i] - y[i]) < 0.01 && sd[i] < 0.02, "%g, %g, %g", mean[i], y[i], sd[i]);
	gaussian_free(gaussian);
}
END_TEST

/* By the definition: of two observations, what one says of the other. */
START_TEST(leaving_one_out_is_predicting_it_from_the_others)
{
	struct ic_design designs[] = {design_of("s1x1-b8-k15-q8"), design_of("s1x1-b8-k12-q8")};
	struct coordinates x[2] = {coordinates_of(&designs[0]), coordinates_of(&designs[1])};
	const double y[2] = {0.9, 0.7};
	struct gaussian *gaussian;
	double mean[2], sd[2], at[1], sd_at[1];

	ck_assert_int_eq(gaussian_fit(x, y, 2, 0.1, &gaussian), 0);
	gaussian_leave_one_out(gaussian, 0, &mean[0], &sd[0]);
	gaussian_leave_one_out(gaussian, 1, &mean[1], &sd[1]);
	/* The mean is 0.8, and each is what the other one's difference from it leads to expect. */
	ck_assert(fabs(mean[0] - 0.8 + (mean[1] - 0.8)) < 1e-12 && fabs(sd[0] - sd[1]) < 1e-12);
	ck_assert(mean[0] < 0.8 && mean[0] > 0.7);
	double share = (0.8 - mean[0]) / 0.1, noise = gaussian_noise(gaussian);
	double r = gaussian_correlation(gaussian, &x[0], &x[1]);
	/* share = s r / (s + n); deviation^2 = s + n - (s r)^2 / (s + n); of one: s and n are squares */
	ck_assert_int_eq(gaussian_predict(gaussian, x, 1, at, sd_at), 0);
	double s = noise * noise * share / (r - share);
	ck_assert(fabs(sd[0] * sd[0] - (s + noise * noise - s * r * share)) < 1e-6);
	gaussian_free(gaussian);
}
END_TEST

START_TEST(few_observations_are_as_noisy_as_they_are_held_to_be)
{
	struct ic_design designs[] = {design_of("s1x1-b8-k15-q8"), design_of("s1x1-b8-k4-q3")};
	struct coordinates x[2] = {coordinates_of(&designs[0]), coordinates_of(&designs[1])};
	const double y[2] = {0.9, 0.7};
	struct gaussian *quiet, *noisy;
	double sure[1], unsure[1], sd[1];

	ck_assert_int_eq(gaussian_fit(x, y, 2, 0.1, &quiet), 0);
	ck_assert_int_eq(gaussian_fit(x, y, 2, 0.5, &noisy), 0);
	ck_assert(gaussian_noise(noisy) > 2 * gaussian_noise(quiet));
	ck_assert_int_eq(gaussian_predict(quiet, x, 1, sure, sd), 0);
	ck_assert_int_eq(gaussian_predict(noisy, x, 1, unsure, sd), 0);
	ck_assert_msg(sure[0] > unsure[0] + 0.005 && unsure[0] > 0.8, "%g, %g", sure[0], unsure[0]);
	gaussian_free(quiet);
	gaussian_free(noisy);
}
END_TEST

START_TEST(a_process_takes_equal_observations_and_refuses_what_is_no_number)
{
	struct ic_design design = ic_design_default();
	struct coordinates x[3] = {coordinates_of(&design), coordinates_of(&design), coordinates_of(&design)};
	const double equal[3] = {0.5, 0.5, 0.5}, bad[3] = {0.5, (double)NAN, 0.5};
	struct gaussian *gaussian;
	double mean, sd;

	ck_assert_int_eq(gaussian_fit(x, equal, 3, 0.1, &gaussian), 0);
	ck_assert_int_eq(gaussian_predict(gaussian, x, 1, &mean, &sd), 0);
	ck_assert(fabs(mean - 0.5) < 1e-6 && sd < 1e-6);
	gaussian_free(gaussian);
	ck_assert_int_eq(gaussian_fit(x, bad, 3, 0.1, &gaussian), -EINVAL);
	ck_assert_int_eq(gaussian_fit(x, equal, 0, 0.1, &gaussian), -EINVAL);
}
END_TEST

/* --- Monotone ----------------------------------------------------------------------------------------------------- */

static bool densify(struct ic_design *design, unsigned axis)
{
	design->sx = (uint8_t)(axis == 0 ? design->sx / 2 : design->sx);
	design->sy = (uint8_t)(axis == 1 ? design->sy / 2 : design->sy);
	design->keep = (uint8_t)(design->keep + (axis == 2));
	design->bits = (uint8_t)(design->bits + (axis == 3));
	return ic_design_is_base(design);
}

static double steepest_fall(const double *values)
{
	double fall = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		for (unsigned axis = 0; axis < 4; axis++) {
			struct ic_design design;
			ck_assert_int_eq(ic_design_at(i, &design), 0);
			if (densify(&design, axis))
				fall = fmax(fall, values[i] - values[ic_design_index(&design)]);
		}
	}
	return fall;
}

static double squares(const double *a, const double *b, const double *weights)
{
	double sum = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		sum += weights[i] * (a[i] - b[i]) * (a[i] - b[i]);
	return sum;
}

START_TEST(a_projection_is_monotone_and_nearest)
{
	double *v = malloc(5 * IC_DESIGN_COUNT * sizeof(*v)), *noisy = v + IC_DESIGN_COUNT,
	       *out = noisy + IC_DESIGN_COUNT, *weights = out + IC_DESIGN_COUNT, *again = weights + IC_DESIGN_COUNT;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		v[i] = synthetic_truth(&design);
		out[i] = noisy[i] = v[i] + 0.1 * (dice(i) - 0.5);
		weights[i] = 0.2 + dice(i + 9999);
	}
	ck_assert(steepest_fall(v) <= 1e-12); /* the truth of these tests is monotone itself */
	ck_assert(steepest_fall(noisy) > 0.05);
	ck_assert_int_eq(monotone_project(out, weights), 0);
	ck_assert_msg(steepest_fall(out) < 1e-4, "%g", steepest_fall(out));
	/* Nearer to the truth, which lies in the cone, than the noise was; nearer to the noise than the truth is. */
	ck_assert(squares(out, v, weights) < 0.5 * squares(noisy, v, weights));
	ck_assert(squares(out, noisy, weights) < squares(v, noisy, weights));
	/* Of all on the way from the projection to another monotone one, it is the nearest to the noise. */
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		again[i] = out[i] + 0.02 * (v[i] - out[i]);
	ck_assert(squares(out, noisy, weights) < squares(again, noisy, weights));
	memcpy(again, out, IC_DESIGN_COUNT * sizeof(*out));
	ck_assert_int_eq(monotone_project(again, weights), 0);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		ck_assert(fabs(again[i] - out[i]) < 1e-3);
	free(v);
}
END_TEST

/* --- Estimates ---------------------------------------------------------------------------------------------------- */

static struct estimates *estimate(enum estimate_model model, unsigned n, const double *cost)
{
	struct observation *observations = calloc(n, sizeof(*observations));
	struct estimates *estimates;

	for (unsigned i = 0; i < n; i++) {
		struct ic_design design;
		observations[i].design = (i * 41 + 7) % IC_DESIGN_COUNT;
		ck_assert_int_eq(ic_design_at(observations[i].design, &design), 0);
		observations[i].accuracy = synthetic_truth(&design) + 0.01 * (dice(i) - 0.5) * sqrt(12);
	}
	ck_assert_int_eq(estimates_new(model, observations, n, cost, &estimates), 0);
	free(observations);
	return estimates;
}

START_TEST(the_monotone_model_beats_interpolation_along_cost)
{
	double cost[IC_DESIGN_COUNT], errors[2] = {0};

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		cost[i] = (double)ic_design_nfreqs(&design) / (design.block * design.block) * design.bits /
		          (design.sx * design.sy);
	}
	for (unsigned model = 0; model < 2; model++) {
		struct estimates *estimates = estimate((enum estimate_model)model, 100, cost);
		for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
			struct ic_design design;
			ck_assert_int_eq(ic_design_at(i, &design), 0);
			errors[model] += fabs(estimates->mean[i] - synthetic_truth(&design)) / IC_DESIGN_COUNT;
			ck_assert(estimates->sd[i] > 0);
		}
		if (model == ESTIMATE_MONOTONE)
			ck_assert(steepest_fall(estimates->mean) < 1e-3);
		estimates_free(estimates);
	}
	ck_assert_msg(errors[0] < 0.015 && errors[1] > 3 * errors[0], "%g, %g", errors[0], errors[1]);
}
END_TEST

/* Of few images, how many are right is noisy, and how sure they are is not. */
START_TEST(log_loss_tells_accuracy_better_than_noisy_accuracy_does)
{
	struct observation observations[100];
	double cost[IC_DESIGN_COUNT] = {0}, errors[2] = {0};

	for (unsigned known = 0; known < 2; known++) {
		struct estimates *estimates;
		for (unsigned i = 0; i < 100; i++) {
			struct ic_design design;
			unsigned at = (i * 41 + 7) % IC_DESIGN_COUNT;
			ck_assert_int_eq(ic_design_at(at, &design), 0);
			double truth = synthetic_truth(&design), noise = (dice(i) - 0.5) * sqrt(12);
			observations[i] = (struct observation){at, truth + 0.05 * noise, (double)NAN};
			if (known)
				observations[i].log_loss = -log(truth) + 0.01 * (dice(i + 1000) - 0.5) * sqrt(12);
		}
		ck_assert_int_eq(estimates_new(ESTIMATE_MONOTONE, observations, 100, cost, &estimates), 0);
		for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
			struct ic_design design;
			ck_assert_int_eq(ic_design_at(i, &design), 0);
			errors[known] += fabs(estimates->mean[i] - synthetic_truth(&design)) / IC_DESIGN_COUNT;
		}
		ck_assert((estimates->loss != NULL) == known && estimates->noise > 0.02 && estimates->noise < 0.08);
		ck_assert(steepest_fall(estimates->mean) < 1e-3);
		estimates_free(estimates);
	}
	ck_assert_msg(errors[1] < 0.9 * errors[0], "%g with it, %g without", errors[1], errors[0]);
}
END_TEST

/* Of four designs whose accuracies say nothing that their log-losses do not but one point up, one down. */
START_TEST(what_few_accuracies_say_beyond_log_losses_is_held_for_noise)
{
	static const char *const names[] = {"s1x1-b8-k15-q8", "s1x2-b8-k8-q5", "s2x2-b4-k4-q3", "s4x4-b16-k6-q2"};
	struct observation observations[4];
	double cost[IC_DESIGN_COUNT] = {0};
	struct estimates *estimates;

	for (unsigned i = 0; i < 4; i++) {
		struct ic_design design = design_of(names[i]);
		double sure = 0.2 + 0.1 * i, odd = i == 0 || i == 3 ? 0.01 : -0.01;
		observations[i] = (struct observation){(unsigned)ic_design_index(&design), 0.9 - sure + odd, sure};
	}
	ck_assert_int_eq(estimates_new(ESTIMATE_MONOTONE, observations, 4, cost, &estimates), 0);
	ck_assert_msg(estimates->noise > 0.002 && estimates->noise < 0.01, "%g", estimates->noise);
	estimates_free(estimates);
}
END_TEST

START_TEST(interpolation_along_cost_is_linear)
{
	const struct observation observations[] = {{0, 0.2, (double)NAN}, {1, 0.6, (double)NAN}, {2, 0.5, (double)NAN}};
	double cost[IC_DESIGN_COUNT];
	struct estimates *estimates;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		cost[i] = i;
	cost[0] = 10;
	cost[1] = 20;
	cost[2] = 30;
	cost[5] = 15;
	cost[6] = 22.5;
	cost[7] = 9;
	cost[8] = 99;
	ck_assert_int_eq(estimates_new(ESTIMATE_ALONG_COST, observations, 3, cost, &estimates), 0);
	ck_assert(fabs(estimates->mean[5] - 0.4) < 1e-12 && fabs(estimates->mean[6] - 0.575) < 1e-12);
	ck_assert(estimates->mean[7] == 0.2 && estimates->mean[8] == 0.5);
	ck_assert(fabs(estimates->left_out[1].mean - 0.35) < 1e-12 && estimates->left_out[0].mean == 0.6);
	estimates_free(estimates);
	ck_assert_int_eq(estimates_new(ESTIMATE_ALONG_COST, observations, 1, cost, &estimates), -EINVAL);
}
END_TEST

/* --- Costs -------------------------------------------------------------------------------------------------------- */

static const struct space_shape shapes[] = {{500, 375, 3, 70}, {333, 500, 3, 20}, {60, 41, 1, 3}};

START_TEST(features_are_averages_over_sources)
{
	static struct cost_features all[IC_DESIGN_COUNT];

	ck_assert_int_eq(cost_features_of_base(shapes, 3, all), 0);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i += 37) {
		struct cost_features one;
		struct ic_design design;
		uint64_t nbytes;
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		ck_assert_int_eq(cost_features_of(shapes, 3, &design, &one), 0);
		for (unsigned f = 0; f < COST_NFEATURES; f++)
			ck_assert(fabs(one.at[f] - all[i].at[f]) <= 1e-9 * one.at[f]);
		ck_assert_int_eq(space_of_design(shapes, 3, &design, &nbytes), 0);
		ck_assert(fabs(one.at[COST_BYTES] * 93 - (double)nbytes) < 1e-3);
	}
	ck_assert_int_eq(cost_features_of_base(shapes, 0, all), -EINVAL);
}
END_TEST

/* Of 64 x 64 pixels in gray: 64 blocks of 8, which a transform goes through by columns of frequencies, none for means alone. */
START_TEST(a_transform_counts_the_columns_that_are_kept)
{
	static const struct {
		uint8_t block, keep;
		enum cost_feature feature;
		double expected;
	} cases[] = {
	        {8, 1, COST_COLUMNS_8, 0},           {8, 2, COST_COLUMNS_8, 64 * 8 * 2},
	        {8, 7, COST_COLUMNS_8, 64 * 8 * 7},  {8, 8, COST_COLUMNS_8, 64 * 64},
	        {8, 15, COST_COLUMNS_8, 64 * 64},    {2, 3, COST_COLUMNS_2, 64 * 64},
	        {4, 2, COST_COLUMNS_4, 64 * 64 / 2}, {16, 4, COST_COLUMNS_16, 64 * 64 / 4},
	};
	const struct space_shape square = {64, 64, 1, 1};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ic_design design = ic_design_default();
		struct cost_features features;
		design.block = cases[i].block;
		design.keep = cases[i].keep;
		ck_assert_int_eq(cost_features_of(&square, 1, &design, &features), 0);
		ck_assert_msg(features.at[cases[i].feature] == cases[i].expected, "%u", i);
		for (unsigned f = COST_COLUMNS_2; f <= COST_COLUMNS_16; f++)
			ck_assert(f == cases[i].feature || features.at[f] == 0);
	}
}
END_TEST

START_TEST(a_fit_finds_the_seconds_that_work_takes)
{
	static struct cost_features all[IC_DESIGN_COUNT], features[100];
	const struct cost_line truth = {{1e-5, 2e-10, 1e-9, 1e-9, 0, 2e-9, 3e-9, 4e-9}};
	double seconds[100], unseen[100];

	ck_assert_int_eq(cost_features_of_base(shapes, 3, all), 0);
	for (unsigned i = 0; i < 100; i++) {
		features[i] = all[i * 41 + 3];
		seconds[i] = cost_seconds(&truth, &features[i]) * (1 + 0.05 * (dice(i) - 0.5));
	}
	seconds[7] = (double)NAN;
	seconds[8] = 0;
	struct cost_line line = cost_fit(features, seconds, 100, COST_ALL);
	for (unsigned i = 0; i < 100; i++) {
		features[i] = all[i * 40 + 21];
		unseen[i] = cost_seconds(&truth, &features[i]);
	}
	ck_assert_msg(cost_error(&line, features, unseen, 100) < 0.02, "%g", cost_error(&line, features, unseen, 100));
	for (unsigned f = 0; f < COST_NFEATURES; f++)
		ck_assert(line.at[f] >= 0);
	line = cost_fit(features, unseen, 100, COST_OF_READING);
	ck_assert(line.at[COST_PIXELS] == 0 && line.at[COST_COEFFICIENTS] == 0);
	line = cost_fit(features, unseen, 0, COST_ALL);
	ck_assert(cost_seconds(&line, &features[0]) == 0);
}
END_TEST

START_TEST(an_error_is_of_what_was_told)
{
	static struct cost_features all[IC_DESIGN_COUNT];
	const struct cost_line line = {.at = {[COST_FILE] = 1e-4, [COST_PIXELS] = 2e-9}};
	double seconds[6];

	ck_assert_int_eq(cost_features_of_base(shapes, 3, all), 0);
	for (unsigned i = 0; i < 6; i++)
		seconds[i] = cost_seconds(&line, &all[i]) * (i % 2 ? 0.8 : 1.25);
	/* |1 / 0.8 - 1| and |1 / 1.25 - 1| */
	ck_assert_double_eq_tol(cost_error(&line, all, seconds, 6), (0.25 + 0.2) / 2, 1e-12);
	seconds[0] = (double)NAN;
	seconds[2] = 0;
	seconds[4] = (double)INFINITY;
	ck_assert_double_eq_tol(cost_error(&line, all, seconds, 6), 0.25, 1e-12);
	ck_assert(isnan(cost_error(&line, all, seconds, 1)) && isnan(cost_error(&line, all, seconds, 0)));
}
END_TEST

/* --- Aims --------------------------------------------------------------------------------------------------------- */

START_TEST(aims_are_read_and_printed)
{
	static const char *const texts[][3] = {
	        {"max-loss", "0.5%", "max-loss=0.005 objective=time"},
	        {"max-loss", "0.005", "max-loss=0.005 objective=time"},
	        {"max-time", "2ms", "max-time=0.002s objective=accuracy"},
	        {"max-time", "20us", "max-time=0.00002s objective=accuracy"},
	        {"max-time", "12.5%", "max-time=12.5% objective=accuracy"},
	        {"max-bytes", "20K", "max-bytes=20480 objective=accuracy"},
	        {"max-bytes", "1.5M", "max-bytes=1572864 objective=accuracy"},
	        {"objective", "space", "max-loss=0.005 objective=space"},
	        {"objective", "space=0.5,time", "max-loss=0.005 objective=time,space=0.5"},
	        {"objective", "accuracy", "objective=accuracy"},
	};

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct aim aim = aim_default();
		char text[AIM_TEXT_SIZE];
		struct ic_why why = {""};
		ck_assert_msg(!aim_set(&aim, texts[i][0], texts[i][1], &why), "%s", why.text);
		aim_complete(&aim);
		aim_print(&aim, text);
		ck_assert_str_eq(text, texts[i][2]);
	}
}
END_TEST

START_TEST(proportions_that_are_kept_come_first)
{
	struct aim aim = aim_default(), other = aim_default();
	char text[AIM_TEXT_SIZE];

	aim.keeps_proportions = true;
	aim_print(&aim, text);
	ck_assert_str_eq(text, "keep-proportions");
	ck_assert_int_eq(aim_set(&aim, "max-bytes", "12%", NULL), 0);
	aim_complete(&aim);
	aim_print(&aim, text);
	ck_assert_str_eq(text, "keep-proportions max-bytes=12% objective=accuracy");
	for (enum aim_key key = 0; key < AIM_NKEYS; key++)
		aim_take(&aim, &other, key); /* which are the keys of policies, and leave it alone */
	aim_print(&aim, text);
	ck_assert_str_eq(text, "keep-proportions");
}
END_TEST

START_TEST(aims_admit_what_keeps_proportions)
{
	struct aim aim = aim_default();
	struct ic_design design = ic_design_default();
	unsigned n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		aim.keeps_proportions = false;
		ck_assert(aim_admits(&aim, &design));
		aim.keeps_proportions = true;
		ck_assert(aim_admits(&aim, &design) == (design.sx == design.sy));
		n += aim_admits(&aim, &design);
	}
	ck_assert_uint_eq(n, IC_DESIGN_COUNT / 3);
}
END_TEST

START_TEST(what_is_no_aim_is_refused)
{
	static const char *const bad[][2] = {
	        {"max-loss", ""},       {"max-loss", "-1%"},      {"max-loss", "0.5 %"},   {"max-loss", "1e-3"},
	        {"max-loss", "nan"},    {"max-time", "2"},        {"max-time", "2 ms"},    {"max-time", "inf"},
	        {"max-bytes", "20G5"},  {"max-bytes", "0x10"},    {"max-bytes", "2KB"},    {"objective", ""},
	        {"objective", "speed"}, {"objective", "time="},   {"objective", "time=0"}, {"objective", "time,"},
	        {"objective", ",time"}, {"objective", "time=-1"}, {"max-fun", "1"},        {"max-loss", "1%%"},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct aim aim = aim_default(), before = aim;
		struct ic_why why = {""};
		ck_assert_msg(aim_set(&aim, bad[i][0], bad[i][1], &why) == -EINVAL, "%s=%s", bad[i][0], bad[i][1]);
		ck_assert(why.text[0] && !memcmp(&aim, &before, sizeof(aim)));
	}
}
END_TEST

START_TEST(aims_judge)
{
	struct aim aim = aim_default();
	const struct design_cost reference = {1000, 1e-3, 3e-3}, small = {100, 5e-4, 1e-3};

	ck_assert_int_eq(aim_set(&aim, "max-bytes", "10%", NULL), 0);
	ck_assert(aim_affords(&aim, &small, &reference) && !aim_affords(&aim, &reference, &reference));
	ck_assert_int_eq(aim_set(&aim, "max-time", "0.4ms", NULL), 0);
	ck_assert(!aim_affords(&aim, &small, &reference));
	ck_assert(!isfinite(aim_floor(&aim, 0.9)));
	ck_assert_int_eq(aim_set(&aim, "max-loss", "2%", NULL), 0);
	ck_assert(fabs(aim_floor(&aim, 0.9) - 0.88) < 1e-12);
	ck_assert_int_eq(aim_set(&aim, "objective", "time=2,accuracy=0.5", NULL), 0);
	ck_assert(fabs(aim_value(&aim, &small, &reference, 0.88, 0.9) - (2 * log(0.5) + 1)) < 1e-12);
	ck_assert(aim_value(&aim, &reference, &reference, 0.9, 0.9) == 0 && aim_slope(&aim) == -50);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("models");
	TCase *cases = tcase_create("models");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 0);
	tcase_add_test(cases, what_keeps_the_same_band_lies_near);
	tcase_add_test(cases, a_process_tells_what_it_did_not_see_and_how_sure_it_is);
	tcase_add_test(cases, a_process_knows_what_it_saw);
	tcase_add_test(cases, leaving_one_out_is_predicting_it_from_the_others);
	tcase_add_test(cases, few_observations_are_as_noisy_as_they_are_held_to_be);
	tcase_add_test(cases, a_process_takes_equal_observations_and_refuses_what_is_no_number);
	tcase_add_test(cases, a_projection_is_monotone_and_nearest);
	tcase_add_test(cases, the_monotone_model_beats_interpolation_along_cost);
	tcase_add_test(cases, log_loss_tells_accuracy_better_than_noisy_accuracy_does);
	tcase_add_test(cases, what_few_accuracies_say_beyond_log_losses_is_held_for_noise);
	tcase_add_test(cases, interpolation_along_cost_is_linear);
	tcase_add_test(cases, features_are_averages_over_sources);
	tcase_add_test(cases, a_transform_counts_the_columns_that_are_kept);
	tcase_add_test(cases, a_fit_finds_the_seconds_that_work_takes);
	tcase_add_test(cases, an_error_is_of_what_was_told);
	tcase_add_test(cases, aims_are_read_and_printed);
	tcase_add_test(cases, proportions_that_are_kept_come_first);
	tcase_add_test(cases, aims_admit_what_keeps_proportions);
	tcase_add_test(cases, what_is_no_aim_is_refused);
	tcase_add_test(cases, aims_judge);
	srunner_run_all(runner, CK_NORMAL);
	int nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
