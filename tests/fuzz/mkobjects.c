/* SPDX-License-Identifier: MIT */
/*
 * mkobjects: a corpus of .ic files out of one of JPEGs.
 *
 *   mkobjects DIR JPEG...    those of the JPEGs that can be encoded, each in two designs, as DIR/NUMBER.ic
 */
#include "tests/codec/dice.h"

#include "codec/encode.h"

#include <stdio.h>
#include <stdlib.h>

#define JPEG_MAX (1u << 20)
#define DESIGNS_EACH 2

static size_t read_jpeg(const char *path, uint8_t *bytes)
{
	FILE *file = fopen(path, "rb");
	size_t nbytes;

	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	nbytes = fread(bytes, 1, JPEG_MAX, file);
	fclose(file);
	return nbytes;
}

static void write_object(const char *directory, unsigned number, const uint8_t *bytes, size_t nbytes)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u.ic", directory, number);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, nbytes, file) != nbytes || fclose(file)) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	static uint8_t jpeg[JPEG_MAX];
	struct dice dice = dice_new(1);
	unsigned number = 0;

	for (int i = 2; i < argc; i++) {
		size_t jpeg_nbytes = read_jpeg(argv[i], jpeg), nbytes;

		for (unsigned n = 0; n < DESIGNS_EACH; n++) {
			struct ic_design design = design_random(&dice);
			uint8_t *object;

			if (ic_encode_jpeg(jpeg, jpeg_nbytes, &design, NULL, &object, &nbytes, NULL))
				continue;
			write_object(argv[1], number++, object, nbytes);
			free(object);
		}
	}
	printf("%u objects\n", number);
	return number ? EXIT_SUCCESS : EXIT_FAILURE;
}
