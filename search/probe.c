/* SPDX-License-Identifier: MIT */
#include "search/probe.h"

#include "codec/make.h"
#include "search/probe_classifier_priv.h"
#include "search/probe_dataset_priv.h"
#include "search/probe_objects_priv.h"
#include "search/probe_work_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Raised whenever the same dataset and design would be judged otherwise; part of the identity. */
#define PROBE_VERSION 2

/* So many tell designs apart by a percent or better; more only take time. */
#define NIMAGES_DEFAULT 20000u
#define NIMAGES_MAX 1000000u

#define MEMORY_DEFAULT ((uint64_t)1 << 30)

/* Processor time that an image takes, roughly: for describe alone. */
#define IMAGE_S 0.0006

struct probe {
	struct probe_dataset dataset;
	struct probe_filters *filters;
	const struct probe_kernel *kernel;
	struct probe_workers *workers;
	struct probe_objects *objects;
	struct probe_keeper *keeper;
	uint64_t coefs_nbytes, file_nbytes; /* that are kept in all, and in a file */
	const atomic_bool *cancelled;
	struct evaluator_description description;
};

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static errint_t parse_options(const struct evaluator_settings *settings, size_t *ret_nimages, struct ic_why *why)
{
	for (size_t i = 0; i < settings->noptions; i++) {
		const struct evaluator_option *option = &settings->options[i];
		char *end;
		if (strcmp(option->name, "images") != 0)
			return ic_fail(why, -EINVAL, "the probe has no option %.80s, only images=N", option->name);
		errno = 0;
		unsigned long n = strtoul(option->value, &end, 10);
		if (errno || *end || option->value[0] < '0' || option->value[0] > '9' || n < 4 || n > NIMAGES_MAX)
			return ic_fail(why, -EINVAL, "images=N is 4 to %u, not %.80s", NIMAGES_MAX, option->value);
		*ret_nimages = n;
	}
	return 0;
}

struct look {
	struct probe *probe;
	const struct evaluator_settings *settings;
	_Atomic uint64_t ndone;
};

/* Means of 8 x 8 pixels of the grid. */
static void put_thumbnail(const uint8_t *grid, uint8_t thumbnail[16 * 16])
{
	enum { CELL = PROBE_SIDE / 16, NPIXELS = PROBE_SIDE * PROBE_SIDE };
	for (unsigned i = 0; i < 16 * 16; i++) {
		const uint8_t *at = grid + i / 16 * CELL * PROBE_SIDE + i % 16 * CELL;
		unsigned sum = 0;
		for (unsigned y = 0; y < CELL; y++, at += PROBE_SIDE)
			for (unsigned x = 0; x < CELL; x++)
				sum += at[x] + 2u * at[x + NPIXELS] + at[x + 2 * NPIXELS];
		thumbnail[i] = (uint8_t)(sum / (4 * CELL * CELL));
	}
}

/* The lowest frequencies of all components: what a thumbnail needs, and the least that decoding can cost. Of a JPEG, where
 * there is room, its coefficients are given, too, and it is not decoded again. */
static errint_t make_small(struct look *look, const uint8_t *source, size_t nbytes, struct ic_coefs **ret_coefs,
                           uint8_t **ret_object, size_t *ret_nbytes)
{
	static const struct ic_variant variant = {
	        .design = {.sx = 1, .sy = 1, .block = 8, .keep = 1, .bits = 8, .chroma = IC_CHROMA_HALF},
	};
	struct ic_coefs *coefs = NULL;
	errint_t err = 0;
	if (ic_is_jpeg(source, nbytes) && probe_keeper_has_room(look->probe->keeper))
		err = ic_coefs_new(source, nbytes, NULL, &coefs, NULL);
	if (err && err != -ENOMEM && err != -EFBIG)
		return err;
	err = coefs ? ic_encode_coefs(coefs, &variant.design, NULL, ret_object, ret_nbytes, NULL)
	            : ic_make(source, nbytes, &variant, NULL, ret_object, ret_nbytes, NULL);
	if (err)
		ic_coefs_free(coefs);
	else
		*ret_coefs = coefs;
	return err;
}

