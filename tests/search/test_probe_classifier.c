/* SPDX-License-Identifier: MIT */
#include "search/probe_classifier_priv.h"
#include "search/probe_ridge_priv.h"

#include "tests/codec/codec_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* About normal, of deviation 1. */
static float noise(struct dice *dice)
{
	int sum = 0;
	for (unsigned i = 0; i < 12; i++)
		sum += (int)dice_roll(dice, 65536);
	return (float)(sum - 6 * 65536) / 65536;
}

struct table {
	size_t n;
	unsigned nfeatures, nclasses;
	float *x;
	uint32_t *labels;
};

/* Of each image one feature, that of its class, lies `apart` deviations off; all others are noise. */
static struct table table_new(uint64_t seed, size_t n, unsigned nfeatures, unsigned nclasses, float apart)
{
	struct dice dice = dice_new(seed);
	struct table t = {n, nfeatures, nclasses, malloc(n * nfeatures * sizeof(float)), malloc(n * sizeof(uint32_t))};
	for (size_t i = 0; i < n; i++) {
		t.labels[i] = (uint32_t)(i % nclasses);
		for (unsigned j = 0; j < nfeatures; j++)
			t.x[i * nfeatures + j] = 100 + 3 * (noise(&dice) + (j == t.labels[i] ? apart : 0));
	}
	return t;
}

static void table_clear(struct table *t)
{
	free(t->x);
	free(t->labels);
}

static struct probe_classifier *fit(const struct table *t)
{
	struct probe_classifier *c;
	struct ic_why why = {""};
	if (probe_classifier_fit(t->x, t->n, t->nfeatures, t->labels, t->nclasses, &c, &why))
		ck_abort_msg("%s", why.text);
	return c;
}

static void judge(const struct probe_classifier *c, const struct table *t, double *ret_accuracy, double *ret_loss)
{
	uint8_t *right = malloc(t->n);
	double *loss = malloc(t->n * sizeof *loss), nright = 0, sum = 0;
	ck_assert_int_eq(probe_classifier_judge(c, t->x, t->n, t->labels, right, loss), 0);
	for (size_t i = 0; i < t->n; i++) {
		nright += right[i];
		sum += loss[i];
	}
	*ret_accuracy = nright / (double)t->n;
	*ret_loss = sum / (double)t->n;
	free(right);
	free(loss);
}

/* Fewer images than features, and more. */
static const struct {
	size_t n;
	unsigned nfeatures;
} shapes[] = {{90, 100}, {200, 40}};

START_TEST(classes_that_lie_apart_are_told_apart)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct table train = table_new(1, shapes[i].n, shapes[i].nfeatures, 4, 8);
		struct table test = table_new(2, 400, shapes[i].nfeatures, 4, 8);
		struct probe_classifier *c = fit(&train);
		double accuracy, loss;
		judge(c, &test, &accuracy, &loss);
		ck_assert_double_gt(accuracy, 0.95);
		ck_assert_double_lt(loss, 0.25);
		ck_assert_double_gt(probe_classifier_choice(c).loo_accuracy, 0.9);
		probe_classifier_free(c);
		table_clear(&train);
		table_clear(&test);
	}
}
END_TEST

/* Features that say nothing: accuracy and log-loss of one who guesses, and never much worse. */
START_TEST(noise_gives_the_loss_of_guessing)
{
	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct table train = table_new(3, shapes[i].n, shapes[i].nfeatures, 4, 0);
		struct table test = table_new(4, 2000, shapes[i].nfeatures, 4, 0);
		struct probe_classifier *c = fit(&train);
		double accuracy, loss;
		judge(c, &test, &accuracy, &loss);
		ck_assert_double_eq_tol(accuracy, 0.25, 0.05);
		ck_assert_double_eq_tol(loss, log(4), 0.1);
		probe_classifier_free(c);
		table_clear(&train);
		table_clear(&test);
	}
}
END_TEST

/* Of two classes, the one that was called had the probability of the given one, or the rest: on average as much as it
 * was right. */
START_TEST(probabilities_are_neither_too_sure_nor_too_shy)
{
	for (unsigned apart = 0; apart < 4; apart++) {
		struct table train = table_new(5, 300, 60, 2, (float)apart);
		struct table test = table_new(6, 3000, 60, 2, (float)apart);
		struct probe_classifier *c = fit(&train);
		uint8_t *right = malloc(test.n);
		double *loss = malloc(test.n * sizeof *loss), nright = 0, sure = 0;
		ck_assert_int_eq(probe_classifier_judge(c, test.x, test.n, test.labels, right, loss), 0);
		for (size_t i = 0; i < test.n; i++) {
			double given = exp(-loss[i]);
			ck_assert(right[i] ? given >= 0.4999 : given <= 0.5001);
			nright += right[i];
			sure += right[i] ? given : 1 - given;
		}
		ck_assert_double_eq_tol(sure / (double)test.n, nright / (double)test.n, 0.05);
		free(right);
		free(loss);
		probe_classifier_free(c);
		table_clear(&train);
		table_clear(&test);
	}
}
END_TEST

static struct ridge ridge_of(const struct table *t, size_t without)
{
	struct ridge r;
	size_t n = t->n - (without < t->n);
	ck_assert_int_eq(ridge_init(&r, n, t->nfeatures, 1), 0);
	for (size_t i = 0, at = 0; i < t->n; i++) {
		if (i == without)
			continue;
		for (unsigned j = 0; j < t->nfeatures; j++)
			r.z[at * t->nfeatures + j] = (t->x[i * t->nfeatures + j] - 100) / 20;
		r.y[at++] = t->labels[i] ? 0.5f : -0.5f;
	}
	return r;
}

