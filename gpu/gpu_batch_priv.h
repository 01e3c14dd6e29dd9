/* SPDX-License-Identifier: MIT */
/* gpu_batch_priv.h: a batch, as it is loaded (gpu_batch.c) and decoded (gpu_decode.c). */
#pragma once

#include "gpu_cuda_priv.h"

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

/* Where descriptions of how images are resized begin, behind those of the images. */
size_t batch_scales_at(const struct ic_gpu_batch *batch);

/* What the kernel of a chunk's pixels is told, but for where they go. */
struct tile_plan batch_source_of(const struct ic_gpu_batch *batch, const struct scale_chunk *scale);
