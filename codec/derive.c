/* SPDX-License-Identifier: MIT */
#include "codec/encode.h"

#include "codec/object_priv.h"

#include <errno.h>
#include <string.h>

/* Where each frequency lies in the dense object: index[v][u]. */
static void index_freqs(const struct ic_design *design, uint16_t index[IC_BLOCK_MAX][IC_BLOCK_MAX])
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	ic_design_freqs(design, freqs);
	for (unsigned f = 0; f < ic_design_nfreqs(design); f++)
		index[freqs[f].v][freqs[f].u] = (uint16_t)f;
}

static void fill(struct object *object, const struct ic_view *dense)
{
	uint16_t index[IC_BLOCK_MAX][IC_BLOCK_MAX];
	const struct ic_layout *l = &object->layout;
	index_freqs(&dense->layout.design, index);
	for (unsigned p = 0; p < l->nplanes; p++) {
		struct ic_freq freq = object->freqs[p / l->ncomponents];
		unsigned from = index[freq.v][freq.u] * l->ncomponents + p % l->ncomponents;
		if (l->design.bits == dense->layout.design.bits)
			object_copy_plane(object, p, dense, from);
		else /* at 8 bits the packed codes are the codes */
			object_put_plane(object, p, (const int8_t *)ic_view_plane_data(dense, from),
			                 ic_view_plane_params(dense, from).step);
	}
	object_put_header(object, dense->orientation, dense->flags);
}

errint_t ic_derive(const struct ic_view *dense, const struct ic_design *design, uint8_t **ret_object,
                   size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_layout *from = &dense->layout;
	if (!ic_design_is_valid(design) || !ic_design_covers(&from->design, design))
		return ic_fail(why, -EINVAL, "the object's design does not hold what the other one asks for");

	struct object object = {0};
	errint_t err = object_init(&object, design, from->source_width, from->source_height, from->ncomponents, why);
	if (err)
		return err;
	fill(&object, dense);
	*ret_nbytes = object.layout.nbytes;
	*ret_object = object_steal(&object);
	return 0;
}
