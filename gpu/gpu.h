/* SPDX-License-Identifier: MIT */
/*
 * gpu.h: batches of .ic objects to tensors in the memory of an NVIDIA GPU.
 *
 * The values are those of tensor.h, bit for bit: the same spec and windows, the same pixels and coefficients, and where
 * they become numbers the same operations, each rounded; but for pixels that are asked for with IC_GPU_FAST_DCT. Codes lie
 * at places that follow from a layout, so a batch is one pass over memory, or, where it is resized, three, and no image
 * waits for another.
 *
 * What is opened once for a device, planned once for a kind of batch, and loaded and decoded for each:
 *
 *     ic_gpu_open(0, &device, &why);
 *     ic_gpu_plan_new(device, &design, &spec, &shape, 0, &plan, &why);   // shape: ic_tensor_shape
 *     ic_gpu_batch_new(plan, 256, &batch, &why);
 *     ...
 *     ic_gpu_batch_load(batch, items, nitems, 0, &nfailed, &why);     // checks, and copies to page-locked memory
 *     ic_gpu_batch_decode(batch, &output, stream, &why);              // returns at once
 *
 * Built without CUDA, or run without a driver, every function that can fail gives -ENODEV and says which in `why` (may be
 * NULL). The first call starts CUDA in this process, which takes time and memory, and CUDA does not survive a fork: never
 * call before daemonizing. Where a call of CUDA fails, `why` has its name and its text: -ENOMEM where memory ran out,
 * -ENODEV where there is no device, -EIO for all else.
 *
 * Devices and plans may be used by any number of threads at once; a batch by one at a time.
 *
 * The device that is current in the calling thread is left as it was, if anything in the process has used it before, so that
 * it has a context. Else, as where a thread's current device is 0 because it never chose one and only device 1 was opened, the
 * opened one stays current: CUDA has no way back that would not start a context on the other, which takes hundreds of
 * megabytes there. Who calls CUDA himself chooses his device first.
 */
#pragma once

#include "codec/tensor.h"

#include <stdint.h>

/* --- What there is ------------------------------------------------------------------------------------------------- */

struct ic_gpu {
	char name[256];
	uint64_t memory_nbytes; /* on the device, in all */
};

/* Version of the CUDA runtime in this build, as CUDA counts: 1000 * major + 10 * minor. 0 without CUDA. */
IC_API unsigned ic_gpu_cuda_version(void);

/* At least 1. -ENODEV: none, with the reason. */
IC_API errint_t ic_gpu_count(unsigned *ret_count, struct ic_why *why);

/* Device `index` of ic_gpu_count. -ENODEV: no such device. */
IC_API errint_t ic_gpu_query(unsigned index, struct ic_gpu *ret_gpu, struct ic_why *why);

/* --- A device ------------------------------------------------------------------------------------------------------ */

/* The primary context of device `index`, which every library that uses CUDA's runtime shares, PyTorch among them.
 * -ENODEV: no such device, or one for which this build has no code. */
struct ic_gpu_device;
IC_API errint_t ic_gpu_open(unsigned index, struct ic_gpu_device **ret_device, struct ic_why *why);
IC_API void ic_gpu_close(struct ic_gpu_device *device); /* NULL is fine; its plans must be gone */

/* --- A kind of batch ----------------------------------------------------------------------------------------------- */

/*
 * How images of one design become tensors of one shape. `shape` is what ic_tensor_shape says of one of them; images of
 * other sizes may come along where `spec` makes them of that shape. The spec's means and scales are copied. `flags` is 0 or
 * IC_GPU_FAST_DCT.
 *
 * IC_FIT_RESIZE decodes the boxes to memory on the device first, some 128 MB a batch, or as much as its largest image needs,
 * 3 bytes a pixel: three kernels for each such part of a batch.
 *
 * -EINVAL: no valid design, a shape that is not one of this design and spec, or unknown flags. -EFBIG: 2^31 values an image,
 * or more.
 * -EOPNOTSUPP: pixels of this design need more shared memory than the device gives a thread block; docs/gpu.md says how much.
 */
struct ic_gpu_plan;

/*
 * Pixels of designs of B = 8, 16 and 32 and of 8 bits in half precision, from codes to colours, with half the instructions:
 * for all others this says nothing, nor for half precision that is to hold a scale * 255 or mean * scale it cannot.
 *
 * The reference rounds to whole numbers five times on the way, this once, or, where the output is of half precision, never;
 * what it rounds to 11 bits instead is bounded: before it is rounded, a channel is within
 *
 *     0.7 + 2.8 * S / 1000        (at B = 16 and 32: S / 500)
 *
 * of 255 of what docs/format.md gives without rounding, S being the largest sum of magnitudes that one of its samples is the
 * sum of: of coefficients times what their frequencies are at its place, some 100 in photographs. Of these (docs/gpu.md) 61 %
 * of all channels equal the reference's, 1 % are 2 or 3 apart and none is farther, and they are nearer to the exact ones than
 * the reference's are. Other types than half precision are made of bytes as ever; half precision is
 * channel / 255 * (255 * scale) + (-mean * scale), and both of these constants are rounded to it.
 */
