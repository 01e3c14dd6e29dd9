/* SPDX-License-Identifier: MIT */
/* The stand-in's streams, graphs and kernels. */
#include "cuda_on_cpu_priv.h"

#include "gpu/kernels_priv.h"
#include "tile_on_cpu.h"

#include <stdlib.h>

#define TOGETHER 7u /* thread blocks at once: few, so that strips are long */

/* --- Streams and graphs -------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *ret, unsigned flags)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		*ret = queue_new(current_device(), !(flags & cudaStreamNonBlocking));
	return call_end(error);
}

cudaError_t cudaStreamCreate(cudaStream_t *ret)
{
	return cudaStreamCreateWithFlags(ret, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		queue_free(stream);
	return call_end(error);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		queue_drain(queue_of(stream, current_device()));
	return call_end(error);
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *ret)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		*ret = stream && stream->is_capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
	return call_end(error);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	(void)mode;
	if (error == cudaSuccess)
		stream->is_capturing = true;
	return call_end(error);
}

static cudaGraph_t graph_new(void)
{
	cudaGraph_t graph = malloc(sizeof *graph);
	if (!graph)
		abort();
	*graph = (struct CUgraph_st){.end = &graph->first};
	return graph;
}

/* The steps go from the stream to the graph. */
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *ret)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess) {
		cudaGraph_t graph = *ret = graph_new();
		if (stream->captured.first)
			*graph = stream->captured;
		stream->captured = (struct CUgraph_st){.end = &stream->captured.first};
		stream->is_capturing = false;
	}
	return call_end(error);
}

/* An executable graph is the graph itself, which the tests keep. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *ret, cudaGraph_t graph, unsigned long long flags)
{
	(void)flags;
	*ret = (cudaGraphExec_t)(void *)graph;
	return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		queue_put_graph(stream, (cudaGraph_t)(void *)exec);
	return call_end(error);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
	(void)exec;
	return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
	graph_clear(graph);
	free(graph);
	return cudaSuccess;
}

/* --- Kernels ------------------------------------------------------------------------------------------------------- */

cudaError_t kernels_find(void)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	return call_end(error == cudaSuccess && cuda_gpus.have_no_code ? cudaErrorNoKernelImageForDevice : error);
}

cudaError_t kernels_prepare(const struct tile_plan *plan, struct kernels_room *ret_room)
{
	(void)plan;
	*ret_room = (struct kernels_room){cuda_gpus.shared_nbytes ? cuda_gpus.shared_nbytes : UINT32_MAX, TOGETHER};
	return call_end(call_begin(__func__, cudaErrorUnknown));
}

cudaError_t kernels_prepare_scale(void)
{
	return call_end(call_begin(__func__, cudaErrorUnknown));
}

static void run_pixels(const struct step *step)
{
	tile_on_cpu(&step->pixels.plan, step->pixels.images, step->pixels.nimages, step->pixels.out,
	            step->pixels.chroma);
}

cudaError_t kernels_launch(const struct tile_plan *plan, const struct tile_image *images, uint32_t nimages,
                           uint8_t *out, uint8_t *chroma, cudaStream_t stream)
{
	const struct step step = {.run = run_pixels,
	                          .touched = {images, out, chroma, plan->mean},
	                          .pixels = {*plan, images, nimages, out, chroma}};
	cudaError_t error = call_begin(__func__, cudaErrorLaunchFailure);
	if (error == cudaSuccess)
		error = put(stream, &step);
	return call_end(error);
}

static void run_scale(const struct step *step)
{
	scale_pixels_on_cpu(&step->scale.plan, &step->scale.chunk, step->scale.images, step->scale.scratch,
	                    step->scale.out);
}

cudaError_t kernels_scale(const struct tile_plan *plan, const struct scale_chunk *chunk,
                          const struct scale_image *images, uint8_t *scratch, uint8_t *out, cudaStream_t stream)
{
	const struct step step = {
	        .run = run_scale, .touched = {images, scratch, out}, .scale = {*plan, *chunk, images, scratch, out}};
	cudaError_t error = call_begin(__func__, cudaErrorLaunchFailure);
	if (error == cudaSuccess)
		error = put(stream, &step);
	return call_end(error);
}
