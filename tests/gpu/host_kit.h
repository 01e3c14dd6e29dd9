/* SPDX-License-Identifier: MIT */
/* host_kit.h: what the suites of gpu/'s host share: all that a batch needs, objects for it, and outputs with what must be in
 * them. Where one cannot do its work, the Check test that called it fails. */
#pragma once

#include "gpu/gpu.h"

#include "cuda_on_cpu.h"
#include "tests/codec/codec_helpers.h"

#include <cuda_runtime_api.h>

#define KIT_NOBJECTS 12u
#define KIT_NITEMS_MAX 4u
#define OK(call) ck_assert_int_eq(call, 0)

struct output {
	struct ic_gpu_output place;
	uint8_t *expected, *expected_chroma;
	size_t nitems;
};

enum kit_kind { CROPPED, RESIZED, FREQUENCIES };
#define KIT_NKINDS 3

struct kit {
	struct ic_design design;
	struct ic_tensor_spec spec;
	struct ic_tensor_shape shape;
	struct bytes
	        objects[KIT_NOBJECTS]; /* some are denser than the design, some gray; with flags and orientations */
	unsigned index;                /* of the device */
	struct ic_gpu_device *device;
	struct ic_gpu_plan *plan;
	struct ic_gpu_batch *batch;
	struct ic_gpu_item items[KIT_NITEMS_MAX];
	size_t nitems;
	struct output output;
	cudaStream_t stream;
};

/* With objects; the device, the plan and the batch are NULL. */
struct kit kit_new(enum kit_kind kind);
void kit_clear(struct kit *kit);

/* Each needs the one before. */
errint_t kit_open_device(struct kit *kit, struct ic_why *why);
errint_t kit_make_plan(struct kit *kit, struct ic_why *why);
errint_t kit_make_batch(struct kit *kit, struct ic_why *why);
errint_t kit_load(struct kit *kit, struct ic_why *why);

/* The first three, and what frees them, however many there are. */
void kit_open(struct kit *kit);
void kit_close(struct kit *kit);

/* Some of the objects, in random windows; if they may be bad, some end early. */
void kit_any_items(struct kit *kit, struct dice *dice, bool may_be_bad);

/* What was loaded is what its header and ic_tensor_region say. */
void kit_check_item(const struct kit *kit, const struct ic_gpu_item *item);

/* For what is loaded, or will be; to be checked once it was decoded and waited for. */
struct output output_new(const struct kit *kit);
void output_check(const struct kit *kit, const struct output *output);
void output_clear(struct output *output);
