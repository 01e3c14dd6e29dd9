/* SPDX-License-Identifier: MIT */
/*
 * Stands in for cmd_mount.c where FUSE was switched off or not found.
 */
#include "src/icfs.h"
#include "src/options.h"

static const struct option_entry mount_options[] = {
        {.name = NULL},
};

static const struct command_line mount_line = {
        .command = "mount",
        .operands = "[SOURCE MOUNTPOINT]",
        .about = "This build of icfs cannot mount: it was made without FUSE. Install libfuse 3 and its headers, and "
                 "build again with -Dfuse=enabled.",
        .options = mount_options,
        .max_operands = 2,
};

static int run_mount(int argc, char **argv)
{
	int first, status = parse_command_line(&mount_line, argc, argv, NULL, &first);

	if (status != GO_ON)
		return status;
	return fail("this build cannot mount: it was made without FUSE; build again with -Dfuse=enabled");
}

const struct command cmd_mount = {"mount", "not in this build", run_mount};
