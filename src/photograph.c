/* SPDX-License-Identifier: MIT */
#include "src/photograph.h"

#include "codec/compress.h"
#include "codec/encode.h"
#include "codec/similarity.h"
#include "codec/tensor.h"

#include <errno.h>
#include <stdlib.h>

static const unsigned ratios[PHOTOGRAPH_RATIOS] = {60, 100, 200, 500, 1200};

/* By what a JPEG is reduced before: by the DCT's side at most, beyond which a block is less than a pixel of it. */
static const unsigned factors[] = {1, 2, 4, 8};
#define NFACTORS (sizeof(factors) / sizeof(factors[0]))

/* An object that owns its bytes. */
struct object {
	uint8_t *bytes;
	struct ic_view view;
};

struct comparing {
	const struct findings *findings;
	const uint8_t *jpeg; /* what objects are made of */
	size_t nbytes;
	struct object exact; /* of the same: its samples, without loss */
	struct photograph *photograph;
	struct picture reduced[NFACTORS]; /* the photograph by each factor, in one or three components */
	uint8_t *made;                    /* the JPEG, where it was made here */
};

/* --- Pixels ------------------------------------------------------------------------------------------------------- */

static errint_t object_of(const uint8_t *jpeg, size_t nbytes, const struct ic_design *design, struct object *ret_object,
                          struct ic_why *why)
{
	struct object object;
	size_t n;
	errint_t err = ic_encode_jpeg(jpeg, nbytes, design, NULL, &object.bytes, &n, why);

	if (err)
		return err;
	err = ic_view_parse(&object.view, object.bytes, n, why);
	if (!err && object.view.flags)
		err = ic_fail(why, -EBADMSG, "%s",
		              object.view.flags & IC_FLAG_TRUNCATED ? "it ends early" : "its data are damaged");
	if (err)
		free(object.bytes);
	else
		*ret_object = object;
	return err;
}

/* sXxY-b1-k1-q8-c1: its codes are the samples. */
static errint_t exact_object_of(const uint8_t *jpeg, size_t nbytes, struct object *ret_object, struct ic_why *why)
{
	struct ic_design exact = ic_design_default();

	exact.block = exact.keep = 1;
	exact.chroma = IC_CHROMA_FULL;
	return object_of(jpeg, nbytes, &exact, ret_object, why);
}

/* The object's pixels at any size, by the filter that tensors are resized with. */
static errint_t pixels_of(const struct ic_view *view, uint32_t width, uint32_t height, struct picture *ret_picture,
                          struct ic_why *why)
{
	const struct ic_tensor_spec spec = {.axes = IC_NHWC, .fit = IC_FIT_RESIZE, .width = width, .height = height};
	struct picture picture = {width, height, malloc((size_t)3 * width * height)};
	errint_t err = picture.rgb ? ic_tensor_decode(view, &spec, NULL, picture.rgb, NULL, why)
	                           : ic_fail(why, -ENOMEM, "out of memory");

	if (err)
		free(picture.rgb);
	else
		*ret_picture = picture;
	return err;
}

static errint_t pixels_of_jpeg(const uint8_t *jpeg, size_t nbytes, uint32_t width, uint32_t height,
                               struct picture *ret_picture, struct ic_why *why)
{
	struct object object;
	errint_t err = exact_object_of(jpeg, nbytes, &object, why);

	if (err)
		return err;
	err = pixels_of(&object.view, width, height, ret_picture, why);
	free(object.bytes);
	return err;
}

/* Where R = G = B, one of them is enough. In place. */
static struct ic_pixels components_of(struct picture *picture, unsigned ncomponents)
{
	size_t n = (size_t)picture->width * picture->height;

	for (size_t i = 0; ncomponents == 1 && i < n; i++)
		picture->rgb[i] = picture->rgb[3 * i];
	return (struct ic_pixels){picture->rgb, picture->width, picture->height, ncomponents};
}

/* --- One rendition ------------------------------------------------------------------------------------------------- */

