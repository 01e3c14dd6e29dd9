/* SPDX-License-Identifier: MIT */
/* Batches: by any number of threads what images are one by one, whatever else is in the batch. ThreadSanitizer runs it. */
#include "codec/batch.h"

#include "codec_helpers.h"
#include "guard.h"
#include "wild.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NIMAGES 40

/* Objects of one design and of mixed sizes, in memory and in files. */
struct album {
	struct ic_design design;
	struct bytes objects[NIMAGES];
	char directory[64], names[NIMAGES][16];
	int dirfd;
	struct ic_item items[NIMAGES];
};

static void write_file(int dirfd, const char *name, const uint8_t *bytes, size_t nbytes)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, nbytes), (ssize_t)nbytes);
	close(fd);
}

static struct album *album_new(const char *design)
{
	struct album *album = calloc(1, sizeof *album);
	struct dice dice = dice_new(6);

	ck_assert_ptr_nonnull(album);
	album->design = design_of(design);
	strcpy(album->directory, "/tmp/icfs-batch-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(album->directory));
	album->dirfd = open(album->directory, O_RDONLY | O_DIRECTORY);
	for (unsigned i = 0; i < NIMAGES; i++) {
		album->objects[i] = wild_object(&dice, &album->design, 40 + 7 * i, 90 + 5 * (i % 9), i % 5 ? 3 : 1);
		snprintf(album->names[i], sizeof album->names[i], "%u.ic", i);
		write_file(album->dirfd, album->names[i], album->objects[i].data, album->objects[i].nbytes);
	}
	return album;
}

static void album_free(struct album *album)
{
	for (unsigned i = 0; i < NIMAGES; i++) {
		unlinkat(album->dirfd, album->names[i], 0);
		free(album->objects[i].data);
	}
	close(album->dirfd);
	ck_assert_int_eq(rmdir(album->directory), 0);
	free(album);
}

/* Even items in memory, odd ones in files, or all in files. */
static void fill_items(struct album *album, bool all_files)
{
	for (unsigned i = 0; i < NIMAGES; i++) {
		album->items[i] =
		        (struct ic_item){.window = {.x = IC_CENTER, .y = IC_CENTER, .flip = (uint8_t)(i % 2)}};
		if (all_files || i % 2) {
			album->items[i].path = album->names[i];
		} else {
			album->items[i].bytes = album->objects[i].data;
			album->items[i].nbytes = album->objects[i].nbytes;
		}
	}
}

static const struct ic_tensor_spec pixels = {
        .values = IC_RGB, .type = IC_FLOAT16, .fit = IC_FIT_CROP | IC_FIT_PAD, .width = 64, .height = 64, .pad = 3};
static const struct ic_tensor_spec freqs = {.values = IC_FREQUENCIES,
                                            .type = IC_FLOAT32,
                                            .chroma = IC_CHROMA_APART,
                                            .components = 3,
                                            .whole_blocks = 1,
                                            .fit = IC_FIT_CROP | IC_FIT_PAD,
                                            .width = 8,
                                            .height = 6};
static const struct ic_tensor_spec resized = {
        .type = IC_FLOAT32, .axes = IC_NHWC, .fit = IC_FIT_RESIZE, .width = 50, .height = 70, .short_side = 90};

/* Output of a batch that ends at a guard page. */
struct output {
	struct guard out, chroma;
};

static struct output output_new(struct ic_batch *batch)
{
	struct output o = {guard_new(NIMAGES * batch->out_stride), guard_new(NIMAGES * batch->chroma_stride)};

	batch->out = guard_tail(&o.out, NIMAGES * batch->out_stride);
	batch->chroma = guard_tail(&o.chroma, NIMAGES * batch->chroma_stride);
	memset(batch->out, 0xa5, NIMAGES * batch->out_stride);
	memset(batch->chroma, 0xa5, NIMAGES * batch->chroma_stride);
	return o;
}

static void output_clear(struct output *o)
{
	guard_clear(&o->out);
	guard_clear(&o->chroma);
}

static struct ic_batch batch_of(struct album *album, const struct ic_tensor_spec *spec)
{
	struct ic_batch batch = {.spec = *spec, .dirfd = album->dirfd, .items = album->items, .nitems = NIMAGES};
	struct ic_view view = view_of(album->objects[1]);

