/* SPDX-License-Identifier: MIT */
#include "search/probe_objects_priv.h"

#include "codec/make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct family {
	struct ic_design dense;
	uint8_t **objects; /* by image; NULL where it is not made, or not kept */
	size_t nkept;      /* images from the first on that there is room for */
	uint64_t nbytes;   /* what they take, once all are made */
	uint64_t used;     /* when it was begun last, by a count */
	struct family *next;
};

struct probe_objects {
	const struct probe_dataset *dataset;
	const struct probe_keeper *keeper;
	uint64_t nbytes_max, nbytes;
	struct family *families;
	uint64_t nbegun;
	struct ic_design *expected;
	size_t nexpected, at; /* the next one that is expected */
	struct ic_design design;
	struct family *current;
	_Atomic uint64_t nmade, nread;
};

/* The dense design that this one is derived from. */
static struct ic_design dense_of(const struct ic_design *design)
{
	struct ic_design dense = ic_design_at_q8(design);
	dense.keep = (uint8_t)(2 * design->block - 1);
	dense.order = IC_ORDER_HIGH;
	return dense;
}

errint_t probe_objects_new(const struct probe_dataset *dataset, const struct probe_keeper *keeper, uint64_t nbytes_max,
                           struct probe_objects **ret_objects)
{
	struct probe_objects *o = calloc(1, sizeof *o);
	if (!o)
		return -ENOMEM;
	o->dataset = dataset;
	o->keeper = keeper;
	o->nbytes_max = nbytes_max;
	*ret_objects = o;
	return 0;
}

static void family_free(struct family *family, size_t nimages)
{
	for (size_t i = 0; i < nimages; i++)
		free(family->objects[i]);
	free(family->objects);
	free(family);
}

void probe_objects_free(struct probe_objects *o)
{
	if (!o)
		return;
	while (o->families) {
		struct family *next = o->families->next;
		family_free(o->families, o->dataset->nimages);
		o->families = next;
	}
	free(o->expected);
	free(o);
}

uint64_t probe_objects_nmade(const struct probe_objects *o)
{
	return o->nmade;
}

uint64_t probe_objects_nread(const struct probe_objects *o)
{
	return o->nread;
}

/* --- Which families are kept -------------------------------------------------------------------------------------- */

errint_t probe_objects_expect(struct probe_objects *o, const struct ic_design *designs, size_t n)
{
	struct ic_design *copy = malloc((n + 1) * sizeof *copy);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		copy[i] = dense_of(&designs[i]);
	free(o->expected);
	o->expected = copy;
	o->nexpected = n;
	o->at = 0;
	return 0;
}

/* How many designs from now a family is wanted again; the number of those to come where it is not. */
static size_t wait_of(const struct probe_objects *o, const struct family *family)
{
	size_t i = o->at;
	while (i < o->nexpected && !ic_design_equal(&o->expected[i], &family->dense))
		i++;
	return i - o->at;
}

/* Whether `a` is to go rather than `b`: what is wanted later, else what was used longer ago. */
static bool goes_before(const struct probe_objects *o, const struct family *a, const struct family *b)
{
	size_t wait_a = wait_of(o, a), wait_b = wait_of(o, b);
	return wait_a != wait_b ? wait_a > wait_b : a->used < b->used;
}

static void drop_one(struct probe_objects *o)
{
	struct family **worst = &o->families;
	for (struct family **at = &(*worst)->next; *at; at = &(*at)->next)
		if (goes_before(o, *at, *worst))
			worst = at;
	struct family *family = *worst;
	*worst = family->next;
	o->nbytes -= family->nbytes;
	family_free(family, o->dataset->nimages);
}

static uint64_t object_nbytes(const struct probe_image *image, const struct ic_design *dense)
{
	struct ic_layout layout;
	errint_t err = ic_layout_init(&layout, dense, image->width, image->height, image->ncomponents);
	return err ? 0 : layout.nbytes;
}

/* Room for as many of its objects as fit, in place of those of other families. */
static void make_room(struct probe_objects *o, struct family *family)
{
	const struct probe_dataset *d = o->dataset;
	for (family->nkept = 0; family->nkept < d->nimages; family->nkept++) {
		uint64_t nbytes = object_nbytes(&d->images[family->nkept], &family->dense);
		if (family->nbytes + nbytes > o->nbytes_max)
			break;
		family->nbytes += nbytes;
	}
	while (o->families && o->nbytes + family->nbytes > o->nbytes_max)
		drop_one(o);
	o->nbytes += family->nbytes;
}

