/* SPDX-License-Identifier: MIT */
/*
 * gpu.h: the NVIDIA GPUs of this machine.
 *
 * Built without CUDA, or run without a driver, every function gives -ENODEV and says which in `why` (may be NULL).
 * The first call starts CUDA in this process, which takes time and memory, and CUDA does not survive a fork: never call
 * before daemonizing. Thread safe.
 */
#pragma once

#include "codec/errint.h"

#include <stdint.h>

struct ic_gpu {
	char name[256];
	uint64_t memory_nbytes; /* on the device, in all */
};

/* Version of the CUDA runtime in this build, as CUDA counts: 1000 * major + 10 * minor. 0 without CUDA. */
unsigned ic_gpu_cuda_version(void);

/* At least 1. -ENODEV: none, with the reason. */
errint_t ic_gpu_count(unsigned *ret_count, struct ic_why *why);

/* Device `index` of ic_gpu_count. -ENODEV: no such device. */
errint_t ic_gpu_query(unsigned index, struct ic_gpu *ret_gpu, struct ic_why *why);
