/* SPDX-License-Identifier: MIT */
#include "src/left_out.h"
#include "src/icfs.h"

#include <inttypes.h>

static void warn_of_section(void *context, const char *problem)
{
	(void)context;
	warn("%s", problem);
}

void left_out_warn_sections(const struct walk *walk)
{
	walk_each_unused(walk, warn_of_section, NULL);
}

void left_out_warn_links(const struct walk *walk)
{
	uint64_t n = walk_nlinks_left_out(walk);

	if (n)
		warn("%s: %" PRIu64
		     " symbolic link%s left out: %s nowhere, to what is not served, or out of the tree without "
		     "--follow or --follow-files",
		     walk_path(walk), n, n == 1 ? " is" : "s are", n == 1 ? "it leads" : "they lead");
}
