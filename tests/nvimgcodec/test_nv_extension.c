/* SPDX-License-Identifier: MIT */
/* The nvImageCodec extension: what it says of objects, every way an image may be asked for, and bytes of every kind. */
#include "codec/decode.h"

#include "nv_host.h"
#include "tests/codec/attempt.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 37u
#define HEIGHT 29u
#define NMUTANTS 3000
#define PIXELS_MAX (1u << 18) /* of a mutant that is decoded, so that thousands take seconds */
#define STATUS(name) NVIMGCODEC_PROCESSING_STATUS_##name

static const char *module_path;

static struct host *host_new(void)
{
	struct host *host = malloc(sizeof *host);

	ck_assert_ptr_nonnull(host);
	host_load(host, module_path);
	ck_assert_int_eq(host_create(host), NVIMGCODEC_STATUS_SUCCESS);
	return host;
}

static void host_free(struct host *host)
{
	host_destroy(host);
	host_unload(host);
	free(host);
}

static struct bytes object_new(const char *design, unsigned ncomponents, uint8_t orientation)
{
	struct dice dice = dice_new(7);
	struct ic_design parsed = design_of(design);
	struct bytes object = wild_object(&dice, &parsed, WIDTH, HEIGHT, ncomponents);
	struct ic_view view = view_of(object);

	ic_header_write(object.data, &view.layout, orientation, 0);
	return object;
}

/* --- The module ---------------------------------------------------------------------------------------------------- */

START_TEST(the_module_says_what_it_is)
{
	struct host *host = host_new();
	int result = -1;
	struct stream stream;

	ck_assert_str_eq(host->extension_desc.id, "icfs_ext");
	ck_assert_str_eq(host->parser_desc->codec, "ic");
	ck_assert_str_eq(host->decoder_desc->codec, "ic");
	ck_assert_uint_eq(host->extension_desc.ext_api_version, NVIMGCODEC_VER);
	stream_init(&stream, host, "\xff\xd8\xff\xe0 a JPEG", 11, false);
	ck_assert_int_eq(host->parser_desc->canParse(host->parser_desc->instance, &result, &stream.desc), 0);
	ck_assert_int_eq(result, 0);
	stream_init(&stream, host, "", 0, false);
	ck_assert_int_eq(host->parser_desc->canParse(host->parser_desc->instance, &result, &stream.desc), 0);
	ck_assert_int_eq(result, 0);
	ck_assert_uint_eq(host->nmessages, 0); /* that a stream is another's is nothing to tell */
	host_free(host);
}
END_TEST

START_TEST(a_refused_decoder_leaves_nothing_registered)
{
	struct host host;

	host_load(&host, module_path);
	host.refuses_decoders = true;
	ck_assert_int_eq(host_create(&host), NVIMGCODEC_STATUS_INVALID_PARAMETER);
	ck_assert_ptr_null(host.parser_desc);
	host.refuses_decoders = false;
	ck_assert_int_eq(host_create(&host), NVIMGCODEC_STATUS_SUCCESS);
	host_destroy(&host);
	host_unload(&host);
}
END_TEST

/* Counter-clockwise degrees, then left to right, then top to bottom: the sense of EXIF's 1..8. */
static const int orientations[9][3] = {{0},        {0, 0, 0},   {0, 1, 0},  {180, 0, 0}, {0, 0, 1},
                                       {90, 0, 1}, {270, 0, 0}, {90, 1, 0}, {90, 0, 0}};

