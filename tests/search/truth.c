/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include "synthetic.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Recorded ----------------------------------------------------------------------------------------------------- */

struct reader {
	struct truth *truth;
	bool seen[IC_DESIGN_COUNT];
};

/* "# 224x224x3 2000" and "# select 500 truth 500", in the head of a file. */
static errint_t read_comment(struct truth *truth, const char *line)
{
	struct space_shape shape;
	unsigned long long count;

	if (sscanf(line, "# select %u truth %u", &truth->nselect, &truth->ntruth) == 2)
		return 0;
	if (sscanf(line, "# %ux%ux%u %llu", &shape.width, &shape.height, &shape.ncomponents, &count) != 4)
		return 0;
	shape.count = count;
	struct space_shape *shapes = realloc(truth->shapes, (truth->nshapes + 1) * sizeof(*shapes));
	if (!shapes)
		return -ENOMEM;
	truth->shapes = shapes;
	shapes[truth->nshapes++] = shape;
	return 0;
}

/* Six images to a digit, the first one highest. */
static errint_t read_right(const char *digits, uint8_t *right, unsigned n)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";

	if (strlen(digits) != (n + 5) / 6)
		return -EBADMSG;
	for (unsigned i = 0; i < n; i++) {
		const char *digit = strchr(alphabet, digits[i / 6]);
		if (!digit)
			return -EBADMSG;
		right[i] = (digit - alphabet) >> (5 - i % 6) & 1;
	}
	return 0;
}

/* "111,93,97,107,": what is right with a part of the images to train on. */
static const char *read_parts(const char *text, unsigned nimages, double part[TRUTH_NPARTS])
{
	for (unsigned i = 0; i < TRUTH_NPARTS; i++) {
		char *end;
		part[i] = (double)strtoul(text, &end, 10) / nimages;
		if (end == text || *end != ',')
			return NULL;
		text = end + 1;
	}
	return text;
}

static errint_t read_line(struct reader *reader, char *line)
{
	struct truth *truth = reader->truth;
	char name[IC_DESIGN_STRING_SIZE];
	double select_loss, truth_loss;
	struct ic_design design;
	unsigned select, right = 0;
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%39[^,],%u,%lf,%lf,%n", name, &select, &select_loss, &truth_loss, &n) != 4 || !n ||
	    ic_design_parse(name, &design, NULL) || ic_design_index(&design) < 0 || !truth->right)
		return -EBADMSG;
	size_t at = (size_t)ic_design_index(&design);
	uint8_t *images = truth->right + at * truth->ntruth;
	const char *digits = read_parts(line + n, truth->nselect, truth->of[at].part);
	if (!digits || reader->seen[at] || read_right(digits, images, truth->ntruth))
		return -EBADMSG;
	for (unsigned i = 0; i < truth->ntruth; i++)
		right += images[i];
	truth->of[at].select = (double)select / truth->nselect;
	truth->of[at].select_loss = select_loss;
	truth->of[at].truth = (double)right / truth->ntruth;
	truth->of[at].truth_loss = truth_loss;
	reader->seen[at] = true;
	return 0;
}

static errint_t read_lines(struct reader *reader, FILE *file)
{
	struct truth *truth = reader->truth;
	char *line = NULL;
	size_t room = 0;
	errint_t err = 0;

	while (!err && getline(&line, &room, file) > 0) {
		if (*line == '#')
			err = read_comment(truth, line);
		else if (strncmp(line, "design,", 7))
			err = read_line(reader, line);
		else if (!truth->nselect || !truth->ntruth || !truth->nshapes || truth->right)
			err = -EBADMSG;
		else if (!(truth->right = calloc(IC_DESIGN_COUNT, truth->ntruth)))
			err = -ENOMEM;
	}
	free(line);
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		if (!reader->seen[i])
			err = -EBADMSG;
	return err;
}

