/* SPDX-License-Identifier: MIT */
/* From what was evaluated to what is evaluated next, and to the choice. */
#include "search/search_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a point of accuracy, or of the logarithm of a cost: what less is expected to be gained than that is not looked for. */
#define GAIN_MIN 1e-3

/* Values nearer than that are one, and then the smaller design is the better. */
#define TIE 1e-3

/* What a doubt outside of the limits counts, against one inside. */
#define OUTSIDE 0.1

static double normal_cdf(double z)
{
	return erfc(-z / sqrt(2)) / 2;
}

static double normal_density(double z)
{
	return exp(-z * z / 2) / sqrt(2 * acos(-1));
}

static unsigned index_of(const struct planned *planned)
{
	return (unsigned)ic_design_index(&planned->design);
}

static bool has_result(const struct planned *planned)
{
	return planned->is_done && !planned->measurement.is_failure;
}

errint_t plan_check_reference(const struct planned *plan, struct ic_why *why)
{
	if (has_result(&plan[0]))
		return 0;
	return ic_fail(why, -ENODATA, "the reference design has no result, so nothing can be compared: %.100s",
	               plan[0].is_done ? plan[0].measurement.failure : "it was not evaluated yet");
}

errint_t plan_estimates(const struct planned *plan, size_t nplan, enum estimate_model model,
                        const struct design_cost *costs, struct estimates **ret_estimates, struct ic_why *why)
{
	struct observation *observations = calloc(nplan, sizeof(*observations));
	double *cost = calloc(IC_DESIGN_COUNT, sizeof(*cost));
	size_t n = 0;
	errint_t err = observations && cost ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < nplan; i++) {
		const struct evaluator_result *result = &plan[i].measurement.result;
		if (has_result(&plan[i]))
			observations[n++] =
			        (struct observation){index_of(&plan[i]), result->accuracy, result->log_loss};
	}
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		cost[i] = costs[i].nbytes;
	if (!err)
		err = plan_check_reference(plan, why);
	if (!err && n < 2)
		err = ic_fail(why, -ENODATA, "only %zu of %zu evaluations had a result", n, nplan);
	else if (!err && (err = estimates_new(model, observations, n, cost, ret_estimates)))
		ic_fail(why, err, "the accuracies cannot be modelled: %s", strerror(-err));
	free(observations);
	free(cost);
	return err;
}

errint_t choose_estimates(const struct search *search, struct estimates **ret_estimates, struct ic_why *why)
{
	return plan_estimates(search->plan, search->nplan, search->settings->model, search->cost, ret_estimates, why);
}

/*
 * Of what the model holds to be as good, the surest: counted is what it is believed to be worth at least, one standard
 * deviation below the mean (the effective best solution of Huang, Allen, Notz and Zeng, Global optimization of stochastic
 * black-box systems via sequential kriging meta-models, 2006, section 3.4). Monotone means are alike over many designs, the
 * cheapest of which were drawn up to the others'.
 */
int choose_best(const struct search *search, const struct estimates *estimates, double full)
{
	const struct aim *aim = &search->settings->aim;
	const struct design_cost *reference = &search->cost[search->reference];
	double least = (double)INFINITY, least_nbytes = (double)INFINITY;
	int best = -1;

	for (size_t i = 0; i < search->nplan; i++) {
		const struct planned *planned = &search->plan[i];
		if (!has_result(planned))
			continue;
		unsigned design = index_of(planned);
		double mean = estimates ? estimates->mean[design] : planned->measurement.result.accuracy;
		double sure = estimates ? mean - estimates->sd[design] : mean;
		double value = aim_value(aim, &search->cost[design], reference, sure, full);
		bool is_smaller = search->cost[design].nbytes < least_nbytes;
		if (!search_affords(search, aim, design) || mean < aim_floor(aim, full) || value > least + TIE ||
		    (value > least - TIE && !is_smaller))
			continue;
		least = value;
		least_nbytes = search->cost[design].nbytes;
		best = (int)i;
	}
	return best;
}

/* --- The frontier ------------------------------------------------------------------------------------------------- */

