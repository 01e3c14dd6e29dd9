/* SPDX-License-Identifier: MIT */
#include "nv_decoder_priv.h"

#include "nv_bytes_priv.h"
#include "nv_parser_priv.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct nvimgcodecDecoder {
	const struct nv_plugin *plugin;
	void *state;             /* the back end's */
	pthread_mutex_t reading; /* of streams, whose position is one for all threads */
};

static nvimgcodecProcessingStatus_t failed(const struct nvimgcodecDecoder *decoder, errint_t err,
                                           const struct ic_why *why)
{
	nv_log_error(decoder->plugin->framework, decoder->plugin->backend->id, why);
	return nv_processing_status(err);
}

static errint_t load(struct nvimgcodecDecoder *decoder, nvimgcodecIoStreamDesc_t *io, struct nv_bytes *ret_bytes,
                     struct ic_why *why)
{
	pthread_mutex_lock(&decoder->reading);
	errint_t err = nv_bytes_load(ret_bytes, io, why);
	pthread_mutex_unlock(&decoder->reading);
	return err;
}

/* The stream may hold another object than the one that was parsed, so all is checked against what is there now. */
static nvimgcodecProcessingStatus_t decode_bytes(struct nvimgcodecDecoder *decoder, const struct nv_bytes *bytes,
                                                 const nvimgcodecImageDesc_t *image,
                                                 const nvimgcodecCodeStreamDesc_t *code_stream,
                                                 const nvimgcodecDecodeParams_t *params)
{
	struct ic_why why = {""};
	struct nv_request request;
	struct nv_stored stored;
	struct ic_view view;
	errint_t err = ic_view_parse(&view, bytes->bytes, bytes->nbytes, &why);

	if (!err)
		err = nv_stored_init(&stored, &view, &why);
	if (err)
		return failed(decoder, err, &why);
	const struct nv_backend *backend = decoder->plugin->backend;
	nvimgcodecProcessingStatus_t status = nv_request_init(&request, &stored, image, code_stream, params);
	if (status == NVIMGCODEC_PROCESSING_STATUS_SUCCESS)
		status = backend->check(&request);
	if (status != NVIMGCODEC_PROCESSING_STATUS_SUCCESS)
		return status;
	if (request.on_device != backend->on_device || !request.buffer)
		return failed(decoder, -EINVAL, &(struct ic_why){"the output is not in memory of this decoder's kind"});
	err = backend->render(decoder->state, &view, &request, &why);
	return err ? failed(decoder, err, &why) : NVIMGCODEC_PROCESSING_STATUS_SUCCESS;
}

static nvimgcodecStatus_t decode(nvimgcodecDecoder_t decoder, const nvimgcodecImageDesc_t *image,
                                 const nvimgcodecCodeStreamDesc_t *code_stream, const nvimgcodecDecodeParams_t *params,
                                 int thread_idx)
{
	nvimgcodecProcessingStatus_t status;
	struct ic_why why = {""};
	struct nv_bytes bytes;

	if (!decoder || !image || !code_stream || !params)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	errint_t err = load(decoder, code_stream->io_stream, &bytes, &why);
	if (err) {
		status = failed(decoder, err, &why);
	} else {
		status = decode_bytes(decoder, &bytes, image, code_stream, params);
		nv_bytes_clear(&bytes);
	}
	image->imageReady(image->instance, status);
	return status == NVIMGCODEC_PROCESSING_STATUS_SUCCESS ? NVIMGCODEC_STATUS_SUCCESS
	                                                      : NVIMGCODEC_STATUS_EXTENSION_EXECUTION_FAILED;
}

static nvimgcodecProcessingStatus_t can_decode(nvimgcodecDecoder_t decoder, const nvimgcodecImageDesc_t *image,
                                               const nvimgcodecCodeStreamDesc_t *code_stream,
                                               const nvimgcodecDecodeParams_t *params, int thread_idx)
{
	struct nv_request request;

	if (!decoder || !image || !code_stream || !params)
		return NVIMGCODEC_PROCESSING_STATUS_FAIL;
	nvimgcodecProcessingStatus_t status = nv_request_check(&request, image, code_stream, params);
	return status == NVIMGCODEC_PROCESSING_STATUS_SUCCESS ? decoder->plugin->backend->check(&request) : status;
}

static nvimgcodecStatus_t get_metadata(nvimgcodecDecoder_t decoder, const nvimgcodecCodeStreamDesc_t *code_stream,
                                       nvimgcodecMetadata_t **metadata, int *metadata_count)
{
	if (!metadata_count)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	*metadata_count = 0; /* an object carries none but its orientation */
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t get_mini_batch_size(nvimgcodecDecoder_t decoder, int *batch_size)
{
	if (!batch_size)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	*batch_size = 1;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t create(void *instance, nvimgcodecDecoder_t *decoder,
                                 const nvimgcodecExecutionParams_t *exec_params, const char *options)
{
	const struct nv_plugin *plugin = instance;
	struct nvimgcodecDecoder *created;
	struct ic_why why = {""};

	if (!plugin || !decoder || !exec_params)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	created = malloc(sizeof *created);
	if (!created || pthread_mutex_init(&created->reading, NULL) != 0) {
		free(created);
		return NVIMGCODEC_STATUS_EXTENSION_ALLOCATOR_FAILURE;
	}
	created->plugin = plugin;
	errint_t err = plugin->backend->open(exec_params, &created->state, &why);
	if (err) {
		failed(created, err, &why);
		pthread_mutex_destroy(&created->reading);
		free(created);
		return nv_status(err);
	}
	*decoder = created;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t destroy(nvimgcodecDecoder_t decoder)
{
	if (!decoder)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	decoder->plugin->backend->close(decoder->state);
	pthread_mutex_destroy(&decoder->reading);
	free(decoder);
	return NVIMGCODEC_STATUS_SUCCESS;
}

nvimgcodecDecoderDesc_t nv_decoder_desc(struct nv_plugin *plugin)
{
	return (nvimgcodecDecoderDesc_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_DECODER_DESC,
	        .struct_size = sizeof(nvimgcodecDecoderDesc_t),
	        .instance = plugin,
	        .id = plugin->backend->id,
	        .codec = NV_CODEC,
	        .backend_kind = plugin->backend->kind,
	        .create = create,
	        .destroy = destroy,
	        .getMetadata = get_metadata,
	        .canDecode = can_decode,
	        .decode = decode,
	        .getMiniBatchSize = get_mini_batch_size,
	};
}
