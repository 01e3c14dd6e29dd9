/* SPDX-License-Identifier: MIT */
#include "codec/make.h"
#include "codec/encode.h"
#include "codec/jpeg_segments_priv.h"
#include "codec/limits_priv.h"
#include "codec/present.h"
#include "codec/tensor_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool carries_metadata(const struct ic_variant *variant)
{
	return variant->face == IC_FACE_JPEG && variant->keeps_metadata;
}

/* Of the variant's object that is made of a denser one. */
static errint_t derived_layout(const struct ic_layout *dense, const struct ic_variant *variant,
                               struct ic_layout *ret_layout)
{
	return ic_layout_init(ret_layout, &variant->design, dense->source_width, dense->source_height,
	                      dense->ncomponents);
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

/* Bytes a sample that presenting takes at most: the sample (1), a symbol for each coefficient (4), and twice the bits that
 * those are coded in, which are ten for noise (2.5). */
#define PRESENT_MEMORY 8

/* And whatever the size: for each plane what its 256 codes become; headers. */
#define PLANE_MEMORY (256 * sizeof(int16_t))
#define HEADERS_MEMORY 8192

/* The JPEG's own segments are there twice at a time: as they are kept, and in what they are presented in. */
#define MARKERS_MEMORY 2

/* With blocks of an object and MCUs of a JPEG filled up. */
static uint64_t filled_up(uint32_t side)
{
	return (side + IC_BLOCK_MAX - 1) / IC_BLOCK_MAX * IC_BLOCK_MAX;
}

/* Of an object of the variant's design, which is there, too, with as many bytes of metadata. */
static uint64_t presenting_memory(const struct ic_layout *layout, enum ic_face face, uint64_t markers_nbytes)
{
	if (face == IC_FACE_IC)
		return 0;
	uint64_t nbytes = layout->nbytes + layout->nplanes * PLANE_MEMORY + HEADERS_MEMORY + tensor_memory(layout) +
	                  MARKERS_MEMORY * markers_nbytes;
	if (face == IC_FACE_BMP)
		return nbytes + ic_bmp_nbytes(layout);
	for (unsigned c = 0; c < layout->ncomponents; c++)
		nbytes +=
		        filled_up(layout->component[c].width) * filled_up(layout->component[c].height) * PRESENT_MEMORY;
	return nbytes;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t memory_from_jpeg(const struct ic_jpeg_info *info, const struct ic_variant *variant,
                                 uint64_t markers_nbytes)
{
	uint64_t encoding = ic_encode_memory(info, &variant->design), presenting = 0;
	struct ic_layout layout;

	if (!ic_layout_init(&layout, &variant->design, info->width, info->height, info->nobject_components))
		presenting = presenting_memory(&layout, variant->face, markers_nbytes);
	return larger(encoding, presenting);
}

uint64_t ic_make_memory_from_object(const struct ic_layout *object, const struct ic_variant *variant)
{
	struct ic_layout layout;

	if (derived_layout(object, variant, &layout))
		return 0;
	return larger(layout.nbytes, presenting_memory(&layout, variant->face, 0));
}

/* --- Checks ------------------------------------------------------------------------------------------------------- */

/* A picture that is not all there is no other file's. */
static errint_t check_flags(unsigned flags, struct ic_why *why)
{
	if (flags & IC_FLAG_TRUNCATED)
		return ic_fail(why, -EBADMSG, "the JPEG's data ends early");
	if (flags & IC_FLAG_DAMAGED)
		return ic_fail(why, -EBADMSG, "the JPEG's data are damaged");
	return 0;
}

static errint_t check_memory(uint64_t needed, const struct ic_limits *limits, struct ic_why *why)
{
	return limits_check_memory(limits, needed, why, "making it needs");
}

static errint_t fail_uncovered(const struct ic_design *has, const struct ic_design *asked, struct ic_why *why)
{
	char has_text[IC_DESIGN_STRING_SIZE], asked_text[IC_DESIGN_STRING_SIZE];

	ic_design_print(has, has_text);
	ic_design_print(asked, asked_text);
	return ic_fail(why, -EINVAL, "its design %s does not hold what %s asks for; only the JPEG does", has_text,
	               asked_text);
}

errint_t ic_make_check_object(const struct ic_view *header, const struct ic_variant *variant,
                              const struct ic_limits *limits, struct ic_why *why)
{
	const struct ic_layout *l = &header->layout;

	if (!ic_design_is_valid(&variant->design))
		return ic_fail(why, -EINVAL, "not a valid design");
	if (!ic_design_covers(&l->design, &variant->design))
		return fail_uncovered(&l->design, &variant->design, why);
	errint_t err = variant->face == IC_FACE_IC ? 0 : check_flags(header->flags, why);
	if (!err)
		err = limits_check_pixels(limits, l->width, l->height, why);
	if (!err)
		err = limits_check_memory(limits, ic_make_memory_from_object(l, variant), why, "%u x %u pixels need",
		                          l->width, l->height);
	return err;
}

errint_t ic_make_check_jpeg(const struct ic_jpeg_info *info, const struct ic_variant *variant,
                            const struct ic_limits *limits, struct ic_why *why)
{
	return check_memory(memory_from_jpeg(info, variant, 0), limits, why);
}

errint_t ic_make_check_presenting(const struct ic_layout *object, const struct ic_variant *variant,
                                  const struct ic_limits *limits, struct ic_why *why)
{
	struct ic_layout layout;
	errint_t err = derived_layout(object, variant, &layout);

	return err ? err : check_memory(presenting_memory(&layout, variant->face, 0), limits, why);
}

/* --- From a source to an object of the variant's design, and on to what it is served as ----------------------------- */

static errint_t get_markers(const uint8_t *jpeg, size_t nbytes, const struct ic_limits *limits, uint8_t **ret_markers,
                            size_t *ret_nbytes, struct ic_why *why)
{
	struct ic_jpeg_info info;
	errint_t err = ic_jpeg_probe(jpeg, nbytes, true, limits, &info, why);

	return err ? err : ic_jpeg_markers(jpeg, nbytes, &info, ret_markers, ret_nbytes, why);
}

/* The object's memory becomes this function's. The metadata are those of `jpeg`, which may be NULL. */
static errint_t present(uint8_t *object, size_t object_nbytes, const uint8_t *jpeg, size_t nbytes,
                        const struct ic_variant *variant, const struct ic_limits *limits, uint8_t **ret_bytes,
                        size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *markers = NULL;
	size_t markers_nbytes = 0;
	struct ic_view view;

	if (variant->face == IC_FACE_IC) {
		*ret_bytes = object;
		*ret_nbytes = object_nbytes;
		return 0;
	}
	errint_t err = ic_view_parse(&view, object, object_nbytes, why);
	if (!err && jpeg && carries_metadata(variant))
		err = get_markers(jpeg, nbytes, limits, &markers, &markers_nbytes, why);
	if (!err)
		err = check_memory(presenting_memory(&view.layout, variant->face, markers_nbytes), limits, why);
	if (!err)
		err = check_flags(view.flags, why);
	if (!err)
		err = variant->face == IC_FACE_BMP
		              ? ic_present_bmp(&view, ret_bytes, ret_nbytes, why)
		              : ic_present_jpeg(&view, markers, markers_nbytes, ret_bytes, ret_nbytes, why);
	free(markers);
	free(object);
	return err;
}

static errint_t make_from_jpeg(const uint8_t *jpeg, size_t nbytes, const struct ic_variant *variant,
                               const struct ic_limits *limits, uint8_t **ret_bytes, size_t *ret_nbytes,
                               struct ic_why *why)
{
	uint8_t *object;
	size_t object_nbytes;

	errint_t err = ic_encode_jpeg(jpeg, nbytes, &variant->design, limits, &object, &object_nbytes, why);
	if (err)
		return err;
	return present(object, object_nbytes, jpeg, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
}

errint_t ic_make_from_object_of(const struct ic_view *object, const uint8_t *jpeg, size_t nbytes,
                                const struct ic_variant *variant, const struct ic_limits *limits, uint8_t **ret_bytes,
                                size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *sparse;
	size_t sparse_nbytes;

	if (variant->face == IC_FACE_ORIG)
		return ic_fail(why, -EINVAL, "an object does not hold its source, which the face orig shows");
	errint_t err = ic_derive(object, &variant->design, &sparse, &sparse_nbytes, why);
	if (err)
		return err;
	return present(sparse, sparse_nbytes, jpeg, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
}

errint_t ic_make_from_object(const struct ic_view *object, const struct ic_variant *variant, uint8_t **ret_bytes,
                             size_t *ret_nbytes, struct ic_why *why)
{
	static const struct ic_limits none = {0};

	return ic_make_from_object_of(object, NULL, 0, variant, &none, ret_bytes, ret_nbytes, why);
}

static errint_t copy(const uint8_t *source, size_t nbytes, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *bytes = malloc(nbytes ? nbytes : 1);

	if (!bytes)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (nbytes)
		memcpy(bytes, source, nbytes);
	*ret_bytes = bytes;
	*ret_nbytes = nbytes;
	return 0;
}

errint_t ic_make(const uint8_t *source, size_t nbytes, const struct ic_variant *variant, const struct ic_limits *limits,
                 uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	struct ic_view view;

	if (variant->face == IC_FACE_ORIG)
		return copy(source, nbytes, ret_bytes, ret_nbytes, why);
	if (!ic_is_magic(source, nbytes))
		return make_from_jpeg(source, nbytes, variant, limits, ret_bytes, ret_nbytes, why);
	errint_t err = ic_view_parse(&view, source, nbytes, why);
	if (!err)
		err = ic_make_check_object(&view, variant, limits, why);
	return err ? err : ic_make_from_object(&view, variant, ret_bytes, ret_nbytes, why);
}

/* --- What is known of it before ------------------------------------------------------------------------------------- */

uint64_t ic_make_nbytes(const struct ic_layout *layout, enum ic_face face)
{
	if (face == IC_FACE_IC)
		return layout->nbytes;
	return face == IC_FACE_BMP ? ic_bmp_nbytes(layout) : 0;
}

static errint_t estimate_from_object(const uint8_t *source, size_t nbytes, const struct ic_variant *variant,
                                     const struct ic_limits *limits, uint64_t *ret_nbytes, struct ic_why *why)
{
	struct ic_view header;

	errint_t err = ic_view_parse_header(&header, source, nbytes, why);
	if (!err)
		err = ic_make_check_object(&header, variant, limits, why);
	if (!err)
		*ret_nbytes = ic_make_memory_from_object(&header.layout, variant);
	return err;
}

static errint_t estimate_from_jpeg(const uint8_t *source, size_t nbytes, const struct ic_variant *variant,
                                   const struct ic_limits *limits, uint64_t *ret_nbytes, struct ic_why *why)
{
	struct ic_jpeg_info info;

	errint_t err = ic_jpeg_probe(source, nbytes, true, limits, &info, why);
	if (err)
		return err;
	size_t markers_nbytes = carries_metadata(variant) ? jpeg_markers_nbytes(source, nbytes, &info) : 0;
	uint64_t needed = memory_from_jpeg(&info, variant, markers_nbytes);
	err = check_memory(needed, limits, why);
	if (!err)
		*ret_nbytes = needed;
	return err;
}

errint_t ic_make_memory(const uint8_t *source, size_t nbytes, const struct ic_variant *variant,
                        const struct ic_limits *limits, uint64_t *ret_nbytes, struct ic_why *why)
{
	return ic_is_magic(source, nbytes) ? estimate_from_object(source, nbytes, variant, limits, ret_nbytes, why)
	                                   : estimate_from_jpeg(source, nbytes, variant, limits, ret_nbytes, why);
}