/* Whether `b` is nowhere worse than `a`, and somewhere better; of two that are alike, the first in the space. */
static bool dominates(const struct search *search, const double *mean, unsigned b, unsigned a)
{
	const struct design_cost *x = &search->cost[a], *y = &search->cost[b];

	if (y->nbytes > x->nbytes || y->infer_s > x->infer_s || y->train_s > x->train_s || mean[b] < mean[a])
		return false;
	return y->nbytes < x->nbytes || y->infer_s < x->infer_s || y->train_s < x->train_s || mean[b] > mean[a] ||
	       b < a;
}

static size_t find_frontier(const struct search *search, const double *mean, bool is_frontier[IC_DESIGN_COUNT])
{
	size_t n = 0;

	for (unsigned a = 0; a < IC_DESIGN_COUNT; a++) {
		bool is_dominated = !search->is_candidate[a];
		for (unsigned b = 0; b < IC_DESIGN_COUNT && !is_dominated; b++)
			is_dominated = b != a && search->is_candidate[b] && dominates(search, mean, b, a);
		is_frontier[a] = !is_dominated;
		n += !is_dominated;
	}
	return n;
}

/* --- What to evaluate next ---------------------------------------------------------------------------------------- */

/*
 * What an evaluation of a design is expected to gain over the best so far (Jones, Schonlau and Welch, Efficient global
 * optimization, 1998, equation 15), times the probability that it loses no more than is allowed (Gardner et al., Bayesian
 * optimization with inequality constraints, 2014). Where nothing allowed is known yet, that probability alone.
 */
static double expected_gain(const struct search *search, const struct estimates *estimates, unsigned design,
                            double full, double best)
{
	const struct aim *aim = &search->settings->aim;
	double mean = estimates->mean[design], sd = estimates->sd[design], s = -aim_slope(aim) * sd;
	double value = aim_value(aim, &search->cost[design], &search->cost[search->reference], mean, full);
	double allowed = normal_cdf((mean - aim_floor(aim, full)) / sd);

	if (!isfinite(best))
		return allowed;
	if (!(s > 0))
		return fmax(best - value, 0) * allowed;
	double z = (best - value) / s;
	return (s * normal_density(z) + (best - value) * normal_cdf(z)) * allowed;
}

static double best_value(const struct search *search, const struct estimates *estimates, double full)
{
	int best = choose_best(search, estimates, full);

	if (best < 0)
		return (double)INFINITY;
	unsigned design = index_of(&search->plan[best]);
	return aim_value(&search->settings->aim, &search->cost[design], &search->cost[search->reference],
	                 estimates->mean[design], full);
}

static void fill_gains(const struct search *search, const struct estimates *estimates, double *gains)
{
	double full = estimates->mean[search->reference], best = best_value(search, estimates, full);

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		gains[i] = search_affords(search, &search->settings->aim, i)
		                   ? expected_gain(search, estimates, i, full, best)
		                   : 0;
}

/* Where nothing is to be gained any more: what is least known of the frontier, within the limits first. */
static errint_t fill_doubts(const struct search *search, const struct estimates *estimates, double *gains)
{
	double floor = aim_floor(&search->settings->aim, estimates->mean[search->reference]);
	bool *is_frontier = calloc(IC_DESIGN_COUNT, sizeof(*is_frontier));

	if (!is_frontier)
		return -ENOMEM;
	find_frontier(search, estimates->mean, is_frontier);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		double sd = estimates->sd[i], allowed = normal_cdf((estimates->mean[i] - floor) / sd);
		if (!search_affords(search, &search->settings->aim, i))
			allowed = 0;
		gains[i] = is_frontier[i] ? 100 * sd * (OUTSIDE + allowed) : 0;
	}
	free(is_frontier);
	return 0;
}

static void forget_planned(const struct planned *plan, size_t n, double *gains)
{
	for (size_t i = 0; i < n; i++)
		gains[index_of(&plan[i])] = 0;
}

static unsigned largest(const double *gains)
{
	unsigned best = 0;

	for (unsigned i = 1; i < IC_DESIGN_COUNT; i++)
		if (gains[i] > gains[best])
			best = i;
	return best;
}

