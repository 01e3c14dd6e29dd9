/* SPDX-License-Identifier: MIT */
/* sha256.h: FIPS 180-4, for fingerprints. Pure, thread safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sha256 {
	uint32_t state[8];
	uint64_t nbytes;
	uint8_t block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t nbytes);
void sha256_end(struct sha256 *sha, uint8_t out[32]);
