/* SPDX-License-Identifier: MIT */
/*
 * A batch: one piece of page-locked memory, and one like it on the device. The images' descriptions come first, those of how
 * they are resized next, and the objects behind them, each at a multiple of OBJECT_ALIGN, so that one copy takes all there
 * is. What is resized is decoded to memory on the device that chunks of the batch get in turn.
 */
#include "gpu_batch_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_ALIGN 64u

/* --- Memory -------------------------------------------------------------------------------------------------------- */

static size_t round_up(size_t n)
{
	return (n + OBJECT_ALIGN - 1) / OBJECT_ALIGN * OBJECT_ALIGN;
}

size_t batch_scales_at(const struct ic_gpu_batch *batch)
{
	return round_up(batch->nitems_max * sizeof(struct tile_image));
}

/* All descriptions. */
static size_t images_nbytes(const struct ic_gpu_batch *batch)
{
	size_t scaled = batch->plan->is_scaled ? batch->nitems_max : 0;
	return batch_scales_at(batch) + round_up(scaled * sizeof(struct scale_image));
}

static void free_room(struct ic_gpu_batch *batch)
{
	cudaFreeHost(batch->host);
	cudaFree(batch->device);
	batch->host = batch->device = NULL;
	batch->room = 0;
}

/* Half as much again, so that a few batches find what the largest needs. */
static errint_t make_room(struct ic_gpu_batch *batch, size_t nbytes, struct ic_why *why)
{
	if (nbytes <= batch->room)
		return 0;
	free_room(batch);
	size_t room = round_up(nbytes + nbytes / 2);
	const char *call = "cudaHostAlloc";
	cudaError_t error = cudaHostAlloc((void **)&batch->host, room, cudaHostAllocDefault);
	if (error == cudaSuccess) {
		call = "cudaMalloc";
		error = cudaMalloc((void **)&batch->device, room);
	}
	if (error != cudaSuccess) {
		free_room(batch);
		return gpu_fail(why, call, error);
	}
	batch->room = room;
	return 0;
}

static errint_t batch_init(struct ic_gpu_batch *batch, struct ic_why *why)
{
	int before = 0;
	errint_t err = gpu_enter(batch->plan->device, &before, why);
	if (err)
		return err;
	cudaError_t error = cudaEventCreateWithFlags(&batch->copied, cudaEventDisableTiming);
	if (error == cudaSuccess)
		error = cudaEventCreateWithFlags(&batch->done, cudaEventDisableTiming);
	if (error != cudaSuccess)
		err = gpu_fail(why, "cudaEventCreate", error);
	if (!err)
		err = make_room(batch, images_nbytes(batch), why);
	gpu_leave(batch->plan->device, before);
	return err;
}

errint_t ic_gpu_batch_new(struct ic_gpu_plan *plan, size_t nitems_max, struct ic_gpu_batch **ret_batch,
                          struct ic_why *why)
{
	if (!nitems_max || nitems_max > IC_GPU_ITEMS_MAX)
		return ic_fail(why, -EINVAL, "a batch has 1 to %u images, not %zu", IC_GPU_ITEMS_MAX, nitems_max);
	struct ic_gpu_batch *batch = calloc(1, sizeof *batch);
	if (!batch)
		return ic_fail(why, -ENOMEM, "out of memory");
	batch->plan = plan;
	batch->nitems_max = nitems_max;
	errint_t err = batch_init(batch, why);
	if (err)
		ic_gpu_batch_free(batch);
	else
		*ret_batch = batch;
	return err;
}

void ic_gpu_batch_free(struct ic_gpu_batch *batch)
{
	int before = 0;
	if (!batch)
		return;
	if (!gpu_enter(batch->plan->device, &before, NULL)) {
		if (batch->has_run)
			cudaEventSynchronize(batch->done);
		free_room(batch);
		cudaFree(batch->scratch);
		if (batch->copied)
			cudaEventDestroy(batch->copied);
		if (batch->done)
			cudaEventDestroy(batch->done);
		gpu_leave(batch->plan->device, before);
	}
	free(batch->chunks);
	free(batch);
}

/* --- Loading ------------------------------------------------------------------------------------------------------- */

/* What an item is, before anything of it is taken. */
struct looked_at {
	struct ic_layout layout;
	uint8_t orientation;
	uint16_t flags;
};

static errint_t look_at(const struct ic_gpu_plan *plan, const struct ic_gpu_item *item, bool on_device,
                        struct looked_at *ret, struct ic_why *why)
{
	struct ic_view view;
	if (on_device) {
		if (!item->bytes || (uintptr_t)item->bytes % 4 || !item->layout)
			return ic_fail(
			        why, -EINVAL,
			        "an object in device memory needs a layout, and a place that is a multiple of 4");
		ret->layout = *item->layout;
		ret->orientation = 0;
		ret->flags = 0;
		return item->layout->nbytes <= item->nbytes
		               ? 0
		               : ic_fail(why, -ENODATA, "%zu bytes are fewer than the layout has", item->nbytes);
	}
	errint_t err = ic_view_parse_prefix(&view, item->bytes, item->nbytes, plan->design.keep, why);
	if (err == -EINVAL)
		return ic_fail(why, -ERANGE, "the object keeps less than the plan's design");
	if (err)
		return err;
	ret->layout = view.layout;
	ret->orientation = view.orientation;
	ret->flags = view.flags;
	return 0;
}

