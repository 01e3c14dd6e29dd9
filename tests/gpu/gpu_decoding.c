/* SPDX-License-Identifier: MIT */
/*
 * gpu_decoding [DESIGN [OUTPUT]]: what decoding batches on a GPU costs, against copying as many bytes in its memory.
 * Prints the table of docs/gpu.md as Markdown.
 *
 * Batches of 224 x 224 pixels of random objects lie in device memory. A small one (256 images) is replayed as a graph
 * of many decodes into the same memory, which the second-level cache holds; a large one takes one GiB of objects and
 * outputs, each decode another one. The copy moves the same number of bytes, half read and half written, in the same
 * way: in the same run, by graph or over rotating memory; it is the faster one of CUDA's own and a kernel's. Times are
 * those of events; of several rounds the median.
 */
#include "gpu/gpu.h"

#include "tests/codec/dice.h"
#include "tests/codec/wild.h"
#include "copying.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 224
#define NSMALL 256
#define LARGE_NBYTES (1ull << 30)
#define NROTATED 2 /* large batches */
#define REPEAT 40  /* decodes in a graph */
#define NROUNDS 9
#define PATTERNS 16 /* objects of other bytes */

struct kind {
	const char *design, *name;
	struct ic_tensor_spec spec;
	unsigned flags; /* of the plan */
};

#define FREQS(of) {.values = IC_FREQUENCIES, .type = of, .chroma = IC_CHROMA_APART}, 0
#define PIXELS(of, order) {.values = IC_RGB, .type = of, .axes = order}, 0
#define FAST_PIXELS(of, order) {.values = IC_RGB, .type = of, .axes = order}, IC_GPU_FAST_DCT

static const struct kind kinds[] = {
        {"s1x1-b8-k15-q8", "frequencies, half", FREQS(IC_FLOAT16)},
        {"s1x1-b8-k6-q8", "frequencies, half", FREQS(IC_FLOAT16)},
        {"s1x1-b8-k15-q8", "frequencies, int8", FREQS(IC_INT8)},
        {"s1x1-b8-k15-q4", "frequencies, half", FREQS(IC_FLOAT16)},
        {"s1x1-b8-k15-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k6-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k15-q8", "RGB, half, NHWC", PIXELS(IC_FLOAT16, IC_NHWC)},
        {"s1x1-b8-k15-q8", "RGB, 8 bit, NCHW", PIXELS(IC_UINT8, IC_NCHW)},
        {"s1x1-b8-k6-q8", "RGB, 8 bit, NCHW", PIXELS(IC_UINT8, IC_NCHW)},
        {"s1x1-b8-k6-q8", "RGB, 8 bit, NHWC", PIXELS(IC_UINT8, IC_NHWC)},
        {"s1x1-b8-k15-q8", "RGB, single, NCHW", PIXELS(IC_FLOAT32, IC_NCHW)},
        {"s1x1-b8-k15-q8-c1", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k15-q4", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k15-q8", "RGB, half, NCHW, fast DCT", FAST_PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k6-q8", "RGB, half, NCHW, fast DCT", FAST_PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b8-k15-q8", "RGB, half, NHWC, fast DCT", FAST_PIXELS(IC_FLOAT16, IC_NHWC)},
        {"s1x1-b8-k15-q8", "RGB, 8 bit, NCHW, fast DCT", FAST_PIXELS(IC_UINT8, IC_NCHW)},
        {"s1x1-b8-k6-q8", "RGB, 8 bit, NCHW, fast DCT", FAST_PIXELS(IC_UINT8, IC_NCHW)},
        {"s1x1-b8-k15-q8-c1", "RGB, half, NCHW, fast DCT", FAST_PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b1-k1-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b2-k3-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b4-k7-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b16-k31-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b16-k12-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b32-k63-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
        {"s1x1-b32-k24-q8", "RGB, half, NCHW", PIXELS(IC_FLOAT16, IC_NCHW)},
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "gpu_decoding: %s: %s\n", what, why);
	exit(2);
}

