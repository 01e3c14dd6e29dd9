/* SPDX-License-Identifier: MIT */
/*
 * The odd ones: valid JPEGs of every kind, damaged ones, and files that are no JPEG at all. Names say what they are.
 */
#include "mkimages.h"

#include <stdlib.h>
#include <string.h>

#define ODD_SEED 7u
#define M_SOF0 0xc0
#define M_SOF1 0xc1
#define M_SOS 0xda

struct odd {
	const char *name;
	uint32_t width, height;
	struct jpeg_spec spec;
};

#define SIZE 121, 83 /* no multiple of any MCU */

static const struct odd kinds[] = {
        {"sampling-444.jpg", SIZE, {.h = {1, 1, 1}, .v = {1, 1, 1}}},
        {"sampling-422.jpg", SIZE, {.h = {2, 1, 1}, .v = {1, 1, 1}}},
        {"sampling-440.jpg", SIZE, {.h = {1, 1, 1}, .v = {2, 1, 1}}},
        {"sampling-420.jpg", SIZE, {.h = {2, 1, 1}, .v = {2, 1, 1}}},
        {"sampling-411.jpg", SIZE, {.h = {4, 1, 1}, .v = {1, 1, 1}}},
        {"sampling-410.jpg", SIZE, {.h = {4, 1, 1}, .v = {2, 1, 1}}},
        {"sampling-441.jpg", SIZE, {.h = {1, 1, 1}, .v = {4, 1, 1}}},
        {"sampling-311.jpg", SIZE, {.h = {3, 1, 1}, .v = {1, 1, 1}}},
        {"sampling-cb-two-thirds.jpg", SIZE, {.h = {3, 2, 1}, .v = {1, 1, 1}, .raw = true}},
        {"sampling-cr-two-thirds-down.jpg", SIZE, {.h = {1, 1, 1}, .v = {3, 1, 2}, .raw = true}},
        {"sampling-luma-below-chroma.jpg", SIZE, {.h = {1, 2, 2}, .v = {1, 2, 2}}},
        {"sampling-cb-below-cr.jpg", SIZE, {.h = {2, 1, 2}, .v = {2, 1, 1}}},
        {"sampling-all-2x2.jpg", SIZE, {.h = {2, 2, 2}, .v = {1, 1, 1}}},
        {"progressive.jpg", SIZE, {.progressive = true}},
        {"progressive-444.jpg", SIZE, {.progressive = true, .h = {1, 1, 1}, .v = {1, 1, 1}}},
        {"progressive-190-scans.jpg", SIZE, {.spectral_scans = true}},
        {"arithmetic.jpg", SIZE, {.arithmetic = true}},
        {"arithmetic-progressive.jpg", SIZE, {.arithmetic = true, .progressive = true}},
        {"restart-1.jpg", SIZE, {.restart = 1}},
        {"restart-5.jpg", SIZE, {.restart = 5}},
        {"grayscale.jpg", SIZE, {.space = JCS_GRAYSCALE}},
        {"grayscale-factors-2x2.jpg", SIZE, {.space = JCS_GRAYSCALE, .h = {2}, .v = {2}}},
        {"grayscale-progressive.jpg", SIZE, {.space = JCS_GRAYSCALE, .progressive = true}},
        {"cmyk-adobe.jpg", SIZE, {.space = JCS_CMYK}},
        {"cmyk-no-adobe.jpg", SIZE, {.space = JCS_CMYK, .no_markers = true}},
        {"ycck-adobe.jpg", SIZE, {.space = JCS_YCCK, .h = {2, 1, 1, 2}, .v = {2, 1, 1, 2}}},
        {"ycck-adobe-444.jpg", SIZE, {.space = JCS_YCCK, .h = {1, 1, 1, 1}, .v = {1, 1, 1, 1}}},
        {"rgb-adobe.jpg", SIZE, {.space = JCS_RGB}},
        {"rgb-by-component-ids.jpg", SIZE, {.space = JCS_RGB, .no_markers = true}},
        {"ycbcr-no-jfif.jpg", SIZE, {.no_markers = true}},
        {"exif-orientation-1.jpg", SIZE, {.orientation = 1}},
        {"exif-orientation-2.jpg", SIZE, {.orientation = 2}},
        {"exif-orientation-3.jpg", SIZE, {.orientation = 3}},
        {"exif-orientation-4.jpg", SIZE, {.orientation = 4}},
        {"exif-orientation-5.jpg", SIZE, {.orientation = 5}},
        {"exif-orientation-6.jpg", SIZE, {.orientation = 6}},
        {"exif-orientation-7.jpg", SIZE, {.orientation = 7}},
        {"exif-orientation-8.jpg", SIZE, {.orientation = 8}},
        {"size-1x1.jpg", 1, 1, {0}},
        {"size-1x17.jpg", 1, 17, {0}},
        {"size-2x3.jpg", 2, 3, {0}},
        {"size-7x7.jpg", 7, 7, {0}},
        {"size-8x8.jpg", 8, 8, {0}},
        {"size-9x9.jpg", 9, 9, {0}},
        {"size-17x1.jpg", 17, 1, {0}},
        {"size-31x33.jpg", 31, 33, {0}},
        {"size-1x1-grayscale.jpg", 1, 1, {.space = JCS_GRAYSCALE}},
        {"quality-1.jpg", SIZE, {.quality = 1}},
        {"quality-100.jpg", SIZE, {.quality = 100, .h = {1, 1, 1}, .v = {1, 1, 1}}},
        {"quant-16-bit.jpg", SIZE, {.wide_tables = true}},
};

