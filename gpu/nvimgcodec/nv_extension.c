/* SPDX-License-Identifier: MIT */
/*
 * The module that nvImageCodec loads: one parser and the decoders of .ic files. Nothing here is global; every library
 * instance of nvImageCodec has an extension of its own.
 */
#include "nv_cpu_priv.h"
#include "nv_parser_priv.h"

#include <stdlib.h>

#define NV_EXTENSION_ID "icfs_ext"

/* The framework keeps pointers to the descriptions for as long as they are registered. */
struct nvimgcodecExtension {
	const nvimgcodecFrameworkDesc_t *framework;
	nvimgcodecParserDesc_t parser;
	nvimgcodecDecoderDesc_t cpu_decoder;
};

static nvimgcodecStatus_t add(struct nvimgcodecExtension *extension)
{
	const nvimgcodecFrameworkDesc_t *framework = extension->framework;
	nvimgcodecStatus_t status;

	status = framework->registerParser(framework->instance, &extension->parser, NVIMGCODEC_PRIORITY_NORMAL);
	if (status != NVIMGCODEC_STATUS_SUCCESS)
		return status;
	status = framework->registerDecoder(framework->instance, &extension->cpu_decoder, NVIMGCODEC_PRIORITY_NORMAL);
	if (status != NVIMGCODEC_STATUS_SUCCESS)
		framework->unregisterParser(framework->instance, &extension->parser);
	return status;
}

static nvimgcodecStatus_t create(void *instance, nvimgcodecExtension_t *extension,
                                 const nvimgcodecFrameworkDesc_t *framework)
{
	struct nvimgcodecExtension *created;

	if (!extension || !framework)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	created = malloc(sizeof *created);
	if (!created)
		return NVIMGCODEC_STATUS_EXTENSION_ALLOCATOR_FAILURE;
	*created = (struct nvimgcodecExtension){framework, nv_parser_desc(framework), nv_cpu_decoder_desc(framework)};

	nvimgcodecStatus_t status = add(created);
	if (status != NVIMGCODEC_STATUS_SUCCESS)
		free(created);
	else
		*extension = created;
	return status;
}

static nvimgcodecStatus_t destroy(nvimgcodecExtension_t extension)
{
	if (!extension)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	const nvimgcodecFrameworkDesc_t *framework = extension->framework;
	framework->unregisterDecoder(framework->instance, &extension->cpu_decoder);
	framework->unregisterParser(framework->instance, &extension->parser);
	free(extension);
	return NVIMGCODEC_STATUS_SUCCESS;
}

NVIMGCODECAPI nvimgcodecStatus_t nvimgcodecExtensionModuleEntry(nvimgcodecExtensionDesc_t *ext_desc)
{
	if (!ext_desc || ext_desc->struct_type != NVIMGCODEC_STRUCTURE_TYPE_EXTENSION_DESC)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	*ext_desc = (nvimgcodecExtensionDesc_t){
	        .struct_type = NVIMGCODEC_STRUCTURE_TYPE_EXTENSION_DESC,
	        .struct_size = sizeof *ext_desc,
	        .id = NV_EXTENSION_ID,
	        .version = NV_VERSION,
	        .ext_api_version = NVIMGCODEC_VER,
	        .create = create,
	        .destroy = destroy,
	};
	return NVIMGCODEC_STATUS_SUCCESS;
}
