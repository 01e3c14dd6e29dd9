/* SPDX-License-Identifier: MIT */
#include "codec/make.h"
#include "codec/encode.h"
#include "codec/present.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes a sample of luma's grid that presenting takes at most: coefficients or samples of three components as we hold
 * them, and again as libjpeg does (6 and 6), and the result as it grows (12). */
#define PRESENT_MEMORY 24

static errint_t present(const struct ic_view *view, enum ic_face face, const uint8_t *markers, size_t markers_nbytes,
                        uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	if (view->flags & IC_FLAG_TRUNCATED)
		return ic_fail(why, -EBADMSG, "the JPEG's data ends early");
	if (face == IC_FACE_BMP)
		return ic_present_bmp(view, ret_bytes, ret_nbytes, why);
	return ic_present_jpeg(view, markers, markers_nbytes, ret_bytes, ret_nbytes, why);
}

static errint_t get_markers(const uint8_t *jpeg, size_t nbytes, const struct ic_limits *limits, uint8_t **ret_markers,
                            size_t *ret_nbytes, struct ic_why *why)
{
	struct ic_jpeg_info info;
	errint_t err = ic_jpeg_probe(jpeg, nbytes, true, limits, &info, why);

	return err ? err : ic_jpeg_markers(jpeg, nbytes, &info, ret_markers, ret_nbytes, why);
}

static errint_t copy(const uint8_t *jpeg, size_t nbytes, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *bytes = malloc(nbytes ? nbytes : 1);

	if (!bytes)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (nbytes)
		memcpy(bytes, jpeg, nbytes);
	*ret_bytes = bytes;
	*ret_nbytes = nbytes;
	return 0;
}

errint_t ic_make(const uint8_t *jpeg, size_t nbytes, const struct ic_variant *variant, const struct ic_limits *limits,
                 uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *object, *markers = NULL;
	size_t object_nbytes, markers_nbytes = 0;
	struct ic_view view;

	if (variant->face == IC_FACE_ORIG)
		return copy(jpeg, nbytes, ret_bytes, ret_nbytes, why);
	errint_t err = ic_encode_jpeg(jpeg, nbytes, &variant->design, limits, &object, &object_nbytes, why);
	if (err)
		return err;
	if (variant->face == IC_FACE_IC) {
		*ret_bytes = object;
		*ret_nbytes = object_nbytes;
		return 0;
	}
	err = ic_view_parse(&view, object, object_nbytes, why);
	if (!err && variant->keeps_metadata)
		err = get_markers(jpeg, nbytes, limits, &markers, &markers_nbytes, why);
	if (!err)
		err = present(&view, variant->face, markers, markers_nbytes, ret_bytes, ret_nbytes, why);
	free(markers);
	free(object);
	return err;
}

errint_t ic_make_from_object(const struct ic_view *object, const struct ic_variant *variant, uint8_t **ret_bytes,
                             size_t *ret_nbytes, struct ic_why *why)
{
	struct ic_view view;
	uint8_t *sparse;
	size_t nbytes;

	if (variant->face == IC_FACE_ORIG)
		return ic_fail(why, -EINVAL, "an object does not hold its source, which the face orig shows");
	errint_t err = ic_derive(object, &variant->design, &sparse, &nbytes, why);
	if (err)
		return err;
	if (variant->face == IC_FACE_IC) {
		*ret_bytes = sparse;
		*ret_nbytes = nbytes;
		return 0;
	}
	err = ic_view_parse(&view, sparse, nbytes, why);
	if (!err)
		err = present(&view, variant->face, NULL, 0, ret_bytes, ret_nbytes, why);
	free(sparse);
	return err;
}

errint_t ic_make_from_object_of(const struct ic_view *object, const uint8_t *jpeg, size_t nbytes,
                                const struct ic_variant *variant, const struct ic_limits *limits, uint8_t **ret_bytes,
                                size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *sparse, *markers = NULL;
	size_t sparse_nbytes, markers_nbytes = 0;
	struct ic_view view;

	if (variant->face != IC_FACE_JPEG || !variant->keeps_metadata)
		return ic_make_from_object(object, variant, ret_bytes, ret_nbytes, why);
	errint_t err = ic_derive(object, &variant->design, &sparse, &sparse_nbytes, why);
	if (err)
		return err;
	err = ic_view_parse(&view, sparse, sparse_nbytes, why);
	if (!err)
		err = get_markers(jpeg, nbytes, limits, &markers, &markers_nbytes, why);
	if (!err)
		err = present(&view, variant->face, markers, markers_nbytes, ret_bytes, ret_nbytes, why);
	free(markers);
	free(sparse);
	return err;
}

uint64_t ic_make_nbytes(const struct ic_layout *layout, enum ic_face face)
{
	if (face == IC_FACE_IC)
		return layout->nbytes;
	return face == IC_FACE_BMP ? ic_bmp_nbytes(layout) : 0;
}

uint64_t ic_make_memory(const struct ic_jpeg_info *info, const struct ic_variant *variant)
{
	const struct ic_design *design = &variant->design;
	uint64_t encoding = ic_encode_memory(info, design), presenting = 0;
	struct ic_layout layout;

	if (variant->face != IC_FACE_IC &&
	    !ic_layout_init(&layout, design, info->width, info->height, info->nobject_components))
		presenting =
		        layout.nbytes + layout.component[0].nblocks * design->block * design->block * PRESENT_MEMORY;
	return encoding > presenting ? encoding : presenting;
}