static errint_t judge(const struct picture *original, struct rendition *rendition, struct ic_why *why)
{
	const struct picture *picture = &rendition->picture;
	errint_t err = ic_ssim_rgb(original->rgb, picture->rgb, original->width, original->height, &rendition->ssim);

	if (err)
		return ic_fail(why, err, "SSIM of %u x %u pixels: %s", original->width, original->height,
		               err == -ENOMEM ? "out of memory" : "a side is under its window's");
	rendition->psnr = ic_psnr(original->rgb, picture->rgb, (size_t)3 * original->width * original->height);
	return 0;
}

/* The design that the run expects most of, of those whose objects are small enough; the fixed order of designs breaks ties.
 * False: none is. */
static bool find_design(const struct comparing *comparing, uint64_t nbytes_max, struct ic_design *ret_design)
{
	const struct ic_layout *exact = &comparing->exact.view.layout;
	bool found = false;
	double best = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		double accuracy = comparing->findings->at[i].mean;
		struct ic_design design = ic_design_default();
		struct ic_layout layout;
		ic_design_at(i, &design);
		if (!comparing->findings->at[i].is_candidate ||
		    ic_layout_init(&layout, &design, exact->width, exact->height, exact->ncomponents) ||
		    layout.nbytes > nbytes_max || (found && !(accuracy > best)))
			continue;
		found = true;
		best = accuracy;
		*ret_design = design;
	}
	return found;
}

static errint_t render_object(const struct comparing *comparing, struct comparison *comparison, struct ic_why *why)
{
	const struct picture *original = &comparing->photograph->original;
	struct object object;
	errint_t err = object_of(comparing->jpeg, comparing->nbytes, &comparison->design, &object, why);

	if (err)
		return err;
	comparison->object.nbytes = (size_t)object.view.layout.nbytes;
	err = pixels_of(&object.view, original->width, original->height, &comparison->object.picture, why);
	free(object.bytes);
	return err ? err : judge(original, &comparison->object, why);
}

/* The largest JPEG within the object's size, of the photograph reduced by one factor. The better one by SSIM stays. */
static errint_t try_jpeg(const struct comparing *comparing, size_t factor, struct comparison *comparison,
                         struct ic_why *why)
{
	const struct picture *original = &comparing->photograph->original, *reduced = &comparing->reduced[factor];
	const struct ic_pixels pixels = {reduced->rgb, reduced->width, reduced->height,
	                                 comparing->exact.view.layout.ncomponents};
	struct rendition jpeg = {.nbytes = 0};
	uint8_t *bytes;
	int quality;
	errint_t err = ic_compress_jpeg_within(&pixels, comparison->object.nbytes, &quality, &bytes, &jpeg.nbytes, why);

	if (err)
		return err == -ERANGE ? 0 : err;
	err = pixels_of_jpeg(bytes, jpeg.nbytes, original->width, original->height, &jpeg.picture, why);
	free(bytes);
	if (!err)
		err = judge(original, &jpeg, why);
	if (err || (comparison->jpeg.picture.rgb && jpeg.ssim <= comparison->jpeg.ssim)) {
		free(jpeg.picture.rgb);
		return err;
	}
	free(comparison->jpeg.picture.rgb);
	comparison->jpeg = jpeg;
	comparison->quality = quality;
	comparison->factor = factors[factor];
	return 0;
}

static errint_t compare_at(const struct comparing *comparing, struct comparison *comparison, struct ic_why *why)
{
	errint_t err = 0;

	if (!find_design(comparing, comparing->photograph->nbytes / comparison->ratio, &comparison->design))
		return 0;
	err = render_object(comparing, comparison, why);
	for (size_t factor = 0; !err && factor < NFACTORS; factor++)
		err = try_jpeg(comparing, factor, comparison, why);
	return err;
}

/* --- All of them --------------------------------------------------------------------------------------------------- */

