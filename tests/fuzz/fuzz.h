/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h: a fuzz target is an executable of one fuzz_*.c and a driver: fuzz_driver.c, which every build has, or
 * libFuzzer's (clang -fsanitize=fuzzer,address with the same sources but the driver).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

/* What a target returns: 0. A problem is said and ends the program as a crash does, so that the driver keeps the input. */
static inline int fuzz_result(const char *problem)
{
	if (problem) {
		fprintf(stderr, "fuzz: %s\n", problem);
		abort();
	}
	return 0;
}
