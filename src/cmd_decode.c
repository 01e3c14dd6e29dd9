/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"
#include "src/options.h"
#include "src/picture_out.h"

#include "codec/jpeg.h"
#include "codec/tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct decode_settings {
	struct ic_limits limits; /* first: OPTION_LIMIT_ */
	const char *format;      /* NULL: by the output's name */
};

static errint_t apply_format(void *settings, const char *value, struct ic_why *why)
{
	struct decode_settings *s = settings;

	if (!picture_writer(value))
		return ic_fail(why, -EINVAL, "unknown format '%.32s'; known: ppm, png", value);
	s->format = value;
	return 0;
}

static const struct option_entry decode_options[] = {
        {'f', "format", "FORMAT", "ppm or png (default: by OUT's name; ppm for '-')", apply_format},
        OPTION_LIMIT_PIXELS,
        {.name = NULL},
};

static const struct command_line decode_line = {
        .command = "decode",
        .operands = "IN OUT",
        .about = "Reconstruct the 8-bit RGB pixels of the .ic file IN, on its sampled grid, and write them to OUT, "
                 "a .ppm or .png file. '-' is standard input or output. The EXIF orientation is not applied.",
        .options = decode_options,
        .examples = "  icfs decode cat.ic cat.png\n"
                    "  icfs encode -d s2x2-b8-k6-q8 cat.jpg - | icfs decode - cat.png\n",
        .min_operands = 2,
        .max_operands = 2,
};

/* The writer for --format, or for the output's name; NULL, and the user told, where neither says one. */
static picture_write *choose_writer(const struct decode_settings *settings, const char *path)
{
	const char *dot = strrchr(path, '.');
	picture_write *write = NULL;

	if (settings->format)
		return picture_writer(settings->format);
	if (!strcmp(path, "-"))
		return picture_writer("ppm");
	if (dot)
		write = picture_writer(dot + 1);
	if (!write)
		fail("%s: the name ends in neither .ppm nor .png; say --format=ppm or --format=png", path);
	return write;
}

static int fail_object(const char *path, const uint8_t *bytes, size_t nbytes, errint_t err, const struct ic_why *why)
{
	const char *name = input_name(path);

	if (ic_is_jpeg(bytes, nbytes))
		return fail("%s: is a JPEG, not an .ic file; make one with 'icfs encode %s OUT.ic'", name, path);
	return fail_input(name, err, why);
}

static int decode(const char *path, const uint8_t *bytes, size_t nbytes, const struct ic_limits *limits,
                  struct picture *ret_picture)
{
	struct ic_tensor_spec spec = {.axes = IC_NHWC, .pixels_max = UINT64_MAX};
	struct ic_why why = {""};
	struct picture picture;
	struct ic_view view;
	errint_t err = ic_view_parse(&view, bytes, nbytes, &why);

	if (err)
		return fail_object(path, bytes, nbytes, err, &why);
	picture.width = view.layout.width;
	picture.height = view.layout.height;
	if (limits->pixels && (uint64_t)picture.width * picture.height > limits->pixels)
		return fail("%s: %u x %u pixels are over the limit; raise it with --pixels", input_name(path),
		            picture.width, picture.height);
	picture.rgb = malloc((size_t)picture.width * picture.height * 3);
	err = picture.rgb ? ic_tensor_decode(&view, &spec, NULL, picture.rgb, NULL, &why) : -ENOMEM;
	if (err) {
		free(picture.rgb);
		return fail("%s: cannot be decoded: %s", input_name(path), explain(err));
	}
	if (view.flags)
		warn("%s: was made from a JPEG %s", input_name(path),
		     view.flags & IC_FLAG_TRUNCATED ? "that ended early" : "whose data are damaged");
	*ret_picture = picture;
	return EXIT_OK;
}

static int write_picture(picture_write *write, const struct picture *picture, const char *path)
{
	struct ic_why why = {""};
	struct output *output;

	if (output_open(path, &output))
		return EXIT_FAILED;
	if (write(picture, output_stream(output), &why)) {
		output_abandon(output);
		return fail("%s: cannot be written: %s", output_name(path), why.text);
	}
	return output_commit(output);
}

static int run_decode(int argc, char **argv)
{
	struct decode_settings settings = {.limits = ic_limits_default()};
	struct picture picture;
	picture_write *write;
	uint8_t *object;
	size_t nbytes;
	int first, status = parse_command_line(&decode_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	write = choose_writer(&settings, argv[first + 1]);
	if (!write)
		return EXIT_USAGE;
	if (is_same_file(argv[first], argv[first + 1]))
		return fail("%s: is the input too; icfs does not write over a source", argv[first + 1]);
	if (read_input(argv[first], &object, &nbytes))
		return EXIT_FAILED;
	status = decode(argv[first], object, nbytes, &settings.limits, &picture);
	free(object);
	if (status != EXIT_OK)
		return status;
	status = write_picture(write, &picture, argv[first + 1]);
	free(picture.rgb);
	return status;
}

const struct command cmd_decode = {"decode", "turn an .ic file into a PPM or PNG picture", run_decode};