static bool is_same_shape(const struct ic_tensor_shape *a, const struct ic_tensor_shape *b)
{
	return a->channels == b->channels && a->height == b->height && a->width == b->width &&
	       a->chroma_channels == b->chroma_channels && a->chroma_height == b->chroma_height &&
	       a->chroma_width == b->chroma_width;
}

static errint_t check_item(const struct ic_gpu_plan *plan, struct ic_gpu_item *item, bool on_device,
                           struct looked_at *seen, struct ic_why *why)
{
	struct ic_tensor_shape shape;
	errint_t err = look_at(plan, item, on_device, seen, why);
	if (!err && !ic_design_equal(&seen->layout.design, &plan->design))
		err = ic_fail(why, -ERANGE, "the object is of another design than the plan");
	if (!err)
		err = ic_tensor_shape(&seen->layout, &plan->spec, &shape, why);
	if (!err && !is_same_shape(&shape, &plan->shape))
		err = ic_fail(why, -ERANGE, "the image becomes %u x %u x %u, the plan's %u x %u x %u", shape.channels,
		              shape.height, shape.width, plan->shape.channels, plan->shape.height, plan->shape.width);
	if (!err)
		err = tile_image_check(&seen->layout, why);
	if (!err)
		err = ic_tensor_region(&seen->layout, &plan->spec, &item->window, &item->region, why);
	return err;
}

static struct tile_image *images_of(const struct ic_gpu_batch *batch)
{
	return (struct tile_image *)(void *)batch->host;
}

static struct scale_image *scales_of(const struct ic_gpu_batch *batch)
{
	return (struct scale_image *)(void *)(batch->host + batch_scales_at(batch));
}

/* An item that can be decoded. */
static errint_t describe(struct ic_gpu_batch *batch, size_t index, const struct ic_gpu_item *item,
                         const struct ic_layout *layout, struct tile_image *image, struct ic_why *why)
{
	const struct ic_gpu_plan *plan = batch->plan;
	struct ic_region source;
	if (!plan->is_scaled) {
		tile_image_init(image, &plan->tile, layout, &item->region, item->window.flip, item->bytes);
		return 0;
	}
	errint_t err =
	        scale_image_init(&scales_of(batch)[index], &plan->spec, &item->region, item->window.flip, &source, why);
	if (!err)
		tile_image_init(image, &plan->source, layout, &source, false, item->bytes);
	return err;
}

/* Describe an image, at first with the caller's object, and count what the object will take behind the descriptions. */
static errint_t load_item(struct ic_gpu_batch *batch, size_t index, struct ic_gpu_item *item, bool on_device,
                          size_t *at, struct ic_why *why)
{
	struct looked_at seen;
	struct tile_image image = {0};
	item->region = (struct ic_region){0};
	item->orientation = 0;
	item->flags = 0;
	if (batch->plan->is_scaled)
		scales_of(batch)[index] = (struct scale_image){0};
	item->err = check_item(batch->plan, item, on_device, &seen, why);
	if (!item->err)
		item->err = describe(batch, index, item, &seen.layout, &image, why);
	if (item->err) {
		item->region = (struct ic_region){0};
	} else {
		item->orientation = seen.orientation;
		item->flags = seen.flags;
		*at += on_device ? 0 : round_up(seen.layout.nbytes + TILE_SLACK);
	}
	memcpy(batch->host + index * sizeof image, &image, sizeof image);
	return item->err;
}

static uint64_t object_nbytes(const struct ic_gpu_plan *plan, const struct tile_image *image)
{
	return image->component[0].plane + (uint64_t)plan->tile.nfreqs * image->stride;
}

/* The descriptions first, which have the caller's objects; with the number of bytes that all will take. */
static errint_t check_all(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                          size_t *ret_nbytes, size_t *ret_nfailed, struct ic_why *why)
{
	size_t nbytes = images_nbytes(batch), nfailed = 0;
	for (size_t i = 0; i < nitems; i++) {
		errint_t err =
		        load_item(batch, i, &items[i], flags & IC_GPU_DEVICE_MEMORY, &nbytes, nfailed ? NULL : why);
		if (err && (flags & IC_GPU_ALL_OR_NONE))
			return err;
		nfailed += err != 0;
	}
	*ret_nbytes = nbytes;
	*ret_nfailed = nfailed;
	return 0;
}

/* Grow the memory, keeping the descriptions. */
static errint_t grow(struct ic_gpu_batch *batch, size_t nbytes, struct ic_why *why)
{
	size_t described = images_nbytes(batch);
	if (nbytes <= batch->room)
		return 0;
	uint8_t *images = malloc(described);
	if (!images)
		return ic_fail(why, -ENOMEM, "out of memory");
	memcpy(images, batch->host, described);
	errint_t err = make_room(batch, nbytes, why);
	if (!err)
		memcpy(batch->host, images, described);
	free(images);
	return err;
}

