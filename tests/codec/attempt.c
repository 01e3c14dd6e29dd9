/* SPDX-License-Identifier: MIT */
#include "attempt.h"

#include "codec/encode.h"
#include "codec/make.h"
#include "codec/present.h"
#include "attempt_tensor.h"
#include "decode_all.h"
#include "guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one attempt may decode, so that thousands of them take seconds. */
#define PIXELS_MAX (1u << 18)

static const struct ic_limits limits = {.pixels = PIXELS_MAX, .memory = 64u << 20, .scans = 20};

/* FNV-1a: choices that follow from the input, so that a crasher repeats. */
static struct dice dice_of(const uint8_t *bytes, size_t nbytes)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < nbytes; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return dice_new(hash);
}

/* --- Objects ----------------------------------------------------------------------------------------------------- */

static const char *check_derived(const struct ic_view *dense, const struct ic_design *design)
{
	uint8_t *object = NULL;
	size_t nbytes = 0;
	struct ic_view view;
	bool covered = ic_design_covers(&dense->layout.design, design);
	errint_t err = ic_derive(dense, design, &object, &nbytes, NULL);
	const char *problem = NULL;

	if (err)
		return covered || err != -EINVAL ? "ic_derive failed" : NULL;
	if (!covered)
		problem = "ic_derive made what its source does not cover";
	else if (ic_view_parse(&view, object, nbytes, NULL))
		problem = "a derived object is not valid";
	else if (view.layout.nbytes != nbytes)
		problem = "a derived object is not as large as its layout";
	free(object);
	return problem;
}

static const char *check_jpeg(const struct ic_view *view, const uint8_t *jpeg, size_t nbytes)
{
	const struct ic_layout *l = &view->layout;
	struct ic_jpeg_info info;

	if (ic_jpeg_probe(jpeg, nbytes, true, NULL, &info, NULL))
		return "a presented JPEG is none";
	if (info.width != l->width || info.height != l->height || info.ncomponents != l->ncomponents)
		return "a presented JPEG has another size than the object";
	return info.orientation == view->orientation ? NULL : "a presented JPEG has lost the orientation";
}

static const char *check_presented(const struct ic_view *view)
{
	uint8_t *bytes = NULL;
	size_t nbytes = 0;
	const char *problem;
	errint_t err = ic_present_jpeg(view, NULL, 0, &bytes, &nbytes, NULL);

	if (err)
		problem = err != -EFBIG ? "ic_present_jpeg failed" : NULL;
	else
		problem = check_jpeg(view, bytes, nbytes);
	free(bytes);
	if (problem)
		return problem;

	bytes = NULL;
	if (ic_present_bmp(view, &bytes, &nbytes, NULL))
		return "ic_present_bmp failed";
	free(bytes);
	return nbytes == ic_bmp_nbytes(&view->layout) ? NULL : "a presented BMP is not as large as its layout says";
}

/* Everything that may be asked of a view that was accepted. */
static const char *use_view(const struct ic_view *view, struct dice *dice)
{
	struct ic_design sparse = view->layout.design, other = design_random(dice);
	const char *problem;

	if ((uint64_t)view->layout.width * view->layout.height > PIXELS_MAX)
		return NULL;
	problem = decode_all(view);
	if (!problem)
		problem = attempt_tensors(view, dice);
	if (!problem)
		problem = check_presented(view);
	sparse.keep = (uint8_t)dice_between(dice, 1, sparse.keep);
	sparse.bits = (uint8_t)dice_between(dice, 1, 8);
	if (!problem)
		problem = check_derived(view, &sparse);
	if (!problem)
		problem = check_derived(view, &other);
	return problem;
}

static const char *view_bytes(const uint8_t *bytes, size_t nbytes, struct dice *dice)
{
	struct ic_view view;
	struct ic_why why = {""};
	errint_t err = ic_view_parse(&view, bytes, nbytes, &why);

	if (!err)
		return use_view(&view, dice);
	if (err != -EBADMSG && err != -EOPNOTSUPP && err != -ENODATA)
		return "ic_view_parse failed with an undocumented error";
	return why.text[0] ? NULL : "ic_view_parse failed and did not say why";
}

const char *attempt_view(const uint8_t *bytes, size_t nbytes)
{
	struct dice dice = dice_of(bytes, nbytes);
	struct guard guard = {0};
	const char *problem = view_bytes(guard_copy(&guard, bytes, nbytes), nbytes, &dice);

	if (!problem)
		problem = attempt_prefix(guard_tail(&guard, nbytes), nbytes, &dice);
	guard_clear(&guard);
	return problem;
}

