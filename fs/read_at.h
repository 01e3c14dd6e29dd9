/* SPDX-License-Identifier: MIT */
/* read_at.h: bytes of an open file, whatever interrupts. */
#pragma once

#include "codec/errint.h"

#include <stddef.h>
#include <stdint.h>

/* Read up to `nbytes` from `offset` on; fewer only where the file ends. -errno. */
errint_t read_at(int fd, void *out, size_t nbytes, uint64_t offset, size_t *ret_nbytes);
