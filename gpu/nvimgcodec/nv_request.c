/* SPDX-License-Identifier: MIT */
#include "nv_request_priv.h"

#include <string.h>

#define STATUS(name) ((nvimgcodecProcessingStatus_t)NVIMGCODEC_PROCESSING_STATUS_##name)

/* --- Channels ------------------------------------------------------------------------------------------------------ */

struct channels {
	unsigned count; /* 0: as many as there are */
	bool planar, blue_first;
};

static bool channels_of(nvimgcodecSampleFormat_t format, struct channels *ret_channels)
{
	switch (format) {
	case NVIMGCODEC_SAMPLEFORMAT_P_UNCHANGED:
		*ret_channels = (struct channels){0, true, false};
		return true;
	case NVIMGCODEC_SAMPLEFORMAT_I_UNCHANGED:
		*ret_channels = (struct channels){0, false, false};
		return true;
	case NVIMGCODEC_SAMPLEFORMAT_P_Y:
		*ret_channels = (struct channels){1, true, false};
		return true;
	case NVIMGCODEC_SAMPLEFORMAT_I_Y:
		*ret_channels = (struct channels){1, false, false};
		return true;
	case NVIMGCODEC_SAMPLEFORMAT_P_RGB:
	case NVIMGCODEC_SAMPLEFORMAT_P_BGR:
		*ret_channels = (struct channels){3, true, format == NVIMGCODEC_SAMPLEFORMAT_P_BGR};
		return true;
	case NVIMGCODEC_SAMPLEFORMAT_I_RGB:
	case NVIMGCODEC_SAMPLEFORMAT_I_BGR:
		*ret_channels = (struct channels){3, false, format == NVIMGCODEC_SAMPLEFORMAT_I_BGR};
		return true;
	default:
		return false;
	}
}

static nvimgcodecProcessingStatus_t check_colour(nvimgcodecColorSpec_t spec)
{
	switch (spec) {
	case NVIMGCODEC_COLORSPEC_UNKNOWN:
	case NVIMGCODEC_COLORSPEC_SRGB:
	case NVIMGCODEC_COLORSPEC_GRAY:
		return STATUS(SUCCESS);
	default:
		return STATUS(COLOR_SPEC_UNSUPPORTED);
	}
}

/* All planes are of one size, of 8-bit samples, and their rows have room. */
static nvimgcodecProcessingStatus_t check_planes(const nvimgcodecImageInfo_t *info, unsigned nchannels)
{
	const nvimgcodecImagePlaneInfo_t *first = &info->plane_info[0];
	nvimgcodecProcessingStatus_t status = STATUS(SUCCESS);

	for (uint32_t p = 0; p < info->num_planes; p++) {
		const nvimgcodecImagePlaneInfo_t *plane = &info->plane_info[p];

		if (plane->sample_type != NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8 ||
		    (plane->precision && plane->precision != 8))
			status |= STATUS(SAMPLE_TYPE_UNSUPPORTED);
		if (plane->num_channels != nchannels)
			status |= STATUS(NUM_CHANNELS_UNSUPPORTED);
		if (plane->width != first->width || plane->height != first->height)
			status |= STATUS(SAMPLING_UNSUPPORTED);
		if (plane->row_stride / nchannels < plane->width)
			status |= STATUS(FAIL);
	}
	return status;
}