/* Ridge regression by Gauss's elimination of (Z'Z + p) w = Z'y, in double precision. */
static void solve_plainly(const struct ridge *r, double penalty, double *w)
{
	unsigned d = r->nfeatures;
	double *a = calloc((size_t)d * (d + 1), sizeof *a);
	for (size_t i = 0; i < r->n; i++)
		for (unsigned j = 0; j < d; j++) {
			for (unsigned k = 0; k < d; k++)
				a[j * (d + 1) + k] += (double)r->z[i * d + j] * r->z[i * d + k];
			a[j * (d + 1) + d] += (double)r->z[i * d + j] * r->y[i];
		}
	for (unsigned j = 0; j < d; j++)
		a[j * (d + 1) + j] += penalty;
	for (unsigned j = 0; j < d; j++)
		for (unsigned k = j + 1; k < d; k++) {
			double by = a[k * (d + 1) + j] / a[j * (d + 1) + j];
			for (unsigned m = j; m <= d; m++)
				a[k * (d + 1) + m] -= by * a[j * (d + 1) + m];
		}
	for (unsigned j = d; j-- > 0;) {
		w[j] = a[j * (d + 1) + d];
		for (unsigned k = j + 1; k < d; k++)
			w[j] -= a[j * (d + 1) + k] * w[k];
		w[j] /= a[j * (d + 1) + j];
	}
	free(a);
}

START_TEST(weights_are_those_of_the_normal_equations)
{
	for (size_t s = 0; s < COUNT(shapes); s++) {
		struct table t = table_new(7, shapes[s].n, shapes[s].nfeatures, 2, 1);
		struct ridge r = ridge_of(&t, SIZE_MAX);
		float *weights = ridge_floats(t.nfeatures, 1);
		double *expected = malloc(t.nfeatures * sizeof *expected);
		ck_assert_int_eq(ridge_solve(&r, weights, NULL), 0);
		solve_plainly(&r, r.penalty, expected);
		for (unsigned j = 0; j < t.nfeatures; j++)
			ck_assert_double_eq_tol(weights[j], expected[j], 1e-3);
		free(expected);
		free(weights);
		ridge_clear(&r);
		table_clear(&t);
	}
}
END_TEST

/* Against fitting anew without each image. The formula's extra 1/n stands for the mean, which is 0 here for both. */
START_TEST(leaving_one_out_is_fitting_without_it)
{
	for (size_t s = 0; s < COUNT(shapes); s++) {
		struct table t = table_new(8, shapes[s].n, shapes[s].nfeatures, 2, 1);
		struct ridge all = ridge_of(&t, SIZE_MAX);
		float *weights = ridge_floats(t.nfeatures, 1);
		double *w = malloc(t.nfeatures * sizeof *w);
		ck_assert_int_eq(ridge_solve(&all, weights, NULL), 0);
		for (size_t i = 0; i < 10; i++) {
			struct ridge rest = ridge_of(&t, i);
			double predicted = 0;
			solve_plainly(&rest, all.penalty, w);
			for (unsigned j = 0; j < t.nfeatures; j++)
				predicted += w[j] * all.z[i * t.nfeatures + j];
			ck_assert_double_eq_tol(all.left_out[i], predicted, 0.05);
			ridge_clear(&rest);
		}
		free(w);
		free(weights);
		ridge_clear(&all);
		table_clear(&t);
	}
}
END_TEST

START_TEST(the_same_images_give_the_same_bits)
{
	for (size_t s = 0; s < COUNT(shapes); s++) {
		struct table t = table_new(9, shapes[s].n, shapes[s].nfeatures, 3, 1);
		double accuracy[2], loss[2];
		for (unsigned i = 0; i < 2; i++) {
			void *elsewhere = malloc(24 + 40 * i); /* so that memory lies otherwise */
			struct probe_classifier *c = fit(&t);
			judge(c, &t, &accuracy[i], &loss[i]);
			probe_classifier_free(c);
			free(elsewhere);
		}
		ck_assert_mem_eq(&accuracy[0], &accuracy[1], sizeof accuracy[0]);
		ck_assert_mem_eq(&loss[0], &loss[1], sizeof loss[0]);
		table_clear(&t);
	}
}
END_TEST

/* What a design of one bit may leave: features that are all the same, and images that are. */
START_TEST(features_without_content_give_the_most_frequent_class)
{
	float x[5 * 3] = {0};
	const uint32_t labels[] = {1, 1, 0, 1, 0};
	uint8_t right[5];
	double loss[5];
	struct probe_classifier *c;
	for (unsigned i = 0; i < 5 * 3; i++)
		x[i] = 7;
	ck_assert_int_eq(probe_classifier_fit(x, 5, 3, labels, 2, &c, NULL), 0);
	ck_assert_int_eq(probe_classifier_judge(c, x, 5, labels, right, loss), 0);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_uint_eq(right[i], labels[i] == 1);
		ck_assert(isfinite(loss[i]));
	}
	probe_classifier_free(c);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, classes_that_lie_apart_are_told_apart);
	tcase_add_test(cases, noise_gives_the_loss_of_guessing);
	tcase_add_test(cases, probabilities_are_neither_too_sure_nor_too_shy);
	tcase_add_test(cases, weights_are_those_of_the_normal_equations);
	tcase_add_test(cases, leaving_one_out_is_fitting_without_it);
	tcase_add_test(cases, the_same_images_give_the_same_bits);
	tcase_add_test(cases, features_without_content_give_the_most_frequent_class);
}

int main(void)
{
	return suite_run("probe-classifier", add);
}
