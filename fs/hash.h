/* SPDX-License-Identifier: MIT */
/*
 * hash.h: the one hash of fs/. Values are the same on every machine and at every mount, so inode numbers can be made of
 * them. Not proof against someone who picks names to collide; chains are then long, never wrong.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_SEED UINT64_C(0x6963667331323334)

/* The finalizer of splitmix64, over a running value. */
static inline uint64_t hash_u64(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) + UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
	return hash ^ (hash >> 31);
}

/* FNV-1a, closed by the finalizer. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t nbytes)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < nbytes; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash_u64(hash, nbytes);
}