	ck_assert_int_eq(ic_tensor_shape(&view.layout, spec, &batch.shape, NULL), 0);
	batch.out_stride = batch.shape.nbytes + 4 * batch.shape.value_nbytes;
	batch.chroma_stride = batch.shape.chroma_nbytes;
	return batch;
}

/* Item i is what ic_tensor_decode makes of the object, and what lies between images is untouched. */
static void check_item(const struct ic_batch *batch, unsigned i, struct bytes object)
{
	const uint8_t *out = (const uint8_t *)batch->out + i * batch->out_stride;
	const uint8_t *chroma = (const uint8_t *)batch->chroma + i * batch->chroma_stride;
	uint8_t *alone = malloc(batch->shape.nbytes), *apart = malloc(batch->shape.chroma_nbytes + 1);
	struct ic_view view = view_of(object);
	struct ic_region region;

	ck_assert_int_eq(batch->items[i].err, 0);
	ck_assert_int_eq(ic_tensor_decode(&view, &batch->spec, &batch->items[i].window, alone, apart, NULL), 0);
	ck_assert_int_eq(ic_tensor_region(&view.layout, &batch->spec, &batch->items[i].window, &region, NULL), 0);
	ck_assert_mem_eq(&batch->items[i].region, &region, sizeof region);
	ck_assert_uint_eq(batch->items[i].orientation, view.orientation);
	ck_assert_uint_eq(batch->items[i].flags, view.flags);
	ck_assert_mem_eq(out, alone, batch->shape.nbytes);
	ck_assert(!batch->shape.chroma_nbytes || memcmp(chroma, apart, batch->shape.chroma_nbytes) == 0);
	for (size_t at = batch->shape.nbytes; at < batch->out_stride; at++)
		ck_assert_uint_eq(out[at], 0xa5);
	free(alone);
	free(apart);
}

static void check_batch(const struct ic_tensor_spec *spec, unsigned nthreads, bool all_files)
{
	struct album *album = album_new("s1x1-b8-k6-q8");
	struct ic_batch batch = batch_of(album, spec);
	struct output output = output_new(&batch);
	struct ic_pool *pool = NULL;
	size_t nfailed = 99;

	if (nthreads)
		ck_assert_int_eq(ic_pool_new(nthreads, &pool, NULL), 0);
	for (unsigned round = 0; round < 3; round++) {
		fill_items(album, all_files);
		ck_assert_int_eq(ic_batch_decode(pool, &batch, &nfailed, NULL), 0);
		ck_assert_uint_eq(nfailed, 0);
		for (unsigned i = 0; i < NIMAGES; i++)
			check_item(&batch, i, album->objects[i]);
	}
	ic_pool_free(pool);
	output_clear(&output);
	album_free(album);
}

START_TEST(a_batch_is_its_images_one_by_one)
{
	static const unsigned nthreads[] = {0, 1, 2, 7};

	check_batch(&pixels, nthreads[_i], false);
	check_batch(&freqs, nthreads[_i], true);
	check_batch(&resized, nthreads[_i], false);
}
END_TEST

static bool is_zero(const void *bytes, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++)
		if (((const uint8_t *)bytes)[i])
			return false;
	return true;
}

/* What can be wrong with an item, and its code. */
static void spoil(struct album *album, unsigned kind, struct ic_item *item, uint8_t *damaged)
{
	item->bytes = NULL;
	item->path = NULL;
	switch (kind) {
	case 0:
		break; /* neither bytes nor path */
	case 1:
		item->path = "not-there.ic";
		break;
	case 2:
		item->path = "."; /* a directory */
		break;
	case 3:
		item->path = "pipe"; /* nobody writes to */
		break;
	case 4:
		item->bytes = album->objects[1].data;
		item->nbytes = album->objects[1].nbytes - 1;
		break;
	case 5:
		item->bytes = damaged; /* another magic */
		item->nbytes = album->objects[1].nbytes;
		break;
	case 6:
		item->path = "cut.ic";
		break;
	case 7:
		item->bytes = album->objects[39].data; /* larger than any crop from x on */
		item->nbytes = album->objects[39].nbytes;
		item->window.x = 5000;
		break;
	case 8:
		item->path = "other.ic"; /* of another design */
		break;
	}
}

