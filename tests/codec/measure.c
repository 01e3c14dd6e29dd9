/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include "codec/decode.h"
#include "codec/similarity.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define EXACT_DB 99.0

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(2);
}

static struct bytes read_whole(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct bytes bytes;
	long nbytes;

	if (!file || fseek(file, 0, SEEK_END) || (nbytes = ftell(file)) < 0)
		die(path, "cannot be read");
	bytes = (struct bytes){malloc((size_t)nbytes + 1), (size_t)nbytes};
	rewind(file);
	if (!bytes.data || fread(bytes.data, 1, bytes.nbytes, file) != bytes.nbytes)
		die(path, "cannot be read");
	fclose(file);
	return bytes;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

unsigned measure_each_jpeg(const char *directory, void (*visit)(void *context, const char *path, struct bytes jpeg),
                           void *context)
{
	struct dirent **entries;
	int nentries = scandir(directory, &entries, is_visible, alphasort);
	unsigned count = 0;

	if (nentries < 0)
		die(directory, "is no directory");
	for (int i = 0; i < nentries; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
		free(entries[i]);
		struct bytes jpeg = read_whole(path);
		if (ic_is_jpeg(jpeg.data, jpeg.nbytes)) {
			visit(context, path, jpeg);
			count++;
		}
		free(jpeg.data);
	}
	free(entries);
	return count;
}

struct measured measure_encode(const char *path, struct bytes jpeg, const struct ic_design *design)
{
	struct measured object;
	struct ic_why why;
	size_t nbytes;

	if (ic_encode_jpeg(jpeg.data, jpeg.nbytes, design, NULL, &object.bytes, &nbytes, &why) ||
	    ic_view_parse(&object.view, object.bytes, nbytes, &why))
		die(path, why.text);
	return object;
}

void measured_clear(struct measured *object)
{
	free(object->bytes);
	object->bytes = NULL;
}

uint8_t *measure_rgb(const struct ic_view *view)
{
	const struct ic_layout *l = &view->layout;
	uint8_t *rgb = malloc((size_t)3 * l->width * l->height);

	if (!rgb || ic_decode_rgb(view, rgb, (size_t)3 * l->width))
		die("decoding", "out of memory");
	return rgb;
}

uint8_t *measure_reference(const char *path, struct bytes jpeg, const struct ic_design *design)
{
	struct ic_design exact = *design;

	exact.block = exact.keep = 1;
	exact.bits = 8;
	exact.order = IC_ORDER_HIGH;
	struct measured object = measure_encode(path, jpeg, &exact);
	uint8_t *rgb = measure_rgb(&object.view);
	measured_clear(&object);
	return rgb;
}

double measure_psnr(const uint8_t *a, const uint8_t *b, size_t nbytes)
{
	return fmin(ic_psnr(a, b, nbytes), EXACT_DB);
}

double measure_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
