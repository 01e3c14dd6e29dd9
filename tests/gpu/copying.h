/* SPDX-License-Identifier: MIT */
/* copying.h: a copy in the memory of a GPU by its processors, 16 bytes at a time: what a kernel can reach at most. */
#pragma once

#include <cuda_runtime_api.h>

#include <stddef.h>

/* nbytes is a multiple of 16, as are the places. */
#if defined(__cplusplus)
extern "C"
#endif
        cudaError_t
        copying(void *to, const void *from, size_t nbytes, cudaStream_t stream);
