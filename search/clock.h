/* SPDX-License-Identifier: MIT */
/*
 * clock.h: times as one number. Nanoseconds saturate: a file's time stamp may be any.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static inline int64_t clock_timespec_ns(const struct timespec *t)
{
	const int64_t limit = INT64_MAX / NS_PER_S - 1;

	if (t->tv_sec > limit)
		return INT64_MAX;
	if (t->tv_sec < -limit)
		return INT64_MIN;
	return (int64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
}

/* How long after `from` is `to`. */
static inline int64_t clock_ns_between(int64_t from, int64_t to)
{
	int64_t ns;

	if (__builtin_sub_overflow(to, from, &ns))
		return to > from ? INT64_MAX : INT64_MIN;
	return ns;
}

/* Of CLOCK_REALTIME since 1970, as time stamps of files are; of CLOCK_MONOTONIC for how long something takes. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return clock_timespec_ns(&t);
}

static inline double clock_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
