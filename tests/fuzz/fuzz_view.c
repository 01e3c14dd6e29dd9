/* SPDX-License-Identifier: MIT */
/* The input is an .ic file, decoded and derived from. */
#include "fuzz.h"

#include "tests/codec/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
	return fuzz_result(attempt_view(bytes, nbytes));
}