static struct family *find(const struct probe_objects *o, const struct ic_design *dense)
{
	struct family *family = o->families;
	while (family && !ic_design_equal(&family->dense, dense))
		family = family->next;
	return family;
}

static struct family *family_new(struct probe_objects *o, const struct ic_design *dense)
{
	struct family *family = calloc(1, sizeof *family);
	uint8_t **objects = calloc(o->dataset->nimages + 1, sizeof *objects);
	if (!family || !objects) {
		free(family);
		free(objects);
		return NULL;
	}
	family->dense = *dense;
	family->objects = objects;
	make_room(o, family);
	family->next = o->families;
	o->families = family;
	return family;
}

errint_t probe_objects_begin(struct probe_objects *o, const struct ic_design *design)
{
	struct ic_design dense = dense_of(design);
	for (size_t i = o->at; i < o->nexpected; i++) {
		if (ic_design_equal(&o->expected[i], &dense)) {
			o->at = i + 1;
			break;
		}
	}
	struct family *family = find(o, &dense);
	if (!family)
		family = family_new(o, &dense);
	if (!family)
		return -ENOMEM;
	family->used = ++o->nbegun;
	o->current = family;
	o->design = *design;
	return 0;
}

/* --- Objects ------------------------------------------------------------------------------------------------------ */

static errint_t make_of_file(struct probe_objects *o, const struct probe_image *image, uint8_t **ret_bytes,
                             size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_variant variant = {.design = o->current->dense, .face = IC_FACE_IC};
	uint8_t *source;
	size_t nbytes;
	errint_t err = probe_read(o->dataset, image, &source, &nbytes);
	if (err)
		return ic_fail(why, err, "cannot read it");
	o->nread++;
	err = ic_make(source, nbytes, &variant, NULL, ret_bytes, ret_nbytes, why);
	free(source);
	return err;
}

static errint_t make_dense(struct probe_objects *o, const struct probe_image *image, uint8_t **ret_bytes,
                           size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_coefs *coefs;
	struct ic_coefs *copy;
	o->nmade++;
	errint_t err = probe_keeper_get(o->keeper, &image->kept, &coefs, &copy);
	if (err)
		return ic_fail(why, err, "out of memory");
	if (!coefs)
		return make_of_file(o, image, ret_bytes, ret_nbytes, why);
	err = ic_encode_coefs(coefs, &o->current->dense, NULL, ret_bytes, ret_nbytes, why);
	ic_coefs_free(copy);
	return err;
}

/* The view of a sparser design: of the same bytes where it is a head of them, else of its own. */
static errint_t make_sparse(const struct probe_objects *o, const struct ic_view *dense, struct probe_object *object,
                            struct ic_why *why)
{
	const struct ic_design *design = &o->design;
	size_t nbytes;
	if (design->bits == dense->layout.design.bits && design->order == dense->layout.design.order)
		return ic_view_parse_prefix(&object->view, dense->bytes, dense->layout.nbytes, design->keep, why);
	errint_t err = ic_derive(dense, design, &object->owned, &nbytes, why);
	return err ? err : ic_view_parse(&object->view, object->owned, nbytes, why);
}

errint_t probe_objects_get(struct probe_objects *o, size_t image, struct probe_object *ret_object, struct ic_why *why)
{
	struct family *family = o->current;
	struct probe_object object = {.owned = NULL};
	uint64_t nbytes = object_nbytes(&o->dataset->images[image], &family->dense);
	uint8_t *bytes = family->objects[image];
	errint_t err = 0;
	if (!bytes) {
		size_t made;
		err = make_dense(o, &o->dataset->images[image], &bytes, &made, why);
		if (err)
			return err;
		if (image < family->nkept && made == nbytes)
			family->objects[image] = bytes;
		else
			object.dense = bytes;
		err = made == nbytes ? 0 : ic_fail(why, -ESTALE, "it has another size than it had");
	}
	struct ic_view dense;
	if (!err)
		err = ic_view_parse(&dense, bytes, nbytes, why);
	if (!err)
		err = make_sparse(o, &dense, &object, why);
	if (err)
		probe_object_clear(&object);
	else
		*ret_object = object;
	return err;
}

void probe_object_clear(struct probe_object *object)
{
	free(object->owned);
	free(object->dense);
}
