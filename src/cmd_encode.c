/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"
#include "src/options.h"

#include "codec/encode.h"

#include <stdlib.h>

struct encode_settings {
	struct ic_limits limits; /* first: OPTION_LIMIT_ */
	struct ic_design design;
};

static errint_t apply_design(void *settings, const char *value, struct ic_why *why)
{
	struct encode_settings *s = settings;

	return ic_design_parse(value, &s->design, why);
}

static const struct option_entry encode_options[] = {
        {'d', "design", "DESIGN", "what to keep (default s1x1-b8-k15-q8)", apply_design},
        OPTION_LIMIT_PIXELS,
        OPTION_LIMIT_MEMORY,
        OPTION_LIMIT_SCANS,
        {.name = NULL},
};

static const struct command_line encode_line = {
        .command = "encode",
        .operands = "IN OUT",
        .about = "Make the .ic object of the JPEG file IN, the bytes that a mount serves under this design. IN may\n"
                 "also be an .ic file of a denser design. '-' is standard input or output.",
        .options = encode_options,
        .more = "Examples:\n"
                "  icfs encode --design s2x2-b8-k6-q8 cat.jpg cat.ic\n"
                "  icfs designs --size 500x375    (the designs, and the bytes each takes for such an image)",
        .min_operands = 2,
        .max_operands = 2,
};

static errint_t encode(const uint8_t *bytes, size_t nbytes, const struct encode_settings *settings,
                       uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why)
{
	struct ic_view dense;
	errint_t err;

	if (!ic_is_magic(bytes, nbytes))
		return ic_encode_jpeg(bytes, nbytes, &settings->design, &settings->limits, ret_object, ret_nbytes, why);
	err = ic_view_parse(&dense, bytes, nbytes, why);
	return err ? err : ic_derive(&dense, &settings->design, ret_object, ret_nbytes, why);
}

static void warn_if_truncated(const char *name, const uint8_t *object, size_t nbytes)
{
	struct ic_view view;

	if (!ic_view_parse_header(&view, object, nbytes, NULL) && view.flags & IC_FLAG_TRUNCATED)
		warn("%s: ends early; what is missing is as JPEG decoders fill it in", name);
}

static int run_encode(int argc, char **argv)
{
	struct encode_settings settings = {.limits = ic_limits_default(), .design = ic_design_default()};
	uint8_t *source, *object;
	size_t source_nbytes, object_nbytes;
	struct ic_why why = {""};
	int first, status = parse_command_line(&encode_line, argc, argv, &settings, &first);
	errint_t err;

	if (status != GO_ON)
		return status;
	if (read_input(argv[first], &source, &source_nbytes))
		return EXIT_FAILED;
	err = encode(source, source_nbytes, &settings, &object, &object_nbytes, &why);
	free(source);
	if (err)
		return fail("%s: %s: %s", input_name(argv[first]), explain(err), why.text);
	warn_if_truncated(input_name(argv[first]), object, object_nbytes);
	status = write_output(argv[first + 1], object, object_nbytes);
	free(object);
	return status;
}

const struct command cmd_encode = {"encode", "make an .ic file of a JPEG", run_encode};
