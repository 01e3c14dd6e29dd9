/* SPDX-License-Identifier: MIT */
#include "kernels_priv.h"

#include "scale_priv.h"
#include "tile_freqs_priv.h"

/* Thread blocks that fit a processor together, and so how many registers a thread may have: 48 at B = 1, 64 up to B = 8, 80
 * of fast transforms but the largest, and 128 where a warp keeps several tiles; what hides the way to memory are threads that
 * wait there. */
static constexpr int together(unsigned block, bool is_fast)
{
	if (is_fast)
		return block < 32 ? 3 : 2;
	return block == 1 ? 5 : block <= 8 ? 4 : 2;
}

template <unsigned block, unsigned is_8bit, bool is_fast>
__global__ __launch_bounds__(TILE_THREADS,
                             together(block, is_fast)) void pixels_kernel(const __grid_constant__ struct tile_plan plan,
                                                                          const struct tile_image *__restrict__ images,
                                                                          uint8_t *out)
{
	extern __shared__ uint4 shared_memory[];
	uint8_t *shared = reinterpret_cast<uint8_t *>(shared_memory);
	const struct tile_image *image = &images[blockIdx.y];
	uint32_t thread = threadIdx.x;
	out += blockIdx.y * plan.out_stride;
	if (!image->object) {
		tile_zero_pixels(&plan, blockIdx.x, thread, out);
		return;
	}
	tile_begin(&plan, image, block, is_8bit, is_fast, blockIdx.x, thread, shared);
	__syncthreads();
	/* The codes of the next tile are on their way while one becomes pixels. */
	uint32_t first = tile_strip_of(shared)->first, last = tile_strip_of(shared)->last;
	TILE_LOOP
	for (uint32_t next = first;; next++) {
		if (next <= last)
			tile_fetch(&plan, image, block, next, thread, shared);
		if (next > first)
			tile_pixels(&plan, block, is_fast, next - 1, thread, shared, out);
		if (next > last)
			return;
		op_wait_copies();
		__syncthreads();
		if (block == 1) {
			tile_samples_of_codes(&plan, image, is_8bit, next, thread, shared);
		} else if (is_fast && block == 8) {
			tile_fast(&plan, image, next, thread, shared);
		} else if (TILE_BY_LINES(block)) {
			tile_columns(&plan, image, block, is_8bit, next, thread, shared);
			__syncthreads();
			tile_line_rows(&plan, block, next, thread, shared);
		} else {
			tile_transform(&plan, block, is_8bit, is_fast, next, thread, shared);
		}
		__syncthreads();
	}
}

template <unsigned is_8bit>
__global__ __launch_bounds__(TILE_FREQS_THREADS, 16) void freqs_kernel(const __grid_constant__ struct tile_plan plan,
                                                                       const struct tile_image *__restrict__ images,
                                                                       uint32_t nvectors, uint8_t *out, uint8_t *chroma)
{
	tile_freqs_thread(&plan, images, is_8bit, nvectors, blockIdx.x, threadIdx.x, out, chroma);
}

typedef void pixels_function(const struct tile_plan, const struct tile_image *, uint8_t *);

static pixels_function *pixels_kernel_of(const struct tile_plan *plan)
{
	bool is_8bit = plan->bits == 8;
	if (plan->is_fast)
		return plan->block == 8    ? pixels_kernel<8, 1, true>
		       : plan->block == 16 ? pixels_kernel<16, 1, true>
		                           : pixels_kernel<32, 1, true>;
	switch (plan->block) {
	case 1:
		return is_8bit ? pixels_kernel<1, 1, false> : pixels_kernel<1, 0, false>;
	case 2:
		return is_8bit ? pixels_kernel<2, 1, false> : pixels_kernel<2, 0, false>;
	case 4:
		return is_8bit ? pixels_kernel<4, 1, false> : pixels_kernel<4, 0, false>;
	case 8:
		return is_8bit ? pixels_kernel<8, 1, false> : pixels_kernel<8, 0, false>;
	case 16:
		return is_8bit ? pixels_kernel<16, 1, false> : pixels_kernel<16, 0, false>;
	default:
		return is_8bit ? pixels_kernel<32, 1, false> : pixels_kernel<32, 0, false>;
	}
}

cudaError_t kernels_find(void)
{
	struct cudaFuncAttributes attributes;
	return cudaFuncGetAttributes(&attributes, freqs_kernel<1>);
}