static void cuda(cudaError_t error, const char *call)
{
	if (error != cudaSuccess)
		die(call, cudaGetErrorString(error));
}

#define CUDA(call) cuda(call, #call)

static void ok(errint_t err, const struct ic_why *why)
{
	if (err)
		die("icfs", why->text);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, by_value);
	return values[n / 2];
}

/* --- Batches in device memory ------------------------------------------------------------------------------------- */

struct work {
	struct ic_gpu_device *device;
	struct ic_gpu_plan *plan;
	struct ic_gpu_batch *batch[NROTATED];
	struct ic_gpu_output output[NROTATED];
	unsigned nbatches;
	size_t nimages;
	struct ic_layout layout;
	struct ic_tensor_shape shape;
	uint8_t *objects;
	size_t object_stride, moved_nbytes; /* of an image: read and written */
	cudaStream_t stream;
};

static void put_objects(struct work *w, size_t n)
{
	struct dice dice = dice_new(1);
	struct bytes patterns[PATTERNS];

	w->object_stride = (w->layout.nbytes + IC_GPU_SLACK + 63) / 64 * 64;
	CUDA(cudaMalloc((void **)&w->objects, n * w->object_stride));
	for (unsigned i = 0; i < PATTERNS; i++)
		patterns[i] = wild_object(&dice, &w->layout.design, SIDE, SIDE, 3);
	for (size_t i = 0; i < n; i++) /* the first ones from here, all others from those */
		CUDA(cudaMemcpy(w->objects + i * w->object_stride,
		                i < PATTERNS ? patterns[i].data : w->objects + i % PATTERNS * w->object_stride,
		                w->layout.nbytes, cudaMemcpyDefault));
	for (unsigned i = 0; i < PATTERNS; i++)
		free(patterns[i].data);
}

static void put_batch(struct work *w, unsigned b)
{
	struct ic_gpu_item *items = calloc(w->nimages, sizeof *items);
	struct ic_why why = {""};
	size_t nfailed = 0;

	for (size_t i = 0; i < w->nimages; i++)
		items[i] = (struct ic_gpu_item){.bytes = w->objects + (b * w->nimages + i) * w->object_stride,
		                                .nbytes = w->layout.nbytes,
		                                .layout = &w->layout};
	ok(ic_gpu_batch_new(w->plan, w->nimages, &w->batch[b], &why), &why);
	ok(ic_gpu_batch_load(w->batch[b], items, w->nimages, IC_GPU_DEVICE_MEMORY | IC_GPU_ALL_OR_NONE, &nfailed, &why),
	   &why);
	free(items);
	struct ic_gpu_output *o = &w->output[b];
	o->out_stride = (w->shape.nbytes + 15) / 16 * 16;
	o->chroma_stride = (w->shape.chroma_nbytes + 15) / 16 * 16;
	CUDA(cudaMalloc(&o->out, w->nimages * o->out_stride));
	if (o->chroma_stride)
		CUDA(cudaMalloc(&o->chroma, w->nimages * o->chroma_stride));
	ok(ic_gpu_batch_decode(w->batch[b], o, w->stream, &why), &why);
	ok(ic_gpu_batch_wait(w->batch[b], &why), &why);
}

static void work_begin(struct work *w, struct ic_gpu_device *device, const struct kind *kind, bool is_large)
{
	struct ic_design design;
	struct ic_why why = {""};

	*w = (struct work){.device = device};
	ok(ic_design_parse(kind->design, &design, &why), &why);
	ok(ic_layout_init(&w->layout, &design, SIDE, SIDE, 3), &why);
	ok(ic_tensor_shape(&w->layout, &kind->spec, &w->shape, &why), &why);
	ok(ic_gpu_plan_new(device, &design, &kind->spec, &w->shape, kind->flags, &w->plan, &why), &why);
	w->moved_nbytes = w->layout.nbytes + w->shape.nbytes + w->shape.chroma_nbytes;
	w->nbatches = is_large ? NROTATED : 1;
	w->nimages = is_large ? LARGE_NBYTES / w->moved_nbytes + 1 : NSMALL;
	CUDA(cudaStreamCreateWithFlags(&w->stream, cudaStreamNonBlocking));
	put_objects(w, w->nbatches * w->nimages);
	for (unsigned b = 0; b < w->nbatches; b++)
		put_batch(w, b);
}

