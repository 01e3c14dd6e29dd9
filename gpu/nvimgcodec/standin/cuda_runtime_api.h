/* SPDX-License-Identifier: MIT */
/*
 * All that nvimgcodec.h needs of CUDA's header: one type, a handle that is only passed on, and what that header includes.
 * So the extension compiles without a toolkit, and the same with one.
 */
#pragma once

#include <stddef.h>

typedef struct CUstream_st *cudaStream_t;
