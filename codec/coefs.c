/* SPDX-License-Identifier: MIT */
/*
 * Rows of blocks lie one behind the other: the component, then each block as two masks of eight bits, the rows of it that are
 * not all zero and those of them that bytes do not hold, then these rows, coefficients of one byte or two. The zeros between
 * others are kept, too: a row is one instruction each way, while to find the others takes as long as to decode them.
 */
#include "codec/coefs_priv.h"

#include "codec/limits_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_NBYTES_MAX (2 + 2 * 64)

/* In one piece and without a pointer: coefs.h promises that it can be moved. */
struct ic_coefs {
	struct ic_jpeg_info info;
	struct jpeg_plane plane[4];
	uint16_t steps[4][64];
	uint16_t flags; /* of the object */
	size_t nbytes;
	uint8_t bytes[];
};

/* --- Keeping ------------------------------------------------------------------------------------------------------ */

static bool is_zero(const int16_t row[8])
{
	uint64_t halves[2];
	memcpy(halves, row, sizeof halves);
	return !(halves[0] | halves[1]);
}

static bool is_wide(const int16_t row[8])
{
	int16_t differ = 0;
	for (unsigned u = 0; u < 8; u++)
		differ |= (int16_t)(row[u] ^ (int8_t)row[u]);
	return differ != 0;
}

static uint8_t *put_block(uint8_t *at, const int16_t block[64])
{
	uint8_t *masks = at;
	masks[0] = masks[1] = 0;
	at += 2;
	for (unsigned v = 0; v < 8; v++) {
		const int16_t *row = block + v * 8;
		if (is_zero(row))
			continue;
		masks[0] |= (uint8_t)(1u << v);
		if (is_wide(row)) {
			masks[1] |= (uint8_t)(1u << v);
			memcpy(at, row, 16);
			at += 16;
		} else {
			for (unsigned u = 0; u < 8; u++)
				at[u] = (uint8_t)row[u];
			at += 8;
		}
	}
	return at;
}

static void take_row(void *context, const struct jpeg_row *row)
{
	struct ic_coefs *coefs = context;
	uint8_t *at = coefs->bytes + coefs->nbytes;
	memcpy(coefs->steps[row->component], row->steps, sizeof coefs->steps[0]);
	*at++ = (uint8_t)row->component;
	for (uint32_t col = 0; col < coefs->plane[row->component].block_cols; col++)
		at = put_block(at, row->blocks[col]);
	coefs->nbytes = (size_t)(at - coefs->bytes);
}

static uint64_t most_nbytes(const struct ic_coefs *head)
{
	uint64_t nbytes = 0;
	for (unsigned c = 0; c < head->info.ncomponents; c++)
		nbytes += head->plane[c].block_rows * (1 + (uint64_t)head->plane[c].block_cols * BLOCK_NBYTES_MAX);
	return nbytes;
}

/* With room for the most that rows may take, of which what is not written to takes no memory. libjpeg's own arrays, where it
 * has to decode, are no larger. */
static errint_t make_room(const struct ic_coefs *head, const struct ic_limits *limits, struct ic_coefs **ret_coefs,
                          struct ic_why *why)
{
	uint64_t most = most_nbytes(head);
	errint_t err = limits_check_memory(limits, 2 * most, why, "the coefficients of %u x %u pixels need",
	                                   head->info.width, head->info.height);
	if (err)
		return err;
	struct ic_coefs *coefs = malloc(sizeof *coefs + most);
	if (!coefs)
		return ic_fail(why, -ENOMEM, "out of memory for %llu bytes", (unsigned long long)most);
	*coefs = *head;
	*ret_coefs = coefs;
	return 0;
}

/* In memory of its own: what is left of a large piece could not be used for anything else. */
static errint_t fit(const struct ic_coefs *roomy, struct ic_coefs **ret_coefs, struct ic_why *why)
{
	size_t nbytes = ic_coefs_nbytes(roomy);
	struct ic_coefs *coefs = malloc(nbytes);
	if (!coefs)
		return ic_fail(why, -ENOMEM, "out of memory for %zu bytes", nbytes);
	memcpy(coefs, roomy, nbytes);
	*ret_coefs = coefs;
	return 0;
}

