/* SPDX-License-Identifier: MIT */
/* The input is the text of a design. */
#include "fuzz.h"

#include "tests/codec/attempt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
	return fuzz_result(attempt_design(bytes, nbytes));
}