static errint_t look_at_object(struct probe_image *image, struct probe_scratch *scratch, const uint8_t *object,
                               size_t nbytes)
{
	struct ic_view view;
	const uint8_t *grid;
	errint_t err = ic_view_parse(&view, object, nbytes, NULL);
	if (!err)
		err = probe_grid(scratch, &view, &grid, NULL);
	if (!err) {
		put_thumbnail(grid, image->thumbnail);
		image->width = view.layout.source_width;
		image->height = view.layout.source_height;
		image->ncomponents = view.layout.ncomponents;
	}
	return err;
}

static void settle_coefs(struct probe *p)
{
	for (size_t i = 0; i < p->dataset.nimages; i++) {
		struct probe_kept *kept = &p->dataset.images[i].kept;
		probe_keeper_settle(p->keeper, kept);
		p->file_nbytes += kept->nbytes;
		p->coefs_nbytes += kept->coefs ? ic_coefs_nbytes(kept->coefs) : kept->nbytes;
	}
}

static errint_t look_at_bytes(struct look *look, struct probe_image *image, struct probe_scratch *scratch,
                              const uint8_t *source, size_t nbytes)
{
	struct ic_coefs *coefs;
	uint8_t *object;
	size_t object_nbytes;
	errint_t err = make_small(look, source, nbytes, &coefs, &object, &object_nbytes);
	if (err)
		return err;
	err = look_at_object(image, scratch, object, object_nbytes);
	if (coefs && !err)
		probe_keeper_put(look->probe->keeper, coefs, &image->kept);
	else
		ic_coefs_free(coefs);
	free(object);
	return err;
}

static errint_t look_at(void *context, struct probe_worker *worker, size_t index, struct ic_why *why)
{
	struct look *look = context;
	struct probe_dataset *d = &look->probe->dataset;
	const struct evaluator_settings *s = look->settings;
	uint8_t *source = NULL;
	size_t nbytes;
	errint_t err = probe_read(d, &d->images[index], &source, &nbytes);
	if (!err)
		err = look_at_bytes(look, &d->images[index], worker->scratch, source, nbytes);
	free(source);
	d->images[index].is_bad = err != 0;
	if (s->progress)
		s->progress(s->progress_context, "reading images", ++look->ndone, d->nimages);
	bool is_fatal = err == -ENOMEM || err == -EMFILE || err == -ENFILE;
	return is_fatal ? ic_fail(why, err, "cannot read images: %s", strerror(-err)) : 0;
}

static void describe(struct probe *p, uint64_t seed, size_t nimages_max, unsigned threads)
{
	static const char *const split[] = {"given", "select drawn", "drawn"};
	const struct probe_dataset *d = &p->dataset;
	struct evaluator_description *e = &p->description;
	*e = (struct evaluator_description){
	        .is_deterministic = true,
	        .njobs_max = 1,
	        .nclasses = d->nclasses,
	        .ntrain = d->begin[PROBE_TRAIN + 1] - d->begin[PROBE_TRAIN],
	        .nselect = d->begin[PROBE_SELECT + 1] - d->begin[PROBE_SELECT],
	        .ntruth = d->begin[PROBE_TRUTH + 1] - d->begin[PROBE_TRUTH],
	};
	e->nunreadable = d->nbad;
	e->ntwins = d->ntwins;
	strcpy(e->unreadable, d->bad);
	double fitted = (double)(e->ntrain < PROBE_NFEATURES ? e->ntrain : PROBE_NFEATURES);
	e->evaluation_s = (double)(e->ntrain + e->nselect) * IMAGE_S / threads + 0.4e-9 * fitted * fitted * fitted;
	snprintf(e->identity, sizeof e->identity, "probe %d images=%zu split=%s seed=%llu", PROBE_VERSION, nimages_max,
	         split[d->origin], (unsigned long long)seed);
}

