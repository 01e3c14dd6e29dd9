/* SPDX-License-Identifier: MIT */
#include "codec/object_priv.h"

#include "codec/codes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

errint_t object_init(struct object *o, const struct ic_design *design, uint32_t source_width, uint32_t source_height,
                     unsigned ncomponents, struct ic_why *why)
{
	errint_t err = ic_layout_init(&o->layout, design, source_width, source_height, ncomponents);
	if (err)
		return ic_fail(why, err, "no object can have %u x %u pixels and %u components", source_width,
		               source_height, ncomponents);
	o->bytes = malloc(o->layout.nbytes);
	if (!o->bytes)
		return ic_fail(why, -ENOMEM, "out of memory for an object of %llu bytes",
		               (unsigned long long)o->layout.nbytes);
	memset(o->bytes, 0, o->layout.data_offset);
	ic_design_freqs(design, o->freqs);
	o->nu = o->nv = 0;
	for (unsigned f = 0; f < o->layout.nfreqs; f++) {
		o->nu = o->freqs[f].u >= o->nu ? o->freqs[f].u + 1u : o->nu;
		o->nv = o->freqs[f].v >= o->nv ? o->freqs[f].v + 1u : o->nv;
	}
	return 0;
}

void object_clear(struct object *o)
{
	free(o->bytes);
	o->bytes = NULL;
}

static void put_params(struct object *o, unsigned p, struct ic_plane_params params)
{
	uint8_t *entry = o->bytes + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p;
	entry[0] = params.step;
	entry[1] = params.nbits;
	entry[2] = params.mean_nonneg;
	entry[3] = params.mean_neg;
}

void object_put_plane(struct object *o, unsigned p, const int8_t *codes, uint8_t step)
{
	const struct ic_layout *l = &o->layout;
	size_t n = l->component[p % l->ncomponents].nblocks;
	struct ic_plane_params params = codes_params(codes, n, step, l->design.bits);
	put_params(o, p, params);
	codes_pack(codes, n, params, l->design.bits, o->bytes + ic_layout_plane_offset(l, p));
}

void object_copy_plane(struct object *o, unsigned p, const struct ic_view *from, unsigned from_p)
{
	const struct ic_layout *l = &o->layout;
	put_params(o, p, ic_view_plane_params(from, from_p));
	memcpy(o->bytes + ic_layout_plane_offset(l, p), ic_view_plane_data(from, from_p),
	       l->component[p % l->ncomponents].plane_nbytes);
}

void object_put_header(struct object *o, uint8_t orientation, uint16_t flags)
{
	ic_header_write(o->bytes, &o->layout, orientation, flags);
}

uint8_t *object_steal(struct object *o)
{
	uint8_t *bytes = o->bytes;
	o->bytes = NULL;
	return bytes;
}