/* --- JPEGs ------------------------------------------------------------------------------------------------------- */

static bool is_encode_error(errint_t err)
{
	return err == -EBADMSG || err == -EOPNOTSUPP || err == -EFBIG;
}

static const char *check_encoded(const struct ic_jpeg_info *info, const struct ic_design *design, const uint8_t *object,
                                 size_t nbytes, struct dice *dice)
{
	struct ic_layout layout;

	if (ic_layout_init(&layout, design, info->width, info->height, info->nobject_components) ||
	    layout.nbytes != nbytes)
		return "an object is not as large as its source's header says";
	struct ic_view view;
	if (ic_view_parse(&view, object, nbytes, NULL))
		return "an encoded object is not valid";
	return use_view(&view, dice);
}

/* By way of coefficients that are kept: the object that encoding gave, or an error where it gave one. */
static const char *check_kept(const uint8_t *bytes, size_t nbytes, const struct ic_design *design,
                              const uint8_t *object, size_t object_nbytes)
{
	struct ic_coefs *coefs = NULL;
	struct ic_why why = {""};
	uint8_t *kept = NULL;
	size_t kept_nbytes = 0;
	const char *problem = NULL;
	errint_t err = ic_coefs_new(bytes, nbytes, &limits, &coefs, &why);

	if (!err)
		err = ic_encode_coefs(coefs, design, &limits, &kept, &kept_nbytes, &why);
	if (err && (!is_encode_error(err) || !why.text[0]))
		problem = "keeping coefficients failed with an undocumented error, or did not say why";
	else if (!object != (err != 0))
		problem = "a JPEG is encoded, and by way of its coefficients it is not, or the other way round";
	else if (object && (kept_nbytes != object_nbytes || memcmp(kept, object, kept_nbytes)))
		problem = "kept coefficients give another object than their JPEG";
	free(kept);
	ic_coefs_free(coefs);
	return problem;
}

static const char *encode_bytes(const uint8_t *bytes, size_t nbytes, struct dice *dice)
{
	struct ic_design design = design_random(dice);
	struct ic_jpeg_info info;
	struct ic_why why = {""};
	uint8_t *object = NULL;
	size_t object_nbytes = 0;
	errint_t probed = ic_jpeg_probe(bytes, nbytes, true, &limits, &info, &why);

	if (probed && !is_encode_error(probed))
		return "ic_jpeg_probe failed with an undocumented error";
	if (probed && !why.text[0])
		return "ic_jpeg_probe failed and did not say why";
	why.text[0] = '\0';
	errint_t err = ic_encode_jpeg(bytes, nbytes, &design, &limits, &object, &object_nbytes, &why);
	if (err && !is_encode_error(err))
		return "ic_encode_jpeg failed with an undocumented error";
	if (err && !why.text[0])
		return "ic_encode_jpeg failed and did not say why";
	const char *problem = check_kept(bytes, nbytes, &design, object, object_nbytes);
	if (problem || err) {
		free(object);
		return problem;
	}
	problem = probed ? "what was no JPEG to ic_jpeg_probe was encoded"
	                 : check_encoded(&info, &design, object, object_nbytes, dice);
	free(object);
	return problem;
}

/* A head of the file, as a reader meets it who asks for more when told so. */
static const char *probe_head(const uint8_t *bytes, size_t nbytes)
{
	struct ic_jpeg_info info;
	errint_t err = ic_jpeg_probe(bytes, nbytes, false, &limits, &info, NULL);

	return err && err != -ENODATA && !is_encode_error(err) ? "ic_jpeg_probe of a head failed as it should not"
	                                                       : NULL;
}

/* Of anything at all. */
static const char *collect_markers(const uint8_t *bytes, size_t nbytes)
{
	const struct ic_jpeg_info info = {.color = IC_JPEG_YCBCR};
	uint8_t *markers = NULL;
	size_t markers_nbytes = 0;

	if (ic_jpeg_markers(bytes, nbytes, &info, &markers, &markers_nbytes, NULL))
		return "ic_jpeg_markers failed";
	free(markers);
	return markers_nbytes > nbytes ? "there are more markers than source" : NULL;
}

