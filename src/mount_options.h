/* SPDX-License-Identifier: MIT */
/*
 * mount_options.h: what `icfs mount -o` takes, in one table: the parser and --help alike.
 */
#pragma once

#include "fs/mount.h"

struct mount_options {
	struct mount_settings settings;
	enum log_level log_level;
	const char *log_target; /* NULL: syslog in the background, stderr in the foreground */
	char *texts;            /* the values that settings point to; see mount_options_clear */
	char *fuse;             /* options for libfuse, comma separated */
};

struct mount_options mount_options_default(void);
void mount_options_clear(struct mount_options *options);

/* Apply a list of options, comma separated, a backslash before a comma that belongs to a value. May be called again for
 * another -o. -EINVAL with the reason, -ENOMEM. */
errint_t mount_options_parse(struct mount_options *options, const char *list, struct ic_why *why);

/* The table as text for --help; malloc'ed, NULL where there is no memory. */
char *mount_options_help(void);