START_TEST(a_bad_image_costs_its_own_place_alone)
{
	static const errint_t codes[] = {-EINVAL,  -ENOENT,  -EBADMSG, -EBADMSG, -ENODATA,
	                                 -EBADMSG, -ENODATA, -ERANGE,  -ERANGE};
	struct album *album = album_new("s1x1-b8-k6-q8");
	struct ic_batch batch = batch_of(album, _i % 2 ? &pixels : &freqs);
	struct output output = output_new(&batch);
	struct ic_design other_design = design_of("s1x1-b8-k7-q4");
	struct dice dice = dice_new(1);
	struct bytes other = wild_object(&dice, &other_design, 100, 100, 3);
	uint8_t *damaged = malloc(album->objects[1].nbytes);
	struct ic_pool *pool;
	struct ic_why why = {""};
	size_t nfailed;

	memcpy(damaged, album->objects[1].data, album->objects[1].nbytes);
	damaged[0] ^= 1;
	write_file(album->dirfd, "cut.ic", album->objects[1].data, 63);
	write_file(album->dirfd, "other.ic", other.data, other.nbytes);
	ck_assert_int_eq(mkfifoat(album->dirfd, "pipe", 0600), 0);
	batch.design = &album->design;
	fill_items(album, false);
	for (unsigned kind = 0; kind < COUNT(codes); kind++)
		spoil(album, kind, &album->items[3 + 4 * kind], damaged);
	ck_assert_int_eq(ic_pool_new(1 + (unsigned)_i, &pool, NULL), 0);
	ck_assert_int_eq(ic_batch_decode(pool, &batch, &nfailed, &why), 0);
	ck_assert_uint_eq(nfailed, COUNT(codes));
	ck_assert_str_eq(why.text, "an item has neither bytes nor a path");
	for (unsigned i = 0; i < NIMAGES; i++) {
		unsigned kind = (i - 3) / 4;
		if (i < 3 || (i - 3) % 4 || kind >= COUNT(codes)) {
			check_item(&batch, i, album->objects[i]);
			continue;
		}
		ck_assert_msg(album->items[i].err == codes[kind], "kind %u: %d, not %d", kind, album->items[i].err,
		              codes[kind]);
		ck_assert(is_zero((uint8_t *)batch.out + i * batch.out_stride, batch.shape.nbytes));
		ck_assert(is_zero((uint8_t *)batch.chroma + i * batch.chroma_stride, batch.shape.chroma_nbytes));
		ck_assert(is_zero(&album->items[i].region, sizeof album->items[i].region));
	}
	ic_pool_free(pool);
	unlinkat(album->dirfd, "cut.ic", 0);
	unlinkat(album->dirfd, "other.ic", 0);
	unlinkat(album->dirfd, "pipe", 0);
	free(other.data);
	free(damaged);
	output_clear(&output);
	album_free(album);
}
END_TEST

static int ftruncate_at(int dirfd, const char *name, size_t nbytes)
{
	int fd = openat(dirfd, name, O_WRONLY);
	int status = ftruncate(fd, (off_t)nbytes);

	close(fd);
	return status;
}

/* Objects are heads, of all the bytes that a smaller K needs, and none more. */
START_TEST(a_batch_of_a_sparser_design_reads_the_head_of_each)
{
	struct album *album = album_new("s1x1-b8-k9-q4");
	struct ic_design sparse = design_of("s1x1-b8-k3-q4");
	struct ic_batch batch = batch_of(album, &freqs);
	size_t nfailed;

	fill_items(album, false);
	batch.design = &sparse;
	struct ic_layout layout;
	ck_assert_int_eq(ic_layout_init(&layout, &sparse, 64, 64, 3), 0);
	ck_assert_int_eq(ic_tensor_shape(&layout, &freqs, &batch.shape, NULL), 0);
	struct output output = output_new(&batch);
	for (unsigned i = 0; i < NIMAGES; i++) {
		struct ic_view view;
		struct ic_view whole = view_of(album->objects[i]);
		size_t needed = ic_layout_prefix_nbytes(&whole.layout, 3);
		ck_assert_int_eq(ic_view_parse_prefix(&view, album->objects[i].data, needed, 3, NULL), 0);
		ck_assert_int_eq(ic_view_parse_prefix(&view, album->objects[i].data, needed - 1, 3, NULL), -ENODATA);
		album->items[i].nbytes = album->items[i].bytes ? needed : 0;
		if (!album->items[i].bytes)
			ck_assert_int_eq(ftruncate_at(album->dirfd, album->names[i], needed), 0);
	}
	ck_assert_int_eq(ic_batch_decode(NULL, &batch, &nfailed, NULL), 0);
	ck_assert_uint_eq(nfailed, 0);
	for (unsigned i = 0; i < NIMAGES; i++) {
		struct ic_view view;
		uint8_t *alone = malloc(batch.shape.nbytes), *apart = malloc(batch.shape.chroma_nbytes);
		ck_assert_int_eq(ic_view_parse_prefix(&view, album->objects[i].data, album->objects[i].nbytes, 3, NULL),
		                 0);
		ck_assert_int_eq(ic_tensor_decode(&view, &freqs, &album->items[i].window, alone, apart, NULL), 0);
		ck_assert_mem_eq((uint8_t *)batch.out + i * batch.out_stride, alone, batch.shape.nbytes);
		free(alone);
		free(apart);
	}
	output_clear(&output);
	album_free(album);
}
END_TEST