START_TEST(an_image_is_described)
{
	struct host *host = host_new();

	for (uint8_t orientation = 1; orientation <= 8; orientation++) {
		unsigned ncomponents = orientation % 2 ? 3 : 1;
		struct bytes object = object_new("s2x1-b8-k6-q8", ncomponents, orientation);
		nvimgcodecImageInfo_t info;
		struct stream stream;

		stream_init(&stream, host, object.data, object.nbytes, orientation > 4);
		ck_assert_int_eq(stream_image_info(&stream, &info), NVIMGCODEC_STATUS_SUCCESS);
		ck_assert_str_eq(info.codec_name, "ic");
		ck_assert_uint_eq(info.num_planes, ncomponents);
		ck_assert_int_eq(info.sample_format,
		                 ncomponents == 3 ? NVIMGCODEC_SAMPLEFORMAT_P_RGB : NVIMGCODEC_SAMPLEFORMAT_P_Y);
		for (unsigned p = 0; p < ncomponents; p++) {
			ck_assert_uint_eq(info.plane_info[p].width, (WIDTH + 1) / 2);
			ck_assert_uint_eq(info.plane_info[p].height, HEIGHT);
			ck_assert_int_eq(info.plane_info[p].sample_type, NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8);
		}
		ck_assert_int_eq(info.orientation.rotated, orientations[orientation][0]);
		ck_assert_int_eq(info.orientation.flip_x, orientations[orientation][1]);
		ck_assert_int_eq(info.orientation.flip_y, orientations[orientation][2]);

		nvimgcodecCodeStreamInfo_t stream_info = {.struct_type = NVIMGCODEC_STRUCTURE_TYPE_CODE_STREAM_INFO,
		                                          .struct_size = sizeof stream_info};
		ck_assert_int_eq(host->parser_desc->getCodeStreamInfo(host->parser, &stream_info, &stream.desc), 0);
		ck_assert_str_eq(stream_info.codec_name, "ic");
		ck_assert_uint_eq(stream_info.num_images, 1);
		ck_assert_uint_eq(stream_info.size, object.nbytes);
		free(object.data);
	}
	host_free(host);
}
END_TEST

/* --- Every way to ask for an image --------------------------------------------------------------------------------- */

struct format {
	nvimgcodecSampleFormat_t format;
	unsigned nchannels;
	bool planar, blue_first;
};

static const struct format formats[] = {
        {NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, false, false},       {NVIMGCODEC_SAMPLEFORMAT_P_RGB, 3, true, false},
        {NVIMGCODEC_SAMPLEFORMAT_I_BGR, 3, false, true},        {NVIMGCODEC_SAMPLEFORMAT_P_BGR, 3, true, true},
        {NVIMGCODEC_SAMPLEFORMAT_I_UNCHANGED, 3, false, false}, {NVIMGCODEC_SAMPLEFORMAT_P_UNCHANGED, 3, true, false},
        {NVIMGCODEC_SAMPLEFORMAT_I_Y, 1, false, false},         {NVIMGCODEC_SAMPLEFORMAT_P_Y, 1, true, false},
};

/* What libic decodes, as it is stored. */
struct decoded {
	uint32_t width, height;
	uint8_t orientation;
	uint8_t *rgb, *luma;
};

static struct decoded decoded_new(struct bytes object)
{
	struct ic_view view = view_of(object);
	struct decoded d = {view.layout.width, view.layout.height, view.orientation, NULL, NULL};

	d.rgb = malloc((size_t)3 * d.width * d.height);
	d.luma = malloc((size_t)d.width * d.height);
	ck_assert(d.rgb && d.luma);
	ck_assert_int_eq(ic_decode_rgb(&view, d.rgb, (size_t)3 * d.width), 0);
	ck_assert_int_eq(ic_decode_component(&view, 0, d.luma, d.width), 0);
	return d;
}

static void decoded_clear(struct decoded *d)
{
	free(d->rgb);
	free(d->luma);
}

/* Where pixel (x, y) of the display is stored, by EXIF's words for rows and columns. */
static void stored_place(const struct decoded *d, uint8_t orientation, int x, int y, int *ret_column, int *ret_row)
{
	int right = (int)d->width - 1, bottom = (int)d->height - 1;

	switch (orientation) {
	case 2:
		*ret_column = right - x, *ret_row = y;
		break;
	case 3:
		*ret_column = right - x, *ret_row = bottom - y;
		break;
	case 4:
		*ret_column = x, *ret_row = bottom - y;
		break;
	case 5:
		*ret_column = y, *ret_row = x;
		break;
	case 6:
		*ret_column = y, *ret_row = bottom - x;
		break;
	case 7:
		*ret_column = right - y, *ret_row = bottom - x;
		break;
	case 8:
		*ret_column = right - y, *ret_row = x;
		break;
	default:
		*ret_column = x, *ret_row = y;
	}
}

