/* SPDX-License-Identifier: MIT */
/*
 * export_dest.h: the directory that a tree is exported to: apart from the source, new or an export that goes on, and no other
 * export's at the same time.
 */
#pragma once

#include "src/export.h"
#include "src/export_record.h"

/* Make DEST where it is missing, and open it. A dry run makes nothing; *ret_fd is -1 then where it is missing. The descriptor
 * holds the lock. *ret_before is the record of what is there, NULL for none. Tells the user what is wrong; returns an exit
 * status. */
int export_dest_open(const struct export_settings *settings, int *ret_fd, struct export_record **ret_before);