/* --- Pools --------------------------------------------------------------------------------------------------------- */

struct caller {
	struct ic_pool *pool;
	struct ic_batch batch;
	pthread_t thread;
};

static void *call(void *argument)
{
	struct caller *caller = argument;

	for (unsigned i = 0; i < 20; i++)
		if (ic_batch_decode(caller->pool, &caller->batch, NULL, NULL))
			return argument;
	return NULL;
}

START_TEST(a_pool_is_shared_by_threads)
{
	struct album *albums[3];
	struct caller callers[3];
	struct output outputs[3];
	struct ic_pool *pool;

	ck_assert_int_eq(ic_pool_new(3, &pool, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		albums[i] = album_new("s2x2-b4-k4-q5");
		fill_items(albums[i], true);
		callers[i] = (struct caller){.pool = pool, .batch = batch_of(albums[i], &pixels)};
		outputs[i] = output_new(&callers[i].batch);
		ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		void *failed;
		ck_assert_int_eq(pthread_join(callers[i].thread, &failed), 0);
		ck_assert_ptr_null(failed);
		for (unsigned image = 0; image < NIMAGES; image++)
			check_item(&callers[i].batch, image, albums[i]->objects[image]);
		output_clear(&outputs[i]);
		album_free(albums[i]);
	}
	ic_pool_free(pool);
}
END_TEST

START_TEST(what_contradicts_itself_is_refused)
{
	struct album *album = album_new("s1x1-b8-k6-q8");
	struct ic_batch good = batch_of(album, &freqs), bad;
	struct output output = output_new(&good);
	struct ic_design no_design = {0};
	struct ic_pool *pool = NULL;
	struct ic_why why = {""};

	ck_assert_int_eq(ic_pool_new(0, &pool, &why), -EINVAL);
	ck_assert_int_eq(ic_pool_new(IC_THREADS_MAX + 1, &pool, &why), -EINVAL);
	ck_assert_ptr_null(pool);
	ic_pool_free(NULL);
	fill_items(album, false);
#define REFUSED(change)                                                                                                \
	do {                                                                                                           \
		bad = good;                                                                                            \
		change;                                                                                                \
		why.text[0] = '\0';                                                                                    \
		ck_assert_int_eq(ic_batch_decode(NULL, &bad, NULL, &why), -EINVAL);                                    \
		ck_assert(why.text[0]);                                                                                \
	} while (0)
	REFUSED(bad.items = NULL);
	REFUSED(bad.out = NULL);
	REFUSED(bad.chroma = NULL);
	REFUSED(bad.out = (uint8_t *)bad.out + 1);
	REFUSED(bad.out_stride = bad.shape.nbytes - 4);
	REFUSED(bad.out_stride = bad.shape.nbytes + 2);
	REFUSED(bad.chroma_stride -= 4);
	REFUSED(bad.design = &no_design);
	REFUSED(bad.shape = (struct ic_tensor_shape){0});
	ck_assert_uint_eq(*(uint8_t *)good.out, 0xa5);
	bad = (struct ic_batch){0};
	ck_assert_int_eq(ic_batch_decode(NULL, &bad, NULL, &why), 0); /* of none */
	output_clear(&output);
	album_free(album);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, a_batch_is_its_images_one_by_one, 0, 4);
	tcase_add_loop_test(tests, a_bad_image_costs_its_own_place_alone, 0, 3);
	tcase_add_test(tests, a_batch_of_a_sparser_design_reads_the_head_of_each);
	tcase_add_test(tests, a_pool_is_shared_by_threads);
	tcase_add_test(tests, what_contradicts_itself_is_refused);
}

int main(void)
{
	return suite_run("batch", add_tests);
}
