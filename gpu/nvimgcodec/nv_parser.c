/* SPDX-License-Identifier: MIT */
#include "nv_parser_priv.h"

#include "codec/tensor.h"
#include "nv_bytes_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct nvimgcodecParser {
	const nvimgcodecFrameworkDesc_t *framework;
};

errint_t nv_stored_init(struct nv_stored *ret_stored, const struct ic_view *view, struct ic_why *why)
{
	const struct ic_layout *l = &view->layout;

	if ((uint64_t)l->width * l->height > IC_PIXELS_MAX)
		return ic_fail(why, -EFBIG, "%" PRIu32 " x %" PRIu32 " pixels are more than %u", l->width, l->height,
		               IC_PIXELS_MAX);
	*ret_stored = (struct nv_stored){l->width, l->height, nv_turn_of_exif(view->orientation)};
	return 0;
}

/* --- What is in an object ------------------------------------------------------------------------------------------ */

static errint_t read_header(nvimgcodecIoStreamDesc_t *io, struct ic_layout *ret_layout, struct nv_stored *ret_stored,
                            size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t head[IC_HEADER_SIZE];
	size_t nbytes = 0, stream_nbytes = 0;
	struct ic_view view;
	errint_t err = nv_bytes_head(io, head, sizeof head, &nbytes, &stream_nbytes, why);

	if (!err)
		err = ic_view_parse_header(&view, head, nbytes, why);
	if (!err && view.layout.nbytes > stream_nbytes)
		err = ic_fail(why, -ENODATA, "the object is %" PRIu64 " bytes and the stream has %zu",
		              view.layout.nbytes, stream_nbytes);
	if (!err)
		err = nv_stored_init(ret_stored, &view, why);
	if (err)
		return err;
	*ret_layout = view.layout;
	*ret_nbytes = stream_nbytes;
	return 0;
}

/* Decoders give luma or RGB of one size; that chroma is stored at half of it is theirs to know. */
static void describe_image(nvimgcodecImageInfo_t *info, const struct ic_layout *layout, const struct nv_stored *stored)
{
	bool gray = layout->ncomponents == 1;

	snprintf(info->codec_name, sizeof info->codec_name, "%s", NV_CODEC);
	info->color_spec = gray ? NVIMGCODEC_COLORSPEC_GRAY : NVIMGCODEC_COLORSPEC_SRGB;
	info->chroma_subsampling = gray ? NVIMGCODEC_SAMPLING_GRAY : NVIMGCODEC_SAMPLING_NONE;
	info->sample_format = gray ? NVIMGCODEC_SAMPLEFORMAT_P_Y : NVIMGCODEC_SAMPLEFORMAT_P_RGB;
	info->orientation = nv_turn_to_orientation(stored->turn);
	info->num_planes = layout->ncomponents;
	for (unsigned p = 0; p < layout->ncomponents; p++) {
		info->plane_info[p] = (nvimgcodecImagePlaneInfo_t){
		        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_IMAGE_PLANE_INFO,
		        .struct_size = sizeof info->plane_info[p],
		        .width = stored->width,
		        .height = stored->height,
		        .row_stride = stored->width,
		        .num_channels = 1,
		        .sample_type = NVIMGCODEC_SAMPLE_DATA_TYPE_UINT8,
		        .precision = 8,
		};
	}
}

static nvimgcodecStatus_t get_image_info(nvimgcodecParser_t parser, nvimgcodecImageInfo_t *image_info,
                                         nvimgcodecCodeStreamDesc_t *code_stream)
{
	struct ic_layout layout;
	struct nv_stored stored;
	struct ic_why why = {""};
	size_t nbytes;

	if (!parser || !image_info || !code_stream || image_info->struct_type != NVIMGCODEC_STRUCTURE_TYPE_IMAGE_INFO)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	errint_t err = read_header(code_stream->io_stream, &layout, &stored, &nbytes, &why);
	if (err)
		nv_log_error(parser->framework, NV_PARSER_ID, &why);
	else
		describe_image(image_info, &layout, &stored);
	return nv_status(err);
}

static nvimgcodecStatus_t get_code_stream_info(nvimgcodecParser_t parser, nvimgcodecCodeStreamInfo_t *info,
                                               nvimgcodecCodeStreamDesc_t *code_stream)
{
	struct ic_layout layout;
	struct nv_stored stored;
	struct ic_why why = {""};
	size_t nbytes;

	if (!parser || !info || !code_stream || info->struct_type != NVIMGCODEC_STRUCTURE_TYPE_CODE_STREAM_INFO)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	errint_t err = read_header(code_stream->io_stream, &layout, &stored, &nbytes, &why);
	if (err) {
		nv_log_error(parser->framework, NV_PARSER_ID, &why);
		return nv_status(err);
	}
	snprintf(info->codec_name, sizeof info->codec_name, "%s", NV_CODEC);
	info->num_images = 1;
	info->size = nbytes;
	return NVIMGCODEC_STATUS_SUCCESS;
}

/* --- The parser ---------------------------------------------------------------------------------------------------- */

/* By the magic alone, so that what is wrong with an object is said and not that it is none. */
static nvimgcodecStatus_t can_parse(void *instance, int *result, nvimgcodecCodeStreamDesc_t *code_stream)
{
	uint8_t head[8];
	size_t nbytes, stream_nbytes;

	if (!instance || !result || !code_stream)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	errint_t err = nv_bytes_head(code_stream->io_stream, head, sizeof head, &nbytes, &stream_nbytes, NULL);
	*result = !err && ic_is_magic(head, nbytes);
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t create(void *instance, nvimgcodecParser_t *parser)
{
	struct nvimgcodecParser *created;

	if (!instance || !parser)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	created = malloc(sizeof *created);
	if (!created)
		return NVIMGCODEC_STATUS_EXTENSION_ALLOCATOR_FAILURE;
	created->framework = instance;
	*parser = created;
	return NVIMGCODEC_STATUS_SUCCESS;
}

static nvimgcodecStatus_t destroy(nvimgcodecParser_t parser)
{
	free(parser);
	return NVIMGCODEC_STATUS_SUCCESS;
}

nvimgcodecParserDesc_t nv_parser_desc(const nvimgcodecFrameworkDesc_t *framework)
{
	return (nvimgcodecParserDesc_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_PARSER_DESC,
	        .struct_size = sizeof(nvimgcodecParserDesc_t),
	        .instance = (void *)(uintptr_t)framework,
	        .id = NV_PARSER_ID,
	        .codec = NV_CODEC,
	        .canParse = can_parse,
	        .create = create,
	        .destroy = destroy,
	        .getCodeStreamInfo = get_code_stream_info,
	        .getImageInfo = get_image_info,
	};
}
