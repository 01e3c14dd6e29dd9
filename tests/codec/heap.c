/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <malloc.h>
#include <string.h>

struct heap heap;

void *__real_malloc(size_t nbytes);
void *__real_calloc(size_t n, size_t nbytes);
void *__real_realloc(void *memory, size_t nbytes);
void __real_free(void *memory);
void *__wrap_malloc(size_t nbytes);
void *__wrap_calloc(size_t n, size_t nbytes);
void *__wrap_realloc(void *memory, size_t nbytes);
void __wrap_free(void *memory);

static bool must_fail(void)
{
	if (!heap.watched)
		return false;
	heap.count++;
	return heap.count >= heap.fail_from && heap.count <= heap.fail_to;
}

static void *gained(void *memory)
{
	if (memory && heap.watched) {
		heap.live++;
		heap.nbytes += malloc_usable_size(memory);
		heap.peak = heap.nbytes > heap.peak ? heap.nbytes : heap.peak;
	}
	return memory;
}

static void lost(void *memory)
{
	if (memory && heap.watched) {
		heap.live--;
		heap.nbytes -= malloc_usable_size(memory);
	}
}

void *__wrap_malloc(size_t nbytes)
{
	return must_fail() ? NULL : gained(__real_malloc(nbytes));
}

void *__wrap_calloc(size_t n, size_t nbytes)
{
	return must_fail() ? NULL : gained(__real_calloc(n, nbytes));
}

void *__wrap_realloc(void *memory, size_t nbytes)
{
	if (must_fail())
		return NULL;
	lost(memory);
	return gained(__real_realloc(memory, nbytes));
}

void __wrap_free(void *memory)
{
	lost(memory);
	__real_free(memory);
}

void heap_watch(unsigned long fail_from, unsigned long fail_to)
{
	memset(&heap, 0, sizeof(heap));
	heap.fail_from = fail_from;
	heap.fail_to = fail_to;
	heap.watched = true;
}
