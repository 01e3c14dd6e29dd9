/* SPDX-License-Identifier: MIT */
/*
 * mkimages: make images to test with and to show. The same arguments make the same files.
 *
 *   mkimages [--classes N] [--count N] [--size WxH] DIR   a class-per-folder tree, train/CLASS and val/CLASS
 *   mkimages --odd DIR                                    one JPEG of every odd kind, and files that are none
 */
#include "mkimages.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CLASSES_MAX 1000
#define COUNT_MAX 1000000
#define SIDE_MAX 16384

struct options {
	uint32_t classes;
	uint32_t count; /* pictures of a class; one in five, and at least one, is in val */
	uint32_t width, height;
	bool odd;
	const char *directory;
};

static const char *const class_names[] = {
        "bark", "brick", "clouds", "fabric", "fur", "gravel", "leaves", "marble",
        "moss", "paper", "rust",   "sand",   "sea", "snow",   "straw",  "wood",
};

const uint8_t tiny_png[] = {
        0x89, 'P',  'N',  'G', '\r', '\n', 0x1a, '\n', 0,    0,    0,    13,   'I',  'H',  'D',  'R',  0,    0,
        0,    1,    0,    0,   0,    1,    8,    2,    0,    0,    0,    0x90, 0x77, 0x53, 0xde, 0,    0,    0,
        12,   'I',  'D',  'A', 'T',  0x08, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0x00, 0x00, 0x03, 0x01, 0x01, 0x00, 0x18,
        0xdd, 0x8d, 0xb0, 0,   0,    0,    0,    'I',  'E',  'N',  'D',  0xae, 0x42, 0x60, 0x82,
};
const size_t tiny_png_nbytes = sizeof(tiny_png);

static void die(const char *what)
{
	fprintf(stderr, "mkimages: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0777) && errno != EEXIST)
		die(path);
}

static void join(char path[PATH_MAX], const char *directory, const char *name)
{
	if (snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX)
		return;
	errno = ENAMETOOLONG;
	die(directory);
}

void write_file(const char *directory, const char *name, const void *data, size_t nbytes)
{
	char path[PATH_MAX];
	FILE *file;

	join(path, directory, name);
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, nbytes, file) != nbytes || fclose(file))
		die(path);
}

/* Sizes as in a collection of photographs: most near the one asked for, some smaller, a third upright. */
static struct picture tree_picture(const struct options *options, uint32_t class, uint32_t n)
{
	const uint32_t seed = picture_hash(class, n);
	const uint32_t percent = 70 + picture_hash(seed, 1) % 56;
	const bool upright = picture_hash(seed, 2) % 3 == 0;
	const uint32_t width = 1 + (options->width - 1) * percent / 100;
	const uint32_t height = 1 + (options->height - 1) * percent / 100 * (90 + picture_hash(seed, 3) % 21) / 100;

	return picture_new(upright ? height : width, upright ? width : height, class + 1, n);
}

static void write_class(const struct options *options, uint32_t class, const char *split, uint32_t from, uint32_t to)
{
	static const char *const suffixes[] = {"jpg", "jpg", "jpeg", "JPG", "JPEG"};
	static const struct jpeg_spec spec = {0};
	char parent[PATH_MAX], directory[PATH_MAX], name[64], class_name[32];

	snprintf(class_name, sizeof(class_name), "class%u", class);
	if (class < sizeof(class_names) / sizeof(class_names[0]))
		snprintf(class_name, sizeof(class_name), "%s", class_names[class]);
	join(parent, options->directory, split);
	make_directory(parent);
	join(directory, parent, class_name);
	make_directory(directory);
	for (uint32_t n = from; n < to; n++) {
		struct picture picture = tree_picture(options, class, n);
		struct bytes jpeg = jpeg_make(&picture, &spec);

		snprintf(name, sizeof(name), "%s-%04u.%s", class_name, n, suffixes[n % 5]);
		write_file(directory, name, jpeg.data, jpeg.nbytes);
		free(jpeg.data);
		picture_clear(&picture);
	}
	snprintf(name, sizeof(name), "class %u, pictures %u to %u\n", class, from, to - 1);
	write_file(directory, "label.txt", name, strlen(name));
	if (class == 0)
		write_file(directory, "really-a-png.jpg", tiny_png, tiny_png_nbytes);
}

static void write_tree(const struct options *options)
{
	const uint32_t nval = options->count >= 10 ? options->count / 5 : 1;
	char label[64];

	for (uint32_t class = 0; class < options->classes; class ++) {
		write_class(options, class, "train", 0, options->count - nval);
		write_class(options, class, "val", options->count - nval, options->count);
	}
	snprintf(label, sizeof(label), "classes: %u\n", options->classes);
	write_file(options->directory, "labels.txt", label, strlen(label));
}

static void usage(void)
{
	fprintf(stderr, "usage: mkimages [--classes N] [--count N] [--size WxH] DIR\n       mkimages --odd DIR\n");
	exit(2);
}

/* A number in [low, high] and then `end`; returns what follows. */
static const char *parse_number(const char *text, uint32_t low, uint32_t high, char end, uint32_t *ret_number)
{
	char *rest;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &rest, 10);
	if (errno || rest == text || *rest != end || value < low || value > high)
		usage();
	*ret_number = (uint32_t)value;
	return end ? rest + 1 : rest;
}

static struct options parse_options(int argc, char **argv)
{
	static const struct option table[] = {
	        {"classes", required_argument, NULL, 'c'},
	        {"count", required_argument, NULL, 'n'},
	        {"size", required_argument, NULL, 's'},
	        {"odd", no_argument, NULL, 'o'},
	        {NULL, 0, NULL, 0},
	};
	struct options options = {.classes = 4, .count = 20, .width = 400, .height = 300};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'c')
			parse_number(optarg, 1, CLASSES_MAX, '\0', &options.classes);
		else if (c == 'n')
			parse_number(optarg, 2, COUNT_MAX, '\0', &options.count);
		else if (c == 's')
			parse_number(parse_number(optarg, 1, SIDE_MAX, 'x', &options.width), 1, SIDE_MAX, '\0',
			             &options.height);
		else if (c == 'o')
			options.odd = true;
		else
			usage();
	}
	if (optind + 1 != argc)
		usage();
	options.directory = argv[optind];
	return options;
}

int main(int argc, char **argv)
{
	const struct options options = parse_options(argc, argv);

	make_directory(options.directory);
	if (options.odd)
		write_odd_images(options.directory);
	else
		write_tree(&options);
	return EXIT_SUCCESS;
}
