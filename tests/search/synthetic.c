/* SPDX-License-Identifier: MIT */
#include "synthetic.h"

#include "search/coordinates.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

double synthetic_truth(const struct ic_design *design)
{
	struct coordinates x = coordinates_of(design);
	double band = pow(exp2(x.at[0] + x.at[1]), 0.35), bits = 1 - 0.7 * exp2(-0.8 * (design->bits - 1));

	return 0.1 + 0.75 * bits * (1 - exp(-6 * band)) * (1 - 0.01 * fabs(x.at[4] - 3));
}

/* splitmix64 */
static uint64_t mix(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static double synthetic_noise(uint64_t seed)
{
	double sum = -6;

	for (unsigned i = 0; i < 12; i++)
		sum += (double)(mix(seed * 12 + i) >> 11) * 0x1p-53;
	return sum;
}

static void describe(void *handle, struct evaluator_description *ret_description)
{
	const struct synthetic *synthetic = handle;

	*ret_description = (struct evaluator_description){
	        .is_deterministic = true,
	        .njobs_max = synthetic->njobs_max ? synthetic->njobs_max : 1,
	        .nclasses = 10,
	};
	snprintf(ret_description->identity, sizeof(ret_description->identity), "synthetic noise=%g", synthetic->noise);
}

static void count_in(struct synthetic *synthetic)
{
	unsigned n = atomic_fetch_add(&synthetic->nrunning, 1) + 1, most = atomic_load(&synthetic->nrunning_most);

	while (n > most && !atomic_compare_exchange_weak(&synthetic->nrunning_most, &most, n))
		;
}

static const struct space_shape shape = {500, 375, 3, 100};

static double model_seconds(const struct synthetic *synthetic, const struct ic_design *design)
{
	struct cost_features features = {{0}};

	if (synthetic->coefficient_s > 0)
		cost_features_of(&shape, 1, design, &features);
	return (synthetic->infer_s > 0 ? synthetic->infer_s : 1e-3) +
	       synthetic->coefficient_s * features.at[COST_COEFFICIENTS];
}

static errint_t evaluate(void *handle, const struct evaluator_job *job, struct evaluator_result *ret_result,
                         struct ic_why *why)
{
	struct synthetic *synthetic = handle;
	double truth = synthetic_truth(&job->design), noise = job->split == EVALUATOR_SELECT ? synthetic->noise : 0;
	struct ic_design failing;
	unsigned call = atomic_fetch_add(&synthetic->ncalls, 1) + 1;

	count_in(synthetic);
	if (synthetic->sleep_us)
		usleep(synthetic->sleep_us);
	atomic_fetch_sub(&synthetic->nrunning, 1);
	if (call == atomic_load(&synthetic->stops_at))
		return ic_fail(why, -EIO, "the synthetic disk is gone");
	if (synthetic->fails_within &&
	    (!*synthetic->fails_within ||
	     (!ic_design_parse(synthetic->fails_within, &failing, NULL) && ic_design_covers(&failing, &job->design))))
		return ic_fail(why, -EBADMSG, "the synthetic program printed NaN");
	/* Less to learn from: more is lost, and the noise is larger. */
	truth -= 0.1 * (1 - job->fraction);
	if (job->design.sx != job->design.sy)
		truth += synthetic->unequal_gain;
	noise /= sqrt(job->fraction);
	*ret_result = (struct evaluator_result){
	        .accuracy = truth + noise * synthetic_noise(mix(job->seed) + (uint64_t)ic_design_index(&job->design)),
	        .log_loss = -log(truth) +
	                    noise * synthetic_noise(mix(job->seed) + (uint64_t)ic_design_index(&job->design) + 9999),
	        .nimages = 1000,
	        .infer_s = synthetic->is_untimed ? (double)NAN : model_seconds(synthetic, &job->design),
	        .train_s = synthetic->is_untimed ? (double)NAN : 3e-3,
	        .decode_s = (double)NAN,
	        .wall_s = synthetic->sleep_us * 1e-6,
	};
	return 0;
}

const struct evaluator evaluator_synthetic = {
        .name = "synthetic",
        .help = "",
        .describe = describe,
        .evaluate = evaluate,
};

static errint_t measure(void *context, struct cost_model *ret_model, struct ic_why *why)
{
	*ret_model = (struct cost_model){
	        .read = {.at = {[COST_FILE] = 3e-6, [COST_BYTES] = 2e-10}},
	        .decode = {.at = {[COST_FILE] = 5e-6,
	                          [COST_COEFFICIENTS] = 1e-9,
	                          [COST_SAMPLES_2] = 1e-9,
	                          [COST_SAMPLES_4] = 1.2e-9,
	                          [COST_SAMPLES_8] = 1.5e-9,
	                          [COST_SAMPLES_16] = 3e-9,
	                          [COST_PIXELS] = 2e-9}},
	        .held_out_error = 0.05,
	};
	return 0;
}

struct search_settings synthetic_settings(struct catalog *catalog, struct synthetic *synthetic)
{
	struct search_settings settings = search_settings_default();

	settings.catalog = catalog;
	settings.evaluator = &evaluator_synthetic;
	settings.handle = synthetic;
	settings.directory = "/data/synthetic";
	settings.dataset = "00112233445566778899aabbccddeeff";
	settings.hardware = "here";
	settings.shapes = &shape;
	settings.nshapes = 1;
	settings.measure = measure;
	settings.patience_s = 60;
	return settings;
}
