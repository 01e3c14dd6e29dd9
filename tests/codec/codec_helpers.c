/* SPDX-License-Identifier: MIT */
#include "codec_helpers.h"

#include "codec/dct_priv.h"

#include "codec/similarity.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int suite_run(const char *name, void (*add)(TCase *cases))
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int nfailed;

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 0);
	add(cases);
	srunner_run_all(runner, CK_NORMAL);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- Designs ---------------------------------------------------------------------------------------------------- */

struct ic_design design_of(const char *text)
{
	struct ic_design design;
	struct ic_why why = {""};

	if (ic_design_parse(text, &design, &why))
		ck_abort_msg("%s", why.text);
	return design;
}

struct design_name design_name(const struct ic_design *design)
{
	struct design_name name;

	ic_design_print(design, name.text);
	return name;
}

/* --- JPEGs and objects ------------------------------------------------------------------------------------------- */

struct bytes jpeg_new(uint32_t width, uint32_t height, uint32_t seed, const struct jpeg_spec *spec)
{
	struct picture picture = picture_new(width, height, seed, seed);
	struct bytes jpeg = jpeg_make(&picture, spec);

	picture_clear(&picture);
	return jpeg;
}

struct bytes encode(struct bytes jpeg, const struct ic_design *design)
{
	struct bytes object = {0};
	struct ic_why why = {""};
	errint_t err = ic_encode_jpeg(jpeg.data, jpeg.nbytes, design, NULL, &object.data, &object.nbytes, &why);

	if (err)
		ck_abort_msg("encoding %s: %d, %s", design_name(design).text, err, why.text);
	return object;
}

struct bytes derive(const struct ic_view *dense, const struct ic_design *design)
{
	struct bytes object = {0};
	struct ic_why why = {""};
	errint_t err = ic_derive(dense, design, &object.data, &object.nbytes, &why);

	if (err)
		ck_abort_msg("deriving %s: %d, %s", design_name(design).text, err, why.text);
	return object;
}

struct ic_view view_of(struct bytes object)
{
	struct ic_view view;
	struct ic_why why = {""};
	errint_t err = ic_view_parse(&view, object.data, object.nbytes, &why);

	if (err)
		ck_abort_msg("parsing an object of %zu bytes: %d, %s", object.nbytes, err, why.text);
	return view;
}

void assert_same_bytes(struct bytes a, struct bytes b, const char *what, const struct ic_design *design)
{
	if (a.nbytes != b.nbytes)
		ck_abort_msg("%s: %s: %zu bytes, not %zu", design_name(design).text, what, a.nbytes, b.nbytes);
	for (size_t i = 0; memcmp(a.data, b.data, a.nbytes) != 0; i++) {
		if (a.data[i] != b.data[i])
			ck_abort_msg("%s: %s: byte %zu of %zu is %u, not %u", design_name(design).text, what, i,
			             a.nbytes, a.data[i], b.data[i]);
	}
}

double psnr(const uint8_t *a, const uint8_t *b, size_t nbytes)
{
	return fmin(ic_psnr(a, b, nbytes), 99);
}

/* --- Real photographs -------------------------------------------------------------------------------------------- */

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static struct bytes read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct bytes bytes = {0};

	ck_assert_msg(file && fseek(file, 0, SEEK_END) == 0, "cannot read %s", path);
	bytes.nbytes = (size_t)ftell(file);
	bytes.data = malloc(bytes.nbytes + 1);
	rewind(file);
	ck_assert(bytes.data && fread(bytes.data, 1, bytes.nbytes, file) == bytes.nbytes);
	fclose(file);
	return bytes;
}

struct bytes photograph(const char *folder, unsigned index, uint32_t width, uint32_t height,
                        const struct jpeg_spec *spec)
{
	const char *data = getenv("ICFS_TEST_DATA");
	char path[PATH_MAX], file[2 * PATH_MAX];
	struct dirent **entries;
	int nentries;

	if (!data || !*data)
		return jpeg_new(width, height, 100 + index, spec);
	snprintf(path, sizeof(path), "%s/%s", data, folder);
	nentries = scandir(path, &entries, is_visible, alphasort);
	ck_assert_msg(nentries > (int)index, "%s holds no file number %u", path, index);
	snprintf(file, sizeof(file), "%s/%s", path, entries[index]->d_name);
	for (int i = 0; i < nentries; i++)
		free(entries[i]);
	free(entries);
	return read_file(file);
}

struct bytes crop(struct bytes jpeg, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                  const struct jpeg_spec *spec)
{
	struct picture picture = {width, height, malloc((size_t)3 * width * height)};
	struct jpeg_decompress_struct source;
	struct jpeg_error_mgr errors;
	struct bytes result;
	uint8_t *row;

	source.err = jpeg_std_error(&errors); /* which ends the program on an error */
	jpeg_create_decompress(&source);
	jpeg_mem_src(&source, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&source, TRUE);
	source.out_color_space = JCS_RGB;
	jpeg_start_decompress(&source);
	ck_assert_msg(source.output_width >= x + width && source.output_height >= y + height,
	              "a photograph of %u x %u pixels is too small", source.output_width, source.output_height);
	row = malloc((size_t)3 * source.output_width);
	ck_assert(picture.rgb && row);
	while (source.output_scanline < y + height) {
		uint32_t at = source.output_scanline;

		jpeg_read_scanlines(&source, &row, 1);
		if (at >= y)
			memcpy(picture.rgb + (size_t)3 * width * (at - y), row + (size_t)3 * x, (size_t)3 * width);
	}
	jpeg_destroy_decompress(&source);
	result = jpeg_make(&picture, spec);
	picture_clear(&picture);
	free(row);
	return result;
}

void forward_alone(const struct dct_kernel *kernel, unsigned block, unsigned nu, unsigned nv, unsigned lane,
                   const uint8_t *samples, size_t stride, int16_t *coefs)
{
	uint8_t row[32 * 32 * DCT_NBLOCKS];
	int16_t lanes[32 * 32 * DCT_NBLOCKS];
	struct dice noise = dice_new(lane);

	for (unsigned i = 0; i < block * block * DCT_NBLOCKS; i++)
		row[i] = (uint8_t)dice_roll(&noise, 256);
	for (unsigned y = 0; y < block; y++)
		memcpy(row + (y * DCT_NBLOCKS + lane) * block, samples + y * stride, block);
	kernel->forward(block, nu, nv, row, DCT_NBLOCKS * block, lanes);
	for (unsigned v = 0; v < nv; v++)
		for (unsigned u = 0; u < nu; u++)
			coefs[v * block + u] = lanes[(v * block + u) * DCT_NBLOCKS + lane];
}

struct bytes with_segments(struct bytes jpeg, uint8_t marker, size_t count, size_t nbytes)
{
	struct bytes with = {malloc(jpeg.nbytes + count * (4 + nbytes)), jpeg.nbytes + count * (4 + nbytes)};
	uint8_t *at = with.data;

	ck_assert_ptr_nonnull(at);
	memcpy(at, jpeg.data, 2);
	at += 2;
	for (size_t i = 0; i < count; i++, at += nbytes) {
		*at++ = 0xff;
		*at++ = marker;
		*at++ = (uint8_t)((nbytes + 2) >> 8);
		*at++ = (uint8_t)(nbytes + 2);
		memset(at, 'x', nbytes);
	}
	memcpy(at, jpeg.data + 2, jpeg.nbytes - 2);
	return with;
}
