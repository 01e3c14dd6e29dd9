/* SPDX-License-Identifier: MIT */
/*
 * export.h: a tree, as a mount of it would show it, written as ordinary files.
 */
#pragma once

#include "fs/walk.h"

struct export_settings {
	struct walk_settings walk;
	const char *dest;
	bool is_dry;       /* say what there is to write, and write nothing */
	bool is_unplanned; /* write, and do not say before what there is; not with is_dry */
};

/* Tells the user what there is to do, how far it is, and what went wrong; returns an exit status of icfs.h. Ends the process
 * by a signal that interrupted it. */
int export_tree(const struct export_settings *settings);