static nvimgcodecProcessingStatus_t take_channels(struct nv_request *request, const nvimgcodecImageInfo_t *info)
{
	const nvimgcodecImagePlaneInfo_t *first = &info->plane_info[0];
	struct channels channels;

	if (!channels_of(info->sample_format, &channels))
		return STATUS(SAMPLE_FORMAT_UNSUPPORTED);
	if (!channels.count)
		channels.count = channels.planar ? info->num_planes : first->num_channels;
	if (channels.count != 1 && channels.count != NV_CHANNELS_MAX)
		return channels.planar ? STATUS(NUM_PLANES_UNSUPPORTED) : STATUS(NUM_CHANNELS_UNSUPPORTED);
	if (info->num_planes != (channels.planar ? channels.count : 1))
		return STATUS(NUM_PLANES_UNSUPPORTED);

	request->nchannels = channels.count;
	request->pixel_step = channels.planar ? 1 : channels.count;
	request->row_step = first->row_stride;
	for (unsigned c = 0, last = channels.count - 1; c < channels.count; c++) {
		size_t step = channels.planar ? first->row_stride * first->height : 1;

		request->channel_offset[c] = (channels.blue_first ? last - c : c) * step;
	}
	for (uint32_t p = 1; p < info->num_planes; p++) {
		if (info->plane_info[p].row_stride != first->row_stride)
			return STATUS(SAMPLE_FORMAT_UNSUPPORTED);
	}
	return check_planes(info, (unsigned)request->pixel_step) | check_colour(info->color_spec);
}

/* --- Region -------------------------------------------------------------------------------------------------------- */

static uint8_t clamp8(double value)
{
	return value >= 255 ? 255 : value > 0 ? (uint8_t)value : 0; /* and 0 for what is no number */
}

static uint8_t fill_of(const nvimgcodecOutOfBoundsSample_t *sample)
{
	switch (sample->type) {
	case NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8:
	case NVIMGCODEC_SAMPLE_DATA_TYPE_UINT16:
	case NVIMGCODEC_SAMPLE_DATA_TYPE_UINT32:
		return clamp8(sample->value.as_uint);
	case NVIMGCODEC_SAMPLE_DATA_TYPE_INT8:
	case NVIMGCODEC_SAMPLE_DATA_TYPE_INT16:
	case NVIMGCODEC_SAMPLE_DATA_TYPE_INT32:
		return clamp8(sample->value.as_int);
	case NVIMGCODEC_SAMPLE_DATA_TYPE_FLOAT32:
		return clamp8((double)sample->value.as_float);
	default:
		return 0;
	}
}

/* `region` may be NULL: all of the image. */
static nvimgcodecProcessingStatus_t take_region(struct nv_request *request, const nvimgcodecRegion_t *region,
                                                bool blue_first)
{
	request->region = request->display;
	if (!region || region->ndim == 0)
		return STATUS(SUCCESS);
	if (region->ndim != 2 || region->out_of_bounds_policy != NVIMGCODEC_OUT_OF_BOUNDS_POLICY_CONSTANT)
		return STATUS(ROI_UNSUPPORTED);
	request->region = (struct nv_rect){
	        .x = region->start[1],
	        .y = region->start[0],
	        .width = (int64_t)region->end[1] - region->start[1],
	        .height = (int64_t)region->end[0] - region->start[0],
	};
	for (unsigned c = 0; c < request->nchannels; c++)
		request->fill[c] = fill_of(&region->out_of_bounds_samples[blue_first ? request->nchannels - 1 - c : c]);
	return request->region.width > 0 && request->region.height > 0 ? STATUS(SUCCESS) : STATUS(ROI_UNSUPPORTED);
}

static const nvimgcodecRegion_t *region_of(const nvimgcodecCodeStreamDesc_t *code_stream,
                                           nvimgcodecCodeStreamInfo_t *info)
{
	*info = (nvimgcodecCodeStreamInfo_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_CODE_STREAM_INFO,
	        .struct_size = sizeof *info,
	};
	if (code_stream->getCodeStreamInfo(code_stream->instance, info) != NVIMGCODEC_STATUS_SUCCESS)
		return NULL;
	return info->code_stream_view ? &info->code_stream_view->region : NULL;
}

struct nv_rect nv_request_inside(const struct nv_request *request)
{
	const struct nv_rect *r = &request->region, *d = &request->display;
	int64_t left = r->x > 0 ? r->x : 0, top = r->y > 0 ? r->y : 0;
	int64_t right = r->x + r->width < d->width ? r->x + r->width : d->width;
	int64_t bottom = r->y + r->height < d->height ? r->y + r->height : d->height;

