/* SPDX-License-Identifier: MIT */
/* walk_priv.h: what the files of a walk share. */
#pragma once

#include "fs/fs_priv.h"
#include "fs/walk.h"

struct fs *walk_fs(const struct walk *walk);
