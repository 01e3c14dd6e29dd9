/* SPDX-License-Identifier: MIT */
/*
 * left_out.h: warnings of what a walk (fs/walk.h) leaves aside without an error.
 */
#pragma once

#include "fs/walk.h"

/* Of sections of the policy file that are for no directory of the source. */
void left_out_warn_sections(const struct walk *walk);

/* Of links that the last walk_run did not follow, nor has anything in place of. */
void left_out_warn_links(const struct walk *walk);
