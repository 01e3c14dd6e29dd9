/* SPDX-License-Identifier: MIT */
/*
 * A batch: one piece of page-locked memory, and one like it on the device. The images' descriptions come first, the objects
 * behind them, each at a multiple of OBJECT_ALIGN, so that one copy takes all there is.
 */
#include "gpu_cuda_priv.h"
#include "kernels_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_ALIGN 64u

struct ic_gpu_batch {
	struct ic_gpu_plan *plan;
	size_t nitems_max, nitems, used, room; /* bytes that are loaded, and that there is memory for */
	uint8_t *host, *device;
	cudaEvent_t copied, done;
	bool has_run;    /* the events say something */
	bool is_copied;  /* what is loaded was put into a stream */
	bool is_settled; /* and that is known to be over */
};

/* --- Memory -------------------------------------------------------------------------------------------------------- */

static size_t round_up(size_t n)
{
	return (n + OBJECT_ALIGN - 1) / OBJECT_ALIGN * OBJECT_ALIGN;
}

static size_t images_nbytes(const struct ic_gpu_batch *batch)
{
	return round_up(batch->nitems_max * sizeof(struct tile_image));
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
		if (batch->copied)
			cudaEventDestroy(batch->copied);
		if (batch->done)
			cudaEventDestroy(batch->done);
		gpu_leave(batch->plan->device, before);
	}
	free(batch);
}

/* --- Loading ------------------------------------------------------------------------------------------------------- */

/* What an item is, before anything of it is taken. */
struct looked_at {
	struct ic_layout layout;
	uint8_t orientation;
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

/* Describe an image, at first with the caller's object, and count what the object will take behind the descriptions. */
static errint_t load_item(struct ic_gpu_batch *batch, size_t index, struct ic_gpu_item *item, bool on_device,
                          size_t *at, struct ic_why *why)
{
	struct looked_at seen;
	struct tile_image image = {0};
	item->region = (struct ic_region){0};
	item->orientation = 0;
	item->err = check_item(batch->plan, item, on_device, &seen, why);
	if (!item->err) {
		item->orientation = seen.orientation;
		tile_image_init(&image, &batch->plan->tile, &seen.layout, &item->region, item->window.flip,
		                item->bytes);
		*at += on_device ? 0 : round_up(seen.layout.nbytes + TILE_SLACK);
	}
	memcpy(batch->host + index * sizeof image, &image, sizeof image);
	return item->err;
}

static struct tile_image *images_of(const struct ic_gpu_batch *batch)
{
	return (struct tile_image *)(void *)batch->host;
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
static errint_t grow(struct ic_gpu_batch *batch, size_t nitems, size_t nbytes, struct ic_why *why)
{
	if (nbytes <= batch->room)
		return 0;
	struct tile_image *images = malloc(nitems * sizeof *images);
	if (!images)
		return ic_fail(why, -ENOMEM, "out of memory");
	memcpy(images, batch->host, nitems * sizeof *images);
	errint_t err = make_room(batch, nbytes, why);
	if (!err)
		memcpy(batch->host, images, nitems * sizeof *images);
	free(images);
	return err;
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
		err = grow(batch, nitems, nbytes, why);
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

/* --- Decoding ------------------------------------------------------------------------------------------------------ */

static errint_t check_output(const struct ic_gpu_batch *batch, const struct ic_gpu_output *o, struct ic_why *why)
{
	const struct ic_tensor_shape *shape = &batch->plan->shape;
	bool has_chroma = shape->chroma_nbytes > 0;
	if (!batch->nitems)
		return ic_fail(why, -EINVAL, "nothing is loaded");
	if (!o->out || (uintptr_t)o->out % shape->value_nbytes || o->out_stride % shape->value_nbytes ||
	    o->out_stride < shape->nbytes)
		return ic_fail(why, -EINVAL, "the output has no room for images of %zu bytes", shape->nbytes);
	if (has_chroma && (!o->chroma || (uintptr_t)o->chroma % shape->value_nbytes ||
	                   o->chroma_stride % shape->value_nbytes || o->chroma_stride < shape->chroma_nbytes))
		return ic_fail(why, -EINVAL, "the output has no room for chroma of %zu bytes", shape->chroma_nbytes);
	return 0;
}

/* Put the copy into the stream, or let the stream wait for the one that is on its way. */
static errint_t copy(struct ic_gpu_batch *batch, cudaStream_t stream, bool is_captured, struct ic_why *why)
{
	const char *call = "cudaMemcpyAsync";
	cudaError_t error = cudaSuccess;
	if (!batch->is_copied) {
		error = cudaMemcpyAsync(batch->device, batch->host, batch->used, cudaMemcpyHostToDevice, stream);
		if (error == cudaSuccess && !is_captured) {
			call = "cudaEventRecord";
			error = cudaEventRecord(batch->copied, stream);
			batch->is_copied = true;
		}
	} else if (!batch->is_settled) {
		if (is_captured)
			return ic_fail(why, -EINVAL, "a graph needs a batch that was waited for");
		call = "cudaStreamWaitEvent";
		error = cudaStreamWaitEvent(stream, batch->copied, 0);
	}
	return error == cudaSuccess ? 0 : gpu_fail(why, call, error);
}

static errint_t decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, cudaStream_t stream,
                       struct ic_why *why)
{
	enum cudaStreamCaptureStatus capture;
	struct tile_plan plan = batch->plan->tile;
	cudaError_t error = cudaStreamIsCapturing(stream, &capture);
	if (error != cudaSuccess)
		return gpu_fail(why, "cudaStreamIsCapturing", error);
	bool is_captured = capture != cudaStreamCaptureStatusNone;
	errint_t err = copy(batch, stream, is_captured, why);
	if (err)
		return err;
	tile_plan_set_strips(&plan, (uint32_t)batch->nitems, batch->plan->together);
	tile_plan_set_outputs(&plan, output->out, output->out_stride, output->chroma, output->chroma_stride);
	error = kernels_launch(&plan, (const struct tile_image *)(const void *)batch->device, (uint32_t)batch->nitems,
	                       output->out, output->chroma, stream);
	if (error != cudaSuccess)
		return gpu_fail(why, "launching the kernel", error);
	if (is_captured)
		return 0;
	/* `done` is the last of what several streams may do: each waits for the one before. */
	error = batch->has_run ? cudaStreamWaitEvent(stream, batch->done, 0) : cudaSuccess;
	if (error == cudaSuccess)
		error = cudaEventRecord(batch->done, stream);
	batch->has_run = true;
	return error == cudaSuccess ? 0 : gpu_fail(why, "cudaEventRecord", error);
}

errint_t ic_gpu_batch_decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, void *stream,
                             struct ic_why *why)
{
	int before = 0;
	errint_t err = check_output(batch, output, why);
	if (!err)
		err = gpu_enter(batch->plan->device, &before, why);
	if (err)
		return err;
	err = decode(batch, output, stream, why);
	gpu_leave(batch->plan->device, before);
	return err;
}

errint_t ic_gpu_batch_wait(struct ic_gpu_batch *batch, struct ic_why *why)
{
	int before = 0;
	if (!batch->has_run)
		return 0;
	errint_t err = gpu_enter(batch->plan->device, &before, why);
	if (err)
		return err;
	cudaError_t error = cudaEventSynchronize(batch->done);
	if (error != cudaSuccess)
		err = gpu_fail(why, "cudaEventSynchronize", error);
	else
		batch->is_settled = batch->is_copied;
	gpu_leave(batch->plan->device, before);
	return err;
}