static errint_t read_all(struct ic_coefs *head, struct jpeg_reader *reader, const struct ic_limits *limits,
                         struct ic_coefs **ret_roomy, struct ic_why *why)
{
	struct ic_coefs *roomy = NULL;
	for (unsigned c = 0; c < head->info.ncomponents; c++)
		head->plane[c] = jpeg_reader_plane(reader, c);
	errint_t err = make_room(head, limits, &roomy, why);
	if (err)
		return err;
	err = jpeg_reader_each_row(reader, take_row, roomy, why);
	roomy->flags = (uint16_t)jpeg_reader_flags(reader);
	*ret_roomy = roomy;
	return err;
}

errint_t ic_coefs_new(const uint8_t *jpeg, size_t nbytes, const struct ic_limits *limits, struct ic_coefs **ret_coefs,
                      struct ic_why *why)
{
	struct jpeg_reader *reader;
	struct ic_coefs head = {.nbytes = 0}, *roomy = NULL;
	errint_t err = jpeg_reader_new(jpeg, nbytes, true, limits, &reader, &head.info, why);
	if (err)
		return err;
	err = read_all(&head, reader, limits, &roomy, why);
	jpeg_reader_free(reader); /* what libjpeg holds is not to be there beside both */
	if (!err)
		err = fit(roomy, ret_coefs, why);
	free(roomy);
	return err;
}

void ic_coefs_free(struct ic_coefs *coefs)
{
	free(coefs);
}

size_t ic_coefs_nbytes(const struct ic_coefs *coefs)
{
	return sizeof *coefs + coefs->nbytes;
}

/* --- Giving ------------------------------------------------------------------------------------------------------- */

const struct ic_jpeg_info *coefs_info(const struct ic_coefs *coefs)
{
	return &coefs->info;
}

struct jpeg_plane coefs_plane(const struct ic_coefs *coefs, unsigned component)
{
	return coefs->plane[component];
}

unsigned coefs_flags(const struct ic_coefs *coefs)
{
	return coefs->flags;
}

/* Into a block of zeros. */
static const uint8_t *get_block(const uint8_t *at, int16_t block[64])
{
	unsigned rows = at[0], wide = at[1];
	at += 2;
	for (; rows; rows &= rows - 1) {
		unsigned v = (unsigned)__builtin_ctz(rows);
		int16_t *row = block + v * 8;
		if (wide >> v & 1) {
			memcpy(row, at, 16);
			at += 16;
		} else {
			for (unsigned u = 0; u < 8; u++)
				row[u] = (int8_t)at[u];
			at += 8;
		}
	}
	return at;
}

errint_t coefs_each_row(const struct ic_coefs *coefs, jpeg_row_fn *visit, void *context, struct ic_why *why)
{
	uint32_t nrows[4] = {0}, widest = 1;
	for (unsigned c = 0; c < coefs->info.ncomponents; c++)
		widest = coefs->plane[c].block_cols > widest ? coefs->plane[c].block_cols : widest;
	int16_t(*blocks)[64] = malloc(widest * sizeof *blocks);
	if (!blocks)
		return ic_fail(why, -ENOMEM, "out of memory for a row of %u blocks", widest);
	for (const uint8_t *at = coefs->bytes, *end = at + coefs->nbytes; at < end;) {
		unsigned c = *at++;
		uint32_t ncols = coefs->plane[c].block_cols;
		memset(blocks, 0, ncols * sizeof *blocks);
		for (uint32_t col = 0; col < ncols; col++)
			at = get_block(at, blocks[col]);
		visit(context, &(struct jpeg_row){c, nrows[c]++, (const int16_t(*)[64])blocks, coefs->steps[c]});
	}
	free(blocks);
	return 0;
}
