/* SPDX-License-Identifier: MIT */
/* exif_priv.h: the one EXIF tag that icfs carries. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The orientation, 1..8, in the payload of an APP1 marker; 0 where there is none or it makes no sense. Reads the tag
 * 0x0112 of the first IFD (EXIF 2.32, 4.6.4); never past `nbytes`. */
uint8_t exif_orientation(const uint8_t *payload, size_t nbytes);