/* Where the first segment of this marker starts (at its 0xff). Tables and headers only, so that nothing is entropy
 * coded before it. */
static size_t find_marker(const struct bytes *jpeg, uint8_t marker)
{
	size_t at = 2;

	while (at + 4 <= jpeg->nbytes && jpeg->data[at + 1] != marker)
		at += 2 + ((size_t)jpeg->data[at + 2] << 8 | jpeg->data[at + 3]);
	if (at + 4 > jpeg->nbytes) {
		fprintf(stderr, "mkimages: no marker %02x\n", marker);
		exit(EXIT_FAILURE);
	}
	return at;
}

static void write_kinds(const char *directory)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct picture picture = picture_new(kinds[i].width, kinds[i].height, ODD_SEED, (uint32_t)i);
		struct bytes jpeg = jpeg_make(&picture, &kinds[i].spec);

		write_file(directory, kinds[i].name, jpeg.data, jpeg.nbytes);
		free(jpeg.data);
		picture_clear(&picture);
	}
}

static void write_truncated(const char *directory, const struct bytes *jpeg, const char *prefix)
{
	static const unsigned percents[] = {1, 10, 50, 90, 99};
	const size_t scan = find_marker(jpeg, M_SOS);
	char name[64];

	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		snprintf(name, sizeof(name), "%s-in-data-at-%u-percent.jpg", prefix, percents[i]);
		write_file(directory, name, jpeg->data, scan + 14 + (jpeg->nbytes - scan - 14) * percents[i] / 100);
	}
	struct bytes closed = {malloc(jpeg->nbytes + 2), scan + 14 + (jpeg->nbytes - scan - 14) / 2};
	memcpy(closed.data, jpeg->data, closed.nbytes);
	memcpy(closed.data + closed.nbytes, "\xff\xd9", 2);
	snprintf(name, sizeof(name), "%s-in-data-with-eoi.jpg", prefix);
	write_file(directory, name, closed.data, closed.nbytes + 2);
	free(closed.data);
	snprintf(name, sizeof(name), "%s-without-eoi.jpg", prefix);
	write_file(directory, name, jpeg->data, jpeg->nbytes - 2);
	snprintf(name, sizeof(name), "%s-before-scan.jpg", prefix);
	write_file(directory, name, jpeg->data, scan);
	snprintf(name, sizeof(name), "%s-in-scan-header.jpg", prefix);
	write_file(directory, name, jpeg->data, scan + 5);
	snprintf(name, sizeof(name), "%s-before-frame.jpg", prefix);
	write_file(directory, name, jpeg->data, find_marker(jpeg, M_SOF0 + (strstr(prefix, "progressive") ? 2 : 0)));
	snprintf(name, sizeof(name), "%s-after-soi.jpg", prefix);
	write_file(directory, name, jpeg->data, 2);
}