#define IC_GPU_FAST_DCT 0x1u
IC_API errint_t ic_gpu_plan_new(struct ic_gpu_device *device, const struct ic_design *design,
                                const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape, unsigned flags,
                                struct ic_gpu_plan **ret_plan, struct ic_why *why);
IC_API void ic_gpu_plan_free(struct ic_gpu_plan *plan); /* NULL is fine; its batches must be gone */

/* --- A batch ------------------------------------------------------------------------------------------------------- */

/* Bytes that must be readable behind an object in device memory, whatever they hold. */
#define IC_GPU_SLACK 16u
#define IC_GPU_ITEMS_MAX 65535u

/*
 * One image. In host memory: `nbytes` bytes of an object of the plan's design, or of a denser one of the same sampling,
 * block size, chroma, filter, order and bits, of which only what is needed is copied; layout is NULL.
 *
 * In device memory, where nobody can look at a header: `bytes` is a multiple of 4 that IC_GPU_SLACK bytes follow, and
 * `layout` that of the object, which the caller answers for. Other bytes than those of such an object give other pixels,
 * nothing worse.
 */
struct ic_gpu_item {
	const uint8_t *bytes;
	size_t nbytes;
	const struct ic_layout *layout;
	struct ic_window window;

	/* Written by ic_gpu_batch_load; as in batch.h. */
	struct ic_region region; /* zeroed where err is not 0 */
	uint8_t orientation;     /* EXIF, 1..8, not applied; 0 where err is not 0, and for device memory */
	uint16_t flags;          /* IC_FLAG_, likewise */
	errint_t err;            /* 0, or why this image's place will be zeroed */
};

/* Memory for batches of up to nitems_max images, one after the other: page-locked, and on the device. It grows with what
 * is loaded. Two or three of them keep the bus and the GPU busy at once. -EINVAL: more than IC_GPU_ITEMS_MAX, or none. */
struct ic_gpu_batch;
IC_API errint_t ic_gpu_batch_new(struct ic_gpu_plan *plan, size_t nitems_max, struct ic_gpu_batch **ret_batch,
                                 struct ic_why *why);
IC_API void ic_gpu_batch_free(struct ic_gpu_batch *batch); /* waits for it; NULL is fine */

#define IC_GPU_DEVICE_MEMORY 0x1u /* the objects lie in device memory, and stay there until the batch is decoded */
#define IC_GPU_ALL_OR_NONE 0x2u   /* one image that cannot be decoded fails the call, and nothing is loaded */

/*
 * Check all items, and take what is needed of them; the caller's memory is his again, but for device memory. Waits until
 * what was loaded before is decoded. Nothing runs on the GPU.
 *
 * 0, with the number of items that failed in *ret_nfailed (may be NULL) and a sentence for the first of them in `why`.
 * Codes of items: those of ic_view_parse_prefix and ic_tensor_region; -ERANGE for an object whose shape or design is not
 * the plan's; -EFBIG for a box of 2^31 bytes or more that is resized; -EINVAL for a place in device memory that is NULL or
 * no multiple of 4, or that has no layout.
 * With IC_GPU_ALL_OR_NONE the first item's code. -EINVAL: more items than there is memory for, or none; unknown flags.
 */
IC_API errint_t ic_gpu_batch_load(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                                  size_t *ret_nfailed, struct ic_why *why);

/* Where image i goes: to out + i * out_stride, of which ic_tensor_shape's nbytes are its own; likewise `chroma`, where the
 * spec has it apart (else it is not looked at). Device memory, aligned as the type needs; strides are in bytes, multiples
 * of the type's. Places that are multiples of 16, and widths that are multiples of 8, are written fastest. */
struct ic_gpu_output {
	void *out, *chroma;
	size_t out_stride, chroma_stride;
};

/*
 * Copy what was loaded to the device, the first time, and decode it; both when all that was put into `stream` before is
 * done (a cudaStream_t, or NULL for the default stream). Returns at once: the output is there for what is put into the
 * stream afterwards. May be called again, also into other outputs and streams.
 *
 * A stream that captures a graph gets what is left to do: the copy, with the memory from which it is made, unless the batch
 * was decoded and waited for before; then the kernels alone. The batch must outlive the graph, and not be loaded anew. What it
 * resizes goes through memory of the batch: of its graphs, the branches of one, and its decodes, one may run at a time.
 *
 * -EINVAL: nothing is loaded, the output has no room, or a stream captures a batch that was decoded and not waited for.
 * After a failure the batch is still loaded, and of the call nothing is on its way any more: it waits for all that it put into
 * the stream, unless that captures.
 */
IC_API errint_t ic_gpu_batch_decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, void *stream,
                                    struct ic_why *why);

/* Until all that was asked of the batch is done. */
IC_API errint_t ic_gpu_batch_wait(struct ic_gpu_batch *batch, struct ic_why *why);
