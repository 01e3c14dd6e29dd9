/* SPDX-License-Identifier: MIT */
/*
 * A batch: one piece of page-locked memory, and one like it on the device. The images' descriptions come first, those of how
 * they are resized next, and the objects behind them, each at a multiple of OBJECT_ALIGN, so that one copy takes all there
 * is. What is resized is decoded to memory on the device that chunks of the batch get in turn.
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
	struct chunk *chunks; /* of what is resized */
	size_t nchunks;
	uint8_t *scratch; /* theirs, on the device */
	uint64_t scratch_nbytes;
	cudaEvent_t copied, done;
	bool has_run;    /* the events say something */
	bool is_copied;  /* what is loaded was put into a stream */
	bool is_settled; /* and that is known to be over */
};

struct chunk {
	struct scale_chunk scale;
	uint32_t together; /* thread blocks of its pixels that the device runs at once */
};

/* --- Memory -------------------------------------------------------------------------------------------------------- */

static size_t round_up(size_t n)
{
	return (n + OBJECT_ALIGN - 1) / OBJECT_ALIGN * OBJECT_ALIGN;
}

static size_t scales_at(const struct ic_gpu_batch *batch)
{
	return round_up(batch->nitems_max * sizeof(struct tile_image));
}

/* All descriptions. */
static size_t images_nbytes(const struct ic_gpu_batch *batch)
{
	size_t scaled = batch->plan->is_scaled ? batch->nitems_max : 0;
	return scales_at(batch) + round_up(scaled * sizeof(struct scale_image));
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
	return (struct scale_image *)(void *)(batch->host + scales_at(batch));
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

/* What the kernel of a chunk's pixels is told, but for where they go. */
static struct tile_plan source_of(const struct ic_gpu_batch *batch, const struct scale_chunk *scale)
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
	struct tile_plan source = source_of(batch, &chunk->scale);
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
		batch->is_copied = error == cudaSuccess && !is_captured;
		if (batch->is_copied) {
			call = "cudaEventRecord";
			error = cudaEventRecord(batch->copied, stream);
		}
	} else if (!batch->is_settled) {
		if (is_captured)
			return ic_fail(why, -EINVAL, "a graph needs a batch that was waited for");
		call = "cudaStreamWaitEvent";
		error = cudaStreamWaitEvent(stream, batch->copied, 0);
	}
	return error == cudaSuccess ? 0 : gpu_fail(why, call, error);
}

/* Chunk after chunk, in the memory that all of them have. */
static cudaError_t launch_scaled(const struct ic_gpu_batch *batch, const struct tile_plan *plan, uint8_t *out,
                                 cudaStream_t stream)
{
	const struct tile_image *images = (const struct tile_image *)(const void *)batch->device;
	const struct scale_image *scales = (const struct scale_image *)(const void *)(batch->device + scales_at(batch));
	cudaError_t error = cudaSuccess;
	for (size_t i = 0; i < batch->nchunks && error == cudaSuccess; i++) {
		const struct scale_chunk *scale = &batch->chunks[i].scale;
		struct tile_plan source = source_of(batch, scale);
		tile_plan_set_strips(&source, scale->n, batch->chunks[i].together);
		tile_plan_set_outputs(&source, batch->scratch, scale->image_nbytes, NULL, 0);
		error = kernels_launch(&source, images + scale->first, scale->n, batch->scratch, NULL, stream);
		if (error == cudaSuccess)
			error = kernels_scale(plan, scale, scales + scale->first, batch->scratch,
			                      out + scale->first * plan->out_stride, stream);
	}
	return error;
}

/* `done` is the last of what several streams may do: each waits for the one before. */
static cudaError_t wait_for_last(const struct ic_gpu_batch *batch, cudaStream_t stream)
{
	return batch->has_run ? cudaStreamWaitEvent(stream, batch->done, 0) : cudaSuccess;
}

static cudaError_t record_last(struct ic_gpu_batch *batch, cudaStream_t stream)
{
	cudaError_t error = wait_for_last(batch, stream);
	if (error == cudaSuccess)
		error = cudaEventRecord(batch->done, stream);
	if (error != cudaSuccess)
		return error;
	batch->has_run = true;
	if (batch->plan->is_scaled)
		batch->is_settled = false; /* a graph may not use the same memory */
	return cudaSuccess;
}

static cudaError_t launch(const struct ic_gpu_batch *batch, const struct ic_gpu_output *output, cudaStream_t stream)
{
	struct tile_plan plan = batch->plan->tile;
	(void)cudaGetLastError(); /* of calls before: what is looked at next is the launches' */
	tile_plan_set_outputs(&plan, output->out, output->out_stride, output->chroma, output->chroma_stride);
	if (batch->plan->is_scaled)
		return launch_scaled(batch, &plan, output->out, stream);
	tile_plan_set_strips(&plan, (uint32_t)batch->nitems, batch->plan->together);
	return kernels_launch(&plan, (const struct tile_image *)(const void *)batch->device, (uint32_t)batch->nitems,
	                      output->out, output->chroma, stream);
}

static errint_t put(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, cudaStream_t stream,
                    bool is_captured, struct ic_why *why)
{
	const char *call = "cudaStreamWaitEvent";
	cudaError_t error = cudaSuccess;
	errint_t err = copy(batch, stream, is_captured, why);
	if (err)
		return err;
	/* What is resized goes through memory that the decode before may be using. */
	if (batch->plan->is_scaled && !is_captured)
		error = wait_for_last(batch, stream);
	if (error == cudaSuccess) {
		call = "launching the kernels";
		error = launch(batch, output, stream);
	}
	if (error == cudaSuccess && !is_captured) {
		call = "cudaEventRecord";
		error = record_last(batch, stream);
	}
	return error == cudaSuccess ? 0 : gpu_fail(why, call, error);
}

/* After a failure something may be on its way behind which there is no event: nobody could wait for it any more. */
static void settle(struct ic_gpu_batch *batch, cudaStream_t stream)
{
	cudaError_t error = gpu_settle(stream);
	if (error == cudaSuccess && batch->has_run)
		error = cudaEventSynchronize(batch->done);
	batch->is_settled = error == cudaSuccess && batch->is_copied;
}

static errint_t decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, cudaStream_t stream,
                       struct ic_why *why)
{
	enum cudaStreamCaptureStatus capture;
	cudaError_t error = cudaStreamIsCapturing(stream, &capture);
	if (error != cudaSuccess)
		return gpu_fail(why, "cudaStreamIsCapturing", error);
	bool is_captured = capture != cudaStreamCaptureStatusNone;
	errint_t err = put(batch, output, stream, is_captured, why);
	if (err && !is_captured)
		settle(batch, stream);
	return err;
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