/* Headers that promise what the file does not hold. */
static void write_lies(const char *directory, struct bytes *jpeg)
{
	uint8_t *frame = jpeg->data + find_marker(jpeg, M_SOF0);
	uint8_t saved[9];

	memcpy(saved, frame, sizeof(saved));
	memcpy(frame + 5, "\xff\xdc\xff\xdc", 4);
	write_file(directory, "huge-65500x65500.jpg", jpeg->data, jpeg->nbytes);
	memcpy(frame + 5, "\0\0", 2);
	write_file(directory, "height-0.jpg", jpeg->data, jpeg->nbytes);
	memcpy(frame, saved, sizeof(saved));
	memset(frame + 7, 0, 2);
	write_file(directory, "width-0.jpg", jpeg->data, jpeg->nbytes);
	memcpy(frame, saved, sizeof(saved));
	frame[1] = M_SOF1;
	frame[4] = 12;
	write_file(directory, "precision-12-bit.jpg", jpeg->data, jpeg->nbytes);
	memcpy(frame, saved, sizeof(saved));
	frame[1] = 0xc3;
	write_file(directory, "lossless.jpg", jpeg->data, jpeg->nbytes);
	memcpy(frame, saved, sizeof(saved));
}

/* Bytes of noise after SOI, after the scan's header, and after EOI; the last is harmless. */
static void write_garbage(const char *directory, const struct bytes *jpeg)
{
	const size_t data = find_marker(jpeg, M_SOS) + 14;
	const size_t nbytes = jpeg->nbytes + 500;
	uint8_t *copy = malloc(nbytes);

	if (!copy || nbytes < jpeg->nbytes) {
		perror("mkimages");
		exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < nbytes; i++)
		copy[i] = (uint8_t)picture_hash(ODD_SEED, (uint32_t)i);
	memcpy(copy, jpeg->data, jpeg->nbytes);
	write_file(directory, "garbage-after-eoi.jpg", copy, nbytes);
	for (size_t i = data + 100; i < jpeg->nbytes - 100; i += 37)
		copy[i] = (uint8_t)picture_hash(ODD_SEED, (uint32_t)i);
	write_file(directory, "garbage-in-data.jpg", copy, jpeg->nbytes);
	for (size_t i = 3; i < nbytes; i++)
		copy[i] = (uint8_t)picture_hash(ODD_SEED, (uint32_t)i);
	write_file(directory, "garbage-after-soi.jpg", copy, nbytes);
	free(copy);
}

void write_odd_images(const char *directory)
{
	static const struct jpeg_spec progressive = {.progressive = true};
	static const struct jpeg_spec plain = {0};
	struct picture picture = picture_new(SIZE, ODD_SEED, 1000);
	struct bytes jpeg = jpeg_make(&picture, &plain);
	struct bytes scans = jpeg_make(&picture, &progressive);

	write_kinds(directory);
	write_truncated(directory, &jpeg, "truncated");
	write_truncated(directory, &scans, "truncated-progressive");
	write_lies(directory, &jpeg);
	write_garbage(directory, &jpeg);
	write_file(directory, "png-inside.jpg", tiny_png, tiny_png_nbytes);
	write_file(directory, "empty.jpg", "", 0);
	write_file(directory, "text-inside.jpg", "no image\n", 9);
	free(jpeg.data);
	free(scans.data);
	picture_clear(&picture);
}
