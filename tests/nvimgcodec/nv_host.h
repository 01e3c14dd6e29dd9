/* SPDX-License-Identifier: MIT */
/*
 * nv_host.h: as much of nvImageCodec as an extension sees, so that ours is tested where nvImageCodec is not installed, and
 * under sanitizers: the module is loaded from its file, and everything goes through what it registered.
 */
#pragma once

#include <nvimgcodec.h>

#include <pthread.h>
#include <stdbool.h>

struct host {
	nvimgcodecFrameworkDesc_t framework;
	void *module;
	nvimgcodecExtensionDesc_t extension_desc;
	nvimgcodecExtension_t extension;
	const nvimgcodecParserDesc_t *parser_desc;   /* as registered; NULL when not */
	const nvimgcodecDecoderDesc_t *decoder_desc; /* of this kind */
	nvimgcodecBackendKind_t kind;
	nvimgcodecParser_t parser;
	nvimgcodecDecoder_t decoder;
	bool refuses_decoders; /* registerDecoder fails */

	pthread_mutex_t lock;
	char message[256]; /* the last one logged */
	unsigned nmessages;
};

/* Load a module, without creating its extension, for decoders of the CPU, unless `kind` is changed; then create and
 * destroy that. All fail the test if they cannot. */
void host_load(struct host *host, const char *path);
nvimgcodecStatus_t host_create(struct host *host);
void host_destroy(struct host *host);
void host_unload(struct host *host);

/* A code stream in memory, as the framework makes one: parsed when it is asked. */
struct stream {
	const uint8_t *bytes;
	size_t nbytes, position;
	bool is_mappable;
	size_t missing; /* bytes that it says it has, and does not give */
	int nmapped;    /* and not unmapped yet */
	struct host *host;
	nvimgcodecCodeStreamView_t view;
	nvimgcodecIoStreamDesc_t io;
	nvimgcodecCodeStreamDesc_t desc;
};

void stream_init(struct stream *stream, struct host *host, const void *bytes, size_t nbytes, bool is_mappable);

/* Ask for a part, half-open; what is outside of the image gets `fill`, R first. */
void stream_select(struct stream *stream, int x, int y, int width, int height, const uint8_t fill[3]);

nvimgcodecStatus_t stream_image_info(struct stream *stream, nvimgcodecImageInfo_t *info);

/* An output in memory. */
struct output {
	nvimgcodecImageInfo_t info;
	nvimgcodecImageDesc_t desc;
	nvimgcodecProcessingStatus_t status; /* what imageReady was called with */
	unsigned nready;
};

/* With room for `width` x `height` pixels in a sample format: rows `gap` bytes apart. `buffer` may be NULL. */
void output_init(struct output *output, nvimgcodecSampleFormat_t format, unsigned nchannels, uint32_t width,
                 uint32_t height, size_t gap, void *buffer);
size_t output_nbytes(const struct output *output);

nvimgcodecProcessingStatus_t host_can_decode(struct host *host, struct output *output, struct stream *stream,
                                             bool turned);
/* Returns what imageReady was called with; fails the test if that was not once. */
nvimgcodecProcessingStatus_t host_decode(struct host *host, struct output *output, struct stream *stream, bool turned);
