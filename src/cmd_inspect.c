/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"
#include "src/inspect.h"
#include "src/options.h"

#include <limits.h>
#include <stdlib.h>

struct inspect_settings {
	struct ic_design design;
	bool as_json, planes;
};

static errint_t apply_design(void *settings, const char *value, struct ic_why *why)
{
	struct inspect_settings *s = settings;

	return ic_design_parse(value, &s->design, why);
}

static errint_t apply_json(void *settings, const char *value, struct ic_why *why)
{
	struct inspect_settings *s = settings;

	s->as_json = true;
	return 0;
}

static errint_t apply_planes(void *settings, const char *value, struct ic_why *why)
{
	struct inspect_settings *s = settings;

	s->planes = true;
	return 0;
}

static const struct option_entry inspect_options[] = {
        {'d', "design", "DESIGN", "of a JPEG, tell the size of its object under DESIGN", apply_design},
        {'p', "planes", NULL, "of an .ic file, tell every plane", apply_planes},
        {'j', "json", NULL, "print a JSON object, one line a file", apply_json},
        {.name = NULL},
};

static const struct command_line inspect_line = {
        .command = "inspect",
        .operands = "FILE...",
        .about = "Say what is in an .ic or JPEG file. '-' is standard input. An .ic file is checked from end to end; "
                 "of a JPEG the headers alone are read.",
        .options = inspect_options,
        .min_operands = 1,
        .max_operands = INT_MAX,
};

static int inspect_object(const char *name, const uint8_t *bytes, size_t nbytes,
                          const struct inspect_settings *settings)
{
	struct ic_view view;
	struct ic_why why = {""};
	errint_t err = ic_view_parse(&view, bytes, nbytes, &why);
	bool has_header = !err || !ic_view_parse_header(&view, bytes, nbytes, NULL);

	if (has_header && settings->as_json)
		inspect_object_json(name, &view, !err, settings->planes);
	else if (has_header)
		inspect_object_words(name, &view, !err, settings->planes);
	return err ? fail_input(name, err, &why) : EXIT_OK;
}

static int inspect_jpeg(const char *name, const uint8_t *bytes, size_t nbytes, const struct inspect_settings *settings)
{
	struct ic_limits unlimited = {.pixels = 0};
	struct ic_jpeg_info info;
	struct ic_layout layout;
	struct ic_why why = {""};
	errint_t err = ic_jpeg_probe(bytes, nbytes, true, &unlimited, &info, &why);

	if (!err)
		err = ic_layout_init(&layout, &settings->design, info.width, info.height, info.nobject_components);
	if (err)
		return fail_input(name, err, &why);
	if (settings->as_json)
		inspect_jpeg_json(name, &info, nbytes, &layout);
	else
		inspect_jpeg_words(name, &info, nbytes, &layout);
	return EXIT_OK;
}

static int inspect(const char *path, const struct inspect_settings *settings)
{
	const char *name = input_name(path);
	uint8_t *bytes;
	size_t nbytes;
	int status;

	if (read_input(path, &bytes, &nbytes))
		return EXIT_FAILED;
	if (ic_is_magic(bytes, nbytes))
		status = inspect_object(name, bytes, nbytes, settings);
	else if (ic_is_jpeg(bytes, nbytes))
		status = inspect_jpeg(name, bytes, nbytes, settings);
	else
		status = fail("%s: is neither an .ic nor a JPEG file; a mount serves it as it is", name);
	free(bytes);
	return status;
}

static int run_inspect(int argc, char **argv)
{
	struct inspect_settings settings = {.design = ic_design_default()};
	int first, status = parse_command_line(&inspect_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	status = EXIT_OK;
	for (int i = first; i < argc; i++) {
		if (inspect(argv[i], &settings) != EXIT_OK)
			status = EXIT_FAILED;
	}
	return status;
}

const struct command cmd_inspect = {"inspect", "say what is in an .ic or JPEG file", run_inspect};
