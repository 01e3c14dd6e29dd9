/* SPDX-License-Identifier: MIT */
#include "src/memory.h"

#include <malloc.h>
#include <unistd.h>

/* Making an object of a photograph takes a megabyte or two, in parts of some 100 KB, that are free again a millisecond later.
 * By default malloc gives such parts back to the kernel and takes them anew, page by page, and has each thread do so in
 * memory of its own. A page that is taken costs a microsecond or two; with these bounds first reads of 500 x 375 pixels, on
 * a machine with two CPUs, took a quarter fewer pages. */
#define MAPPED_NBYTES_MIN (4 << 20) /* parts of large pictures, which go back at once */
#define FREE_NBYTES_MAX (16 << 20)  /* at the end of the heap */
#define GROWTH_NBYTES (1 << 20)

void memory_set_up(void)
{
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (ncpus > 0)
		mallopt(M_ARENA_MAX, (int)ncpus); /* as many threads as run at one time */
	mallopt(M_MMAP_THRESHOLD, MAPPED_NBYTES_MIN);
	mallopt(M_TRIM_THRESHOLD, FREE_NBYTES_MAX);
	mallopt(M_TOP_PAD, GROWTH_NBYTES);
}
