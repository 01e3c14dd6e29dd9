/* SPDX-License-Identifier: MIT */
/* whole_file_priv.h: files that are whole or not there, also on storage that machines share. */
#pragma once

#include "codec/errint.h"

#include <stddef.h>

/* Under a name of its own first, and on the disk before it gets its name. -ENOMEM, -errno. */
errint_t whole_file_write(const char *path, const char *bytes, size_t nbytes, struct ic_why *why);

/* All of it, malloc'ed, and a terminator that is not counted. -EFBIG, -ENOMEM, -errno. */
errint_t whole_file_read(const char *path, size_t nbytes_max, char **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