static uint8_t expected_sample(const struct decoded *d, uint8_t orientation, const struct format *format,
                               const uint8_t fill[3], int x, int y, unsigned channel)
{
	unsigned c = format->blue_first ? 2 - channel : channel;
	int column, row;

	stored_place(d, orientation, x, y, &column, &row);
	if (column < 0 || column >= (int)d->width || row < 0 || row >= (int)d->height)
		return fill[channel];
	size_t pixel = (size_t)row * d->width + (size_t)column;
	return format->nchannels == 1 ? d->luma[pixel] : d->rgb[3 * pixel + c];
}

struct part {
	int x, y, width, height; /* width 0: all of it */
};

static void assert_decoded(const struct decoded *d, const struct format *format, const struct part *part,
                           const uint8_t *out, size_t row_stride, bool turned, const uint8_t fill[3])
{
	uint8_t orientation = turned ? d->orientation : 1;
	size_t plane = row_stride * (size_t)part->height;

	for (int y = 0; y < part->height; y++) {
		const uint8_t *row = out + row_stride * (size_t)y;
		size_t used = (size_t)part->width * (format->planar ? 1 : format->nchannels);

		for (int x = 0; x < part->width; x++) {
			for (unsigned c = 0; c < format->nchannels; c++) {
				uint8_t found = format->planar ? row[c * plane + (size_t)x]
				                               : row[(size_t)x * format->nchannels + c];
				uint8_t expected =
				        expected_sample(d, orientation, format, fill, part->x + x, part->y + y, c);
				if (found != expected)
					ck_abort_msg("format %d, orientation %u, part %d %d %d %d: (%d, %d) %u is %u, "
					             "not %u",
					             format->format, orientation, part->x, part->y, part->width,
					             part->height, x, y, c, found, expected);
			}
		}
		for (size_t i = used; i < row_stride; i++)
			ck_assert_uint_eq(row[i], 0xa5); /* between rows nothing is written */
	}
}

static void check_way(struct host *host, struct bytes object, const struct decoded *d, const struct format *format,
                      struct part part, size_t gap, bool turned)
{
	const uint8_t fill[3] = {11, 22, 33};
	struct stream stream;
	struct output output;

	stream_init(&stream, host, object.data, object.nbytes, gap == 0);
	if (part.width) {
		stream_select(&stream, part.x, part.y, part.width, part.height, fill);
	} else {
		bool across = turned && d->orientation > 4;
		part.width = (int)(across ? d->height : d->width);
		part.height = (int)(across ? d->width : d->height);
	}
	output_init(&output, format->format, format->nchannels, (uint32_t)part.width, (uint32_t)part.height, gap, NULL);
	size_t nbytes = output_nbytes(&output);
	uint8_t *out = malloc(nbytes + 1);
	ck_assert_ptr_nonnull(out);
	memset(out, 0xa5, nbytes + 1);
	output.info.buffer = out;
	ck_assert_int_eq(host_can_decode(host, &output, &stream, turned), STATUS(SUCCESS));
	ck_assert_int_eq(host_decode(host, &output, &stream, turned), STATUS(SUCCESS));
	ck_assert_int_eq(stream.nmapped, 0);
	assert_decoded(d, format, &part, out, output.info.plane_info[0].row_stride, turned, fill);
	ck_assert_uint_eq(out[nbytes], 0xa5);
	free(out);
}

