/* SPDX-License-Identifier: MIT */
/*
 * gpu_on_cpu.h: gpu.h by the reference decoder, so that what stands on it is tested without a device: device memory is
 * ordinary memory, and what is put into a stream is done at once. It is linked into a module, where the test finds its
 * counts by their name.
 */
#pragma once

/* gpu_on_cpu_counts */
struct gpu_on_cpu {
	int ndevices, nplans, nbatches; /* that are open */
	int nplans_ever, ndecoded;      /* so far */
	int fails;                      /* decode as if the device had failed */
	long nbytes, nbytes_max;        /* of objects that batches hold, and may; 0 is any number */
	void *stream;                   /* of the last that was decoded */
};
