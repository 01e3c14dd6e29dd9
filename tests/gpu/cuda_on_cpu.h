/* SPDX-License-Identifier: MIT */
/*
 * cuda_on_cpu.h: the CUDA runtime, as far as gpu/ and its tests call it, and gpu/'s kernels, without a GPU: device memory is
 * ordinary memory between guard pages, kernels are tile_on_cpu's, and what is put into streams runs late and in an order
 * that dice choose (queues.h). It is as unkind as NVIDIA's manual allows: a copy from memory that is not page-locked may
 * return before it is made; a device gets a context from the first call that needs one, cudaSetDevice among them; to free
 * memory waits for nothing, and aborts if something would still touch it. There are two devices. All may be called by any
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Begin anew: no streams and no contexts; what was allocated stays counted. After each call the devices run up to
 * `nsteps_max` steps of all streams; with 0 they run when somebody waits, and not before. */
void cuda_on_cpu_start(uint64_t seed, unsigned nsteps_max);

/* Let `count` calls fail, from the `first` one on, counted from 1; those that can fail count. With 0 none does. */
void cuda_on_cpu_fail(unsigned first, unsigned count);
unsigned cuda_on_cpu_ncalls(void);         /* since then */
const char *cuda_on_cpu_what_failed(void); /* the last one's name; "" if none did */

/* What kind of GPUs there are, until the next start. Zeroed: such as take everything. */
struct cuda_on_cpu_gpus {
	bool have_no_code;      /* they are of an architecture for which there are no kernels */
	uint32_t shared_nbytes; /* that a thread block may have; 0: as much as it wants */
};
void cuda_on_cpu_be(struct cuda_on_cpu_gpus gpus);

/* What is allocated and not yet freed: memory and events. */
unsigned cuda_on_cpu_nlive(void);

/* Whether something used the device, so that it has a context, which takes time and memory. */
bool cuda_on_cpu_has_context(int device);

/* Whether something is in a stream, and until nothing is. */
bool cuda_on_cpu_is_busy(void);
__attribute__((visibility("default"))) void cuda_on_cpu_drain(void);