errint_t truth_read(const char *path, struct truth **ret_truth, struct ic_why *why)
{
	FILE *file = fopen(path, "re");
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	if (!file)
		return ic_fail(why, -errno, "%.150s: %s", path, strerror(errno));
	struct reader *reader = calloc(1, sizeof(*reader));
	struct truth *truth = calloc(1, sizeof(*truth));
	errint_t err = -ENOMEM;
	if (reader && truth) {
		snprintf(truth->name, sizeof(truth->name), "%.*s", (int)strcspn(name, "."), name);
		reader->truth = truth;
		err = read_lines(reader, file);
	}
	free(reader);
	fclose(file);
	if (err) {
		truth_free(truth);
		return ic_fail(why, err, "%.150s: %s", path,
		               err == -EBADMSG ? "not what search_truth writes of all designs" : strerror(-err));
	}
	*ret_truth = truth;
	return 0;
}

void truth_free(struct truth *truth)
{
	if (!truth)
		return;
	free(truth->right);
	free(truth->shapes);
	free(truth);
}

/* --- Synthetic ---------------------------------------------------------------------------------------------------- */

static struct evaluator_result synthetic_result(struct synthetic *synthetic, const struct evaluator_job *job)
{
	struct evaluator_result result = {.accuracy = (double)NAN};

	evaluator_synthetic.evaluate(synthetic, job, &result, NULL);
	return result;
}

struct truth *truth_synthetic(double noise, uint64_t seed)
{
	struct synthetic synthetic = {.noise = noise};
	struct search_settings settings = synthetic_settings(NULL, &synthetic);
	struct truth *truth = calloc(1, sizeof(*truth));

	if (!truth || !(truth->shapes = malloc(sizeof(*truth->shapes)))) {
		free(truth);
		return NULL;
	}
	truth->shapes[0] = settings.shapes[0];
	truth->nshapes = 1;
	snprintf(truth->name, sizeof(truth->name), "synthetic, noise %g", noise);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct evaluator_job job = {.split = EVALUATOR_TRUTH, .seed = seed, .fraction = 1};
		ic_design_at(i, &job.design);
		struct evaluator_result told = synthetic_result(&synthetic, &job);
		job.split = EVALUATOR_SELECT;
		struct evaluator_result selected = synthetic_result(&synthetic, &job);
		truth->of[i] = (struct truth_of){.select = selected.accuracy,
		                                 .select_loss = selected.log_loss,
		                                 .truth = told.accuracy,
		                                 .truth_loss = told.log_loss};
		for (unsigned k = 0; k < TRUTH_NPARTS; k++) {
			job.fraction = 1.0 / (1u << (TRUTH_NPARTS - k));
			truth->of[i].part[k] = synthetic_result(&synthetic, &job).accuracy;
		}
	}
	return truth;
}

/* --- As an evaluator ---------------------------------------------------------------------------------------------- */

static void describe(void *handle, struct evaluator_description *ret_description)
{
	const struct truth *truth = handle;

	*ret_description = (struct evaluator_description){
	        .is_deterministic = true, .njobs_max = 1, .nselect = truth->nselect, .ntruth = truth->ntruth};
	snprintf(ret_description->identity, sizeof(ret_description->identity), "truth of %s", truth->name);
}

static errint_t evaluate(void *handle, const struct evaluator_job *job, struct evaluator_result *ret_result,
                         struct ic_why *why)
{
	const struct truth *truth = handle;
	int design = ic_design_index(&job->design);

	if (design < 0 || job->split != EVALUATOR_SELECT || job->fraction != 1)
		return ic_fail(why, -EINVAL, "a search has not to ask for that");
	*ret_result = (struct evaluator_result){
	        .accuracy = truth->of[design].select,
	        .log_loss = truth->of[design].select_loss,
	        .nimages = truth->nselect,
	        .infer_s = (double)NAN,
	        .train_s = (double)NAN,
	        .decode_s = (double)NAN,
	};
	return 0;
}

const struct evaluator evaluator_truth = {
        .name = "truth",
        .help = "",
        .describe = describe,
        .evaluate = evaluate,
};

struct search_settings truth_settings(struct truth *truth)
{
	struct search_settings settings = synthetic_settings(NULL, NULL);

	settings.evaluator = &evaluator_truth;
	settings.handle = truth;
	settings.shapes = truth->shapes;
	settings.nshapes = truth->nshapes;
	return settings;
}
