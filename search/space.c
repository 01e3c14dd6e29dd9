/* SPDX-License-Identifier: MIT */
#include "search/space.h"

#include "codec/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* sum += a * b, or false. */
static bool add_product(uint64_t *sum, uint64_t a, uint64_t b)
{
	uint64_t product;

	return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(*sum, product, sum);
}

static int compare_shapes(const void *left, const void *right)
{
	const struct space_shape *a = left, *b = right;

	if (a->width != b->width)
		return a->width < b->width ? -1 : 1;
	if (a->height != b->height)
		return a->height < b->height ? -1 : 1;
	return (a->ncomponents > b->ncomponents) - (a->ncomponents < b->ncomponents);
}

size_t space_merge(struct space_shape *shapes, size_t nshapes)
{
	size_t nleft = 0;

	if (nshapes == 0)
		return 0;
	qsort(shapes, nshapes, sizeof(*shapes), compare_shapes);
	for (size_t i = 1; i < nshapes; i++) {
		struct space_shape *last = &shapes[nleft];
		uint64_t count;

		if (compare_shapes(last, &shapes[i]) == 0 &&
		    !__builtin_add_overflow(last->count, shapes[i].count, &count))
			last->count = count;
		else
			shapes[++nleft] = shapes[i];
	}
	return nleft + 1;
}

/* The sizes of the objects, or of their data alone. */
static errint_t sum_sizes(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                          bool data_only, uint64_t *ret_nbytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nshapes; i++) {
		const struct space_shape *shape = &shapes[i];
		struct ic_layout layout;
		errint_t err = ic_layout_init(&layout, design, shape->width, shape->height, shape->ncomponents);

		if (err)
			return err;
		if (!add_product(&sum, data_only ? layout.data_nbytes : layout.nbytes, shape->count))
			return -EFBIG;
	}
	*ret_nbytes = sum;
	return 0;
}

errint_t space_of_design(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                         uint64_t *ret_nbytes)
{
	if (!ic_design_is_valid(design))
		return -EINVAL;
	return sum_sizes(shapes, nshapes, design, false, ret_nbytes);
}

/* Sources of one and of three components: out[0] and out[1]. */
static errint_t count_sources(const struct space_shape *shapes, size_t nshapes, uint64_t out[2])
{
	out[0] = out[1] = 0;
	for (size_t i = 0; i < nshapes; i++) {
		if (!add_product(&out[shapes[i].ncomponents != 1], shapes[i].count, 1))
			return -EFBIG;
	}
	return 0;
}

/* Add what stands before the data in every object: it depends on the design and the components, not on the size. */
static errint_t add_heads(const struct ic_design *design, const uint64_t counts[2], uint64_t *sum)
{
	for (unsigned i = 0; i < 2; i++) {
		struct ic_layout layout;
		errint_t err = ic_layout_init(&layout, design, 1, 1, i ? 3 : 1);

		if (err)
			return err;
		if (!add_product(sum, layout.data_offset, counts[i]))
			return -EFBIG;
	}
	return 0;
}

errint_t space_of_base(const struct space_shape *shapes, size_t nshapes, uint64_t out[IC_DESIGN_COUNT])
{
	uint64_t sums[IC_DESIGN_COUNT] = {0}, counts[2];
	uint64_t first[9] = {0}; /* data of k1 of the sampling and block at hand, by bits */
	errint_t err = count_sources(shapes, nshapes, counts);

	/* All planes of a component have the same size, and k1 keeps one plane of each component: the data of kK is that of
	 * k1 times the frequencies that kK keeps. k1 comes first in the order of designs. */
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++) {
		struct ic_design design;

		err = ic_design_at(i, &design);
		if (!err && design.keep == 1)
			err = sum_sizes(shapes, nshapes, &design, true, &first[design.bits]);
		if (!err && !add_product(&sums[i], first[design.bits], ic_design_nfreqs(&design)))
			err = -EFBIG;
		if (!err)
			err = add_heads(&design, counts, &sums[i]);
	}
	if (!err)
		memcpy(out, sums, sizeof(sums));
	return err;
}
