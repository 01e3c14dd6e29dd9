/* SPDX-License-Identifier: MIT */
/*
 * The module that nvImageCodec loads: one parser and the decoders of .ic files. Nothing here is global; every library
 * instance of nvImageCodec has an extension of its own.
 */
#include "nv_decoder_priv.h"
#include "nv_parser_priv.h"

#include <stdlib.h>

#define NV_EXTENSION_ID "icfs_ext"

#define NDECODERS_MAX 2

/* The framework keeps pointers to the descriptions for as long as they are registered. */
struct nvimgcodecExtension {
	const nvimgcodecFrameworkDesc_t *framework;
	nvimgcodecParserDesc_t parser;
	struct nv_plugin plugins[NDECODERS_MAX];
	nvimgcodecDecoderDesc_t decoders[NDECODERS_MAX];
	unsigned ndecoders; /* that are registered */
};

static void take_back(struct nvimgcodecExtension *extension)
{
	const nvimgcodecFrameworkDesc_t *framework = extension->framework;

	while (extension->ndecoders)
		framework->unregisterDecoder(framework->instance, &extension->decoders[--extension->ndecoders]);
	framework->unregisterParser(framework->instance, &extension->parser);
}

static nvimgcodecStatus_t add_decoder(struct nvimgcodecExtension *extension, const struct nv_backend *backend)
{
	const nvimgcodecFrameworkDesc_t *framework = extension->framework;
	unsigned i = extension->ndecoders;

	extension->plugins[i] = (struct nv_plugin){framework, backend};
	extension->decoders[i] = nv_decoder_desc(&extension->plugins[i]);
	nvimgcodecStatus_t status =
	        framework->registerDecoder(framework->instance, &extension->decoders[i], backend->priority);
	if (status == NVIMGCODEC_STATUS_SUCCESS)
		extension->ndecoders++;
	return status;
}

static nvimgcodecStatus_t add(struct nvimgcodecExtension *extension)
{
	const nvimgcodecFrameworkDesc_t *framework = extension->framework;
	const struct nv_backend *gpu = nv_gpu_backend();
	nvimgcodecStatus_t status;

	status = framework->registerParser(framework->instance, &extension->parser, NVIMGCODEC_PRIORITY_NORMAL);
	if (status != NVIMGCODEC_STATUS_SUCCESS)
		return status;
	if (gpu)
		status = add_decoder(extension, gpu);
	if (status == NVIMGCODEC_STATUS_SUCCESS)
		status = add_decoder(extension, &nv_cpu_backend);
	if (status != NVIMGCODEC_STATUS_SUCCESS)
		take_back(extension);
	return status;
}

static nvimgcodecStatus_t create(void *instance, nvimgcodecExtension_t *extension,
                                 const nvimgcodecFrameworkDesc_t *framework)
{
	struct nvimgcodecExtension *created;

	if (!extension || !framework)
		return NVIMGCODEC_STATUS_EXTENSION_INVALID_PARAMETER;
	created = calloc(1, sizeof *created);
	if (!created)
		return NVIMGCODEC_STATUS_EXTENSION_ALLOCATOR_FAILURE;
	created->framework = framework;
	created->parser = nv_parser_desc(framework);

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
	take_back(extension);
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
