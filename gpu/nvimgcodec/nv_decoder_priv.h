/* SPDX-License-Identifier: MIT */
/*
 * nv_decoder_priv.h: decoders, one for each back end. All share the way from a code stream to a checked object and a checked
 * request; a back end writes the pixels. One image a call, on the caller's thread: the framework's executor calls from
 * as many as it has, at once.
 */
#pragma once

#include "nv_request_priv.h"

#include "codec/format.h"

struct nv_backend {
	const char *id;
	nvimgcodecBackendKind_t kind;
	float priority;

	/* What a decoder has of its own; may be NULL, where there is nothing to have. -ENODEV: it cannot run here. */
	errint_t (*open)(const nvimgcodecExecutionParams_t *params, void **ret_state, struct ic_why *why);
	void (*close)(void *state); /* NULL is fine */

	/* Bits for what it cannot do of a request; NVIMGCODEC_PROCESSING_STATUS_SUCCESS for nothing. */
	nvimgcodecProcessingStatus_t (*check)(const struct nv_request *request);

	/* Write what is asked for, of a request that `check` lets pass, into memory of its own kind. By many threads. */
	errint_t (*render)(void *state, const struct ic_view *view, const struct nv_request *request,
	                   struct ic_why *why);
	bool on_device; /* whose memory that is */
};

extern const struct nv_backend nv_cpu_backend;

/* NULL in a build without CUDA. It opens no device before a decoder is created: CUDA does not survive a fork. */
const struct nv_backend *nv_gpu_backend(void);

/* What a decoder is registered with; it and the framework must live as long as the description. */
struct nv_plugin {
	const nvimgcodecFrameworkDesc_t *framework;
	const struct nv_backend *backend;
};
nvimgcodecDecoderDesc_t nv_decoder_desc(struct nv_plugin *plugin);
