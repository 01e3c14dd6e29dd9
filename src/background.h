/* SPDX-License-Identifier: MIT */
/*
 * background.h: a process that goes to the background only once it serves. The parent waits, so that the command's return
 * means that the mount is there, and its exit status and message mean that it is not.
 */
#pragma once

#include "codec/errint.h"

struct background;

/* Fork, before any thread is started. In the child *ret_background is what tells the parent. In the parent it is NULL, and
 * the child's word has come: 0, or its error with its sentence. -errno of forking. */
errint_t background_start(struct background **ret_background, struct ic_why *why);

/* The child serves: let the parent go, and leave its terminal and directory. NULL is fine, later calls do nothing. */
void background_ready(struct background *background);

/* The child failed; tell it to the parent if it still waits. Frees `background`. */
void background_end(struct background *background, errint_t err, const struct ic_why *why);
