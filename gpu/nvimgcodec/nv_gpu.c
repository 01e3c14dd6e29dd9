/* SPDX-License-Identifier: MIT */
/*
 * The decoder for outputs in a GPU's memory. Every image goes by itself, since each has a place and a stream of its own;
 * what it takes, a plan and its memory, is kept for the next image of the same design and size.
 */
#include "nv_decoder_priv.h"

#include "codec/tensor.h"
#include "gpu/gpu.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* Of plans that nobody uses at the moment: data sets have many sizes, and what is kept takes memory of the device, and as much
 * page-locked: some half more than the largest object that it was given. */
#define NIDLE_MAX 64
#define IDLE_NBYTES_MAX (UINT64_C(128) << 20)

/* A plan for images of one design and one size, and memory for one of them. */
struct work {
	struct ic_design design;
	struct ic_tensor_spec spec;
	struct ic_gpu_plan *plan;
	struct ic_gpu_batch *batch;
	uint64_t nbytes; /* of the largest object so far */
	struct work *next;
};

struct state {
	struct ic_gpu_device *device;
	pthread_mutex_t lock; /* of the list */
	struct work *idle;    /* what was used longest ago first, which the device has most likely done with */
	unsigned nidle;
	uint64_t idle_nbytes;
};

/* --- Plans that are kept ------------------------------------------------------------------------------------------- */

static void work_free(struct work *work)
{
	if (!work)
		return;
	ic_gpu_batch_free(work->batch);
	ic_gpu_plan_free(work->plan);
	free(work);
}

static errint_t work_new(struct state *state, const struct ic_layout *layout, const struct ic_tensor_spec *spec,
                         struct work **ret_work, struct ic_why *why)
{
	struct ic_tensor_shape shape;
	struct work *work = calloc(1, sizeof *work);
	if (!work)
		return ic_fail(why, -ENOMEM, "no memory for a plan");

	work->design = layout->design;
	work->spec = *spec;
	errint_t err = ic_tensor_shape(layout, spec, &shape, why);
	if (!err)
		err = ic_gpu_plan_new(state->device, &layout->design, spec, &shape, 0, &work->plan, why);
	if (!err)
		err = ic_gpu_batch_new(work->plan, 1, &work->batch, why);
	if (err)
		work_free(work);
	else
		*ret_work = work;
	return err;
}

static bool is_for(const struct work *work, const struct ic_layout *layout, const struct ic_tensor_spec *spec)
{
	return ic_design_equal(&work->design, &layout->design) && work->spec.axes == spec->axes &&
	       work->spec.width == spec->width && work->spec.height == spec->height;
}

static struct work *take(struct state *state, const struct ic_layout *layout, const struct ic_tensor_spec *spec)
{
	struct work **link = &state->idle, *found;

	pthread_mutex_lock(&state->lock);
	while (*link && !is_for(*link, layout, spec))
		link = &(*link)->next;
	found = *link;
	if (found) {
		*link = found->next;
		state->nidle--;
		state->idle_nbytes -= found->nbytes;
	}
	pthread_mutex_unlock(&state->lock);
	return found;
}

static void free_all(struct work *work)
{
	while (work) {
		struct work *next = work->next;
		work_free(work);
		work = next;
	}
}

/* Take from the front of the list what is too much, but one at least stays. */
static struct work *take_surplus(struct state *state)
{
	struct work *surplus = state->idle, **link = &surplus;

	while (state->nidle > 1 && (state->nidle > NIDLE_MAX || state->idle_nbytes > IDLE_NBYTES_MAX)) {
		state->nidle--;
		state->idle_nbytes -= (*link)->nbytes;
		link = &(*link)->next;
	}
	state->idle = *link;
	*link = NULL;
	return surplus;
}

/* To the end of the list. */
static void give_back(struct state *state, struct work *work)
{
	struct work **link = &state->idle;

	pthread_mutex_lock(&state->lock);
	while (*link)
		link = &(*link)->next;
	work->next = NULL;
	*link = work;
	state->nidle++;
	state->idle_nbytes += work->nbytes;
	struct work *surplus = take_surplus(state);
	pthread_mutex_unlock(&state->lock);
	free_all(surplus);
}

/* Whether there was something. */
static bool free_idle(struct state *state)
{
	pthread_mutex_lock(&state->lock);
	struct work *idle = state->idle;
	state->idle = NULL;
	state->nidle = 0;
	state->idle_nbytes = 0;
	pthread_mutex_unlock(&state->lock);
	free_all(idle);
	return idle;
}

/* --- One image ----------------------------------------------------------------------------------------------------- */

