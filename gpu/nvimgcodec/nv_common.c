/* SPDX-License-Identifier: MIT */
#include "nv_common_priv.h"

#include <errno.h>

void nv_log_error(const nvimgcodecFrameworkDesc_t *framework, const char *id, const struct ic_why *why)
{
	const nvimgcodecDebugMessageData_t data = {
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_DEBUG_MESSAGE_DATA,
	        .struct_size = sizeof data,
	        .message = why->text,
	        .codec = NV_CODEC,
	        .codec_id = id,
	        .codec_version = NV_VERSION,
	};

	framework->log(framework->instance, NVIMGCODEC_DEBUG_MESSAGE_SEVERITY_ERROR,
	               NVIMGCODEC_DEBUG_MESSAGE_CATEGORY_GENERAL, &data);
}

nvimgcodecStatus_t nv_status(errint_t err)
{
	switch (err) {
	case 0:
		return NVIMGCODEC_STATUS_SUCCESS;
	case -EINVAL:
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	case -EBADMSG:
		return NVIMGCODEC_STATUS_EXTENSION_BAD_CODE_STREAM;
	case -ENODATA:
		return NVIMGCODEC_STATUS_EXTENSION_INCOMPLETE_BITSTREAM;
	case -EOPNOTSUPP:
	case -EFBIG:
		return NVIMGCODEC_STATUS_EXTENSION_CODESTREAM_UNSUPPORTED;
	case -ENOMEM:
		return NVIMGCODEC_STATUS_EXTENSION_ALLOCATOR_FAILURE;
	default:
		return NVIMGCODEC_STATUS_EXTENSION_INTERNAL_ERROR;
	}
}

nvimgcodecProcessingStatus_t nv_processing_status(errint_t err)
{
	switch (err) {
	case 0:
		return NVIMGCODEC_PROCESSING_STATUS_SUCCESS;
	case -EBADMSG:
	case -ENODATA:
		return NVIMGCODEC_PROCESSING_STATUS_IMAGE_CORRUPTED;
	case -EOPNOTSUPP:
		return NVIMGCODEC_PROCESSING_STATUS_CODESTREAM_UNSUPPORTED;
	case -EFBIG:
		return NVIMGCODEC_PROCESSING_STATUS_RESOLUTION_UNSUPPORTED;
	default:
		return NVIMGCODEC_PROCESSING_STATUS_FAIL;
	}
}
