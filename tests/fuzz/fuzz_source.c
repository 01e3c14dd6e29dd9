/* SPDX-License-Identifier: MIT */
/* The input is a source, a JPEG or an .ic file, made into each face within limits. */
#include "fuzz.h"

#include "tests/codec/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
	return fuzz_result(attempt_source(bytes, nbytes));
}