/* What features and the classifier take at most is no more for objects and coefficients. */
static uint64_t memory_for_images(const struct probe *p, uint64_t memory_nbytes)
{
	uint64_t memory = memory_nbytes ? memory_nbytes : MEMORY_DEFAULT;
	uint64_t taken = (uint64_t)p->dataset.nimages * PROBE_NFEATURES * sizeof(float) * 3;
	return memory > taken ? memory - taken : 0;
}

static errint_t open_all(struct probe *p, const struct evaluator_settings *settings, struct ic_why *why)
{
	unsigned threads = settings->threads ? settings->threads : 1;
	size_t nimages_max = NIMAGES_DEFAULT;
	errint_t err = parse_options(settings, &nimages_max, why);
	if (err)
		return err;
	err = probe_filters_new(&p->filters);
	if (!err)
		err = probe_workers_new(p->filters, threads, &p->workers);
	if (err)
		return ic_fail(why, err, "out of memory");
	err = probe_dataset_list(&p->dataset, settings->dataset, settings->split_seed, nimages_max, why);
	if (err)
		return err;
	uint64_t memory = memory_for_images(p, settings->memory_nbytes);
	err = probe_keeper_new(memory / 2, settings->scratch, settings->scratch_nbytes, &p->keeper);
	if (err)
		return ic_fail(why, err, "out of memory");
	struct look look = {.probe = p, .settings = settings};
	err = probe_work(p->workers, look_at, &look, p->dataset.nimages, settings->cancelled, why);
	if (!err)
		err = probe_dataset_split(&p->dataset, settings->cancelled, why);
	if (err)
		return err;
	settle_coefs(p);
	err = probe_objects_new(&p->dataset, p->keeper, memory - (p->coefs_nbytes - p->file_nbytes), &p->objects);
	if (err)
		return ic_fail(why, err, "out of memory");
	describe(p, settings->split_seed, nimages_max, threads);
	return 0;
}

errint_t probe_open(const struct evaluator_settings *settings, struct probe **ret_probe, struct ic_why *why)
{
	struct probe *p = calloc(1, sizeof *p);
	if (!p)
		return ic_fail(why, -ENOMEM, "out of memory");
	p->dataset.root = -1;
	p->kernel = probe_kernel_at(0);
	p->cancelled = settings->cancelled;
	errint_t err = open_all(p, settings, why);
	if (err)
		probe_close(p);
	else
		*ret_probe = p;
	return err;
}

void probe_close(struct probe *p)
{
	if (!p)
		return;
	probe_objects_free(p->objects);
	probe_workers_free(p->workers);
	probe_filters_free(p->filters);
	probe_dataset_clear(&p->dataset);
	probe_keeper_free(p->keeper);
	free(p);
}

void probe_describe(const struct probe *p, struct evaluator_description *ret_description)
{
	*ret_description = p->description;
}

errint_t probe_expect(struct probe *p, const struct ic_design *designs, size_t n)
{
	return probe_objects_expect(p->objects, designs, n);
}

/* A fit of numbers that mean nothing takes the way of every other. */
errint_t probe_prepare(void)
{
	enum { N = 64 };
	struct probe_classifier *classifier;
	uint32_t labels[N];
	float *x = malloc(N * N * sizeof *x);
	if (!x)
		return -ENOMEM;
	for (unsigned i = 0; i < N * N; i++)
		x[i] = (float)(i * 2654435761u >> 16) / 65536;
	for (unsigned i = 0; i < N; i++)
		labels[i] = i % 2;
	errint_t err = probe_classifier_fit(x, N, N, labels, 2, &classifier, NULL);
	if (!err)
		probe_classifier_free(classifier);
	free(x);
	return err == -EBADMSG ? 0 : err;
}

