/* SPDX-License-Identifier: MIT */
/* A target that fails for all inputs of more than 100 bytes: the driver's own test. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
	return fuzz_result(nbytes > 100 ? "more than 100 bytes" : NULL);
}
