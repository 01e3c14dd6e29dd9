/* SPDX-License-Identifier: MIT */
#include "codec/limits_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

struct ic_limits ic_limits_default(void)
{
	return (struct ic_limits){.pixels = 100000000, .memory = 1ull << 30, .scans = 100};
}

struct ic_limits limits_or_default(const struct ic_limits *limits)
{
	return limits ? *limits : ic_limits_default();
}

errint_t limits_check_pixels(const struct ic_limits *limits, uint32_t width, uint32_t height, struct ic_why *why)
{
	uint64_t limit = limits_or_default(limits).pixels;

	if (limit && (uint64_t)width * height > limit)
		return ic_fail(why, -EFBIG, "%u x %u pixels are over the limit of %llu", width, height,
		               (unsigned long long)limit);
	return 0;
}

errint_t limits_check_memory(const struct ic_limits *limits, uint64_t nbytes, struct ic_why *why, const char *format,
                             ...)
{
	uint64_t limit = limits_or_default(limits).memory;
	char needing[128];
	va_list args;

	if (!limit || nbytes <= limit)
		return 0;
	va_start(args, format);
	vsnprintf(needing, sizeof(needing), format, args);
	va_end(args);
	return ic_fail(why, -EFBIG, "%s %llu bytes of memory, over the limit of %llu", needing,
	               (unsigned long long)nbytes, (unsigned long long)limit);
}