static void work_end(struct work *w)
{
	for (unsigned b = 0; b < w->nbatches; b++) {
		ic_gpu_batch_free(w->batch[b]);
		cudaFree(w->output[b].out);
		cudaFree(w->output[b].chroma);
	}
	ic_gpu_plan_free(w->plan);
	cudaFree(w->objects);
	cudaStreamDestroy(w->stream);
}

/* --- Timing ------------------------------------------------------------------------------------------------------- */

typedef void step_function(void *data, unsigned index, cudaStream_t stream);

static void decode_step(void *data, unsigned index, cudaStream_t stream)
{
	struct work *w = data;
	struct ic_why why = {""};
	unsigned b = index % w->nbatches;

	ok(ic_gpu_batch_decode(w->batch[b], &w->output[b], stream, &why), &why);
}

struct copies {
	uint8_t *from[NROTATED], *to[NROTATED];
	unsigned n;
	size_t nbytes;
};

static void copy_step(void *data, unsigned index, cudaStream_t stream)
{
	struct copies *c = data;
	unsigned b = index % c->n;

	CUDA(cudaMemcpyAsync(c->to[b], c->from[b], c->nbytes, cudaMemcpyDeviceToDevice, stream));
}

static void copy_by_kernel_step(void *data, unsigned index, cudaStream_t stream)
{
	struct copies *c = data;
	unsigned b = index % c->n;

	CUDA(copying(c->to[b], c->from[b], c->nbytes, stream));
}

/* Seconds of one step, of REPEAT that a graph holds. */
static double time_steps(step_function *step, void *data, cudaStream_t stream)
{
	double times[NROUNDS];
	cudaGraph_t graph;
	cudaGraphExec_t exec;
	cudaEvent_t begin, end;

	CUDA(cudaEventCreate(&begin));
	CUDA(cudaEventCreate(&end));
	CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
	for (unsigned i = 0; i < REPEAT; i++)
		step(data, i, stream);
	CUDA(cudaStreamEndCapture(stream, &graph));
	CUDA(cudaGraphInstantiate(&exec, graph, 0));
	CUDA(cudaGraphLaunch(exec, stream));
	for (unsigned round = 0; round < NROUNDS; round++) {
		float milliseconds;
		CUDA(cudaEventRecord(begin, stream));
		CUDA(cudaGraphLaunch(exec, stream));
		CUDA(cudaEventRecord(end, stream));
		CUDA(cudaEventSynchronize(end));
		CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
		times[round] = (double)milliseconds / 1000 / REPEAT;
	}
	CUDA(cudaGraphExecDestroy(exec));
	CUDA(cudaGraphDestroy(graph));
	CUDA(cudaEventDestroy(begin));
	CUDA(cudaEventDestroy(end));
	return median(times, NROUNDS);
}

/* Of copying as many bytes as a decode moves. */
static double time_copy(struct work *w)
{
	struct copies c = {.n = w->nbatches, .nbytes = w->nimages * w->moved_nbytes / 2 / 16 * 16};

	for (unsigned b = 0; b < c.n; b++) {
		CUDA(cudaMalloc((void **)&c.from[b], c.nbytes));
		CUDA(cudaMalloc((void **)&c.to[b], c.nbytes));
		CUDA(cudaMemset(c.from[b], (int)(b + 1), c.nbytes));
	}
	double seconds = time_steps(copy_step, &c, w->stream),
	       by_kernel = time_steps(copy_by_kernel_step, &c, w->stream);
	for (unsigned b = 0; b < c.n; b++) {
		cudaFree(c.from[b]);
		cudaFree(c.to[b]);
	}
	return seconds < by_kernel ? seconds : by_kernel;
}