const char *attempt_encode(const uint8_t *bytes, size_t nbytes)
{
	struct dice dice = dice_of(bytes, nbytes);
	struct guard guard = {0};
	const uint8_t *copy = guard_copy(&guard, bytes, nbytes);
	const char *problem = encode_bytes(copy, nbytes, &dice);

	if (!problem)
		problem = collect_markers(copy, nbytes);
	if (!problem) {
		size_t head = nbytes ? dice_roll(&dice, (uint32_t)nbytes) : 0;
		problem = probe_head(guard_copy(&guard, bytes, head), head);
	}
	guard_clear(&guard);
	return problem;
}

/* --- Sources ----------------------------------------------------------------------------------------------------- */

/* What the head promises of the size, as a listing tells it; 0 where nothing is promised. */
static errint_t promised_size(const uint8_t *bytes, size_t nbytes, const struct ic_variant *variant, uint64_t *ret_size)
{
	struct ic_jpeg_info info = {0};
	struct ic_layout layout;
	struct ic_view header;
	errint_t err;

	if (ic_is_magic(bytes, nbytes)) {
		err = ic_view_parse_header(&header, bytes, nbytes, NULL);
		if (!err)
			err = ic_make_check_object(&header, variant, &limits, NULL);
		info.width = err ? 0 : header.layout.source_width;
		info.height = err ? 0 : header.layout.source_height;
		info.nobject_components = err ? 0 : header.layout.ncomponents;
	} else {
		err = ic_jpeg_probe(bytes, nbytes, true, &limits, &info, NULL);
	}
	if (!err)
		err = ic_layout_init(&layout, &variant->design, info.width, info.height, info.nobject_components);
	if (!err)
		*ret_size = ic_make_nbytes(&layout, variant->face);
	return err;
}

static const char *make_bytes(const uint8_t *bytes, size_t nbytes, const struct ic_variant *variant)
{
	struct ic_why why = {""};
	uint8_t *made = NULL;
	size_t made_nbytes = 0;
	uint64_t size = 0, memory = 0;
	errint_t promised = promised_size(bytes, nbytes, variant, &size);
	errint_t estimated = ic_make_memory(bytes, nbytes, variant, &limits, &memory, NULL);
	errint_t err = ic_make(bytes, nbytes, variant, &limits, &made, &made_nbytes, &why);

	free(made);
	if (err && err != -ENODATA && err != -EINVAL && !is_encode_error(err))
		return "ic_make failed with an undocumented error";
	if (err)
		return why.text[0] ? NULL : "ic_make failed and did not say why";
	if (promised || estimated)
		return "what the head refuses was made";
	if (ic_is_magic(bytes, nbytes) && memory > limits.memory)
		return "an .ic file may take more memory than the limit";
	return size && size != made_nbytes ? "what was made is not as large as was promised" : NULL;
}

const char *attempt_source(const uint8_t *bytes, size_t nbytes)
{
	static const enum ic_face faces[] = {IC_FACE_IC, IC_FACE_JPEG, IC_FACE_BMP};
	struct dice dice = dice_of(bytes, nbytes);
	struct ic_variant variant = {.design = design_random(&dice)};
	struct guard guard = {0};
	const uint8_t *copy = guard_copy(&guard, bytes, nbytes);
	struct ic_view header;
	const char *problem = NULL;

	if (!ic_view_parse_header(&header, copy, nbytes, NULL) && dice_roll(&dice, 4))
		variant.design = header.layout.design;
	for (size_t i = 0; i < 3 && !problem; i++) {
		variant.face = faces[i];
		problem = make_bytes(copy, nbytes, &variant);
	}
	guard_clear(&guard);
	return problem;
}

/* --- Designs ----------------------------------------------------------------------------------------------------- */

static const char *parse_text(const char *text)
{
	struct ic_design design, again;
	struct ic_why why = {""};
	char printed[IC_DESIGN_STRING_SIZE];

	if (ic_design_parse(text, &design, &why))
		return why.text[0] ? NULL : "ic_design_parse failed and did not say why";
	if (!ic_design_is_valid(&design))
		return "ic_design_parse accepted an invalid design";
	ic_design_print(&design, printed);
	if (ic_design_parse(printed, &again, NULL) || !ic_design_equal(&design, &again))
		return "a design does not survive printing";
	return strlen(printed) <= strlen(text) ? NULL : "the printed form is longer than the one that was read";
}

const char *attempt_design(const uint8_t *bytes, size_t nbytes)
{
	struct guard guard = guard_new(nbytes + 1);
	char *text = guard_tail(&guard, nbytes + 1);

	if (nbytes)
		memcpy(text, bytes, nbytes);
	text[nbytes] = '\0';
	const char *problem = parse_text(text);
	guard_clear(&guard);
	return problem;
}