/* What is learned of one design is learned of those like it: evaluated at the same time they would gain less. */
static void discount(const struct estimates *estimates, unsigned chosen, double *gains)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		if (!(gains[i] > 0))
			continue;
		double r = estimates_correlation(estimates, i, chosen);
		gains[i] *= 1 - r * r;
	}
	gains[chosen] = 0;
}

errint_t choose_next(const struct search *search, const struct estimates *estimates, size_t n, struct planned *out,
                     size_t *ret_n)
{
	double *gains = calloc(IC_DESIGN_COUNT, sizeof(*gains));
	unsigned round = search->plan[search->nplan - 1].round + 1;
	bool doubts = false;
	size_t i = 0;
	errint_t err = gains ? 0 : -ENOMEM;

	if (!err) {
		fill_gains(search, estimates, gains);
		forget_planned(search->plan, search->nplan, gains);
	}
	while (!err && i < n) {
		unsigned design = largest(gains);
		if (gains[design] < GAIN_MIN && !doubts) {
			doubts = true;
			err = fill_doubts(search, estimates, gains);
			forget_planned(search->plan, search->nplan, gains);
			forget_planned(out, i, gains);
			continue;
		}
		if (!(gains[design] > 0))
			break;
		out[i] = (struct planned){.round = round};
		ic_design_at(design, &out[i].design);
		out[i].parent = plan_parent(search->plan, search->nplan, &out[i].design);
		i++;
		discount(estimates, design, gains);
	}
	free(gains);
	if (!err)
		*ret_n = i;
	return err;
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

/* Ranks from 0 on, equal values sharing the mean of theirs. */
static void rank_values(const double *values, size_t n, double *ranks)
{
	for (size_t i = 0; i < n; i++) {
		double below = 0, equal = 0;
		for (size_t j = 0; j < n; j++) {
			below += values[j] < values[i];
			equal += values[j] == values[i];
		}
		ranks[i] = below + (equal - 1) / 2;
	}
}

/* Pearson's, of ranks: Spearman's. 0 where either does not vary. */
static double correlate(const double *a, const double *b, size_t n)
{
	double mean = (double)(n - 1) / 2, ab = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		ab += (a[i] - mean) * (b[i] - mean);
		aa += (a[i] - mean) * (a[i] - mean);
		bb += (b[i] - mean) * (b[i] - mean);
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static errint_t judge_model(const struct search *search, const struct estimates *estimates,
                            struct search_outcome *outcome)
{
	size_t n = estimates->nobserved, at = 0;
	double *values = calloc(4 * n, sizeof(*values)), error = 0;

	if (!values)
		return -ENOMEM;
	for (size_t i = 0; i < search->nplan; i++) {
		if (!has_result(&search->plan[i]))
			continue;
		values[at] = search->plan[i].measurement.result.accuracy;
		values[n + at] = estimates->left_out[at].mean;
		error += fabs(values[at] - values[n + at]);
		at++;
	}
	rank_values(values, n, values + 2 * n);
	rank_values(values + n, n, values + 3 * n);
	outcome->error = error / (double)n;
	outcome->rank_correlation = correlate(values + 2 * n, values + 3 * n, n);
	free(values);
	return 0;
}

static double measured(const struct search *search, unsigned design)
{
	for (size_t i = 0; i < search->nplan; i++)
		if (has_result(&search->plan[i]) && index_of(&search->plan[i]) == design)
			return search->plan[i].measurement.result.accuracy;
	return (double)NAN;
}

static errint_t list_frontier(const struct search *search, const struct estimates *estimates,
                              struct search_outcome *outcome)
{
	bool *is_frontier = calloc(IC_DESIGN_COUNT, sizeof(*is_frontier));

	if (!is_frontier)
		return -ENOMEM;
	size_t n = find_frontier(search, estimates->mean, is_frontier), at = 0;
	outcome->points = calloc(n, sizeof(*outcome->points));
	for (unsigned i = 0; outcome->points && i < IC_DESIGN_COUNT; i++) {
		if (!is_frontier[i])
			continue;
		struct frontier_point *point = &outcome->points[at++];
		*point = (struct frontier_point){
		        .nbytes = search->cost[i].nbytes,
		        .infer_s = search->cost[i].infer_s,
		        .train_s = search->cost[i].train_s,
		        .predicted = estimates->mean[i],
		        .uncertainty = estimates->sd[i],
		        .verified = measured(search, i),
		};
		ic_design_at(i, &point->design);
	}
	free(is_frontier);
	if (!outcome->points)
		return -ENOMEM;
	frontier_sort(outcome->points, n);
	outcome->npoints = n;
	return 0;
}

/* The evaluated one that comes nearest to an aim that nothing meets: where accuracy is what fails, the most accurate of
 * those that can be afforded; else the one that exceeds what it may cost by the least. */
static int nearest(const struct search *search, const double *mean)
{
	const struct design_cost *reference = &search->cost[search->reference];
	double least = (double)INFINITY;
	int best = -1, cheapest = 0;

	for (size_t i = 0; i < search->nplan; i++) {
		if (!has_result(&search->plan[i]))
			continue;
		unsigned design = index_of(&search->plan[i]);
		double excess = aim_excess(&search->settings->aim, &search->cost[design], reference);
		if (excess < least) {
			least = excess;
			cheapest = (int)i;
		}
		if (search_affords(search, &search->settings->aim, design) &&
		    (best < 0 || mean[design] > mean[index_of(&search->plan[best])]))
			best = (int)i;
	}
	return best >= 0 ? best : cheapest;
}

static void give_reason(const struct search *search, const struct estimates *estimates, struct choice *choice)
{
	char aim[AIM_TEXT_SIZE], reference[IC_DESIGN_STRING_SIZE];
	const struct design_cost *full = &search->cost[search->reference];
	struct ic_design design = ic_design_default();
	char off[40] = "";

	ic_design_print(&design, reference);
	aim_print(&search->settings->aim, aim);
	if (isfinite(search->costs.held_out_error))
		snprintf(off, sizeof(off), " (told within %.0f%%)", 100 * search->costs.held_out_error);
	snprintf(
	        choice->reason, sizeof(choice->reason),
	        "best for %s: accuracy %.2f%% measured, by the model %.2f%%, and %.2f%% under %s; %.1f%% of its bytes, "
	        "%.1f%% of its time%s; %zu evaluations by %.80s",
	        aim, 100 * choice->verified, 100 * estimates->mean[ic_design_index(&choice->design)],
	        100 * estimates->mean[search->reference], reference, 100 * choice->nbytes / full->nbytes,
	        full->infer_s > 0 ? 100 * choice->infer_s / full->infer_s : 100, off, estimates->nobserved,
	        search->run.evaluator);
}

static void fill_choice(const struct search *search, const struct estimates *estimates, int position,
                        struct choice *choice)
{
	const struct planned *planned = &search->plan[position];
	unsigned design = index_of(planned);
	size_t observation = 0;

	for (int i = 0; i < position; i++)
		observation += has_result(&search->plan[i]);
	*choice = (struct choice){
	        .design = planned->design,
	        .run = search->run.id,
	        .predicted = estimates->left_out[observation].mean,
	        .uncertainty = estimates->left_out[observation].sd,
	        .verified = planned->measurement.result.accuracy,
	        .nbytes = search->cost[design].nbytes,
	        .infer_s = search->cost[design].infer_s,
	        .train_s = search->cost[design].train_s,
	};
	snprintf(choice->directory, sizeof(choice->directory), "%s", search->run.directory);
	give_reason(search, estimates, choice);
}

errint_t choose_outcome(const struct search *search, const struct estimates *estimates, struct search_outcome *outcome)
{
	double full = estimates->mean[search->reference];
	int best = choose_best(search, estimates, full);

	outcome->reference_cost = search->cost[search->reference];
	outcome->reference_accuracy = full;
	outcome->noise = estimates->noise;
	outcome->costs = search->costs;
	outcome->has_choice = best >= 0;
	fill_choice(search, estimates, best >= 0 ? best : nearest(search, estimates->mean), &outcome->choice);
	outcome->accuracy = estimates->mean[ic_design_index(&outcome->choice.design)];
	for (size_t i = 0; i < search->nplan; i++)
		outcome->nfailed += search->plan[i].is_done && search->plan[i].measurement.is_failure;
	errint_t err = judge_model(search, estimates, outcome);
	return err ? err : list_frontier(search, estimates, outcome);
}
