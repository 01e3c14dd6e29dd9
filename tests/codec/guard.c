/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_nbytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Whole pages that hold `nbytes`. */
static size_t mapped_nbytes(size_t nbytes)
{
	return (nbytes + page_nbytes() - 1) / page_nbytes() * page_nbytes();
}

struct guard guard_new(size_t nbytes)
{
	size_t room = mapped_nbytes(nbytes), page = page_nbytes();
	uint8_t *map = mmap(NULL, page + room + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || (room && mprotect(map + page, room, PROT_READ | PROT_WRITE))) {
		perror("guard");
		abort();
	}
	return (struct guard){map + page + room, nbytes};
}

void guard_clear(struct guard *guard)
{
	size_t room = mapped_nbytes(guard->nbytes), page = page_nbytes();

	if (guard->end)
		munmap(guard->end - room - page, page + room + page);
	*guard = (struct guard){0};
}

void *guard_tail(const struct guard *guard, size_t nbytes)
{
	if (nbytes > guard->nbytes) {
		fprintf(stderr, "guard: %zu bytes asked for, there are %zu\n", nbytes, guard->nbytes);
		abort();
	}
	return guard->end - nbytes;
}

void *guard_head(const struct guard *guard)
{
	return guard->end - mapped_nbytes(guard->nbytes);
}

uint8_t *guard_copy(struct guard *guard, const void *bytes, size_t nbytes)
{
	if (!guard->end || nbytes > guard->nbytes) {
		guard_clear(guard);
		*guard = guard_new(nbytes);
	}
	uint8_t *copy = guard_tail(guard, nbytes);
	if (nbytes)
		memcpy(copy, bytes, nbytes);
	return copy;
}