static size_t first_of(const struct probe *p, enum evaluator_split split)
{
	return p->dataset.begin[split == EVALUATOR_SELECT ? PROBE_SELECT : PROBE_TRUTH];
}

const char *probe_path(const struct probe *p, enum evaluator_split split, size_t image)
{
	return p->dataset.images[first_of(p, split) + image].path;
}

unsigned probe_label(const struct probe *p, enum evaluator_split split, size_t image)
{
	return p->dataset.images[first_of(p, split) + image].label;
}

errint_t probe_bytes(const struct probe *p, const struct ic_design *design, uint64_t *ret_nbytes)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->dataset.nimages; i++) {
		const struct probe_image *image = &p->dataset.images[i];
		struct ic_layout layout;
		errint_t err = ic_layout_init(&layout, design, image->width, image->height, image->ncomponents);
		if (err)
			return err;
		sum += layout.nbytes;
	}
	*ret_nbytes = sum;
	return 0;
}

/* --- Which images ------------------------------------------------------------------------------------------------- */

/* The images of a measurement, those to train on first, and what is known of them. */
struct sample {
	struct probe *probe;
	size_t ntrain, n;
	uint32_t *image; /* in the dataset */
	uint32_t *label;
	float *features; /* PROBE_NFEATURES of each */
};

static void sample_clear(struct sample *s)
{
	free(s->image);
	free(s->label);
	free(s->features);
}

struct drawn {
	uint32_t label, image;
	uint64_t key;
};

static int compare_drawn(const void *left, const void *right)
{
	const struct drawn *a = left, *b = right;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->image < b->image ? -1 : 1;
}

static int compare_indexes(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	return (a > b) - (a < b);
}

/* Of each class the first part by a random order, at least one: so smaller parts lie in larger ones. */
static errint_t draw_part(struct sample *s, const struct evaluator_job *job)
{
	const struct probe_dataset *d = &s->probe->dataset;
	size_t n = d->begin[PROBE_SELECT];
	struct drawn *drawn = malloc((n + 1) * sizeof *drawn);
	if (!drawn)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint64_t key = (d->images[i].key ^ job->seed * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
		drawn[i] = (struct drawn){d->images[i].label, (uint32_t)i, key ^ key >> 32};
	}
	qsort(drawn, n, sizeof *drawn, compare_drawn);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && drawn[end].label == drawn[i].label; end++)
			;
		size_t most = (size_t)ceil((double)(end - i) * job->fraction);
		for (size_t k = i; k < end && k - i < most; k++)
			s->image[s->ntrain++] = drawn[k].image;
	}
	qsort(s->image, s->ntrain, sizeof *s->image, compare_indexes);
	free(drawn);
	return 0;
}

static void add_side(struct sample *s, enum probe_side side)
{
	const struct probe_dataset *d = &s->probe->dataset;
	for (size_t i = d->begin[side]; i < d->begin[side + 1]; i++)
		s->image[s->n++] = (uint32_t)i;
}

static errint_t sample_init(struct sample *s, struct probe *p, const struct evaluator_job *job, bool selects,
                            bool tells_truth)
{
	size_t most = p->dataset.nimages;
	*s = (struct sample){
	        .probe = p,
	        .image = malloc(most * sizeof *s->image),
	        .label = malloc(most * sizeof *s->label),
	        .features = malloc(most * PROBE_NFEATURES * sizeof *s->features),
	};
	errint_t err = s->image && s->label && s->features ? draw_part(s, job) : -ENOMEM;
	if (err)
		return err;
	s->n = s->ntrain;
	if (selects)
		add_side(s, PROBE_SELECT);
	if (tells_truth)
		add_side(s, PROBE_TRUTH);
	for (size_t i = 0; i < s->n; i++)
		s->label[i] = p->dataset.images[s->image[i]].label;
	return 0;
}

/* --- Measuring ---------------------------------------------------------------------------------------------------- */

