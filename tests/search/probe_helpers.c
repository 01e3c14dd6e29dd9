/* SPDX-License-Identifier: MIT */
#include "probe_helpers.h"

#include "tests/tools/jpegmake.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIDE 96u

struct dataset dataset_new(void)
{
	struct dataset dataset;
	const char *tmp = getenv("TMPDIR");
	snprintf(dataset.path, sizeof dataset.path, "%s/icfs-probe-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dataset.path));
	return dataset;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void dataset_remove(struct dataset *dataset)
{
	ck_assert_int_eq(nftw(dataset->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A number in 0..1 for each seed and index. */
static double share(uint32_t seed, uint32_t n)
{
	return picture_hash(seed, n) / 4294967296.0;
}

static uint8_t level(double value)
{
	return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static struct picture grating_new(unsigned label, uint32_t seed)
{
	struct picture p = picture_new(SIDE, SIDE, 0, seed);
	double angle = M_PI * (label + 0.3 * share(seed, 1)) / DATASET_NCLASSES, wave = 3.5 + 2.5 * share(seed, 2);
	double across = 2 * M_PI * cos(angle) / wave, down = 2 * M_PI * sin(angle) / wave;
	double phase = 2 * M_PI * share(seed, 3), strength = 4 + 8 * share(seed, 4);
	for (unsigned i = 0; i < SIDE * SIDE; i++) {
		double light = strength * sin(across * (i % SIDE) + down * (i / SIDE) + phase);
		light += 24 * (share(seed ^ 0x5eed, i) - 0.5);
		for (unsigned c = 0; c < 3; c++)
			p.rgb[3 * i + c] = level(p.rgb[3 * i + c] * 0.6 + 50 + light);
	}
	return p;
}

static void write_bytes(const char *path, const void *data, size_t nbytes)
{
	FILE *file = fopen(path, "wb");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, nbytes, file), nbytes);
	ck_assert_int_eq(fclose(file), 0);
}

static void make_directory(char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return;
	char *slash = strrchr(path, '/');
	*slash = '\0';
	make_directory(path);
	*slash = '/';
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void add_picture(const struct dataset *dataset, const char *directory, const char *name, unsigned label,
                        uint32_t seed, int quality)
{
	char path[512];
	struct picture picture = grating_new(label, seed);
	struct bytes jpeg = jpeg_make(&picture, &(struct jpeg_spec){.quality = quality});
	snprintf(path, sizeof path, "%s/%s", dataset->path, directory);
	make_directory(path);
	snprintf(path, sizeof path, "%s/%s/%s", dataset->path, directory, name);
	write_bytes(path, jpeg.data, jpeg.nbytes);
	free(jpeg.data);
	picture_clear(&picture);
}

void dataset_add(const struct dataset *dataset, const char *directory, unsigned label, unsigned n, uint32_t seed)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		snprintf(name, sizeof name, "%u.jpg", i);
		add_picture(dataset, directory, name, label, picture_hash(DATASET_NCLASSES * seed + label, i), 90);
	}
}

void dataset_add_copy(const struct dataset *dataset, const char *directory, const char *name, unsigned label,
                      unsigned index, uint32_t seed)
{
	add_picture(dataset, directory, name, label, picture_hash(DATASET_NCLASSES * seed + label, index), 70);
}

void dataset_add_text(const struct dataset *dataset, const char *path, const char *text)
{
	char whole[512];
	snprintf(whole, sizeof whole, "%s/%s", dataset->path, path);
	write_bytes(whole, text, strlen(text));
}

void dataset_add_classes(const struct dataset *dataset, const char *below, unsigned n, uint32_t seed)
{
	for (unsigned label = 0; label < DATASET_NCLASSES; label++) {
		char directory[64];
		snprintf(directory, sizeof directory, "%s%s%c", below, *below ? "/" : "", 'a' + label);
		dataset_add(dataset, directory, label, n, seed);
	}
}

struct evaluator_settings settings_for(const struct dataset *dataset)
{
	return (struct evaluator_settings){.dataset = dataset->path, .split_seed = 1, .threads = 2};
}
