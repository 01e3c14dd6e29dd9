/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"
#include "src/labels.h"
#include "src/options.h"

#include "codec/make.h"
#include "fs/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct encode_settings {
	struct ic_limits limits; /* first: OPTION_LIMIT_ */
	struct ic_variant variant;
	bool has_design;
};

static errint_t apply_design(void *settings, const char *value, struct ic_why *why)
{
	struct encode_settings *s = settings;

	s->has_design = true;
	return ic_design_parse(value, &s->variant.design, why);
}

static errint_t apply_face(void *settings, const char *value, struct ic_why *why)
{
	struct encode_settings *s = settings;

	return ic_face_parse(value, &s->variant.face, why);
}

static errint_t apply_metadata(void *settings, const char *value, struct ic_why *why)
{
	struct encode_settings *s = settings;
	struct policy_rule rule;
	errint_t err = policy_set_metadata(&rule, value, why);

	if (!err)
		s->variant.keeps_metadata = rule.keeps_metadata;
	return err;
}

static const struct option_entry encode_options[] = {
        {'d', "design", "DESIGN", "what to keep (default s1x1-b8-k15-q8, or an .ic's own)", apply_design},
        {'f', "face", "FACE", "ic (default), jpeg, bmp or orig", apply_face},
        {'m', "metadata", "WORD", "in a JPEG, keep or drop IN's own (default drop)", apply_metadata},
        OPTION_LIMIT_PIXELS,
        OPTION_LIMIT_MEMORY,
        OPTION_LIMIT_SCANS,
        {.name = NULL},
};

static const struct command_line encode_line = {
        .command = "encode",
        .operands = "IN OUT",
        .about =
                "Make the object of the JPEG file IN, the bytes that a mount serves under this design and face. IN may "
                "also be an .ic file that has all that the design keeps: the same sampling and block size, no fewer "
                "frequencies and bits. '-' is standard input or output.",
        .options = encode_options,
        .note = "A BMP has no place for an orientation. A JPEG that ends early or is damaged is flagged in an .ic file "
                "and refused under jpeg and bmp; a mount serves it under jpeg as it is. " LABELS_NOTE ".",
        .examples = "  icfs encode --design s2x2-b8-k6-q8 cat.jpg cat.ic\n"
                    "  icfs encode --design s2x2-b8-k6-q8 --face jpeg cat.jpg small.jpg\n"
                    "  icfs designs --size 500x375    what each design would take\n",
        .min_operands = 2,
        .max_operands = 2,
};

/* An .ic file is, where nobody says a design, made as it is. */
static void choose_design(const uint8_t *source, size_t nbytes, struct encode_settings *settings)
{
	struct ic_view header;

	if (!settings->has_design && !ic_view_parse_header(&header, source, nbytes, NULL))
		settings->variant.design = header.layout.design;
}

static void warn_of_flags(const char *name, const uint8_t *object, size_t nbytes)
{
	struct ic_view view;

	if (!ic_is_magic(object, nbytes) || ic_view_parse_header(&view, object, nbytes, NULL) || !view.flags)
		return;
	warn("%s: %s; what is missing is as JPEG decoders fill it in", name,
	     view.flags & IC_FLAG_TRUNCATED ? "ends early" : "its data are damaged");
}

/* OUT is what --face says, whatever its name. */
static void warn_of_name(const char *out, enum ic_face face)
{
	static const struct {
		const char *extension;
		enum ic_face face;
	} known[] = {{"ic", IC_FACE_IC}, {"jpg", IC_FACE_JPEG}, {"jpeg", IC_FACE_JPEG}, {"bmp", IC_FACE_BMP}};
	const char *dot = strrchr(out, '.');

	for (size_t i = 0; dot && i < sizeof(known) / sizeof(*known); i++)
		if (!strcasecmp(dot + 1, known[i].extension) && known[i].face != face && face != IC_FACE_ORIG)
			warn("%s: is made under the face %s, which --face says, not the name", out, ic_face_name(face));
}

static int run_encode(int argc, char **argv)
{
	struct encode_settings settings = {.limits = ic_limits_default(), .variant.design = ic_design_default()};
	uint8_t *source, *object;
	size_t source_nbytes, object_nbytes;
	struct ic_why why = {""};
	int first, status = parse_command_line(&encode_line, argc, argv, &settings, &first);
	errint_t err;

	if (status != GO_ON)
		return status;
	settings.variant.keeps_metadata &= settings.variant.face == IC_FACE_JPEG;
	if (is_same_file(argv[first], argv[first + 1]))
		return fail("%s: is the input too; icfs does not write over a source", argv[first + 1]);
	if (read_input(argv[first], &source, &source_nbytes))
		return EXIT_FAILED;
	choose_design(source, source_nbytes, &settings);
	err = ic_make(source, source_nbytes, &settings.variant, &settings.limits, &object, &object_nbytes, &why);
	free(source);
	if (err)
		return fail_input(input_name(argv[first]), err, &why);
	warn_of_flags(input_name(argv[first]), object, object_nbytes);
	warn_of_name(argv[first + 1], settings.variant.face);
	status = write_output(argv[first + 1], object, object_nbytes);
	free(object);
	return status;
}

const struct command cmd_encode = {"encode", "make of a JPEG what a mount serves of it", run_encode};
