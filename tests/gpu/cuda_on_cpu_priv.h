/* SPDX-License-Identifier: MIT */
/* cuda_on_cpu_priv.h: what the files of the stand-in share. */
#pragma once

#include "cuda_on_cpu.h"
#include "queues.h"

/* Each call that can fail begins and ends so, and has the lock between: cudaSuccess, or `error` if this one is to fail. */
cudaError_t call_begin(const char *name, cudaError_t error);
cudaError_t call_end(cudaError_t error);

/* The lock alone, for calls that cannot fail. */
void cuda_lock(void);
void cuda_unlock(void);

/* The calling thread's device, and whether it has a context; with use_device it gets one. */
int current_device(void);
bool is_device_used(void);
void use_device(void);

/* Pieces of memory that were not freed. */
unsigned memory_count(void);

/* Put a step of the current device into a stream, which must be one of its own. */
cudaError_t put(cudaStream_t stream, const struct step *step);

/* What cuda_on_cpu_be said. */
extern struct cuda_on_cpu_gpus cuda_gpus;