static errint_t measure_image(struct sample *s, struct probe_worker *worker, size_t index, struct ic_why *why)
{
	struct probe_object object;
	const uint8_t *grid;
	double begun = probe_thread_seconds();
	errint_t err = probe_objects_get(s->probe->objects, s->image[index], &object, why);
	if (err)
		return err;
	double got = probe_thread_seconds();
	err = probe_grid(worker->scratch, &object.view, &grid, why);
	probe_object_clear(&object);
	if (err)
		return err;
	double decoded = probe_thread_seconds();
	probe_features(worker->scratch, s->probe->kernel, grid, s->features + index * PROBE_NFEATURES);
	worker->object_s += got - begun;
	worker->decode_s += decoded - got;
	worker->features_s += probe_thread_seconds() - decoded;
	return 0;
}

/* All images could be decoded when the dataset was opened: one that cannot be any more has changed. */
static errint_t measure_task(void *context, struct probe_worker *worker, size_t index, struct ic_why *why)
{
	struct sample *s = context;
	struct ic_why own = {""};
	errint_t err = measure_image(s, worker, index, &own);
	if (!err)
		return 0;
	return ic_fail(why, err == -EBADMSG ? -ESTALE : err, "%.100s: %.80s",
	               s->probe->dataset.images[s->image[index]].path, ic_why_text(&own, err));
}

static errint_t judge(const struct sample *s, const struct probe_classifier *classifier, size_t first, size_t n,
                      struct probe_judgement *ret)
{
	struct probe_judgement j = {.nimages = n, .right = malloc(n), .loss = malloc(n * sizeof *j.loss)};
	errint_t err = j.right && j.loss ? 0 : -ENOMEM;
	if (!err)
		err = probe_classifier_judge(classifier, s->features + first * PROBE_NFEATURES, n, s->label + first,
		                             j.right, j.loss);
	if (err) {
		free(j.right);
		free(j.loss);
		return err;
	}
	size_t nright = 0;
	for (size_t i = 0; i < n; i++) {
		nright += j.right[i];
		j.log_loss += j.loss[i];
	}
	j.accuracy = (double)nright / (double)n;
	j.log_loss /= (double)n;
	*ret = j;
	return 0;
}

static errint_t fit_and_judge(const struct sample *s, bool selects, bool tells_truth, struct probe_report *report,
                              struct ic_why *why)
{
	const struct evaluator_description *d = &s->probe->description;
	struct probe_classifier *classifier;
	double begun = probe_thread_seconds();
	errint_t err =
	        probe_classifier_fit(s->features, s->ntrain, PROBE_NFEATURES, s->label, d->nclasses, &classifier, why);
	if (err)
		return err;
	double fitted = probe_thread_seconds();
	size_t first = s->ntrain;
	if (selects)
		err = judge(s, classifier, first, d->nselect, &report->side[EVALUATOR_SELECT]);
	first += selects ? d->nselect : 0;
	if (tells_truth && !err)
		err = judge(s, classifier, first, d->ntruth, &report->side[EVALUATOR_TRUTH]);
	report->fit_s = fitted - begun;
	report->judge_s = probe_thread_seconds() - fitted;
	report->loo_accuracy = probe_classifier_choice(classifier).loo_accuracy;
	probe_classifier_free(classifier);
	return err ? ic_fail(why, err, "out of memory") : 0;
}

static errint_t measure(struct probe *p, struct sample *s, const struct evaluator_job *job, struct probe_report *report,
                        struct ic_why *why)
{
	uint64_t nmade = probe_objects_nmade(p->objects), nread = probe_objects_nread(p->objects);
	errint_t err = probe_objects_begin(p->objects, &job->design);
	if (err)
		return ic_fail(why, err, "out of memory");
	probe_workers_take_seconds(p->workers);
	err = probe_work(p->workers, measure_task, s, s->n, p->cancelled, why);
	struct probe_worker seconds = probe_workers_take_seconds(p->workers);
	report->ntrain = s->ntrain;
	report->nmade = probe_objects_nmade(p->objects) - nmade;
	report->nread = probe_objects_nread(p->objects) - nread;
	report->coefs_nbytes = p->coefs_nbytes;
	report->file_nbytes = p->file_nbytes;
	report->object_s = seconds.object_s;
	report->decode_s = seconds.decode_s;
	report->features_s = seconds.features_s;
	return err;
}

