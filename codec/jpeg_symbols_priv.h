/* SPDX-License-Identifier: MIT */
/*
 * jpeg_symbols_priv.h: the symbols of a baseline JPEG's one scan, found once, to be counted and then written.
 */
#pragma once

#include "codec/jpeg_kernel_priv.h"
#include "codec/jpeg_writer_priv.h"

/* Blocks of luma in an MCU, across and down: 2 under 4:2:0. */
uint32_t jpeg_picture_luma_factor(const struct jpeg_picture *picture);

/* The symbols of a picture's interleaved scan, and how often each is in it: counts[table * 256 + symbol]. -ENOMEM. */
errint_t jpeg_symbols_init(struct jpeg_symbols *symbols, size_t counts[JPEG_NTABLES * 256],
                           const struct jpeg_picture *picture);
void jpeg_symbols_clear(struct jpeg_symbols *symbols); /* zeroed is fine */