cudaError_t kernels_prepare(const struct tile_plan *plan, struct kernels_room *ret_room)
{
	struct cudaFuncAttributes attributes;
	int device = 0, most = 0, processors = 0, nblocks = 0;
	*ret_room = {0, 1};
	/* Looked at, code is loaded: now, and not at the first launch. */
	if (plan->values != IC_RGB)
		return plan->bits == 8 ? cudaFuncGetAttributes(&attributes, freqs_kernel<1>)
		                       : cudaFuncGetAttributes(&attributes, freqs_kernel<0>);

	/* The bound is the kernel's, which other plans share: what one of them needs would be too little for a larger one. So
	 * it is what the device has, whatever the plan. */
	cudaError_t error = cudaGetDevice(&device);
	if (error == cudaSuccess)
		error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
	if (error == cudaSuccess)
		error = cudaFuncGetAttributes(&attributes, pixels_kernel_of(plan));
	if (error != cudaSuccess)
		return error;
	most -= static_cast<int>(attributes.sharedSizeBytes);
	ret_room->shared_nbytes = static_cast<uint32_t>(most);
	if (plan->room.nbytes > ret_room->shared_nbytes)
		return cudaSuccess;
	error = cudaFuncSetAttribute(pixels_kernel_of(plan), cudaFuncAttributeMaxDynamicSharedMemorySize, most);
	if (error == cudaSuccess)
		error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
	if (error == cudaSuccess)
		error = cudaOccupancyMaxActiveBlocksPerMultiprocessor(&nblocks, pixels_kernel_of(plan), TILE_THREADS,
		                                                      plan->room.nbytes);
	if (processors * nblocks > 0)
		ret_room->together = static_cast<uint32_t>(processors * nblocks);
	return error;
}

cudaError_t kernels_launch(const struct tile_plan *plan, const struct tile_image *images, uint32_t nimages,
                           uint8_t *out, uint8_t *chroma, cudaStream_t stream)
{
	if (plan->values == IC_RGB) {
		dim3 grid(plan->tiles_across * plan->strips_down, nimages);
		pixels_kernel_of(plan)<<<grid, TILE_THREADS, plan->room.nbytes, stream>>>(*plan, images, out);
		return cudaGetLastError();
	}
	/* So many as a thread can count the vectors of. */
	const uint32_t most = INT32_MAX / plan->nvectors, each = TILE_FREQS_THREADS * TILE_EACH;
	for (uint32_t first = 0; first < nimages; first += most) {
		uint32_t nvectors = (nimages - first < most ? nimages - first : most) * plan->nvectors;
		uint32_t grid = (nvectors + each - 1) / each;
		uint8_t *to = out + first * plan->out_stride, *chroma_to = chroma + first * plan->chroma_stride;
		auto kernel = plan->bits == 8 ? freqs_kernel<1> : freqs_kernel<0>;
		kernel<<<grid, TILE_FREQS_THREADS, 0, stream>>>(*plan, images + first, nvectors, to, chroma_to);
		cudaError_t error = cudaGetLastError();
		if (error != cudaSuccess)
			return error;
	}
	return cudaSuccess;
}

/* --- Images that are resized ---------------------------------------------------------------------------------------- */

__global__ __launch_bounds__(TILE_THREADS) void weights_kernel(const struct scale_image *__restrict__ images,
                                                               uint32_t *words)
{
	scale_put_weights(&images[blockIdx.y], blockIdx.x * TILE_THREADS + threadIdx.x, gridDim.x * TILE_THREADS,
	                  words);
}

__global__ __launch_bounds__(TILE_THREADS) void means_kernel(const __grid_constant__ struct tile_plan plan,
                                                             const struct scale_chunk chunk,
                                                             const struct scale_image *__restrict__ images,
                                                             const uint8_t *__restrict__ scratch, uint8_t *out)
{
	__shared__ uint32_t band[SCALE_BAND * SCALE_COLUMNS];
	const struct scale_image *image = &images[blockIdx.y];
	const uint8_t *pixels = scratch + blockIdx.y * chunk.image_nbytes;
	const uint32_t *words = reinterpret_cast<const uint32_t *>(scratch + chunk.weights_at);
	uint32_t thread = threadIdx.x;
	out += blockIdx.y * plan.out_stride;
	if (!image->is_there) {
		scale_zero(&plan, blockIdx.x, gridDim.x, thread, out);
		return;
	}
	struct scale_state state = scale_begin(image, words, blockIdx.x, scale_tiles_across(&plan), thread);
	TILE_LOOP
	for (uint32_t row = state.first; row < state.end; row += SCALE_BAND) {
		scale_across(&chunk, image, pixels, words, &state, row, thread, band);
		__syncthreads();
		scale_down(image, words, row, thread, band, &state);
		__syncthreads();
	}
	scale_put(&plan, image, &state, out);
}

cudaError_t kernels_prepare_scale(void)
{
	struct cudaFuncAttributes attributes;
	cudaError_t error = cudaFuncGetAttributes(&attributes, weights_kernel);
	return error == cudaSuccess ? cudaFuncGetAttributes(&attributes, means_kernel) : error;
}

cudaError_t kernels_scale(const struct tile_plan *plan, const struct scale_chunk *chunk,
                          const struct scale_image *images, uint8_t *scratch, uint8_t *out, cudaStream_t stream)
{
	uint32_t *words = reinterpret_cast<uint32_t *>(scratch + chunk->weights_at);
	dim3 places((plan->width + plan->height + TILE_THREADS - 1) / TILE_THREADS, chunk->n);
	weights_kernel<<<places, TILE_THREADS, 0, stream>>>(images, words);
	cudaError_t error = cudaGetLastError();
	if (error != cudaSuccess)
		return error;
	dim3 grid(scale_ntiles(plan), chunk->n);
	means_kernel<<<grid, TILE_THREADS, 0, stream>>>(*plan, *chunk, images, scratch, out);
	return cudaGetLastError();
}
