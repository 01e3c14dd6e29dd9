/* SPDX-License-Identifier: MIT */
#include "gpu_on_cpu.h"

#include "codec/tensor.h"
#include "gpu/gpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

__attribute__((visibility("default"))) struct gpu_on_cpu gpu_on_cpu_counts;

#define COUNT(field, n) __atomic_add_fetch(&gpu_on_cpu_counts.field, n, __ATOMIC_RELAXED)

struct ic_gpu_device {
	unsigned index;
};

struct ic_gpu_plan {
	struct ic_design design;
	struct ic_tensor_spec spec;
	struct ic_tensor_shape shape;
};

struct ic_gpu_batch {
	const struct ic_gpu_plan *plan;
	uint8_t *object;
	size_t nbytes;
	struct ic_window window;
	int busy; /* a batch is used by one thread at a time */
};

errint_t ic_gpu_open(unsigned index, struct ic_gpu_device **ret_device, struct ic_why *why)
{
	if (index > 0)
		return ic_fail(why, -ENODEV, "there is no GPU %u", index);
	*ret_device = calloc(1, sizeof **ret_device);
	COUNT(ndevices, 1);
	return 0;
}

void ic_gpu_close(struct ic_gpu_device *device)
{
	COUNT(ndevices, -1);
	free(device);
}

errint_t ic_gpu_plan_new(struct ic_gpu_device *device, const struct ic_design *design,
                         const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape, unsigned flags,
                         struct ic_gpu_plan **ret_plan, struct ic_why *why)
{
	struct ic_gpu_plan *plan = malloc(sizeof *plan);
	if (!plan)
		return -ENOMEM;
	*plan = (struct ic_gpu_plan){*design, *spec, *shape};
	COUNT(nplans, 1);
	COUNT(nplans_ever, 1);
	*ret_plan = plan;
	return 0;
}

void ic_gpu_plan_free(struct ic_gpu_plan *plan)
{
	COUNT(nplans, plan ? -1 : 0);
	free(plan);
}

errint_t ic_gpu_batch_new(struct ic_gpu_plan *plan, size_t nitems_max, struct ic_gpu_batch **ret_batch,
                          struct ic_why *why)
{
	struct ic_gpu_batch *batch = calloc(1, sizeof *batch);
	if (!batch)
		return -ENOMEM;
	batch->plan = plan;
	COUNT(nbatches, 1);
	*ret_batch = batch;
	return 0;
}

void ic_gpu_batch_free(struct ic_gpu_batch *batch)
{
	if (!batch)
		return;
	COUNT(nbatches, -1);
	COUNT(nbytes, -(long)batch->nbytes);
	free(batch->object);
	free(batch);
}

static void use(struct ic_gpu_batch *batch, int n)
{
	if (__atomic_add_fetch(&batch->busy, n, __ATOMIC_RELAXED) > 1)
		abort();
}

errint_t ic_gpu_batch_load(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                           size_t *ret_nfailed, struct ic_why *why)
{
	struct ic_view view;
	errint_t err = ic_view_parse(&view, items[0].bytes, items[0].nbytes, why);

	if (err || nitems != 1)
		return err ? err : -EINVAL;
	use(batch, 1);
	free(batch->object);
	long nbytes = COUNT(nbytes, (long)items[0].nbytes - (long)batch->nbytes), most = gpu_on_cpu_counts.nbytes_max;
	batch->nbytes = items[0].nbytes;
	batch->object = most && nbytes > most ? NULL : malloc(batch->nbytes);
	batch->window = items[0].window;
	if (batch->object)
		memcpy(batch->object, items[0].bytes, batch->nbytes);
	use(batch, -1);
	return batch->object ? 0 : -ENOMEM;
}

errint_t ic_gpu_batch_decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, void *stream,
                             struct ic_why *why)
{
	struct ic_view view;
	errint_t err = ic_view_parse(&view, batch->object, batch->nbytes, why);

	if (err)
		return err;
	if (output->out_stride < batch->plan->shape.nbytes ||
	    !ic_design_equal(&view.layout.design, &batch->plan->design))
		return ic_fail(why, -EINVAL, "the output has no room, or the design is another");
	if (__atomic_load_n(&gpu_on_cpu_counts.fails, __ATOMIC_RELAXED))
		return ic_fail(why, -EIO, "cudaLaunchKernel: unspecified launch failure");
	use(batch, 1);
	err = ic_tensor_decode(&view, &batch->plan->spec, &batch->window, output->out, NULL, why);
	use(batch, -1);
	COUNT(ndecoded, 1);
	__atomic_store_n(&gpu_on_cpu_counts.stream, stream, __ATOMIC_RELAXED);
	return err;
}