static errint_t run(struct work *work, const struct ic_view *view, const struct nv_request *request, struct ic_why *why)
{
	struct ic_gpu_item item = {
	        .bytes = view->bytes,
	        .nbytes = (size_t)view->layout.nbytes,
	        .window = {.x = (uint32_t)request->region.x, .y = (uint32_t)request->region.y},
	};
	const struct ic_gpu_output output = {
	        .out = request->buffer,
	        .out_stride = request->row_step * (size_t)request->region.height * (request->pixel_step == 1 ? 3 : 1),
	};
	errint_t err = ic_gpu_batch_load(work->batch, &item, 1, IC_GPU_ALL_OR_NONE, NULL, why);

	work->nbytes = work->nbytes > view->layout.nbytes ? work->nbytes : view->layout.nbytes;
	return err ? err : ic_gpu_batch_decode(work->batch, &output, request->stream, why);
}

static errint_t try_once(struct state *state, const struct ic_view *view, const struct ic_tensor_spec *spec,
                         const struct nv_request *request, struct ic_why *why)
{
	struct work *work = take(state, &view->layout, spec);
	errint_t err = work ? 0 : work_new(state, &view->layout, spec, &work, why);

	if (err)
		return err;
	err = run(work, view, request, why);
	if (err)
		work_free(work); /* after an error of the device it is not known what it still holds */
	else
		give_back(state, work);
	return err;
}

/* Returns when the work is in the stream: the framework, or its user, waits for that. What is kept gives way where memory
 * runs out. */
static errint_t render(void *opaque, const struct ic_view *view, const struct nv_request *request, struct ic_why *why)
{
	const struct ic_tensor_spec spec = {
	        .axes = request->pixel_step == 1 ? IC_NCHW : IC_NHWC,
	        .fit = IC_FIT_CROP,
	        .width = (uint32_t)request->region.width,
	        .height = (uint32_t)request->region.height,
	};
	struct state *state = opaque;
	errint_t err = try_once(state, view, &spec, request, why);

	return err == -ENOMEM && free_idle(state) ? try_once(state, view, &spec, request, why) : err;
}

/* What the kernels write: R, G, B as stored, without gaps. For all else there is the CPU. */
static nvimgcodecProcessingStatus_t check(const struct nv_request *request)
{
	const struct nv_rect inside = nv_request_inside(request);
	nvimgcodecProcessingStatus_t status = NVIMGCODEC_PROCESSING_STATUS_SUCCESS;
	bool planar;

	if (request->turn.transposed || request->turn.flip_x || request->turn.flip_y)
		status |= NVIMGCODEC_PROCESSING_STATUS_ORIENTATION_UNSUPPORTED;
	if (inside.width != request->region.width || inside.height != request->region.height)
		status |= NVIMGCODEC_PROCESSING_STATUS_ROI_UNSUPPORTED;
	if (!nv_request_is_tight(request, &planar))
		status |= NVIMGCODEC_PROCESSING_STATUS_SAMPLE_FORMAT_UNSUPPORTED;
	return status;
}

/* --- The back end -------------------------------------------------------------------------------------------------- */

static errint_t open_device(const nvimgcodecExecutionParams_t *params, void **ret_state, struct ic_why *why)
{
	struct state *state;

	if (params->device_id == NVIMGCODEC_DEVICE_CPU_ONLY)
		return ic_fail(why, -ENODEV, "no GPU was asked for");
	state = calloc(1, sizeof *state);
	if (!state || pthread_mutex_init(&state->lock, NULL) != 0) {
		free(state);
		return ic_fail(why, -ENOMEM, "no memory for a decoder");
	}
	errint_t err = ic_gpu_open(params->device_id < 0 ? 0 : (unsigned)params->device_id, &state->device, why);
	if (err) {
		pthread_mutex_destroy(&state->lock);
		free(state);
		return err;
	}
	*ret_state = state;
	return 0;
}

static void close_device(void *opaque)
{
	struct state *state = opaque;

	free_idle(state);
	ic_gpu_close(state->device);
	pthread_mutex_destroy(&state->lock);
	free(state);
}

static const struct nv_backend gpu_backend = {
        .id = "ic_cuda_decoder",
        .kind = NVIMGCODEC_BACKEND_KIND_GPU_ONLY,
        .priority = NVIMGCODEC_PRIORITY_HIGH,
        .open = open_device,
        .close = close_device,
        .check = check,
        .render = render,
        .on_device = true,
};

const struct nv_backend *nv_gpu_backend(void)
{
	return &gpu_backend;
}