START_TEST(every_way_shows_what_libic_decodes)
{
	static const struct part parts[] = {
	        {0, 0, 0, 0},    {3, 5, 11, 7},   {0, 0, 17, 29},   {-4, 6, 20, 12},
	        {5, -3, 60, 70}, {90, 3, 10, 10}, {-30, -30, 9, 9},
	};
	struct host *host = host_new();

	for (uint8_t orientation = 0; orientation <= 8; orientation++) {
		struct bytes object = object_new(orientation % 3 ? "s1x1-b8-k15-q8" : "s2x1-b4-k4-q5",
		                                 orientation == 8 ? 1 : 3, orientation ? orientation : 1);
		struct decoded d = decoded_new(object);

		for (size_t f = 0; f < COUNT(formats); f++) {
			for (size_t p = 0; p < COUNT(parts); p++) {
				check_way(host, object, &d, &formats[f], parts[p], 0, true);
				check_way(host, object, &d, &formats[f], parts[p], 13, true);
				check_way(host, object, &d, &formats[f], parts[p], 0, false);
			}
		}
		decoded_clear(&d);
		free(object.data);
	}
	ck_assert_uint_eq(host->nmessages, 0);
	host_free(host);
}
END_TEST

/* --- What cannot be done ------------------------------------------------------------------------------------------- */

static void assert_refused(struct host *host, struct stream *stream, struct output *output, unsigned expected)
{
	ck_assert_uint_eq(host_can_decode(host, output, stream, false), expected);
	ck_assert_uint_eq(host_decode(host, output, stream, false), expected);
}

