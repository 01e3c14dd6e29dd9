/* SPDX-License-Identifier: MIT */
/* What is put into streams: the copy of a batch, once, and its kernels, as often as asked. */
#include "gpu_batch_priv.h"
#include "kernels_priv.h"

#include <errno.h>

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
	const struct scale_image *scales =
	        (const struct scale_image *)(const void *)(batch->device + batch_scales_at(batch));
	cudaError_t error = cudaSuccess;
	for (size_t i = 0; i < batch->nchunks && error == cudaSuccess; i++) {
		const struct scale_chunk *scale = &batch->chunks[i].scale;
		struct tile_plan source = batch_source_of(batch, scale);
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
	(void)cudaGetLastError(); /* told is what failed first */
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
