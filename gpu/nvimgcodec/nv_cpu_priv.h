/* SPDX-License-Identifier: MIT */
/*
 * nv_cpu_priv.h: the decoder that runs on the CPU. One image a call, on the caller's thread: the framework's executor
 * calls it from as many as it has, at once.
 */
#pragma once

#include "nv_request_priv.h"

#include "codec/format.h"

/* For registerDecoder; `framework` must live as long as the description. */
nvimgcodecDecoderDesc_t nv_cpu_decoder_desc(const nvimgcodecFrameworkDesc_t *framework);

/* Write what is asked for of an object into the request's buffer, which is in the memory of the CPU. -ENOMEM. */
errint_t nv_cpu_render(const struct ic_view *view, const struct nv_request *request, struct ic_why *why);
