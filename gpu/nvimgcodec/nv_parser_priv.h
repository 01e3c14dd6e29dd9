/* SPDX-License-Identifier: MIT */
/* nv_parser_priv.h: recognises objects, and says what is in one, from its header alone. */
#pragma once

#include "codec/format.h"

#include "nv_request_priv.h"

/* For registerParser; `framework` must live as long as the description. */
nvimgcodecParserDesc_t nv_parser_desc(const nvimgcodecFrameworkDesc_t *framework);

/* The image that a header describes. -EFBIG: more than IC_PIXELS_MAX pixels, since whoever decodes takes memory for all
 * of them first, and a few bytes may stand for many. */
errint_t nv_stored_init(struct nv_stored *ret_stored, const struct ic_view *view, struct ic_why *why);