/* From the caller's memory to the device and through the kernel: images/s, and what the bus gives alone. */
static void time_host(struct work *w)
{
	struct ic_why why = {""};
	struct ic_gpu_item *items = calloc(w->nimages, sizeof *items);
	uint8_t *pinned, *device;
	double times[2][NROUNDS];
	cudaEvent_t begin, end;
	size_t nbytes = w->nimages * w->layout.nbytes;
	uint8_t *objects = malloc(w->nimages * w->object_stride);

	CUDA(cudaMemcpy(objects, w->objects, w->nimages * w->object_stride, cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < w->nimages; i++)
		items[i] = (struct ic_gpu_item){.bytes = objects + i * w->object_stride, .nbytes = w->layout.nbytes};
	CUDA(cudaHostAlloc((void **)&pinned, nbytes, cudaHostAllocDefault));
	CUDA(cudaMalloc((void **)&device, nbytes));
	CUDA(cudaEventCreate(&begin));
	CUDA(cudaEventCreate(&end));
	for (unsigned round = 0; round < NROUNDS; round++) {
		float milliseconds;
		ok(ic_gpu_batch_load(w->batch[0], items, w->nimages, IC_GPU_ALL_OR_NONE, NULL, &why), &why);
		CUDA(cudaEventRecord(begin, w->stream));
		ok(ic_gpu_batch_decode(w->batch[0], &w->output[0], w->stream, &why), &why);
		CUDA(cudaEventRecord(end, w->stream));
		CUDA(cudaEventSynchronize(end));
		CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
		times[0][round] = (double)milliseconds / 1000;
		CUDA(cudaEventRecord(begin, w->stream));
		CUDA(cudaMemcpyAsync(device, pinned, nbytes, cudaMemcpyHostToDevice, w->stream));
		CUDA(cudaEventRecord(end, w->stream));
		CUDA(cudaEventSynchronize(end));
		CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
		times[1][round] = (double)milliseconds / 1000;
	}
	double ours = median(times[0], NROUNDS), bus = median(times[1], NROUNDS);
	printf(" %.2f | %.2f |", (double)w->nimages / ours / 1e6, bus / ours);
	CUDA(cudaFreeHost(pinned));
	CUDA(cudaFree(device));
	free(objects);
	free(items);
}

static void measure(struct ic_gpu_device *device, const struct kind *kind, bool is_large, bool with_host)
{
	struct work w;

	work_begin(&w, device, kind, is_large);
	double ours = time_steps(decode_step, &w, w.stream), copy = time_copy(&w);
	double gigabytes = (double)(w.nimages * w.moved_nbytes) / 1e9;
	printf(" %.2f | %.0f | %.0f | %.2f |", (double)w.nimages / ours / 1e6, gigabytes / ours, gigabytes / copy,
	       copy / ours);
	if (with_host)
		time_host(&w);
	work_end(&w);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct ic_gpu_device *device;
	struct ic_gpu gpu;
	struct ic_why why = {""};
	const char *design = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "";

	ok(ic_gpu_open(0, &device, &why), &why);
	ok(ic_gpu_query(0, &gpu, &why), &why);
	printf("%s\n\n| design | to | 256: M images/s | GB/s | copy GB/s | ratio | from the host: M images/s | of the "
	       "bus "
	       "| 1 GiB: M images/s | GB/s | copy GB/s | ratio |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
	       gpu.name);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (!strstr(kinds[i].design, design) || !strstr(kinds[i].name, name))
			continue;
		printf("| `%s` | %s |", kinds[i].design, kinds[i].name);
		measure(device, &kinds[i], false, true);
		measure(device, &kinds[i], true, false);
		printf("\n");
	}
	ic_gpu_close(device);
	return 0;
}