/* The accuracy on the images to select by where only a part of those of `whole` were trained on. */
static errint_t fit_part(const struct sample *whole, const struct evaluator_job *job, double *ret_accuracy,
                         struct ic_why *why)
{
	const size_t size = PROBE_NFEATURES * sizeof *whole->features;
	struct probe_report report = {.ntrain = 0};
	struct sample part;
	errint_t err = sample_init(&part, whole->probe, job, true, false);
	if (err) {
		sample_clear(&part);
		return ic_fail(why, err, "out of memory for a part of the images");
	}
	/* Trained on all, image i of the dataset is image i of the sample; those to select by come next in both. */
	for (size_t i = 0; i < part.n; i++)
		memcpy(part.features + i * PROBE_NFEATURES, whole->features + part.image[i] * PROBE_NFEATURES, size);
	err = fit_and_judge(&part, true, false, &report, why);
	*ret_accuracy = report.side[EVALUATOR_SELECT].accuracy;
	probe_report_clear(&report);
	sample_clear(&part);
	return err;
}

/* And of each of n parts, where there are any, of the images trained on. */
static errint_t measure_job(struct probe *p, const struct evaluator_job *job, bool selects, bool tells_truth,
                            const double *fractions, size_t n, double *ret_accuracy, struct probe_report *ret_report,
                            struct ic_why *why)
{
	double begun = probe_wall_seconds();
	struct evaluator_job part = *job;
	struct probe_report report = {.ntrain = 0};
	struct sample sample;
	errint_t err = sample_init(&sample, p, job, selects, tells_truth);
	if (err)
		ic_fail(why, err, "out of memory for the features of %zu images", p->dataset.nimages);
	if (!err)
		err = measure(p, &sample, job, &report, why);
	if (!err)
		err = fit_and_judge(&sample, selects, tells_truth, &report, why);
	for (size_t i = 0; i < n && !err; i++) {
		part.fraction = fractions[i];
		err = fit_part(&sample, &part, &ret_accuracy[i], why);
	}
	sample_clear(&sample);
	report.wall_s = probe_wall_seconds() - begun;
	if (err)
		probe_report_clear(&report);
	else
		*ret_report = report;
	return err;
}

errint_t probe_measure(struct probe *p, const struct evaluator_job *job, bool selects, bool tells_truth,
                       struct probe_report *ret_report, struct ic_why *why)
{
	if (!ic_design_is_valid(&job->design) || !(job->fraction > 0 && job->fraction <= 1) || job->init || job->save)
		return ic_fail(why, -EINVAL, "the job is not one for the probe");
	return measure_job(p, job, selects, tells_truth, NULL, 0, NULL, ret_report, why);
}

errint_t probe_measure_parts(struct probe *p, const struct evaluator_job *job, const double *fractions, size_t n,
                             double *ret_accuracy, struct probe_report *ret_report, struct ic_why *why)
{
	if (!ic_design_is_valid(&job->design) || job->fraction != 1 || job->init || job->save)
		return ic_fail(why, -EINVAL, "the job is not one for the probe");
	return measure_job(p, job, true, true, fractions, n, ret_accuracy, ret_report, why);
}

void probe_report_clear(struct probe_report *report)
{
	for (unsigned s = 0; s < 2; s++) {
		free(report->side[s].right);
		free(report->side[s].loss);
	}
	*report = (struct probe_report){.ntrain = 0};
}