	if (left >= right || top >= bottom)
		return (struct nv_rect){0, 0, 0, 0};
	return (struct nv_rect){left, top, right - left, bottom - top};
}

struct nv_rect nv_request_stored(const struct nv_request *request, const struct nv_rect *displayed)
{
	const struct nv_rect *d = &request->display;
	struct nv_rect rect = *displayed;

	if (request->turn.flip_x)
		rect.x = d->width - rect.x - rect.width;
	if (request->turn.flip_y)
		rect.y = d->height - rect.y - rect.height;
	if (request->turn.transposed)
		rect = (struct nv_rect){rect.y, rect.x, rect.height, rect.width};
	return rect;
}

bool nv_request_is_tight(const struct nv_request *request, bool *ret_planar)
{
	const size_t *offset = request->channel_offset;
	size_t width = (size_t)request->region.width, plane = width * (size_t)request->region.height;
	bool planar = request->pixel_step == 1;
	size_t step = planar ? plane : 1;

	if (request->nchannels != NV_CHANNELS_MAX || request->row_step != width * request->pixel_step ||
	    offset[0] != 0 || offset[1] != step || offset[2] != 2 * step)
		return false;
	*ret_planar = planar;
	return true;
}

/* --- The whole ----------------------------------------------------------------------------------------------------- */

static nvimgcodecImageInfo_t empty_info(void)
{
	return (nvimgcodecImageInfo_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO,
	        .struct_size = sizeof(nvimgcodecImageInfo_t),
	};
}

nvimgcodecProcessingStatus_t nv_request_init(struct nv_request *ret_request, const struct nv_stored *stored,
                                             const nvimgcodecImageDesc_t *image,
                                             const nvimgcodecCodeStreamDesc_t *code_stream,
                                             const nvimgcodecDecodeParams_t *params)
{
	struct nv_request request = {.nchannels = 0};
	nvimgcodecImageInfo_t info = empty_info();
	nvimgcodecCodeStreamInfo_t stream_info;

	if (image->getImageInfo(image->instance, &info) != NVIMGCODEC_STATUS_SUCCESS)
		return STATUS(FAIL);
	if (params->apply_exif_orientation)
		request.turn = stored->turn;
	request.display = request.turn.transposed ? (struct nv_rect){0, 0, stored->height, stored->width}
	                                          : (struct nv_rect){0, 0, stored->width, stored->height};
	request.buffer = info.buffer;
	request.on_device = info.buffer_kind == NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_DEVICE;
	request.stream = info.cuda_stream;

	nvimgcodecProcessingStatus_t status = take_channels(&request, &info);
	if (status != STATUS(SUCCESS))
		return status;
	status = take_region(&request, region_of(code_stream, &stream_info),
	                     request.channel_offset[0] > request.channel_offset[request.nchannels - 1]);
	if (status == STATUS(SUCCESS) && (info.plane_info[0].width != (uint64_t)request.region.width ||
	                                  info.plane_info[0].height != (uint64_t)request.region.height))
		status = STATUS(RESOLUTION_UNSUPPORTED); /* the caller's memory is of another size */
	if (status == STATUS(SUCCESS))
		*ret_request = request;
	return status;
}

nvimgcodecProcessingStatus_t nv_request_check(struct nv_request *ret_request, const nvimgcodecImageDesc_t *image,
                                              const nvimgcodecCodeStreamDesc_t *code_stream,
                                              const nvimgcodecDecodeParams_t *params)
{
	nvimgcodecImageInfo_t info = empty_info();

	if (code_stream->getImageInfo(code_stream->instance, &info) != NVIMGCODEC_STATUS_SUCCESS)
		return STATUS(FAIL);
	if (strcmp(info.codec_name, NV_CODEC) != 0)
		return STATUS(CODEC_UNSUPPORTED);
	const struct nv_stored stored = {
	        .width = info.plane_info[0].width,
	        .height = info.plane_info[0].height,
	        .turn = nv_turn_of_orientation(&info.orientation),
	};
	return nv_request_init(ret_request, &stored, image, code_stream, params);
}
