/* SPDX-License-Identifier: MIT */
/* bytes_priv.h: whole numbers in bytes, whatever the machine's own order. */
#pragma once

#include <stdint.h>

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)get_le16(p) | (uint32_t)get_le16(p + 2) << 16;
}

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint64_t get_le64(const uint8_t *p)
{
	return get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

static inline void put_le16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)n;
	p[1] = (uint8_t)(n >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t n)
{
	put_le16(p, (uint16_t)n);
	put_le16(p + 2, (uint16_t)(n >> 16));
}

static inline void put_le64(uint8_t *p, uint64_t n)
{
	put_le32(p, (uint32_t)n);
	put_le32(p + 4, (uint32_t)(n >> 32));
}

static inline void put_be16(uint8_t *p, uint16_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static inline void put_be32(uint8_t *p, uint32_t n)
{
	put_be16(p, (uint16_t)(n >> 16));
	put_be16(p + 2, (uint16_t)n);
}

static inline void put_be64(uint8_t *p, uint64_t n)
{
	put_be32(p, (uint32_t)(n >> 32));
	put_be32(p + 4, (uint32_t)n);
}