/* A large photograph becomes a JPEG of a smaller one, of which all that follows is made. */
static errint_t bring_to_size(struct comparing *comparing, struct ic_why *why)
{
	const struct ic_layout *l = &comparing->exact.view.layout;
	uint32_t longer = l->width > l->height ? l->width : l->height;
	struct picture picture;

	comparing->photograph->source_width = l->width;
	comparing->photograph->source_height = l->height;
	if (longer <= PHOTOGRAPH_SIDE_MAX)
		return 0;
	uint32_t width = (l->width * PHOTOGRAPH_SIDE_MAX + longer / 2) / longer;
	uint32_t height = (l->height * PHOTOGRAPH_SIDE_MAX + longer / 2) / longer;
	errint_t err = pixels_of(&comparing->exact.view, width ? width : 1, height ? height : 1, &picture, why);
	if (err)
		return err;
	const struct ic_pixels pixels = components_of(&picture, l->ncomponents);
	err = ic_compress_jpeg(&pixels, IC_QUALITY_MAX, &comparing->made, &comparing->nbytes, why);
	free(picture.rgb);
	if (err)
		return err;
	comparing->jpeg = comparing->made;
	free(comparing->exact.bytes);
	comparing->exact.bytes = NULL;
	return exact_object_of(comparing->jpeg, comparing->nbytes, &comparing->exact, why);
}

static errint_t reduce(struct comparing *comparing, struct ic_why *why)
{
	const struct ic_layout *l = &comparing->exact.view.layout;
	errint_t err = 0;

	for (size_t i = 0; !err && i < NFACTORS; i++) {
		struct picture *reduced = &comparing->reduced[i];
		err = pixels_of(&comparing->exact.view, (l->width + factors[i] - 1) / factors[i],
		                (l->height + factors[i] - 1) / factors[i], reduced, why);
		if (!err)
			components_of(reduced, l->ncomponents);
	}
	return err;
}

static errint_t compare_all(struct comparing *comparing, struct ic_why *why)
{
	struct photograph *photograph = comparing->photograph;
	const struct ic_layout *l = &comparing->exact.view.layout;
	errint_t err = exact_object_of(comparing->jpeg, comparing->nbytes, &comparing->exact, why);

	if (!err)
		err = bring_to_size(comparing, why);
	if (!err && (l->width < IC_SSIM_WINDOW || l->height < IC_SSIM_WINDOW))
		err = ic_fail(why, -ERANGE, "%u x %u pixels are too few to compare", l->width, l->height);
	if (!err)
		err = pixels_of(&comparing->exact.view, l->width, l->height, &photograph->original, why);
	if (!err)
		err = reduce(comparing, why);
	photograph->nbytes = (uint64_t)l->width * l->height * l->ncomponents;
	for (unsigned i = 0; !err && i < PHOTOGRAPH_RATIOS; i++) {
		photograph->at[i].ratio = ratios[i];
		err = compare_at(comparing, &photograph->at[i], why);
	}
	return err;
}

errint_t photograph_compare(const uint8_t *jpeg, size_t nbytes, const struct findings *findings,
                            struct photograph **ret_photograph, struct ic_why *why)
{
	struct comparing comparing = {.findings = findings, .jpeg = jpeg, .nbytes = nbytes};

	comparing.photograph = calloc(1, sizeof(*comparing.photograph));
	errint_t err = comparing.photograph ? compare_all(&comparing, why) : ic_fail(why, -ENOMEM, "out of memory");
	if (err)
		photograph_free(comparing.photograph);
	else
		*ret_photograph = comparing.photograph;
	for (size_t i = 0; i < NFACTORS; i++)
		free(comparing.reduced[i].rgb);
	free(comparing.exact.bytes);
	free(comparing.made);
	return err;
}

void photograph_free(struct photograph *photograph)
{
	if (!photograph)
		return;
	free(photograph->original.rgb);
	for (unsigned i = 0; i < PHOTOGRAPH_RATIOS; i++) {
		free(photograph->at[i].object.picture.rgb);
		free(photograph->at[i].jpeg.picture.rgb);
	}
	free(photograph);
}
