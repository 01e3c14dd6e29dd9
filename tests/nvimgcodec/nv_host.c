/* SPDX-License-Identifier: MIT */
#include "nv_host.h"

#include <check.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The framework ------------------------------------------------------------------------------------------------- */

static nvimgcodecStatus_t register_parser(void *instance, const nvimgcodecParserDesc_t *desc, float priority)
{
	((struct host *)instance)->parser_desc = desc;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t unregister_parser(void *instance, const nvimgcodecParserDesc_t *desc)
{
	struct host *host = instance;

	ck_assert_ptr_eq(host->parser_desc, desc);
	host->parser_desc = NULL;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t register_decoder(void *instance, const nvimgcodecDecoderDesc_t *desc, float priority)
{
	struct host *host = instance;

	if (host->refuses_decoders)
		return NVIMGCODEC_STATUS_INVALID_PARAMETER;
	if (desc->backend_kind == host->kind)
		host->decoder_desc = desc;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t unregister_decoder(void *instance, const nvimgcodecDecoderDesc_t *desc)
{
	struct host *host = instance;

	if (host->decoder_desc == desc)
		host->decoder_desc = NULL;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t take_message(void *instance, const nvimgcodecDebugMessageSeverity_t severity,
                                       const nvimgcodecDebugMessageCategory_t category,
                                       const nvimgcodecDebugMessageData_t *data)
{
	struct host *host = instance;

	pthread_mutex_lock(&host->lock);
	snprintf(host->message, sizeof host->message, "%s: %s", data->codec_id, data->message);
	host->nmessages++;
	pthread_mutex_unlock(&host->lock);
	return NVIMGCODEC_STATUS_SUCCESS;
}

void host_load(struct host *host, const char *path)
{
	nvimgcodecExtensionModuleEntryFunc_t entry;

	*host = (struct host){
	        .kind = NVIMGCODEC_BACKEND_KIND_CPU_ONLY,
	        .framework = {.struct_type = NVIMGCODEC_STRUCTURE_TYPE_FRAMEWORK_DESC,
	                      .struct_size = sizeof(nvimgcodecFrameworkDesc_t),
	                      .instance = host,
	                      .id = "test",
	                      .version = NVIMGCODEC_VER,
	                      .log = take_message,
	                      .registerDecoder = register_decoder,
	                      .unregisterDecoder = unregister_decoder,
	                      .registerParser = register_parser,
	                      .unregisterParser = unregister_parser},
	        .extension_desc = {.struct_type = NVIMGCODEC_STRUCTURE_TYPE_EXTENSION_DESC,
	                           .struct_size = sizeof(nvimgcodecExtensionDesc_t)},
	};
	pthread_mutex_init(&host->lock, NULL);
	host->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ck_assert_msg(host->module, "%s", dlerror());
	*(void **)&entry = dlsym(host->module, "nvimgcodecExtensionModuleEntry");
	ck_assert(entry);
	ck_assert_int_eq(entry(&host->extension_desc), NVIMGCODEC_STATUS_SUCCESS);
}

nvimgcodecStatus_t host_create(struct host *host)
{
	const nvimgcodecExecutionParams_t params = {
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_EXECUTION_PARAMS,
	        .struct_size = sizeof params,
	        .device_id = host->kind == NVIMGCODEC_BACKEND_KIND_CPU_ONLY ? NVIMGCODEC_DEVICE_CPU_ONLY
	                                                                    : NVIMGCODEC_DEVICE_CURRENT,
	};
	nvimgcodecExtensionDesc_t *desc = &host->extension_desc;
	nvimgcodecStatus_t status = desc->create(desc->instance, &host->extension, &host->framework);

	if (status != NVIMGCODEC_STATUS_SUCCESS)
		return status;
	ck_assert(host->parser_desc && host->decoder_desc);
	ck_assert_int_eq(host->parser_desc->create(host->parser_desc->instance, &host->parser), 0);
	ck_assert_int_eq(host->decoder_desc->create(host->decoder_desc->instance, &host->decoder, &params, ""), 0);
	return status;
}

void host_destroy(struct host *host)
{
	ck_assert_int_eq(host->decoder_desc->destroy(host->decoder), 0);
	ck_assert_int_eq(host->parser_desc->destroy(host->parser), 0);
	ck_assert_int_eq(host->extension_desc.destroy(host->extension), 0);
	ck_assert(!host->parser_desc && !host->decoder_desc);
}

void host_unload(struct host *host)
{
	ck_assert_int_eq(dlclose(host->module), 0);
	pthread_mutex_destroy(&host->lock);
}

/* --- Streams ------------------------------------------------------------------------------------------------------- */

static nvimgcodecStatus_t stream_read(void *instance, size_t *output_size, void *buf, size_t nbytes)
{
	struct stream *stream = instance;
	size_t left = stream->nbytes - stream->position;

	*output_size = nbytes < left ? nbytes : left;
	memcpy(buf, stream->bytes + stream->position, *output_size);
	stream->position += *output_size;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t stream_seek(void *instance, ptrdiff_t offset, int whence)
{
	struct stream *stream = instance;

	ck_assert_int_eq(whence, SEEK_SET);
	if (offset < 0 || (size_t)offset > stream->nbytes)
		return NVIMGCODEC_STATUS_INVALID_PARAMETER;
	stream->position = (size_t)offset;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t stream_size(void *instance, size_t *size)
{
	struct stream *stream = instance;

	*size = stream->nbytes + stream->missing;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t stream_map(void *instance, void **buffer, size_t offset, size_t size)
{
	struct stream *stream = instance;

	ck_assert(offset == 0 && size == stream->nbytes + stream->missing);
	*buffer = stream->is_mappable ? (void *)(uintptr_t)stream->bytes : NULL;
	__atomic_add_fetch(&stream->nmapped, stream->is_mappable, __ATOMIC_RELAXED);
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t stream_unmap(void *instance, void *buffer, size_t size)
{
	struct stream *stream = instance;

	ck_assert(buffer == stream->bytes && size == stream->nbytes);
	__atomic_sub_fetch(&stream->nmapped, 1, __ATOMIC_RELAXED);
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t parse_image(void *instance, nvimgcodecImageInfo_t *info)
{
	return stream_image_info(instance, info);
}

static nvimgcodecStatus_t parse_stream(void *instance, nvimgcodecCodeStreamInfo_t *info)
{
	struct stream *stream = instance;

	info->code_stream_view = stream->view.region.ndim ? &stream->view : NULL;
	return NVIMGCODEC_STATUS_SUCCESS;
}

void stream_init(struct stream *stream, struct host *host, const void *bytes, size_t nbytes, bool is_mappable)
{
	*stream = (struct stream){.bytes = bytes, .nbytes = nbytes, .is_mappable = is_mappable, .host = host};
	stream->io = (nvimgcodecIoStreamDesc_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_IO_STREAM_DESC,
	        .struct_size = sizeof stream->io,
	        .instance = stream,
	        .read = stream_read,
	        .seek = stream_seek,
	        .size = stream_size,
	        .map = stream_map,
	        .unmap = stream_unmap,
	};
	stream->desc = (nvimgcodecCodeStreamDesc_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_CODE_STREAM_DESC,
	        .struct_size = sizeof stream->desc,
	        .instance = stream,
	        .io_stream = &stream->io,
	        .getCodeStreamInfo = parse_stream,
	        .getImageInfo = parse_image,
	};
}

void stream_select(struct stream *stream, int x, int y, int width, int height, const uint8_t fill[3])
{
	nvimgcodecRegion_t *region = &stream->view.region;

	*region = (nvimgcodecRegion_t){.ndim = 2, .start = {y, x}, .end = {y + height, x + width}};
	for (unsigned c = 0; c < 3; c++) {
		region->out_of_bounds_samples[c].value.as_uint = fill[c];
		region->out_of_bounds_samples[c].type = NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8;
	}
}

nvimgcodecStatus_t stream_image_info(struct stream *stream, nvimgcodecImageInfo_t *info)
{
	*info = (nvimgcodecImageInfo_t){.struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO,
	                                .struct_size = sizeof *info};
	return stream->host->parser_desc->getImageInfo(stream->host->parser, info, &stream->desc);
}

/* --- Outputs ------------------------------------------------------------------------------------------------------- */

static nvimgcodecStatus_t output_info(void *instance, nvimgcodecImageInfo_t *info)
{
	*info = ((struct output *)instance)->info;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t output_ready(void *instance, nvimgcodecProcessingStatus_t status)
{
	struct output *output = instance;

	output->status = status;
	output->nready++;
	return NVIMGCODEC_STATUS_SUCCESS;
}

void output_init(struct output *output, nvimgcodecSampleFormat_t format, unsigned nchannels, uint32_t width,
                 uint32_t height, size_t gap, void *buffer)
{
	bool planar = format % 2 == 1; /* as nvimgcodec.h numbers them */

	*output = (struct output){
	        .info = {.struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO,
	                 .struct_size = sizeof output->info,
	                 .color_spec = NVIMGCODEC_COLORSPEC_SRGB,
	                 .sample_format = format,
	                 .num_planes = planar ? nchannels : 1,
	                 .buffer = buffer,
	                 .buffer_kind = NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_HOST},
	        .desc = {.struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_DESC,
	                 .struct_size = sizeof output->desc,
	                 .instance = output,
	                 .getImageInfo = output_info,
	                 .imageReady = output_ready},
	};
	for (unsigned p = 0; p < output->info.num_planes; p++) {
		output->info.plane_info[p] = (nvimgcodecImagePlaneInfo_t){
		        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_PLANE_INFO,
		        .struct_size = sizeof output->info.plane_info[p],
		        .width = width,
		        .height = height,
		        .row_stride = (size_t)width * (planar ? 1 : nchannels) + gap,
		        .num_channels = planar ? 1 : nchannels,
		        .sample_type = NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8,
		};
	}
}

size_t output_nbytes(const struct output *output)
{
	const nvimgcodecImagePlaneInfo_t *plane = &output->info.plane_info[0];

	return plane->row_stride * plane->height * output->info.num_planes;
}

static nvimgcodecDecodeParams_t decode_params(bool turned)
{
	return (nvimgcodecDecodeParams_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_DECODE_PARAMS,
	        .struct_size = sizeof(nvimgcodecDecodeParams_t),
	        .apply_exif_orientation = turned,
	};
}

nvimgcodecProcessingStatus_t host_can_decode(struct host *host, struct output *output, struct stream *stream,
                                             bool turned)
{
	const nvimgcodecDecodeParams_t params = decode_params(turned);

	return host->decoder_desc->canDecode(host->decoder, &output->desc, &stream->desc, &params, 0);
}

nvimgcodecProcessingStatus_t host_decode(struct host *host, struct output *output, struct stream *stream, bool turned)
{
	const nvimgcodecDecodeParams_t params = decode_params(turned);
	nvimgcodecStatus_t status = host->decoder_desc->decode(host->decoder, &output->desc, &stream->desc, &params, 0);

	ck_assert_uint_eq(output->nready, 1);
	ck_assert_int_eq(status == NVIMGCODEC_STATUS_SUCCESS, output->status == NVIMGCODEC_PROCESSING_STATUS_SUCCESS);
	return output->status;
}