struct tile_plan batch_source_of(const struct ic_gpu_batch *batch, const struct scale_chunk *scale)
{
	struct tile_plan source = batch->plan->source;
	tile_plan_set_size(&source, scale->pitch, scale->height);
	return source;
}

/* The next chunk, and how its images' codes are taken. */
static errint_t add_chunk(struct ic_gpu_batch *batch, uint32_t first, size_t nitems, struct ic_why *why)
{
	struct chunk *chunks = realloc(batch->chunks, (batch->nchunks + 1) * sizeof *chunks);
	if (!chunks)
		return ic_fail(why, -ENOMEM, "out of memory");
	batch->chunks = chunks;
	struct chunk *chunk = &chunks[batch->nchunks++];
	chunk->scale = scale_chunk_init(scales_of(batch), first, (uint32_t)nitems, SCALE_CHUNK_NBYTES);
	struct tile_plan source = batch_source_of(batch, &chunk->scale);
	for (uint32_t i = first; i < first + chunk->scale.n; i++)
		tile_image_set_runs(&images_of(batch)[i], &source);
	return gpu_prepare(&source, &chunk->together, why);
}

/* Half as much again, as make_room; but no more than a chunk takes, or its one image. */
static errint_t make_scratch(struct ic_gpu_batch *batch, uint64_t nbytes, struct ic_why *why)
{
	if (nbytes <= batch->scratch_nbytes)
		return 0;
	cudaFree(batch->scratch);
	batch->scratch = NULL;
	batch->scratch_nbytes = 0;
	if (nbytes < SCALE_CHUNK_NBYTES)
		nbytes = nbytes + nbytes / 2 < SCALE_CHUNK_NBYTES ? nbytes + nbytes / 2 : SCALE_CHUNK_NBYTES;
	cudaError_t error = cudaMalloc((void **)&batch->scratch, (size_t)nbytes);
	if (error != cudaSuccess)
		return gpu_fail(why, "cudaMalloc", error);
	batch->scratch_nbytes = nbytes;
	return 0;
}

static errint_t make_chunks(struct ic_gpu_batch *batch, size_t nitems, struct ic_why *why)
{
	uint64_t nbytes = 0;
	errint_t err = 0;
	batch->nchunks = 0;
	for (uint32_t first = 0; batch->plan->is_scaled && first < nitems && !err;) {
		err = add_chunk(batch, first, nitems, why);
		if (err)
			break;
		const struct scale_chunk *scale = &batch->chunks[batch->nchunks - 1].scale;
		nbytes = nbytes > scale->nbytes ? nbytes : scale->nbytes;
		first += scale->n;
	}
	return err ? err : make_scratch(batch, nbytes, why);
}

static void copy_objects(struct ic_gpu_batch *batch)
{
	size_t at = images_nbytes(batch);
	for (size_t i = 0; i < batch->nitems; i++) {
		struct tile_image *image = &images_of(batch)[i];
		if (!image->object)
			continue;
		size_t nbytes = (size_t)object_nbytes(batch->plan, image);
		memcpy(batch->host + at, image->object, nbytes);
		memset(batch->host + at + nbytes, 0, TILE_SLACK);
		image->object = batch->device + at;
		at += round_up(nbytes + TILE_SLACK);
	}
}

static errint_t load(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                     size_t *ret_nfailed, struct ic_why *why)
{
	size_t nbytes, nfailed;
	batch->nitems = 0;
	batch->is_copied = batch->is_settled = false;
	errint_t err = make_room(batch, images_nbytes(batch), why);
	if (!err)
		err = check_all(batch, items, nitems, flags, &nbytes, &nfailed, why);
	if (!err)
		err = make_chunks(batch, nitems, why);
	if (!err)
		err = grow(batch, nbytes, why);
	if (err)
		return err;
	batch->nitems = nitems;
	batch->used = nbytes;
	if (!(flags & IC_GPU_DEVICE_MEMORY))
		copy_objects(batch);
	if (ret_nfailed)
		*ret_nfailed = nfailed;
	return 0;
}

errint_t ic_gpu_batch_load(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                           size_t *ret_nfailed, struct ic_why *why)
{
	int before = 0;
	if (!nitems || nitems > batch->nitems_max || flags & ~(IC_GPU_DEVICE_MEMORY | IC_GPU_ALL_OR_NONE))
		return ic_fail(why, -EINVAL, "a batch of %zu images has no room for %zu, or a flag is unknown",
		               batch->nitems_max, nitems);
	errint_t err = ic_gpu_batch_wait(batch, why);
	if (err)
		return err;
	err = gpu_enter(batch->plan->device, &before, why);
	if (err)
		return err;
	err = load(batch, items, nitems, flags, ret_nfailed, why);
	gpu_leave(batch->plan->device, before);
	return err;
}
