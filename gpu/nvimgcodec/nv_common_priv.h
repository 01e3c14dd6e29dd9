/* SPDX-License-Identifier: MIT */
/*
 * nv_common_priv.h: what the parts of the extension share: the framework that loaded it, what is told to that framework's
 * log, and how errors of libic become those of nvImageCodec.
 */
#pragma once

#include "codec/errint.h"

#include <nvimgcodec.h>

#define NV_CODEC "ic"
#define NV_PARSER_ID "ic_parser"

/* MAKE_SEMANTIC_VERSION of the extension; from meson.build. */
#define NV_VERSION MAKE_SEMANTIC_VERSION(ICFS_VERSION_MAJOR, ICFS_VERSION_MINOR, ICFS_VERSION_PATCH)

/* One sentence about a code stream, for whoever listens to the framework's messages. Thread safe. */
void nv_log_error(const nvimgcodecFrameworkDesc_t *framework, const char *id, const struct ic_why *why);

/* What a parser returns for an error of libic. */
nvimgcodecStatus_t nv_status(errint_t err);

/* What becomes of one image: NVIMGCODEC_PROCESSING_STATUS_ for an error of libic, or for 0. */
nvimgcodecProcessingStatus_t nv_processing_status(errint_t err);