START_TEST(what_cannot_be_done_is_said)
{
	const uint8_t fill[3] = {0};
	struct host *host = host_new();
	struct bytes object = object_new("s1x1-b8-k15-q8", 3, 1);
	struct stream stream;
	struct output good, output;
	uint8_t buffer[3 * WIDTH * HEIGHT];

	stream_init(&stream, host, object.data, object.nbytes, true);
	output_init(&good, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, 0, buffer);

#define REFUSED(change, expected)                                                                                      \
	do {                                                                                                           \
		output = good;                                                                                         \
		output.desc.instance = &output;                                                                        \
		change;                                                                                                \
		assert_refused(host, &stream, &output, expected);                                                      \
	} while (0)
	REFUSED(output.info.sample_format = NVIMGCODEC_SAMPLEFORMAT_I_YUV, STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	REFUSED(output.info.sample_format = NVIMGCODEC_SAMPLEFORMAT_I_RGBA, STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	REFUSED(output.info.color_spec = NVIMGCODEC_COLORSPEC_SYCC, STATUS(COLOR_SPEC_UNSUPPORTED));
	REFUSED(output.info.num_planes = 3, STATUS(NUM_PLANES_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].num_channels = 4, STATUS(NUM_CHANNELS_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].sample_type = NVIMGCODEC_SAMPLE_DATA_TYPE_UINT16,
	        STATUS(SAMPLE_TYPE_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].precision = 6, STATUS(SAMPLE_TYPE_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].width = WIDTH - 1, STATUS(RESOLUTION_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].height = HEIGHT + 1, STATUS(RESOLUTION_UNSUPPORTED));
	REFUSED(output.info.plane_info[0].row_stride = 3 * WIDTH - 1, STATUS(FAIL));
	stream_select(&stream, 0, 0, 5, 0, fill);
	REFUSED(output.info.plane_info[0].height = 0, STATUS(ROI_UNSUPPORTED));
	stream_select(&stream, 0, 0, (int)WIDTH, (int)HEIGHT, fill);
	stream.view.region.ndim = 3;
	REFUSED((void)0, STATUS(ROI_UNSUPPORTED));
#undef REFUSED
	free(object.data);
	host_free(host);
}
END_TEST

START_TEST(memory_of_a_device_is_no_place_for_the_cpu)
{
	struct host *host = host_new();
	struct bytes object = object_new("s1x1-b8-k15-q8", 3, 1);
	struct stream stream;
	struct output output;

	stream_init(&stream, host, object.data, object.nbytes, true);
	output_init(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, 0, (void *)16);
	output.info.buffer_kind = NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_DEVICE;
	ck_assert_int_eq(host_decode(host, &output, &stream, false), STATUS(FAIL));
	ck_assert_str_eq(host->message, "ic_cpu_decoder: the output is not in memory of this decoder's kind");
	free(object.data);
	host_free(host);
}
END_TEST

/* --- Bytes of every kind ------------------------------------------------------------------------------------------- */

START_TEST(a_large_image_of_few_bytes_is_refused_before_memory_is_taken)
{
	struct host *host = host_new();
	struct ic_design design = design_of("s1x1-b32-k1-q1");
	struct ic_layout layout;
	nvimgcodecImageInfo_t info;
	struct stream stream;

	ck_assert_int_eq(ic_layout_init(&layout, &design, 65535, 65535, 1), 0);
	uint8_t *bytes = calloc(1, layout.nbytes);
	ck_assert_ptr_nonnull(bytes);
	ic_header_write(bytes, &layout, 1, 0);
	stream_init(&stream, host, bytes, layout.nbytes, true);
	ck_assert_int_eq(stream_image_info(&stream, &info), NVIMGCODEC_STATUS_EXTENSION_CODESTREAM_UNSUPPORTED);
	ck_assert_str_eq(host->message, "ic_parser: 65535 x 65535 pixels are more than 100000000");
	free(bytes);
	host_free(host);
}
END_TEST

START_TEST(the_head_of_an_object_is_refused_when_it_is_parsed)
{
	struct host *host = host_new();
	struct bytes object = object_new("s1x1-b8-k15-q8", 3, 1);
	nvimgcodecImageInfo_t info;
	struct stream stream;
	struct output output;
	uint8_t buffer[3 * WIDTH * HEIGHT];

	for (size_t nbytes = 0; nbytes < object.nbytes; nbytes += nbytes < 80 ? 1 : 97) {
		stream_init(&stream, host, object.data, nbytes, nbytes % 2 != 0);
		ck_assert_int_eq(stream_image_info(&stream, &info), NVIMGCODEC_STATUS_EXTENSION_INCOMPLETE_BITSTREAM);
		output_init(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, 0, buffer);
		ck_assert_int_eq(host_can_decode(host, &output, &stream, false), STATUS(FAIL));
		ck_assert_int_eq(host_decode(host, &output, &stream, false), STATUS(IMAGE_CORRUPTED));
	}
	free(object.data);
	host_free(host);
}
END_TEST

START_TEST(a_stream_that_gives_less_than_it_says_is_an_error)
{
	struct host *host = host_new();
	struct bytes object = object_new("s1x1-b8-k15-q8", 3, 1);
	struct stream stream;
	struct output output;
	uint8_t buffer[3 * WIDTH * HEIGHT];

	stream_init(&stream, host, object.data, object.nbytes - 20, false);
	stream.missing = 20;
	output_init(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, 0, buffer);
	ck_assert_int_eq(host_can_decode(host, &output, &stream, false), STATUS(SUCCESS));
	ck_assert_int_eq(host_decode(host, &output, &stream, false), STATUS(FAIL));
	ck_assert_ptr_nonnull(strstr(host->message, "the stream gave"));
	free(object.data);
	host_free(host);
}
END_TEST

/* Parse and decode anything, into memory of the size that the parser says; whether it was whole. */
static bool attempt_stream(struct host *host, const uint8_t *bytes, size_t nbytes, struct dice *dice)
{
	const struct format *format = &formats[dice_roll(dice, COUNT(formats))];
	bool turned = dice_roll(dice, 2) != 0;
	uint32_t width = 16, height = 16;
	nvimgcodecImageInfo_t info;
	struct stream stream;
	struct output output;

	stream_init(&stream, host, bytes, nbytes, dice_roll(dice, 2) != 0);
	bool parsed = stream_image_info(&stream, &info) == NVIMGCODEC_STATUS_SUCCESS;
	if (parsed) {
		bool across = turned && info.orientation.rotated % 180 == 90;
		width = info.plane_info[0].width, height = info.plane_info[0].height;
		if ((uint64_t)width * height > PIXELS_MAX)
			return false;
		if (across)
			width = info.plane_info[0].height, height = info.plane_info[0].width;
	}
	if (dice_roll(dice, 2)) { /* a part, which may lie anywhere */
		width = 1 + dice_roll(dice, 40), height = 1 + dice_roll(dice, 40);
		stream_select(&stream, dice_between(dice, -50, 90), dice_between(dice, -50, 90), (int)width,
		              (int)height, (const uint8_t[3]){1, 2, 3});
	}
	output_init(&output, format->format, format->nchannels, width, height, dice_roll(dice, 2) * 5, NULL);
	output.info.buffer = malloc(output_nbytes(&output));
	ck_assert_ptr_nonnull(output.info.buffer);
	nvimgcodecProcessingStatus_t status = host_decode(host, &output, &stream, turned);
	ck_assert_int_eq(stream.nmapped, 0);
	ck_assert(parsed || status != STATUS(SUCCESS));
	ck_assert(status == STATUS(SUCCESS) || status == STATUS(IMAGE_CORRUPTED) ||
	          status == STATUS(CODESTREAM_UNSUPPORTED) || (!parsed && status == STATUS(RESOLUTION_UNSUPPORTED)));
	free(output.info.buffer);
	return status == STATUS(SUCCESS);
}

START_TEST(any_bytes_give_an_error_or_an_image)
{
	struct host *host = host_new();
	struct bytes objects[] = {
	        object_new("s1x1-b8-k15-q8", 3, 1),
	        object_new("s2x2-b8-k6-q8", 3, 6),
	        object_new("s1x1-b16-k12-q3", 1, 1),
	        object_new("s1x1-b1-k1-q8-c1", 3, 7),
	};
	struct sample samples[COUNT(objects)];
	struct dice dice = dice_new(11);
	unsigned nwhole = 0;

	for (size_t i = 0; i < COUNT(objects); i++)
		samples[i] = (struct sample){.bytes = objects[i].data, .nbytes = objects[i].nbytes};
	for (unsigned i = 0; i < NMUTANTS; i++) {
		size_t nbytes;
		uint8_t *mutant = mutant_new(&dice, samples, COUNT(samples), &nbytes);
		uint8_t *exact = malloc(nbytes ? nbytes : 1); /* so that a byte too many is seen */

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, mutant, nbytes);
		free(mutant);
		unsigned before = host->nmessages;
		bool whole = attempt_stream(host, exact, nbytes, &dice);
		ck_assert(whole || host->nmessages > before || nbytes > IC_HEADER_SIZE);
		nwhole += whole;
		free(exact);
	}
	ck_assert_uint_gt(nwhole, NMUTANTS / 50);
	ck_assert_uint_lt(nwhole, NMUTANTS);
	ck_assert_uint_gt(host->nmessages, NMUTANTS / 4);
	for (size_t i = 0; i < COUNT(objects); i++)
		free(objects[i].data);
	host_free(host);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, the_module_says_what_it_is);
	tcase_add_test(cases, a_refused_decoder_leaves_nothing_registered);
	tcase_add_test(cases, an_image_is_described);
	tcase_add_test(cases, every_way_shows_what_libic_decodes);
	tcase_add_test(cases, what_cannot_be_done_is_said);
	tcase_add_test(cases, memory_of_a_device_is_no_place_for_the_cpu);
	tcase_add_test(cases, a_large_image_of_few_bytes_is_refused_before_memory_is_taken);
	tcase_add_test(cases, the_head_of_an_object_is_refused_when_it_is_parsed);
	tcase_add_test(cases, a_stream_that_gives_less_than_it_says_is_an_error);
	tcase_add_test(cases, any_bytes_give_an_error_or_an_image);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return EXIT_FAILURE;
	module_path = argv[1];
	return suite_run("nvimgcodec", add);
}
